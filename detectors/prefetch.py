"""A hint to the processor: this memory will be read soon. It changes no result."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_READ, _SOON, _DATA = 0, 3, 1  # the last three arguments of llvm.prefetch


_cgutils: Any = cgutils  # it has no types


def _prefetch(typing: Any, array: Any, index: Any) -> Any:  # noqa: ARG001 - the typing context belongs to the protocol
    """`prefetch(array, index)`: begin to load the cache line of element `index` of a one-dimensional array.

    For compiled functions only. Out of bounds it does nothing.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, arguments[0])
        address = _cgutils.get_item_pointer(context, builder, signature.args[0], made, [arguments[1]])
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        hint = _cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(hint, [builder.bitcast(address, byte), number(_READ), number(_SOON), number(_DATA)])
        return context.get_dummy_value()

    return types.none(array, index), generate


prefetch: Any = intrinsic(_prefetch)
