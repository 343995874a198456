r"""The Transformer: many heads, concatenated, fed forward, stacked.

    x⁰_t = √D · E[w_t] + PE(t)                                  Vaswani et al. 2017, §3.4, §3.5
    FFN(x) = W₂ max(0, W₁ x + b₁) + b₂                          §3.3
    pre-norm:   x ← x + f(LayerNorm(x))                         Xiong et al. 2020, figure 1b
    post-norm:  x ← LayerNorm(x + f(x))                         Vaswani et al. 2017, §3.1
    layer: f runs through MultiHead(x, x), in a decoder MultiHead(x, memory), and FFN

Three forms: the causal stack (language model), the encoder (classifier) and encoder and decoder
(translator). Pre-norm is the default since it trains without a long warm-up; a LayerNorm follows
the last layer then.

Letters: B sentences in the batch, T tokens (of the target, in translation), S source tokens or
tokens that may be seen, D model width, H heads, K = D/H width of a head, V vocabulary size,
C classes, N beginnings of targets that are written token by token.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field, field_validator
from torch import Tensor, nn

from munmaek.models.configuration import Config
from munmaek.nn import beginnings
from munmaek.nn.attention import KeyValues, MultiHeadCrossAttention, MultiHeadSelfAttention
from munmaek.nn.beginnings import Beginnings, Turn
from munmaek.nn.dropout import Dropout
from munmaek.nn.embeddings import (
    LearnedPositions,
    OutputLayer,
    SinusoidalPositions,
    TokenEmbedding,
    target_embedding,
)
from munmaek.nn.masks import key_mask, masked_mean
from munmaek.nn.tape import Tape, scoped

__all__ = [
    "Memory",
    "TransformerClassifierNetwork",
    "TransformerConfig",
    "TransformerLanguageNetwork",
    "TransformerTranslatorNetwork",
]

State = tuple[KeyValues, ...]
"""The self-attention keys and values of each layer so far."""


class TransformerConfig(Config):
    """Sizes of a Transformer."""

    dimension: int = Field(default=256, ge=1)
    """D."""
    heads: int = Field(default=4, ge=1)
    """H; divides ``dimension``."""
    layers: int = Field(default=3, ge=1)
    """Layers of the stack; in translation of the encoder and of the decoder each."""
    encoder_layers: int | None = Field(default=None, ge=1)
    """Layers of a translator's encoder, where it is not ``layers``."""
    decoder_layers: int | None = Field(default=None, ge=1)
    """Layers of a translator's decoder, where it is not ``layers``."""
    feed_forward: int = Field(default=1024, ge=1)
    """Inner width of FFN."""
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0)
    """On embedded tokens and on what each sublayer adds (§5.4)."""
    attention_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    """On attention weights; above 0 the fused kernel cannot be used on a CPU while training."""
    norm_first: bool = True
    """Pre-norm; False is the original post-norm, which needs a warm-up."""
    learned_positions: int | None = Field(default=None, ge=1)
    """Positions in a learned table, which no text may exceed (§3.5); None is PE, without end."""
    tie_embeddings: bool = True
    """Whether scores use the (target) token embedding."""
    share_embeddings: bool = False
    """In translation the source and the target have one embedding; needs one vocabulary."""
    alignment_layer: int | None = None
    """Decoder layer whose cross-attention is the alignment, negative from the last.

    None is the last but one, which aligns best (Garg et al. 2019, §4.2), or the only one.
    """
    alignment_head: int | None = Field(default=None, ge=0)
    """Head of that layer that is the alignment; None is the mean of all.

    Guided training has one (Garg et al. 2019, §4.2) and leaves the others free.
    """

    @field_validator("heads")
    @classmethod
    def _heads_divide(cls, heads: int, info: Any) -> int:
        dimension = info.data.get("dimension", heads)
        if dimension % heads:
            message = f"must divide dimension = {dimension}"
            raise ValueError(message)
        return heads

    @field_validator("alignment_head")
    @classmethod
    def _head_exists(cls, head: int | None, info: Any) -> int | None:
        heads = info.data.get("heads", 1)
        if head is not None and head >= heads:
            message = f"must be below heads = {heads}"
            raise ValueError(message)
        return head

    @field_validator("alignment_layer")
    @classmethod
    def _layer_exists(cls, layer: int | None, info: Any) -> int | None:
        depth = info.data.get("decoder_layers") or info.data.get("layers", 1)
        if layer is not None and not -depth <= layer < depth:
            message = f"must be within {-depth} and {depth - 1}, the decoder's layers"
            raise ValueError(message)
        return layer


