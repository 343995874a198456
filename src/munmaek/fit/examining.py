"""Signs of failure that every model just trained is examined for (``munmaek.metrics.training``)."""

import math
from dataclasses import replace

from munmaek.fit.record import FitResult
from munmaek.folder.info import Info
from munmaek.metrics.diagnosis import Finding
from munmaek.metrics.training import (
    loss_stands,
    unmoved_weights,
    unread_data,
)

__all__ = [
    "EXAMINED",
    "examined",
    "with_finding",
]

EXAMINED = 1000
"""Validation rows whose answers are looked at."""


def examined(
    result: FitResult, *, unmoved: list[str] | None, tensors: int, begun: bool
) -> list[Finding]:
    """Return what was looked for in a run of the training loop, found or not.

    Args:
        result: what the run came to.
        unmoved: names of weights that did not change; None where that was not looked at.
        tensors: of all weights.
        begun: whether the weights came from a model of the same task, whose loss need not fall.
    """
    findings = [unread_data(result.epochs, steps=result.steps)]
    if not begun and math.isfinite(result.opening_loss):
        findings.append(loss_stands(result.opening_loss, result.closing_loss, steps=result.steps))
    if unmoved is not None:
        findings.append(unmoved_weights(unmoved, tensors=tensors))
    return findings


def with_finding(info: Info, found: Finding | None) -> Info:
    """Return ``info`` with one more finding in its diagnosis."""
    if found is None:
        return info
    diagnosis = [*info.training.get("diagnosis", ()), found.to_json()]
    return replace(info, training={**info.training, "diagnosis": diagnosis})
