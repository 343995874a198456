"""The networks of the stage attention: a translator and a classifier.

Letters as in ``munmaek.models.attention``.
"""

from typing import Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from munmaek.models.attention.config import AttentionConfig
from munmaek.models.attention.decoders import (
    BahdanauDecoder,
    DecoderSizes,
    LuongDecoder,
    LuongFeedingDecoder,
    LuongOptions,
)
from munmaek.models.attention.scores import AttentionMemory, AttentionPooling
from munmaek.nn.cells import CELLS
from munmaek.nn.dropout import Dropout, VariationalDropout
from munmaek.nn.embeddings import OutputLayer, TokenEmbedding, TokenPredictor, target_embedding
from munmaek.nn.masks import padding_mask
from munmaek.nn.recurrent import Bidirectional, Recurrent, State
from munmaek.nn.row_order import reading_backward, reorder
from munmaek.nn.tape import Tape, scoped, turned

__all__ = ["AttentionClassifierNetwork", "AttentionTranslatorNetwork"]


_End = tuple[Float[Tensor, "B K N"], ...]
"""The encoder's state where its reading ends."""
AttentionState = Any
"""A decoder's state, a tree with B rows: (s_i,) with Bahdanau, ``LuongState`` with Luong."""


def _decoder(config: AttentionConfig) -> BahdanauDecoder | LuongFeedingDecoder | LuongDecoder:
    sizes = DecoderSizes(config.embedding, config.hidden, _state_size(config))
    score = config.score if config.weighting == "learned" else "none"
    if config.score == "additive":
        return BahdanauDecoder(sizes, score=score)
    options = LuongOptions(
        score=score,
        cell=config.cell,
        layers=config.layers,
        dropout=config.dropout,
        span=config.span,
        reach=config.window,
    )
    make = LuongFeedingDecoder if config.input_feeding else LuongDecoder
    return make(sizes, options)


def _state_size(config: AttentionConfig) -> int:
    """Return D."""
    return (1 + config.bidirectional) * config.encoder_hidden


