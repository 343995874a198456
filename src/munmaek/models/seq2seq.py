r"""Stage seq2seq: the context is the encoder's last state, one fixed vector.

    h_j = f(h_{j−1}, x_j),   c = tanh(W_c h_S)                encoder
    s_0 = tanh(W_0 c)                                         ``bridge`` tanh
    s_i = g(s_{i−1}, [y_{i−1}; c])                            decoder: c is seen at every step
    t_i = maxout(s_i, y_{i−1}, c),   p(y_i) = softmax(E t_i + b)

This is Cho et al. 2014 (§2.2, eq. 3 and appendix A: c, s_0 and the maxout over s_i, y_{i−1} and c),
``paper`` cho2014. They write h^{<t>} for h_j and h'^{<t>} for s_i; V, V' for W_c, W_0; W, U and C
(each with z, r or nothing) for the GRU's weights of the token, the state and c; O_h, O_y, O_c for
the maxout's, G for E. One thing differs: the reset gate acts after the matrix of the state
(``munmaek.nn.recurrent``), in the encoder before it in theirs, and in their decoder on C c too.

Sutskever et al. 2014, ``paper`` sutskever2014, is a deep LSTM, whose last states (v in §2, hidden
and cell of every layer) are the decoder's first; nothing else of the source is seen, the source is
read in reverse order (§3.3), and the top layer's state predicts:

    s_0 = h_S,   s_i = LSTM(s_{i−1}, y_{i−1}),   p(y_i) = softmax(E s_i + b)

that is ``cell`` lstm, four ``layers`` (§3.4), ``bridge`` copy, ``context_at_every_step`` false,
``readout`` state and ``reverse_source``. A paper fills in its structure, leaves widths and whatever
is given. Neither ties E to the embedding; tied, s_i goes through a linear layer to its width.

Letters: B pairs, S source tokens, T target tokens, D width of what predicts, H of the states, L
layers, V target vocabulary size.
"""

from typing import Annotated, Any, ClassVar, Literal, NamedTuple, cast, final

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn

from munmaek.models.configuration import Config
from munmaek.models.searched import WIDTHS, Searched
from munmaek.nn.cells import CellName
from munmaek.nn.dropout import VariationalDropout
from munmaek.nn.embeddings import OutputLayer, TokenEmbedding, TokenPredictor, target_embedding
from munmaek.nn.readout import MaxoutReadout
from munmaek.nn.recurrent import Recurrent, State
from munmaek.nn.row_order import at_last, reading_backward, reorder
from munmaek.nn.tape import Tape, scoped, turned

__all__ = ["FixedVectorMemory", "FixedVectorTranslatorNetwork", "Seq2SeqConfig"]


