"""Arrays to and from safetensors files, piece by piece and without torch."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from munmaek.errors import ArtefactError

__all__ = ["load_tables", "save_tables"]

# The library's functions come without complete types.
_open = cast("Any", safe_open)

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
"""What the format calls the types of arrays."""


def save_tables(tables: Mapping[str, NDArray[Any]], path: str | Path) -> None:
    """Write arrays as safetensors, each straight from where it lies: no second copy is made."""
    # The widest types first, so that every array begins at a multiple of its own size.
    names = sorted(tables, key=lambda name: (-tables[name].dtype.itemsize, name))
    header: dict[str, Any] = {}
    at = 0
    for name in names:
        table = tables[name]
        header[name] = {
            "dtype": _TYPES[table.dtype.name],
            "shape": list(table.shape),
            "data_offsets": [at, at + table.nbytes],
        }
        at += table.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with Path(path).open("wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for name in names:
            table = np.ascontiguousarray(tables[name]).astype(
                tables[name].dtype.newbyteorder("<"), copy=False
            )
            file.write(memoryview(table.reshape(-1).view(np.uint8)))


def load_tables(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file.

    Raises:
        ArtefactError: the file is not safetensors.
    """
    try:
        with _open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError) as error:
        message = f"{path}: not a readable safetensors file ({error}); copy the model again"
        raise ArtefactError(message) from error
