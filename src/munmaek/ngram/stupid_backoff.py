r"""Stupid Backoff: relative frequency where there is one, else a fixed factor of the shorter.

    S(w | h) = c(h w) / c(h ·)      if h w was seen
             = α S(w | h')          otherwise,        S(w) = c(w) / c(·)

S is a score, no probability: it does not sum to 1. Divided by its sum over the vocabulary,

    Z(h) = Σ_w S(w | h) = Σ_{w seen} c(h w) / c(h ·) + α (Z(h') − Σ_{w seen} S(w | h'))

it is one, p(w | h) = S(w | h) / Z(h), and still a backoff model whose weight is α Z(h') / Z(h).
A context that was never seen pays no factor: it would be the same for every next word.

Source: Brants, Popat, Xu, Och & Dean 2007, "Large Language Models in Machine Translation",
section 4; α = 0.4 there.

Letters: N nodes, L nodes of orders below the highest.
"""

import numpy as np

from munmaek.arrays import Bools, Floats, Int32s
from munmaek.ngram.compiled import compiled
from munmaek.ngram.interpolation import tables_of
from munmaek.ngram.tables import NgramTables
from munmaek.ngram.tree import CountTree

__all__ = ["stupid_backoff"]


def stupid_backoff(
    tree: CountTree, *, kept: Bools, factor: float, normalised: bool = False
) -> NgramTables:
    """Make tables of scores, or of probabilities when ``normalised``.

    Args:
        tree: the counts.
        kept: n-grams that pruning leaves [N].
        factor: α, above 0 and at most 1.
        normalised: divide the scores after each context by their sum.
    """
    raw = tree.raw()
    scores = np.empty(len(tree.words), dtype=np.float64)
    unigrams = raw.counts[raw.level(1)]
    scores[: len(unigrams)] = unigrams / unigrams.sum(dtype=np.int64)
    backoffs = np.ones(len(tree.first) - 1, dtype=np.float64)
    _score(tree.first, tree.links, raw.counts, kept, factor, scores, backoffs)
    if normalised:
        sums = np.ones(len(backoffs), dtype=np.float64)
        _normalise(tree.first, tree.links, kept, factor, scores, sums, backoffs)
    return tables_of(tree, scores, backoffs)


@compiled
def _score(
    first: Int32s,
    links: Int32s,
    counts: Int32s,
    kept: Bools,
    factor: float,
    scores: Floats,
    backoffs: Floats,
) -> None:
    for context in range(len(backoffs)):
        begin, end = first[context], first[context + 1]
        if begin < end or counts[context] > 0:  # <s> has no count, words of no text have neither
            backoffs[context] = factor
        total = 0.0
        for node in range(begin, end):
            total += counts[node]
        for node in range(begin, end):
            scores[node] = counts[node] / total if kept[node] else factor * scores[links[node]]


@compiled
def _normalise(
    first: Int32s,
    links: Int32s,
    kept: Bools,
    factor: float,
    scores: Floats,
    sums: Floats,
    backoffs: Floats,
) -> None:
    """Sum contexts, shorter ones first; then divide every level by its own, longest first."""
    lower = len(backoffs)
    for context in range(lower):
        shorter = 1.0 if links[context] < 0 else sums[links[context]]
        seen = 0.0
        below = 0.0
        for node in range(first[context], first[context + 1]):
            if kept[node]:
                seen += scores[node]
                below += scores[links[node]]
        sums[context] = seen + factor * (shorter - below)
        backoffs[context] = factor * shorter / sums[context]
    for context in range(lower):
        for node in range(first[context], first[context + 1]):
            scores[node] /= sums[context]
