"""The parts of a comparison's data, and what its results say of them."""

from typing import Any

from munmaek.comparison.settings import CompareSettings
from munmaek.errors import ConfigError
from munmaek.fit.holding import NOTHING

__all__ = ["described_data", "holds_out"]


def holds_out(settings: CompareSettings) -> bool:
    """Return whether rows are held out of the training data, where no validation data is given.

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


def described_data(
    settings: CompareSettings, described: dict[str, Any], test: Any
) -> dict[str, Any]:
    """Return what the results say of the data, whose test part is the corpus ``test``."""
    found = {
        "name": described["train"]["name"],
        "task": settings.recipe.task,
        "train": described["train"]["rows"],
        "valid": described["valid"]["rows"] if "valid" in described else 0,
        "test": test.size,
        "test_name": test.name,
        "tested_on": "test" if settings.test else "validation",
        "fingerprint": described["train"]["sha256"],
        "test_fingerprint": test.fingerprint,
    }
    if "valid" in described:
        found["valid_name"] = described["valid"]["name"]
        found["valid_fingerprint"] = described["valid"]["sha256"]
    return found
