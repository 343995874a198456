r"""Stage rnn: the context is one hidden state, updated token by token.

    h_t = f(h_{t−1}, E[w_t])                      f: Elman, GRU or LSTM (``munmaek.nn.recurrent``)
    p(w_{t+1} | w_1 … w_t) = softmax(E h_t + b)

Sources: Elman 1990; Mikolov et al. 2010 (the language model); Hochreiter & Schmidhuber 1997 (LSTM);
Cho et al. 2014 (GRU). The output weights are the embedding's (Press & Wolf 2017); dropout masks
are held over time (Gal & Ghahramani 2016).

As a classifier the last state of each direction is the text's context:

    p(label) = softmax(W [h→_T; h←_1] + b)

Letters: B rows, T tokens, D width of the embedding, H of the state, L layers, V vocabulary size,
C classes.
"""

from typing import final

from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from munmaek.models.configuration import Config
from munmaek.nn.embeddings import OutputLayer, TokenEmbedding
from munmaek.nn.recurrent import (
    Bidirectional,
    CellName,
    Recurrent,
    State,
    VariationalDropout,
    at_last,
)
from munmaek.nn.tape import Tape

__all__ = ["RnnClassifierNetwork", "RnnConfig", "RnnLanguageNetwork"]


@final
class RnnConfig(Config):
    """Options of the stage."""

    cell: CellName = "lstm"
    embedding: int = Field(default=256, ge=1)
    hidden: int = Field(default=256, ge=1)
    layers: int = Field(default=1, ge=1)
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0)
    tie_embeddings: bool = True
    """The language model's output weights are the embedding's."""
    bidirectional: bool = True
    """The classifier reads both ways."""


@final
class RnnLanguageNetwork(nn.Module):
    """Predicts the next token from the hidden state; see ``networks.LanguageNetwork``."""

    def __init__(self, config: RnnConfig, *, vocab_size: int) -> None:
        super().__init__()
        width, hidden = config.embedding, config.hidden
        self.embedding = TokenEmbedding(vocab_size, width)
        self.dropout = VariationalDropout(config.dropout)
        self.recurrent = Recurrent(
            config.cell, width, hidden, layers=config.layers, dropout=config.dropout
        )
        self.project = nn.Identity() if width == hidden else nn.Linear(hidden, width)
        self.output = OutputLayer(width, vocab_size, tied=config.tie_embeddings)

    def begin(self, batch: int) -> State:
        """Zeros: nothing read yet."""
        return self.recurrent.begin(batch)

    def forward(
        self, ids: Int[Tensor, "B T"], state: State | None = None, *, tape: Tape | None = None
    ) -> tuple[Float[Tensor, "B T D"], State]:
        """Hidden states after each token, and the state after the last column.

        A tape gets each layer's gates: ``layer.0.gates.forget`` and so on [B T H].
        """
        inputs = self.dropout(self.embedding(ids, tape=tape))
        outputs, after = self.recurrent(inputs, state, tape=tape)
        return self.project(self.dropout(outputs)), after

    def logits(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N V"]:
        """Scores of the next token, before softmax."""
        return self.output(hidden, self.embedding.weight)


@final
class RnnClassifierNetwork(nn.Module):
    """Labels a text from the last state; see ``networks.ClassifierNetwork``."""

    def __init__(self, config: RnnConfig, *, vocab_size: int, label_count: int) -> None:
        super().__init__()
        self.embedding = TokenEmbedding(vocab_size, config.embedding)
        self.dropout = VariationalDropout(config.dropout)
        make = Bidirectional if config.bidirectional else Recurrent
        self.recurrent = make(
            config.cell,
            config.embedding,
            config.hidden,
            layers=config.layers,
            dropout=config.dropout,
        )
        width = config.hidden * (2 if config.bidirectional else 1)
        self.head = nn.Sequential(nn.Dropout(config.dropout), nn.Linear(width, label_count))

    def forward(
        self, ids: Int[Tensor, "B T"], lengths: Int[Tensor, " B"], *, tape: Tape | None = None
    ) -> Float[Tensor, "B C"]:
        """Scores of each label, before softmax; a tape gets each layer's gates."""
        return self.head(self._last(self.dropout(self.embedding(ids, tape=tape)), lengths, tape))

    def _last(self, inputs: Tensor, lengths: Tensor, tape: Tape | None) -> Tensor:
        if isinstance(self.recurrent, Bidirectional):
            return self.recurrent(inputs, lengths, tape=tape)[1]
        return at_last(self.recurrent(inputs, tape=tape)[0], lengths)
