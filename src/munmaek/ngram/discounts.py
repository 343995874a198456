r"""The three discounts of modified Kneser–Ney smoothing, for each order.

    Y = t_1 / (t_1 + 2 t_2)
    D_1 = 1 − 2 Y t_2 / t_1    D_2 = 2 − 3 Y t_3 / t_2    D_3+ = 3 − 4 Y t_4 / t_3

t_i is how many n-grams of the order have adjusted count i (Chen & Goodman 1998, equation 26).
"""

import warnings

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Int64s
from munmaek.errors import MunmaekWarning
from munmaek.ngram.compiled import compiled

__all__ = ["FALLBACK", "counts_of_counts", "discounts_of", "raw_last_ngrams"]

FALLBACK = (0.5, 1.0, 1.5)
"""D_1, D_2 and D_3+ where they cannot be estimated: those of lmplz --discount_fallback."""


def counts_of_counts(counts: NDArray[np.int32]) -> Int64s:
    """Return t_0 … t_4: how many n-grams have each adjusted count below 5; shape [5]."""
    tally = np.zeros(6, dtype=np.int64)
    _tally(counts, tally)
    return tally[:5]


@compiled
def _tally(counts: NDArray[np.int32], tally: Int64s) -> None:
    for count in counts:
        tally[min(count, 5)] += 1


def discounts_of(statistics: list[Int64s], *, allow_zero: bool = False) -> NDArray[np.float64]:
    """Return D_1, D_2 and D_3+ of each order: shape [n, 3].

    Args:
        statistics: t_0 … t_4 of each order.
        allow_zero: take a discount of exactly 0 as lmplz does; a context followed only by words
            with that count then sets nothing aside, and other words become impossible there.

    Warns:
        MunmaekWarning: orders whose discounts cannot be estimated and have ``FALLBACK`` instead,
            as happens with little text or with text repeated many times.
    """
    discounts = np.empty((len(statistics), 3), dtype=np.float64)
    fallen: list[str] = []
    for index, t in enumerate(statistics):
        estimated = _estimated(t, allow_zero=allow_zero)
        discounts[index] = FALLBACK if estimated is None else estimated
        if estimated is None:
            fallen.append(str(index + 1))
    if fallen:
        message = (
            f"discounts of order {', '.join(fallen)} cannot be estimated from so little or so "
            f"repetitive text; using {', '.join(map(str, FALLBACK))} for counts 1, 2 and 3 or more"
        )
        warnings.warn(message, MunmaekWarning, stacklevel=2)
    return discounts


def _estimated(t: Int64s, *, allow_zero: bool) -> list[float] | None:
    """Return an order's discounts; None where a count is zero or a discount is out of range."""
    if not t[1:4].all():
        return None
    y = float(t[1]) / float(t[1] + 2 * t[2])
    discounts = [i - (i + 1) * y * float(t[i + 1]) / float(t[i]) for i in (1, 2, 3)]
    inside = all(0 <= discount <= i for i, discount in zip((1, 2, 3), discounts, strict=True))
    return discounts if inside and (allow_zero or all(discounts)) else None


def raw_last_ngrams(
    statistics: list[Int64s], text: NDArray[np.int32], *, bos: int, eos: int
) -> list[Int64s]:
    """Count as lmplz does: the last n-gram of each lower order with its raw count.

    lmplz numbers words as they first appear, ``</s>`` before all, and sorts n-grams by last word,
    then the one before it, and so on. The lower-order n-grams still open when its scan ends enter
    the counts-of-counts with raw instead of adjusted counts (kpu/kenlm issue 405).

    Args:
        statistics: right t_0 … t_4 of each order.
        text: the bounded text, as ``munmaek.ngram.counting.bound`` makes it.
        bos: the id of ``<s>``.
        eos: the id of ``</s>``.
    """
    newest = _appearances(text, int(text.max()) + 1)
    newest[bos], newest[eos] = -2, -1
    mended = [t.copy() for t in statistics]
    positions = np.flatnonzero(text == np.argmax(newest))
    for order in range(1, len(statistics)):
        before = text[positions - order]
        _move(mended[order - 1], len(np.unique(before)), len(positions))
        last = before[np.argmax(newest[before])]
        if last == bos:
            break
        positions = positions[before == last]
    return mended


@compiled
def _appearances(text: NDArray[np.int32], vocab_size: int) -> Int64s:
    """Return where each word first stands; −3 for those that do not: [V]."""
    first = np.full(vocab_size, -3, dtype=np.int64)
    for position in range(len(text) - 1, -1, -1):
        first[text[position]] = position
    return first


def _move(t: Int64s, adjusted: int, raw: int) -> None:
    if adjusted < 5:
        t[adjusted] -= 1
    if raw < 5:
        t[raw] += 1
