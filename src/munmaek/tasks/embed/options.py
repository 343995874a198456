"""Options of sentence vectors."""

from typing import ClassVar, Literal

from pydantic import Field

from munmaek.tasks.recipe import Bounded, Rows

__all__ = ["EmbedRecipe"]


class EmbedRecipe(Rows, Bounded):
    """Options of sentence vectors."""

    training: ClassVar[tuple[str, ...]] = ("batch_size", "temperature")

    min_score: float | None = None
    """Smallest number of a pair that is trained on; without it all pairs mean the same."""
    pooling: Literal["mean", "first"] | None = None
    """Pooling of a text's token vectors; without it as in the model that training begins from."""
    batch_size: int = Field(default=64, ge=2)
    """Batch size in texts, of which each has all others as negatives."""
    temperature: float = Field(default=0.05, gt=0)
    """Temperature by which cosines are divided before softmax (Gao et al. 2021, τ)."""
