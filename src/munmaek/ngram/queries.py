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
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Float32s, Floats, Int32s, Int64s
from munmaek.ngram.compact import CompactTables
from munmaek.ngram.compact_kernels import (
    active_after,
    backoff_at,
    children,
    decode_range,
    trace_packed,
)
from munmaek.ngram.compiled import Index, compiled
from munmaek.ngram.descent import child, find_word, next_context, order_of, shorter
from munmaek.ngram.lockstep import score_in_lanes
from munmaek.ngram.packed_lockstep import score_packed_in_lanes
from munmaek.ngram.parallel import cuts_by_weight, in_threads
from munmaek.ngram.tables import NgramTables

__all__ = [
    "Tables",
    "Top",
    "Trace",
    "distribution",
    "score",
    "top",
    "trace",
]


Tables: TypeAlias = NgramTables | CompactTables
"""A model in the fast or in the compact form."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """The trace of each token's probability in one sequence."""

    logprobs: Floats
    """[T]: natural log."""
    orders: Int64s
    """[T]: the length of the n-gram that matched, its last word the token."""
    backoffs: Floats
    """[T, n − 1]: what the context of k words paid, in column k − 1; NaN where it did not."""


@dataclass(frozen=True, slots=True, eq=False)
class Top:
    """The likeliest next words, best first."""

    ids: Int64s
    logprobs: Floats
    """Natural log."""


def score(
    tables: Tables, ids: NDArray[Any], offsets: Int64s, *, bos: int, threads: int = 1
) -> Floats:
    """Return the natural-log probability of every token, each sequence after ``<s>``: [T].

    Args:
        tables: the model, in either form.
        ids: token ids of all sequences [T], each within the vocabulary.
        offsets: limits of the sequences [S + 1].
        bos: the id of ``<s>``.
        threads: how many work at once; what comes out does not depend on it.
    """
    out = np.empty(len(ids), dtype=np.float64)
    tokens = ids.astype(np.int32, copy=False)
    limits = cuts_by_weight(np.diff(offsets), threads)

    def work(part: tuple[int, int]) -> None:
        _score_part(tables, tokens, offsets[part[0] : part[1] + 1], bos, out)

    in_threads(threads, work, pairwise(limits.tolist()))
    return out


def _score_part(tables: Tables, ids: Int32s, offsets: Int64s, bos: int, out: Floats) -> None:
    packed = isinstance(tables, CompactTables)
    if tables.order == 1:
        part = slice(int(offsets[0]), int(offsets[-1]))
        out[part] = (tables.unigram_logprobs if packed else tables.logprobs)[ids[part]]
    elif packed:
        score_packed_in_lanes(tables.packed, ids, offsets, bos, out)
    else:
        score_in_lanes(
            (
                tables.first,
                tables.words,
                tables.links,
                tables.logprobs,
                tables.backoffs,
                tables.index,
            ),
            ids,
            offsets,
            bos,
            out,
        )


def trace(tables: Tables, ids: Int64s, *, bos: int) -> Trace:
    """Score one sequence, with the order that matched and each backoff weight paid."""
    result = Trace(
        logprobs=np.empty(len(ids), dtype=np.float64),
        orders=np.empty(len(ids), dtype=np.int64),
        backoffs=np.full((len(ids), tables.order - 1), np.nan),
    )
    if isinstance(tables, CompactTables):
        trace_packed(tables.packed, ids, bos, result.logprobs, result.orders, result.backoffs)
        return result
    _trace(
        (tables.first, tables.words, tables.links, tables.logprobs, tables.backoffs),
        tables.starts,
        ids,
        bos if tables.order > 1 else -1,
        result.logprobs,
        result.orders,
        result.backoffs,
    )
    return result


def distribution(tables: Tables, context: Sequence[int]) -> Floats:
    """Return the natural-log probability of every next word after ``context``: [V]."""
    out = np.empty(tables.vocab_size, dtype=np.float64)
    chain = _chain_after(tables, context)
    _distribution(chain.runs, chain.words, chain.logprobs, chain.owed, tables.unigram_logprobs, out)
    return out


def top(tables: Tables, context: Sequence[int], k: int) -> Top:
    """Return the ``k`` likeliest next words, exactly, without looking at the whole vocabulary.

    The continuations of each context are gone through, then the words in the order of their
    unigrams until none can be likelier than those found. Of equal words the lower id comes first;
    words with probability 0 are left out, so there may be fewer than ``k``.
    """
    ids = np.empty(min(k, tables.vocab_size), dtype=np.int64)
    logprobs = np.empty(len(ids), dtype=np.float64)
    if not len(ids):
        return Top(ids=ids, logprobs=logprobs)
    chain = _chain_after(tables, context)
    found = _top(
        chain.runs,
        chain.words,
        chain.logprobs,
        chain.owed,
        tables.unigram_logprobs,
        tables.ranked,
        ids,
        logprobs,
    )
    return Top(ids=ids[:found], logprobs=logprobs[:found])


@dataclass(frozen=True, slots=True, eq=False)
class _Chain:
    """The contexts that the last words are, longest first: C."""

    runs: Int64s
    """[C, 2]: context c is continued by the places ``runs[c, 0]`` up to ``runs[c, 1]``."""
    words: Int32s
    """The words of all places, rising within a run."""
    logprobs: Float32s
    """Their stored log-probabilities."""
    owed: Floats
    """[C + 1]: the sum of the backoff weights of the contexts before c."""


