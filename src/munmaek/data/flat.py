"""Rows of token ids that are made when they are asked for, of arrays that may lie in a file.

Letters: T tokens, S sentences.
"""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import Any, final, overload

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Int64s

__all__ = ["FlatRows", "LazyRows", "Windows", "lengths_of", "token_counts"]

Ids = Sequence[int]
_TOKENS = 1 << 22
_ROWS = 1 << 13


class LazyRows(Sequence[list[int]]):
    """Rows that know their lengths without being made."""

    @property
    @abstractmethod
    def lengths(self) -> Int64s:
        """Return the tokens of each row: [S]."""

    @abstractmethod
    def row(self, index: int) -> list[int]:
        """Return a row, by its place from 0."""

    @overload
    def __getitem__(self, index: int) -> list[int]: ...
    @overload
    def __getitem__(self, index: slice) -> list[list[int]]: ...
    def __getitem__(self, index: int | slice) -> list[int] | list[list[int]]:
        """Return a row, or several in a list."""
        places = range(len(self))[index]
        return self.row(places) if isinstance(places, int) else list(map(self.row, places))


@final
class FlatRows(LazyRows):
    """Sentences end to end, each followed by a token that ends it and is no part of its row."""

    def __init__(self, ids: NDArray[np.unsignedinteger[Any]], limits: NDArray[np.uint64]) -> None:
        """Hold arrays, which may be mapped, and copy nothing.

        Args:
            ids: all tokens [T].
            limits: the place at which each sentence begins, and T: [S + 1].
        """
        self.ids, self._limits = ids, limits

    def __len__(self) -> int:
        """Return S."""
        return len(self._limits) - 1

    def row(self, index: int) -> list[int]:
        """Return a sentence without its end."""
        begin, end = self._limits[index : index + 2].tolist()
        return self.ids[begin : end - 1].tolist()

    @property
    def lengths(self) -> Int64s:
        """Return the tokens of each sentence: [S]."""
        found = np.empty(len(self), dtype=np.int64)
        for at in range(0, len(self), _TOKENS):
            some = self._limits[at : at + _TOKENS + 1].astype(np.int64)
            found[at : at + _TOKENS] = np.diff(some) - 1
        return found

    def counts(self, size: int) -> Int64s:
        """Count each of ``size`` tokens, ends of sentences left out: [size]."""
        found = np.zeros(size, dtype=np.int64)
        for at in range(0, len(self.ids), _TOKENS):
            found += np.bincount(self.ids[at : at + _TOKENS], minlength=size)
        if len(self):
            found[self.ids[int(self._limits[1]) - 1]] -= len(self)
        return found


@final
class Windows(LazyRows):
    """Sentences with a beginning and an end, cut where they are longer than a window.

    A window predicts ``size`` tokens and begins with the last one of the window before it.
    """

    def __init__(self, rows: Sequence[Ids], *, bos: int, eos: int, size: int) -> None:
        self._rows, self._bos, self._eos, self._size = rows, bos, eos, size
        predicted = lengths_of(rows) + 1
        self._long = np.flatnonzero(predicted > size)
        """Places of the sentences that are cut."""
        sizes = predicted[self._long]
        more = -(-sizes // size) - 1
        self._after = self._long + np.cumsum(more)
        """The last window of each of them."""
        self._first = self._after - more
        counts = np.ones(len(predicted), dtype=np.int64)
        counts[self._long] += more
        self._lengths = np.repeat(np.minimum(predicted, size) + 1, counts)
        self._lengths[self._after] = sizes - more * size + 1

    def __len__(self) -> int:
        """Return the number of windows."""
        return len(self._lengths)

    @property
    def lengths(self) -> Int64s:
        """Return the tokens of each window."""
        return self._lengths

    def row(self, index: int) -> list[int]:
        """Return a window."""
        found = int(np.searchsorted(self._first, index, side="right")) - 1
        sentence, part = index, 0
        if found >= 0:
            sentence = int(self._long[found])
            last = int(self._after[found])
            inside = index <= last
            part = index - int(self._first[found]) if inside else 0
            sentence += 0 if inside else index - last
        row = [self._bos, *self._rows[sentence], self._eos]
        return row[part * self._size : (part + 1) * self._size + 1]


def lengths_of(rows: Sequence[Sequence[Any]]) -> Int64s:
    """Return the tokens of each row: [S]."""
    if isinstance(rows, LazyRows):
        return rows.lengths
    return np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))


def token_counts(sequences: Iterable[Ids], size: int) -> Int64s:
    """Count how often each of ``size`` tokens occurs: [size]."""
    if isinstance(sequences, FlatRows):
        return sequences.counts(size)
    found, rest = np.zeros(size, dtype=np.int64), iter(sequences)
    while block := list(islice(rest, _ROWS)):
        ids = np.fromiter(chain.from_iterable(block), dtype=np.int64)
        found += np.bincount(ids, minlength=size)
    return found