class Residual(nn.Module):
    """The frame of a sublayer f: where the norm, the dropout and the sum stand."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.norm_first = config.norm_first
        self.norm = nn.LayerNorm(config.dimension)
        self.dropout = Dropout(config.dropout)

    def around(
        self, x: Float[Tensor, "*N D"], change: Callable[[Tensor], Tensor]
    ) -> Float[Tensor, "*N D"]:
        """The sublayer's result for f = ``change``."""
        return self.leave(x, change(self.enter(x)))

    def enter(self, x: Float[Tensor, "*N D"]) -> Float[Tensor, "*N D"]:
        """What f reads."""
        return self.norm(x) if self.norm_first else x

    def leave(
        self, x: Float[Tensor, "*N D"], change: Float[Tensor, "*N D"]
    ) -> Float[Tensor, "*N D"]:
        """The sublayer's result, from its input and what f gave."""
        total = x + self.dropout(change)
        return total if self.norm_first else self.norm(total)


class FeedForward(nn.Module):
    """FFN."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.inner = nn.Linear(config.dimension, config.feed_forward)
        self.outer = nn.Linear(config.feed_forward, config.dimension)
        for layer in (self.inner, self.outer):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Float[Tensor, "*N D"]) -> Float[Tensor, "*N D"]:
        """Position by position."""
        return self.outer(self.inner(x).relu())


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
        """The layer's vectors, and the keys and values for going on."""
        change, seen = self.attention(
            self.attention_residual.enter(x),
            mask=mask,
            causal=causal,
            past=past,
            tape=scoped(tape, "self"),
        )
        x = self.attention_residual.leave(x, change)
        return self.feed_forward_residual.around(x, self.feed_forward), seen


class DecoderLayer(nn.Module):
    """Causal self-attention, attention to the source, then FFN."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        sizes = (config.dimension, config.heads)
        self.attention = MultiHeadSelfAttention(*sizes, dropout=config.attention_dropout)
        self.attention_residual = Residual(config)
        self.cross = MultiHeadCrossAttention(*sizes, dropout=config.attention_dropout)
        self.cross_residual = Residual(config)
        self.feed_forward = FeedForward(config)
        self.feed_forward_residual = Residual(config)

    def forward(
        self,
        x: Float[Tensor, "B T D"],
        source: KeyValues,
        *,
        mask: Bool[Tensor, "B 1 1 S"] | None = None,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """The layer's vectors of whole targets."""

        def itself(y: Tensor) -> Tensor:
            return self.attention(y, causal=True, tape=scoped(tape, "self"))[0]

        def sources(y: Tensor) -> Tensor:
            return self.cross(y, source, mask=mask, tape=scoped(tape, "cross"))

        return self._around(x, itself, sources)

    def step(
        self, x: Float[Tensor, "N D"], turn: Turn, number: int, *, tape: Tape | None = None
    ) -> Float[Tensor, "N D"]:
        """The vectors of one more token; ``number`` is the layer's."""

        def itself(y: Tensor) -> Tensor:
            return turn.itself(number, self.attention, y, tape=scoped(tape, "self"))

        def sources(y: Tensor) -> Tensor:
            return turn.source(number, self.cross, y, tape=scoped(tape, "cross"))

        return self._around(x, itself, sources)

    def _around(
        self,
        x: Tensor,
        itself: Callable[[Tensor], Tensor],
        sources: Callable[[Tensor], Tensor],
    ) -> Tensor:
        """The three sublayers in their frames."""
        x = self.attention_residual.around(x, itself)
        x = self.cross_residual.around(x, sources)
        return self.feed_forward_residual.around(x, self.feed_forward)


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
        """Vectors of ``ids``, whose first stands at position ``start``."""
        return self.dropout(self.tokens(ids, tape=tape) + self.positions(start, ids.shape[1]))


class Stack(nn.Module):
    """Embedding and layers: the encoder, or with ``causal`` the language model."""

    def __init__(self, config: TransformerConfig, vocab_size: int, *, depth: int) -> None:
        super().__init__()
        self.embedding = Embedding(config, vocab_size)
        self.layers = nn.ModuleList(Layer(config) for _ in range(depth))
        self.norm = _last_norm(config)

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        *,
        mask: Bool[Tensor, "B 1 1 S"] | None = None,
        causal: bool = False,
        state: Sequence[KeyValues] | None = None,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "B T D"], State]:
        """The last layer's vectors, and each layer's keys and values."""
        x = self.embedding(ids, _length(state), tape=tape)
        seen: list[KeyValues] = []
        for number, layer in enumerate(self.layers):
            past = None if state is None else state[number]
            scope = scoped(tape, f"layer.{number}")
            x, new = layer(x, mask=mask, causal=causal, past=past, tape=scope)
            seen.append(new)
            if scope is not None:
                scope.record("hidden", x)
        return self.norm(x), tuple(seen)


