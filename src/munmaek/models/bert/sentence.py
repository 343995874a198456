r"""One vector for a text from the vectors of its tokens: the modules of sentence-transformers.

    first            h_1
    last             h_T
    max              max_t h_t, dimension by dimension
    mean             Σ_t h_t / T
    mean_sqrt_len    Σ_t h_t / √T
    weighted_mean    Σ_t t h_t / Σ_t t                         Muennighoff 2022, §3.1
    Dense            f(W v + b), plus v or U v                 Reimers & Gurevych 2019

Several poolings stand side by side: ``first+mean`` is [h_1; mean]. Tokens of a prompt may be left
out, and then t counts on from it. Letters: N texts, T tokens, D width of the states, P of the
pooled vector.
"""

from collections.abc import Callable, Mapping
from typing import Any, final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from munmaek.nn.row_order import at_last

__all__ = [
    "ACTIVATIONS",
    "POOLINGS",
    "Dense",
    "Unit",
    "make_module",
    "pool",
    "pool_padded",
    "pooled_size",
]

Kept = Float[Tensor, "N T D"]


def _weighted(kept: Kept, before: int) -> Float[Tensor, "N D"]:
    weights = torch.arange(1, kept.shape[1] + 1, device=kept.device, dtype=kept.dtype) + before
    return torch.einsum("ntd,t->nd", kept, weights / weights.sum())


POOLINGS: Mapping[str, Callable[[Tensor, int], Tensor]] = {
    "first": lambda kept, _: kept[:, 0],
    "last": lambda kept, _: kept[:, -1],
    "max": lambda kept, _: kept.amax(1),
    "mean": lambda kept, _: kept.mean(1),
    "mean_sqrt_len": lambda kept, _: kept.sum(1) / kept.shape[1] ** 0.5,
    "weighted_mean": _weighted,
}
"""By name: from the tokens that are kept and the number of those before them to a vector."""
ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    kind.__name__: kind
    for kind in (
        nn.CELU, nn.ELU, nn.GELU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh,
        nn.Identity, nn.LeakyReLU, nn.LogSigmoid, nn.Mish, nn.ReLU, nn.ReLU6, nn.SELU, nn.SiLU,
        nn.Sigmoid, nn.Softplus, nn.Softshrink, nn.Softsign, nn.Tanh, nn.Tanhshrink,
    )
}  # fmt: skip
"""Functions that may follow a dense layer: torch's without weights, of one number each."""


def pool(hidden: Float[Tensor, "N T D"], names: str, *, before: int = 0) -> Float[Tensor, "N P"]:
    """Return the pooled vector of texts of one length.

    Args:
        hidden: the vectors of their tokens.
        names: of ``POOLINGS``, with ``+`` between them.
        before: first tokens that are left out, fewer than T.
    """
    kept = hidden[:, before:].float()
    return torch.cat([POOLINGS[name](kept, before) for name in names.split("+")], 1)


def pool_padded(
    hidden: Float[Tensor, "N T D"], lengths: Int[Tensor, " N"], names: str, *, before: int = 0
) -> Float[Tensor, "N P"]:
    """Return ``pool`` of texts of different lengths, padding last: for a graph, and slower.

    Args:
        hidden: the vectors of their tokens.
        lengths: tokens of each text.
        names: of ``POOLINGS``, with ``+`` between them.
        before: first tokens that are left out, fewer than any text has.
    """
    places = torch.arange(hidden.shape[1], device=hidden.device)
    kept = ((places >= before) & (places < lengths[:, None]))[..., None]
    count = (lengths - before)[:, None].to(hidden.dtype)
    total = hidden.masked_fill(~kept, 0.0).sum(1)
    weights = kept * (places + 1)[:, None].to(hidden.dtype)
    ways: Mapping[str, Callable[[], Tensor]] = {
        "first": lambda: hidden[:, before],
        "last": lambda: at_last(hidden, lengths),
        "max": lambda: hidden.masked_fill(~kept, -torch.inf).amax(1),
        "mean": lambda: total / count,
        "mean_sqrt_len": lambda: total / count.sqrt(),
        "weighted_mean": lambda: (hidden * weights).sum(1) / weights.sum(1),
    }
    return torch.cat([ways[name]() for name in names.split("+")], 1)


def pooled_size(names: str, size: int) -> int:
    """Return P for states of ``size``."""
    return size * len(names.split("+"))


@final
class Dense(nn.Module):
    """A linear layer, an activation, and where wanted the input added."""

    def __init__(
        self, inputs: int, outputs: int, *, bias: bool, activation: str, residual: bool
    ) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=bias)
        self.activation = ACTIVATIONS[activation]()
        self.added = residual
        self.residual = (
            nn.Linear(inputs, outputs, bias=False) if residual and inputs != outputs else None
        )

    def forward(self, vectors: Float[Tensor, "N P"]) -> Float[Tensor, "N Q"]:
        """Return the layer's vectors."""
        out = self.activation(self.linear(vectors))
        if not self.added:
            return out
        return out + (vectors if self.residual is None else self.residual(vectors))


@final
class Unit(nn.Module):
    """Vectors of length one."""

    def forward(self, vectors: Float[Tensor, "N P"]) -> Float[Tensor, "N P"]:
        """Return the vectors, each divided by its length."""
        return F.normalize(vectors, dim=-1)


def make_module(described: Mapping[str, Any]) -> nn.Module:
    """Return a fresh module, in evaluation mode.

    Args:
        described: its ``kind`` (dense, layer_norm or unit) and what it is made with.
    """
    options = {name: value for name, value in described.items() if name != "kind"}
    if described["kind"] == "dense":
        return Dense(options.pop("inputs"), options.pop("outputs"), **options).eval()
    return (nn.LayerNorm(options["size"]) if described["kind"] == "layer_norm" else Unit()).eval()
