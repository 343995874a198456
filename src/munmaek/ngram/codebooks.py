"""Codes for the values of one order in few bits: exact, or the nearest of 256.

Letters: M values.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Float32s, Floats

__all__ = ["Column", "exact_column", "trained_column"]


_CODES = 256
_ROUNDS = 30
_SAMPLE = 1 << 18


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """The code of a column of records."""

    width: int
    """Bits of a code."""
    book: Float32s
    """Rising values that codes stand for; empty where codes are distances from ``base``."""
    base: int
    """Ordered bits of the least value."""


def exact_column(values: Float32s) -> Column:
    """Return the shorter of two: a book of the distinct values, or distances of ordered bits."""
    if not len(values):  # an order without n-grams
        return Column(width=0, book=np.empty(0, dtype=np.float32), base=0)
    ordered = np.sort(_ordered_bits(values))
    distinct = int(np.count_nonzero(ordered[1:] != ordered[:-1])) + 1
    apart = int(ordered[-1] - ordered[0]).bit_length()
    listed = (distinct - 1).bit_length()
    if apart * len(values) <= listed * len(values) + 32 * distinct:
        return Column(width=apart, book=np.empty(0, dtype=np.float32), base=int(ordered[0]))
    keep = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    return Column(width=listed, book=_from_ordered_bits(ordered[keep]), base=0)


def _ordered_bits(values: Float32s) -> NDArray[np.uint32]:
    bits = np.ascontiguousarray(values).view(np.uint32)
    return np.where(bits >> 31 == 0, bits | np.uint32(0x80000000), ~bits)


def _from_ordered_bits(ordered: NDArray[np.uint32]) -> Float32s:
    bits = np.where(ordered >> 31 == 1, ordered & np.uint32(0x7FFFFFFF), ~ordered)
    return bits.astype(np.uint32).view(np.float32)


def trained_column(values: Float32s) -> Column:
    r"""Return a book of at most 256 values with a small mean squared distance (Lloyd 1982).

    It begins with the quantiles, and every round each becomes the mean of the values nearest to it.
    0, which most backoff weights are, and −∞ are kept exactly.
    """
    rising = np.sort(values)
    rising = rising[:: max(1, len(rising) // _SAMPLE)].astype(np.float64)
    exact = np.unique(np.concatenate([rising[rising == 0][:1], rising[np.isinf(rising)]]))
    inner = rising[np.isfinite(rising) & (rising != 0)]
    book = _lloyd(inner, _CODES - len(exact)) if len(inner) else inner
    book = np.unique(np.concatenate([exact, book]).astype(np.float32))
    return Column(width=max((len(book) - 1).bit_length(), 1), book=book, base=0)


def _lloyd(rising: Floats, codes: int) -> Floats:
    sums = np.concatenate([np.zeros(1), np.cumsum(rising)])
    book = np.unique(rising[np.linspace(0, len(rising) - 1, codes).astype(np.int64)])
    for _ in range(_ROUNDS):
        limits = np.searchsorted(rising, (book[1:] + book[:-1]) / 2)
        limits = np.unique(np.concatenate([[0], limits, [len(rising)]]))
        book = np.diff(sums[limits]) / np.diff(limits)
    return book
