"""Options of a tagger."""

from typing import ClassVar

from munmaek.tasks.classify.options import Weighted
from munmaek.tasks.recipe import Bounded

__all__ = ["TagRecipe"]


class TagRecipe(Bounded, Weighted):
    """Options of taggers."""

    training: ClassVar[tuple[str, ...]] = ("class_weights",)
