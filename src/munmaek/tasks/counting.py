"""The circumstances of counting a text elsewhere than in this process."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from munmaek.fit.extra import Extra
from munmaek.text.memory import Sources

__all__ = ["Counting"]


@dataclass(frozen=True, slots=True)
class Counting:
    """The text, the place of the model, and how the call is carried out."""

    paths: Sources
    valid: Sources
    """The validation data; none evaluates nothing."""
    extra: Extra
    folder: Path
    force: bool
    """Replace what is at ``folder``."""
    report: Callable[[Any], None] | None
    """Takes every stage that counting comes to."""
