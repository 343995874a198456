r"""The smoothings besides the default: each from counts to tables, all asked in the same way.

Absolute discounting, Witten–Bell, Kneser–Ney with one discount and maximum likelihood are members
of one family (``munmaek.ngram.interpolation``); add-k and Stupid Backoff have arithmetic of their
own. Every function takes ``kept`` [N], the n-grams that pruning leaves, and gives tables in which
the others still stand, worth what backing off would give them.

Sources: Chen & Goodman 1998, "An Empirical Study of Smoothing Techniques for Language Modeling",
section 2; the papers named at each function.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from munmaek.arrays import Bools, Floats, Int64s
from munmaek.errors import MunmaekWarning
from munmaek.ngram.discounts import discounts_of
from munmaek.ngram.interpolation import interpolated
from munmaek.ngram.tables import NgramTables
from munmaek.ngram.tree import CountTree

__all__ = [
    "SINGLE_FALLBACK",
    "Smoothed",
    "absolute",
    "kneser_ney",
    "maximum_likelihood",
    "modified_kneser_ney",
    "single_discounts",
    "witten_bell",
]


SINGLE_FALLBACK = 0.5
"""The one discount where it cannot be estimated."""


def single_discounts(statistics: Sequence[Int64s]) -> Floats:
    r"""Return D = t_1 / (t_1 + 2 t_2) of each order, for every count alike: [n, 3].

    t_i is how many n-grams of the order have count i (Ney, Essen & Kneser 1994; Chen & Goodman
    1998, equation 18).

    Warns:
        MunmaekWarning: orders without n-grams of count 1 or of count 2, which have
            ``SINGLE_FALLBACK`` instead.
    """
    discounts = np.empty((len(statistics), 3), dtype=np.float64)
    fallen: list[str] = []
    for index, t in enumerate(statistics):
        once, twice = int(t[1]), int(t[2])
        discounts[index] = once / (once + 2 * twice) if once and twice else SINGLE_FALLBACK
        if not (once and twice):
            fallen.append(str(index + 1))
    if fallen:
        message = (
            f"the discount of order {', '.join(fallen)} cannot be estimated from so little or so "
            f"repetitive text; using {SINGLE_FALLBACK}"
        )
        warnings.warn(message, MunmaekWarning, stacklevel=2)
    return discounts


@dataclass(frozen=True, slots=True, eq=False)
class Smoothed:
    """Tables of smoothed counts."""

    tables: NgramTables
    discounts: Floats | None = None
    """D for counts of 1, 2 and 3 or more of each order [n, 3], where the smoothing has them."""


def _discounted(tree: CountTree, discounts: Floats, kept: Bools) -> Smoothed:
    return Smoothed(interpolated(tree, discounts, kept=kept), discounts)


def _discounts(tree: CountTree, discount: float | None) -> Floats:
    if discount is None:
        return single_discounts(tree.statistics)
    return np.full((tree.order, 3), discount)


def modified_kneser_ney(tree: CountTree, *, kept: Bools, kenlm_compatible: bool) -> Smoothed:
    """Smooth with three discounts an order, on adjusted counts (Chen & Goodman 1998, section 4).

    The twin of ``munmaek.ngram.estimate`` that can prune.
    """
    discounts = discounts_of(list(tree.statistics), allow_zero=kenlm_compatible)
    return _discounted(tree, discounts, kept)


def kneser_ney(tree: CountTree, *, kept: Bools, discount: float | None = None) -> Smoothed:
    r"""Smooth with one discount an order, on adjusted counts (Kneser & Ney 1995, interpolated).

        p(w | h) = (a(h w) − D) / a(h ·) + D N_1+(h ·) / a(h ·) p(w | h')

    ``discount`` None estimates it for each order.
    """
    return _discounted(tree, _discounts(tree, discount), kept)


def absolute(tree: CountTree, *, kept: Bools, discount: float | None = None) -> Smoothed:
    r"""Smooth with one discount an order, on raw counts (Ney, Essen & Kneser 1994, interpolated).

        p(w | h) = (c(h w) − D) / c(h ·) + D N_1+(h ·) / c(h ·) p(w | h')

    ``discount`` None estimates it for each order.
    """
    raw = tree.raw()
    return _discounted(raw, _discounts(raw, discount), kept)


def witten_bell(tree: CountTree, *, kept: Bools) -> Smoothed:
    r"""Make new words as likely as they were (Witten & Bell 1991, method C, interpolated).

        p(w | h) = (c(h w) + N_1+(h ·) p(w | h')) / (c(h ·) + N_1+(h ·))

    Chen & Goodman 1998, equation 15.
    """
    zero = np.zeros((tree.order, 3))
    return Smoothed(interpolated(tree.raw(), zero, kept=kept, types=1.0))


def maximum_likelihood(tree: CountTree, *, kept: Bools) -> Smoothed:
    r"""Take relative frequencies: p(w | h) = c(h w) / c(h ·), nothing for what was not seen.

    After a context that never occurred, it is that of the context's longest end that did.
    """
    return Smoothed(interpolated(tree.raw(), np.zeros((tree.order, 3)), kept=kept))
