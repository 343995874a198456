r"""Smoothing by interpolation, and the pruning of counts: one computation for the whole family.

    p(w | h) = s(h w) + γ(h) p(w | h')
    s(h w) = (c(h w) − D) / (c(h ·) + e N_1+(h ·))      for the n-grams that are kept, else 0
    γ(h) = 1 − Σ_w s(h w)

h' is h without its first word; c are raw or adjusted counts, N_1+(h ·) how many words follow h.
Discounts D with e = 0 give absolute discounting and both forms of Kneser–Ney; D = 0 with e = 1
gives Witten–Bell; D = 0 with e = 0 gives maximum likelihood. Below the unigrams lies the uniform
distribution over what can be predicted. An n-gram that is pruned leaves its whole count to γ, as in
lmplz --prune (Heafield et al. 2013).

Letters: V vocabulary size, n order, N nodes, L nodes of orders below n.
"""

import numpy as np

from munmaek.arrays import Bools, Floats, Int32s, Int64s
from munmaek.ngram.compiled import compiled
from munmaek.ngram.tables import NgramTables
from munmaek.ngram.tree import CountTree

__all__ = ["interpolated", "tables_of"]


def interpolated(
    tree: CountTree, discounts: Floats, *, kept: Bools, types: float = 0.0
) -> NgramTables:
    """Interpolate probabilities and backoff weights of every n-gram, pruned ones still in place.

    Args:
        tree: the counts.
        discounts: D for counts of 1, 2 and 3 or more, of each order: [n, 3].
        kept: n-grams with a probability of their own [N]; all unigrams, and with an n-gram also
            its context and itself without its first word.
        types: e, how much each different next word counts beside the counts.
    """
    by_count = np.concatenate([np.zeros((tree.order, 1)), discounts], axis=1)
    probabilities = np.empty(len(tree.words), dtype=np.float64)
    vocab_size = int(tree.starts[1])
    probabilities[:vocab_size] = _unigrams(tree, by_count[0], types)
    backoffs = np.ones(len(tree.first) - 1, dtype=np.float64)
    _interpolate(
        (tree.starts, tree.first, tree.links, tree.counts),
        kept,
        by_count,
        types,
        probabilities,
        backoffs,
    )
    return tables_of(tree, probabilities, backoffs)


def _unigrams(tree: CountTree, discounts: Floats, types: float) -> Floats:
    counts = tree.counts[tree.level(1)]
    seen = np.count_nonzero(counts)
    discounted = discounts[np.minimum(counts, 3)]
    total = counts.sum(dtype=np.int64) + types * seen
    uniform = (discounted.sum() + types * seen) / total / np.count_nonzero(tree.predictable)
    return np.where(tree.predictable, (counts - discounted) / total + uniform, 0.0)


@compiled
def _interpolate(
    tree: tuple[Int64s, Int32s, Int32s, Int32s],
    kept: Bools,
    discounts: Floats,
    types: float,
    probabilities: Floats,
    backoffs: Floats,
) -> None:
    """Fill all orders above 1, shorter contexts first.

    ``tree`` has the starts of the orders, first continuations, links and counts.
    """
    starts, first, links, counts = tree
    level = 1
    for context in range(len(backoffs)):
        if context == starts[level]:
            level += 1
        begin, end = first[context], first[context + 1]
        if begin == end:
            continue
        total = 0.0
        freed = 0.0
        for node in range(begin, end):
            count = counts[node]
            total += count + types
            freed += (discounts[level, min(count, 3)] if kept[node] else count) + types
        weight = freed / total
        backoffs[context] = weight
        for node in range(begin, end):
            share = counts[node] - discounts[level, min(counts[node], 3)]
            own = share / total if kept[node] else 0.0
            probabilities[node] = own + weight * probabilities[links[node]]


def tables_of(tree: CountTree, probabilities: Floats, backoffs: Floats) -> NgramTables:
    """Make tables of the logarithms of ``probabilities`` [N] and ``backoffs`` [L], overwritten."""
    with np.errstate(divide="ignore"):
        np.log(probabilities, out=probabilities)
        np.log(backoffs, out=backoffs)
    # Rounding may leave a probability of 1 a hair above it.
    np.minimum(probabilities, 0.0, out=probabilities)
    return NgramTables(
        starts=tree.starts,
        words=tree.words,
        links=tree.links,
        first=tree.first,
        logprobs=probabilities.astype(np.float32),
        backoffs=backoffs.astype(np.float32),
    )