@final
class Seq2SeqConfig(Config):
    """Options of the stage."""

    label: ClassVar[str] = "encoder–decoder"
    options: ClassVar[dict[str, str]] = {
        "cell": "cell",
        "layers": "layers",
        "hidden-size": "hidden",
        "embedding-size": "embedding",
        "dropout": "dropout",
    }

    paper: Literal["cho2014", "sutskever2014"] | None = None
    """Paper whose structure is taken where an option is not given."""
    cell: CellName = "gru"
    """Recurrent cell of encoder and decoder."""
    embedding: Annotated[int, WIDTHS] = Field(default=256, ge=1)
    """Width of the token embeddings."""
    hidden: Annotated[int, WIDTHS] = Field(default=256, ge=1)
    """Width of the hidden states of encoder and decoder."""
    layers: Annotated[int, Searched(1, 3)] = Field(default=1, ge=1)
    """Layers of the encoder and of the decoder each."""
    dropout: Annotated[float, Searched(0, 0.5)] = Field(default=0.2, ge=0.0, lt=1.0)
    """Dropout on embedded tokens, between layers and on what predicts."""
    reverse_source: bool = False
    """Read the source from its last token to its first (Sutskever et al. 2014, §3.3)."""
    bridge: Literal["tanh", "copy"] = "tanh"
    """Beginning s_0 of the decoder: made of c, or the encoder's last state, layer by layer."""
    context_at_every_step: bool = True
    """Let the decoder and its readout see c at every step, rather than s_0 alone."""
    readout: Literal["maxout", "state"] = "maxout"
    """Readout that predicts: maxout over state, token and c, or the top layer's state."""
    tie_embeddings: bool = True
    """Score tokens with the target embedding (Press & Wolf 2017)."""
    share_embeddings: bool = False
    """Share one embedding between source and target in translation; needs one vocabulary."""

    @model_validator(mode="before")
    @classmethod
    def _as_in_the_paper(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        given = cast("dict[str, Any]", values)
        return {**_STRUCTURES.get(str(given.get("paper")), {}), **given}


_STRUCTURES: dict[str, dict[str, Any]] = {
    "cho2014": {"cell": "gru", "tie_embeddings": False},
    "sutskever2014": {
        "cell": "lstm",
        "layers": 4,
        "reverse_source": True,
        "bridge": "copy",
        "context_at_every_step": False,
        "readout": "state",
        "tie_embeddings": False,
    },
}


class FixedVectorMemory(NamedTuple):
    """All that the decoder knows of the source."""

    context: Float[Tensor, "B H"]
    """c; with ``bridge`` copy the top layer's last state."""
    initial: State
    """s_0 of every layer; an LSTM's cell likewise."""


@final
class FixedVectorTranslatorNetwork(TokenPredictor):
    """Encoder and decoder joined by one vector; see ``networks.TranslatorNetwork``."""

    def __init__(self, config: Seq2SeqConfig, *, source_vocab: int, target_vocab: int) -> None:
        super().__init__()
        width, hidden = config.embedding, config.hidden
        self.config = config
        self.source_embedding = TokenEmbedding(source_vocab, width)
        self.target_embedding = target_embedding(
            self.source_embedding, target_vocab, width, shared=config.share_embeddings
        )
        self.dropout = VariationalDropout(config.dropout)
        self.encoder = Recurrent(
            config.cell, width, hidden, layers=config.layers, dropout=config.dropout
        )
        seen = hidden if config.context_at_every_step else 0
        if config.bridge == "tanh":
            self.context = nn.Linear(hidden, hidden)
            states = len(self.encoder.begin(1))
            self.bridge = nn.ModuleList(
                nn.Linear(hidden, config.layers * hidden) for _ in range(states)
            )
        self.decoder = Recurrent(
            config.cell, width + seen, hidden, layers=config.layers, dropout=config.dropout
        )
        size = width
        if config.readout == "maxout":
            self.readout = MaxoutReadout(hidden + width + seen, width)
        elif config.tie_embeddings and width != hidden:
            self.readout = nn.Linear(hidden, width)
        else:
            self.readout, size = nn.Identity(), hidden
        self.output = OutputLayer(size, target_vocab, tied=config.tie_embeddings)

    def encode(
        self, source: Int[Tensor, "B S"], lengths: Int[Tensor, " B"], *, tape: Tape | None = None
    ) -> FixedVectorMemory:
        """Return c. A tape gets the encoder's gates under ``encoder.`` and ``context`` [B H]."""
        inner = scoped(tape, "encoder")
        inputs = self.dropout(self.source_embedding(source, tape=inner))
        if self.config.reverse_source:
            order = reading_backward(lengths, source.shape[1])
            inputs, inner = reorder(inputs, order), turned(inner, order)
        if self.config.bridge == "copy":
            _, initial = self.encoder.read(inputs, lengths, tape=inner)
            context = initial[0][:, -1]
        else:
            outputs, _ = self.encoder(inputs, tape=inner)
            context = torch.tanh(self.context(at_last(outputs, lengths)))
            initial = self._begin(context)
        if tape is not None:
            tape.record("context", context)
        return FixedVectorMemory(context, initial)

    def _begin(self, context: Float[Tensor, "B H"]) -> State:
        """Return s_0, made from c for each layer."""
        shape = (len(context), self.config.layers, self.config.hidden)
        return tuple(torch.tanh(linear(context)).view(shape) for linear in self.bridge)

    def begin(self, memory: FixedVectorMemory) -> State:
        """Return s_0."""
        return memory.initial

    def decode(
        self,
        memory: FixedVectorMemory,
        target: Int[Tensor, "B T"],
        *,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """Return t_i for every token of ``target``; a tape gets the gates under ``decoder.``."""
        return self._decode(memory, self.begin(memory), target, tape)[0]

    def decode_with_alignment(
        self, memory: FixedVectorMemory, target: Int[Tensor, "B T"]
    ) -> tuple[Float[Tensor, "B T D"], None]:
        """Return ``decode``, and None: there are no weights."""
        return self.decode(memory, target), None

    def step(
        self,
        memory: FixedVectorMemory,
        state: State,
        tokens: Int[Tensor, " B"],
        *,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "B D"], State]:
        """Return t_i after one more token, and the new state."""
        hidden, after = self._decode(memory, state, tokens[:, None], tape)
        return hidden[:, 0], after

    def _decode(
        self, memory: FixedVectorMemory, state: State, target: Tensor, tape: Tape | None
    ) -> tuple[Tensor, State]:
        tokens = self.dropout(self.target_embedding(target, tape=scoped(tape, "decoder")))
        seen = (tokens,)
        if self.config.context_at_every_step:
            seen = (tokens, memory.context[:, None].expand(-1, target.shape[1], -1))
        states, after = self.decoder(torch.cat(seen, 2), state, tape=scoped(tape, "decoder"))
        return self.dropout(self._predicting(states, seen)), after

    def _predicting(self, states: Tensor, seen: tuple[Tensor, ...]) -> Tensor:
        """Return t_i, of the decoder's states and what it has seen."""
        if isinstance(self.readout, MaxoutReadout):
            return self.readout(states, *seen)
        return self.readout(states)

    @property
    def tied_weight(self) -> Tensor:
        """The weight of the embedding that scores may share."""
        return self.target_embedding.weight

    def alignment(self, tape: Tape) -> None:  # noqa: ARG002 - the protocol's argument
        """Return None: one vector for all steps aligns with nothing."""
        return
