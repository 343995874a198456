"""The work of an engine's workers: batches of rows in, words or windows with their counts out.

A worker reads rows as bytes and brings them to text itself, by the readers of files, since engines
replace what is not UTF-8 and know other ends of lines. Instances are pickled by what they hold and
do the same whenever a task is run again.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, cast, final

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Bytes, Int32s, Int64s
from munmaek.errors import InputError
from munmaek.folder.info import munmaek_version
from munmaek.ngram.counting import bound
from munmaek.ngram.reading import BOS, EOS, UNK
from munmaek.ngram.windows import Packing, windows_of
from munmaek.ngram.words import Rows, Vocabulary, tally
from munmaek.text.building import SPECIALS
from munmaek.text.corpora import opened_lines
from munmaek.text.files import decode_lines
from munmaek.text.forms import Form, OpenedText, open_text
from munmaek.text.memory import Table
from munmaek.text.spaces import SPACES

__all__ = [
    "LIMBS",
    "CountWindows",
    "CountWords",
    "MergeWindows",
    "Numbering",
    "Reading",
    "Subwords",
    "Words",
    "bucket_of",
    "here",
    "raw_rows",
    "summed_windows",
    "versions",
]

Batches = Iterator[Any]
"""Record batches of Arrow."""
LIMBS = 8
"""Numbers of 32 bits that the sha256 of a row falls into."""
_NONE = np.empty(0, dtype=np.int64)
_MOST_WORDS = 1 << 20
"""Words that a worker counts before it hands them on."""
_PART = 1 << 21
"""Positions of the text that a worker counts at a time, about."""
_ROWS = 1 << 16
"""Rows of a batch that goes out."""
_PACKED = 1 << 18
"""Windows that go to the driver together."""


def here() -> dict[str, str]:
    """Return the versions that must be the same in all processes."""
    return {
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "munmaek": munmaek_version(),
        "numpy": np.__version__,
    }


def versions(batches: Batches) -> Batches:
    """Yield the versions of the worker's process."""
    pa = _arrow()
    for batch in batches:
        found = {name: [value] * batch.num_rows for name, value in here().items()}
        yield pa.RecordBatch.from_pydict(found)


def _arrow() -> Any:
    return import_module("pyarrow")


# Rows


@final
@dataclass(frozen=True, slots=True)
class Reading:
    """The way from rows of bytes to lines of running text."""

    name: str
    """The address, in messages."""
    form: Form | None
    """``LINES`` or ``JSONL``; None where each row is the cell of a table."""
    column: str | int | None = None
    """The text's key in JSONL."""

    def lines(self, rows: Sequence[bytes | None]) -> list[str]:
        """Return the lines of some rows, in NFC, stripped of spaces.

        Raises:
            InputError: a row that is no text, or has none; quotes it.
        """
        if self.form is None:
            texts = [None if row is None else row.decode() for row in rows]
            table = Table(lambda: iter([{"text": each} for each in texts]))
            return list(self._named(lambda: opened_lines(open_text(table)), rows))
        lines = self._named(lambda: decode_lines(self._content(rows), self.name, 2)[:-1], rows)
        if self.form is Form.LINES:
            return [line.strip(SPACES) for line in lines]
        opened = OpenedText(self.name, self.form, iter([lines]))
        return list(self._named(lambda: opened_lines(opened, column=self.column), rows))

    def _content(self, rows: Sequence[bytes | None]) -> bytes:
        return b"\n".join([*(row or b"" for row in rows), b""])

    def _named(self, read: Callable[[], Any], rows: Sequence[bytes | None]) -> list[str]:
        """Read rows; where one is at fault, name that one rather than its place in the batch."""
        try:
            return list(read())
        except InputError as error:
            if len(rows) == 1:
                shown = (rows[0] or b"")[:80].decode(errors="replace")
                reason = str(error).partition(": ")[2]
                message = f"{self.name}, the row that begins {shown!r}: {reason}"
                raise InputError(message) from None
        middle = len(rows) // 2
        return [*self.lines(rows[:middle]), *self.lines(rows[middle:])]


def raw_rows(batch: Any) -> list[bytes | None]:
    """Return the rows of bytes of a batch."""
    return cast("list[bytes | None]", batch.column(0).to_pylist())


# Words


