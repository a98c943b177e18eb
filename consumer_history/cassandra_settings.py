"""How to reach Cassandra, and how the history is kept there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from kafka_cluster.settings import Settings, split_names

Consistency = Literal["ONE", "TWO", "THREE", "QUORUM", "ALL", "LOCAL_ONE", "LOCAL_QUORUM", "EACH_QUORUM"]
MONTH_S = 30 * 24 * 3600
LONGEST_TTL_S = 20 * 365 * 24 * 3600  # Cassandra's own limit


class CassandraSettings(Settings):
    """A field `x_y` is the environment variable `X_Y`."""

    cassandra_contact_points: Annotated[tuple[str, ...], NoDecode, Field(min_length=1)] = ("127.0.0.1",)
    cassandra_port: int = Field(default=9042, ge=1, le=65535)
    cassandra_local_dc: str = Field(default="datacenter1", min_length=1)
    cassandra_username: str | None = None
    cassandra_password: SecretStr | None = None
    # TLS is on when there is a CA to check the servers by; certificate and key are for servers that ask for them.
    cassandra_tls_ca: Path | None = None
    cassandra_tls_certificate: Path | None = None
    cassandra_tls_key: Path | None = None
    cassandra_tls_check_host: bool = True

    cassandra_keyspace: str = Field(default="anomaly_lab", pattern=r"^[a-z][a-z0-9_]{0,47}$")
    # Copies in the local datacenter, when the keyspace is made; a keyspace that is there already keeps its own.
    cassandra_replication_factor: int = Field(default=1, ge=1, le=16)
    cassandra_consistency: Consistency = "LOCAL_QUORUM"
    history_ttl_s: int = Field(default=MONTH_S, ge=0, le=LONGEST_TTL_S)  # 0: kept for ever

    history_in_flight: int = Field(default=16, ge=1, le=1024)  # requests at a time
    history_rows_a_request: int = Field(default=2_000, ge=1, le=10_000)  # rows store: statements of one batch
    history_events_a_chunk: int = Field(default=8_192, ge=1, le=100_000)
    history_attempts: int = Field(default=3, ge=1, le=100)  # of one request, before the store counts as away
    history_timeout_s: float = Field(default=5.0, gt=0)  # of one attempt

    @field_validator("cassandra_contact_points", mode="before")
    @classmethod
    def _contact_points(cls, given: object) -> object:
        return split_names(given) if isinstance(given, str) else given

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if (self.cassandra_username is None) != (self.cassandra_password is None):
            raise ValueError("CASSANDRA_USERNAME and CASSANDRA_PASSWORD go together")
        if (self.cassandra_tls_certificate is None) != (self.cassandra_tls_key is None):
            raise ValueError("CASSANDRA_TLS_CERTIFICATE and CASSANDRA_TLS_KEY go together")
        if self.cassandra_tls_certificate is not None and self.cassandra_tls_ca is None:
            raise ValueError("CASSANDRA_TLS_CERTIFICATE is of no use without CASSANDRA_TLS_CA")
        return self
