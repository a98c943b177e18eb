"""Settings: read from the environment once, frozen, and complaining by name."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from kafka_cluster import hidden
from kafka_cluster.errors import SettingsError
from kafka_cluster.log import LogFormat

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
SecurityProtocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]


class Settings(BaseSettings):
    """What every program of the lab reads. A field `x_y` is the environment variable `X_Y`."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    log_format: LogFormat = "console"
    log_level: LogLevel = "INFO"

    @classmethod
    def read(cls, **overrides: Any) -> Self:
        """Read the environment; `overrides` (command line flags that were given) win over it.

        Raises SettingsError, which names each variable that is wrong, why, and, unless it is a secret, what was given.
        The values of secrets appear in no log from here on.
        """
        given = {name: value for name, value in overrides.items() if value is not None}
        try:
            read = cls(**given)
        except ValidationError as error:
            complaints = "; ".join(_complaint(detail, cls._secrets()) for detail in error.errors())
            raise SettingsError("settings", complaints) from None
        for value in vars(read).values():
            if isinstance(value, SecretStr):
                hidden.remember(value.get_secret_value())
        return read

    @classmethod
    def _secrets(cls) -> set[str]:
        """The fields whose values nobody is to see."""
        return {
            name
            for name, field in cls.model_fields.items()
            if SecretStr in (field.annotation, *get_args(field.annotation))
        }


def split_names(text: str) -> tuple[str, ...]:
    """The names of a comma-separated list."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _complaint(detail: Any, secrets: set[str]) -> str:
    field = str(detail["loc"][0]) if detail["loc"] else ""
    name, reason = field.upper(), str(detail["msg"])
    if detail["type"] == "missing":
        return f"{name} is required"
    reason = reason.removeprefix("Value error, ").replace("Input should be", "must be")
    reason = reason.replace("greater than or equal to", ">=").replace("less than or equal to", "<=")
    reason = reason.replace("greater than", ">").replace("less than", "<")
    if not field:  # what was given is then every setting there is
        return reason
    return f"{name} {reason}" + ("" if field in secrets else f", got {detail['input']!r}")


class KafkaSettings(Settings):
    """How to reach the broker and the Schema Registry, and what the topics are called."""

    kafka_bootstrap_servers: str = "127.0.0.1:9092"
    kafka_security_protocol: SecurityProtocol = "PLAINTEXT"
    kafka_sasl_mechanism: str | None = None
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ssl_ca_location: str | None = None
    schema_registry_url: str = "http://127.0.0.1:8081"
    schema_registry_basic_auth: SecretStr | None = None  # user:password

    # The metric fields of the records, in order, comma-separated; the CloudWatch set has a schema file of its own.
    metrics: Annotated[tuple[str, ...], NoDecode, Field(min_length=1)] = ("network", "disk", "cpu")

    metrics_topic: str = "metrics"
    events_topic: str = "events"
    connections_topic: str = "connections"
    anomalies_topic: str = "anomalies"
    incidents_topic: str = "incidents"
    verdicts_topic: str = "verdicts"
    models_topic: str = "models"
    dead_letters_topic: str = "dead-letters"

    # The longest wait for servers that are not up yet before a program gives up, in seconds.
    startup_timeout_s: float = Field(default=60.0, gt=0)

    # Where a long-running program serves Prometheus metrics of itself: 0 takes any free port, which the log tells.
    # Not given: nowhere, and nothing is counted for it.
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    metrics_host: str = "127.0.0.1"  # the address it listens on; a container's is reached from its network alone
    # A program that ends by itself waits so long for one more scrape, so that its last figures are seen.
    metrics_linger_s: float = Field(default=0.0, ge=0)

    # Traces: off, or sent by OTLP over HTTP to a collector such as Jaeger.
    traces: Literal["off", "otlp"] = "off"
    trace_sample: float = Field(default=0.01, ge=0, le=1)  # share of the records that a producer marks, and at most …
    trace_limit: float = Field(default=20.0, gt=0)  # … so many a second
    # The collector; /v1/traces is added. OTEL_EXPORTER_OTLP_HEADERS and the like are heeded too.
    otel_exporter_otlp_endpoint: str = Field(default="http://127.0.0.1:4318", pattern=r"^https?://[^\s/]+")

    @field_validator("metrics", mode="before")
    @classmethod
    def _metric_names(cls, given: object) -> object:
        return split_names(given) if isinstance(given, str) else given

    def librdkafka(self) -> dict[str, str]:
        """The connection part of a librdkafka configuration."""
        password = self.kafka_sasl_password
        wanted = {
            "bootstrap.servers": self.kafka_bootstrap_servers,
            "security.protocol": self.kafka_security_protocol,
            "sasl.mechanism": self.kafka_sasl_mechanism,
            "sasl.username": self.kafka_sasl_username,
            "sasl.password": password.get_secret_value() if password else None,
            "ssl.ca.location": self.kafka_ssl_ca_location,
        }
        return {name: value for name, value in wanted.items() if value is not None}