@final
@dataclass(frozen=True, slots=True)
class CountWords:
    """Counts white-space words: batches of rows to batches of words and counts."""

    reading: Reading
    reserved: int
    """The number that stands for a reserved word; see ``munmaek.ngram.words.Rows``."""

    def __call__(self, batches: Batches) -> Batches:
        """Yield words with their counts; a word may come again."""
        vocabulary, counts = _vocabulary(()), np.zeros(0, dtype=np.int64)
        for batch in batches:
            lines = self.reading.lines(raw_rows(batch))
            numbers = numbered(vocabulary, lines, self.reserved, self.reading.name)
            if len(counts) < vocabulary.size:
                counts = np.concatenate([counts, np.zeros(vocabulary.size, dtype=np.int64)])
            tally(numbers, counts)
            if vocabulary.size > _MOST_WORDS:
                yield from _words(vocabulary, counts)
                vocabulary, counts = _vocabulary(()), np.zeros(0, dtype=np.int64)
        yield from _words(vocabulary, counts)


def _vocabulary(words: Sequence[str]) -> Vocabulary:
    """Return a vocabulary with the special tokens first, and then ``words``."""
    vocabulary = Vocabulary(tuple(word.encode() for word in SPECIALS))
    encoded = [word.encode() for word in words[len(SPECIALS) :]]
    if encoded:
        limits = np.zeros(len(encoded) + 1, dtype=np.int64)
        np.cumsum([len(word) for word in encoded], out=limits[1:])
        vocabulary.add(np.frombuffer(b"".join(encoded), dtype=np.uint8), limits)
    return vocabulary


def numbered(vocabulary: Vocabulary, lines: Sequence[str], reserved: int, name: str) -> Int32s:
    """Return the numbers of the words of lines, each line as ``<s> … </s>``.

    Raises:
        InputError: a reserved word where that is refused; quotes the line.
    """
    if not lines:
        return np.empty(0, dtype=np.int32)
    content: Bytes = np.frombuffer("\n".join([*lines, ""]).encode(), dtype=np.uint8)
    rows = Rows(0, len(lines), _NONE, BOS, EOS, reserved)
    numbers = vocabulary.number(content, rows)
    if rows.refused >= 0:
        message = (
            f"{name}, the line that begins {lines[rows.refused][:80]!r}: one of the reserved words "
            f"{' '.join(SPECIALS)} stands in the text; take it out, or give --reserved space "
            "(leave out) or word (unknown)"
        )
        raise InputError(message)
    return numbers


def _words(vocabulary: Vocabulary, counts: Int64s) -> Batches:
    pa = _arrow()
    words, first = vocabulary.words(), len(SPECIALS)
    for begin in range(first, len(words), _ROWS):
        own = words[begin : begin + _ROWS]
        columns = [pa.array(own, pa.binary()), pa.array(counts[begin : begin + len(own)])]
        yield pa.RecordBatch.from_arrays(columns, names=["word", "n"])


# Ids


@final
@dataclass(frozen=True, slots=True)
class Words:
    """Words of a finished vocabulary to ids."""

    words: str
    """All of them in the order of their ids, line feeds between."""
    reserved: int

    def text(self, lines: Sequence[str], name: str) -> Int32s:
        """Return lines as ``<s> … </s>`` after ``<s> … </s>``."""
        vocabulary, size = _known(self.words)
        numbers = numbered(vocabulary, lines, self.reserved, name)
        if vocabulary.size > size + _MOST_WORDS:
            _known.cache_clear()
        return np.where(numbers < size, numbers, np.int32(UNK))


@cache
def _known(words: str) -> tuple[Vocabulary, int]:
    """Return a vocabulary for the worker's process, and its size without what it meets."""
    vocabulary = _vocabulary(words.split("\n"))
    return vocabulary, vocabulary.size


@final
@dataclass(frozen=True, slots=True)
class Subwords:
    """Lines to the ids of any other tokenizer."""

    content: str
    """The pipeline, as JSON."""
    kind: str

    def text(self, lines: Sequence[str], name: str) -> Int32s:
        """Return lines as ``<s> … </s>`` after ``<s> … </s>``."""
        del name
        tokenizer = _tokenizer(self.content, self.kind)
        encoded = tokenizer.encode_many(lines)
        offsets = np.concatenate([[0], np.cumsum([len(ids) for ids in encoded])]).astype(np.int64)
        ids = np.fromiter((each for row in encoded for each in row), np.int32, int(offsets[-1]))
        return bound(ids, offsets, bos=tokenizer.bos, eos=tokenizer.eos)[:-1]


@cache
def _tokenizer(content: str, kind: str) -> Any:
    from tokenizers import Tokenizer as Pipeline

    from munmaek.text.tokenizers import Tokenizer

    return Tokenizer(Pipeline.from_str(content), kind=kind)


Numbering = Words | Subwords


# Windows


