"""A registry in memory, for unit tests; it keeps the same promises as the real one (tests/contract)."""

from __future__ import annotations

import json

from kafka_cluster.errors import LabError
from kafka_cluster.registry import RegistryAwayError, UnknownSchemaError
from kafka_cluster.schemas import AvroSchema


class MemoryRegistry:
    """Ids count from 1; the same text has the same id under every subject."""

    def __init__(self) -> None:
        self.away = False
        self._ids: dict[str, int] = {}
        self._latest: dict[str, AvroSchema] = {}

    def schema(self, schema_id: int) -> AvroSchema:
        """The schema with that id."""
        self._must_answer()
        for text, known in self._ids.items():
            if known == schema_id:
                schema: AvroSchema = json.loads(text)
                return schema
        raise UnknownSchemaError(f"schema id {schema_id}", "the registry does not know it")

    def register(self, subject: str, schema: AvroSchema) -> int:
        """The id of the schema under `subject`; BACKWARD means that new fields have defaults."""
        self._must_answer()
        before = self._latest.get(subject)
        if before is not None:
            known = {field["name"]: field["type"] for field in before["fields"]}
            for field in schema["fields"]:
                if field["name"] not in known and "default" not in field:
                    raise LabError(f"subject {subject!r}", f"field {field['name']!r} is new without a default")
                if field["name"] in known and field["type"] != known[field["name"]]:
                    raise LabError(f"subject {subject!r}", f"field {field['name']!r} changed its type")
        self._latest[subject] = schema
        return self._ids.setdefault(json.dumps(schema), len(self._ids) + 1)

    def _must_answer(self) -> None:
        if self.away:
            raise RegistryAwayError("Schema Registry", "does not answer")
