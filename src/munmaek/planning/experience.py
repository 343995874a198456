"""The measured experiences that plans rest on: a table in ``experiences.toml``.

``benchmarks/planner.py`` makes runs and writes what they came to; what is wanted of a row is that
it stands for a run whose log or note is named.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from munmaek.errors import ConfigError

__all__ = ["Experience", "Known", "experiences", "known"]

Options = Mapping[str, Any]
NOTHING: Options = {}


@dataclass(frozen=True, slots=True)
class Experience:
    """A run: on what data, with which options, and what came of it."""

    task: str
    stage: str
    data: str
    """Name of the data, for messages."""
    tokens: float
    """Tokens of the training data, as ``Facts.tokens`` estimates them."""
    passes: float
    products: float
    """``Cost.products`` of its network."""
    result: str
    run: str
    """The command, or the note that has it."""
    follows: bool = False
    """Rows go on from one another."""
    tokenizer: str = "bpe"
    size: Options = field(default_factory=dict[str, Any])
    """Options of the network that grow with the budget."""
    model: Options = field(default_factory=dict[str, Any])
    recipe: Options = field(default_factory=dict[str, Any])
    train: Options = field(default_factory=dict[str, Any])
    extra: Options = field(default_factory=dict[str, Any])

    @property
    def operations(self) -> float:
        """Return the floating-point operations of the whole run."""
        return 6.0 * self.passes * self.tokens * self.products


@dataclass(frozen=True, slots=True)
class Known:
    """Rules for a stage at a task, besides single runs."""

    task: str
    stage: str
    share: float
    """Share of the machine's products that training reaches."""
    enough: float
    """Passes after which more bring nothing, on small data."""
    weights_a_token: float = 5.0
    """Weights of the layers for each token of the data, at most: what was measured to do well."""
    one_vocabulary: bool = False
    """Source and target share one where they are written alike and cut alike."""
    updates: int = 0
    """Updates of the weights that a run has at least, where there is time for them."""
    simpler: str = ""
    """A stage that is better than this one where there are fewer ``worth`` passes."""
    worth: float = 0.0
    hangul: str = ""
    """Tokenizer of texts in Hangul, where Kiwi is installed."""
    extra_rows: int = 100_000
    """Rows up to which what is trained on besides is made by the way."""
    extra_unless: Sequence[str] = ()
    """Options of the recipe with which it does not go."""
    requires: Mapping[str, Sequence[Any]] = field(default_factory=dict[str, Sequence[Any]])
    """Options of the network and the values for which the runs stand."""


@cache
def _table() -> tuple[tuple[Experience, ...], tuple[Known, ...]]:
    text = files("munmaek.planning").joinpath("experiences.toml").read_text(encoding="utf-8")
    content = tomllib.loads(text)
    try:
        runs = tuple(Experience(**each) for each in content["experience"])
        stages = tuple(Known(**each) for each in content["stage"])
    except TypeError as error:
        message = f"experiences.toml: {error}"
        raise ConfigError(message) from error
    return runs, stages


def experiences(task: str, stage: str, *, follows: bool) -> tuple[Experience, ...]:
    """Return the runs of a stage at a task, on data whose rows go on from one another or do not.

    Where there is none of that kind, those of the other kind.
    """
    runs = [each for each in _table()[0] if (each.task, each.stage) == (task, stage)]
    fitting = tuple(each for each in runs if each.follows == follows)
    return fitting or tuple(runs)


def known(task: str, stage: str) -> Known | None:
    """Return what is known of a stage at a task; None where nothing was measured."""
    return next((each for each in _table()[1] if (each.task, each.stage) == (task, stage)), None)
