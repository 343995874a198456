"""The stack of layers between token ids and vectors.

Letters: B sentences in the batch, T tokens, S tokens that may be seen, D hidden size, K width of a
head, N tokens of all sentences.
"""

import math
from collections.abc import Callable
from functools import partial
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from munmaek.errors import InputError
from munmaek.models.bert.attention import Spans, UnpaddedAttention, rotary_tables
from munmaek.models.bert.config import BertConfig
from munmaek.models.bert.unpadded import Unpadded, unpad
from munmaek.nn.dropout import Dropout
from munmaek.nn.embeddings import LearnedPositions
from munmaek.nn.masks import causal_mask, key_mask, padding_mask
from munmaek.nn.steps import layer_norm_line, linear_line
from munmaek.nn.tape import Tape, note, scoped
from munmaek.nn.tracing import is_traced

__all__ = ["ACTIVATIONS", "BertEncoder", "BertLayer"]


def _laplace(x: Tensor) -> Tensor:
    """Return Φ((x − √½) / (2√π)⁻¹), a normal distribution near ReLU² (Ma et al. 2023, §3.3)."""
    return 0.5 * (1.0 + torch.erf((x - 0.707107) / (0.282095 * math.sqrt(2.0))))


_tanh_gelu = partial(F.gelu, approximate="tanh")
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu": F.gelu,
    "gelu_10": lambda x: F.gelu(x).clip(-10.0, 10.0),
    "gelu_accurate": _tanh_gelu,
    "gelu_fast": _tanh_gelu,
    "gelu_new": _tanh_gelu,
    "gelu_python": F.gelu,
    "gelu_python_tanh": _tanh_gelu,
    "gelu_pytorch_tanh": _tanh_gelu,
    "hardswish": F.hardswish,
    "laplace": _laplace,
    "leaky_relu": F.leaky_relu,
    "linear": lambda x: x,
    "mish": F.mish,
    "quick_gelu": lambda x: x * torch.sigmoid(1.702 * x),
    "relu": F.relu,
    "relu2": lambda x: F.relu(x).square(),
    "relu6": F.relu6,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "swish": F.silu,
    "tanh": torch.tanh,
}
"""Functions by ``hidden_act``: the same as those of that name in ``transformers``."""


