"""Remarks beside scores: on what they rest, and which are not given and why."""

from collections.abc import Iterable, Mapping
from typing import Any

from munmaek.metrics import regression, translation
from munmaek.metrics.score import Basis

__all__ = ["absent", "bases", "remarks"]

Scores = Mapping[str, Mapping[str, Any]]


def bases(scores: Scores) -> list[Basis]:
    """Return the data that scores, in their form of JSON, rest on, each once."""
    found = (Basis.from_json(score) for score in scores.values())
    return list(dict.fromkeys(each for each in found if each is not None))


def remarks(scores: Scores) -> list[str]:
    """Return a line for each thing that one should know before relying on the scores."""
    few = [f"{basis}; {basis.remark}" for basis in bases(scores) if basis.remark]
    return [*few, *absent(scores)]


def absent(names: Iterable[str]) -> list[str]:
    """Return which scores the data was too small for, told by those that there are."""
    found: list[str] = []
    if "chrf" in names and "bleu" not in names:
        found.append(
            f"BLEU is not given: it needs {translation.FEWEST} sentences or more; chrF says more "
            "of so few"
        )
    if "mse" in names and "pearson" not in names:
        found.append(f"correlations are not given: they need {regression.FEWEST} rows or more")
    return found
