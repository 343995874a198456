"""Self-attention of sentences that stand end to end without padding, and rotary positions.

Each sentence sees itself alone. Rotary positions (Su et al. 2021, eq. 34) turn the halves of
queries and keys by an angle that grows with the position. Letters as in ``munmaek.nn.attention``;
N tokens of all sentences.
"""

from collections.abc import Sequence
from typing import Any, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from munmaek.nn.attention import MultiHeadSelfAttention, rotate, scaled_dot_product

__all__ = ["Spans", "UnpaddedAttention", "flat_attention", "rotary_tables"]

Spans = Sequence[tuple[int, int, int]]
"""Runs of sentences of one length, end to end: first token, sentences, tokens of each."""


def rotary_tables(
    positions: Int[Tensor, " T"], width: int, *, base: float = 10000.0
) -> Float[Tensor, "2 T K"]:
    """Return the cosine and sine of each position's angles, for heads of even width K."""
    half = torch.arange(0, width, 2, device=positions.device, dtype=torch.float32) / width
    angles = positions[:, None].float() * base**-half
    return torch.stack([angles.cos(), angles.sin()]).repeat(1, 1, 2)


class UnpaddedAttention(MultiHeadSelfAttention):
    """``MultiHeadSelfAttention`` that also takes sentences end to end."""

    def flat(
        self,
        x: Float[Tensor, "N D"],
        spans: Spans,
        *,
        causal: bool = False,
        rotary: Float[Tensor, "2 N K"] | None = None,
    ) -> Float[Tensor, "N D"]:
        """Return the new vectors of sentences that stand end to end, each seeing itself alone."""
        parts = self.qkv(x).unflatten(-1, (3, self.heads, -1))
        dropout = self.dropout if self.training else 0.0
        context = flat_attention(parts, spans, causal=causal, dropout=dropout, rotary=rotary)
        return self.output(context)

    def first(
        self,
        x: Float[Tensor, "N D"],
        starts: Int[Tensor, " B"],
        spans: Spans,
        *,
        rotary: Float[Tensor, "2 N K"] | None = None,
    ) -> Float[Tensor, "B D"]:
        """Compute ``flat`` of each sentence's first token alone, which stands at ``starts``."""
        size = x.shape[-1]
        weights = _split(self.qkv.weight, [size, 2 * size])
        bias = cast("Tensor | None", self.qkv.bias)
        biases = (None, None) if bias is None else _split(bias, [size, 2 * size])
        width = size // self.heads
        queries = F.linear(x[starts], weights[0], biases[0]).view(-1, self.heads, width)
        parts = F.linear(x, weights[1], biases[1]).view(-1, 2, self.heads, width)
        dropout = self.dropout if self.training else 0.0
        context = _first_attention(queries, parts, spans, dropout=dropout, rotary=rotary)
        return self.output(context)


def flat_attention(
    parts: Float[Tensor, "N 3 H K"],
    spans: Spans,
    *,
    causal: bool = False,
    dropout: float = 0.0,
    rotary: Float[Tensor, "2 N K"] | None = None,
) -> Float[Tensor, "N D"]:
    """Attend within each sentence of a row of sentences, run by run of equal lengths.

    No mask of padding is needed: a run is a batch without any. On CUDA all runs go through one
    variable-length kernel. ``causal``: no token sees one after it.
    """
    if rotary is not None:
        turned = rotate(parts[:, :2].permute(1, 2, 0, 3), rotary).permute(2, 0, 1, 3)
        parts = torch.cat([turned, parts[:, 2:]], dim=1)
    if parts.is_cuda and len(spans) > 1 and dropout == 0.0:
        return _jagged_attention(parts, spans, causal=causal)
    contexts: list[Tensor] = []
    runs = _split(parts, [rows * length for _, rows, length in spans])
    for (_, rows, length), each in zip(spans, runs, strict=True):
        run = each.reshape(rows, length, *parts.shape[1:])
        queries, keys, values = run.permute(2, 0, 3, 1, 4).unbind(0)
        context = scaled_dot_product(queries, keys, values, causal=causal, dropout=dropout)
        contexts.append(context.transpose(1, 2).reshape(rows * length, -1))
    return contexts[0] if len(contexts) == 1 else torch.cat(contexts)


def _split(values: Tensor, sizes: Sequence[int]) -> list[Tensor]:
    """Part rows; the gradient of slices would be a tensor of zeros for each, and their sum."""
    return list(cast("Any", values).split(list(sizes)))


def _first_attention(
    queries: Float[Tensor, "B H K"],
    parts: Float[Tensor, "N 2 H K"],
    spans: Spans,
    *,
    dropout: float = 0.0,
    rotary: Float[Tensor, "2 N K"] | None = None,
) -> Float[Tensor, "B D"]:
    """Attend from the first token of each sentence to its sentence; ``parts`` are keys and values.

    The first position turns nothing, so rotary positions are for the keys alone.
    """
    if rotary is not None:
        keys = rotate(parts[:, 0].transpose(0, 1), rotary).transpose(0, 1)
        parts = torch.stack([keys, parts[:, 1]], dim=1)
    contexts: list[Tensor] = []
    runs = _split(parts, [rows * length for _, rows, length in spans])
    asked = _split(queries, [rows for _, rows, _ in spans])
    for (_, rows, length), query, each in zip(spans, asked, runs, strict=True):
        keys, values = each.reshape(rows, length, *parts.shape[1:]).permute(2, 0, 3, 1, 4).unbind(0)
        context = scaled_dot_product(query[:, :, None], keys, values, dropout=dropout)
        contexts.append(context.flatten(1))
    return torch.cat(contexts)


def _jagged_attention(parts: Tensor, spans: Spans, *, causal: bool) -> Tensor:
    lengths = [length for _, rows, length in spans for _ in range(rows)]
    ends = torch.tensor([0, *lengths], device=parts.device).cumsum(0)
    queries, keys, values = (
        torch.nested.nested_tensor_from_jagged(part.contiguous(), ends).transpose(1, 2)
        for part in parts.unbind(1)
    )
    context: Any = F.scaled_dot_product_attention(queries, keys, values, is_causal=causal)
    return context.transpose(1, 2).values().flatten(1)
