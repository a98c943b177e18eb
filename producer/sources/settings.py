"""What the producer reads from the environment about live sources."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from kafka_cluster.settings import KafkaSettings

Kind = Literal["dataset", "host", "exporter", "prometheus"]


class SourceSettings(KafkaSettings):
    """Which source, how often it is looked at, and how a server is reached."""

    # dataset: the replay of series from files; host: this machine; exporter: a page of metrics in Prometheus's format,
    # such as a node exporter's or Telegraf's; prometheus: the API of a Prometheus server.
    source: Kind = "dataset"
    source_every_s: float = Field(default=10.0, ge=0.05)  # seconds from one look to the next
    source_key: str | None = None  # key of the records; none: the host's name, or the host and port of SOURCE_URL
    source_url: str | None = None  # of the exporter's page, or of the Prometheus server
    source_series: Path | None = None  # a YAML file: which series is which metric; docs/how-to/sources.md
    source_timeout_s: float = Field(default=5.0, gt=0)  # for a whole answer
    source_user: str | None = None  # for basic authentication
    source_password: SecretStr | None = None
    source_password_file: Path | None = None  # read at every request, so that a new one counts at once
    source_token: SecretStr | None = None  # sent as a bearer
    source_token_file: Path | None = None
    source_ca_file: Path | None = None  # certificates to trust instead of the system's
    # A Prometheus server's past is sent first, as far back as this; and what was missed while it was away. 0: none.
    source_backfill_s: float = Field(default=0.0, ge=0)
    heartbeat_file: Path | None = None

    @field_validator("source_url")
    @classmethod
    def _is_http(cls, given: str | None) -> str | None:
        if given is None:
            return given
        if not given.startswith(("http://", "https://")) or not urlsplit(given).hostname:
            raise ValueError("must be an address such as http://127.0.0.1:9100/metrics")
        return given

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> Self:
        if self.source in ("exporter", "prometheus"):
            for name in ("source_url", "source_series"):
                if getattr(self, name) is None:
                    raise ValueError(f"{name.upper()} is needed for SOURCE={self.source}")
        if self.source_backfill_s and self.source != "prometheus":
            raise ValueError("SOURCE_BACKFILL_S is for SOURCE=prometheus: nothing else knows its past")
        return self

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if "@" in urlsplit(self.source_url or "").netloc:  # said here, where what was given is not shown
            raise ValueError("SOURCE_URL must not hold a password: SOURCE_USER and SOURCE_PASSWORD are for that")
        for name in ("password", "token"):
            if getattr(self, f"source_{name}") is not None and getattr(self, f"source_{name}_file") is not None:
                raise ValueError(f"SOURCE_{name.upper()} and SOURCE_{name.upper()}_FILE exclude each other, set one")
        has_password = self.source_password is not None or self.source_password_file is not None
        has_token = self.source_token is not None or self.source_token_file is not None
        if (self.source_user is None) == has_password:
            raise ValueError("SOURCE_USER and SOURCE_PASSWORD (or its file) go together")
        if has_password and has_token:
            raise ValueError("a password and a token exclude each other, set one")
        return self

    @property
    def key(self) -> str:
        """Of records that nothing else gives a key."""
        if self.source_key:
            return self.source_key
        return socket.gethostname() if self.source_url is None else urlsplit(self.source_url).netloc
