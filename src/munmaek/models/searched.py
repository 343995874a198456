"""The range in which ``munmaek tune`` looks for the best value of an option."""

from dataclasses import dataclass
from typing import final

__all__ = ["HEADS", "INNER_WIDTHS", "WIDTHS", "Searched"]


@final
@dataclass(frozen=True, slots=True)
class Searched:
    """Stands in an option's annotation, ``Annotated[float, Searched(0, 0.5)]``, beside its bounds.

    Only options belong here whose values leave validation losses comparable, for trials are given
    up by these: no vocabulary size, no smoothing of the labels.
    """

    low: int | float = 0
    high: int | float = 0
    """The ends, both among the values; whole numbers where both are."""
    log: bool = False
    """Look evenly over orders of magnitude."""
    choices: tuple[int | float | str, ...] = ()
    """The values themselves, rather than a range."""


WIDTHS = Searched(choices=(64, 128, 256, 512))
INNER_WIDTHS = Searched(choices=(256, 512, 1024, 2048))
HEADS = Searched(choices=(1, 2, 4, 8))
