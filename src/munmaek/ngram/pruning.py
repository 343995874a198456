r"""Smaller models: n-grams left out by count or by how little they tell.

By count, as ``lmplz --prune`` has it: an n-gram goes when its raw count is at most the threshold of
its order; discounts come from all n-grams, and its mass goes to its context's backoff weight.

By relative entropy (Stolcke 1998, equations 2 to 8): an n-gram goes when leaving it out raises the
perplexity of the model's own text by less than a share θ,

    D(h w) = −p(h) { p(w|h) [log p(w|h') + log α'(h) − log p(w|h)]
                     + (1 − Σ_{v seen} p(v|h)) [log α'(h) − log α(h)] },    exp(D) − 1 < θ

with α'(h) the backoff weight without it; longer n-grams first, and no n-gram that still is a
context. Every weight is computed anew afterwards, so the model sums to 1 again.

Letters: V vocabulary size, n order, N nodes, L nodes of orders below n.
"""

from collections.abc import Sequence

import numpy as np

from munmaek.arrays import Bools, Float32s, Floats, Int32s, Int64s
from munmaek.errors import InputError
from munmaek.ngram.compiled import Index, compiled
from munmaek.ngram.descent import child
from munmaek.ngram.tables import NgramTables
from munmaek.ngram.tree import CountTree, raw_counts

__all__ = ["above", "histories_of_counts", "prune_by_entropy", "subset"]


def above(tree: CountTree, thresholds: Sequence[int]) -> Bools:
    """Return which n-grams occur more often than the threshold of their order: [N].

    Args:
        tree: the counts.
        thresholds: one for each order, never falling, 0 for unigrams; the last goes on for longer
            n-grams. Nothing is pruned without one.
    """
    kept = np.ones(len(tree.words), dtype=np.bool_)
    if not any(thresholds):
        return kept
    raw = raw_counts(tree)
    for order in range(2, tree.order + 1):
        level = tree.level(order)
        kept[level] = raw[level] > thresholds[min(order, len(thresholds)) - 1]
    return kept


def subset(tables: NgramTables, kept: Bools) -> NgramTables:
    """Return the tables with the ``kept`` nodes alone; values are taken as they are.

    Args:
        tables: the n-grams.
        kept: all unigrams, and no n-gram without its context: [N].

    Raises:
        InputError: an order has no n-gram left.
    """
    places = np.zeros(len(kept) + 1, dtype=np.int64)
    np.cumsum(kept, out=places[1:])
    starts = places[tables.starts]
    empty = np.flatnonzero(np.diff(starts) == 0)
    if len(empty):
        order = int(empty[0]) + 1
        message = f"pruning leaves no {order}-grams; prune less, or choose order {order - 1}"
        raise InputError(message)
    lower = len(tables.backoffs)
    limits = np.append(tables.first[:-1][kept[:lower]], np.int32(len(kept)))
    return NgramTables(
        starts=starts,
        words=tables.words[kept],
        links=_kept_links(tables.links, kept, places),
        first=places[limits].astype(np.int32),
        logprobs=tables.logprobs[kept],
        backoffs=tables.backoffs[kept[:lower]],
    )


def _kept_links(links: Int32s, kept: Bools, places: Int64s) -> Int32s:
    """Return where each kept node leads: past what is gone, to the longest end still there."""
    found = links[kept]
    while len(gone := np.flatnonzero((found >= 0) & ~kept[found])):
        found[gone] = links[found[gone]]
    return np.where(found < 0, -1, places[found]).astype(np.int32)


def histories_of_counts(tree: CountTree) -> Floats:
    """Return how likely each context is in the text itself, natural log of c(h ·) / tokens: [L].

    Kneser–Ney's lower orders say after how many words a word comes, not how often, so their
    probabilities weigh contexts wrongly (Chelba et al. 2010, "Study on Interaction between Entropy
    Pruning and Kneser-Ney Smoothing").
    """
    raw = raw_counts(tree).astype(np.float64)
    reached = np.concatenate([np.zeros(1), np.cumsum(raw)])
    with np.errstate(divide="ignore"):
        return np.log(np.diff(reached[tree.first]) / raw[tree.level(1)].sum())


