r"""The log-likelihood of chosen tokens without the scores of all others ever standing in memory.

    Σ_n [(1 − ε) log p_n(y_n) + ε/V Σ_v log p_n(v)],   p_n = softmax(h_n Wᵀ + b)

ε is label smoothing (Szegedy et al. 2016, §7), 0 for the plain likelihood. ``log_likelihood`` is
exact: it goes through the rows in parts that stay in the cache, and takes the gradient, softmax −
(1 − ε) one-hot − ε/V, of each part at once, so that the backward pass has nothing left to do. What
is uniform over the vocabulary needs sums of W and h alone, no pass over the scores.
``sampled_log_likelihood`` (ε = 0) replaces the sum over the vocabulary by an estimate: the K most
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
_HELD = 1 << 24
"""Gradients of scores in fewer bits held at once: 32 MiB."""
_TINY = 1e-30
"""A share below which float32 loses digits."""


def log_likelihood(
    hidden: Float[Tensor, "N D"],
    weight: Float[Tensor, "V D"],
    bias: Float[Tensor, " V"],
    gold: Int[Tensor, " N"],
    *,
    smoothing: float = 0.0,
) -> Float[Tensor, ""]:
    """Return Σ log p(gold) in nats, over all rows; float32 sums whatever the products are taken in.

    With ``smoothing`` = ε above 0 it is the negative of the label-smoothed cross-entropy.
    """
    apply = cast("Any", _LogLikelihood).apply
    return cast("Tensor", apply(hidden, weight, bias, gold, smoothing, torch.is_grad_enabled()))


class _LogLikelihood(torch.autograd.Function):
    """Value and gradients in one pass."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor,
        gold: Tensor,
        smoothing: float,
        graph: bool,
    ) -> Tensor:
        kind, wanted = hidden.device.type, graph and any(ctx.needs_input_grad)
        dtype = torch.float32
        if torch.is_autocast_enabled(kind):
            dtype = torch.get_autocast_dtype(kind)
        with torch.autocast(kind, enabled=False):
            # The bias as one more column, so that no pass over the scores is needed for it.
            ones = hidden.new_ones(len(hidden), 1)
            rows = torch.cat([hidden, ones], 1).to(dtype)
            columns = torch.cat([weight, bias[:, None]], 1).to(dtype)
            total, losses = _in_parts(rows, columns, gold, smoothing, gradients=wanted)
        ctx.save_for_backward(*losses)
        ctx.dtypes = hidden.dtype, weight.dtype, bias.dtype
        return total

    @staticmethod
    def backward(ctx: Any, *outer: Any) -> tuple[Tensor | None, ...]:
        by_rows, by_columns = cast("tuple[Tensor, ...]", ctx.saved_tensors)
        width, sign = by_rows.shape[1] - 1, -cast("Tensor", outer[0])
        parts = by_rows[:, :width], by_columns[:, :width], by_columns[:, width]
        pairs = zip(parts, ctx.dtypes, strict=True)
        return (*(part.mul(sign).to(dtype) for part, dtype in pairs), None, None, None)


