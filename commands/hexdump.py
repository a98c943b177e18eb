"""Bytes for a person: offset, hexadecimal, ASCII."""

from __future__ import annotations

from collections.abc import Iterator

WIDTH = 16
LIMIT = 1_024  # bytes that are shown


def hexdump(content: bytes, limit: int = LIMIT) -> Iterator[str]:
    """One line for each 16 bytes, and one more that counts those past the limit."""
    for start in range(0, min(len(content), limit), WIDTH):
        part = content[start : min(start + WIDTH, limit)]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)  # noqa: PLR2004 - printable ASCII
        yield f"{start:06x}  {part.hex(' '):<{3 * WIDTH - 1}}  {text}"
    if len(content) > limit:
        yield f"… {len(content) - limit} bytes more"
