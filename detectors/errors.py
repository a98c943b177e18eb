"""The errors of the maths that a person reads: the thing, the reason, the way out."""

from __future__ import annotations


class DetectorError(Exception):
    """A model, a bundle or training data that cannot be used. One clear line, no traceback."""

    def __init__(self, thing: str, reason: str, way_out: str = "") -> None:
        super().__init__(f"{thing}: {reason}" + (f"; {way_out}" if way_out else ""))
