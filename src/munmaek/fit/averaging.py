r"""Means of the weights over a run.

    exponential   w̄ ← d w̄ + (1 − d) w, d = min(decay, (1 + n) / (10 + n)) after n steps
    last          the mean of the weights at the last k validations
    triggered     the mean of all weights since validation stopped improving

The decay begins small so that the first weights, which are chance, are soon forgotten. Izmailov
et al. 2018 (means of late weights); Merity et al. 2018, §4 (the non-monotone trigger).
"""

from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from munmaek.fit.checkpoint import weights
from munmaek.fit.config import TrainConfig

__all__ = ["Average"]

Tensors = dict[str, Tensor]


class Average:
    """The mean that a configuration asks for, if any."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.kind = config.averaging
        self.count = 0
        """Weights that the running mean has taken in."""
        self.running = self.kind == "exponential"
        """The running mean takes steps in."""
        self.mean: Tensors = {}
        self.snapshots: list[Tensors] = []

    def stepped(self, network: nn.Module) -> None:
        """Take in the weights after a step."""
        if not self.running:
            return
        now = weights(network)
        if not self.mean:
            self.mean = {name: tensor.clone() for name, tensor in now.items()}
        else:
            self._move(now)
        self.count += 1

    def _move(self, now: Tensors) -> None:
        share = 1 / (self.count + 1)
        if self.kind == "exponential":
            warm = (1 + self.count) / (10 + self.count)
            share = 1 - min(self.config.average_decay, warm)
        real = [name for name, tensor in now.items() if tensor.is_floating_point()]
        lerp = cast("Any", torch)._foreach_lerp_
        lerp([self.mean[name] for name in real], [now[name] for name in real], share)

    def validated(self, network: nn.Module, values: list[float]) -> None:
        """Take note of the validations so far, the latest last."""
        if self.kind == "last":
            snapshot = {name: tensor.clone() for name, tensor in weights(network).items()}
            self.snapshots = [*self.snapshots, snapshot][-self.config.average_over :]
        if self.kind == "triggered" and not self.running:
            earlier = values[:-1][: -self.config.trigger]
            self.running = bool(earlier) and values[-1] > min(earlier)

    def value(self) -> Tensors | None:
        """Return the mean, or None while there is none."""
        if self.kind == "last" and self.snapshots:
            return {name: _mean([s[name] for s in self.snapshots]) for name in self.snapshots[0]}
        return self.mean or None

    def tensors(self) -> Tensors:
        """Return what has been averaged so far, for a checkpoint, under ``average.``."""
        out = {f"average.mean.{name}": tensor for name, tensor in self.mean.items()}
        for number, snapshot in enumerate(self.snapshots):
            out |= {f"average.{number}.{name}": tensor for name, tensor in snapshot.items()}
        if self.kind != "none":
            out["average.count"] = torch.tensor([self.count, int(self.running)])
        return out

    def take_up(self, tensors: Mapping[str, Tensor], device: torch.device) -> None:
        """Continue from what ``tensors`` put into a checkpoint, beside whatever else is there."""
        found: dict[str, Tensors] = {}
        for key, tensor in tensors.items():
            kind, _, rest = key.partition(".")
            if kind == "average" and rest != "count":
                number, _, name = rest.partition(".")
                found.setdefault(number, {})[name] = tensor.to(device)
        if "average.count" in tensors:
            count = tensors["average.count"]
            self.count, self.running = int(count[0]), bool(count[1])
        self.mean = found.pop("mean", {})
        self.snapshots = [found[number] for number in sorted(found, key=int)]


def _mean(parts: list[Tensor]) -> Tensor:
    if not parts[0].is_floating_point():
        return parts[-1]
    return torch.stack(parts).mean(0)
