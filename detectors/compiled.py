"""Compilation of hot loops: numba behind one typed decorator.

The machine code is cached beside the source, or where NUMBA_CACHE_DIR says; the first call of a process loads or
compiles it, so callers warm their kernels before the first record.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """`function` as machine code: no Python objects, no GIL, IEEE arithmetic in the order written."""
    return cast(F, numba.njit(function, cache=True, nogil=True, fastmath=False, error_model="numpy"))
