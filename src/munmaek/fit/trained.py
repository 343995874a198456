"""What every trained model has, whatever its task."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from munmaek.folder.info import Info
from munmaek.folder.writing import NOTHING_BESIDE

__all__ = ["Trained"]


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
        """Write the model's folder, aside and renamed.

        Args:
            folder: where it is to be.
            force: replace what is there.
            beside: further files to keep in it, by the names they are to have.

        Raises:
            InputError: ``folder`` exists and ``force`` is false.
            DiskError: it cannot be written; what was there is whole.
        """
        ...
