"""Token ids of a text in one file that says what it holds, to be mapped rather than read.

    bytes    0 …  15   munmaek-tokens 1
            16 …  47   sha256 of all that follows
            48 …  55   H, the size of the header, unsigned and little-endian
            56 …       the header: H bytes of JSON in UTF-8, then zeros up to a multiple of 4096
                       [S + 1] uint64: the token at which each sentence begins, and T
                       zeros up to a multiple of 4096
                       [T] uint16, or uint32 of larger vocabularies: each sentence and its end

The header has ``sentences`` S, ``tokens`` T, ``dtype`` and whatever its writer adds. All numbers
are little-endian. A file is written aside and renamed, so that there is a whole one or none.
"""

import hashlib
import json
import mmap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast, final

import numpy as np

from munmaek.data.flat import FlatRows
from munmaek.errors import ArtefactError
from munmaek.writing import new_file

__all__ = ["Part", "TokenFile", "narrow", "open_tokens", "write_tokens"]

_MAGIC = b"munmaek-tokens 1"
_HEADER = 56
_PAGE = 4096
_CHUNK = 1 << 22


@dataclass(frozen=True, slots=True)
class Part:
    """Consecutive sentences, in two files."""

    ids: Path
    """The tokens of each sentence and its end, as ``narrow`` says."""
    sizes: Path
    """The tokens of each sentence, its end counted, in uint32."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class TokenFile:
    """A file of tokens that is mapped."""

    header: Mapping[str, Any]
    rows: FlatRows


def narrow(vocab_size: int) -> "np.dtype[Any]":
    """Return the type of ids below ``vocab_size`` in a file."""
    return np.dtype("<u2" if vocab_size <= 1 << 16 else "<u4")


def write_tokens(
    path: Path, parts: Sequence[Part], header: Mapping[str, Any], *, dtype: "np.dtype[Any]"
) -> None:
    """Write the sentences of all parts, one after the other.

    Raises:
        DiskError: it cannot be written; what was there is whole.
    """
    sentences = sum(part.sizes.stat().st_size for part in parts) // 4
    tokens = sum(part.ids.stat().st_size for part in parts) // dtype.itemsize
    sizes = {"sentences": sentences, "tokens": tokens, "dtype": dtype.str}
    record = json.dumps({**header, **sizes}, ensure_ascii=False).encode()
    digest = hashlib.sha256()
    with new_file(path) as aside, aside.open("wb") as file:
        file.write(_MAGIC + bytes(digest.digest_size))

        def put(content: bytes) -> None:
            digest.update(content)
            file.write(content)

        put(len(record).to_bytes(8, "little") + record)
        put(_filling(file.tell()))
        for content in _limits(parts):
            put(content)
        put(_filling(file.tell()))
        for part in parts:
            for content in _chunks(part.ids):
                put(content)
        file.seek(len(_MAGIC))
        file.write(digest.digest())


def _filling(size: int) -> bytes:
    return bytes(-size % _PAGE)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while content := file.read(_CHUNK):
            yield content


def _limits(parts: Iterable[Part]) -> Iterator[bytes]:
    total = np.zeros(1, dtype="<u8")
    yield total.tobytes()
    for part in parts:
        for content in _chunks(part.sizes):
            limits = total + np.cumsum(np.frombuffer(content, dtype="<u4"), dtype="<u8")
            yield limits.astype("<u8", copy=False).tobytes()
            total = limits[-1:]


def open_tokens(path: Path) -> TokenFile:
    """Check a file of tokens whole, and map it.

    Pages are read one by one as rows are asked for, none ahead of them.

    Raises:
        ArtefactError: it is damaged, or of another form.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        header, begins = _checked(file, path)
        size = file.seek(0, 2)
        mapped = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
    if hasattr(mmap, "MADV_RANDOM"):
        mapped.madvise(mmap.MADV_RANDOM)
    limits = np.frombuffer(mapped, "<u8", header["sentences"] + 1, begins)
    after = begins + limits.nbytes
    ids = np.frombuffer(mapped, header["dtype"], header["tokens"], after + -after % _PAGE)
    return TokenFile(header, FlatRows(cast("Any", ids), limits))


def _checked(file: BinaryIO, path: Path) -> tuple[dict[str, Any], int]:
    """Return the header and where the numbers begin."""
    damaged = f"{path}: is damaged or no file of tokens; remove it"
    head = file.read(_HEADER)
    if head[: len(_MAGIC)] != _MAGIC or len(head) < _HEADER:
        raise ArtefactError(damaged)
    digest = hashlib.sha256(head[48:])
    while content := file.read(_CHUNK):
        digest.update(content)
    if digest.digest() != head[16:48]:
        raise ArtefactError(damaged)
    file.seek(_HEADER)
    size = int.from_bytes(head[48:], "little")
    return json.loads(file.read(size)), _HEADER + size + -(_HEADER + size) % _PAGE
