r"""The log-likelihood of chosen tokens without the scores of all others ever standing in memory.

    Σ_n log softmax(h_n Wᵀ + b)[y_n]

``log_likelihood`` is exact: it goes through the rows in parts that stay in the cache, and takes the
gradient, softmax − one-hot, of each part at once, so that the backward pass has nothing left to
do. ``sampled_log_likelihood`` replaces the sum over the vocabulary by an estimate: the K most
frequent tokens, and S of the others, each of which stands for (V − K) / S (Bengio & Senécal 2008,
with a uniform proposal over the rare tokens alone):

    Z ≈ Σ_{j<K} exp s_j + (V − K) / S · Σ_{j in sample} exp s_j

Letters: N rows, D width, V vocabulary size, K kept, S sampled.
"""

import math
from typing import Any, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["log_likelihood", "sampled_log_likelihood"]

_PART = 1 << 21
"""Scores computed at once: 8 MiB of float32."""


def log_likelihood(
    hidden: Float[Tensor, "N D"],
    weight: Float[Tensor, "V D"],
    bias: Float[Tensor, " V"],
    gold: Int[Tensor, " N"],
) -> Float[Tensor, ""]:
    """Σ log p(gold) in nats, over all rows; float32 sums whatever the products are taken in."""
    return cast("Tensor", cast("Any", _LogLikelihood).apply(hidden, weight, bias, gold))


class _LogLikelihood(torch.autograd.Function):
    """Value and gradients in one pass."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, gold: Tensor) -> Tensor:
        kind, wanted = hidden.device.type, ctx.needs_input_grad
        dtype = torch.float32
        if torch.is_autocast_enabled(kind):
            dtype = torch.get_autocast_dtype(kind)
        with torch.autocast(kind, enabled=False):
            total, gradients = _in_parts(
                hidden.to(dtype), weight.to(dtype), bias.float(), gold, gradients=any(wanted)
            )
        ctx.save_for_backward(*gradients)
        ctx.dtypes = hidden.dtype, weight.dtype, bias.dtype
        return total

    @staticmethod
    def backward(ctx: Any, *outer: Any) -> tuple[Tensor | None, ...]:
        own = cast("tuple[Tensor, ...]", ctx.saved_tensors)
        scaled = (
            tensor.mul(outer[0]).to(dtype) for tensor, dtype in zip(own, ctx.dtypes, strict=False)
        )
        return (*scaled, None)


def _in_parts(
    hidden: Tensor, weight: Tensor, bias: Tensor, gold: Tensor, *, gradients: bool
) -> tuple[Tensor, tuple[Tensor, ...]]:
    rows = max(1, _PART // len(weight))
    total = torch.zeros((), device=hidden.device)
    own: list[Tensor] = []
    if gradients:
        own = [torch.zeros_like(each) for each in (hidden, weight, bias)]
    for at in range(0, len(hidden), rows):
        part, wanted = hidden[at : at + rows], gold[at : at + rows, None]
        scores = torch.addmm(bias.to(part.dtype), part, weight.t()).float()
        highest = scores.amax(1)
        chosen = scores.gather(1, wanted)[:, 0]
        shares = torch.softmax(scores, 1, out=scores) if not gradients else torch.softmax(scores, 1)
        # The highest score's share is 1 / Σ exp(s − highest).
        total += (chosen - highest + shares.amax(1).log()).sum()
        if gradients:
            # ∂ log p(y) / ∂ s = one-hot(y) − softmax(s)
            shares.neg_().scatter_add_(1, wanted, torch.ones_like(chosen)[:, None])
            down = shares.to(part.dtype)
            torch.mm(down, weight, out=own[0][at : at + rows])
            own[1].addmm_(down.t(), part)
            own[2].add_(shares.sum(0))
    return total, tuple(own)


def sampled_log_likelihood(
    hidden: Float[Tensor, "N D"],
    weight: Float[Tensor, "V D"],
    bias: Float[Tensor, " V"],
    gold: Int[Tensor, " N"],
    *,
    kept: int,
    sampled: int,
) -> Float[Tensor, ""]:
    """An estimate of ``log_likelihood``, from the global random generator.

    Token ids are taken to go from the most frequent to the rarest.
    """
    rare = len(weight) - kept
    drawn = kept + torch.randperm(rare, device=gold.device)[:sampled]
    rows = torch.cat([torch.arange(kept, device=gold.device), drawn])
    scores = F.linear(hidden, weight.index_select(0, rows), bias.index_select(0, rows)).float()
    # A rare gold token has a column of its own, so among the sampled it counts for nothing.
    own = drawn[None, :] == gold[:, None]
    others = scores[:, kept:].masked_fill(own, -math.inf)
    is_rare = gold >= kept
    stands_for = (rare - is_rare.float()) / (sampled - own.sum(1))
    others = others + stands_for.log()[:, None]
    gold_score = (hidden * weight[gold]).sum(1).float() + bias[gold].float()
    column = gold_score.masked_fill(~is_rare, -math.inf)
    normaliser = torch.cat([scores[:, :kept], others, column[:, None]], 1).logsumexp(1)
    return (gold_score - normaliser).sum()
