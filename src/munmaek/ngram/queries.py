r"""Questions to the tables: scores, how they came about, and the next word.

    log p(w | h) = log p(h w)                    if the n-gram h w is there
                 = backoff(h) + log p(w | h')    otherwise, h' being h without its first word

The context that matched is carried from token to token: it is the longest suffix of what was read
that is itself a context, and the next one is found below it or below its links.

Stored values are float32, every sum is in float64.

Letters: T tokens, S sequences, V vocabulary size, n order.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from munmaek.ngram.compiled import Index, compiled
from munmaek.ngram.tables import NgramTables

__all__ = ["Trace", "child", "distribution", "score", "trace"]

Floats = NDArray[np.float64]
Float32s = NDArray[np.float32]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """How each token of one sequence got its probability."""

    logprobs: Floats
    """[T]: natural log."""
    orders: Int64s
    """[T]: the length of the n-gram that matched, its last word the token."""
    backoffs: Floats
    """[T, n − 1]: what the context of k words paid, in column k − 1; NaN where it did not."""


def score(tables: NgramTables, ids: Int64s, offsets: Int64s, *, bos: int) -> Floats:
    """Natural-log probability of every token: [T], sequences after ``<s>`` one by one.

    Args:
        tables: the model.
        ids: token ids of all sequences [T], each within the vocabulary.
        offsets: limits of the sequences [S + 1].
        bos: the id of ``<s>``.
    """
    out = np.empty(len(ids), dtype=np.float64)
    _score(
        tables.first,
        tables.words,
        tables.links,
        tables.logprobs,
        tables.backoffs,
        ids,
        offsets,
        _begin(tables, bos),
        out,
    )
    return out


def trace(tables: NgramTables, ids: Int64s, *, bos: int) -> Trace:
    """``score`` of one sequence with the order that matched and each backoff weight paid."""
    result = Trace(
        logprobs=np.empty(len(ids), dtype=np.float64),
        orders=np.empty(len(ids), dtype=np.int64),
        backoffs=np.full((len(ids), tables.order - 1), np.nan),
    )
    _trace(
        tables.starts,
        tables.first,
        tables.words,
        tables.links,
        tables.logprobs,
        tables.backoffs,
        ids,
        _begin(tables, bos),
        result.logprobs,
        result.orders,
        result.backoffs,
    )
    return result


def distribution(tables: NgramTables, context: Sequence[int]) -> Floats:
    """Natural-log probability of every next word after ``context``: [V]."""
    out = np.empty(tables.vocab_size, dtype=np.float64)
    _distribution(
        tables.starts,
        tables.first,
        tables.words,
        tables.links,
        tables.logprobs,
        tables.backoffs,
        np.array(context, dtype=np.int64),
        out,
    )
    return out


def _begin(tables: NgramTables, bos: int) -> int:
    return bos if tables.order > 1 else -1


@compiled
def child(first: Int32s, words: Int32s, node: Index, word: Index) -> Index:
    """The n-gram that continues ``node`` with ``word``, or −1."""
    low = np.int64(first[node])
    end = np.int64(first[node + 1])
    high = end
    while low < high:
        middle = (low + high) >> 1
        if words[middle] < word:
            low = middle + 1
        else:
            high = middle
    if low < end and words[low] == word:
        return low
    return -1


@compiled
def _score(
    first: Int32s,
    words: Int32s,
    links: Int32s,
    logprobs: Float32s,
    backoffs: Float32s,
    ids: Int64s,
    offsets: Int64s,
    begin: int,
    out: Floats,
) -> None:
    lower = len(backoffs)
    for sequence in range(len(offsets) - 1):
        context = begin
        for position in range(offsets[sequence], offsets[sequence + 1]):
            word = ids[position]
            paid = 0.0
            node = word
            while context >= 0:
                node = child(first, words, context, word)
                if node >= 0:
                    break
                paid += np.float64(backoffs[context])
                context = np.int64(links[context])
                node = word
            out[position] = paid + np.float64(logprobs[node])
            context = node if node < lower else np.int64(links[node])


@compiled
def _order_of(starts: Int64s, node: Index) -> int:
    order = 0
    while node >= starts[order]:
        order += 1
    return order


@compiled
def _trace(
    starts: Int64s,
    first: Int32s,
    words: Int32s,
    links: Int32s,
    logprobs: Float32s,
    backoffs: Float32s,
    ids: Int64s,
    begin: int,
    out: Floats,
    orders: Int64s,
    paid: Floats,
) -> None:
    lower = len(backoffs)
    context = begin
    for position in range(len(ids)):
        word = ids[position]
        total = 0.0
        node = word
        while context >= 0:
            node = child(first, words, context, word)
            if node >= 0:
                break
            paid[position, _order_of(starts, context) - 1] = backoffs[context]
            total += np.float64(backoffs[context])
            context = np.int64(links[context])
            node = word
        out[position] = total + np.float64(logprobs[node])
        orders[position] = _order_of(starts, node)
        context = node if node < lower else np.int64(links[node])


@compiled
def _distribution(
    starts: Int64s,
    first: Int32s,
    words: Int32s,
    links: Int32s,
    logprobs: Float32s,
    backoffs: Float32s,
    context: Int64s,
    out: Floats,
) -> None:
    lower = len(backoffs)
    at = np.int64(-1)
    for word in context:
        node = word
        while at >= 0:
            node = child(first, words, at, word)
            if node >= 0:
                break
            at = np.int64(links[at])
            node = word
        at = node if node < lower else np.int64(links[node])
    chain = np.empty(len(starts), dtype=np.int64)
    owed = np.zeros(len(starts) + 1, dtype=np.float64)
    length = 0
    while at >= 0:
        chain[length] = at
        owed[length + 1] = owed[length] + np.float64(backoffs[at])
        length += 1
        at = np.int64(links[at])
    for word in range(len(out)):
        out[word] = owed[length] + np.float64(logprobs[word])
    # From the shortest context to the longest, each better answer replaces the one before.
    for index in range(length - 1, -1, -1):
        for node in range(first[chain[index]], first[chain[index] + 1]):
            out[words[node]] = owed[index] + np.float64(logprobs[node])
