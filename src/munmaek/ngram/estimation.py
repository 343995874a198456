r"""Interpolated modified Kneser–Ney estimation (Chen & Goodman 1998; Heafield et al. 2013).

    p(w | h) = (a(h w) − D(a(h w))) / a(h ·) + γ(h) p(w | h')
    γ(h) = (D_1 N_1(h ·) + D_2 N_2(h ·) + D_3+ N_3+(h ·)) / a(h ·)

a are adjusted counts, h' is h without its first word, N_i(h ·) how many words follow h with
adjusted count i. Below the unigrams lies the uniform distribution over what can be predicted.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Bools, Float32s, Floats, Int32s, Int64s
from munmaek.ngram.compiled import compiled
from munmaek.ngram.counting import Trie, adjust, bound, count
from munmaek.ngram.discounts import counts_of_counts, discounts_of, raw_last_ngrams
from munmaek.ngram.filling import OnCounted, PendingArray
from munmaek.ngram.index import bits_for, build_index, large_contexts
from munmaek.ngram.intrinsics import prefetch
from munmaek.ngram.memory_pool import MemoryPool
from munmaek.ngram.parallel import in_threads, usual
from munmaek.ngram.sequences import TokenIds, check_text
from munmaek.ngram.tables import NgramTables, ranks

__all__ = ["Estimate", "estimate", "estimate_text", "estimate_trie", "unigram_probabilities"]


# Nodes that are smoothed at a time: their probabilities stay in the processor's cache.
_CHUNK = 1 << 17
_AHEAD = 32


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """The tables of a text, and the discounts they were made with."""

    tables: NgramTables
    discounts: Floats
    """D_1, D_2 and D_3+ of each order: [n, 3]."""


def estimate(
    ids: NDArray[np.integer],
    offsets: Int64s,
    *,
    order: int,
    vocabulary: TokenIds,
    kenlm_compatible: bool = False,
    threads: int | None = None,
) -> Estimate:
    """Count and smooth, sentences bounded by ``<s>`` and ``</s>``.

    Equal to ``lmplz`` when the vocabulary is the words of the text, ``<unk>``, ``<s>`` and
    ``</s>``: each id that is neither ``bos`` nor excluded has a uniform share below the unigrams.

    Args:
        ids: token ids of all sequences [N], without bos and eos.
        offsets: limits of the sequences [S + 1].
        order: n, the length of the longest n-grams.
        vocabulary: its size, and the ids of ``<s>`` and ``</s>``.
        kenlm_compatible: repeat what lmplz does with the last n-gram of each lower order, and
            with discounts of 0.
        threads: how many kernels run side by side, by default one more than processors; the result
            is the same to the bit.

    Raises:
        InputError: nothing to count, ids that may not stand there, or an order too high.

    Warns:
        MunmaekWarning: discounts that had to fall back.
    """
    check_text(ids, offsets, vocabulary.predictable, vocabulary.eos)
    return estimate_text(
        bound(ids, offsets, bos=vocabulary.bos, eos=vocabulary.eos),
        order=order,
        vocabulary=vocabulary,
        kenlm_compatible=kenlm_compatible,
        threads=threads,
    )


def estimate_text(
    text: Int32s,
    *,
    order: int,
    vocabulary: TokenIds,
    kenlm_compatible: bool = False,
    threads: int | None = None,
    pool: MemoryPool | None = None,
    on_counted: OnCounted | None = None,
) -> Estimate:
    """Estimate from a text that is bounded and checked already, as ``estimate`` does.

    Args:
        text: as ``munmaek.ngram.counting.bound`` makes it.
        order: n.
        vocabulary: as for ``estimate``.
        kenlm_compatible: as for ``estimate``.
        threads: as for ``estimate``.
        pool: where large arrays come from.
        on_counted: called with the arrays once all is counted, while probabilities are to come.

    Raises:
        InputError: an order too high.

    Warns:
        MunmaekWarning: discounts that had to fall back.
    """
    threads = usual() if threads is None else threads
    pool = pool or MemoryPool()
    bos, eos = vocabulary.bos, vocabulary.eos
    sizes = {"order": order, "vocab_size": vocabulary.vocab_size, "bos": bos, "eos": eos}
    trie = count(text, threads=threads, pool=pool, **sizes)
    mend = partial(raw_last_ngrams, text=text, bos=bos, eos=eos) if kenlm_compatible else None
    return estimate_trie(
        trie,
        predictable=vocabulary.predictable,
        bos=bos,
        mend=mend,
        threads=threads,
        pool=pool,
        on_counted=on_counted,
    )


def estimate_trie(
    trie: Trie,
    *,
    predictable: Bools,
    bos: int,
    mend: Callable[[list[Int64s]], list[Int64s]] | None = None,
    threads: int | None = None,
    pool: MemoryPool | None = None,
    on_counted: OnCounted | None = None,
) -> Estimate:
    """Estimate from raw counts, as ``estimate_text`` does from the text that they are of.

    Args:
        trie: the n-grams; its counts are lost.
        predictable: ids that have a share of the uniform distribution: [V].
        bos: the id of ``<s>``.
        mend: makes lmplz's counts-of-counts of the right ones; discounts of 0 are then allowed.
        threads: as for ``estimate``.
        pool: where large arrays come from.
        on_counted: as for ``estimate_text``.

    Warns:
        MunmaekWarning: discounts that had to fall back.
    """
    threads = usual() if threads is None else threads
    pool, vocab_size, order = pool or MemoryPool(), len(predictable), trie.order
    counted = {name: getattr(trie, name) for name in ("starts", "words", "links", "first")}
    large = large_contexts(trie.first)
    pending = {
        "discounts": PendingArray((order, 3), np.float64),
        "ranked": PendingArray((vocab_size,), np.int32),
        "logprobs": PendingArray((len(trie.counts),), np.float32),
        "backoffs": PendingArray((int(trie.starts[-2]),), np.float32),
        "index": PendingArray((1 << bits_for(large[1]),), np.uint64),
    }
    if on_counted is not None:
        on_counted({**counted, **pending})
    try:
        adjust(trie, bos=bos, threads=threads)
        statistics = in_threads(
            threads, lambda k: counts_of_counts(trie.counts[trie.level(k + 1)]), range(order)
        )
        discounts = discounts_of(mend(statistics) if mend else statistics, allow_zero=bool(mend))
        pending["discounts"].reach(discounts)
        filled = _fill(trie, discounts, predictable, threads, pool, pending)
        index = build_index(trie.first, trie.words, large=large, pool=pool, threads=threads)
        if index.shape == pending["index"].shape:
            pending["index"].reach(index)
    finally:
        for each in pending.values():
            each.stop()
    pool.release()
    return Estimate(NgramTables(**counted, **filled, index=index), discounts)


def _fill(
    trie: Trie,
    discounts: Floats,
    predictable: Bools,
    threads: int,
    pool: MemoryPool,
    pending: Mapping[str, PendingArray],
) -> dict[str, Any]:
    """Return probabilities, backoff weights and the ranks of words, each passed on when final.

    The counts are lost, for logarithms take their place.
    """
    starts = trie.starts
    logprobs = trie.counts.view(np.float32)
    backoffs = pool.take(int(starts[-2]), np.float32)
    # Room for the probabilities of two orders, and for the index after them.
    pool.give(pool.take(int((starts[2:-1] - starts[:-3]).max(initial=0)) + 16, np.float64))
    lower = unigram_probabilities(trie.counts[trie.level(1)], discounts[0], predictable)
    _log_into(lower, logprobs[trie.level(1)])
    ranked = ranks(logprobs[trie.level(1)])
    pending["ranked"].reach(ranked)
    for order in range(2, trie.order + 1):
        kept = pool.take(len(logprobs[trie.level(order)]) if order < trie.order else 0, np.float64)
        _smooth_order(trie, order, discounts[order - 1], lower, kept, logprobs, backoffs, threads)
        pool.give(lower)
        lower = kept
        pending["logprobs"].reach(logprobs, int(starts[order]))
        pending["backoffs"].reach(backoffs, int(starts[order - 1]))
    pending["logprobs"].reach(logprobs)
    pending["backoffs"].reach(backoffs)
    return {"logprobs": logprobs, "backoffs": backoffs, "ranked": ranked}


def unigram_probabilities(counts: Int32s, discounts: Floats, predictable: Bools) -> Floats:
    """Discount adjusted counts and spread what is set aside evenly over ``predictable``: [V]."""
    discounted = np.concatenate([np.zeros(1), discounts])[np.minimum(counts, 3)]
    total = counts.sum(dtype=np.int64)
    uniform = discounted.sum() / total / np.count_nonzero(predictable)
    return np.where(predictable, (counts - discounted) / total + uniform, 0.0)


def _smooth_order(
    trie: Trie,
    order: int,
    discounts: Floats,
    lower: Floats,
    kept: Floats,
    logprobs: Float32s,
    backoffs: Float32s,
    threads: int,
) -> None:
    """Smooth one order by the order below; the longest n-grams' probabilities are not kept."""
    base, start = int(trie.starts[order - 2]), int(trie.starts[order - 1])
    held = np.concatenate([np.zeros(1), discounts])

    def work(contexts: tuple[int, int]) -> None:
        low, high = contexts
        begin, end = int(trie.first[low]), int(trie.first[high])
        chunk = kept[begin - start : end - start] if len(kept) else np.empty(end - begin)
        weights = np.empty(high - low)
        tree = trie.first, trie.links, trie.counts
        interpolate(low, high, tree, held, lower, base, chunk, weights)
        _log_into(chunk, logprobs[begin:end])
        _log_into(weights, backoffs[low:high])

    in_threads(threads, work, _chunks(trie.first, base, start))


