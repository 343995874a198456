r"""Stage attention: a new context vector for every output step, weighted over all encoder states.

    h_j = [h→_j; h←_j]                            bidirectional GRU       eq. 7, A.2.1
    s_0 = tanh(W_s h←_1)                                                  A.2.2
    c_i = Σ_j α_ij h_j                            munmaek.nn.alignment    eq. 5, 6

Additive (numbers of Bahdanau et al. 2015): the previous state asks, so that c_i goes into s_i.

    e_ij = vᵀ tanh(W_a s_{i−1} + U_a h_j)                                 A.1.2
    s_i  = GRU(s_{i−1}, [y_{i−1}; c_i])                                   A.2.2
    t_i  = maxout(s_i, y_{i−1}, c_i),   p(y_i) = softmax(E t_i + b)       eq. 4, A.2.2

Where A.2.2 reads t_i from s_{i−1}, eq. 4 does from s_i, and so do we; their α, s, h, c, e, v_a, W_a
and U_a are ours, their W, C, U (with z and r) the GRU's weights for y, c and s, their Ũ_o, Ṽ_o, C_o
the maxout's, W_o our E. Their reset gate acts before the matrix U, ours after (``nn.recurrent``).

Dot, general and concat (numbers of Luong et al. 2015): the current state asks, and the attentional
state h̃_i predicts.

    s_i  = f(s_{i−1}, [y_{i−1}; h̃_{i−1}])         ``input_feeding``       §3.3
    e_ij = s_iᵀ h_j,   s_iᵀ W_a h_j   or   v_aᵀ tanh(W_a [s_i; h_j])       eq. 8
    h̃_i  = tanh(W_c [c_i; s_i]),   p(y_i) = softmax(E h̃_i + b)            eq. 5, 6

Luong writes h_t for our s_i, h̄_s for our h_j, W_s for our E. f is a stack of ``layers``, of the
``cell`` LSTM in the paper; its encoder reads in one direction and hands its last states on
(``bidirectional`` false, ``bridge`` copy), perhaps with ``reverse_source``, where each state still
stands at its token's place. ``span`` local-m or local-p with ``window`` D is §3.2, eq. 9 and 10.

``paper`` fills in the structure that a paper has, and leaves widths and whatever is given:
``bahdanau2015`` is RNNsearch, ``luong2015`` their best single model (general, local-p, feeding).
``weighting`` switches attention off, to see what it is worth: uniform makes c_i the mean of all
h_j, last makes it the h_j at which the reading ends; what would have scored is left out.

Sources: Bahdanau et al. 2015; Luong et al. 2015; E is the target embedding's weight unless
``tie_embeddings`` is false (Press & Wolf 2017), and where h̃_i is not as wide as an embedding, a
linear layer stands before it (in Luong's numbers both are 1,000 wide).

As a classifier the weights pool a text's states (Yang et al. 2016): ``AttentionPooling``.

Letters: B rows, S source tokens, T target tokens, E width of the embeddings, D of an encoder state
(both directions), A of the keys, H of the decoder's state, W of what predicts, V target vocabulary
size, C classes, K layers of the encoder, N width of its state in one direction.
"""

from collections.abc import Mapping
from typing import Any, Literal, cast, final

import torch
from jaxtyping import Float, Int
from pydantic import Field, field_validator, model_validator
from torch import Tensor, nn

from munmaek.models.configuration import Config
from munmaek.nn.alignment import AttentionMemory, AttentionPooling
from munmaek.nn.attention_decoders import (
    BahdanauDecoder,
    DecoderSizes,
    LuongDecoder,
    LuongFeedingDecoder,
    LuongOptions,
    Span,
)
from munmaek.nn.cells import CELLS
from munmaek.nn.dropout import Dropout, VariationalDropout
from munmaek.nn.embeddings import OutputLayer, TokenEmbedding, target_embedding
from munmaek.nn.masks import padding_mask
from munmaek.nn.recurrent import Bidirectional, Recurrent, State
from munmaek.nn.row_order import reading_backward, reorder
from munmaek.nn.tape import Tape, scoped

__all__ = [
    "AttentionClassifierNetwork",
    "AttentionConfig",
    "AttentionMemory",
    "AttentionTranslatorNetwork",
]


