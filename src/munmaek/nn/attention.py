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
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from munmaek.nn.dropout import dropout as dropped
from munmaek.nn.masks import causal_mask
from munmaek.nn.products import onednn_is_on
from munmaek.nn.tape import Each, Tape, note, wants_lines
from munmaek.nn.tracing import is_traced

__all__ = [
    "KeyValues",
    "MultiHeadCrossAttention",
    "MultiHeadSelfAttention",
    "append",
    "attention_lines",
    "joined_lines",
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


def rotate(vectors: Tensor, tables: Tensor) -> Tensor:
    """Turn ``vectors`` [… T K] by the angles of ``tables`` [2 T K]."""
    first, second = vectors.chunk(2, dim=-1)
    turned = torch.cat([-second, first], dim=-1)
    return vectors * tables[0].to(vectors.dtype) + turned * tables[1].to(vectors.dtype)


def append(past: KeyValues | None, new: KeyValues) -> KeyValues:
    """Append the positions of ``new`` to ``past``."""
    if past is None or (not is_traced() and past.length == 0):
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
    traced = is_traced()
    square = causal and not traced and size == span and mask is None and tape is None
    if causal and not square and (traced or size > 1):
        seen = causal_mask(size, span, device=queries.device)
        mask = seen[None, None] if mask is None else mask & seen
    if tape is not None:
        return _step_by_step(queries, keys, values, mask, dropout, tape)
    if not traced and _in_parts(queries, keys):
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


def attention_lines(
    tape: Tape,
    weights: Sequence[Tensor],
    biases: Sequence[Tensor | None],
    reads: Sequence[str],
    *,
    rotary: bool = False,
) -> None:
    """Write the derivation of each head's context from what asks and what is asked.

    Args:
        tape: in the scope where the head's tensors are recorded.
        weights: W^Q, W^K and W^V of every head, [H K D] each.
        biases: theirs, [H K] each, or None.
        reads: symbols of what each of them multiplies.
        rotary: queries and keys are turned by their position.
    """
    names = (("query", "q_t", "queries", "row"), ("key", "k_s", "keys", "column"),
             ("value", "v_s", "values", "column"))  # fmt: skip
    for (what, symbol, name, each), weight, bias, read in zip(
        names, weights, biases, reads, strict=True
    ):
        letter = name[0].upper()
        note(tape, f"weight.{what}", f"W^{letter}", "", weight, each="all")
        formula = f"W^{letter} {read}"
        if bias is not None:
            note(tape, "bias", f"b^{letter}", "", bias[:, None], each="all")
            formula += f" + b^{letter}"
        if rotary and what != "value":
            formula = f"R ({formula})"
        tape.line(what, symbol, formula, name, each=cast("Each", each))
    tape.line("score", "e_{ts}", "q_t · k_s / √K", "scores", each="score")
    tape.line("softmax", "α_{ts}", "softmax_s(e_{ts})", "weights", each="score")
    tape.line("context", "c_t", "Σ_s α_{ts} v_s", "context", each="row")


def joined_lines(tape: Tape, output: nn.Linear, joined: Tensor, out: Tensor) -> None:
    """Write how the contexts of all heads become one vector: concatenation, then W^O."""
    note(tape, "concatenated", "z_t", "[c_t of head 1; …; c_t of head H]", joined, each="row")
    note(tape, "weight.output", "W^O", "", output.weight, each="all")
    formula = "W^O z_t"
    if isinstance(bias := cast("Tensor | None", output.bias), Tensor):
        note(tape, "bias", "b^O", "", bias, each="all")
        formula += " + b^O"
    note(tape, "attended", "o_t", formula, out, each="row")


def _biases(layer: nn.Linear, heads: int, blocks: int) -> tuple[Tensor | None, ...]:
    bias = cast("Tensor | None", layer.bias)
    return (None,) * blocks if bias is None else _by_head(bias, blocks, heads)


def _by_head(weight: Tensor, blocks: int, heads: int) -> tuple[Tensor, ...]:
    """Part stacked weights [blocks · H · K …] into those of each block, [H K …]."""
    parts = weight.view(blocks, heads, -1, *weight.shape[1:])
    return tuple(parts[at] for at in range(blocks))


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
            rotary: cosine and sine of the angle of each position of ``x``.
            tape: where to record each step.
        """
        parts = self.qkv(x).view(*x.shape[:2], 3, self.heads, -1)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4).unbind(0)
        if rotary is not None:
            queries, keys = rotate(queries, rotary), rotate(keys, rotary)
        seen = append(past, KeyValues(keys, values))
        dropout = self.dropout if self.training else 0.0
        context = scaled_dot_product(
            queries, *seen, mask=mask, causal=causal, dropout=dropout, tape=tape
        )
        joined = context.transpose(1, 2).flatten(2)
        out = self.output(joined)
        if tape is not None and wants_lines(tape):
            weights = _by_head(self.qkv.weight, 3, self.heads)
            biases = _biases(self.qkv, self.heads, 3)
            reads = ("x_t", "x_s", "x_s")
            attention_lines(tape, weights, biases, reads, rotary=rotary is not None)
            joined_lines(tape, self.output, joined, out)
        return out, seen

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
        parts = self.key_value(memory).view(*memory.shape[:2], 2, self.heads, -1)
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
        queries = self.query(x).view(*x.shape[:2], self.heads, -1).transpose(1, 2)
        dropout = self.dropout if self.training else 0.0
        context = scaled_dot_product(queries, *memory, mask=mask, dropout=dropout, tape=tape)
        joined = context.transpose(1, 2).flatten(2)
        out = self.output(joined)
        if tape is not None and wants_lines(tape):
            keyed = _by_head(self.key_value.weight, 2, self.heads)
            weights = (*_by_head(self.query.weight, 1, self.heads), *keyed)
            biases = (*_biases(self.query, self.heads, 1), *_biases(self.key_value, self.heads, 2))
            attention_lines(tape, weights, biases, ("x_t", "h_s", "h_s"))
            joined_lines(tape, self.output, joined, out)
        return out


def _projection(dimension: int, blocks: int, *, bias: bool = True) -> nn.Linear:
    """Make ``blocks`` square matrices on top of one another, each drawn as if it stood alone."""
    layer = nn.Linear(dimension, blocks * dimension, bias=bias)
    for block in layer.weight.data.chunk(blocks):
        nn.init.xavier_uniform_(block)
    if bias:
        nn.init.zeros_(layer.bias)
    return layer
