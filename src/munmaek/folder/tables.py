"""Arrays to and from safetensors files, piece by piece and without torch."""

import errno
import hashlib
import json
import math
import operator
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import ArtefactError
from munmaek.ngram.filling import LAST, PendingArray
from munmaek.progress import followed
from munmaek.text.json_files import parse_json

__all__ = ["load_tables", "save_tables"]

_PIECE, _LARGE_PIECE = 1 << 22, 1 << 27
"""Bytes written at a time: few of a mapped file; else many, for between two pieces the
interpreter's lock is waited for."""

_TYPES = {
    "bool": "BOOL",
    "uint8": "U8",
    "uint16": "U16",
    "int32": "I32",
    "uint32": "U32",
    "int64": "I64",
    "uint64": "U64",
    "float16": "F16",
    "float32": "F32",
    "float64": "F64",
}
"""The format's names of the types of arrays."""
_DTYPES = {name: dtype for dtype, name in _TYPES.items()}


def save_tables(
    tables: Mapping[str, NDArray[Any] | PendingArray],
    path: str | Path,
    *,
    release: Callable[[], None] | None = None,
) -> str:
    """Write arrays as safetensors, each straight from where it lies: no second copy is made.

    Args:
        tables: the arrays by name, some of which may still be being filled.
        path: the file.
        release: called after every piece, so that arrays of a mapped file need not stay in memory.

    Returns:
        The sha256 of the file, computed from the arrays while they are written.

    Raises:
        UnfilledError: an array was not filled.
    """
    # The widest types first, so that every array begins at a multiple of its own size.
    names = sorted(tables.keys() - set(LAST), key=lambda name: (-tables[name].dtype.itemsize, name))
    names += [name for name in LAST if name in tables]
    arrays = [tables[name] for name in names]
    head = _header(names, arrays)
    pieces = partial(_pieces, arrays, _LARGE_PIECE if release is None else _PIECE)
    with ThreadPoolExecutor(1) as beside, Path(path).open("wb") as file:
        hashed = beside.submit(_sha256, head, pieces(), release)
        size = sum(array.nbytes for array in arrays)
        _reserve(file.fileno(), len(head) + size)
        file.write(head)
        for piece in followed(pieces(), "writing", total=size, size=len):
            file.write(cast("Any", piece))
            if release is not None:
                release()
        return hashed.result()


def _reserve(file: int, size: int) -> None:
    """Reserve the room on disk, which is faster than growing a file, and fails at once."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file, 0, size)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise


def _header(names: Sequence[str], arrays: Sequence[NDArray[Any] | PendingArray]) -> bytes:
    header: dict[str, Any] = {}
    odd = {0: 0, 4: 0}  # bytes of arrays that begin elsewhere, where the data begin here
    at = 0
    for name, array in zip(names, arrays, strict=True):
        header[name] = {
            "dtype": _TYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [at, at + array.nbytes],
        }
        for begin in odd:
            odd[begin] += array.nbytes * ((begin + at) % array.dtype.itemsize > 0)
        at += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * ((min(odd, key=odd.__getitem__) - len(text)) % 8)
    return len(text).to_bytes(8, "little") + text


def _pieces(
    arrays: Sequence[NDArray[Any] | PendingArray], size: int
) -> Iterator[NDArray[np.uint8]]:
    for array in arrays:
        if isinstance(array, PendingArray):
            begin = 0
            while begin < array.size:
                final = array.beyond(begin)
                yield from _cut(_bytes_of(final), size)
                begin += len(final)
        else:
            yield from _cut(_bytes_of(array), size)


def _cut(content: NDArray[np.uint8], size: int) -> Iterator[NDArray[np.uint8]]:
    for begin in range(0, len(content), size):
        yield content[begin : begin + size]


def _bytes_of(array: NDArray[Any]) -> NDArray[np.uint8]:
    little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    return little.reshape(-1).view(np.uint8)


def _sha256(
    head: bytes, pieces: Iterator[NDArray[np.uint8]], release: Callable[[], None] | None
) -> str:
    digest = hashlib.sha256(head)
    for piece in pieces:
        digest.update(cast("Any", piece))
        if release is not None:
            release()
    return digest.hexdigest()


def load_tables(path: Path) -> dict[str, NDArray[Any]]:
    """Open the arrays of a safetensors file, memory-mapped: nothing is read until it is used.

    Only the header is looked at, and that every array lies within the file.

    Raises:
        ArtefactError: the file is not safetensors, is truncated, or cannot be read.
        MemoryError: there is no room to map it.
    """
    try:
        whole = np.memmap(path, dtype=np.uint8, mode="r").view(np.ndarray)
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise MemoryError(str(error)) from error
        message = f"{path}: cannot be read: {error.strerror}"
        raise ArtefactError(message) from error
    except ValueError as error:
        raise _unreadable(path, str(error)) from error
    length = int.from_bytes(whole[:8].tobytes(), "little")
    if len(whole) < 8 or length > len(whole) - 8:
        raise _unreadable(path, "truncated")
    try:
        header = parse_json(whole[8 : 8 + length].tobytes().decode(), once=True)
    except ValueError as error:
        raise _unreadable(path, "its header is no JSON") from error
    if not isinstance(header, dict):
        raise _unreadable(path, "its header is no object")
    entries = cast("dict[str, Any]", header)
    entries.pop("__metadata__", None)
    return {name: _array(path, whole[8 + length :], entry) for name, entry in entries.items()}


def _array(path: Path, data: NDArray[np.uint8], entry: Any) -> NDArray[Any]:
    try:
        dtype = np.dtype(_DTYPES[entry["dtype"]]).newbyteorder("<")
        shape = [operator.index(size) for size in entry["shape"]]
        begin, end = (operator.index(limit) for limit in entry["data_offsets"])
    except (KeyError, TypeError, ValueError) as error:
        raise _unreadable(path, f"its header says {entry!r:.80} of an array") from error
    if not 0 <= begin <= end <= len(data):
        raise _unreadable(path, "truncated")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != end - begin:
        raise _unreadable(path, f"an array of shape {shape} in {end - begin} bytes")
    array = data[begin:end]
    if array.ctypes.data % dtype.itemsize:
        array = array.copy()
    return array.view(dtype).reshape(shape)


def _unreadable(path: Path, reason: str) -> ArtefactError:
    message = f"{path}: not a readable safetensors file ({reason}); copy the model again"
    return ArtefactError(message)
