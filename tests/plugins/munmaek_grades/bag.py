"""The mean of the words' vectors: c = 1/T Σ_t E[w_t], scores = W c + b."""

from typing import ClassVar

from jaxtyping import Float, Int
from pydantic import Field
from torch import Tensor, nn

from munmaek.models.configuration import Config
from munmaek.nn.embeddings import TokenEmbedding
from munmaek.nn.masks import masked_mean
from munmaek.nn.tape import Tape


class BagConfig(Config):
    """Sizes of the bag of words."""

    label: ClassVar[str] = "bag of words"
    options: ClassVar[dict[str, str]] = {"hidden-size": "dimension"}

    dimension: int = Field(default=16, ge=1)
    """Width D of the words' vectors."""


class BagNetwork(nn.Module):
    """A label from the mean of the words' vectors."""

    def __init__(self, config: BagConfig, *, vocab_size: int, label_count: int) -> None:
        super().__init__()
        self.tokens = TokenEmbedding(vocab_size, config.dimension)
        self.output = nn.Linear(config.dimension, label_count)

    def forward(
        self, ids: Int[Tensor, "B T"], lengths: Int[Tensor, " B"], *, tape: Tape | None = None
    ) -> Float[Tensor, "B C"]:
        """Return the scores of each label, before softmax; padding changes nothing."""
        return self.output(masked_mean(self.tokens(ids, tape=tape), lengths))
