"""The options of the stage rnn and its networks.

Letters as in ``munmaek.models.rnn``; B sentences in the batch.
"""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from munmaek.models.configuration import Config
from munmaek.models.rnn.adaptive_softmax import AdaptiveSoftmax, usual_cutoffs
from munmaek.models.rnn.pooling import Pooling, PoolingName
from munmaek.models.searched import WIDTHS, Searched
from munmaek.nn.cells import CELLS, CellName
from munmaek.nn.dropout import Dropout, VariationalDropout
from munmaek.nn.embeddings import OutputLayer, TokenEmbedding
from munmaek.nn.recurrent import Bidirectional, Recurrent, State
from munmaek.nn.row_order import at_last
from munmaek.nn.tape import Tape

__all__ = ["RnnClassifierNetwork", "RnnConfig", "RnnLanguageNetwork"]

ADAPTIVE_FROM = 100_000
"""Tokens from which on ``auto`` predicts in two steps."""


@final
class RnnConfig(Config):
    """Options of the stage."""

    options: ClassVar[dict[str, str]] = {
        "cell": "cell",
        "layers": "layers",
        "hidden-size": "hidden",
        "embedding-size": "embedding",
        "dropout": "dropout",
    }

    cell: CellName = "lstm"
    """Recurrent cell."""
    embedding: Annotated[int, WIDTHS] = Field(default=256, ge=1)
    """Width of the token embeddings."""
    hidden: Annotated[int, WIDTHS] = Field(default=256, ge=1)
    """Width of the hidden states."""
    layers: Annotated[int, Searched(1, 3)] = Field(default=1, ge=1)
    """Recurrent layers."""
    dropout: Annotated[float, Searched(0, 0.5)] = Field(default=0.2, ge=0.0, lt=1.0)
    """Dropout on the embedded tokens, between layers and on the last states, where the next three
    are not given."""
    input_dropout: float | None = Field(default=None, ge=0.0, lt=1.0)
    """Dropout on the embedded tokens; without it ``dropout``."""
    hidden_dropout: float | None = Field(default=None, ge=0.0, lt=1.0)
    """Dropout between layers; without it ``dropout``."""
    output_dropout: float | None = Field(default=None, ge=0.0, lt=1.0)
    """Dropout on the last layer's states; without it ``dropout``."""
    embedding_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Dropout on whole words, wherever they stand in the batch (Merity et al. 2018, §4.3)."""
    weight_dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Dropout on single weights from state to state, of the language model and of a classifier that
    reads one way (Merity et al. 2018, §2)."""
    tie_embeddings: bool = True
    """Score tokens of the language model with the embedding (Press & Wolf 2017)."""
    scaled_embeddings: bool = True
    """Read √D · E[w] rather than E[w]. Over many epochs AdamW learns better without: its steps are
    of one size for all weights, so that √D makes large ones of them for what is read."""
    softmax: Literal["auto", "full", "adaptive"] = "auto"
    """Softmax over all tokens, or the adaptive one (Grave et al. 2017), which auto takes from
    100,000 tokens on."""
    cutoffs: tuple[int, ...] = ()
    """Ids at which the adaptive softmax's rare clusters begin; without any two usual ones."""
    sampled: int | None = Field(default=None, ge=2)
    """Tokens that stand for all while the full softmax is trained; without it all."""
    bidirectional: bool = True
    """Let the classifier read both ways."""
    pooling: PoolingName = "last"
    """Pooling by which the classifier makes one vector of a text."""

    @property
    def label(self) -> str:
        """Return what people call the model: its cell's name."""
        return CELLS[self.cell].label


def _rate(own: float | None, config: RnnConfig) -> float:
    return config.dropout if own is None else own


def _recurrent(config: RnnConfig) -> Recurrent:
    return Recurrent(
        config.cell,
        config.embedding,
        config.hidden,
        layers=config.layers,
        dropout=_rate(config.hidden_dropout, config),
        weight_dropout=config.weight_dropout,
    )


@final
class EmbeddingDropout(nn.Module):
    """Every occurrence of a word in a batch together (Gal & Ghahramani 2016, §4.2).

    Zeroes the vectors of some words wherever they stand, and scales the rest up.
    """

    def __init__(self, rate: float, *, vocab_size: int) -> None:
        super().__init__()
        self.rate = rate
        self.vocab_size = vocab_size

    def forward(
        self, vectors: Float[Tensor, "B T D"], ids: Int[Tensor, "B T"]
    ) -> Float[Tensor, "B T D"]:
        """Return ``vectors`` of ``ids`` in evaluation mode; else with words dropped."""
        if not self.training or self.rate == 0.0:
            return vectors
        kept = F.dropout(vectors.new_ones(self.vocab_size), self.rate)
        return vectors * kept[ids][..., None]


