"""Walking a trie whose nodes are packed to the bit.

A row of ``layout`` says where the records of an order lie and how they are cut; a record is a last
word, a code for the log-probability and, below the highest order, one for the backoff weight. A
code is an index into a book of values, or else the distance of a float's ordered bits from a base,
which is without loss. Where a context's continuations lie is in ``pointers``.

There are no links: the nodes of all suffixes of what was read are carried along instead, in place
k − 1 the n-gram of the last k words. Sums are in the order of ``munmaek.ngram.queries.trace``.

Letters: T tokens, V vocabulary size, n order, C contexts of a chain.
"""

from typing import NamedTuple

import numpy as np

from munmaek.arrays import Float32s, Floats, Int32s, Int64s, Uint32s, Uint64s
from munmaek.ngram.bits import get_bits, pair_at
from munmaek.ngram.compiled import Index, compiled, inlined

__all__ = [
    "Packed",
    "active_after",
    "backoff_at",
    "child",
    "children",
    "decode_range",
    "decoded",
    "logprob_at",
    "ordered_bits",
    "trace_packed",
]


# Columns of ``layout``, one row an order. Records of order 1 lie in plain arrays.
START, WORD, PROBABILITY, BACKOFF = 0, 1, 2, 3
"""The first bit of the records, and the bits of each part of a record."""
BOOK, BOOK_SIZE, BACKOFF_BOOK, BACKOFF_BOOK_SIZE = 4, 5, 6, 7
"""Place of the book of the log-probabilities and its size, 0 without one; the backoffs' alike."""
BASE, BACKOFF_BASE = 8, 9
"""Ordered bits of the least value, where there is no book."""
HIGH, LOW, LOW_WIDTH, SAMPLE = 10, 11, 12, 13
"""The place of the pointers from the order to the next."""
COLUMNS = 14


class Packed(NamedTuple):
    """The arrays of a packed trie, as compiled code takes them."""

    starts: Int64s
    layout: Int64s
    unigrams: Float32s
    unigram_backoffs: Float32s
    records: Uint64s
    pointers: Uint64s
    samples: Uint32s
    books: Float32s


@compiled
def ordered_bits(value: np.float32) -> np.uint64:
    """Return the bits of a float as an integer that rises with it."""
    bits = np.uint64(np.float32(value).view(np.uint32))
    sign = np.uint64(0x80000000)
    return sign + bits if bits < sign else np.uint64(0xFFFFFFFF) - bits


@inlined
def _from_ordered_bits(bits: np.uint64) -> np.float32:
    sign = np.uint64(0x80000000)
    back = bits - sign if bits >= sign else np.uint64(0xFFFFFFFF) - bits
    return np.uint32(back).view(np.float32)


@inlined
def decoded(
    code: np.uint64, books: Float32s, book: np.int64, size: np.int64, base: np.int64
) -> np.float32:
    """Return the value that a code of a column stands for, by its book or its base."""
    if size > 0:
        return books[book + min(np.int64(code), size - 1)]
    return _from_ordered_bits((code + np.uint64(base)) & np.uint64(0xFFFFFFFF))


@inlined
def _record(trie: Packed, level: Index, node: Index) -> np.uint64:
    """Return the first bit of the record of ``node``, an n-gram of ``level`` + 1 words."""
    row = trie.layout[level]
    width = row[WORD] + row[PROBABILITY] + row[BACKOFF]
    return np.uint64(row[START] + (node - trie.starts[level]) * width)


@compiled
def _word_at(trie: Packed, level: Index, node: Index) -> np.int64:
    width = np.uint64(trie.layout[level, WORD])
    return np.int64(get_bits(trie.records, _record(trie, level, node), width))


@inlined
def logprob_at(trie: Packed, level: Index, node: Index) -> np.float32:
    """Return the log-probability of ``node``, an n-gram of ``level`` + 1 words."""
    if level == 0:
        return trie.unigrams[node]
    row = trie.layout[level]
    place = _record(trie, level, node) + np.uint64(row[WORD])
    code = get_bits(trie.records, place, np.uint64(row[PROBABILITY]))
    return decoded(code, trie.books, row[BOOK], row[BOOK_SIZE], row[BASE])


@inlined
def backoff_at(trie: Packed, level: Index, node: Index) -> np.float32:
    """Return the backoff weight of ``node``, below the highest order."""
    if level == 0:
        return trie.unigram_backoffs[node]
    row = trie.layout[level]
    place = _record(trie, level, node) + np.uint64(row[WORD] + row[PROBABILITY])
    code = get_bits(trie.records, place, np.uint64(row[BACKOFF]))
    return decoded(code, trie.books, row[BACKOFF_BOOK], row[BACKOFF_BOOK_SIZE], row[BACKOFF_BASE])


