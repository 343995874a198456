"""What a model may be trained on besides its data, where its task can use it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from munmaek.errors import UnsupportedError

if TYPE_CHECKING:
    from munmaek.align import Guide  # half a second to import, and n-grams have no guide

__all__ = ["STATISTICAL", "Extra", "GuideSource"]

STATISTICAL: Final = "statistical"
"""The guide that is no file: links that the built-in aligner finds in the training data."""

GuideSource: TypeAlias = "Path | str | Sequence[Guide | None] | None"


@dataclass(frozen=True, slots=True)
class Extra:
    """More to train on; validation data is never held out of it."""

    guide: GuideSource = None
    """Word links that a translator's attention is trained toward: a file that
    ``munmaek.align.read_guide`` reads, "statistical" for those of the built-in aligner on the
    training data, or a guide (or None) for each training pair."""
    back_translated: Sequence[str | Path] = ()
    """Pairs for a translator whose sources a model made of their targets; they get the recipe's
    tag."""
    soft_labels: Sequence[str | Path] = ()
    """Texts for a classifier with a probability for each label, as ``munmaek classify --json``
    writes what another model says of unlabelled text."""

    def refuse_for(self, task: str) -> None:
        """Complain of what ``task`` cannot use.

        Raises:
            UnsupportedError: names the option.
        """
        uses = {
            "--guide": ("translate", "which has links between words", self.guide is not None),
            "--back-translated": ("translate", "which reads pairs", bool(self.back_translated)),
            "--soft-labels": ("classify", "which labels texts", bool(self.soft_labels)),
        }
        for option, (wanted, reason, given) in uses.items():
            if given and task != wanted:
                message = f"{option} is for '{wanted}', {reason}; not '{task}'"
                raise UnsupportedError(message)