class BertLayer(nn.Module):
    """Self-attention over the whole sentence, then the feed-forward sublayer."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        size, inner = config.hidden_size, config.intermediate_size
        self.attention = UnpaddedAttention(
            size,
            config.num_attention_heads,
            dropout=config.attention_probs_dropout_prob,
            bias=config.bias,
        )
        self.attention_norm = nn.LayerNorm(size, eps=config.layer_norm_eps, bias=config.bias)
        self.intermediate = nn.Linear(size, (1 + config.gated) * inner, bias=config.bias)
        self.output = nn.Linear(inner, size, bias=config.bias)
        self.output_norm = nn.LayerNorm(size, eps=config.layer_norm_eps, bias=config.bias)
        self.dropout = Dropout(config.hidden_dropout_prob)
        self.norm_first = config.norm_first
        self.gated = config.gated
        self.activation = ACTIVATIONS[config.hidden_act]

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        *,
        mask: Bool[Tensor, "#B 1 #T S"] | None = None,
        rotary: Float[Tensor, "2 T K"] | None = None,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Return the layer's vectors."""
        scope = scoped(tape, "self")

        def attend(y: Tensor) -> Tensor:
            return self.attention(y, mask=mask, rotary=rotary, tape=scope)[0]

        return self.around(x, attend, tape=tape)

    def flat(
        self,
        x: Float[Tensor, "N D"],
        spans: Spans,
        *,
        causal: bool = False,
        rotary: Float[Tensor, "2 N K"] | None = None,
    ) -> Float[Tensor, "N D"]:
        """Return the same for sentences that stand end to end."""
        return self.around(x, lambda y: self.attention.flat(y, spans, causal=causal, rotary=rotary))

    def first(
        self,
        x: Float[Tensor, "N D"],
        starts: Int[Tensor, " B"],
        spans: Spans,
        *,
        rotary: Float[Tensor, "2 N K"] | None = None,
    ) -> Float[Tensor, "B D"]:
        """Compute ``flat`` of each sentence's first token alone, from keys and values of all."""
        return self.around(
            x, lambda y: self.attention.first(y, starts, spans, rotary=rotary), kept=starts
        )

    def around(
        self,
        x: Tensor,
        attend: Callable[[Tensor], Tensor],
        *,
        kept: Tensor | None = None,
        tape: Tape | None = None,
    ) -> Tensor:
        """Apply both sublayers with their normalisation, before or after.

        ``kept`` are the tokens that ``attend`` gives vectors of; None is all.
        """
        inner, fed = scoped(tape, "self"), scoped(tape, "feed_forward")
        residual = x if kept is None else x[kept]
        x = self._enter(x, self.attention_norm, inner)
        change = self.dropout(attend(x))
        x = self._leave(residual, change, self.attention_norm, inner, "o_t")
        residual = x
        x = self._enter(x, self.output_norm, fed)
        change = self.dropout(self._forward(x, fed))
        return self._leave(residual, change, self.output_norm, fed, "f_t")

    def _enter(self, x: Tensor, norm: nn.Module, tape: Tape | None) -> Tensor:
        """Return what a sublayer reads."""
        if not self.norm_first:
            note(tape, "input", "x_t", "", x, each="row")
            return x
        normed = norm(x)
        note(tape, "residual", "r_t", "", x, each="row")
        layer_norm_line(tape, norm, "x_t", "r_t", normed)
        return normed

    def _leave(
        self, residual: Tensor, change: Tensor, norm: nn.Module, tape: Tape | None, symbol: str
    ) -> Tensor:
        """Return a sublayer's result, from what it began with and what it gave."""
        total = residual + change
        before = "r_t" if self.norm_first else "x_t"
        note(tape, "residual", "r'_t", f"{before} + {symbol}", total, each="row")
        if self.norm_first:
            return total
        normed = norm(total)
        layer_norm_line(tape, norm, "y_t", "r'_t", normed)
        return normed

    def _forward(self, x: Tensor, tape: Tape | None = None) -> Tensor:
        inner = self.intermediate(x)
        if self.gated:
            gate, inner = inner.chunk(2, dim=-1)
            inner = self.activation(gate) * inner
        else:
            inner = self.activation(inner)
        out = self.output(inner)
        # Gated, both halves stand in one weight, the first for act.
        made = "act⊙({})" if self.gated else "act({})"
        letters = ("u_t", "W_1", "x_t", "b_1"), ("f_t", "W_2", "u_t", "b_2")
        linear_line(tape, self.intermediate, "inner", letters[0], inner, made)
        linear_line(tape, self.output, "feedForward", letters[1], out)
        return out


