"""Encoder and decoder.

Letters: B sentences in the batch, T tokens of the target, S source tokens, N prefixes of targets
that are written token by token, or chosen positions, D model width, V vocabulary size.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from munmaek.models.transformer import shared_prefixes
from munmaek.models.transformer.config import TransformerConfig
from munmaek.models.transformer.shared_prefixes import PrefixStep, SharedPrefixes
from munmaek.models.transformer.stack import (
    Embedding,
    FeedForward,
    Residual,
    Stack,
    State,
    last_norm,
    last_normed,
)
from munmaek.nn.attention import KeyValues, MultiHeadCrossAttention, MultiHeadSelfAttention
from munmaek.nn.embeddings import OutputLayer, TokenPredictor, target_embedding
from munmaek.nn.masks import key_mask
from munmaek.nn.tape import Tape, note, scoped

__all__ = ["Memory", "TransformerTranslatorNetwork"]


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
        """Return the layer's vectors of whole targets."""
        inner, outer = scoped(tape, "self"), scoped(tape, "cross")

        def itself(y: Tensor) -> Tensor:
            return self.attention(y, causal=True, tape=inner)[0]

        def sources(y: Tensor) -> Tensor:
            return self.cross(y, source, mask=mask, tape=outer)

        return self._around(x, itself, sources, tape=tape)

    def step(
        self, x: Float[Tensor, "N D"], step: PrefixStep, number: int, *, tape: Tape | None = None
    ) -> Float[Tensor, "N D"]:
        """Return the vectors of one more token; ``number`` is the layer's."""

        def itself(y: Tensor) -> Tensor:
            return step.itself(number, self.attention, y, tape=scoped(tape, "self"))

        def sources(y: Tensor) -> Tensor:
            return step.source(number, self.cross, y, tape=scoped(tape, "cross"))

        return self._around(x, itself, sources)

    def _around(
        self,
        x: Tensor,
        itself: Callable[[Tensor], Tensor],
        sources: Callable[[Tensor], Tensor],
        *,
        tape: Tape | None = None,
    ) -> Tensor:
        """Apply the three sublayers in their frames."""
        inner, outer, fed = (scoped(tape, each) for each in ("self", "cross", "feed_forward"))
        x = self.attention_residual.around(x, itself, tape=inner)
        x = self.cross_residual.around(x, sources, tape=outer)
        forward = self.feed_forward.looked(fed)
        return self.feed_forward_residual.around(x, forward, tape=fed, symbol="f_t")


class Decoder(nn.Module):
    """Embedding and decoder layers."""

    def __init__(self, config: TransformerConfig, vocab_size: int, *, depth: int) -> None:
        super().__init__()
        self.embedding = Embedding(config, vocab_size)
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in range(depth))
        self.norm = last_norm(config)

    def remember(self, states: Float[Tensor, "B S D"]) -> State:
        """Return the source's keys and values for each layer."""
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
        """Return the last layer's vectors of whole targets.

        ``looked`` has tapes for single layers, so that the others keep their fused kernels.
        """
        x = self.embedding(ids, tape=tape)
        for number, layer in enumerate(self.layers):
            scope = scoped(tape, f"layer.{number}") or (looked or {}).get(number)
            x = layer(x, source[number], mask=mask, tape=scope)
            if scope is not None:
                scope.record("hidden", x)
        return last_normed(self.norm, x, scoped(tape, "last"))

    def step(
        self,
        tokens: Int[Tensor, " N"],
        step: PrefixStep,
        *,
        tape: Tape | None = None,
        looked: Mapping[int, Tape] | None = None,
    ) -> Float[Tensor, "N D"]:
        """Return last layer's vectors of one more token; a tape gets them with a T axis of 1."""
        x = self.embedding(tokens[:, None], step.length, tape=tape)[:, 0]
        for number, layer in enumerate(self.layers):
            scope = scoped(tape, f"layer.{number}") or (looked or {}).get(number)
            x = cast("DecoderLayer", layer).step(x, step, number, tape=scope)
            if scope is not None:
                scope.record("hidden", x[:, None])
        return self.norm(x)


