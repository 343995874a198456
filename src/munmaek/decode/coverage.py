r"""Coverage: a translation that leaves source words unattended scores lower.

    cp(X, Y) = β Σ_j log min(Σ_i p_ij, 1)                       Wu et al. 2016, §7, eq. 14

p_ij is the attention of step i to source position j. The length normalisation beside it is ours,
log p / length ^ α (Bahdanau's, with α = 1), not theirs of ((5 + length) / 6) ^ α. As with theirs,
outputs are ranked by the sum of both; which prefixes stay in the beam does not depend on it.

Letters: T steps, S source positions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Coverage"]

LEAST = 1e-6
"""Attention to a position counts as this much at least, so that none makes a score −∞."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """The weight of coverage, and the positions to cover."""

    weight: float
    """β, at least 0; Wu et al. found 0.2 best."""
    lengths: Sequence[int]
    """Source positions of each row that are to be covered, from the first."""

    def __post_init__(self) -> None:
        if not self.weight >= 0:
            message = f"a coverage penalty must be at least 0, got {self.weight}"
            raise ValueError(message)

    def penalty(self, row: int, attention: NDArray[np.float32] | None) -> float:
        """Return the cp of an output of that row with this attention [T, S]; at most 0.

        Raises:
            ValueError: there is no attention.
        """
        if attention is None:
            raise ValueError("a coverage penalty needs attention, and this model has none")
        covered = attention[:, : self.lengths[row]].sum(axis=0, dtype=np.float64)
        return self.weight * float(np.log(covered.clip(LEAST, 1.0)).sum())
