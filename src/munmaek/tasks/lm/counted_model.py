"""An n-gram model that was counted, as ``munmaek.tasks.lm.ngrams`` gives it back."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from munmaek.folder.info import Info
from munmaek.folder.settings import save_settings
from munmaek.folder.tables import save_tables
from munmaek.folder.writing import write_folder
from munmaek.models.ngram import NgramModel
from munmaek.tasks.lm.training_text import TrainingText
from munmaek.text.tokenizers import Tokenizer

__all__ = ["TABLES", "CountedModel"]

TABLES = "model.safetensors"
"""The file that holds counts or probabilities."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class CountedModel:
    """An n-gram model with its tokenizer; ``munmaek.load`` opens what ``save`` writes."""

    tokenizer: Tokenizer
    model: NgramModel
    info: Info
    text: TrainingText | None = None
    release: Callable[[], None] | None = None
    """Lets go of pages of tables that are mapped from temporary files."""

    def save(self, folder: Path | str, *, force: bool = False) -> None:
        """Write the model's folder, aside and renamed.

        Args:
            folder: where the model is to be.
            force: replace what is there.

        Raises:
            InputError: ``folder`` exists and ``force`` is false.
            DiskError: it cannot be written; what was there is whole.
        """
        write_folder(Path(folder), files=self.files(), manifest=self.manifest(), force=force)

    def files(self) -> dict[str, Callable[[Path], str | None]]:
        """What writes each file of the folder."""
        model, text = self.model, self.text
        files: dict[str, Callable[[Path], str | None]] = {
            "tokenizer.json": self.tokenizer.save,
            "config.json": lambda path: save_settings(path, self.info),
            TABLES: lambda path: save_tables(model.tensors(), path, release=self.release),
        }
        if text is not None:
            files["text.safetensors"] = lambda path: save_tables(text.tensors(), path)
        return files

    def manifest(self) -> dict[str, Any]:
        """What ``munmaek.json`` says besides the files."""
        return {**self.info.to_json(), "tokenizer": self.tokenizer.describe()}