def prune_by_entropy(tables: NgramTables, histories: Floats, *, threshold: float) -> NgramTables:
    """Leave out n-grams that tell little, and weigh all backoffs anew.

    Args:
        tables: the n-grams.
        histories: natural log of how likely each context is [L].
        threshold: θ, the relative rise in perplexity that is too small to keep an n-gram for.

    Raises:
        InputError: an order has no n-gram left.
    """
    kept = np.ones(len(tables.words), dtype=np.bool_)
    _mark(
        (tables.first, tables.words, tables.links, tables.logprobs, tables.backoffs),
        tables.starts,
        histories,
        threshold,
        kept,
    )
    smaller = subset(tables, kept)
    backoffs = np.zeros(len(smaller.backoffs), dtype=np.float32)
    _weigh(smaller.first, smaller.words, smaller.links, smaller.logprobs, backoffs)
    return NgramTables(
        starts=smaller.starts,
        words=smaller.words,
        links=smaller.links,
        first=smaller.first,
        logprobs=smaller.logprobs,
        backoffs=backoffs,
    )


@compiled
def _backed_off(
    first: Int32s,
    words: Int32s,
    links: Int32s,
    logprobs: Float32s,
    backoffs: Float32s,
    context: Index,
    word: Index,
) -> float:
    """Return the natural log of p(word | context), context a node or −1."""
    at = np.int64(context)
    paid = 0.0
    while at >= 0:
        node = child(first, words, at, word)
        if node >= 0:
            return paid + np.float64(logprobs[node])
        paid += np.float64(backoffs[at])
        at = np.int64(links[at])
    return paid + np.float64(logprobs[word])


@compiled
def _mark(
    tables: tuple[Int32s, Int32s, Int32s, Float32s, Float32s],
    starts: Int64s,
    histories: Floats,
    threshold: float,
    kept: Bools,
) -> None:
    first, words, links, logprobs, backoffs = tables
    lower = len(backoffs)
    for level in range(len(starts) - 2, 0, -1):
        for context in range(starts[level - 1], starts[level]):
            begin, end = first[context], first[context + 1]
            left = 1.0
            below_left = 1.0
            below = np.empty(end - begin, dtype=np.float64)
            for node in range(begin, end):
                below[node - begin] = _backed_off(
                    first, words, links, logprobs, backoffs, links[context], words[node]
                )
                left -= np.exp(np.float64(logprobs[node]))
                below_left -= np.exp(below[node - begin])
            left = max(left, 0.0)
            for node in range(begin, end):
                if node < lower and kept[first[node] : first[node + 1]].any():
                    continue
                own = np.float64(logprobs[node])
                short = below[node - begin]
                freed, room = left + np.exp(own), below_left + np.exp(short)
                if freed <= 0.0 or room <= 0.0:
                    continue
                weight = np.log(freed) - np.log(room)
                change = np.exp(own) * (short + weight - own)
                if left > 0.0:
                    change += left * (weight - np.float64(backoffs[context]))
                kept[node] = np.expm1(-np.exp(histories[context]) * change) >= threshold


@compiled
def _weigh(
    first: Int32s, words: Int32s, links: Int32s, logprobs: Float32s, backoffs: Float32s
) -> None:
    """Set α(h) = (1 − Σ p(w|h)) / (1 − Σ p(w|h')) over the words seen after h, shorter h first."""
    for context in range(len(backoffs)):
        begin, end = first[context], first[context + 1]
        if begin == end:
            continue
        left = 1.0
        below = 1.0
        for node in range(begin, end):
            left -= np.exp(np.float64(logprobs[node]))
            below -= np.exp(
                _backed_off(first, words, links, logprobs, backoffs, links[context], words[node])
            )
        if left <= 0.0:
            backoffs[context] = -np.inf
        elif below > 0.0:
            backoffs[context] = np.log(left) - np.log(below)