class Decoder(nn.Module):
    """Embedding and decoder layers."""

    def __init__(self, config: TransformerConfig, vocab_size: int, *, depth: int) -> None:
        super().__init__()
        self.embedding = Embedding(config, vocab_size)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(depth))
        self.norm = _last_norm(config)

    def remember(self, states: Float[Tensor, "B S D"]) -> State:
        """The source's keys and values for each layer."""
        return tuple(cast("DecoderLayer", layer).cross.remember(states) for layer in self.layers)

    def forward(
        self,
        ids: Int[Tensor, "B T"],
        source: Sequence[KeyValues],
        *,
        mask: Bool[Tensor, "B 1 1 S"] | None = None,
        tape: Tape | None = None,
        looked: Mapping[int, Tape] | None = None,
    ) -> Float[Tensor, "B T D"]:
        """The last layer's vectors of whole targets.

        ``looked`` has tapes for single layers, so that the others keep their fused kernels.
        """
        x = self.embedding(ids, tape=tape)
        for number, layer in enumerate(self.layers):
            scope = scoped(tape, f"layer.{number}") or (looked or {}).get(number)
            x = layer(x, source[number], mask=mask, tape=scope)
            if scope is not None:
                scope.record("hidden", x)
        return self.norm(x)

    def step(
        self,
        tokens: Int[Tensor, " N"],
        turn: Turn,
        *,
        tape: Tape | None = None,
        looked: Mapping[int, Tape] | None = None,
    ) -> Float[Tensor, "N D"]:
        """The last layer's vectors of one more token; a tape gets them with a T axis of 1."""
        x = self.embedding(tokens[:, None], turn.length, tape=tape)[:, 0]
        for number, layer in enumerate(self.layers):
            scope = scoped(tape, f"layer.{number}") or (looked or {}).get(number)
            x = cast("DecoderLayer", layer).step(x, turn, number, tape=scope)
            if scope is not None:
                scope.record("hidden", x[:, None])
        return self.norm(x)


