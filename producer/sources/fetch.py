"""Getting an answer over HTTP: in time, of bounded size, with what it takes to be let in, and no secret in words."""

from __future__ import annotations

import ssl
from base64 import b64encode
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx2
from pydantic import SecretStr

from kafka_cluster.clock import Clock
from kafka_cluster.errors import LabError
from producer.sources.settings import SourceSettings
from producer.sources.source import SourceAwayError

LARGEST_BYTES = 32 << 20
UNAUTHORIZED, FORBIDDEN = 401, 403


class Answer(NamedTuple):
    """Status and body."""

    status: int
    body: bytes


class Fetcher:
    """One server. `name` stands in its errors."""

    def __init__(
        self, settings: SourceSettings, name: str, clock: Clock, transport: httpx2.BaseTransport | None = None
    ) -> None:
        """`transport` is for tests. Raises LabError when the certificates cannot be used."""
        self._settings, self._name, self._clock = settings, name, clock
        self._client = httpx2.Client(
            timeout=settings.source_timeout_s,
            verify=_context(settings.source_ca_file),
            transport=transport,
            trust_env=False,  # an environment's proxy is for going out; Prometheus does not use it either
        )

    def get(self, url: str, params: dict[str, str] | None = None, accept: str = "application/json") -> Answer:
        """Whatever the server answers but a refusal. Raises SourceAwayError."""
        deadline = self._clock.monotonic() + self._settings.source_timeout_s
        headers = {"accept": accept, **self._authorization()}
        try:
            with self._client.stream("GET", url, params=params, headers=headers) as response:
                if response.status_code in (UNAUTHORIZED, FORBIDDEN):
                    way_out = "SOURCE_USER with SOURCE_PASSWORD, or SOURCE_TOKEN, lets in"
                    raise SourceAwayError(self._name, f"refuses ({response.status_code})", way_out)
                return Answer(response.status_code, self._read(response, deadline))
        except httpx2.HTTPError as error:
            why = str(error) or type(error).__name__
            raise SourceAwayError(self._name, f"does not answer ({why})") from None

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _read(self, response: httpx2.Response, deadline: float) -> bytes:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > LARGEST_BYTES:
                raise SourceAwayError(self._name, f"answers with more than {LARGEST_BYTES >> 20} MiB")
            if self._clock.monotonic() > deadline:  # httpx counts each wait by itself
                raise SourceAwayError(self._name, f"does not answer in {self._settings.source_timeout_s:g} s")
        return bytes(body)

    def _authorization(self) -> dict[str, str]:
        settings = self._settings
        token = self._secret(settings.source_token, settings.source_token_file)
        if token is not None:
            return {"authorization": f"Bearer {token}"}
        password = self._secret(settings.source_password, settings.source_password_file)
        if settings.source_user is None or password is None:
            return {}
        pair = b64encode(f"{settings.source_user}:{password}".encode()).decode()
        return {"authorization": f"Basic {pair}"}

    def _secret(self, given: SecretStr | None, file: Path | None) -> str | None:
        if file is None:
            return None if given is None else given.get_secret_value()
        try:
            return file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SourceAwayError(self._name, f"no secret in {file} ({type(error).__name__})") from None


def shown(url: str) -> str:
    """An address without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _context(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise LabError("SOURCE_CA_FILE", f"{ca_file} cannot be used ({error})") from None
