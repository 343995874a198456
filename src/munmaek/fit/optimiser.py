"""The optimiser, and the parameters that each rate is for."""

import math
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from munmaek.fit.config import TrainConfig
from munmaek.fit.muon import make_muon
from munmaek.fit.schedule import momentum, rate
from munmaek.fit.sharding import part, whole

__all__ = [
    "SETTLE_EVERY",
    "Layered",
    "freeze",
    "make_optimiser",
    "scale_gradients",
    "set_rates",
    "settle",
]

SETTLE_EVERY = 50
"""Steps between two calls of ``settle``: fewer than a moment needs to fall through its gap."""
_TINY = 1e-30

# Torch imports this when the first optimiser is made, for a second and more: now, rather than out
# of the first run's budget.
import_module("torch._dynamo")


@runtime_checkable
class Layered(Protocol):
    """A network that can say which parameters lie how deep."""

    def layers(self) -> Sequence[Sequence[nn.Parameter]]:
        """List parameters from the input's layer to the output's; those in none count as last."""
        ...


def make_optimiser(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Make AdamW (Loshchilov & Hutter 2019), SGD or Muon, which decay matrices and nothing else.

    Embeddings are left out because a rare word's vector would shrink in every step in which the
    word does not occur; biases and normalisation because they hold no capacity to restrain.
    """
    groups = _groups(network, config)
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=config.learning_rate, momentum=config.momentum)
    if config.optimizer == "muon":
        return make_muon(network, groups, config)
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas, fused=True)


def _groups(network: nn.Module, config: TrainConfig) -> list[dict[str, Any]]:
    """Group parameters by depth and by decay; a group's rate is ``factor`` × the schedule's."""
    looked_up = {
        id(parameter)
        for module in network.modules()
        if isinstance(module, nn.Embedding)
        for parameter in module.parameters(recurse=False)
    }
    layers = _layers(network, config)
    groups: list[dict[str, Any]] = []
    for depth, parameters in enumerate(reversed(layers)):
        decayed = [p for p in parameters if p.ndim >= 2 and id(p) not in looked_up]
        kept = {id(parameter) for parameter in decayed}
        plain = [parameter for parameter in parameters if id(parameter) not in kept]
        shared = {
            "factor": config.layer_decay**depth,
            "joins": config.unfreeze * depth / max(1, len(layers) - 1),
        }
        groups.append({"params": decayed, "weight_decay": config.weight_decay, **shared})
        groups.append({"params": plain, "weight_decay": 0.0, **shared})
    return [group for group in groups if group["params"]]


def _layers(network: nn.Module, config: TrainConfig) -> list[list[nn.Parameter]]:
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if (config.layer_decay == 1.0 and config.unfreeze == 0.0) or not isinstance(network, Layered):
        return [trained]
    wanted = {id(parameter) for parameter in trained}
    layers = [[p for p in layer if id(p) in wanted] for layer in network.layers()]
    named = {id(parameter) for layer in layers for parameter in layer}
    layers[-1].extend(parameter for parameter in trained if id(parameter) not in named)
    return layers


def set_rates(optimiser: torch.optim.Optimizer, config: TrainConfig, progress: float) -> float:
    """Put the schedule's rate and momentum in place; returns the highest rate."""
    highest, held = rate(config, progress), momentum(config, progress)
    for group in optimiser.param_groups:
        group["lr"] = highest * group["factor"]
        if held is not None and "betas" in group:
            group["betas"] = (held, group["betas"][1])
        elif held is not None and config.momentum > 0:
            group["momentum"] = held
    return highest


def freeze(optimiser: torch.optim.Optimizer, progress: float) -> None:
    """Drop the gradients of layers that have not joined yet."""
    for group in optimiser.param_groups:
        if progress < group["joins"]:
            for parameter in cast("list[nn.Parameter]", group["params"]):
                parameter.grad = None


def settle(optimiser: torch.optim.Optimizer) -> None:
    """Make moments zero that have all but vanished.

    The moments of a rare word's embedding shrink in every step in which the word does not occur,
    to below 1e-38 within some 800. With such subnormal numbers a processor calculates more than ten
    times slower, and the least of them never become zero. AdamW adds 1e-8 to the root of the second
    moment, so that nothing below 1e-30 makes a difference to any weight.
    """
    for state in optimiser.state.values():
        for value in state.values():
            if isinstance(value, Tensor) and value.ndim > 0:
                mine = part(value)
                mine.masked_fill_(mine.abs() < _TINY, 0.0)


def scale_gradients(network: nn.Module, *, count: float, clip: float | None) -> float:
    """Turn summed gradients into those of the mean, no longer than ``clip``.

    Args:
        network: holds the gradients of a loss summed over ``count`` predictions.
        count: predictions.
        clip: largest norm of the mean's gradient; None for any.

    Returns:
        The norm of the mean's gradient before clipping. If it is not finite, nothing was scaled.
    """
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    norm = _norm(gradients) / count
    if math.isfinite(norm):
        shrink = 1.0 if clip is None or norm <= clip else clip / norm
        cast("Any", torch)._foreach_mul_(gradients, shrink / count)
    return norm


def _norm(gradients: list[Tensor]) -> float:
    return float(whole(nn.utils.get_total_norm(gradients)))
