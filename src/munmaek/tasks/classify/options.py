"""Options of a classifier."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from munmaek.metrics import CHOSE_TEMPERATURE
from munmaek.models.searched import Searched
from munmaek.tasks.asked import AskedRows
from munmaek.tasks.recipe import Bounded, Recipe, Rows

__all__ = ["AskedLabels", "ClassWeights", "ClassifyRecipe", "Weighted"]


def _weights(written: Any) -> Any:
    """Return ``LABEL=X,LABEL=X`` as weights by label; anything else as it is.

    Raises:
        ValueError: a part of another form.
    """
    if not isinstance(written, str) or written == "balanced":
        return written
    out: dict[str, float] = {}
    for part in written.split(","):
        label, _, weight = part.rpartition("=")
        try:
            out[label.strip()] = float(weight)
        except ValueError:
            label = ""
        if not label.strip():
            message = f"balanced, or LABEL=X,LABEL=X wanted; got '{part}'"
            raise ValueError(message) from None
    return out


ClassWeights = Annotated[Literal["balanced"] | dict[str, float] | None, BeforeValidator(_weights)]


class Weighted(Recipe):
    """Options of tasks whose labels are counted in the loss."""

    class_weights: ClassWeights = None
    """Weight of each label in the loss, ``balanced`` or ``LABEL=X,LABEL=X``: balanced is inverse to
    how often it occurs. Weights are scaled to the mean 1 over the training data; a label left out
    weighs 1 before."""


class ClassifyRecipe(Rows, Bounded, Weighted):
    """Options of classifiers."""

    networks_only: ClassVar[tuple[str, ...]] = ("pairs", "class_weights", "word_dropout")
    training: ClassVar[tuple[str, ...]] = ("word_dropout", "class_weights", "calibrate")

    word_dropout: Annotated[float, Searched(0, 0.3)] = Field(default=0.0, ge=0, lt=1)
    """Share of a text's tokens that <mask> replaces, anew in each epoch."""
    calibrate: bool = False
    """Fit a temperature on the validation data, so that probabilities mean what they say (Guo et
    al. 2017)."""

    @property
    def chosen_by_validation(self) -> tuple[str, ...]:
        """Return the roles that validation has besides: what it chooses of the model."""
        return (*super().chosen_by_validation, *[CHOSE_TEMPERATURE] * self.calibrate)


class AskedLabels(AskedRows):
    """Options of an evaluation of classifiers."""

    top_k: int | None = Field(default=None, ge=1)
    """Measure too how often a text's label is among so many likeliest."""
