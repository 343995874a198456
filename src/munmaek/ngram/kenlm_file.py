"""KenLM's binary files: their header and sizes, checked whole before anything is taken from them.

    header       magic text, test values, order, kind, whether words follow, n-grams of each order
    vocabulary   hashes of the words
    search       n-grams in hash tables or in a trie
    words        in the order of their ids, a zero byte after each; ``build_binary -v`` leaves them
                 out

Source: lm/binary_format.cc, lm/vocab.cc, lm/search_hashed.hh and lm/search_trie.hh of KenLM, commit
4cb443e, format version 5.
"""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Bytes
from munmaek.errors import InputError
from munmaek.ngram.tables import MAX_ORDER

__all__ = ["KenlmFile", "bits_for", "buckets_for", "fail", "is_kenlm", "open_kenlm"]

_BEFORE_VERSION = b"mmap lm http://kheafield.com/code format version"
_INCOMPLETE = b"mmap lm http://kheafield.com/code incomplete\n"
_MAGIC = _BEFORE_VERSION + b" 5\n\0\0"
_SANITY = struct.pack(
    f"<{-(-len(_MAGIC) // 8) * 8}s3f3IQ", _MAGIC, 0.0, 1.0, -0.5, 1, (1 << 32) - 1, 0, 1
)
_PARAMETERS = struct.Struct("<B3xfIB3xI")
KINDS = (
    "probing",
    "probing with rest costs",
    "trie",
    "quantised trie",
    "trie with compressed pointers",
    "quantised trie with compressed pointers",
)
_VERSIONS = (0, 0, 1, 1, 1, 1)
_MOST = 1 << 31
"""N-grams of one order, at most."""


@dataclass(frozen=True, slots=True, eq=False)
class KenlmFile:
    """A file whose header fits its size."""

    path: Path
    content: Bytes
    """The whole file, mapped."""
    kind: int
    """The place in ``KINDS``."""
    counts: tuple[int, ...]
    """N-grams of each order, as the header says."""
    multiplier: float
    """Buckets of a hash table for each n-gram."""
    begin: int
    """The place after the header."""

    @property
    def is_trie(self) -> bool:
        """Tell whether it holds a trie, not hash tables."""
        return self.kind >= KINDS.index("trie")

    @property
    def is_quantised(self) -> bool:
        """Tell whether its values are numbers of codebooks."""
        return KINDS[self.kind].startswith("quantised")

    @property
    def has_compressed_pointers(self) -> bool:
        """Tell whether the high bits of pointers stand in arrays of their own."""
        return KINDS[self.kind].endswith("compressed pointers")

    def array(self, dtype: Any, at: int, count: int) -> NDArray[Any]:
        """Return ``count`` values that begin at a byte of the file.

        Raises:
            InputError: the file is too short.
        """
        self.need(at + np.dtype(dtype).itemsize * count)
        return np.frombuffer(self.content, dtype=dtype, offset=at, count=count)

    def need(self, end: int) -> None:
        """Check that the file reaches to a byte.

        Raises:
            InputError: it does not.
        """
        if end > len(self.content):
            fail(self.path, f"{len(self.content):,} bytes, of which the header wants {end:,}")

    def words(self, begin: int, count: int) -> tuple[str, ...]:
        """Return the words, which stand from a byte to the end of the file.

        Raises:
            InputError: another number of words than ``count``, or what is no UTF-8.
        """
        self.need(begin + 6)
        text = self.content[begin:].tobytes()
        found = text.split(b"\0")
        if found[0] != b"<unk>" or found[-1] or len(found) - 1 != count:
            fail(self.path, f"{len(found) - 1:,} words at its end, wanted {count:,} after <unk>")
        try:
            words = text.decode().split("\0")[:-1]
        except UnicodeDecodeError as error:
            at = text.count(b"\0", 0, error.start)
            fail(self.path, f"word {at} is no UTF-8; build it of an ARPA file in UTF-8")
        if len(set(words)) != count or "" in words:
            fail(self.path, "a word that is empty or stands twice")
        return tuple(words)


def is_kenlm(path: Path) -> bool:
    """Return whether a file says of itself that it is one of KenLM's binaries."""
    if str(path) == "-" or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_BEFORE_VERSION)).startswith(_BEFORE_VERSION[:33])


def open_kenlm(path: Path) -> KenlmFile:
    """Map a file and check its header.

    Raises:
        InputError: unfinished, of another version or machine, without its words, or a header that
            cannot be.
    """
    try:
        content = np.memmap(path, dtype=np.uint8, mode="r").view(np.ndarray)
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror or error}"
        raise InputError(message) from error
    after = len(_SANITY) + _PARAMETERS.size
    head = content[:after].tobytes()
    _check_sanity(path, head)
    if len(head) < after:
        fail(path, "it ends within its header")
    order, multiplier, kind, has_words, version = _PARAMETERS.unpack_from(head, len(_SANITY))
    if not 2 <= order <= MAX_ORDER:
        fail(path, f"order {order}, wanted 2 to {MAX_ORDER}")
    if kind >= len(KINDS) or version != _VERSIONS[kind]:
        fail(path, f"kind {kind} in version {version}; import the ARPA file it was built of")
    if not has_words:
        message = (
            f"{path}: a KenLM binary that holds hashes of its words and not the words; build it "
            "without -v, or import the ARPA file it was built of"
        )
        raise InputError(message)
    if not 1.0 <= multiplier < 1e6:
        fail(path, f"{multiplier:g} buckets for each n-gram")
    counts = tuple(content[after : after + 8 * order].view("<u8").tolist())
    if len(counts) < order or not all(count < _MOST for count in counts) or not counts[0]:
        fail(path, f"n-grams of each order: {', '.join(map(str, counts))}")
    return KenlmFile(path, content, kind, counts, multiplier, -(-(after + 8 * order) // 8) * 8)


def _check_sanity(path: Path, head: bytes) -> None:
    """Check the magic text and the test values behind it.

    Raises:
        InputError: they are others.
    """
    if head.startswith(_SANITY):
        return
    if head.startswith(_INCOMPLETE):
        fail(path, "it was not built to its end; build it again")
    if head.startswith(_BEFORE_VERSION) and not head.startswith(_MAGIC):
        version = head[len(_BEFORE_VERSION) :].split(b"\n")[0].decode(errors="replace").strip()
        fail(path, f"format version {version[:8]}, wanted 5; build it again of its ARPA file")
    fail(path, "it was built on another kind of machine; build it again of its ARPA file")


def fail(path: Path, reason: str) -> NoReturn:
    """Refuse a file.

    Raises:
        InputError: always.
    """
    message = f"{path}: a KenLM binary that cannot be read: {reason}"
    raise InputError(message)


def bits_for(largest: int) -> int:
    """Return the bits that numbers up to ``largest`` take."""
    return largest.bit_length()


def buckets_for(entries: int, multiplier: float) -> int:
    """Return the buckets of a hash table, in KenLM's arithmetic of single precision."""
    return max(entries + 1, int(np.float32(multiplier) * np.float32(entries)))
