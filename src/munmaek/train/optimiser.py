"""The optimiser and its rate.

    rate = learning_rate · rise(progress) · fall(progress)

Progress runs from 0 to 1 whatever limits the run: steps, epochs or seconds.
"""

import math
from importlib import import_module
from typing import Any, cast

import torch
from torch import Tensor, nn

from munmaek.train.config import TrainConfig

__all__ = ["make_optimiser", "rate", "scale_gradients"]

# Torch imports this when the first optimiser is made, for a second and more: now, rather than out
# of the first run's budget.
import_module("torch._dynamo")

_START = 0.01
"""Share of the highest rate that the warm-up starts from, so that no step is lost."""


def make_optimiser(network: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW (Loshchilov & Hutter 2019), decaying matrices and nothing else.

    Embeddings are left out because a rare word's vector would shrink in every step in which the
    word does not occur; biases and normalisation because they hold no capacity to restrain.
    """
    looked_up = {
        id(parameter)
        for module in network.modules()
        if isinstance(module, nn.Embedding)
        for parameter in module.parameters(recurse=False)
    }
    decayed: list[Tensor] = []
    plain: list[Tensor] = []
    for parameter in network.parameters():
        if not parameter.requires_grad:
            continue
        matrix = parameter.ndim >= 2 and id(parameter) not in looked_up
        (decayed if matrix else plain).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=config.learning_rate,
        betas=config.betas,
        fused=True,
    )


def rate(config: TrainConfig, progress: float) -> float:
    """Learning rate of a step taken at ``progress``, 0 to 1."""
    if progress < config.warmup:
        return config.learning_rate * (_START + (1 - _START) * progress / config.warmup)
    rest = min(1.0, (progress - config.warmup) / (1 - config.warmup))
    match config.schedule:
        case "cosine":
            return config.learning_rate * 0.5 * (1 + math.cos(math.pi * rest))
        case "linear":
            return config.learning_rate * (1 - rest)
        case "constant":
            return config.learning_rate


def scale_gradients(network: nn.Module, *, count: int, clip: float | None) -> float:
    """Turn summed gradients into those of the mean, no longer than ``clip``.

    Args:
        network: holds the gradients of a loss summed over ``count`` predictions.
        count: predictions.
        clip: largest norm of the mean's gradient; None for any.

    Returns:
        The norm of the mean's gradient before clipping. If it is not finite, nothing was scaled.
    """
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    norm = float(nn.utils.get_total_norm(gradients)) / count
    if math.isfinite(norm):
        shrink = 1.0 if clip is None or norm <= clip else clip / norm
        cast("Any", torch)._foreach_mul_(gradients, shrink / count)
    return norm
