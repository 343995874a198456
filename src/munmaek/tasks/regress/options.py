"""Options of a regressor."""

from munmaek.tasks.recipe import Bounded, Rows

__all__ = ["RegressRecipe"]


class RegressRecipe(Rows, Bounded):
    """Options of regressors."""