def _chain_after(tables: Tables, context: Sequence[int]) -> _Chain:
    given = np.array(context, dtype=np.int64)
    if isinstance(tables, CompactTables):
        return _packed_chain_after(tables, given)
    runs = np.empty((tables.order, 2), dtype=np.int64)
    owed = np.zeros(tables.order + 1, dtype=np.float64)
    length = _fill_chain(
        tables.first, tables.words, tables.links, tables.backoffs, given, runs, owed
    )
    return _Chain(runs[:length], tables.words, tables.logprobs, owed[: length + 1])


def _packed_chain_after(tables: CompactTables, context: Int64s) -> _Chain:
    """Do the same, with the continuations unpacked."""
    trie = tables.packed
    active = active_after(trie, context)
    runs, owed = [np.zeros(2, dtype=np.int64)][:0], [0.0]
    words, logprobs = [np.empty(0, dtype=np.int32)], [np.empty(0, dtype=np.float32)]
    at = 0
    for level in range(len(active) - 1, -1, -1):
        node = int(active[level])
        if node < 0:
            continue
        begin, end = children(trie, level, node)
        words.append(np.empty(int(end - begin), dtype=np.int32))
        logprobs.append(np.empty(len(words[-1]), dtype=np.float32))
        decode_range(trie, level + 1, begin, words[-1], logprobs[-1])
        runs.append(np.array([at, at + len(words[-1])]))
        at += len(words[-1])
        owed.append(owed[-1] + float(backoff_at(trie, level, node)))
    return _Chain(
        runs=np.array(runs, dtype=np.int64).reshape(-1, 2),
        words=np.concatenate(words),
        logprobs=np.concatenate(logprobs),
        owed=np.array(owed),
    )


@compiled
def _trace(
    tables: tuple[Int32s, Int32s, Int32s, Float32s, Float32s],
    starts: Int64s,
    ids: Int64s,
    begin: int,
    out: Floats,
    orders: Int64s,
    paid: Floats,
) -> None:
    first, words, links, logprobs, backoffs = tables
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
            paid[position, order_of(starts, context) - 1] = backoffs[context]
            total += np.float64(backoffs[context])
            context = shorter(links, context)
            node = word
        out[position] = total + np.float64(logprobs[node])
        orders[position] = order_of(starts, node)
        context = next_context(links, lower, node)


@compiled
def _fill_chain(
    first: Int32s,
    words: Int32s,
    links: Int32s,
    backoffs: Float32s,
    context: Int64s,
    runs: Int64s,
    owed: Floats,
) -> int:
    """Fill ``runs`` and ``owed``; returns how many contexts there are."""
    lower = len(backoffs)
    at = np.int64(-1)
    for word in context:
        node = word
        while at >= 0:
            node = child(first, words, at, word)
            if node >= 0:
                break
            at = shorter(links, at)
            node = word
        at = next_context(links, lower, node)
    length = 0
    while at >= 0 and length < len(runs):
        low, high = np.int64(first[at]), np.int64(first[at + 1])
        inside = low >= 0 and high <= len(words)
        runs[length, 0], runs[length, 1] = (low, high) if inside else (0, 0)
        owed[length + 1] = owed[length] + np.float64(backoffs[at])
        length += 1
        at = shorter(links, at)
    return length


@compiled
def _distribution(
    runs: Int64s, words: Int32s, logprobs: Float32s, owed: Floats, unigrams: Float32s, out: Floats
) -> None:
    for word in range(len(out)):
        out[word] = owed[len(runs)] + np.float64(unigrams[word])
    # From the shortest context to the longest, each better answer replaces the one before.
    for index in range(len(runs) - 1, -1, -1):
        for place in range(runs[index, 0], runs[index, 1]):
            word = np.int64(words[place])
            if 0 <= word < len(out):
                out[word] = owed[index] + np.float64(logprobs[place])


@compiled
def _top(
    runs: Int64s,
    words: Int32s,
    logprobs: Float32s,
    owed: Floats,
    unigrams: Float32s,
    ranked: Int32s,
    ids: Int64s,
    best: Floats,
) -> int:
    """Fill ``ids`` and ``best``; returns how many there are."""
    count = 0
    for index in range(len(runs)):
        for place in range(runs[index, 0], runs[index, 1]):
            value = owed[index] + np.float64(logprobs[place])
            if count == len(ids) and value < best[count - 1]:
                continue
            word = np.int64(words[place])
            if not _follows(runs[:index], words, word):
                count = _insert(word, value, ids, best, count)
    for rank in range(len(ranked)):
        word = np.int64(ranked[rank])
        if not 0 <= word < len(unigrams):
            continue
        value = owed[len(runs)] + np.float64(unigrams[word])
        if value == -np.inf or (count == len(ids) and value < best[count - 1]):
            break
        if not _follows(runs, words, word):
            count = _insert(word, value, ids, best, count)
    return count


@compiled
def _follows(runs: Int64s, words: Int32s, word: Index) -> bool:
    """Return whether ``word`` is in one of the runs."""
    for index in range(len(runs)):
        if find_word(words, runs[index, 0], runs[index, 1], word) >= 0:
            return True
    return False


@compiled
def _insert(word: Index, value: float, ids: Int64s, best: Floats, count: int) -> int:
    """Put the word in its place among the best, the last one falling out; returns their number."""
    if value == -np.inf:
        return count
    place = count
    while place > 0 and (
        best[place - 1] < value or (best[place - 1] == value and ids[place - 1] > word)
    ):
        if place < len(ids):
            ids[place], best[place] = ids[place - 1], best[place - 1]
        place -= 1
    if place < len(ids):
        ids[place], best[place] = word, value
    return min(count + 1, len(ids))