class TransformerLanguageNetwork(nn.Module):
    """The causal stack; its state is each layer's keys and values so far."""

    def __init__(self, config: TransformerConfig, *, vocab_size: int) -> None:
        super().__init__()
        self.config = config
        self.stack = Stack(config, vocab_size, depth=config.layers)
        self.output = OutputLayer(config.dimension, vocab_size, tied=config.tie_embeddings)

    def begin(self, batch: int) -> State:
        """The state of ``batch`` rows before any token."""
        return _nothing(self.stack.layers, batch)

    def forward(
        self, ids: Int[Tensor, "B T"], state: State | None = None, *, tape: Tape | None = None
    ) -> tuple[Float[Tensor, "B T D"], State]:
        """Hidden states after each token, and the state after the last column."""
        return self.stack(ids, causal=True, state=state, tape=tape)

    def logits(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N V"]:
        """Scores of the next token, before softmax."""
        return self.output(hidden, self.stack.embedding.tokens.weight)

    def log_likelihood(
        self, hidden: Float[Tensor, "N D"], gold: Int[Tensor, " N"]
    ) -> Float[Tensor, ""]:
        """Σ log p(gold) in nats."""
        return self.output.log_likelihood(hidden, gold, self.stack.embedding.tokens.weight)


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
        """Scores of each label, before softmax; padding changes nothing."""
        hidden, _ = self.stack(ids, mask=key_mask(lengths, ids.shape[1]), tape=tape)
        return self.output(self.dropout(masked_mean(hidden, lengths)))


@dataclass(frozen=True, slots=True)
class Encoded:
    """What is computed once for B source sentences."""

    rows: Int[Tensor, " B"]
    """0 to B − 1."""
    states: Float[Tensor, "B S D"]
    """The encoder's vectors."""
    source: State
    """Their keys and values for each decoder layer."""
    mask: Bool[Tensor, "B 1 1 S"] | None
    """True at real tokens; None when no row is padded."""


class Memory(NamedTuple):
    """What the decoder reads of each row's source: choosing rows copies numbers of sources only."""

    rows: Int[Tensor, " N"]
    """The source of each row."""
    encoded: Encoded

    def whole(self) -> Encoded:
        """What each row reads, row by row."""
        kept, rows = self.encoded, self.rows
        if rows is kept.rows:
            return kept
        mask = None if kept.mask is None else kept.mask[rows]
        pairs = (KeyValues(pair.keys[rows], pair.values[rows]) for pair in kept.source)
        return Encoded(rows, kept.states[rows], tuple(pairs), mask)


class TransformerTranslatorNetwork(nn.Module):
    """Encoder and decoder."""

    def __init__(self, config: TransformerConfig, *, source_vocab: int, target_vocab: int) -> None:
        super().__init__()
        self.config = config
        self.encoder = Stack(config, source_vocab, depth=config.encoder_layers or config.layers)
        self.decoder = Decoder(config, target_vocab, depth=config.decoder_layers or config.layers)
        if config.share_embeddings:
            self.decoder.embedding.tokens = target_embedding(
                self.encoder.embedding.tokens, target_vocab, config.dimension, shared=True
            )
        self.output = OutputLayer(config.dimension, target_vocab, tied=config.tie_embeddings)

    def encode(
        self, source: Int[Tensor, "B S"], lengths: Int[Tensor, " B"], *, tape: Tape | None = None
    ) -> Memory:
        """The encoder's vectors and, for each decoder layer, their keys and values."""
        mask = key_mask(lengths, source.shape[1])
        states, _ = self.encoder(source, mask=mask, tape=scoped(tape, "encoder"))
        rows = torch.arange(len(source), device=source.device)
        return Memory(rows, Encoded(rows, states, self.decoder.remember(states), mask))

    def decode(
        self, memory: Memory, target: Int[Tensor, "B T"], *, tape: Tape | None = None
    ) -> Float[Tensor, "B T D"]:
        """Teacher forcing: hidden state that predicts the token after each of ``target``."""
        read = memory.whole()
        return self.decoder(target, read.source, mask=read.mask, tape=scoped(tape, "decoder"))

    def decode_with_alignment(
        self, memory: Memory, target: Int[Tensor, "B T"]
    ) -> tuple[Float[Tensor, "B T D"], Float[Tensor, "B T S"]]:
        """``decode``, and the weights behind each prediction, for a loss on both."""
        tape, read = Tape(), memory.whole()
        hidden = self.decoder(target, read.source, mask=read.mask, looked=self._looked(tape))
        return hidden, self.alignment(tape)

    def logits(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N V"]:
        """Scores of the next target token, before softmax."""
        return self.output(hidden, self.decoder.embedding.tokens.weight)

    def log_likelihood(
        self, hidden: Float[Tensor, "N D"], gold: Int[Tensor, " N"], *, smoothing: float
    ) -> Float[Tensor, ""]:
        """Of the gold tokens, smoothed; see ``networks.LikelihoodNetwork``."""
        weight = self.decoder.embedding.tokens.weight
        return self.output.log_likelihood(hidden, gold, weight, smoothing=smoothing)

    def begin(self, memory: Memory) -> Beginnings:
        """The decoder's state before bos."""
        return beginnings.begin(memory.rows, memory.encoded.source, memory.encoded.mask)

    def step(
        self,
        memory: Memory,
        state: Beginnings,
        tokens: Int[Tensor, " N"],
        *,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "N D"], Beginnings]:
        """One token in: the hidden state that predicts the next, and the new state."""
        turn = Turn(state, memory.rows)
        hidden = self.decoder.step(tokens, turn, tape=scoped(tape, "decoder"))
        return hidden, turn.after()

    def step_with_alignment(
        self, memory: Memory, state: Beginnings, tokens: Int[Tensor, " N"]
    ) -> tuple[Float[Tensor, "N D"], Beginnings, Float[Tensor, "N S"]]:
        """``step``, and the weights behind the prediction; other layers keep their kernels."""
        tape, turn = Tape(), Turn(state, memory.rows)
        hidden = self.decoder.step(tokens, turn, looked=self._looked(tape))
        return hidden, turn.after(), self.alignment(tape)[:, 0]

    def alignment(self, tape: Tape) -> Float[Tensor, "B T S"]:
        """The cross-attention of ``config.alignment_layer``: a head, or the mean of all."""
        weights = tape[f"decoder.layer.{self.alignment_layer}.cross.weights"]
        head = self.config.alignment_head
        return weights.mean(dim=1) if head is None else weights[:, head]

    @property
    def alignment_layer(self) -> int:
        """Number of the decoder layer whose cross-attention is the alignment."""
        depth = len(self.decoder.layers)
        layer = self.config.alignment_layer
        return max(depth - 2, 0) if layer is None else layer % depth

    def _looked(self, tape: Tape) -> dict[int, Tape]:
        """Where ``tape`` takes the alignment layer's records."""
        layer = self.alignment_layer
        return {layer: tape.scope(f"decoder.layer.{layer}")}


def _positions(config: TransformerConfig) -> LearnedPositions | SinusoidalPositions:
    if config.learned_positions is None:
        return SinusoidalPositions(config.dimension)
    return LearnedPositions(config.learned_positions, config.dimension)


def _last_norm(config: TransformerConfig) -> nn.Module:
    return nn.LayerNorm(config.dimension) if config.norm_first else nn.Identity()


def _length(state: Sequence[KeyValues] | None) -> int:
    return state[0].length if state else 0


def _nothing(layers: nn.ModuleList, batch: int) -> State:
    return tuple(cast("Layer", each).attention.nothing(batch) for each in layers)
