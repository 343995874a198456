r"""Scaled dot-product attention and its many-headed form.

    Attention(Q, K, V) = softmax(Q Kᵀ / √K) V                   Vaswani et al. 2017, §3.2.1
    head_h = Attention(x W_h^Q, y W_h^K, y W_h^V)               §3.2.2
    MultiHead(x, y) = [head_1; …; head_H] W^O

Letters: B sentences in the batch, H heads, T positions that ask (queries), S positions that are
asked (keys), K width of a head, D = H·K model width. In self-attention y is x itself.

With a tape the same mathematics runs step by step and records, with a head axis: ``queries``
[B H T K], ``keys`` and ``values`` [B H S K], ``scores`` [B H T S] (Q Kᵀ / √K before mask and
softmax), ``weights`` [B H T S] (before dropout; exactly zero where hidden) and ``context``
[B H T K]. Heads that the tape switches off have a context of zero.

Sentences of different lengths may also stand end to end without padding, N tokens in all
(``MultiHeadSelfAttention.flat``); each sees itself alone. Rotary positions (Su et al. 2021, eq. 34)
turn the halves of queries and keys by an angle that grows with the position.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from munmaek.nn.dropout import dropout as dropped
from munmaek.nn.masks import causal_mask
from munmaek.nn.products import onednn_is_on
from munmaek.nn.tape import Tape

__all__ = [
    "KeyValues",
    "MultiHeadCrossAttention",
    "MultiHeadSelfAttention",
    "Spans",
    "append",
    "first_attention",
    "flat_attention",
    "rotary_tables",
    "rotate",
    "scaled_dot_product",
]


class KeyValues(NamedTuple):
    """A key and a value for each position that is asked, rows first, so that it is a state."""

    keys: Tensor
    """[B H S K]."""
    values: Tensor
    """[B H S K]."""

    @property
    def length(self) -> int:
        """S, how many positions it holds."""
        return self.keys.shape[2]


Spans = Sequence[tuple[int, int, int]]
"""Runs of sentences of one length, end to end: first token, sentences, tokens of each."""


def rotary_tables(
    positions: Int[Tensor, " T"], width: int, *, base: float = 10000.0
) -> Float[Tensor, "2 T K"]:
    """Return the cosine and sine of each position's angles, for heads of even width K."""
    half = torch.arange(0, width, 2, device=positions.device, dtype=torch.float32) / width
    angles = positions[:, None].float() * base**-half
    return torch.stack([angles.cos(), angles.sin()]).repeat(1, 1, 2)


def rotate(vectors: Tensor, tables: Tensor) -> Tensor:
    """Turn ``vectors`` [… T K] by the angles of ``tables`` [2 T K]."""
    first, second = vectors.chunk(2, dim=-1)
    turned = torch.cat([-second, first], dim=-1)
    return vectors * tables[0].to(vectors.dtype) + turned * tables[1].to(vectors.dtype)


def append(past: KeyValues | None, new: KeyValues) -> KeyValues:
    """Append the positions of ``new`` to ``past``."""
    if past is None or past.length == 0:
        return new
    keys = torch.cat([past.keys.to(new.keys.dtype), new.keys], dim=2)
    values = torch.cat([past.values.to(new.values.dtype), new.values], dim=2)
    return KeyValues(keys, values)


def scaled_dot_product(
    queries: Float[Tensor, "B H T K"],
    keys: Float[Tensor, "B H S K"],
    values: Float[Tensor, "B H S E"],
    *,
    mask: Bool[Tensor, "#B #H #T S"] | None = None,
    causal: bool = False,
    dropout: float = 0.0,
    tape: Tape | None = None,
) -> Float[Tensor, "B H T E"]:
    """Return softmax(Q Kᵀ / √K) V.

    Args:
        queries: Q.
        keys: K.
        values: V.
        mask: True where a query may see a key; None is everywhere.
        causal: no query sees a key after it; the last query stands at the last key.
        dropout: probability that a weight is dropped.
        tape: where to record each step; None runs the fused kernel.
    """
    size, span = queries.shape[2], keys.shape[2]
    # One query stands at the last key and sees all; a square causal mask the kernel knows itself.
    square = causal and size == span and mask is None and tape is None
    if causal and size > 1 and not square:
        seen = causal_mask(size, span, device=queries.device)
        mask = seen[None, None] if mask is None else mask & seen
    if tape is not None:
        return _step_by_step(queries, keys, values, mask, dropout, tape)
    if _in_parts(queries, keys):
        seen = causal_mask(size, span, device=queries.device)[None, None] if square else mask
        return _by_products(queries, keys, values, mask=seen, dropout=dropout)
    return F.scaled_dot_product_attention(
        queries, keys, values, attn_mask=mask, dropout_p=dropout, is_causal=square
    )


_MOST_SCORES = 1 << 20
"""Scores of a head above which they are too many to hold."""


def _in_parts(queries: Tensor, keys: Tensor) -> bool:
    """Return whether products of whole batches beat torch's kernel, which makes many small ones.

    On a processor they do in bfloat16, four times in its gradient, and where oneDNN multiplies.
    """
    if queries.device.type != "cpu":
        return False
    if queries.dtype != torch.bfloat16 and not (queries.dtype == torch.float32 and onednn_is_on()):
        return False
    return queries.shape[2] * keys.shape[2] <= _MOST_SCORES


