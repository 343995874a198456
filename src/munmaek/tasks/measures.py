"""Numbers that trained models give single texts, by which a corpus is told apart."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from munmaek.arrays import Floats
from munmaek.text.spaces import SPACES

__all__ = ["Columns", "MeasuredBy", "TextMeasures"]

Columns: TypeAlias = Mapping[str, Floats]
"""A number for each text [N], by what it is called."""


@dataclass(frozen=True, slots=True)
class MeasuredBy:
    """Values that a measure of texts may depend on besides the model."""

    label: str | None = None
    """The label whose probability is wanted, of a classifier."""
    like: Sequence[str] = ()
    """Texts that others are compared with, of an encoder."""
    threads: int = 1
    """Threads of compiled code."""
    text_bytes: int = 0
    """Bytes of text that are to be measured, as far as is known: much text repays preparations."""


@dataclass(frozen=True, slots=True)
class TextMeasures:
    """The numbers that a model gives each text."""

    names: tuple[str, ...]
    """Names of the columns, that by which texts are told apart first."""
    more_is_better: bool
    """True where the texts that are wanted have more of it."""
    of: Callable[[Sequence[str]], Columns]
    """Return the numbers of texts of which none is empty."""
    block: int = 512
    """Texts that go through the model together."""
    ends: str = SPACES
    """Characters at both ends of a plain line that are no part of the text."""
    column: str | int | None = None
    """The column of a table that the model was trained on."""

    @property
    def lead(self) -> str:
        """The number by which texts are told apart."""
        return self.names[0]
