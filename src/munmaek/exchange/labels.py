"""A published folder's labels: their names, and how scores become probabilities."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from munmaek.errors import ArtefactError

__all__ = ["Labels", "Problem", "read_labels"]

Problem = Literal["single_label_classification", "multi_label_classification", "regression"]
PROBLEMS: tuple[Problem, ...] = (
    "single_label_classification",
    "multi_label_classification",
    "regression",
)


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a folder."""

    names: tuple[str, ...] = ()
    problem: Problem | None = None
    """``problem_type``; None is a number where there is one label, else one label of several."""

    @property
    def several(self) -> bool:
        """Tell whether each label has a probability of its own: a sigmoid, not their softmax."""
        return self.problem == "multi_label_classification"

    @property
    def rates(self) -> bool:
        """Tell whether the score is a number by itself."""
        return self.problem == "regression" or (self.problem is None and len(self.names) == 1)


def read_labels(values: Mapping[str, Any], place: Path) -> Labels:
    """Read the labels of a ``config.json``.

    Without ``id2label`` there are ``num_labels`` of them, or two, called LABEL_0 and so on.

    Args:
        values: the file's content.
        place: the file, for messages.

    Raises:
        ArtefactError: a field is not of its kind; labels that are not numbered from 0 on, or two of
            one name; a ``problem_type`` that is unknown or does not fit the number of labels.
    """
    names = _names(values, place)
    problem = values.get("problem_type")
    if problem is not None and problem not in PROBLEMS:
        message = f"{place}: problem_type = {json.dumps(problem)}; there are {', '.join(PROBLEMS)}"
        raise ArtefactError(message)
    if problem == "single_label_classification" and len(names) == 1:
        message = f"{place}: problem_type '{problem}' with one label, which would be always right"
        raise ArtefactError(message)
    if problem == "regression" and len(names) > 1:
        message = f"{place}: problem_type 'regression' with {len(names)} numbers; munmaek reads one"
        raise ArtefactError(message)
    return Labels(names, problem)


def _names(values: Mapping[str, Any], place: Path) -> tuple[str, ...]:
    named = values.get("id2label")
    if named is None:
        count = values.get("num_labels")
        count = 2 if count is None else count
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            message = f"{place}: num_labels = {json.dumps(count)}; a whole number is wanted"
            raise ArtefactError(message)
        return tuple(f"LABEL_{number}" for number in range(count))
    if not isinstance(named, dict) or not named:
        message = f"{place}: id2label: an object from numbers to names wanted"
        raise ArtefactError(message)
    by_number = cast("dict[str, Any]", named)
    if set(by_number) != {str(number) for number in range(len(by_number))}:
        message = f"{place}: id2label: the numbers 0 to {len(by_number) - 1} wanted"
        raise ArtefactError(message)
    names = tuple(_name(by_number[str(number)], place) for number in range(len(by_number)))
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        message = f"{place}: id2label: two labels are called '{twice}'; give each its own name"
        raise ArtefactError(message)
    return names


def _name(value: Any, place: Path) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        message = f"{place}: id2label: {json.dumps(value)} is no name"
        raise ArtefactError(message)
    return str(value)