def _by_products(
    queries: Float[Tensor, "B H T K"],
    keys: Float[Tensor, "B H S K"],
    values: Float[Tensor, "B H S E"],
    *,
    mask: Bool[Tensor, "#B #H #T S"] | None = None,
    dropout: float = 0.0,
) -> Float[Tensor, "B H T E"]:
    """Compute the formula as it stands, all sentences and heads in one batch of products."""
    rows, heads, size, width = queries.shape
    flat = queries.reshape(rows * heads, size, width)
    turned = keys.reshape(rows * heads, -1, width).transpose(1, 2)
    nothing = flat.new_zeros(1, 1, 1)
    scores = torch.baddbmm(nothing, flat, turned, beta=0, alpha=width**-0.5)
    if mask is not None:
        scores = scores.view(rows, heads, size, -1)
    weights = dropped(_masked_softmax(scores, mask), dropout).view(rows * heads, size, -1)
    context = torch.bmm(weights, values.reshape(rows * heads, -1, values.shape[-1]))
    return context.view(rows, heads, size, -1)


def _step_by_step(
    queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, dropout: float, tape: Tape
) -> Tensor:
    scores = (queries @ keys.transpose(-2, -1)) * queries.shape[-1] ** -0.5
    weights = _masked_softmax(scores, mask)
    context = F.dropout(weights, dropout).to(values.dtype) @ values
    if tape.silent():
        off = [head for head in tape.silent() if head < context.shape[1]]
        context = context.index_fill(1, context.new_tensor(off, dtype=torch.long), 0.0)
    tape.record("queries", queries)
    tape.record("keys", keys)
    tape.record("values", values)
    tape.record("scores", scores)
    tape.record("weights", weights)
    tape.record("context", context)
    return context


def _masked_softmax(scores: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        return scores.softmax(dim=-1)
    # The least finite number rather than −∞: a row with nothing to see stays free of NaN.
    low = torch.finfo(scores.dtype).min
    return scores.masked_fill(~mask, low).softmax(dim=-1).masked_fill(~mask, 0.0)


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


def first_attention(
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


class MultiHeadSelfAttention(nn.Module):
    """MultiHead(x, x), its three projections in one matrix ``qkv`` [3D D], in that order."""

    def __init__(
        self, dimension: int, heads: int, *, dropout: float = 0.0, bias: bool = True
    ) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.qkv = _projection(dimension, 3, bias=bias)
        self.output = _projection(dimension, 1, bias=bias)

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        *,
        mask: Bool[Tensor, "#B #H #T S"] | None = None,
        causal: bool = False,
        past: KeyValues | None = None,
        rotary: Float[Tensor, "2 T K"] | None = None,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "B T D"], KeyValues]:
        """Return the new vectors, and the keys and values of ``past`` and ``x`` for going on.

        Args:
            x: the sentence, or what comes after ``past``.
            mask: True where a query may see a key, the past's keys included.
            causal: no position sees one after it.
            past: what an earlier call returned.
            rotary: what ``rotary_tables`` gives for the positions of ``x``.
            tape: where to record each step.
        """
        parts = self.qkv(x).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = parts.permute(2, 0, 3, 1, 4).unbind(0)
        if rotary is not None:
            queries, keys = rotate(queries, rotary), rotate(keys, rotary)
        seen = append(past, KeyValues(keys, values))
        dropout = self.dropout if self.training else 0.0
        context = scaled_dot_product(
            queries, *seen, mask=mask, causal=causal, dropout=dropout, tape=tape
        )
        return self.output(context.transpose(1, 2).flatten(2)), seen

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
        context = first_attention(queries, parts, spans, dropout=dropout, rotary=rotary)
        return self.output(context)

    def nothing(self, batch: int) -> KeyValues:
        """Return the past of ``batch`` rows that have seen no position."""
        weight = self.output.weight
        empty = weight.new_empty(batch, self.heads, 0, weight.shape[0] // self.heads)
        return KeyValues(empty, empty)


class MultiHeadCrossAttention(nn.Module):
    """MultiHead(x, y), y a memory whose keys and values are computed once."""

    def __init__(self, dimension: int, heads: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.query = _projection(dimension, 1)
        self.key_value = _projection(dimension, 2)
        self.output = _projection(dimension, 1)

    def remember(self, memory: Float[Tensor, "B S D"]) -> KeyValues:
        """Return the memory's keys and values."""
        parts = self.key_value(memory).unflatten(-1, (2, self.heads, -1))
        return KeyValues(*parts.permute(2, 0, 3, 1, 4).unbind(0))

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        memory: KeyValues,
        *,
        mask: Bool[Tensor, "#B #H #T S"] | None = None,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Attend from each position of ``x`` to ``memory``.

        Args:
            x: the positions that ask.
            memory: what ``remember`` returned.
            mask: True where a query may see a key.
            tape: where to record each step.
        """
        queries = self.query(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        dropout = self.dropout if self.training else 0.0
        context = scaled_dot_product(queries, *memory, mask=mask, dropout=dropout, tape=tape)
        return self.output(context.transpose(1, 2).flatten(2))


def _projection(dimension: int, blocks: int, *, bias: bool = True) -> nn.Linear:
    """Make ``blocks`` square matrices on top of one another, each drawn as if it stood alone."""
    layer = nn.Linear(dimension, blocks * dimension, bias=bias)
    for block in layer.weight.data.chunk(blocks):
        nn.init.xavier_uniform_(block)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer
