"""Single machine instructions that Numba has no name for."""

from collections.abc import Callable
from typing import Any, TypeAlias, cast

import numpy as np
from llvmlite import ir
from numba import extending
from numba.core import cgutils, types
from numba.np import arrayobj
from numpy.typing import NDArray

from munmaek.ngram.compiled import Index

__all__ = ["copy16", "leading_zeros", "load8", "popcount", "prefetch", "store8", "trailing_zeros"]

# Numba and llvmlite come without types.
_ir, _types, _cgutils, _arrayobj = cast("Any", (ir, types, cgutils, arrayobj))
_intrinsic = cast("Any", extending).intrinsic

_Emit = Callable[[Any, Any, Any, Any], Any]
_Hint: TypeAlias = Callable[[NDArray[Any], Index], None]
_OfBits: TypeAlias = Callable[[Index], np.uint64]
_Copy: TypeAlias = Callable[[NDArray[np.uint8], Index, NDArray[np.uint8], Index], None]
_Get: TypeAlias = Callable[[NDArray[np.uint8], Index], np.uint64]
_Put: TypeAlias = Callable[[NDArray[np.uint8], Index, np.uint64], None]


def _prefetch(typing: object, array: Any, index: object) -> tuple[Any, _Emit]:
    del typing, index

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = _arrayobj.make_array(signature.args[0])(context, builder, arguments[0]).data
        address = builder.bitcast(builder.gep(data, [arguments[1]]), _cgutils.voidptr_t)
        flag = _ir.IntType(32)
        shape = _ir.FunctionType(_ir.VoidType(), [_cgutils.voidptr_t, flag, flag, flag])
        call = builder.module.declare_intrinsic("llvm.prefetch", [_cgutils.voidptr_t], shape)
        # For reading, to be kept near, in the cache of data.
        builder.call(call, [address, flag(0), flag(3), flag(1)])
        return context.get_dummy_value()

    return _types.void(array, _types.uint64), emit


def _popcount(typing: object, bits: object) -> tuple[Any, _Emit]:
    del typing, bits

    def emit(context: object, builder: Any, signature: object, arguments: Any) -> Any:
        del context, signature
        return builder.ctpop(arguments[0])

    return _types.uint64(_types.uint64), emit


def _trailing_zeros(typing: object, bits: object) -> tuple[Any, _Emit]:
    del typing, bits

    def emit(context: object, builder: Any, signature: object, arguments: Any) -> Any:
        del context, signature
        return builder.cttz(arguments[0], _ir.Constant(_ir.IntType(1), 0))

    return _types.uint64(_types.uint64), emit


def _leading_zeros(typing: object, bits: object) -> tuple[Any, _Emit]:
    del typing, bits

    def emit(context: object, builder: Any, signature: object, arguments: Any) -> Any:
        del context, signature
        return builder.ctlz(arguments[0], _ir.Constant(_ir.IntType(1), 0))

    return _types.uint64(_types.uint64), emit


def _address(context: Any, builder: Any, kind: Any, array: Any, index: Any, of: Any) -> Any:
    data = _arrayobj.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), of.as_pointer())


def _copy16(
    typing: object, source: Any, begin: object, target: Any, at: object
) -> tuple[Any, _Emit]:
    del typing, begin, at

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kinds, (given, begin, taken, at) = signature.args, arguments
        wide = _ir.IntType(128)
        read = _address(context, builder, kinds[0], given, begin, wide)
        written = _address(context, builder, kinds[2], taken, at, wide)
        builder.store(builder.load(read, align=1), written, align=1)
        return context.get_dummy_value()

    return _types.void(source, _types.int64, target, _types.int64), emit


def _load8(typing: object, source: Any, at: object) -> tuple[Any, _Emit]:
    del typing, at

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        given, at = arguments
        read = _address(context, builder, signature.args[0], given, at, _ir.IntType(64))
        return builder.load(read, align=1)

    return _types.uint64(source, _types.int64), emit


def _store8(typing: object, target: Any, at: object, content: object) -> tuple[Any, _Emit]:
    del typing, at, content

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        taken, at, content = arguments
        written = _address(context, builder, signature.args[0], taken, at, _ir.IntType(64))
        builder.store(content, written, align=1)
        return context.get_dummy_value()

    return _types.void(target, _types.int64, _types.uint64), emit


prefetch = cast("_Hint", _intrinsic(_prefetch))
"""Ask for the cache line of ``array[index]`` ahead of its use; any index is harmless."""
popcount = cast("_OfBits", _intrinsic(_popcount))
"""Count the set bits of a uint64."""
trailing_zeros = cast("_OfBits", _intrinsic(_trailing_zeros))
"""Count the zeros below the lowest set bit of a uint64; 64 for 0."""
leading_zeros = cast("_OfBits", _intrinsic(_leading_zeros))
"""Count the zeros above the highest set bit of a uint64; 64 for 0."""
copy16 = cast("_Copy", _intrinsic(_copy16))
"""Copy 16 bytes of an array from an index on to another array and index, both with that much room.

Nothing is checked: more than is wanted may be copied, to be written over by what follows.
"""
load8 = cast("_Get", _intrinsic(_load8))
"""The 8 bytes of an array from an index on as a uint64, the first one lowest. Nothing is checked.
"""
store8 = cast("_Put", _intrinsic(_store8))
"""Write the 8 bytes of a uint64 from an index on, the lowest first as all our processors have it.

Nothing is checked.
"""
