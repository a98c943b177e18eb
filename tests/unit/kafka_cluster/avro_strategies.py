"""Schemas of all kinds, and bytes that are valid for them, as hypothesis strategies."""

from __future__ import annotations

import struct
from typing import Any

from hypothesis import strategies as st

METRICS = ("a", "b")
KEPT = "host"
ENUM = {"type": "enum", "name": "Colour", "symbols": ["RED", "GREEN", "BLUE"]}
FIXED = {"type": "fixed", "name": "Four", "size": 4}
INSTANTS = [{"type": "long", "logicalType": f"timestamp-{unit}"} for unit in ("millis", "micros", "nanos")]
NUMBERS = ["boolean", "int", "long", "float", "double"]
TEXTS = ["string", "bytes", {**ENUM, "name": "KeptColour"}, {**FIXED, "name": "KeptFour"}]
LEAF = {"type": "record", "name": "Leaf", "fields": [{"name": "x", "type": ["null", "long"]}]}
RICH = [
    {"type": "array", "items": "int"},
    {"type": "array", "items": "null"},
    {"type": "map", "values": ["null", "string"]},
    LEAF,
    ["null", {**LEAF, "name": "OtherLeaf"}, "string"],
    {"type": "array", "items": {"type": "map", "values": "boolean"}},
]


def nullable(types: list[Any]) -> st.SearchStrategy[Any]:
    one = st.sampled_from(types)
    return one | one.map(lambda branch: ["null", branch]) | one.map(lambda branch: [branch, "null"])


number_types = nullable(NUMBERS) | st.lists(st.sampled_from([*NUMBERS, "null"]), min_size=2, unique=True).filter(
    lambda branches: branches != ["null"]
)
extra_types = nullable([*NUMBERS, "string", "bytes", *INSTANTS])


@st.composite
def schemas(draw: st.DrawFn, *, rich: bool = False) -> dict[str, Any]:
    """A record with the metrics, the timestamp, a kept field and others, in any order."""
    types = {name: draw(number_types) for name in METRICS}
    types["timestamp"] = draw(nullable(["int", "long", *INSTANTS]))
    types[KEPT] = draw(nullable(TEXTS))
    types |= {f"extra{k}": one for k, one in enumerate(draw(st.lists(extra_types, max_size=3)))}
    types |= {"colour": draw(nullable([ENUM])), "again": "Colour"} if draw(st.booleans()) else {}
    types |= {"four": draw(nullable([FIXED]))} if draw(st.booleans()) else {}
    names = draw(st.permutations([name for name in types if name not in ("colour", "again")]))
    names += [name for name in ("colour", "again") if name in types]  # defined before it is named
    if rich:
        types["rich"] = draw(st.sampled_from(RICH))
        names.insert(draw(st.integers(0, len(names))), "rich")
    return {"type": "record", "name": "R", "fields": [{"name": name, "type": types[name]} for name in names]}


def zigzag(number: int, *, padding: int = 0) -> bytes:
    """The integer in as few bytes as it takes, and `padding` more."""
    raw = number * 2 if number >= 0 else -number * 2 - 1
    groups = [raw % 128]
    while raw := raw // 128:
        groups.append(raw % 128)
    groups += [0] * padding
    return bytes([group + 128 for group in groups[:-1]] + groups[-1:])


@st.composite
def bodies(draw: st.DrawFn, schema: Any) -> bytes:
    """Bytes that are one value of `schema`."""
    if isinstance(schema, list):
        branch = draw(st.integers(0, len(schema) - 1))
        return zigzag(branch) + draw(bodies(schema[branch]))
    kind = schema["type"] if isinstance(schema, dict) else schema
    if kind == "record":
        return b"".join([draw(bodies(field["type"])) for field in schema["fields"]])
    if kind in ("array", "map"):
        return b"".join(draw(st.lists(blocks(schema), max_size=2))) + b"\0"
    return draw(simple(kind))


@st.composite
def blocks(draw: st.DrawFn, schema: Any) -> bytes:
    item = bodies(schema.get("items", schema.get("values")))
    if schema["type"] == "map":
        item = st.builds(lambda key, value: key + value, simple("string"), item)
    items = draw(st.lists(item, min_size=1, max_size=3))
    content = b"".join(items)
    return (zigzag(-len(items)) + zigzag(len(content)) if draw(st.booleans()) else zigzag(len(items))) + content


def simple(kind: str) -> st.SearchStrategy[bytes]:
    sized = st.binary(max_size=6) if kind == "bytes" else st.text(max_size=4).map(str.encode)
    fixed_length = {
        "null": st.just(b""),
        "boolean": st.sampled_from([b"\0", b"\1"]),
        "int": st.integers(-(2**31), 2**31 - 1).map(zigzag),
        "long": st.integers(-(2**63), 2**63 - 1).map(zigzag),
        "float": st.floats(width=32).map(lambda number: struct.pack("<f", number)),
        "double": st.floats().map(lambda number: struct.pack("<d", number)),
        "enum": st.integers(0, 2).map(zigzag),
        "Colour": st.integers(0, 2).map(zigzag),
        "fixed": st.binary(min_size=4, max_size=4),
    }
    return fixed_length[kind] if kind in fixed_length else sized.map(lambda content: zigzag(len(content)) + content)


@st.composite
def damaged(draw: st.DrawFn, body: bytes) -> bytes:
    """The body cut short, made longer, changed in a byte or a stretch, or replaced; now and then still valid."""
    at = draw(st.integers(0, max(len(body) - 1, 0)))
    piece = draw(
        st.sampled_from([b"\x80", b"\x80\0", b"\xff" * 4, b"\xff" * 9, b"\xff" * 11, b"\x02", b"\x01", b"\xc0"])
    )
    return draw(
        st.sampled_from([body[:at], body[:at] + piece + body[at:], body[:at] + piece + body[at + 1 :], body + piece])
        | st.binary(min_size=1, max_size=1).map(lambda byte: body[:at] + byte + body[at + 1 :])
        | st.binary(max_size=30)
    )
