"""Texts as bags of n-grams: each n-gram that was seen has a number, each text a sparse row.

An n-gram of order k is known by the number of its first k − 1 tokens among those of that length and
by its last token: ``prefix · V + token``. Sorted, these keys are a dictionary without a hash, and
no two n-grams are ever taken for one another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from munmaek.arrays import Floats, Int64s
from munmaek.ngram.compiled import compiled
from munmaek.ngram.parallel import available, cuts_by_weight, in_threads

__all__ = ["Bags", "Grams", "Rows"]

_NONE: Final = -1


@final
@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A sparse matrix [N, F], compressed by rows."""

    starts: Int64s
    """[N + 1]."""
    columns: Int64s
    """[nnz], rising within a row."""
    values: Floats
    """[nnz]."""
    width: int
    """F."""

    def transposed(self) -> "Rows":
        """Return the matrix [F, N]; within a row, columns rise."""
        order = np.argsort(self.columns, kind="stable")
        rows = np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))
        starts = np.zeros(self.width + 1, dtype=np.int64)
        np.cumsum(np.bincount(self.columns, minlength=self.width), out=starts[1:])
        return Rows(starts, rows[order], self.values[order], len(self.starts) - 1)

    def times(self, dense: Floats) -> Floats:
        """Return the product with a matrix [F, C]: [N, C]; threads never change it."""
        out = np.empty((len(self.starts) - 1, dense.shape[1]), dtype=np.float64)
        cuts = cuts_by_weight(np.diff(self.starts) + 1, 4 * available())

        def work(part: tuple[int, int]) -> None:
            _multiply(self.starts, self.columns, self.values, dense, out, *part)

        in_threads(available(), work, list(zip(cuts[:-1].tolist(), cuts[1:].tolist(), strict=True)))
        return out


@final
@dataclass(frozen=True, slots=True, eq=False)
class Bags:
    """Counts of the known n-grams of each text, as a sparse matrix [N, F]."""

    starts: Int64s
    """[N + 1]."""
    grams: Int64s
    """[nnz], rising within a text."""
    counts: Int64s
    """[nnz]."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Grams:
    """The numbers of n-grams: those of order 1 first, in the order of their keys."""

    keys: Sequence[Int64s]
    """One array for each order, rising: ``prefix · V + token``."""
    vocab_size: int
    """V."""

    def __len__(self) -> int:
        return sum(map(len, self.keys))

    @classmethod
    def of(
        cls, ids: Int64s, offsets: Int64s, *, order: int, vocab_size: int, prune: Sequence[int] = ()
    ) -> "Grams":
        """Number the n-grams of texts.

        Args:
            ids: all tokens, one text after another: [T].
            offsets: text i is ``ids[offsets[i]:offsets[i + 1]]``: [N + 1].
            order: of the longest.
            vocab_size: V.
            prune: n-grams with at most so many occurrences are left out, a number for each order,
                the last for longer ones too.
        """
        keys: list[Int64s] = []
        before = np.zeros(len(ids), dtype=np.int64)
        left = _left(offsets, len(ids))
        for place in range(order):
            known = _keys(ids, before, left, place, vocab_size)
            found, counts = np.unique(known[known >= 0], return_counts=True)
            least = prune[min(place, len(prune) - 1)] if prune else 0
            keys.append(found[counts > least])
            before = _numbers(keys[-1], known)
        return cls(keys, vocab_size)

    def bags(self, ids: Int64s, offsets: Int64s) -> Bags:
        """Count the known n-grams of each text; ``ids`` and ``offsets`` as for ``of``."""
        texts = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        before, left = np.zeros(len(ids), dtype=np.int64), _left(offsets, len(ids))
        codes: list[Int64s] = []
        first, width = 0, max(len(self), 1)
        for place, keys in enumerate(self.keys):
            before = _numbers(keys, _keys(ids, before, left, place, self.vocab_size))
            there = before >= 0
            codes.append(texts[there] * width + (before[there] + first))
            first += len(keys)
        found, counts = np.unique(np.concatenate(codes), return_counts=True)
        starts = np.searchsorted(found, np.arange(len(offsets)) * width)
        return Bags(starts, found % width, counts)


def _left(offsets: Int64s, tokens: int) -> Int64s:
    """Return how many tokens of its text follow each, itself counted: [T]."""
    ends = np.repeat(offsets[1:], np.diff(offsets))
    return ends - np.arange(tokens)


def _keys(ids: Int64s, before: Int64s, left: Int64s, place: int, vocab_size: int) -> Int64s:
    """Return the key of the n-gram of ``place + 1`` tokens that begins at each; −1 for none."""
    last = np.full(len(ids), _NONE, dtype=np.int64)
    if place < len(ids):
        last[: len(ids) - place] = ids[place:]
    return np.where((before >= 0) & (left > place), before * vocab_size + last, _NONE)


def _numbers(keys: Int64s, wanted: Int64s) -> Int64s:
    """Return the place of each wanted key among rising ones, −1 where it is not there."""
    if not len(keys):
        return np.full(len(wanted), _NONE, dtype=np.int64)
    found = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[found] == wanted, found, _NONE)


@compiled
def _multiply(
    starts: Int64s,
    columns: Int64s,
    values: Floats,
    dense: Floats,
    out: Floats,
    first: int,
    last: int,
) -> None:
    for row in range(first, last):
        for label in range(dense.shape[1]):
            out[row, label] = 0.0
        for place in range(starts[row], starts[row + 1]):
            column, value = columns[place], values[place]
            for label in range(dense.shape[1]):
                out[row, label] += value * dense[column, label]
