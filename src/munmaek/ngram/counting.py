r"""Adjusted counts of every order, by sorting the positions of the text.

    a(w_1 … w_k) = c(w_1 … w_k)            if k = n or w_1 = <s>
                 = |{v : c(v w_1 … w_k) > 0}|   otherwise

(Kneser & Ney 1995; Heafield et al. 2013, section 3.2.) The occurrences of k-grams are held sorted
by last word, then the word before it, and so on. Moving each to the next position and sorting by
the word found there, stably, by counting, gives the occurrences of (k+1)-grams in the same order:
one pass over the text an order, and equal n-grams always lie side by side.

Letters: P positions of the text, V vocabulary size, M n-grams of one order.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import InputError
from munmaek.ngram.compiled import compiled

__all__ = ["Counts", "bound", "count"]

Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

_MAX_POSITIONS = 2**31 - 2
# An occurrence is one int64: the number of its n-gram above, the position of its last word below.
_POSITION = 0xFFFFFFFF


@dataclass(slots=True)
class Counts:
    """The n-grams of one order, sorted by last word, then the one before it, and so on: [M]."""

    words: Int32s
    """The last word."""
    contexts: Int32s
    """The n-gram without its last word: its number in the order below."""
    suffixes: Int32s
    """The n-gram without its first word: its number in the order below."""
    counts: Int32s
    """Adjusted counts."""


def bound(ids: Int64s, offsets: Int64s, *, bos: int, eos: int) -> Int32s:
    """The text as ``<s> … </s>`` after ``<s> … </s>``, and one more ``<s>`` at its end: [P + 1]."""
    positions = len(ids) + 2 * (len(offsets) - 1)
    if positions > _MAX_POSITIONS:
        message = (
            f"the text has {positions} tokens; at most {_MAX_POSITIONS} can be counted at once"
        )
        raise InputError(message)
    text = np.empty(positions + 1, dtype=np.int32)
    _bound(ids, offsets, bos, eos, text)
    return text


@compiled
def _bound(ids: Int64s, offsets: Int64s, bos: int, eos: int, text: Int32s) -> None:
    at = 0
    for sequence in range(len(offsets) - 1):
        text[at] = bos
        at += 1
        for position in range(offsets[sequence], offsets[sequence + 1]):
            text[at] = ids[position]
            at += 1
        text[at] = eos
        at += 1
    text[at] = bos


def count(text: Int32s, offsets: Int64s, *, order: int, vocab_size: int, bos: int) -> list[Counts]:
    """Adjusted counts of all orders, 1 first.

    Args:
        text: as ``bound`` makes it.
        offsets: limits of the sequences, without their boundary tokens.
        order: n, the longest n-grams.
        vocab_size: V; every id gets a unigram, those not in the text with count 0.
        bos: the id of ``<s>``; its unigram count is 0, for it is never predicted.

    Raises:
        InputError: no sequence is long enough to hold an n-gram of that order.
    """
    longest = int(np.diff(offsets).max()) + 2
    if order > longest:
        message = (
            f"order {order} is too high: the longest of {len(offsets) - 1} sequences has "
            f"{longest} tokens with <s> and </s>; choose an order of at most {longest} or add text"
        )
        raise InputError(message)
    histogram = np.bincount(text[:-1], minlength=vocab_size)
    orders = [_unigrams(histogram)]
    occurrences = _sort_words(text, histogram) if order > 1 else np.empty(0, dtype=np.int64)
    for length in range(2, order + 1):
        # Occurrences that reach back to <s> within length - 1 words go no further.
        ended = _first_positions(offsets, length)
        histogram -= np.bincount(text[ended], minlength=vocab_size)
        occurrences, counts = _extend(occurrences, text, histogram, orders[-1], bos=bos)
        orders.append(counts)
    orders[0].counts[bos] = 0
    return orders


def _unigrams(histogram: NDArray[Any]) -> Counts:
    vocab_size = len(histogram)
    zeros = np.zeros(vocab_size, dtype=np.int32)
    words = np.arange(vocab_size, dtype=np.int32)
    return Counts(words=words, contexts=zeros, suffixes=zeros, counts=histogram.astype(np.int32))


def _first_positions(offsets: Int64s, length: int) -> Int64s:
    """Where (length − 1)-grams that begin with ``<s>`` end in the bounded text."""
    sequences = np.arange(len(offsets) - 1, dtype=np.int64)
    long_enough = np.diff(offsets) + 2 >= length - 1
    return (offsets[:-1] + 2 * sequences + length - 2)[long_enough]


def _sort_words(text: Int32s, histogram: NDArray[Any]) -> Int64s:
    occurrences = np.empty(len(text) - 1, dtype=np.int64)
    _sort_words_into(text, _bucket_starts(histogram), occurrences)
    return occurrences


def _bucket_starts(histogram: NDArray[Any]) -> Int64s:
    return np.cumsum(histogram, dtype=np.int64) - histogram


@compiled
def _sort_words_into(text: Int32s, cursor: Int64s, out: Int64s) -> None:
    for position in range(len(out)):
        word = np.int64(text[position])
        out[cursor[word]] = (word << 32) | position
        cursor[word] += 1


def _extend(
    occurrences: Int64s, text: Int32s, histogram: NDArray[Any], lower: Counts, *, bos: int
) -> tuple[Int64s, Counts]:
    """Occurrences and counts one order up; makes ``lower.counts`` the adjusted ones."""
    longer = np.empty(int(histogram.sum()), dtype=np.int64)
    limits = _bucket_starts(histogram)
    _extend_into(occurrences, text, bos, limits, longer)
    # Each bucket was filled, so ``limits`` now holds the bucket ends.
    size = _count_distinct(longer, limits)
    counts = Counts(*(np.empty(size, dtype=np.int32) for _ in range(4)))
    _number(
        longer,
        limits,
        lower.words,
        lower.contexts,
        lower.suffixes,
        lower.counts,
        counts.words,
        counts.contexts,
        counts.suffixes,
        counts.counts,
    )
    return longer, counts


@compiled
def _extend_into(occurrences: Int64s, text: Int32s, bos: int, cursor: Int64s, out: Int64s) -> None:
    for occurrence in occurrences:
        position = (occurrence & _POSITION) + 1
        word = text[position]
        if word != bos:
            out[cursor[word]] = occurrence + 1
            cursor[word] += 1


@compiled
def _count_distinct(occurrences: Int64s, limits: Int64s) -> int:
    distinct = 0
    slot = 0
    for limit in limits:
        previous = -1
        while slot < limit:
            context = occurrences[slot] >> 32
            if context != previous:
                distinct += 1
                previous = context
            slot += 1
    return distinct


@compiled
def _number(
    occurrences: Int64s,
    limits: Int64s,
    lower_words: Int32s,
    lower_contexts: Int32s,
    lower_suffixes: Int32s,
    lower_counts: Int32s,
    words: Int32s,
    contexts: Int32s,
    suffixes: Int32s,
    counts: Int32s,
) -> None:
    """Number the n-grams in place, and fill their arrays.

    ``suffix`` walks the order below in step: both are sorted alike, and the n-grams that it passes
    over are those that begin with ``<s>``, which nothing extends to the left.
    """
    gram = -1
    suffix = -1
    slot = 0
    for word in range(len(limits)):
        previous = -1
        while slot < limits[word]:
            context = occurrences[slot] >> 32
            if context != previous:
                previous = context
                gram += 1
                words[gram] = word
                contexts[gram] = context
                counts[gram] = 0
                wanted = lower_suffixes[context]
                moved = False
                while suffix < 0 or (
                    lower_words[suffix] != word or lower_contexts[suffix] != wanted
                ):
                    suffix += 1
                    moved = True
                if moved:
                    lower_counts[suffix] = 0
                lower_counts[suffix] += 1
                suffixes[gram] = suffix
            counts[gram] += 1
            occurrences[slot] = (np.int64(gram) << 32) | (occurrences[slot] & _POSITION)
            slot += 1
