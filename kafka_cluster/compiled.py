"""Compilation of hot loops: numba behind one typed decorator.

The same few lines stand in `detectors`: neither folder may import the other, and both have a hot loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """`function` as machine code: no Python objects, no GIL; cached on disk, so only the first run ever compiles."""
    return cast(F, numba.njit(function, cache=True, nogil=True, fastmath=False, error_model="numpy"))
