"""What is looked for in every model just trained; see ``munmaek.metrics.training``."""

import math
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

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
    "fingerprints",
    "unmoved_since",
    "with_finding",
]

EXAMINED = 1000
"""Validation rows whose answers are looked at."""

_WORDS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Whole numbers as wide as a weight, by bytes."""


def fingerprints(network: nn.Module) -> dict[str, int]:
    """Return a number for each tensor to be trained, which changes when a bit of it does."""
    return {
        name: _fingerprint(weight)
        for name, weight in network.named_parameters()
        if weight.requires_grad
    }


def _fingerprint(weight: Tensor) -> int:
    """Return the sum of the bits read as whole numbers; it costs one pass and no memory."""
    plain = weight.detach().contiguous()
    return int(plain.view(_WORDS[plain.element_size()]).sum(dtype=torch.int64))


def unmoved_since(before: Mapping[str, int], network: nn.Module) -> list[str]:
    """Return the tensors that are as they were, of those that the loss depends on.

    A tensor without a gradient takes no part in the loss, as BERT's pooler in filling words; where
    nothing at all has moved, all are named.
    """
    now = fingerprints(network)
    same = [name for name, value in before.items() if now.get(name) == value]
    if len(same) == len(before):
        return same
    weights = dict(network.named_parameters())
    return [name for name in same if weights[name].grad is not None]


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
