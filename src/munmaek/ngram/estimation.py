r"""Interpolated modified Kneser–Ney estimation (Chen & Goodman 1998; Heafield et al. 2013).

    p(w | h) = (a(h w) − D(a(h w))) / a(h ·) + γ(h) p(w | h')
    γ(h) = (D_1 N_1(h ·) + D_2 N_2(h ·) + D_3+ N_3+(h ·)) / a(h ·)

a are adjusted counts, h' is h without its first word, N_i(h ·) how many words follow h with
adjusted count i. Below the unigrams lies the uniform distribution over what can be predicted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import InputError
from munmaek.ngram.compiled import compiled
from munmaek.ngram.counting import Counts, bound, count
from munmaek.ngram.discounts import counts_of_counts, discounts_of, raw_last_ngrams
from munmaek.ngram.sequences import check_range, sequence_of
from munmaek.ngram.tables import NgramTables

__all__ = ["Estimate", "estimate"]

Floats = NDArray[np.float64]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """What came of the text."""

    tables: NgramTables
    discounts: Floats
    """D_1, D_2 and D_3+ of each order: [n, 3]."""


def estimate(
    ids: Int64s,
    offsets: Int64s,
    *,
    order: int,
    vocab_size: int,
    bos: int,
    eos: int,
    excluded: Sequence[int] = (),
    kenlm_compatible: bool = False,
) -> Estimate:
    """Count and smooth, sentences bounded by ``<s>`` and ``</s>``.

    Equal to ``lmplz`` when the vocabulary is the words of the text, ``<unk>``, ``<s>`` and
    ``</s>``: each id that is neither ``bos`` nor excluded has a uniform share below the unigrams.

    Args:
        ids: token ids of all sequences [N], without bos and eos.
        offsets: limits of the sequences [S + 1].
        order: n, the length of the longest n-grams.
        vocab_size: V.
        bos: the id of ``<s>``, with probability 0.
        eos: the id of ``</s>``, predicted at the end of every sequence, empty ones too.
        excluded: further ids with probability 0, such as padding.
        kenlm_compatible: repeat what lmplz does with the last n-gram of each lower order, and
            with discounts of 0.

    Raises:
        InputError: nothing to count, ids that may not stand there, or an order too high.

    Warns:
        MunmaekWarning: discounts that had to fall back.
    """
    never = np.zeros(vocab_size, dtype=np.bool_)
    never[[bos, *excluded]] = True
    _check_text(ids, offsets, never, eos)
    text = bound(ids, offsets, bos=bos, eos=eos)
    orders = count(text, offsets, order=order, vocab_size=vocab_size, bos=bos)
    statistics = [counts_of_counts(counts.counts) for counts in orders]
    if kenlm_compatible:
        statistics = raw_last_ngrams(statistics, text, bos=bos, eos=eos)
    del text
    discounts = discounts_of(statistics, allow_zero=kenlm_compatible)
    return Estimate(tables=_smooth(orders, discounts, ~never), discounts=discounts)


def _check_text(ids: Int64s, offsets: Int64s, never: NDArray[np.bool_], eos: int) -> None:
    if len(offsets) < 2:
        message = "the corpus is empty: 0 sequences; give at least one to count"
        raise InputError(message)
    check_range(ids, offsets, len(never))
    refused = never.copy()
    refused[eos] = True
    found = refused[ids]
    if found.any():
        position = int(np.argmax(found))
        message = (
            f"sequence {sequence_of(offsets, position)}: token id {ids[position]} is reserved "
            "(a sentence boundary or an excluded id); leave it out, boundaries are added here"
        )
        raise InputError(message)


def _smooth(orders: list[Counts], discounts: Floats, predictable: NDArray[np.bool_]) -> NgramTables:
    starts = np.zeros(len(orders) + 1, dtype=np.int64)
    np.cumsum([len(counts.words) for counts in orders], out=starts[1:])
    if starts[-1] > np.iinfo(np.int32).max:
        message = f"{starts[-1]} n-grams are too many for one table; lower the order"
        raise InputError(message)
    unigrams = orders[0].counts
    words, links, first, counts = _arrange(orders, starts)
    probabilities = np.empty(int(starts[-1]), dtype=np.float64)
    probabilities[: len(unigrams)] = _unigram_probabilities(unigrams, discounts[0], predictable)
    backoffs = np.ones(int(starts[-2]), dtype=np.float64)
    _interpolate(starts, first, links, counts, discounts, probabilities, backoffs)
    del counts
    with np.errstate(divide="ignore"):
        np.log(probabilities, out=probabilities)
        np.log(backoffs, out=backoffs)
    # Rounding may leave a probability of 1 a hair above it.
    np.minimum(probabilities, 0.0, out=probabilities)
    return NgramTables(
        starts=starts,
        words=words,
        links=links,
        first=first,
        logprobs=probabilities.astype(np.float32),
        backoffs=backoffs.astype(np.float32),
    )


def _unigram_probabilities(
    counts: Int32s, discounts: Floats, predictable: NDArray[np.bool_]
) -> Floats:
    discounted = np.concatenate([np.zeros(1), discounts])[np.minimum(counts, 3)]
    total = counts.sum(dtype=np.int64)
    uniform = discounted.sum() / total / np.count_nonzero(predictable)
    return np.where(predictable, (counts - discounted) / total + uniform, 0.0)


def _arrange(orders: list[Counts], starts: Int64s) -> tuple[Int32s, Int32s, Int32s, Int32s]:
    """Words, links, first continuations and adjusted counts of every node, in trie order."""
    nodes, lower, vocab_size = int(starts[-1]), int(starts[-2]), int(starts[1])
    words, links, counts = (np.empty(nodes, dtype=np.int32) for _ in range(3))
    first = np.zeros(lower + 1, dtype=np.int32)
    first[0] = vocab_size
    words[:vocab_size] = orders[0].words
    links[:vocab_size] = -1
    counts[:vocab_size] = orders[0].counts
    places = orders[0].words
    for index, level in enumerate(orders[1:], start=1):
        begin, end = int(starts[index - 1]), int(starts[index])
        limits = first[begin + 1 : end + 1]
        _tally(level.contexts, places, begin, limits)
        np.cumsum(limits, out=limits)
        limits += end
        cursor = first[places]
        longer = np.empty(len(level.words), dtype=np.int32)
        _place(
            level.words,
            level.contexts,
            level.suffixes,
            level.counts,
            places,
            cursor,
            longer,
            words,
            links,
            counts,
        )
        places = longer
    return words, links, first, counts


@compiled
def _tally(contexts: Int32s, places: Int32s, begin: int, sizes: Int32s) -> None:
    """Add to ``sizes`` how many n-grams continue each context, contexts in trie order."""
    for context in contexts:
        sizes[places[context] - begin] += 1


@compiled
def _place(
    grams: Int32s,
    contexts: Int32s,
    suffixes: Int32s,
    adjusted: Int32s,
    lower_places: Int32s,
    cursor: Int32s,
    places: Int32s,
    words: Int32s,
    links: Int32s,
    counts: Int32s,
) -> None:
    """Stable counting sort: the n-grams of a context stay in rising order of their last word.

    ``cursor`` holds the next free node of each context, ``places`` gets the node of each n-gram.
    """
    for gram in range(len(grams)):
        node = cursor[contexts[gram]]
        cursor[contexts[gram]] += 1
        places[gram] = node
        words[node] = grams[gram]
        links[node] = lower_places[suffixes[gram]]
        counts[node] = adjusted[gram]


@compiled
def _interpolate(
    starts: Int64s,
    first: Int32s,
    links: Int32s,
    counts: Int32s,
    discounts: Floats,
    probabilities: Floats,
    backoffs: Floats,
) -> None:
    """Fill probabilities and backoff weights of all orders above 1, shorter contexts first."""
    level = 1
    for context in range(len(backoffs)):
        if context == starts[level]:
            level += 1
        begin, end = first[context], first[context + 1]
        if begin == end:
            continue
        total = np.int64(0)
        held = 0.0
        for node in range(begin, end):
            total += counts[node]
            held += discounts[level, min(counts[node], 3) - 1]
        weight = held / total
        backoffs[context] = weight
        for node in range(begin, end):
            kept = counts[node] - discounts[level, min(counts[node], 3) - 1]
            probabilities[node] = kept / total + weight * probabilities[links[node]]
