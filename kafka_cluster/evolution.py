"""What the versions of a subject say about the fields that are asked for: their other names, and their defaults.

A field that was renamed with an alias is one field under two names, whichever of them is asked for. Names follow from
version to version (cpu, then load with the alias cpu, then usage with the alias load). The newest version that has the
field says its default, so a field that was dropped keeps the default it had.

Types are not looked at: a number is a number, and what a record decodes to depends on its own schema alone. That a
type may change at all is the registry's compatibility rule to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kafka_cluster.registry import Registry, UnknownSchemaError
from kafka_cluster.schemas import TIMESTAMP, AvroSchema

Evolution = dict[str, AvroSchema]  # by field asked for: that field with all its other names, as a reader would have it


def evolution(versions: Sequence[Any], asked: Sequence[str]) -> Evolution:
    """What is known of the fields `asked`; `versions` come newest first. What is no record says nothing."""
    fields = [field for version in versions for field in _fields(version)]
    known = {}
    for name in asked:
        family = _family(name, fields)
        if found := next((field for field in fields if field["name"] in family), None):
            known[name] = {**found, "name": name, "aliases": family[1:]}
    return known


def registered(registry: Registry, subject: str, metrics: Sequence[str], keep: Sequence[str] = ()) -> Evolution:
    """What is registered under a subject now; nothing where there is no such subject. Raises RegistryAwayError."""
    try:
        versions = registry.versions(subject)
    except UnknownSchemaError:  # registered under another subject: the fields are found by their own names
        return {}
    return evolution(versions, [*metrics, TIMESTAMP, *keep])


def _fields(version: Any) -> Iterator[AvroSchema]:
    if isinstance(version, dict) and version.get("type") == "record":
        yield from version["fields"]


def _family(name: str, fields: list[AvroSchema]) -> list[str]:
    """The name, then every other that a rename with an alias ties to it, nearest first."""
    family = [name]
    for member in family:  # grows while it is walked through
        for field in fields:
            names = [field["name"], *field.get("aliases", ())]
            if member in names:
                family += [other for other in names if other not in family]
    return family
