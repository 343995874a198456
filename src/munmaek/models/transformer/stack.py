"""The stack that reads one text, causal or not, and the networks that are nothing more.

Letters: B sentences in the batch, T tokens, S tokens that may be seen, N chosen positions, D model
width, V vocabulary size, C classes.
"""

from collections.abc import Callable, Sequence
from typing import cast

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from munmaek.models.transformer.config import TransformerConfig
from munmaek.nn.attention import KeyValues, MultiHeadSelfAttention
from munmaek.nn.dropout import Dropout
from munmaek.nn.embeddings import (
    LearnedPositions,
    OutputLayer,
    SinusoidalPositions,
    TokenEmbedding,
    TokenPredictor,
    embedded_lines,
)
from munmaek.nn.masks import key_mask, masked_mean
from munmaek.nn.steps import layer_norm_line, linear_line
from munmaek.nn.tape import Tape, note, scoped

__all__ = [
    "Embedding",
    "FeedForward",
    "Residual",
    "Stack",
    "State",
    "TransformerClassifierNetwork",
    "TransformerLanguageNetwork",
    "last_norm",
    "last_normed",
]

State = tuple[KeyValues, ...]
"""The self-attention keys and values of each layer so far."""


class Residual(nn.Module):
    """The frame of a sublayer f: where the norm, the dropout and the sum stand."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.norm_first = config.norm_first
        self.norm = nn.LayerNorm(config.dimension)
        self.dropout = Dropout(config.dropout)

    def around(
        self,
        x: Float[Tensor, "*N D"],
        change: Callable[[Tensor], Tensor],
        *,
        tape: Tape | None = None,
        symbol: str = "o_t",
    ) -> Float[Tensor, "*N D"]:
        """Return the sublayer's result for f = ``change``, whose result is called ``symbol``."""
        entered = self.enter(x)
        if self.norm_first:
            note(tape, "residual", "r_t", "", x, each="row")
            layer_norm_line(tape, self.norm, "x_t", "r_t", entered)
        else:
            note(tape, "input", "x_t", "", entered, each="row")
        return self.leave(x, change(entered), tape=tape, symbol=symbol)

    def enter(self, x: Float[Tensor, "*N D"]) -> Float[Tensor, "*N D"]:
        """Return what f reads."""
        return self.norm(x) if self.norm_first else x

    def leave(
        self,
        x: Float[Tensor, "*N D"],
        change: Float[Tensor, "*N D"],
        *,
        tape: Tape | None = None,
        symbol: str = "o_t",
    ) -> Float[Tensor, "*N D"]:
        """Return the sublayer's result, from its input and what f gave."""
        total = x + self.dropout(change)
        before = "r_t" if self.norm_first else "x_t"
        note(tape, "residual", "r'_t", f"{before} + {symbol}", total, each="row")
        if self.norm_first:
            return total
        normed = self.norm(total)
        layer_norm_line(tape, self.norm, "y_t", "r'_t", normed)
        return normed


class FeedForward(nn.Module):
    """FFN."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.inner = nn.Linear(config.dimension, config.feed_forward)
        self.outer = nn.Linear(config.feed_forward, config.dimension)
        for layer in (self.inner, self.outer):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self, x: Float[Tensor, "*N D"], *, tape: Tape | None = None
    ) -> Float[Tensor, "*N D"]:
        """Apply it position by position."""
        inner = self.inner(x).relu()
        out = self.outer(inner)
        letters = ("u_t", "W_1", "x_t", "b_1"), ("f_t", "W_2", "u_t", "b_2")
        linear_line(tape, self.inner, "inner", letters[0], inner, "max(0, {})")
        linear_line(tape, self.outer, "feedForward", letters[1], out)
        return out

    def looked(self, tape: Tape | None) -> Callable[[Tensor], Tensor]:
        """Return it as a function of x alone that writes its derivation on ``tape``."""
        return lambda x: self(x, tape=tape)


class Layer(nn.Module):
    """Self-attention, then FFN: a layer of the encoder and of the causal stack."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.attention = MultiHeadSelfAttention(
            config.dimension, config.heads, dropout=config.attention_dropout
        )
        self.attention_residual = Residual(config)
        self.feed_forward = FeedForward(config)
        self.feed_forward_residual = Residual(config)

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        *,
        mask: Bool[Tensor, "B 1 1 S"] | None = None,
        causal: bool = False,
        past: KeyValues | None = None,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "B T D"], KeyValues]:
        """Return the layer's vectors, and the keys and values for going on."""
        inner, fed = scoped(tape, "self"), scoped(tape, "feed_forward")
        seen: list[KeyValues] = []

        def attend(y: Tensor) -> Tensor:
            change, new = self.attention(y, mask=mask, causal=causal, past=past, tape=inner)
            seen.append(new)
            return change

        x = self.attention_residual.around(x, attend, tape=inner)
        forward = self.feed_forward.looked(fed)
        x = self.feed_forward_residual.around(x, forward, tape=fed, symbol="f_t")
        return x, seen[0]


