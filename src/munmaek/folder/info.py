"""A trained model's record of itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from munmaek.folder.commands import COMMAND
from munmaek.metrics import TRAINED_ON, VALIDATION, Score, in_role

__all__ = ["MIXTURE", "Info", "munmaek_version"]

MIXTURE = "mixture"
"""Stands in place of a stage where a model is made of several, which its folder holds."""


def munmaek_version() -> str:
    """Return the installed version, or ``unknown`` where munmaek is not installed."""
    try:
        return version("munmaek")
    except PackageNotFoundError:
        return "unknown"


@dataclass(frozen=True, slots=True)
class Info:
    """Provenance: enough to say how a number was made and to make the model again."""

    task: str
    stage: str
    label: str
    """The name in a table: ``LSTM``, ``5-gram``."""
    config: Mapping[str, Any]
    """The stage's configuration, resolved."""
    sizes: Mapping[str, Any]
    """Sizes that the network was made with: of vocabularies, of labels, special ids."""
    parameters: int
    """Weights of a network, or n-grams of an n-gram model."""
    seconds: float = 0.0
    """Wall-clock seconds of training."""
    training: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Training configuration and how it ended: steps, epochs, tokens."""
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Names, sizes and fingerprints of the corpora."""
    scores: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Scores as JSON, with signatures."""
    version: str = field(default_factory=munmaek_version)
    command: str = field(default_factory=COMMAND.get)
    """The command that made it, as it was typed; empty where that is not known."""

    @property
    def is_mixture(self) -> bool:
        """Return whether it is made of several models, which its folder holds."""
        return self.stage == MIXTURE

    @property
    def columns(self) -> Mapping[str, str | int]:
        """Return the columns of the table that it was trained on, by what they hold."""
        return self.data.get("train", {}).get("columns", {})

    def with_columns(self, columns: Mapping[str, str | int]) -> "Info":
        """Return the same that remembers the columns of its training data, if it had any."""
        train = self.data.get("train")
        if not columns or train is None:
            return self
        return replace(self, data={**self.data, "train": {**train, "columns": dict(columns)}})

    def with_scores(self, scores: Mapping[str, Score], *, roles: Sequence[str] = ()) -> "Info":
        """Return the same with these scores, of data that had ``roles`` in the training."""
        train, valid = self.data.get("train", {}), self.data.get("valid", {})
        if roles and valid and train.get("sha256") == valid.get("sha256"):
            roles = (VALIDATION, TRAINED_ON)
        scores = scores if not roles else in_role(scores, *roles)
        return replace(self, scores={name: score.to_json() for name, score in scores.items()})

    def in_view_of(self, scores: Mapping[str, Score], rows: int, corpus: Any) -> dict[str, Score]:
        """Return scores of ``corpus``, with a remark where it is what the model was trained on.

        Args:
            scores: what was measured.
            rows: of the corpus.
            corpus: has a ``fingerprint``, which is made where as many rows were trained on.
        """
        train = self.data.get("train", {})
        again = train.get("rows") == rows and train.get("sha256") == corpus.fingerprint
        return in_role(scores, TRAINED_ON) if again else dict(scores)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as ``munmaek.json`` has them."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def from_json(cls, manifest: Mapping[str, Any]) -> "Info":
        """Make the record from the fields of ``munmaek.json``."""
        known = {name: manifest[name] for name in cls.__slots__ if name != "command"}
        return cls(**known, command=manifest.get("command", ""))
