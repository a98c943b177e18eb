"""A registry in memory, for unit tests; it keeps the same promises as the real one (tests/contract)."""

from __future__ import annotations

import json
from typing import Any

from kafka_cluster.errors import LabError
from kafka_cluster.registry import EVOLVE, RegistryAwayError, UnknownSchemaError
from kafka_cluster.schemas import AvroSchema

_WIDER = {"int": {"long", "float", "double"}, "long": {"float", "double"}, "float": {"double"}}


class MemoryRegistry:
    """Ids count from 1; the same text has the same id under every subject."""

    def __init__(self) -> None:
        self.away = False
        self._ids: dict[str, int] = {}
        self._versions: dict[str, list[AvroSchema]] = {}

    def schema(self, schema_id: int) -> AvroSchema:
        """The schema with that id."""
        self._must_answer()
        for text, known in self._ids.items():
            if known == schema_id:
                schema: AvroSchema = json.loads(text)
                return schema
        raise UnknownSchemaError(f"schema id {schema_id}", "the registry does not know it")

    def versions(self, subject: str) -> list[AvroSchema]:
        """Every version registered under `subject`, newest first."""
        self._must_answer()
        if subject not in self._versions:
            raise UnknownSchemaError(f"subject {subject!r}", "the registry does not know it")
        return self._versions[subject][::-1]

    def register(self, subject: str, schema: AvroSchema) -> int:
        """The id of the schema under `subject`; BACKWARD means that it reads what the version before it wrote."""
        self._must_answer()
        versions = self._versions.setdefault(subject, [])
        if versions and schema not in versions and (reason := _incompatible(versions[-1], schema)):
            raise LabError(f"subject {subject!r}", f"refused by the registry: {reason}", EVOLVE)
        if schema not in versions:
            versions.append(schema)
        return self._ids.setdefault(json.dumps(schema), len(self._ids) + 1)

    def _must_answer(self) -> None:
        if self.away:
            raise RegistryAwayError("Schema Registry", "does not answer")


def _incompatible(writer: AvroSchema, reader: AvroSchema) -> str | None:
    """Why a reader cannot read what a writer wrote; flat records only."""
    if writer["name"] != reader["name"] and writer["name"] not in reader.get("aliases", ()):
        return f"the record {writer['name']!r} is now {reader['name']!r}"
    written = {field["name"]: field["type"] for field in writer["fields"]}
    for field in reader["fields"]:
        name = next((name for name in (field["name"], *field.get("aliases", ())) if name in written), None)
        if name is None and "default" not in field:
            return f"field {field['name']!r} is new without a default"
        if name is not None and not _readable(written[name], field["type"]):
            return f"field {field['name']!r} changed its type"
    return None


def _readable(writer: Any, reader: Any) -> bool:
    readers = reader if isinstance(reader, list) else [reader]
    return all(
        any(one == other or (isinstance(one, str) and other in _WIDER.get(one, ())) for other in readers)
        for one in (writer if isinstance(writer, list) else [writer])
    )
