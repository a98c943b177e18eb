"""What everything that the API gives and takes has in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """Never changes once made; refuses what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")