@final
class AttentionConfig(Config):
    """Options of the stage; those of the decoder are for translation."""

    paper: Literal["bahdanau2015", "luong2015"] | None = None
    """Whose structure to take where an option is not given."""
    score: Literal["additive", "dot", "general", "concat"] = "additive"
    """Additive is Bahdanau's decoder, the others are Luong's."""
    embedding: int = Field(default=256, ge=1)
    hidden: int = Field(default=256, ge=1)
    """Width of the decoder's state and of the alignment layer."""
    bidirectional: bool = True
    """The encoder reads both ways; false reads from the first token on."""
    encoder_hidden: int = Field(default=128, ge=1, validate_default=True)
    """Width of the encoder's state in each of its directions."""
    encoder_layers: int = Field(default=1, ge=1)
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0)
    cell: Literal["gru", "lstm"] = "gru"
    """Of encoder and decoder; additive has a GRU."""
    layers: int = Field(default=1, ge=1)
    """Of the decoder; additive has one."""
    bridge: Literal["tanh", "copy"] = "tanh"
    """s_0: tanh of a linear layer, or the encoder's last state, layer by layer."""
    reverse_source: bool = False
    """Read the source from its last token to its first."""
    input_feeding: bool = True
    """With Luong's scores: each step sees the attentional state before it."""
    span: Span = "global"
    """With Luong's scores: look at all of the source, or near p_i (local-m, local-p)."""
    window: int = Field(default=10, ge=1)
    """D of local attention: positions on either side of p_i that are seen."""
    weighting: Literal["learned", "uniform", "last"] = "learned"
    """Attention, or in its place equal weights, or all weight where reading ends (ablation)."""
    tie_embeddings: bool = True
    """The output weights are the target embedding's."""
    share_embeddings: bool = False
    """In translation the source and the target have one embedding; needs one vocabulary."""

    @model_validator(mode="before")
    @classmethod
    def _as_in_the_paper(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        given = cast("dict[str, Any]", values)
        return {**_structure(given), **given}

    @field_validator("encoder_hidden")
    @classmethod
    def _dot_needs_one_width(cls, size: int, info: Any) -> int:
        given = info.data
        hidden, both = given.get("hidden"), given.get("bidirectional", True)
        wanted = 2 * size if both else size
        if given.get("score") == "dot" and hidden != wanted:
            twice = "twice this" if both else "the same"
            message = f"score = 'dot' needs hidden = {wanted}, {twice}; it is {hidden}"
            raise ValueError(message)
        return size

    @field_validator("cell", "layers", "span")
    @classmethod
    def _additive_is_one_gru(cls, value: Any, info: Any) -> Any:
        if info.data.get("score") == "additive" and value not in ("gru", 1, "global"):
            message = (
                "score = 'additive' is Bahdanau's decoder, one GRU that looks everywhere; "
                "take another score for this"
            )
            raise ValueError(message)
        return value

    @field_validator("bridge")
    @classmethod
    def _copies_fit(cls, bridge: str, info: Any) -> str:
        given = info.data
        sizes = given.get("encoder_hidden"), given.get("hidden")
        depths = given.get("encoder_layers"), given.get("layers")
        if bridge == "copy" and (
            given.get("bidirectional") or sizes[0] != sizes[1] or depths[0] != depths[1]
        ):
            message = (
                "needs bidirectional = false, encoder_hidden = hidden and encoder_layers = layers; "
                f"the widths are {sizes[0]} and {sizes[1]}, the layers {depths[0]} and {depths[1]}"
            )
            raise ValueError(message)
        return bridge

    @field_validator("weighting")
    @classmethod
    def _nothing_to_centre(cls, weighting: str, info: Any) -> str:
        if weighting != "learned" and info.data.get("span") != "global":
            message = f"needs span = 'global'; it is '{info.data.get('span')}'"
            raise ValueError(message)
        return weighting


def _structure(given: Mapping[str, Any]) -> dict[str, Any]:
    """What the paper that ``given`` names has besides."""
    if given.get("paper") == "bahdanau2015":
        return {"score": "additive", "tie_embeddings": False}
    if given.get("paper") == "luong2015":
        layers = given.get("layers", 4)
        return {
            "score": "general",
            "span": "local-p",
            "cell": "lstm",
            "layers": layers,
            "bidirectional": False,
            "encoder_hidden": given.get("hidden", 256),
            "encoder_layers": layers,
            "bridge": "copy",
            "reverse_source": True,
            "tie_embeddings": False,
        }
    return {}


_End = tuple[Float[Tensor, "B K N"], ...]
"""The encoder's state where its reading ends."""
AttentionState = Any
"""What a decoder carries, a tree with B rows: (s_i,) with Bahdanau, ``LuongState`` with Luong."""


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
    """D."""
    return (1 + config.bidirectional) * config.encoder_hidden


@final
class AttentionTranslatorNetwork(nn.Module):
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
        """Every encoder state, its key, and s_0; a tape gets the gates under ``encoder.``."""
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
        """s_0 of every layer."""
        if isinstance(self.initial, nn.Identity):
            return last
        config = self.config
        made = torch.tanh(self.initial(last[0][:, -1]))
        parts = made.view(len(made), -1, config.layers, config.hidden).unbind(1)
        return tuple(parts)

    def begin(self, memory: AttentionMemory) -> AttentionState:
        """The state before bos."""
        return self.decoder.begin(memory)

    def decode(
        self,
        memory: AttentionMemory,
        target: Int[Tensor, "B T"],
        *,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """What predicts the token after each of ``target``.

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
        """``decode``, and the weights behind each prediction, for a loss on both."""
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
        """α of a taped decode or step: rows sum to 1 over S and are 0 where nothing is seen.

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
        """Scores of each label; a tape gets ``pool.weights`` [B T] and ``encoder.`` gates."""
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
    """Each token's state, and the state where reading ends, of which s_0 is made.

    Both ways, that is the top layer's of the backward direction at the first token.
    """
    order = reading_backward(lengths, inputs.shape[1]) if config.reverse_source else None
    inputs = inputs if order is None else reorder(inputs, order)
    if isinstance(encoder, Bidirectional):
        states, ends = encoder(inputs, lengths, tape=tape)
        last = (ends.chunk(2, 1)[1][:, None],)
    else:
        states, last = encoder.read(inputs, lengths, tape=tape)
    return states if order is None else reorder(states, order), last