@final
@dataclass(frozen=True, slots=True)
class CountWindows:
    """Counts windows natively: batches of rows to rows of a bucket and packed windows.

    A bucket holds the windows of a range of first numbers, so that buckets are in the order of
    windows. Numbers below 0 are no windows: −1 counts rows, and −2 and below are the limbs of the
    sum of the rows' sha256, by which a text is known in whatever order it is read.
    """

    reading: Reading
    numbering: Numbering
    packing: Packing
    cuts: tuple[int, ...]
    """First numbers at which buckets begin, but the first."""
    vocab_size: int
    bos: int
    eos: int

    def __call__(self, batches: Batches) -> Batches:
        """Yield windows with their counts, each once for every part that is counted."""
        waiting, size = list[Int32s](), 0
        limbs, rows = np.zeros(LIMBS, dtype=np.int64), 0
        for batch in batches:
            lines = self.reading.lines(raw_rows(batch))
            limbs += _sum_of_hashes(lines)
            rows += len(lines)
            text = self.numbering.text(lines, self.reading.name)
            waiting.append(text)
            size += len(text)
            if size >= _PART:
                yield from self._counted(waiting)
                waiting, size = [], 0
        if size:
            yield from self._counted(waiting)
        facts = np.zeros((self.packing.columns + 1, 1 + LIMBS), dtype=np.int64)
        facts[0], facts[-1] = -1 - np.arange(1 + LIMBS), np.concatenate([[rows], limbs])
        yield _buckets([0], [facts])

    def _counted(self, parts: Sequence[Int32s]) -> Batches:
        text = np.concatenate([*parts, np.array([self.bos], dtype=np.int32)])
        sizes = {"vocab_size": self.vocab_size, "bos": self.bos, "eos": self.eos}
        keys, counts = windows_of(text, self.packing, **sizes)
        buckets = bucket_of(np.ascontiguousarray(keys[0]), self.cuts)
        order = np.argsort(buckets, kind="stable")
        numbers = np.concatenate([keys, counts[None]])[:, order]
        limits = np.searchsorted(buckets[order], np.arange(len(self.cuts) + 2))
        found = [bucket for bucket in range(len(limits) - 1) if limits[bucket] < limits[bucket + 1]]
        for bucket in found:
            yield _buckets([bucket], [numbers[:, limits[bucket] : limits[bucket + 1]]])


def bucket_of(first: Int64s, cuts: Sequence[int]) -> NDArray[np.uint16]:
    """Return the bucket of each window by its first number: [W]."""
    found: Int64s = np.searchsorted(np.array(cuts, dtype=np.int64), first, side="right")
    return found.astype(np.uint16)


def _sum_of_hashes(lines: Sequence[str]) -> Int64s:
    digests = b"".join(hashlib.sha256(line.encode()).digest() for line in lines)
    numbers = np.frombuffer(digests, dtype=">u4").reshape(-1, LIMBS)
    return numbers.sum(axis=0, dtype=np.int64)


def _buckets(buckets: Sequence[int], windows: Sequence[Int64s]) -> Any:
    arrow = _arrow()
    content = [np.ascontiguousarray(each).tobytes() for each in windows]
    columns = [arrow.array(buckets, arrow.int32()), arrow.array(content, arrow.binary())]
    return arrow.RecordBatch.from_arrays(columns, names=["bucket", "windows"])


@final
@dataclass(frozen=True, slots=True)
class MergeWindows:
    """Adds up the windows of some buckets, all there are of each."""

    columns: int
    """C."""

    def __call__(self, batches: Batches) -> Batches:
        """Yield windows in their order, each once with its sum: [C + 1, W] numbers of 64 bits."""
        parts = [
            np.frombuffer(content, dtype=np.int64).reshape(self.columns + 1, -1)
            for batch in batches
            for content in batch.column(1).to_pylist()
        ]
        if not parts:
            return
        summed = summed_windows(np.concatenate(parts, axis=1))
        for begin in range(0, summed.shape[1], _PACKED):
            yield _buckets([0], [summed[:, begin : begin + _PACKED]]).select(["windows"])


def summed_windows(windows: Int64s) -> Int64s:
    """Sort windows and add up the counts of those that are alike: [C + 1, W]."""
    ordered = windows[:, np.lexsort(windows[-2::-1])]
    unlike = np.any(ordered[:-1, 1:] != ordered[:-1, :-1], axis=0)
    begins = np.flatnonzero(np.concatenate([[True], unlike]))
    found = ordered[:, begins]
    found[-1] = np.add.reduceat(ordered[-1], begins)
    return found
