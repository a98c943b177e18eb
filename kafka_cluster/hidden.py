"""What never appears in a log: the values of secret settings, and passwords inside addresses."""

from __future__ import annotations

import json
import re

SHORTEST = 4  # characters; hiding every "a" would leave no line readable
STARS = "***"
_IN_ADDRESS = re.compile(r"(://[^\s/:@]*:)[^\s/@]+@")
_values: set[str] = set()


def remember(value: str) -> None:
    """Hide this text from now on, and, of `user:password`, the password alone too."""
    for part in (value, value.partition(":")[2]):
        if len(part) >= SHORTEST:
            # As it stands, as JSON writes it, and as Python's repr does.
            _values.update((part, json.dumps(part)[1:-1], json.dumps(part, ensure_ascii=False)[1:-1], repr(part)[1:-1]))


def hide(text: str) -> str:
    """The text with stars in place of each of them. The longest go first: one may be part of another."""
    for value in sorted(_values, key=len, reverse=True):
        text = text.replace(value, STARS)
    return _IN_ADDRESS.sub(rf"\1{STARS}@", text)
