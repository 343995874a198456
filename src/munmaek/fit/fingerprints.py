"""The weights of a network that a training run has moved."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

__all__ = ["fingerprints", "unmoved_since"]

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