class Embedding(nn.Module):
    """x⁰: tokens and positions, then dropout."""

    def __init__(self, config: TransformerConfig, vocab_size: int) -> None:
        super().__init__()
        self.tokens = TokenEmbedding(vocab_size, config.dimension)
        self.positions = _positions(config)
        self.dropout = Dropout(config.dropout)

    def forward(
        self, ids: Int[Tensor, "B T"], start: int = 0, *, tape: Tape | None = None
    ) -> Float[Tensor, "B T D"]:
        """Return the vectors of ``ids``, whose first stands at position ``start``."""
        tokens, places = self.tokens(ids, tape=tape), self.positions(start, ids.shape[1])
        x = self.dropout(tokens + places)
        embedded_lines(scoped(tape, "embedded"), tokens, places, x)
        return x


class Stack(nn.Module):
    """Embedding and layers: the encoder, or with ``causal`` the language model."""

    def __init__(self, config: TransformerConfig, vocab_size: int, *, depth: int) -> None:
        super().__init__()
        self.embedding = Embedding(config, vocab_size)
        self.layers = nn.ModuleList(Layer(config) for _ in range(depth))
        self.norm = last_norm(config)

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        *,
        mask: Bool[Tensor, "B 1 1 S"] | None = None,
        causal: bool = False,
        state: Sequence[KeyValues] | None = None,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "B T D"], State]:
        """Return the last layer's vectors, and each layer's keys and values."""
        x = self.embedding(ids, _length(state), tape=tape)
        seen: list[KeyValues] = []
        for number, layer in enumerate(self.layers):
            past = None if state is None else state[number]
            scope = scoped(tape, f"layer.{number}")
            x, new = layer(x, mask=mask, causal=causal, past=past, tape=scope)
            seen.append(new)
            if scope is not None:
                scope.record("hidden", x)
        return last_normed(self.norm, x, scoped(tape, "last")), tuple(seen)


class TransformerLanguageNetwork(TokenPredictor):
    """The causal stack; its state is each layer's keys and values so far."""

    def __init__(self, config: TransformerConfig, *, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.stack = Stack(config, vocab_size, depth=config.layers)
        self.output = OutputLayer(config.dimension, vocab_size, tied=config.tie_embeddings)

    def begin(self, batch: int) -> State:
        """Return the state of ``batch`` rows before any token."""
        return _nothing(self.stack.layers, batch)

    def forward(
        self, ids: Int[Tensor, "B T"], state: State | None = None, *, tape: Tape | None = None
    ) -> tuple[Float[Tensor, "B T D"], State]:
        """Return the hidden states after each token, and the state after the last column."""
        return self.stack(ids, causal=True, state=state, tape=tape)

    @property
    def tied_weight(self) -> Tensor:
        """The weight of the embedding that scores may share."""
        return self.stack.embedding.tokens.weight


class TransformerClassifierNetwork(nn.Module):
    """The encoder; a label from the mean of its vectors over the real tokens."""

    def __init__(self, config: TransformerConfig, *, vocab_size: int, label_count: int) -> None:
        super().__init__()
        self.config = config
        self.stack = Stack(config, vocab_size, depth=config.layers)
        self.dropout = Dropout(config.dropout)
        self.output = nn.Linear(config.dimension, label_count)

    def forward(
        self, ids: Int[Tensor, "B T"], lengths: Int[Tensor, " B"], *, tape: Tape | None = None
    ) -> Float[Tensor, "B C"]:
        """Return the scores of each label, before softmax; padding changes nothing."""
        hidden, _ = self.stack(ids, mask=key_mask(lengths, ids.shape[1]), tape=tape)
        return self.output(self.dropout(masked_mean(hidden, lengths)))


def _positions(config: TransformerConfig) -> LearnedPositions | SinusoidalPositions:
    if config.learned_positions is None:
        return SinusoidalPositions(config.dimension)
    return LearnedPositions(config.learned_positions, config.dimension)


def last_norm(config: TransformerConfig) -> nn.Module:
    """Apply what follows the last layer."""
    return nn.LayerNorm(config.dimension) if config.norm_first else nn.Identity()


def last_normed(norm: nn.Module, x: Float[Tensor, "*N D"], tape: Tape | None) -> Tensor:
    """Apply what follows the last layer, and write its derivation where it does something."""
    normed = norm(x)
    if isinstance(norm, nn.LayerNorm):
        note(tape, "residual", "r_t", "", x, each="row")
        layer_norm_line(tape, norm, "z_t", "r_t", normed)
    return normed


def _length(state: Sequence[KeyValues] | None) -> int:
    return state[0].length if state else 0


def _nothing(layers: nn.ModuleList, batch: int) -> State:
    return tuple(cast("Layer", each).attention.nothing(batch) for each in layers)
