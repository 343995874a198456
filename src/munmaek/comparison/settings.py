"""Settings of a comparison: the models and the data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from munmaek.folder.manifest import MANIFEST
from munmaek.models import stage_named, stages
from munmaek.tasks.records import read_record
from munmaek.text.memory import Sources

__all__ = ["Candidate", "CompareSettings", "parse_candidate", "stage_of"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model to compare: trained here, begun from a trained one, or taken as it is."""

    stage: str | None
    """A stage to train, or None for a trained folder."""
    folder: Path | None = None
    """The model that training begins from, or the trained model itself."""

    @property
    def name(self) -> str:
        """Return what rows and folders are called after."""
        return self.stage or (self.folder.name if self.folder else "model")


def parse_candidate(text: str) -> Candidate:
    """Read ``rnn``: train it; ``bert@DIR``: train it from DIR; or a path: a trained model.

    Raises:
        UnsupportedError: neither a stage nor a folder.
    """
    stage, at, folder = text.partition("@")
    if at:
        return Candidate(stage_named(stage).name, Path(folder))
    if text not in stages() and Path(text).is_dir():
        return Candidate(None, Path(text))
    return Candidate(stage_named(text).name)


@dataclass(frozen=True, slots=True)
class CompareSettings:
    """Candidates, data and all else that decides a comparison."""

    recipe: Any
    """For every candidate; its stage is replaced by the candidate's, its ``model`` ignored."""
    candidates: tuple[Candidate, ...]
    train: Sources
    valid: Sources = ()
    test: Sources = ()
    """None: the validation data is the test data, and the report says so."""
    folder: Path | None = None
    """For ``results.json``, ``report.html`` and ``models/``; None writes nothing."""
    force: bool = False
    resume: bool = False
    """Go on with an interrupted comparison: what it trained is taken, the rest is trained."""
    device: str = "cpu"
    log_to: Any = None
    """Follows every training, as ``munmaek.fit.loggers.loggers_of`` takes it; event files of
    TensorBoard go to ``logs/`` in the folder."""
    measuring: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Options of the evaluation on the test data, by their names."""
    title: str = ""
    command: str = ""
    seeds: tuple[int, ...] = ()
    """Each stage is trained once with each on the same split; none is the recipe's own alone."""
    models: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    """Stage configuration by stage name."""


def stage_of(candidate: Candidate) -> str:
    """Return the candidate's stage, which decides what its row is called."""
    folder = candidate.folder
    if candidate.stage is not None or folder is None:
        return candidate.name
    ours = (folder / MANIFEST).is_file()
    return str(read_record(folder)["stage"]) if ours else candidate.name
