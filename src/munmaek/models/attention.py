r"""Stage attention: a new context vector for every output step, weighted over all encoder states.

    h_j = [h→_j; h←_j]                            bidirectional GRU       eq. 7, A.2.1
    s_0 = tanh(W_s h←_1)                                                  A.2.2
    c_i = Σ_j α_ij h_j                            munmaek.nn.alignment    eq. 5, 6

Additive (numbers of Bahdanau et al. 2015): the previous state asks, so that c_i goes into s_i.

    e_ij = vᵀ tanh(W_a s_{i−1} + U_a h_j)                                 A.1.2
    s_i  = GRU(s_{i−1}, [y_{i−1}; c_i])                                   A.2.2
    t_i  = maxout(s_i, y_{i−1}, c_i),   p(y_i) = softmax(E t_i + b)       eq. 4, A.2.2

Where A.2.2 reads t_i from s_{i−1}, eq. 4 does from s_i, and so do we. Dot and general (numbers of
Luong et al. 2015): the current state asks, and the attentional state h̃_i predicts.

    s_i  = GRU(s_{i−1}, [y_{i−1}; h̃_{i−1}])       input feeding           §3.3
    e_ij = s_iᵀ h_j   or   s_iᵀ W_a h_j                                   eq. 8
    h̃_i  = tanh(W_c [c_i; s_i]),   p(y_i) = softmax(E h̃_i + b)            eq. 5, 6

Sources: Bahdanau et al. 2015; Luong et al. 2015 (with a GRU here where they have an LSTM; E is the
target embedding's weight, Press & Wolf 2017). Luong writes h_t for our s_i and h̄_s for our h_j.

As a classifier the weights pool a text's states (Yang et al. 2016): ``AttentionPooling``.

Letters: B rows, S source tokens, T target tokens, E width of the embeddings, D of an encoder state
(both directions), A of the keys, H of the decoder's state, W of what predicts, V target vocabulary
size, C classes.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, final

import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field, field_validator
from torch import Tensor, nn

from munmaek.models.configuration import Config
from munmaek.nn.additive_decoder import AdditiveDecoderWeights, decode_additive
from munmaek.nn.alignment import (
    AdditiveScore,
    AttentionPooling,
    DotScore,
    GeneralScore,
    attend,
)
from munmaek.nn.embeddings import OutputLayer, TokenEmbedding, target_embedding
from munmaek.nn.masks import padding_mask
from munmaek.nn.readout import MaxoutReadout
from munmaek.nn.recurrent import (
    Bidirectional,
    Recurrent,
    VariationalDropout,
    gru_step,
    initialise_gates,
)
from munmaek.nn.tape import Tape, scoped

__all__ = [
    "AttentionClassifierNetwork",
    "AttentionConfig",
    "AttentionMemory",
    "AttentionTranslatorNetwork",
]


@final
class AttentionConfig(Config):
    """Options of the stage."""

    score: Literal["additive", "dot", "general"] = "additive"
    embedding: int = Field(default=256, ge=1)
    hidden: int = Field(default=256, ge=1)
    """Width of the decoder's state and of the alignment layer."""
    encoder_hidden: int = Field(default=128, ge=1, validate_default=True)
    """Width of the encoder's state in each of its two directions."""
    encoder_layers: int = Field(default=1, ge=1)
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0)
    input_feeding: bool = True
    """With dot and general: each step sees the attentional state before it."""
    tie_embeddings: bool = True
    """The output weights are the target embedding's."""
    share_embeddings: bool = False
    """In translation the source and the target have one embedding; needs one vocabulary."""

    @field_validator("encoder_hidden")
    @classmethod
    def _dot_needs_one_width(cls, size: int, info: Any) -> int:
        hidden = info.data.get("hidden")
        if info.data.get("score") == "dot" and hidden != 2 * size:
            message = f"score = 'dot' needs hidden = {2 * size}, twice this; it is {hidden}"
            raise ValueError(message)
        return size


class AttentionMemory(NamedTuple):
    """What the decoder reads: every encoder state, what its score needs, and where to begin."""

    states: Float[Tensor, "B S D"]
    keys: Float[Tensor, "B S A"]
    mask: Bool[Tensor, "B S"]
    initial: Float[Tensor, "B H"]


AttentionState = tuple[Float[Tensor, "B *parts"], ...]
"""The decoder's state: (s_i,) with Bahdanau and without input feeding, (s_i, h̃_i) with it."""


