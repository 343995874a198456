r"""The counts of a text as a trie: what every smoothing but the fast default starts from.

Nodes lie as in ``munmaek.ngram.tables``: a node is an n-gram, those of one order together, those of
one context in rising order of their last word. Counts come in two kinds (Kneser & Ney 1995):

    adjusted   a(w_1 … w_k) = |{v : c(v w_1 … w_k) > 0}|, after how many different words it stands;
               c itself for the longest n-grams and those that begin with ``<s>``
    raw        c(w_1 … w_k), how often it occurs

Letters: V vocabulary size, n order, N nodes, L nodes of orders below n.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Bools, Int32s, Int64s
from munmaek.ngram.counting import Trie, adjust, bound, count
from munmaek.ngram.discounts import counts_of_counts, raw_last_ngrams
from munmaek.ngram.sequences import TokenIds, check_text

__all__ = ["CountTree", "count_tree", "counts_of_orders", "raw_counts", "tree_of"]


@dataclass(frozen=True, slots=True, eq=False)
class CountTree(Trie):
    """The n-grams of a text with adjusted counts; ``<s>`` has 0, for it is never predicted."""

    predictable: Bools
    """[V]: ids that have a share of the uniform distribution."""
    bos: int
    """The id of ``<s>``."""
    statistics: tuple[Int64s, ...]
    """t_0 … t_4 of each order, how many n-grams have each adjusted count."""

    def raw(self) -> "CountTree":
        """Return the same n-grams with raw counts and their counts-of-counts."""
        counts = raw_counts(self)
        return replace(self, counts=counts, statistics=counts_of_orders(self.starts, counts))


def count_tree(
    ids: NDArray[np.integer[Any]],
    offsets: Int64s,
    *,
    order: int,
    vocabulary: TokenIds,
    kenlm_compatible: bool = False,
) -> CountTree:
    """Count, sentences bounded by ``<s>`` and ``</s>``; arguments as for ``estimate``.

    Raises:
        InputError: nothing to count, ids that may not stand there, or an order too high.
    """
    predictable, bos, eos = vocabulary.predictable, vocabulary.bos, vocabulary.eos
    check_text(ids, offsets, predictable, eos)
    text = bound(ids, offsets, bos=bos, eos=eos)
    trie = count(text, order=order, vocab_size=vocabulary.vocab_size, bos=bos, eos=eos)
    mend = partial(raw_last_ngrams, text=text, bos=bos, eos=eos) if kenlm_compatible else None
    return tree_of(trie, predictable=predictable, bos=bos, mend=mend)


def tree_of(
    trie: Trie,
    *,
    predictable: Bools,
    bos: int,
    mend: Callable[[list[Int64s]], list[Int64s]] | None = None,
) -> CountTree:
    """Return raw counts as adjusted ones with their counts-of-counts; those of ``trie`` are lost.

    Args:
        trie: as ``munmaek.ngram.counting.count`` gives it.
        predictable: ids that have a share of the uniform distribution: [V].
        bos: the id of ``<s>``.
        mend: makes lmplz's counts-of-counts of the right ones.
    """
    adjust(trie, bos=bos)
    statistics = counts_of_orders(trie.starts, trie.counts)
    return CountTree(
        **{field.name: getattr(trie, field.name) for field in fields(trie)},
        predictable=predictable,
        bos=bos,
        statistics=tuple(mend(list(statistics))) if mend else statistics,
    )


def raw_counts(tree: CountTree) -> Int32s:
    """Return how often each n-gram occurs: [N], from adjusted counts alone.

    Every occurrence stands after some word or begins with ``<s>``, so the raw count of an n-gram is
    the sum over the n-grams one word longer to the left, or its adjusted count if there is none.
    """
    raw = tree.counts.copy()
    for order in range(tree.order - 1, 0, -1):
        below, above = tree.level(order), tree.level(order + 1)
        sums = np.bincount(
            tree.links[above] - below.start, weights=raw[above], minlength=below.stop - below.start
        )
        raw[below] = np.where(sums > 0, sums, raw[below])
    return raw


def counts_of_orders(starts: Int64s, counts: Int32s) -> tuple[Int64s, ...]:
    """Return t_0 … t_4 of each order: how many n-grams have each count below 5."""
    return tuple(counts_of_counts(counts[int(begin) : int(end)]) for begin, end in pairwise(starts))
