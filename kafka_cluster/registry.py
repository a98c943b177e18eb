"""The Schema Registry: schemas by id, registration, and the difference between "away" and "unknown"."""

from __future__ import annotations

import json
import re
from typing import Protocol, Self

import httpx2
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError

from kafka_cluster.errors import LabError
from kafka_cluster.schemas import AvroSchema
from kafka_cluster.settings import KafkaSettings

HTTP_NOT_FOUND = 404
HTTP_CONFLICT = 409
HTTP_SERVER_ERROR = 500
COMPATIBILITY = "BACKWARD"
EVOLVE = "a new field needs a default, a renamed one an alias; types may only widen (docs/how-to/schema-evolution.md)"
_JAVA_CLASS = re.compile(r"^(?:[a-z]\w*\.)+[A-Z]\w*: ")


def subject_of(topic: str) -> str:
    """The subject of a topic's values, by the serializers' default strategy (TopicNameStrategy)."""
    return f"{topic}-value"


class RegistryAwayError(LabError):
    """The registry does not answer: wait and try again, the record may be fine."""


class UnknownSchemaError(LabError):
    """The registry answers, and has no schema of that id: the record is bad."""


class Registry(Protocol):
    """What codec and one-shots need of a registry. Both kinds pass tests/contract/test_registry.py."""

    def schema(self, schema_id: int) -> AvroSchema:
        """The schema with that id. Raises UnknownSchemaError or RegistryAwayError."""

    def register(self, subject: str, schema: AvroSchema) -> int:
        """The id of the schema under `subject`, registered if it is new there.

        Raises LabError with the registry's own words when it is not BACKWARD compatible, RegistryAwayError
        when the registry does not answer.
        """

    def versions(self, subject: str) -> list[AvroSchema]:
        """Every version registered under `subject`, newest first. Raises UnknownSchemaError or RegistryAwayError."""


class HttpRegistry:
    """A registry with Confluent's API (Confluent's own, Apicurio's ccompat, Karapace)."""

    def __init__(self, settings: KafkaSettings) -> None:
        conf: dict[str, object] = {"url": settings.schema_registry_url, "timeout": 10, "max.retries": 0}
        if settings.schema_registry_basic_auth is not None:
            conf["basic.auth.user.info"] = settings.schema_registry_basic_auth.get_secret_value()
        self._url = settings.schema_registry_url
        self._client = SchemaRegistryClient(conf)
        self._schemas: dict[int, AvroSchema] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def schema(self, schema_id: int) -> AvroSchema:
        """The schema with that id, asked for once."""
        if schema_id not in self._schemas:
            try:
                answer = self._client.get_schema(schema_id)
            except (SchemaRegistryError, httpx2.HTTPError, OSError) as error:
                raise self._explained(error, f"schema id {schema_id}") from None
            self._schemas[schema_id] = json.loads(answer.schema_str or "null")
        return self._schemas[schema_id]

    def register(self, subject: str, schema: AvroSchema) -> int:
        """The id of the schema under `subject`."""
        try:
            return int(self._client.register_schema(subject, Schema(json.dumps(schema), "AVRO")))
        except (SchemaRegistryError, httpx2.HTTPError, OSError) as error:
            raise self._explained(error, f"subject {subject!r}") from None

    def versions(self, subject: str) -> list[AvroSchema]:
        """Every version registered under `subject`, newest first; without those that are no JSON."""
        try:
            numbers = sorted(self._client.get_versions(subject), reverse=True)
            answers = [self._client.get_version(subject, number) for number in numbers]
        except (SchemaRegistryError, httpx2.HTTPError, OSError) as error:
            raise self._explained(error, f"subject {subject!r}") from None
        texts = [answer.schema.schema_str or "" for answer in answers]
        return [json.loads(text) for text in texts if text[:1] in ("{", "[", '"')]

    def ready(self) -> bool:
        """True once the registry answers."""
        try:
            self._client.get_subjects()
        except (SchemaRegistryError, httpx2.HTTPError, OSError):
            return False
        return True

    def demand_backward_compatibility(self, subject: str) -> None:
        """Set the level of a subject that has a version; the registry's global level is not ours to set."""
        try:
            self._client.set_compatibility(subject_name=subject, level=COMPATIBILITY)
        except (SchemaRegistryError, httpx2.HTTPError, OSError) as error:
            raise self._explained(error, f"compatibility level of {subject!r}") from None

    def _explained(self, error: Exception, thing: str) -> LabError:
        if isinstance(error, SchemaRegistryError) and error.http_status_code == HTTP_NOT_FOUND:
            return UnknownSchemaError(thing, f"the registry at {self._url} does not know it")
        if isinstance(error, SchemaRegistryError) and 0 < error.http_status_code < HTTP_SERVER_ERROR:
            way_out = EVOLVE if error.http_status_code == HTTP_CONFLICT else ""
            return LabError(thing, f"refused by the registry: {_words(error.error_message)}", way_out)
        return RegistryAwayError(f"Schema Registry {self._url}", f"does not answer ({error})", "is it up?")


def _words(message: str) -> str:
    """What the registry says, on one line, without the name of the Java class that says it."""
    return " ".join(_JAVA_CLASS.sub("", message).split())
