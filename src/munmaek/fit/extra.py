"""Things that a model may be trained on besides its data, where its task can use them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from concurrent.futures import Future
    from mmap import mmap

    from munmaek.align import (
        AlignmentSupervision,  # half a second to import, and n-grams take none
    )

__all__ = ["STATISTICAL", "Extra", "SupervisionSource"]

STATISTICAL: Final = "statistical"
"""Alignment supervision that is no file: the built-in aligner's links of the training data."""

SupervisionSource: TypeAlias = "Path | str | Sequence[AlignmentSupervision | None] | None"


@dataclass(frozen=True, slots=True)
class Extra:
    """More to train on; validation data is never held out of it."""

    alignment_supervision: SupervisionSource = None
    """Word links that a translator's attention is trained toward: a file that
    ``munmaek.align.read_supervision`` reads, "statistical" for those of the built-in aligner on the
    training data, or supervision (or None) for each training pair."""
    back_translated: Sequence[str | Path] = ()
    """Pairs for a translator whose sources a model made of their targets; they get the recipe's
    tag."""
    soft_labels: Sequence[str | Path] = ()
    """Texts for a classifier with a probability for each label, as ``munmaek classify --json``
    writes what another model says of unlabelled text."""
    memory: int | str | None = None
    """Memory that counting stays below by working on disk, in bytes or as ``2G``; None is all."""
    temp_dir: Path | None = None
    """Folder of the temporary files of ``memory``; None is beside the model."""
    threads: int | None = None
    """Threads to count in; None is one more than processors."""
    reserved: str | None = None
    """Treatment of words written as <s> or another special token (words): ``refuse``, ``space``
    (left out) or ``word`` (counted as unknown)."""
    room: "Future[mmap] | None" = None
    """Memory that was touched beforehand, to count in."""

    @property
    def given(self) -> tuple[str, ...]:
        """Return the names of what there is, ``room`` apart, of which no result depends."""
        named = (name for name in self.__slots__ if name != "room")
        return tuple(name for name in named if getattr(self, name) not in (None, (), []))
