"""Rules between measured runs: sizes grow with the work there is time for, the rest with passes."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from munmaek.planning.experience import Experience

__all__ = ["LEAST", "between", "nearest", "scaled", "size_for"]

SMOOTH = ("dropout", "max_tokens")
"""Options that lie between those of neighbouring runs; all others are the nearest run's."""
_STEP = 16
"""Widths are multiples of it, so that heads divide them and products are fast."""
LEAST = 32
"""The narrowest network that is planned."""
_GROWTH = 0.25
"""Widths fall with this power of the work below the shortest run: measured runs grow so."""
_DATA = 0.5
"""Weight of how much data there is, beside the passes, in the distance to a run."""


def size_for(runs: Sequence[Experience], operations: float) -> dict[str, int]:
    """Return the sizes of a network for so many floating-point operations; more never give less.

    Args:
        runs: at least one.
        operations: there is time for; infinite is as large as was measured.
    """
    order = sorted(runs, key=lambda each: each.operations)
    if operations <= order[0].operations:
        factor = (operations / order[0].operations) ** _GROWTH
        return scaled(order[0].size, factor)
    found = dict(order[0].size)
    for before, after in itertools.pairwise(order):
        share = _share(before.operations, after.operations, operations)
        for name, size in after.size.items():
            found[name] = max(found[name], round(_mix(before.size[name], size, share)))
    return scaled(found, 1.0)


def scaled(size: Mapping[str, int], factor: float) -> dict[str, int]:
    """Return widths times a factor, as multiples of 16 and at least 32 or what they were."""
    return {
        name: min(width, max(LEAST, _STEP * round(width * factor / _STEP)))
        if factor < 1
        else max(_STEP, _STEP * round(width / _STEP))
        for name, width in size.items()
    }


def nearest(runs: Sequence[Experience], *, passes: float, tokens: float) -> Experience:
    """Return the run on the most similar data for the most similar time."""
    return min(runs, key=lambda each: _distance(each, passes, tokens))


def between(
    runs: Sequence[Experience], table: str, *, passes: float, tokens: float
) -> dict[str, Any]:
    """Return the options of one table of the nearest run, the smooth ones between all runs.

    Args:
        runs: at least one.
        table: ``model``, ``recipe``, ``train`` or ``extra``.
        passes: over the data that there is time for.
        tokens: of the data.
    """
    found = dict(getattr(nearest(runs, passes=passes, tokens=tokens), table))
    for name in SMOOTH:
        if name in found:
            having = [each for each in runs if name in getattr(each, table)]
            value = _weighted(having, table, name, passes, tokens)
            found[name] = round(value, 2) if isinstance(found[name], float) else _even(value)
    return found


def _weighted(
    runs: Sequence[Experience], table: str, name: str, passes: float, tokens: float
) -> float:
    """Return the mean of an option, each run weighted by 1/d² (Shepard 1968)."""
    distances = [_distance(each, passes, tokens) for each in runs]
    values = [float(getattr(each, table)[name]) for each in runs]
    if min(distances) < 1e-3:
        return values[distances.index(min(distances))]
    weights = [1 / each**2 for each in distances]
    return sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)


def _distance(run: Experience, passes: float, tokens: float) -> float:
    capped = max(1e-3, min(passes, 1e6))
    return math.hypot(
        math.log(run.passes / capped), _DATA * math.log(run.tokens / max(1.0, tokens))
    )


def _share(low: float, high: float, value: float) -> float:
    if not math.isfinite(value) or value >= high:
        return 1.0
    return max(0.0, math.log(value / low) / max(1e-9, math.log(high / low)))


def _mix(low: float, high: float, share: float) -> float:
    return low + (high - low) * share


def _even(value: float) -> int:
    return max(256, 256 * round(value / 256))
