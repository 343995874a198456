"""Minimal pairs: how often a model finds the good sentence likelier than the bad one.

A pair differs in one thing, such as agreement, so that the sentence that keeps to the grammar
should be the likelier one whatever it is about (Warstadt et al. 2020, BLiMP). Where both are
equally likely, the pair counts as half right. Scores are sums over the tokens of each sentence, not
means.
"""

from collections.abc import Sequence

import numpy as np

from munmaek.arrays import Floats
from munmaek.metrics.measures import Measure, mean_measure

__all__ = ["MINIMAL_PAIRS", "by_phenomenon", "minimal_pairs_measure", "points"]

MINIMAL_PAIRS = "minimal_pairs_accuracy"


def points(good: Floats, bad: Floats) -> Floats:
    """Return 1 for each pair whose good sentence is likelier, ½ for a tie, else 0: [N].

    Args:
        good: log-probability of each good sentence, [N].
        bad: the same of the bad one, [N].

    Raises:
        ValueError: one is no number.
    """
    if np.isnan(good).any() or np.isnan(bad).any():
        message = "a log-probability is no number (NaN), so that no pair can be judged by it"
        raise ValueError(message)
    return (good > bad) + 0.5 * (good == bad)


def minimal_pairs_measure(won: Floats) -> Measure:
    """Return the measure of the mean of ``points``."""
    return mean_measure(MINIMAL_PAIRS, won, "share", of="pair")


def by_phenomenon(won: Floats, phenomena: Sequence[str]) -> dict[str, tuple[float, int]]:
    """Return the share of pairs of each phenomenon that are right, and their number, by name."""
    names = np.array(phenomena)
    return {
        str(name): (float(won[names == name].mean()), int((names == name).sum()))
        for name in np.unique(names)
    }