class BertEncoder(nn.Module):
    """From token ids to a vector for each token that knows both of its sides."""

    def __init__(self, config: BertConfig, *, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        size = config.embedding_size or config.hidden_size
        self.word_embeddings = nn.Embedding(vocab_size, size)
        self.position_embeddings = (
            LearnedPositions(config.max_position_embeddings, size)
            if config.positions == "learned"
            else None
        )
        self.type_embeddings = (
            nn.Embedding(config.type_vocab_size, size) if config.type_vocab_size else None
        )
        # Behind the stack instead where the sublayers normalise first.
        normed = config.hidden_size if config.norm_first else size
        self.norm = nn.LayerNorm(normed, eps=config.layer_norm_eps, bias=config.bias)
        self.embedding_norm = (
            nn.LayerNorm(size, eps=config.layer_norm_eps, bias=config.bias)
            if config.norm_first and config.embedding_norm
            else None
        )
        self.projection = (
            nn.Linear(size, config.hidden_size) if size != config.hidden_size else None
        )
        self.dropout = Dropout(config.hidden_dropout_prob)
        self.layers = nn.ModuleList(BertLayer(config) for _ in range(config.num_hidden_layers))
        self.norm_first = config.norm_first

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        lengths: Int[Tensor, " B"],
        *,
        types: Int[Tensor, "B T"] | None = None,
        causal: bool = False,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Return last layer's vectors, zero at padding, which is taken out once and put back once.

        Args:
            ids: tokens, padding last.
            lengths: real tokens of each row.
            types: the segment of each token; None is segment 0 throughout.
            causal: no token sees one after it.
            tape: where to record the inside of each layer.

        Raises:
            InputError: a text longer than the model's positions.
        """
        if tape is not None or is_traced():
            hidden = self.padded(ids, lengths, types=types, causal=causal, tape=tape)
            return hidden * padding_mask(lengths, ids.shape[1])[..., None]
        rows = unpad(lengths, ids.shape[1])
        pick = rows.cells
        types = None if types is None else types.flatten()[pick]
        out = self.flat(ids.flatten()[pick], rows, types=types, causal=causal)
        if len(pick) == ids.numel() and len(rows.spans) == 1:
            return out.reshape(*ids.shape, -1)
        blank = out.new_zeros(ids.numel(), out.shape[1])
        return blank.index_copy(0, pick, out).reshape(*ids.shape, -1)

    def first(
        self,
        ids: Int[Tensor, "B T"],
        lengths: Int[Tensor, " B"],
        *,
        types: Int[Tensor, "B T"] | None = None,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B D"]:
        """Return ``forward`` of each first token alone, which saves most of the last layer.

        On CUDA and with a tape all tokens are computed as ever.

        Raises:
            InputError: a text longer than the model's positions.
        """
        if tape is not None or is_traced() or ids.is_cuda or not len(ids):
            return self.forward(ids, lengths, types=types, tape=tape)[:, 0]
        rows = unpad(lengths, ids.shape[1])
        pick = rows.cells
        types = None if types is None else types.flatten()[pick]
        x, rotary = self._lower(ids.flatten()[pick], rows, types)
        starts = torch.tensor(
            [at + row * length for at, count, length in rows.spans for row in range(count)],
            device=ids.device,
        )
        last = cast("BertLayer", self.layers[-1])
        out = last.first(x, starts, rows.spans, rotary=rotary)
        out = self.norm(out) if self.norm_first else out
        blank = out.new_zeros(len(ids), out.shape[1])
        return blank.index_copy(0, pick[starts] // ids.shape[1], out)

    def flat(
        self,
        ids: Int[Tensor, " N"],
        rows: Unpadded,
        *,
        types: Int[Tensor, " N"] | None = None,
        causal: bool = False,
    ) -> Float[Tensor, "N D"]:
        """Return the last layer's vectors of sentences that stand end to end."""
        x, rotary = self._lower(ids, rows, types, causal=causal)
        x = cast("BertLayer", self.layers[-1]).flat(x, rows.spans, causal=causal, rotary=rotary)
        return self.norm(x) if self.norm_first else x

    def _lower(
        self, ids: Tensor, rows: Unpadded, types: Tensor | None, *, causal: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Return what the last layer reads, and the angles of its positions."""
        self._check(rows.spans[-1][2] if rows.spans else 0)
        x = self.embed(ids, rows.positions, types)
        rotary = self._rotary(rows.positions)
        for layer in list(self.layers)[:-1]:
            x = cast("BertLayer", layer).flat(x, rows.spans, causal=causal, rotary=rotary)
        return x, rotary

    def padded(
        self,
        ids: Int[Tensor, "B T"],
        lengths: Int[Tensor, " B"],
        *,
        types: Int[Tensor, "B T"] | None = None,
        causal: bool = False,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Compute ``forward`` with padding carried along under a mask: the same numbers, slower."""
        size = ids.shape[1]
        self._check(size)
        mask = key_mask(lengths, size)
        if causal:
            seen = causal_mask(size, size, device=ids.device)[None, None]
            mask = seen if mask is None else mask & seen
        positions = torch.arange(size, device=ids.device)
        return self.stack(self.embed(ids, positions, types, tape=tape), mask, tape=tape)

    def stack(
        self,
        x: Float[Tensor, "B T D"],
        mask: Bool[Tensor, "#B 1 #T S"] | None,
        *,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Apply all layers to embedded tokens, under a mask."""
        rotary = self._rotary(torch.arange(x.shape[1], device=x.device))
        for number, layer in enumerate(self.layers):
            scope = scoped(tape, f"layer.{number}")
            x = layer(x, mask=mask, rotary=rotary, tape=scope)
            if scope is not None:
                scope.record("hidden", x)
        return self.norm(x) if self.norm_first else x

    def _check(self, wanted: int) -> None:
        longest = self.config.longest
        if longest is not None and wanted > longest:
            message = (
                f"a text of {wanted} tokens is longer than the model's {longest} positions: "
                "cut the text, or train with more positions"
            )
            raise InputError(message)

    def _rotary(self, positions: Tensor) -> Tensor | None:
        if self.config.positions != "rotary":
            return None
        width = self.config.hidden_size // self.config.num_attention_heads
        return rotary_tables(positions, width)

    def _numbered(self, ids: Tensor, positions: Tensor) -> Tensor:
        """Number positions as RoBERTa does, which does not count its padding token.

        It stands one before the first position (fairseq, ``make_positions``). Sentences that stand
        end to end begin where ``positions`` are 0.
        """
        if self.config.family != "roberta":
            return positions
        real = ids != self.config.position_offset - 1
        # A graph that is written for others counts in any case, row by row.
        if not is_traced() and bool(real.all()):
            return positions
        counted = real.long().cumsum(-1)
        if ids.ndim == 1:
            starts = positions == 0
            counted = counted - (counted - real.long())[starts][starts.cumsum(0) - 1]
        return torch.where(real, counted - 1, -1)

    def embed(
        self,
        ids: Int[Tensor, "*B T"],
        positions: Int[Tensor, " T"],
        types: Int[Tensor, "*B T"] | None = None,
        *,
        tape: Tape | None = None,
    ) -> Float[Tensor, "*B T D"]:
        """Return what the first layer reads.

        Raises:
            InputError: a token that the embeddings have no row for.
        """
        try:
            words = self.word_embeddings(ids)
        except IndexError as error:
            rows = self.word_embeddings.num_embeddings
            message = (
                f"a text has token {int(ids.max())}, and the embeddings have {rows} rows, fewer "
                "than the tokenizer has tokens: leave its word out"
            )
            raise InputError(message) from error
        if tape is not None:
            tape.record("embedding", words)
        added: Tensor | None = None
        if self.position_embeddings is not None:
            offset = self.config.position_offset
            added = self.position_embeddings.table(self._numbered(ids, positions) + offset)
        if self.type_embeddings is not None:
            first = self.type_embeddings.weight[0]
            segment = first if types is None else self.type_embeddings(types)
            added = segment if added is None else added + segment
        x = words if added is None else words + added
        inner = scoped(tape, "embedded")
        note(inner, "token", "E(w_t)", "", words, each="row")
        if added is not None:
            note(inner, "place", "P_t", "", added.expand_as(words), each="row")
            note(inner, "input", "e_t", "E(w_t) + P_t", x, each="row")
        norm = self.embedding_norm if self.norm_first else self.norm
        if norm is not None:
            x = norm(x)
            layer_norm_line(inner, norm, "n_t", "e_t", x)
        x = self.dropout(x)
        x = x if self.projection is None else self.projection(x)
        note(inner, "input", "x_t", "", x, each="row")
        return x
