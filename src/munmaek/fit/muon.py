r"""Muon: momentum whose matrix is made orthogonal before each step (Jordan et al. 2024).

    M ← μ M + G,   G̃ = G + μ M                          Nesterov's momentum
    O = NewtonSchulz(G̃) ≈ U Vᵀ of G̃ = U S Vᵀ
    W ← W − η (0.2 √max(n, m) O + λ W)

0.2 √max(n, m) gives a step the size that AdamW's have (Liu et al. 2025, eq. 4), so that one
learning rate serves both. For matrices of the stack; embeddings and vectors are AdamW's. A matrix
of several blocks on top of one another, such as a fused projection of queries, keys and values, is
made orthogonal block by block. Several processes share this work out.

``torch.optim.Muon`` takes the same steps, but always of whole matrices and in bfloat16, in every
process alike, and leaves the embeddings and vectors to a second optimiser.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast, overload

import torch
from torch import Tensor, nn

from munmaek.fit.config import TrainConfig
from munmaek.fit.sharding import shared_out

__all__ = ["Muon", "make_muon", "orthogonal"]

_COEFFICIENTS = 3.4445, -4.7750, 2.0315
"""Coefficients of Jordan et al.'s (2024) quintic, which takes singular values to 0.7 to 1.2."""


def orthogonal(matrix: Tensor, *, steps: int = 5) -> Tensor:
    """Return nearly U Vᵀ of a matrix U S Vᵀ, by products alone: [n, m].

    Half precision is enough: under autocast the products are in bfloat16.
    """
    a, b, c = _COEFFICIENTS
    tall = matrix.shape[-2] > matrix.shape[-1]
    x: Any = matrix.mT if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        square: Any = x @ x.mT
        x = torch.addmm(x, torch.addmm(square, square, square, beta=b, alpha=c), x, beta=a)
    return cast("Tensor", (x.mT if tall else x).to(matrix.dtype))


def make_muon(
    network: nn.Module, groups: list[dict[str, Any]], config: TrainConfig
) -> torch.optim.Optimizer:
    """Make Muon for the decayed matrices of ``groups`` and AdamW for what else they hold.

    Scores of words and labels (``output``, ``classifier`` beside the stack) are AdamW's too.
    """
    blocks: dict[int, int] = {}
    modules = cast("Iterable[tuple[str, nn.Module]]", cast("Any", network).named_modules())
    for name, module in modules:
        weight = getattr(module, "weight", None)
        if isinstance(module, nn.Linear) and name.split(".")[-1] not in ("classifier", "readout"):
            fused = name.endswith("qkv") and weight is not None
            blocks[id(weight)] = 3 if fused else 1
    split: list[dict[str, Any]] = []
    for group in groups:
        shared = {key: value for key, value in group.items() if key != "params"}
        parts: dict[int, list[nn.Parameter]] = {}
        for parameter in cast("list[nn.Parameter]", group["params"]):
            parts.setdefault(blocks.get(id(parameter), 0) * (parameter.ndim == 2), []).append(
                parameter
            )
        for count, parameters in parts.items():
            kind = {"adam": count == 0, "blocks": max(1, count)}
            split.append({"params": parameters, **shared, **kind})
    return Muon(
        split, lr=config.learning_rate, betas=config.betas, weight_decay=config.weight_decay
    )


class Muon(torch.optim.Optimizer):
    """Muon for groups of matrices, and AdamW for groups that have ``adam`` set."""

    def __init__(
        self,
        groups: Any,
        *,
        lr: float,
        momentum: float = 0.95,
        betas: tuple[float, float] = (0.9, 0.98),
        weight_decay: float = 0.0,
    ) -> None:
        defaults = {
            "lr": lr, "muon_momentum": momentum, "betas": betas, "weight_decay": weight_decay,
            "adam": False, "blocks": 1,
        }  # fmt: skip
        super().__init__(groups, defaults)

    @overload
    def step(self, closure: None = None) -> None: ...

    @overload
    def step(self, closure: Callable[[], float]) -> float: ...

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Update every parameter that has a gradient; ``closure`` computes the loss once more."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        blocks: list[Tensor] = []
        directions: list[Tensor] = []
        rates: list[float] = []
        for group in self.param_groups:
            for parameter in cast("list[nn.Parameter]", group["params"]):
                if parameter.grad is None:
                    continue
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                if group["adam"]:
                    self._adam(parameter, parameter.grad, group)
                    continue
                blocks += parameter.chunk(group["blocks"])
                directions += self._direction(parameter, parameter.grad, group)
                rates += [group["lr"]] * group["blocks"]
        steps = shared_out(directions, orthogonal)
        for block, rate, step in zip(blocks, rates, steps, strict=True):
            block.add_(step, alpha=-rate * 0.2 * max(step.shape) ** 0.5)
        return loss

    def _direction(
        self, parameter: nn.Parameter, grad: Tensor, group: dict[str, Any]
    ) -> tuple[Tensor, ...]:
        """Return Nesterov's momentum of each block of the parameter, its state moved on."""
        state: dict[str, Any] = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(grad)
        held: Tensor = state["momentum"]
        held.mul_(group["muon_momentum"]).add_(grad)
        return grad.add(held, alpha=group["muon_momentum"]).chunk(group["blocks"])

    def _adam(self, parameter: nn.Parameter, grad: Tensor, group: dict[str, Any]) -> None:
        state: dict[str, Any] = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())
            state["exp_avg"] = torch.zeros_like(grad)
            state["exp_avg_sq"] = torch.zeros_like(grad)
        state["step"] += 1
        count = float(state["step"])
        first, second = group["betas"]
        state["exp_avg"].lerp_(grad, 1 - first)
        state["exp_avg_sq"].mul_(second).addcmul_(grad, grad, value=1 - second)
        spread = (state["exp_avg_sq"] / (1 - second**count)).sqrt_().add_(1e-8)
        parameter.addcdiv_(state["exp_avg"], spread, value=-group["lr"] / (1 - first**count))