@final
class _Gru(nn.Module):
    """A GRU whose input is a token and a context, each with its own weights."""

    def __init__(self, token_size: int, context_size: int, hidden_size: int) -> None:
        super().__init__()
        self.token = nn.Linear(token_size, 3 * hidden_size)
        self.context = nn.Linear(context_size, 3 * hidden_size, bias=False)
        self.recurrent = nn.Linear(hidden_size, 3 * hidden_size)
        initialise_gates(self.token.weight, self.recurrent.weight, gates=3)
        initialise_gates(self.context.weight, self.recurrent.weight, gates=3)
        nn.init.zeros_(self.token.bias)
        nn.init.zeros_(self.recurrent.bias)

    def forward(
        self,
        token: Float[Tensor, "B G"],
        context: Float[Tensor, "B C"],
        hidden: Float[Tensor, "B H"],
        *,
        tape: Tape | None,
    ) -> Float[Tensor, "B H"]:
        """The next state; ``token`` is already projected: ``self.token(y)``."""
        inputs = torch.addmm(token, context, self.context.weight.t())
        after, named = gru_step(inputs, self.recurrent(hidden), hidden)
        if tape is not None:
            for name, tensor in named.items():
                tape.record(name, tensor[:, None])
        return after


@final
class _BahdanauDecoder(nn.Module):
    """The previous state asks; a GRU reads the token and the context; maxout predicts."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__()
        hidden, context = config.hidden, 2 * config.encoder_hidden
        self.size = config.embedding
        self.score = AdditiveScore(hidden, context, hidden)
        self.cell = _Gru(config.embedding, context, hidden)
        self.readout = MaxoutReadout(hidden + config.embedding + context, self.size)

    def begin(self, initial: Float[Tensor, "B H"]) -> AttentionState:
        """s_0."""
        return (initial,)

    def decode(
        self, memory: AttentionMemory, tokens: Float[Tensor, "B T E"]
    ) -> Float[Tensor, "B T W"]:
        """t_i of all steps, fast; equal to ``forward``."""
        return self.decode_with_alignment(memory, tokens)[0]

    def decode_with_alignment(
        self, memory: AttentionMemory, tokens: Float[Tensor, "B T E"]
    ) -> tuple[Float[Tensor, "B T W"], Float[Tensor, "B T S"]]:
        """The same, and α."""
        weights = AdditiveDecoderWeights(
            query=self.score.query.weight,
            energy=self.score.energy,
            context=self.cell.context.weight,
            hidden=self.cell.recurrent.weight,
            hidden_bias=self.cell.recurrent.bias,
        )
        projected = self.cell.token(tokens.transpose(0, 1))
        states, contexts, alphas = decode_additive(
            projected, memory.initial, memory.keys, memory.states, memory.mask, weights
        )
        outputs = self.readout(states.transpose(0, 1), tokens, contexts.transpose(0, 1))
        return outputs, alphas.transpose(0, 1)

    def forward(
        self,
        memory: AttentionMemory,
        state: AttentionState,
        tokens: Float[Tensor, "B T E"],
        *,
        tape: Tape | None,
    ) -> tuple[Float[Tensor, "B T W"], AttentionState]:
        """t_i step by step from ``state``, and the state after them."""
        (hidden,) = state
        tapes: list[Tape | None] = []
        states: list[Tensor] = []
        contexts: list[Tensor] = []
        for column in self.cell.token(tokens).unbind(1):
            scores = self.score(hidden[:, None], memory.keys)
            tapes.append(None if tape is None else Tape())
            context = attend(scores, memory.states, memory.mask, tape=tapes[-1])[:, 0]
            hidden = self.cell(column, context, hidden, tape=scoped(tapes[-1], "decoder"))
            states.append(hidden)
            contexts.append(context)
        _join(tapes, tape)
        outputs = self.readout(torch.stack(states, 1), tokens, torch.stack(contexts, 1))
        return outputs, (hidden,)


@final
class _LuongFeedingDecoder(nn.Module):
    """The current state asks; the attentional state predicts and feeds the next step."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__()
        self.size = config.hidden
        self.score = _luong_score(config)
        self.cell = _Gru(config.embedding, config.hidden, config.hidden)
        self.combine = _combine(config)

    def begin(self, initial: Float[Tensor, "B H"]) -> AttentionState:
        """s_0, and for h̃_0 zeros."""
        return initial, torch.zeros_like(initial)

    def decode(
        self, memory: AttentionMemory, tokens: Float[Tensor, "B T E"]
    ) -> Float[Tensor, "B T H"]:
        """h̃_i of all steps."""
        return self(memory, self.begin(memory.initial), tokens, tape=None)[0]

    def forward(
        self,
        memory: AttentionMemory,
        state: AttentionState,
        tokens: Float[Tensor, "B T E"],
        *,
        tape: Tape | None,
    ) -> tuple[Float[Tensor, "B T H"], AttentionState]:
        """h̃_i step by step from ``state``, and the state after them."""
        hidden, fed = state
        tapes: list[Tape | None] = []
        outputs: list[Tensor] = []
        for column in self.cell.token(tokens).unbind(1):
            tapes.append(None if tape is None else Tape())
            hidden = self.cell(column, fed, hidden, tape=scoped(tapes[-1], "decoder"))
            scores = self.score(hidden[:, None], memory.keys)
            context = attend(scores, memory.states, memory.mask, tape=tapes[-1])[:, 0]
            fed = torch.tanh(self.combine(torch.cat([context, hidden], 1)))
            outputs.append(fed)
        _join(tapes, tape)
        return torch.stack(outputs, 1), (hidden, fed)


