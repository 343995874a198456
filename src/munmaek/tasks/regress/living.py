"""A regressor for a page."""

from typing import TYPE_CHECKING

from munmaek.tasks.living import LivingParts, framed_settings

if TYPE_CHECKING:
    from munmaek.tasks.regress.model import Regressor

__all__ = ["living"]


def living(model: "Regressor", name: str) -> LivingParts:
    """Return the parts of the network."""
    del name  # every regressor can
    settings = {**framed_settings(model), "low": model.low, "high": model.high}
    return LivingParts(model.model.network, model.tokenizer, settings=settings)