@dataclass(frozen=True, slots=True)
class Encoded:
    """The encoding of B source sentences, computed once."""

    rows: Int[Tensor, " B"]
    """0 to B − 1."""
    states: Float[Tensor, "B S D"]
    """The encoder's vectors."""
    source: State
    """Their keys and values for each decoder layer."""
    mask: Bool[Tensor, "B 1 1 S"] | None
    """True at real tokens; None when no row is padded."""


class Memory(NamedTuple):
    """Each row's source as the decoder reads it: choosing rows copies numbers of sources only."""

    rows: Int[Tensor, " N"]
    """The source of each row."""
    encoded: Encoded

    def whole(self) -> Encoded:
        """Return the memory of each row, row by row."""
        kept, rows = self.encoded, self.rows
        if rows is kept.rows:
            return kept
        mask = None if kept.mask is None else kept.mask[rows]
        pairs = (KeyValues(pair.keys[rows], pair.values[rows]) for pair in kept.source)
        return Encoded(rows, kept.states[rows], tuple(pairs), mask)


class TransformerTranslatorNetwork(TokenPredictor):
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
        """Return the encoder's vectors and, for each decoder layer, their keys and values."""
        mask = key_mask(lengths, source.shape[1])
        states, _ = self.encoder(source, mask=mask, tape=scoped(tape, "encoder"))
        rows = torch.arange(len(source), device=source.device)
        return Memory(rows, Encoded(rows, states, self.decoder.remember(states), mask))

    def decode(
        self, memory: Memory, target: Int[Tensor, "B T"], *, tape: Tape | None = None
    ) -> Float[Tensor, "B T D"]:
        """Return what predicts the token after each of ``target`` (teacher forcing)."""
        read, inner = memory.whole(), scoped(tape, "decoder")
        for number in range(len(self.decoder.layers)):
            scope = scoped(inner, f"layer.{number}.cross")
            note(scope, "encoderState", "h_s", "", read.states, each="column")
        return self.decoder(target, read.source, mask=read.mask, tape=inner)

    def decode_with_alignment(
        self, memory: Memory, target: Int[Tensor, "B T"]
    ) -> tuple[Float[Tensor, "B T D"], Float[Tensor, "B T S"]]:
        """Return ``decode``, and the weights behind each prediction, for a loss on both."""
        tape, read = Tape(), memory.whole()
        hidden = self.decoder(target, read.source, mask=read.mask, looked=self._looked(tape))
        return hidden, self.alignment(tape)

    @property
    def tied_weight(self) -> Tensor:
        """The weight of the embedding that scores may share."""
        return self.decoder.embedding.tokens.weight

    def begin(self, memory: Memory) -> SharedPrefixes:
        """Return the decoder's state before bos."""
        return shared_prefixes.begin(memory.rows, memory.encoded.source, memory.encoded.mask)

    def step(
        self,
        memory: Memory,
        state: SharedPrefixes,
        tokens: Int[Tensor, " N"],
        *,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "N D"], SharedPrefixes]:
        """Read one token: the hidden state that predicts the next, and the new state."""
        step = PrefixStep(state, memory.rows)
        hidden = self.decoder.step(tokens, step, tape=scoped(tape, "decoder"))
        return hidden, step.after()

    def step_with_alignment(
        self, memory: Memory, state: SharedPrefixes, tokens: Int[Tensor, " N"]
    ) -> tuple[Float[Tensor, "N D"], SharedPrefixes, Float[Tensor, "N S"]]:
        """Do ``step`` and return the weights behind it; other layers keep their kernels."""
        tape, step = Tape(), PrefixStep(state, memory.rows)
        hidden = self.decoder.step(tokens, step, looked=self._looked(tape))
        return hidden, step.after(), self.alignment(tape)[:, 0]

    def alignment(self, tape: Tape) -> Float[Tensor, "B T S"]:
        """Return the cross-attention of ``config.alignment_layer``: a head, or the mean of all."""
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
        """Return where ``tape`` takes the alignment layer's records."""
        layer = self.alignment_layer
        return {layer: tape.scope(f"decoder.layer.{layer}")}
