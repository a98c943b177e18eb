"""Secrets: from the environment, or the file that `<NAME>_FILE` names; and kept out of the log."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from pydantic import SecretStr

from detectors.config_file import ConfigError
from kafka_cluster import hidden

SHORTEST = 12  # parts of an address that are shorter are words, or are hidden with the rest of it
_SEPARATORS = re.compile(r"[/?&=@:,;\s]+")


def read(names: Mapping[str, str], environment: Mapping[str, str] = os.environ) -> dict[str, SecretStr]:
    """By what it is for, the secret; no log shows it from here on. Raises ConfigError, with the variable alone."""
    return {purpose: _one(name, environment) for purpose, name in names.items()}


def _one(name: str, environment: Mapping[str, str]) -> SecretStr:
    value = environment.get(name, "")
    if not value and (file := environment.get(f"{name}_FILE")):
        try:
            value = Path(file).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{name}_FILE", f"cannot be read ({type(error).__name__})") from None
    if not value:
        raise ConfigError(name, "is not set", f"set it, or {name}_FILE to the path of a file that holds it")
    _hide(value)
    return SecretStr(value)


def _hide(value: str) -> None:
    """Also the parts of an address that are its secret, and as addresses write them: libraries show those alone."""
    address = urlsplit(value)
    long = {part for part in _SEPARATORS.split(value) if len(part) >= SHORTEST}
    for part in {value, address.path, address.password or "", *(long - {address.netloc, address.hostname})}:
        for text in {part, quote(part), quote(part, safe=""), unquote(part)}:
            hidden.remember(text)
