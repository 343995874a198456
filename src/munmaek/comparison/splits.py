"""How a comparison parts its data, and what its results say of that."""

from typing import Any

from munmaek.comparison.settings import CompareSettings
from munmaek.errors import ConfigError
from munmaek.fit.holding import NOTHING
from munmaek.fit.recipe import Recipe

__all__ = ["described_data", "holds_out", "parted_already"]


def holds_out(settings: CompareSettings) -> bool:
    """Whether rows are held out of the training data, where no validation data is given.

    Raises:
        ConfigError: none are to be, and something needs them.
    """
    recipe = settings.recipe
    needing = [
        each.stage
        for each in settings.candidates
        if each.stage is not None and recipe.model_copy(update={"stage": each.stage}).is_trained
    ]
    if settings.valid:
        return False
    if recipe.hold_out == NOTHING and not (needing or settings.test):
        message = "--hold-out 0: there is nothing to test on; give --test FILE"
        raise ConfigError(message)
    if recipe.hold_out == NOTHING and needing:
        recipe.model_copy(update={"stage": needing[0]}).holds_out(valid=False)  # says why
    return bool(needing) or not settings.test or recipe.hold_out not in (None, NOTHING)


def parted_already(recipe: Recipe) -> Recipe:
    """The recipe for data of which the rows have been held out already."""
    return recipe.model_copy(update={"hold_out": None})


def described_data(
    settings: CompareSettings, described: dict[str, Any], test: Any, rows: int
) -> dict[str, Any]:
    """What the results say of the data; ``test`` is a corpus of ``rows`` rows."""
    found = {
        "name": described["train"]["name"],
        "task": settings.recipe.task,
        "train": described["train"]["rows"],
        "valid": described["valid"]["rows"] if "valid" in described else 0,
        "test": rows,
        "test_name": test.name,
        "tested_on": "test" if settings.test else "validation",
        "fingerprint": described["train"]["sha256"],
        "test_fingerprint": test.fingerprint,
    }
    if "valid" in described:
        found["valid_name"] = described["valid"]["name"]
        found["valid_fingerprint"] = described["valid"]["sha256"]
    return found
