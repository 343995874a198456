"""Remarks beside scores: what they rest on, and which are not given and why."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from munmaek.metrics import regression, translation
from munmaek.metrics.score import Basis
from munmaek.text.catalogue import Catalogue

__all__ = ["Remark", "absent", "bases", "remarks"]

Scores = Mapping[str, Mapping[str, Any]]
_ENGLISH = Catalogue()


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that one should know before relying on scores: its kind, with its numbers."""

    kind: str
    """The text of the catalogue, without ``remark.``; of what scores rest on ``basis``."""
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    task: str = ""
    """The task that it is said of, where there are several."""

    def words(self, catalogue: Catalogue = _ENGLISH) -> str:
        """Return one line in the catalogue's language."""
        if self.kind == "basis":
            basis = Basis.from_json(self.values)
            assert basis is not None
            said = f"{basis.words(catalogue)}; {basis.doubts(catalogue)}"
        else:
            metric = {"metric": catalogue.known(*_metric(self.values))}
            said = catalogue.text(f"remark.{self.kind}", **{**self.values, **metric})
        if not self.task:
            return said
        task = catalogue.known(f"remark.task.{self.task}", self.task)
        return catalogue.text("remark.task", task=task, said=said)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, with the English sentence."""
        found = {"kind": self.kind, "values": dict(self.values), "task": self.task}
        return {**found, "sentence": self.words()}


def _metric(values: Mapping[str, Any]) -> tuple[str, str]:
    name = str(values.get("metric", ""))
    return f"metric.{name}", name.replace("_", " ")


def bases(scores: Scores) -> list[Basis]:
    """Return the data that scores, in their form of JSON, rest on, each once."""
    found = (Basis.from_json(score) for score in scores.values())
    return list(dict.fromkeys(each for each in found if each is not None))


def remarks(scores: Scores) -> list[Remark]:
    """Return each thing that one should know before relying on the scores."""
    few = [Remark("basis", basis.to_json()) for basis in bases(scores) if basis.remark]
    return [*few, *absent(scores)]


def absent(names: Iterable[str]) -> list[Remark]:
    """Return which scores the data was too small for, told by those that there are."""
    found: list[Remark] = []
    if "chrf" in names and "bleu" not in names:
        found.append(Remark("no_bleu", {"fewest": translation.FEWEST}))
    if "mse" in names and "pearson" not in names:
        found.append(Remark("no_correlation", {"fewest": regression.FEWEST}))
    return found