def _in_parts(
    rows: Float[Tensor, "N E"],
    columns: Float[Tensor, "V E"],
    gold: Tensor,
    smoothing: float,
    *,
    gradients: bool,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return Σ log p(gold), smoothed, and the gradients of its negative; E is D and the bias."""
    count, vocab_size = len(rows), len(columns)
    size = max(1, _PART // vocab_size)
    # A product in fewer bits is turned into float32 before it is added, which costs as much as a
    # hundred rows: so one product is taken of several parts.
    narrow = rows.dtype != torch.float32
    group = size * (_HELD // _PART if narrow else 1)
    total = torch.zeros((), device=rows.device)
    by_rows, by_columns = torch.zeros_like(rows), torch.zeros_like(columns, dtype=torch.float32)
    # Memory that is used again and again: new pages would cost more than what is done in them.
    scores_of, shares_of = rows.new_empty(2, min(size, count), vocab_size, dtype=torch.float32)
    narrow_of = rows.new_empty(scores_of.shape) if narrow else scores_of
    held = rows.new_empty(min(group, count), vocab_size) if narrow and gradients else None
    each = smoothing / vocab_size
    whole = columns.float().sum(0) if smoothing > 0 else None
    for at in range(0, count, size):
        part, wanted = rows[at : at + size], gold[at : at + size, None]
        scores, shares = scores_of[: len(part)], shares_of[: len(part)]
        product = torch.mm(part, columns.t(), out=narrow_of[: len(part)])
        if narrow:
            scores.copy_(product)
        own = scores.gather(1, wanted)
        torch.softmax(scores, 1, out=shares)
        chosen = shares.gather(1, wanted)[:, 0]
        logs = chosen.log()
        if bool((chosen < _TINY).any()):
            logs = (own - scores.logsumexp(1, keepdim=True))[:, 0]
        total += logs.sum()
        if whole is not None:
            # ε/V Σ_v log p(v) − ε log p(y), for log p(v) = s_v − s_y + log p(y)
            total += each * (part.float() @ whole).sum() - smoothing * own.sum()
        if not gradients:
            continue
        # softmax(s) − (1 − ε) one-hot(y); what is left, −ε/V, is taken off at the end
        shares.scatter_add_(1, wanted, torch.full_like(own, smoothing - 1))
        if held is None:
            torch.mm(shares, columns, out=by_rows[at : at + size])
            by_columns.addmm_(shares.t(), part)
            continue
        first, end = at // group * group, at + len(part)
        torch.mm(held[at - first : end - first].copy_(shares), columns, out=by_rows[at:end])
        if end - first == group or end == count:
            by_columns += torch.mm(held[: end - first].t(), rows[first:end])
    if gradients and whole is not None:
        by_rows.sub_(whole.to(rows.dtype), alpha=each)
        by_columns.sub_(rows.float().sum(0), alpha=each)
    return total, (by_rows, by_columns)


def sampled_log_likelihood(
    hidden: Float[Tensor, "N D"],
    weight: Float[Tensor, "V D"],
    bias: Float[Tensor, " V"],
    gold: Int[Tensor, " N"],
    *,
    kept: int,
    sampled: int,
    order: Int[Tensor, " V"] | None = None,
) -> Float[Tensor, ""]:
    """Return an estimate of ``log_likelihood``, from the global random generator.

    ``order`` has the ids from the most frequent to the rarest, and a token that is not in it counts
    for nothing; without it the ids themselves are taken to go so.
    """
    if order is None:
        order = torch.arange(len(weight), device=gold.device)
    rare = len(order) - kept
    often = order[:kept]
    drawn = order[kept + torch.randperm(rare, device=gold.device)[:sampled]]
    # One look-up for all, since the gradient of each is as large as the whole table.
    rows = torch.cat([often, drawn, gold])
    vectors, biases = weight.index_select(0, rows), bias.index_select(0, rows)
    count = kept + sampled
    scores = F.linear(hidden, vectors[:count], biases[:count]).float()
    # A rare gold token has a column of its own, so among the sampled it counts for nothing.
    own = drawn[None, :] == gold[:, None]
    others = scores[:, kept:].masked_fill(own, -math.inf)
    is_rare = torch.ones_like(bias, dtype=torch.bool).index_fill_(0, often, False)[gold]
    stands_for = (rare - is_rare.float()) / (sampled - own.sum(1))
    others = others + stands_for.log()[:, None]
    gold_score = (hidden * vectors[count:]).sum(1).float() + biases[count:].float()
    column = gold_score.masked_fill(~is_rare, -math.inf)
    normaliser = torch.cat([scores[:, :kept], others, column[:, None]], 1).logsumexp(1)
    return (gold_score - normaliser).sum()