@final
class RnnLanguageNetwork(nn.Module):
    """Predicts the next token from the hidden state; see ``networks.LanguageNetwork``."""

    def __init__(self, config: RnnConfig, *, vocab_size: int) -> None:
        super().__init__()
        width, hidden = config.embedding, config.hidden
        self.sampled = config.sampled if (config.sampled or vocab_size) < vocab_size else None
        self.embedding = TokenEmbedding(vocab_size, width, scaled=config.scaled_embeddings)
        self.word_dropout = EmbeddingDropout(config.embedding_dropout, vocab_size=vocab_size)
        self.dropout = VariationalDropout(_rate(config.input_dropout, config))
        self.recurrent = _recurrent(config)
        self.output_dropout = VariationalDropout(_rate(config.output_dropout, config))
        self.project = nn.Identity() if width == hidden else nn.Linear(hidden, width)
        large = config.softmax == "auto" and vocab_size >= ADAPTIVE_FROM
        tied = config.tie_embeddings
        if config.softmax == "adaptive" or large:
            cutoffs = config.cutoffs or usual_cutoffs(vocab_size)
            self.output = AdaptiveSoftmax(width, vocab_size, cutoffs=cutoffs, tied=tied)
        else:
            self.output = OutputLayer(width, vocab_size, tied=tied)

    def begin(self, batch: int) -> State:
        """Return zeros: nothing read yet."""
        return self.recurrent.begin(batch)

    def forward(
        self, ids: Int[Tensor, "B T"], state: State | None = None, *, tape: Tape | None = None
    ) -> tuple[Float[Tensor, "B T D"], State]:
        """Return the hidden states after each token, and the state after the last column.

        A tape gets each layer's gates: ``layer.0.gates.forget`` and so on [B T H].
        """
        inputs = self.dropout(self.word_dropout(self.embedding(ids, tape=tape), ids))
        outputs, after = self.recurrent(inputs, state, tape=tape)
        return self.project(self.output_dropout(outputs)), after

    def logits(self, hidden: Float[Tensor, "*N D"]) -> Float[Tensor, "*N V"]:
        """Return the scores of the next token, before softmax."""
        return self.output(hidden, self.embedding.weight)

    def log_likelihood(
        self, hidden: Float[Tensor, "N D"], gold: Int[Tensor, " N"]
    ) -> Float[Tensor, ""]:
        """Return Σ log p(gold) in nats; estimated while it trains with ``sampled``."""
        weight = self.embedding.weight
        if self.training and self.sampled is not None and isinstance(self.output, OutputLayer):
            return self.output.sampled_log_likelihood(hidden, gold, weight, tokens=self.sampled)
        return self.output.log_likelihood(hidden, gold, weight)


@final
class RnnClassifierNetwork(nn.Module):
    """Labels a text from its states; see ``networks.ClassifierNetwork``."""

    def __init__(self, config: RnnConfig, *, vocab_size: int, label_count: int) -> None:
        super().__init__()
        self.embedding = TokenEmbedding(
            vocab_size, config.embedding, scaled=config.scaled_embeddings
        )
        self.word_dropout = EmbeddingDropout(config.embedding_dropout, vocab_size=vocab_size)
        self.dropout = VariationalDropout(_rate(config.input_dropout, config))
        self.recurrent = (
            Bidirectional(
                config.cell,
                config.embedding,
                config.hidden,
                layers=config.layers,
                dropout=_rate(config.hidden_dropout, config),
            )
            if config.bidirectional
            else _recurrent(config)
        )
        self.pooling = Pooling(config.pooling, config.hidden * (1 + config.bidirectional))
        rate = _rate(config.output_dropout, config)
        self.head = nn.Sequential(Dropout(rate), nn.Linear(self.pooling.size, label_count))

    def forward(
        self, ids: Int[Tensor, "B T"], lengths: Int[Tensor, " B"], *, tape: Tape | None = None
    ) -> Float[Tensor, "B C"]:
        """Return the scores of each label, before softmax; a tape gets each layer's gates."""
        inputs = self.dropout(self.word_dropout(self.embedding(ids, tape=tape), ids))
        if isinstance(self.recurrent, Bidirectional):
            outputs, last = self.recurrent(inputs, lengths, tape=tape)
        else:
            outputs = self.recurrent(inputs, tape=tape)[0]
            last = at_last(outputs, lengths)
        return self.head(self.pooling(outputs, last, lengths, tape=tape))

    def layers(self) -> Sequence[Sequence[nn.Parameter]]:
        """Return the embedding, each recurrent layer, and what pools and labels."""
        top = [*self.pooling.parameters(), *self.head.parameters()]
        return [list(self.embedding.parameters()), *self.recurrent.by_layer(), top]

    def begin_from(self, network: RnnLanguageNetwork) -> None:
        """Take the embedding and the layers that read left to right from a language model.

        A layer that also reads the layer below backward keeps its own weights for that.

        Raises:
            RuntimeError: the sizes differ.
        """
        self.embedding.load_state_dict(network.embedding.state_dict())
        own = list(self.recurrent.onward().parameters())
        other = list(network.recurrent.stack.parameters())
        if len(own) != len(other):
            message = "the language model has another number of layers"
            raise RuntimeError(message)
        with torch.no_grad():
            for mine, theirs in zip(own, other, strict=True):
                both = mine.ndim == 2 and mine.shape[1] == 2 * theirs.shape[1]
                (mine[:, : theirs.shape[1]] if both else mine).copy_(theirs)
