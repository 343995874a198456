"""What every task answers about its own way from data to a trained model, and back from its folder.

One subclass stands in each task's ``task.py``. It loads no torch until something is fitted or a
network is opened, for counted models do without.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from munmaek.fit.extra import Extra
from munmaek.fit.recipe import Recipe
from munmaek.folder.info import Info
from munmaek.metrics import Score
from munmaek.metrics.diagnosis import Finding

if TYPE_CHECKING:
    from munmaek.exchange.checkpoint import OpenedCheckpoint
    from munmaek.fit.running import Run

__all__ = ["NOTHING_MORE", "Measured", "Paths", "Work"]

Paths = Sequence[str | Path]
NOTHING_MORE = Extra()

C = TypeVar("C")
P = TypeVar("P")
M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Measured:
    """What validation says of a model."""

    scores: Mapping[str, Score]
    findings: Sequence[Finding] = ()


class Work(ABC, Generic[C, P, M]):
    """A task's work on its corpora ``C``, prepared data ``P`` and trained models ``M``."""

    @abstractmethod
    def read(self, paths: Paths, recipe: Recipe) -> C:
        """Read a corpus from files.

        Raises:
            InputError: the files hold no data of this task.
        """

    def read_validation(self, paths: Paths, recipe: Recipe) -> Any:
        """Read what validates, where that is read otherwise than what is trained on."""
        return self.read(paths, recipe)

    @abstractmethod
    def prepare(
        self,
        corpus: C,
        valid: Any,
        recipe: Recipe,
        *,
        init: Any = None,
        extra: Extra = NOTHING_MORE,
    ) -> P:
        """Return token ids, with rows held out where ``valid`` is None and the recipe needs them.

        Args:
            corpus: the training data.
            valid: the validation data, or None.
            recipe: what is trained.
            init: a trained model to begin from, whose tokenizers are taken too, or None.
            extra: what is trained on besides.
        """

    @abstractmethod
    def fit(self, prepared: P, recipe: Recipe, run: "Run") -> M:
        """Train the recipe's stage on ``prepared``; its validation scores are not measured yet."""

    @abstractmethod
    def validate(self, model: M, prepared: P) -> Measured | None:
        """Measure a model on the validation data; None where there is none to measure on."""

    @abstractmethod
    def restore(self, folder: Path, manifest: Mapping[str, Any], info: Info) -> M:
        """Open the model in ``folder``, whose record is ``manifest``.

        Raises:
            ArtefactError: its files do not fit.
            KeyError: the record lacks something.
        """

    def adopt(self, opened: "OpenedCheckpoint") -> M | None:
        """Return a published checkpoint as a model of this task; None for a head of another's."""
        return None