@final
class AttentionTranslatorNetwork(TokenPredictor):
    """A decoder that looks back at every step; see ``networks.TranslatorNetwork``."""

    def __init__(self, config: AttentionConfig, *, source_vocab: int, target_vocab: int) -> None:
        super().__init__()
        embedding = config.embedding
        self.config = config
        self.source_embedding = TokenEmbedding(source_vocab, embedding)
        self.target_embedding = target_embedding(
            self.source_embedding, target_vocab, embedding, shared=config.share_embeddings
        )
        self.dropout = VariationalDropout(config.dropout)
        self.encoder = _encoder(config)
        self.initial = _bridge(config)
        self.decoder = _decoder(config)
        size = self.decoder.size
        self.project = nn.Identity() if embedding == size else nn.Linear(size, embedding)
        self.output = OutputLayer(embedding, target_vocab, tied=config.tie_embeddings)

    def encode(
        self, source: Int[Tensor, "B S"], lengths: Int[Tensor, " B"], *, tape: Tape | None = None
    ) -> AttentionMemory:
        """Return encoder states, their keys and s_0; a tape gets the gates under ``encoder.``."""
        inner = scoped(tape, "encoder")
        inputs = self.dropout(self.source_embedding(source, tape=inner))
        states, last = _encoded(self.encoder, inputs, lengths, self.config, tape=inner)
        mask = padding_mask(lengths, source.shape[1])
        if self.config.weighting == "last":
            end = 0 * lengths if self.config.reverse_source else lengths - 1
            mask = torch.arange(source.shape[1], device=mask.device) == end[:, None]
        return AttentionMemory(
            states=states,
            keys=self.decoder.score.keys(states),
            mask=mask,
            initial=self._begin(last),
        )

    def _begin(self, last: _End) -> State:
        """Return s_0 of every layer."""
        if isinstance(self.initial, nn.Identity):
            return last
        config = self.config
        made = torch.tanh(self.initial(last[0][:, -1]))
        parts = made.view(len(made), -1, config.layers, config.hidden).unbind(1)
        return tuple(parts)

    def begin(self, memory: AttentionMemory) -> AttentionState:
        """Return the state before bos."""
        return self.decoder.begin(memory)

    def decode(
        self,
        memory: AttentionMemory,
        target: Int[Tensor, "B T"],
        *,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Compute what predicts the token after each of ``target``.

        A tape gets ``attention.weights`` and ``attention.scores`` [B T S], with local attention
        ``attention.centre`` [B T], and the gates under ``decoder.``.
        """
        tokens = self.dropout(self.target_embedding(target, tape=scoped(tape, "decoder")))
        if tape is None:
            outputs = self.decoder.decode(memory, tokens)
        else:
            outputs, _ = self.decoder(memory, self.begin(memory), tokens, tape=tape)
        return self.project(self.dropout(outputs))

    def decode_with_alignment(
        self, memory: AttentionMemory, target: Int[Tensor, "B T"]
    ) -> tuple[Float[Tensor, "B T D"], Float[Tensor, "B T S"]]:
        """Return ``decode``, and the weights behind each prediction, for a loss on both."""
        tokens = self.dropout(self.target_embedding(target))
        outputs, weights = self.decoder.decode_with_alignment(memory, tokens)
        return self.project(self.dropout(outputs)), weights

    def step(
        self,
        memory: AttentionMemory,
        state: AttentionState,
        tokens: Int[Tensor, " B"],
        *,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "B D"], AttentionState]:
        """Read one token; a tape gets ``attention.weights`` [B 1 S]."""
        read = self.target_embedding(tokens[:, None], tape=scoped(tape, "decoder"))
        outputs, after = self.decoder(memory, state, self.dropout(read), tape=tape)
        return self.project(self.dropout(outputs))[:, 0], after

    @property
    def tied_weight(self) -> Tensor:
        """The weight of the embedding that scores may share."""
        return self.target_embedding.weight

    def alignment(self, tape: Tape) -> Float[Tensor, "B T S"]:
        """Return α of a taped decode or step: rows sum to 1 over S and are 0 where nothing is seen.

        Of local-p these are the shares of the weights, which themselves sum to less.
        """
        return tape["attention.weights"]


@final
class AttentionClassifierNetwork(nn.Module):
    """Labels a text from the states that matter; see ``networks.ClassifierNetwork``."""

    def __init__(self, config: AttentionConfig, *, vocab_size: int, label_count: int) -> None:
        super().__init__()
        self.embedding = TokenEmbedding(vocab_size, config.embedding)
        self.dropout = VariationalDropout(config.dropout)
        self.config = config
        self.encoder = _encoder(config)
        states = _state_size(config)
        self.pooling = AttentionPooling(states, states)
        self.head = nn.Sequential(Dropout(config.dropout), nn.Linear(states, label_count))

    def forward(
        self, ids: Int[Tensor, "B T"], lengths: Int[Tensor, " B"], *, tape: Tape | None = None
    ) -> Float[Tensor, "B C"]:
        """Return scores of labels; a tape gets ``pool.weights`` [B T] and ``encoder.`` gates."""
        inputs = self.dropout(self.embedding(ids, tape=tape))
        inner = scoped(tape, "encoder")
        states, _ = _encoded(self.encoder, inputs, lengths, self.config, tape=inner)
        mask = padding_mask(lengths, ids.shape[1])
        return self.head(self.pooling(self.dropout(states), mask, tape=tape))


def _encoder(config: AttentionConfig) -> Bidirectional | Recurrent:
    sizes = config.embedding, config.encoder_hidden
    make = Bidirectional if config.bidirectional else Recurrent
    return make(config.cell, *sizes, layers=config.encoder_layers, dropout=config.dropout)


def _bridge(config: AttentionConfig) -> nn.Module:
    if config.bridge == "copy":
        return nn.Identity()
    states = CELLS[config.cell].states
    return nn.Linear(config.encoder_hidden, states * config.layers * config.hidden)


def _encoded(
    encoder: Bidirectional | Recurrent,
    inputs: Float[Tensor, "B S E"],
    lengths: Int[Tensor, " B"],
    config: AttentionConfig,
    *,
    tape: Tape | None,
) -> tuple[Float[Tensor, "B S D"], _End]:
    """Return each token's state, and the state where reading ends, of which s_0 is made.

    Both ways, that is the top layer's of the backward direction at the first token.
    """
    order = reading_backward(lengths, inputs.shape[1]) if config.reverse_source else None
    inputs, tape = inputs if order is None else reorder(inputs, order), turned(tape, order)
    if isinstance(encoder, Bidirectional):
        states, ends = encoder(inputs, lengths, tape=tape)
        last = (ends.chunk(2, 1)[1][:, None],)
    else:
        states, last = encoder.read(inputs, lengths, tape=tape)
    return states if order is None else reorder(states, order), last