@final
class _LuongDecoder(nn.Module):
    """Without input feeding no step waits for attention: it runs for all steps at once."""

    def __init__(self, config: AttentionConfig) -> None:
        super().__init__()
        self.size = config.hidden
        self.score = _luong_score(config)
        self.recurrent = Recurrent("gru", config.embedding, config.hidden)
        self.combine = _combine(config)

    def begin(self, initial: Float[Tensor, "B H"]) -> AttentionState:
        """s_0."""
        return (initial[:, None],)

    def decode(
        self, memory: AttentionMemory, tokens: Float[Tensor, "B T E"]
    ) -> Float[Tensor, "B T H"]:
        """h̃_i of all steps."""
        return self(memory, self.begin(memory.initial), tokens, tape=None)[0]

    def forward(
        self,
        memory: AttentionMemory,
        state: AttentionState,
        tokens: Float[Tensor, "B T E"],
        *,
        tape: Tape | None,
    ) -> tuple[Float[Tensor, "B T H"], AttentionState]:
        """h̃_i from ``state``, and the state after the last step."""
        hidden, after = self.recurrent(tokens, state, tape=scoped(tape, "decoder"))
        scores = self.score(hidden, memory.keys)
        context = attend(scores, memory.states, memory.mask, tape=tape)
        return torch.tanh(self.combine(torch.cat([context, hidden], 2))), after


def _luong_score(config: AttentionConfig) -> DotScore | GeneralScore:
    if config.score == "dot":
        return DotScore()
    return GeneralScore(config.hidden, 2 * config.encoder_hidden)


def _combine(config: AttentionConfig) -> nn.Linear:
    return nn.Linear(2 * config.encoder_hidden + config.hidden, config.hidden, bias=False)


def _join(steps: Sequence[Tape | None], tape: Tape | None) -> None:
    """Write on ``tape`` what every step wrote, [B 1 …] each, as [B T …]."""
    if tape is None:
        return
    records = [step.records for step in steps if step is not None]
    for name in records[0]:
        tape.record(name, torch.cat([each[name] for each in records], 1))


def _decoder(config: AttentionConfig) -> _BahdanauDecoder | _LuongFeedingDecoder | _LuongDecoder:
    if config.score == "additive":
        return _BahdanauDecoder(config)
    return _LuongFeedingDecoder(config) if config.input_feeding else _LuongDecoder(config)


