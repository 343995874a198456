"""The smoothing of an n-gram model: frozen, validated, one class for each with what it takes.

What a user writes is the name, and after a colon the one number that some smoothings have:
``witten-bell``, ``add-k:0.1``, ``absolute:0.75``, ``stupid-backoff:0.4``. A table of a TOML file
has ``name`` and the number under its own name.
"""

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from munmaek.arrays import Bools
from munmaek.models.configuration import Config
from munmaek.ngram.add_k import add_k
from munmaek.ngram.smoothing import (
    Smoothed,
    absolute,
    kneser_ney,
    maximum_likelihood,
    modified_kneser_ney,
    witten_bell,
)
from munmaek.ngram.stupid_backoff import stupid_backoff
from munmaek.ngram.tree import CountTree

__all__ = [
    "SMOOTHINGS",
    "Absolute",
    "AddK",
    "KneserNey",
    "MaximumLikelihood",
    "ModifiedKneserNey",
    "Smoothing",
    "StupidBackoff",
    "WittenBell",
    "smoothed",
]


class Smoother(Config):
    """Base of the smoothings, with what a derivation asks of each."""

    interpolated: ClassVar[bool] = True
    """A seen n-gram adds its own share to that of the shorter context."""
    adjusts: ClassVar[bool] = False
    """Counts of lower orders are adjusted."""
    discounts: ClassVar[bool] = False
    """A discount is taken from every count."""


class ModifiedKneserNey(Smoother):
    """Three discounts an order on adjusted counts; the default, and KenLM's."""

    adjusts: ClassVar[bool] = True
    discounts: ClassVar[bool] = True
    name: Literal["modified-kneser-ney"] = "modified-kneser-ney"


class KneserNey(Smoother):
    """One discount an order on adjusted counts."""

    adjusts: ClassVar[bool] = True
    discounts: ClassVar[bool] = True
    name: Literal["kneser-ney"] = "kneser-ney"
    discount: float | None = Field(default=None, gt=0, le=1)
    """D; None estimates it for each order."""


class Absolute(Smoother):
    """One discount an order on raw counts."""

    discounts: ClassVar[bool] = True
    name: Literal["absolute"] = "absolute"
    discount: float | None = Field(default=None, gt=0, le=1)
    """D; None estimates it for each order."""


class WittenBell(Smoother):
    """Smoothing by Witten and Bell: as much for new words as different ones were seen."""

    name: Literal["witten-bell"] = "witten-bell"


class AddK(Smoother):
    """Every next word as if seen k times more; no shorter contexts."""

    interpolated: ClassVar[bool] = False
    name: Literal["add-k"] = "add-k"
    k: float = Field(default=1.0, gt=0, le=1e6)


class MaximumLikelihood(Smoother):
    """Relative frequencies, unsmoothed: what was not seen is impossible."""

    interpolated: ClassVar[bool] = False
    name: Literal["maximum-likelihood"] = "maximum-likelihood"


class StupidBackoff(Smoother):
    """Relative frequencies, a fixed factor for each word less of context: scores."""

    interpolated: ClassVar[bool] = False
    name: Literal["stupid-backoff"] = "stupid-backoff"
    factor: float = Field(default=0.4, gt=0, le=1)
    """α."""
    normalised: bool = False
    """Divide by the sum over the vocabulary, so that scores become probabilities."""


_NUMBERS = {
    "modified-kneser-ney": None,
    "kneser-ney": "discount",
    "absolute": "discount",
    "witten-bell": None,
    "add-k": "k",
    "maximum-likelihood": None,
    "stupid-backoff": "factor",
}

SMOOTHINGS = tuple(_NUMBERS)
"""The names, the default first."""


def _written(value: Any) -> Any:
    """Return the table that ``NAME`` or ``NAME:NUMBER`` stands for."""
    if not isinstance(value, str):
        return value
    name, colon, number = value.partition(":")
    if name not in _NUMBERS:
        message = f"unknown; there are {', '.join(SMOOTHINGS)}"
        raise ValueError(message)
    key = _NUMBERS[name]
    if not colon:
        return {"name": name}
    if key is None:
        message = f"'{name}' takes no number; write it alone"
        raise ValueError(message)
    try:
        return {"name": name, key: float(number)}
    except ValueError:
        message = f"'{number}' is not a number; write for instance {name}:0.5"
        raise ValueError(message) from None


Smoothing: TypeAlias = Annotated[
    Annotated[
        ModifiedKneserNey
        | KneserNey
        | Absolute
        | WittenBell
        | AddK
        | MaximumLikelihood
        | StupidBackoff,
        Field(discriminator="name"),
    ],
    BeforeValidator(_written),
]


def smoothed(
    tree: CountTree, smoothing: Smoothing, *, kept: Bools, kenlm_compatible: bool = False
) -> Smoothed:
    """Return the tables of the counts, with every n-gram of the tree still in place."""
    match smoothing:
        case ModifiedKneserNey():
            made = modified_kneser_ney(tree, kept=kept, kenlm_compatible=kenlm_compatible)
        case KneserNey(discount=discount):
            made = kneser_ney(tree, kept=kept, discount=discount)
        case Absolute(discount=discount):
            made = absolute(tree, kept=kept, discount=discount)
        case WittenBell():
            made = witten_bell(tree, kept=kept)
        case AddK(k=k):
            made = Smoothed(add_k(tree, kept=kept, k=k))
        case MaximumLikelihood():
            made = maximum_likelihood(tree, kept=kept)
        case StupidBackoff(factor=factor, normalised=normalised):
            tables = stupid_backoff(tree, kept=kept, factor=factor, normalised=normalised)
            made = Smoothed(tables)
    return made
