"""Tensors to safetensors files, through the system's own calls.

The library's writer makes files that only their owner may read, and tells of a full disk in an
error of its own; this one writes what ``open`` and ``write`` write, and fails as they do. The form:
https://github.com/huggingface/safetensors#format.
"""

import errno
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import torch as safetensors_torch
from torch import Tensor

from munmaek.progress import followed

__all__ = ["read_tensors", "write_tensors"]

_TYPES = {
    torch.bool: "BOOL",
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.uint16: "U16",
    torch.int16: "I16",
    torch.uint32: "U32",
    torch.int32: "I32",
    torch.uint64: "U64",
    torch.int64: "I64",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float32: "F32",
    torch.float64: "F64",
}
"""The form's names of the types of tensors."""


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a file by name.

    Raises:
        SafetensorError, OSError: it is none, or cannot be read.
        MemoryError: there is no room to map it.
    """
    try:
        return cast("Any", safetensors_torch).load_file(path)
    except RuntimeError as error:  # what torch says where a file cannot be mapped, or opened
        if "unable to open file" in str(error):
            raise OSError(errno.EIO, _in_parentheses(str(error)), str(path)) from error
        if "mmap" not in str(error):
            raise
        raise MemoryError(str(error)) from error


def _in_parentheses(message: str) -> str:
    """Return the system's own words, which torch gives behind a colon, with their number."""
    return message.rpartition(": ")[2].partition(" (")[0]


def write_tensors(
    path: Path, tensors: Mapping[str, Tensor], *, metadata: Mapping[str, str] | None = None
) -> None:
    """Write tensors by name, each straight from where it lies.

    Raises:
        OSError: the disk is full, or the file cannot be written.
    """
    # The widest types first, so that every tensor begins at a multiple of its own size.
    names = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    with path.open("wb") as file:
        file.write(_head([(name, tensors[name]) for name in names], metadata))
        sizes = {name: tensors[name].nbytes for name in names}
        for name in followed(names, "writing", total=sum(sizes.values()), size=sizes.__getitem__):
            flat = tensors[name].detach().cpu().contiguous().reshape(-1)
            file.write(cast("Any", flat.view(torch.uint8).numpy()))


def _head(tensors: list[tuple[str, Tensor]], metadata: Mapping[str, str] | None) -> bytes:
    entries: dict[str, Any] = {} if metadata is None else {"__metadata__": dict(metadata)}
    at = 0
    for name, tensor in tensors:
        end = at + tensor.numel() * tensor.element_size()
        entries[name] = {
            "dtype": _TYPES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [at, end],
        }
        at = end
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text