@final
class AttentionTranslatorNetwork(nn.Module):
    """A decoder that looks back at every step; see ``networks.TranslatorNetwork``."""

    def __init__(self, config: AttentionConfig, *, source_vocab: int, target_vocab: int) -> None:
        super().__init__()
        embedding = config.embedding
        self.source_embedding = TokenEmbedding(source_vocab, embedding)
        self.target_embedding = target_embedding(
            self.source_embedding, target_vocab, embedding, shared=config.share_embeddings
        )
        self.dropout = VariationalDropout(config.dropout)
        self.encoder = _encoder(config)
        self.initial = nn.Linear(config.encoder_hidden, config.hidden)
        self.decoder = _decoder(config)
        size = self.decoder.size
        self.project = nn.Identity() if embedding == size else nn.Linear(size, embedding)
        self.output = OutputLayer(embedding, target_vocab, tied=config.tie_embeddings)

    def encode(
        self, source: Int[Tensor, "B S"], lengths: Int[Tensor, " B"], *, tape: Tape | None = None
    ) -> AttentionMemory:
        """Every encoder state, its key, and s_0; a tape gets the gates under ``encoder.``."""
        inner = scoped(tape, "encoder")
        inputs = self.dropout(self.source_embedding(source, tape=inner))
        states, last = self.encoder(inputs, lengths, tape=inner)
        backward = last.chunk(2, 1)[1]
        return AttentionMemory(
            states=states,
            keys=self.decoder.score.keys(states),
            mask=padding_mask(lengths, source.shape[1]),
            initial=torch.tanh(self.initial(backward)),
        )

    def begin(self, memory: AttentionMemory) -> AttentionState:
        """The state before bos."""
        return self.decoder.begin(memory.initial)

    def decode(
        self,
        memory: AttentionMemory,
        target: Int[Tensor, "B T"],
        *,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """What predicts the token after each of ``target``.

        A tape gets ``attention.weights`` and ``attention.scores`` [B T S], and the gates under
        ``decoder.``.
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
        """``decode``, and the weights behind each prediction, for a loss on both."""
        tokens = self.dropout(self.target_embedding(target))
        if isinstance(self.decoder, _BahdanauDecoder):
            outputs, weights = self.decoder.decode_with_alignment(memory, tokens)
        else:
            tape = Tape()
            outputs, _ = self.decoder(memory, self.begin(memory), tokens, tape=tape)
            weights = self.alignment(tape)
        return self.project(self.dropout(outputs)), weights

    def step(
        self,
        memory: AttentionMemory,
        state: AttentionState,
        tokens: Int[Tensor, " B"],
        *,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "B D"], AttentionState]:
        """One token in; a tape gets ``attention.weights`` [B 1 S]."""
        read = self.target_embedding(tokens[:, None], tape=scoped(tape, "decoder"))
        outputs, after = self.decoder(memory, state, self.dropout(read), tape=tape)
        return self.project(self.dropout(outputs))[:, 0], after

    def logits(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N V"]:
        """Scores of the next target token, before softmax."""
        return self.output(hidden, self.target_embedding.weight)

    def log_likelihood(
        self, hidden: Float[Tensor, "N D"], gold: Int[Tensor, " N"], *, smoothing: float
    ) -> Float[Tensor, ""]:
        """Of the gold tokens, smoothed; see ``networks.LikelihoodNetwork``."""
        weight = self.target_embedding.weight
        return self.output.log_likelihood(hidden, gold, weight, smoothing=smoothing)

    def alignment(self, tape: Tape) -> Float[Tensor, "B T S"]:
        """α of a taped decode or step: rows sum to 1 over S and are 0 on padding."""
        return tape["attention.weights"]


@final
class AttentionClassifierNetwork(nn.Module):
    """Labels a text from the states that matter; see ``networks.ClassifierNetwork``."""

    def __init__(self, config: AttentionConfig, *, vocab_size: int, label_count: int) -> None:
        super().__init__()
        self.embedding = TokenEmbedding(vocab_size, config.embedding)
        self.dropout = VariationalDropout(config.dropout)
        self.encoder = _encoder(config)
        states = 2 * config.encoder_hidden
        self.pooling = AttentionPooling(states, states)
        self.head = nn.Sequential(nn.Dropout(config.dropout), nn.Linear(states, label_count))

    def forward(
        self, ids: Int[Tensor, "B T"], lengths: Int[Tensor, " B"], *, tape: Tape | None = None
    ) -> Float[Tensor, "B C"]:
        """Scores of each label; a tape gets ``pool.weights`` [B T] and ``encoder.`` gates."""
        inputs = self.dropout(self.embedding(ids, tape=tape))
        states, _ = self.encoder(inputs, lengths, tape=scoped(tape, "encoder"))
        mask = padding_mask(lengths, ids.shape[1])
        return self.head(self.pooling(self.dropout(states), mask, tape=tape))


def _encoder(config: AttentionConfig) -> Bidirectional:
    return Bidirectional(
        "gru",
        config.embedding,
        config.encoder_hidden,
        layers=config.encoder_layers,
        dropout=config.dropout,
    )