def _chunks(first: Int32s, low: int, high: int) -> list[tuple[int, int]]:
    """Return the runs of contexts with about as many continuations each."""
    ends = np.arange(first[low], first[high], _CHUNK, dtype=first.dtype)[1:]
    inner = low + np.searchsorted(first[low:high], ends)
    limits = np.unique(np.concatenate([[low], inner, [high]])).tolist()
    return list(itertools.pairwise(limits))


def _log_into(probabilities: Floats, logs: Float32s) -> None:
    """Take natural logarithms, rounded once; rounding may leave a probability a hair above 1."""
    with np.errstate(divide="ignore"):
        exact = np.log(probabilities)
    np.minimum(exact, 0.0, out=logs, casting="same_kind")


@compiled
def interpolate(
    low: int,
    high: int,
    tree: tuple[Int32s, Int32s, Int32s],
    discounts: Floats,
    lower: Floats,
    base: int,
    probabilities: Floats,
    weights: Floats,
) -> None:
    """Fill in probabilities of what continues contexts ``low`` up to ``high``, and backoff weights.

    ``tree`` has first continuations, links and counts, ``lower[i]`` is the probability of node
    ``base + i``, and ``discounts`` are those of counts 0 to 3.
    """
    first, links, counts = tree
    start = first[low]
    last = first[high] - 1
    for context in range(low, high):
        begin, end = first[context], first[context + 1]
        if begin == end:
            weights[context - low] = 1.0
            continue
        total = np.int64(0)
        held = 0.0
        for node in range(begin, end):
            total += counts[node]
            held += discounts[min(counts[node], 3)]
        weight = held / total
        weights[context - low] = weight
        for node in range(begin, end):
            prefetch(lower, links[min(node + _AHEAD, last)] - base)
            kept = counts[node] - discounts[min(counts[node], 3)]
            probabilities[node - start] = kept / total + weight * lower[links[node] - base]
