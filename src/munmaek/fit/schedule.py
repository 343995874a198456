"""The rate and the momentum of a step.

    rate = learning_rate · rise(progress) · fall(progress)

Progress runs from 0 to 1 whatever limits the run: steps, epochs or seconds.
"""

import math

from munmaek.fit.config import TrainConfig

__all__ = ["momentum", "rate"]

_START = 0.01
"""Share of the highest rate that the warm-up starts from, so that no step is lost."""
_CYCLE_START = 1 / 25
"""The same of one-cycle (Smith 2018, §4)."""
_MOMENTA = 0.95, 0.85
"""Momentum at the ends of a cycle and at its highest rate."""


def rate(config: TrainConfig, progress: float) -> float:
    """Return the learning rate of a step taken at ``progress``, 0 to 1."""
    if progress < config.warmup:
        share = progress / config.warmup
        if config.schedule == "one-cycle":
            return config.learning_rate * _between(_CYCLE_START, 1.0, share)
        return config.learning_rate * (_START + (1 - _START) * share)
    return config.learning_rate * _fall(config, progress)


def _fall(config: TrainConfig, progress: float) -> float:
    rest = min(1.0, (progress - config.warmup) / (1 - config.warmup))
    match config.schedule:
        case "cosine" | "one-cycle":
            return _between(1.0, 0.0, rest)
        case "linear":
            return 1 - rest
        case "wsd":
            return min(1.0, max(0.0, 1 - progress) / config.decay)
        case "inverse-sqrt":
            # Without a warm-up there is no step to count from: the rate stays.
            return math.sqrt(config.warmup / progress) if config.warmup > 0 else 1.0
        case "constant":
            return 1.0


def momentum(config: TrainConfig, progress: float) -> float | None:
    """Return SGD's momentum or AdamW's first beta, None where the schedule does not move it."""
    if config.schedule != "one-cycle":
        return None
    slow, quick = _MOMENTA
    if progress < config.warmup:
        return _between(slow, quick, progress / config.warmup)
    return _between(quick, slow, min(1.0, (progress - config.warmup) / (1 - config.warmup)))


def _between(first: float, last: float, share: float) -> float:
    """Return the value at ``share`` of the way from ``first`` to ``last`` along half a cosine."""
    return last + (first - last) * 0.5 * (1 + math.cos(math.pi * share))
