r"""Stage seq2seq: the context is the encoder's last state, one fixed vector.

    h_j = f(h_{j−1}, x_j),   c = tanh(W_c h_S)                encoder
    s_0 = tanh(W_0 c)
    s_i = g(s_{i−1}, [y_{i−1}; c])                            decoder: c is seen at every step
    t_i = maxout(s_i, y_{i−1}, c),   p(y_i) = softmax(E t_i + b)

Sources: Cho et al. 2014, §2.2, eq. 3 and appendix A (c, s_0 and the maxout over s_i, y_{i−1} and
c); their V, V' and O_h, O_y, O_c are W_c, W_0 and the maxout's weights here. Sutskever et al. 2014,
§3.3, read the source in reverse order: ``reverse_source``.

Letters: B pairs, S source tokens, T target tokens, D width of the embedding, H of the states, L
layers, V target vocabulary size.
"""

from typing import NamedTuple, final

import torch
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from munmaek.models.configuration import Config
from munmaek.nn.embeddings import OutputLayer, TokenEmbedding, target_embedding
from munmaek.nn.readout import MaxoutReadout
from munmaek.nn.recurrent import (
    CellName,
    Recurrent,
    State,
    VariationalDropout,
    at_last,
    reading_backward,
    reorder,
)
from munmaek.nn.tape import Tape, scoped

__all__ = ["FixedVectorMemory", "FixedVectorTranslatorNetwork", "Seq2SeqConfig"]


@final
class Seq2SeqConfig(Config):
    """Options of the stage."""

    cell: CellName = "gru"
    embedding: int = Field(default=256, ge=1)
    hidden: int = Field(default=256, ge=1)
    layers: int = Field(default=1, ge=1)
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0)
    reverse_source: bool = False
    """Read the source from its last token to its first (Sutskever et al. 2014, §3.3)."""
    tie_embeddings: bool = True
    """The output weights are the target embedding's."""
    share_embeddings: bool = False
    """In translation the source and the target have one embedding; needs one vocabulary."""


class FixedVectorMemory(NamedTuple):
    """All that the decoder knows of the source."""

    context: Float[Tensor, "B H"]


@final
class FixedVectorTranslatorNetwork(nn.Module):
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
        self.context = nn.Linear(hidden, hidden)
        states = len(self.encoder.begin(1))
        self.bridge = nn.ModuleList(
            nn.Linear(hidden, config.layers * hidden) for _ in range(states)
        )
        self.decoder = Recurrent(
            config.cell, width + hidden, hidden, layers=config.layers, dropout=config.dropout
        )
        self.readout = MaxoutReadout(hidden + width + hidden, width)
        self.output = OutputLayer(width, target_vocab, tied=config.tie_embeddings)

    def encode(
        self, source: Int[Tensor, "B S"], lengths: Int[Tensor, " B"], *, tape: Tape | None = None
    ) -> FixedVectorMemory:
        """C. A tape gets the encoder's gates under ``encoder.`` and ``context`` [B H]."""
        inner = scoped(tape, "encoder")
        inputs = self.dropout(self.source_embedding(source, tape=inner))
        if self.config.reverse_source:
            inputs = reorder(inputs, reading_backward(lengths, source.shape[1]))
        outputs, _ = self.encoder(inputs, tape=inner)
        context = torch.tanh(self.context(at_last(outputs, lengths)))
        if tape is not None:
            tape.record("context", context)
        return FixedVectorMemory(context)

    def begin(self, memory: FixedVectorMemory) -> State:
        """s_0, made from c for each layer; an LSTM's cell likewise."""
        shape = (len(memory.context), self.config.layers, self.config.hidden)
        return tuple(torch.tanh(linear(memory.context)).view(shape) for linear in self.bridge)

    def decode(
        self,
        memory: FixedVectorMemory,
        target: Int[Tensor, "B T"],
        *,
        tape: Tape | None = None,
    ) -> Float[Tensor, "B T D"]:
        """t_i for every token of ``target``; a tape gets the gates under ``decoder.``."""
        return self._decode(memory, self.begin(memory), target, tape)[0]

    def decode_with_alignment(
        self, memory: FixedVectorMemory, target: Int[Tensor, "B T"]
    ) -> tuple[Float[Tensor, "B T D"], None]:
        """``decode``, and None: there are no weights."""
        return self.decode(memory, target), None

    def step(
        self,
        memory: FixedVectorMemory,
        state: State,
        tokens: Int[Tensor, " B"],
        *,
        tape: Tape | None = None,
    ) -> tuple[Float[Tensor, "B D"], State]:
        """t_i after one more token, and the new state."""
        hidden, after = self._decode(memory, state, tokens[:, None], tape)
        return hidden[:, 0], after

    def _decode(
        self, memory: FixedVectorMemory, state: State, target: Tensor, tape: Tape | None
    ) -> tuple[Tensor, State]:
        tokens = self.dropout(self.target_embedding(target, tape=scoped(tape, "decoder")))
        context = memory.context[:, None].expand(-1, target.shape[1], -1)
        inputs = torch.cat([tokens, context], 2)
        states, after = self.decoder(inputs, state, tape=scoped(tape, "decoder"))
        return self.dropout(self.readout(states, tokens, context)), after

    def logits(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N V"]:
        """Scores of the next target token, before softmax."""
        return self.output(hidden, self.target_embedding.weight)

    def log_likelihood(
        self, hidden: Float[Tensor, "N D"], gold: Int[Tensor, " N"], *, smoothing: float
    ) -> Float[Tensor, ""]:
        """Of the gold tokens, smoothed; see ``networks.LikelihoodNetwork``."""
        weight = self.target_embedding.weight
        return self.output.log_likelihood(hidden, gold, weight, smoothing=smoothing)

    def alignment(self, tape: Tape) -> None:  # noqa: ARG002 - the protocol's argument
        """None: one vector for all steps aligns with nothing."""
        return
