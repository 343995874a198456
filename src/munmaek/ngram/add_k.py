r"""Add-k smoothing: every next word as if seen k times more.

    p(w | h) = (c(h w) + k) / (c(h ·) + k V)

V counts what can be predicted; h is the whole context of n − 1 words, fewer only after ``<s>``, and
shorter contexts play no part: after a context never seen every word has 1 / V. In the tables the
words of the lower levels are therefore uniform, and a whole context falls back on them with the
weight γ(h) = k V / (c(h ·) + k V).

Source: Chen & Goodman 1998, section 2.1 (Lidstone 1920; k = 1 is Laplace's).

Letters: V vocabulary size, n order, N nodes.
"""

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Bools, Floats
from munmaek.ngram.interpolation import tables_of
from munmaek.ngram.tables import NgramTables
from munmaek.ngram.tree import CountTree

__all__ = ["add_k"]


def add_k(tree: CountTree, *, kept: Bools, k: float) -> NgramTables:
    """Smooth by adding k to every count.

    Args:
        tree: the counts.
        kept: n-grams that pruning leaves [N]; the count of the others is shared evenly.
        k: added to every count, above 0.
    """
    raw = tree.raw()
    counts = raw.counts.astype(np.float64)
    vocabulary = int(np.count_nonzero(tree.predictable))
    uniform = np.where(tree.predictable, 1 / vocabulary, 0.0)
    probabilities = np.full(len(tree.words), 1 / vocabulary)
    probabilities[: len(uniform)] = uniform
    backoffs = np.ones(len(tree.first) - 1, dtype=np.float64)
    if tree.order == 1:
        total = counts.sum() + k * vocabulary
        probabilities[:] = np.where(tree.predictable, (counts + k) / total, 0.0)
    owned = np.where(kept, counts, 0.0)
    for begin, end in _whole_contexts(tree):
        children = slice(int(tree.first[begin]), int(tree.first[end]))
        sizes = np.diff(tree.first[begin : end + 1])
        totals = _sums(counts[children], sizes) + k * vocabulary
        weights = (totals - _sums(owned[children], sizes)) / totals
        # A context without a next word, one that </s> ends, keeps weight 1.
        backoffs[begin:end] = weights
        shares = owned[children] / np.repeat(totals, sizes)
        probabilities[children] = shares + np.repeat(weights, sizes) / vocabulary
    return tables_of(tree, probabilities, backoffs)


def _whole_contexts(tree: CountTree) -> list[tuple[int, int]]:
    """Return runs of nodes that are whole states: begin with ``<s>`` or have n − 1 words."""
    runs: list[tuple[int, int]] = []
    begin, end = tree.bos, tree.bos + 1
    for _ in range(1, tree.order - 1):
        runs.append((begin, end))
        begin, end = int(tree.first[begin]), int(tree.first[end])
    if tree.order > 1:
        last = tree.level(tree.order - 1)
        runs.append((last.start, last.stop))
    return runs


def _sums(values: Floats, sizes: NDArray[np.int32]) -> Floats:
    """Return the sum of each of the runs that lie end to end."""
    owners = np.repeat(np.arange(len(sizes)), sizes)
    return np.bincount(owners, weights=values, minlength=len(sizes)).astype(np.float64)