@inlined
def children(trie: Packed, level: Index, node: Index) -> tuple[np.int64, np.int64]:
    """Return the nodes that continue ``node``: from, up to."""
    row = trie.layout[level]
    low, high = pair_at(
        np.uint64(node - trie.starts[level]),
        np.uint64(row[LOW_WIDTH]),
        trie.pointers,
        np.uint64(row[LOW]),
        trie.pointers,
        np.uint64(row[HIGH]),
        trie.samples,
        np.uint64(row[SAMPLE]),
    )
    begin, end = trie.starts[level + 1], trie.starts[level + 2]
    # Damaged pointers lead to no continuation rather than outside.
    if low > high or high > np.uint64(end - begin):
        return begin, begin
    return begin + np.int64(low), begin + np.int64(high)


@inlined
def child(trie: Packed, level: Index, node: Index, word: Index) -> np.int64:
    """Return the n-gram that continues ``node``, of ``level`` + 1 words, with ``word``, or −1."""
    low, end = children(trie, level, node)
    return _search(trie.records, trie.layout[level + 1], trie.starts[level + 1], low, end, word)


@inlined
def _search(
    records: Uint64s, row: Int64s, start: np.int64, low: np.int64, end: np.int64, word: Index
) -> np.int64:
    """Return the node with that last word from ``low`` up to ``end``, or −1."""
    wanted, part = np.uint64(word), np.uint64(row[WORD])
    width = np.uint64(row[WORD] + row[PROBABILITY] + row[BACKOFF])
    base = np.uint64(row[START] - start * np.int64(width))
    high = end
    while low < high:
        middle = (low + high) >> 1
        if get_bits(records, base + np.uint64(middle) * width, part) < wanted:
            low = middle + 1
        else:
            high = middle
    if low < end and get_bits(records, base + np.uint64(low) * width, part) == wanted:
        return low
    return np.int64(-1)


@inlined
def _step(trie: Packed, active: Int64s, word: Index, row: Floats) -> tuple[float, int]:
    """Return the log-probability of ``word`` and the order that matched; moves ``active`` past it.

    ``active`` [n − 1] holds the node of the last k words in place k − 1, or −1. ``row`` gets the
    backoff weight that the context of k words paid in place k − 1.
    """
    paid = 0.0
    order = 0
    logprob = np.float32(0)
    for level in range(len(active) - 1, -1, -1):
        node = active[level]
        if node < 0:
            found = np.int64(-1)
        else:
            found = child(trie, level, node, word)
            if found >= 0 and order == 0:
                order = level + 2
                logprob = logprob_at(trie, level + 1, found)
            elif order == 0:
                row[level] = backoff_at(trie, level, node)
                paid += row[level]
        if level + 1 < len(active):
            active[level + 1] = found
    if len(active) > 0:
        active[0] = word
    if order == 0:
        return paid + np.float64(trie.unigrams[word]), 1
    return paid + np.float64(logprob), order


@compiled
def _begin(active: Int64s, bos: int) -> None:
    active[:] = -1
    if len(active) > 0:
        active[0] = bos


@compiled
def trace_packed(
    trie: Packed, ids: Int64s, bos: int, out: Floats, orders: Int64s, paid: Floats
) -> None:
    """Fill in what ``munmaek.ngram.queries.trace`` gives."""
    active = np.empty(len(trie.starts) - 2, dtype=np.int64)
    _begin(active, bos)
    for position in range(len(ids)):
        out[position], orders[position] = _step(trie, active, ids[position], paid[position])


@compiled
def active_after(trie: Packed, context: Int64s) -> Int64s:
    """Return the node of the last k words of ``context`` in place k − 1, or −1: [n − 1]."""
    active = np.full(len(trie.starts) - 2, -1, dtype=np.int64)
    row = np.empty(len(active), dtype=np.float64)
    for word in context:
        _step(trie, active, word, row)
    return active


@compiled
def decode_range(
    trie: Packed, level: Index, begin: Index, words: Int32s, logprobs: Float32s
) -> None:
    """Decode words and log-probabilities from node ``begin`` on, n-grams of ``level`` + 1 words."""
    for index in range(len(words)):
        words[index] = _word_at(trie, level, begin + index)
        logprobs[index] = logprob_at(trie, level, begin + index)
