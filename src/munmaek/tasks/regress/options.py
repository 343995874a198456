"""Options of a regressor."""

from munmaek.tasks.recipe import Bounded, Drawn, Rows

__all__ = ["RegressRecipe"]


class RegressRecipe(Rows, Bounded, Drawn):
    """Options of regressors."""
