r"""Self-attention: for every token its own context vector, over the sentence itself.

    x_t = √D · E[w_t] + PE(t)
    q_t = W^Q x_t,  k_t = W^K x_t,  v_t = W^V x_t
    c_t = Σ_s softmax_s(q_t · k_s / √D) v_s
    h_t = LayerNorm(x_t + c_t)

One head, one layer, nothing stacked: the mechanism of Vaswani et al. 2017, §3.2.1, alone. A
language model lets s run up to t only; a classifier lets it run over the whole sentence and takes
the mean of h. The readout that follows is LayerNorm(GELU(W h_t + b)), then the scores.

Letters: B sentences in the batch, T tokens, S tokens that may be seen, D model width, V vocabulary
size, C classes.
"""

from typing import Annotated, ClassVar

import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from pydantic import Field
from torch import Tensor, nn

from munmaek.models.configuration import Config
from munmaek.models.searched import WIDTHS, Searched
from munmaek.nn.attention import KeyValues, append, attention_lines, scaled_dot_product
from munmaek.nn.dropout import Dropout
from munmaek.nn.embeddings import (
    OutputLayer,
    SinusoidalPositions,
    TokenEmbedding,
    TokenPredictor,
    embedded_lines,
)
from munmaek.nn.masks import key_mask, masked_mean
from munmaek.nn.steps import layer_norm_line
from munmaek.nn.tape import Tape, note, scoped, wants_lines

__all__ = [
    "SelfAttentionClassifierNetwork",
    "SelfAttentionConfig",
    "SelfAttentionLanguageNetwork",
]


class SelfAttentionConfig(Config):
    """Sizes of the single-head self-attention stage."""

    label: ClassVar[str] = "self-attention"
    options: ClassVar[dict[str, str]] = {"hidden-size": "dimension", "dropout": "dropout"}

    dimension: Annotated[int, WIDTHS] = Field(default=256, ge=1)
    """Width D of embeddings and context vectors."""
    dropout: Annotated[float, Searched(0, 0.5)] = Field(default=0.1, ge=0.0, lt=1.0)
    """Dropout on the embedded tokens, the context vectors and before the scores."""
    tie_embeddings: bool = True
    """Score tokens of the language model with the token embedding (Press & Wolf 2017)."""


class SelfAttention(nn.Module):
    """c_t for every token, with learned W^Q, W^K, W^V in one matrix ``qkv`` [3D D]."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(dimension, 3 * dimension)
        for block in self.qkv.weight.data.chunk(3):
            nn.init.xavier_uniform_(block)
        nn.init.zeros_(self.qkv.bias)

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        *,
        mask: Bool[Tensor, "B 1 1 S"] | None = None,
        causal: bool = False,
        past: KeyValues | None = None,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "B T D"], KeyValues]:
        """Return the context vectors, and the keys and values of ``past`` and ``x``."""
        # The head axis, of size 1, is kept so that what the tape holds reads alike in all stages.
        queries, keys, values = self.qkv(x).unsqueeze(1).chunk(3, dim=-1)
        seen = append(past, KeyValues(keys, values))
        context = scaled_dot_product(queries, *seen, mask=mask, causal=causal, tape=tape)
        if tape is not None and wants_lines(tape):
            weights = self.qkv.weight[None].chunk(3, 1)
            biases = self.qkv.bias[None].chunk(3, 1)
            attention_lines(tape, weights, biases, ("x_t", "x_s", "x_s"))
        return context.squeeze(1), seen


class ContextLayer(nn.Module):
    """From token ids to h_t: what the language model and the classifier share."""

    def __init__(self, config: SelfAttentionConfig, vocab_size: int) -> None:
        super().__init__()
        self.tokens = TokenEmbedding(vocab_size, config.dimension)
        self.positions = SinusoidalPositions(config.dimension)
        self.attention = SelfAttention(config.dimension)
        self.norm = nn.LayerNorm(config.dimension)
        self.dropout = Dropout(config.dropout)

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        *,
        mask: Bool[Tensor, "B 1 1 S"] | None = None,
        causal: bool = False,
        past: KeyValues | None = None,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "B T D"], KeyValues]:
        """Return h_t of ``ids``, which follow ``past``, and the new past."""
        start = 0 if past is None else past.length
        tokens, places = self.tokens(ids, tape=tape), self.positions(start, ids.shape[1])
        x = self.dropout(tokens + places)
        inner = scoped(tape, "self")
        embedded_lines(inner, tokens, places, x)
        context, seen = self.attention(x, mask=mask, causal=causal, past=past, tape=inner)
        total = x + self.dropout(context)
        hidden = self.norm(total)
        note(inner, "residual", "r_t", "x_t + c_t", total, each="row")
        layer_norm_line(inner, self.norm, "h_t", "r_t", hidden)
        return hidden, seen


class Readout(nn.Module):
    """LayerNorm(GELU(W h + b)), position by position."""

    def __init__(self, config: SelfAttentionConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(config.dimension, config.dimension)
        self.norm = nn.LayerNorm(config.dimension)
        self.dropout = Dropout(config.dropout)

    def forward(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N D"]:
        """Return the states that the scores are read from."""
        return self.dropout(self.norm(F.gelu(self.dense(hidden))))


class SelfAttentionLanguageNetwork(TokenPredictor):
    """The next token from one context vector; its state is the keys and values so far."""

    def __init__(self, config: SelfAttentionConfig, *, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.context = ContextLayer(config, vocab_size)
        self.readout = Readout(config)
        self.output = OutputLayer(config.dimension, vocab_size, tied=config.tie_embeddings)

    def begin(self, batch: int) -> KeyValues:
        """Return the past of ``batch`` rows before any token."""
        empty = self.readout.dense.weight.new_empty(batch, 1, 0, self.config.dimension)
        return KeyValues(empty, empty)

    def forward(
        self, ids: Int[Tensor, "B T"], state: KeyValues | None = None, *, tape: Tape | None = None
    ) -> tuple[Float[Tensor, "B T D"], KeyValues]:
        """Return the hidden states after each token, and the state after the last column."""
        hidden, seen = self.context(ids, causal=True, past=state, tape=tape)
        return self.readout(hidden), seen

    @property
    def tied_weight(self) -> Tensor:
        """The weight of the embedding that scores may share."""
        return self.context.tokens.weight


class SelfAttentionClassifierNetwork(nn.Module):
    """A label from the mean of the context-aware vectors of all real tokens."""

    def __init__(self, config: SelfAttentionConfig, *, vocab_size: int, label_count: int) -> None:
        super().__init__()
        self.config = config
        self.context = ContextLayer(config, vocab_size)
        self.readout = Readout(config)
        self.output = nn.Linear(config.dimension, label_count)

    def forward(
        self, ids: Int[Tensor, "B T"], lengths: Int[Tensor, " B"], *, tape: Tape | None = None
    ) -> Float[Tensor, "B C"]:
        """Return the scores of each label, before softmax; padding changes nothing."""
        mask = key_mask(lengths, ids.shape[1])
        hidden, _ = self.context(ids, mask=mask, tape=tape)
        return self.output(self.readout(masked_mean(hidden, lengths)))
