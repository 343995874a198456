"""The interface of every trained model, whatever its task."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias, runtime_checkable

from munmaek.folder.info import Info
from munmaek.folder.writing import NOTHING_BESIDE, copies_of, write_folder
from munmaek.models import stages

__all__ = ["Files", "Model", "Trained", "Writer"]

Writer: TypeAlias = Callable[[Path], str | None]
"""Writes a file at a path; it may return the sha256 of what it wrote."""
Files: TypeAlias = Mapping[str, Writer]
"""Writers of files, by name."""


@runtime_checkable
class Trained(Protocol):
    """A trained model: what it is, and its folder. The task's own class says what it answers."""

    @property
    def info(self) -> Info:
        """Return what the model is, how it was trained, and its scores."""
        ...

    def save(
        self,
        folder: Path | str,
        *,
        force: bool = False,
        beside: Mapping[str, Path] = NOTHING_BESIDE,
    ) -> None:
        """Write the model's folder; see ``Model.save``."""
        ...


class Model(ABC):
    """Base of trained models: one way to a folder, and one line that says what it is."""

    __slots__ = ()

    info: Info

    @abstractmethod
    def files(self) -> Files:
        """Return what writes each file of the folder."""

    def manifest(self) -> Mapping[str, Any]:
        """Return what ``munmaek.json`` says besides ``info`` and the files' hashes."""
        return {}

    def facts(self) -> Sequence[str]:
        """Return what is worth saying of the model in a few words, such as its labels."""
        return ()

    def record(self) -> dict[str, Any]:
        """Return all that ``munmaek.json`` says but the files' hashes."""
        return {**self.info.to_json(), **self.manifest()}

    def save(
        self,
        folder: Path | str,
        *,
        force: bool = False,
        beside: Mapping[str, Path] = NOTHING_BESIDE,
    ) -> None:
        """Write the model's folder, aside and renamed.

        Args:
            folder: where it is to be.
            force: replace what is there.
            beside: further files to keep in it, by the names they are to have.

        Raises:
            InputError: ``folder`` exists and ``force`` is false.
            DiskError: it cannot be written; what was there is whole.
        """
        files = {**self.files(), **copies_of(beside)}
        write_folder(Path(folder), files=files, manifest=self.record(), force=force)

    def __repr__(self) -> str:
        row = stages().get(self.info.stage)
        unit = "n-grams" if row is not None and row.counted else "weights"
        facts = (self.info.label, *self.facts(), f"{self.info.parameters:,} {unit}")
        return f"<{type(self).__name__} {', '.join(facts)}>"
