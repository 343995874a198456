"""A model as the files of its folder, in memory: what can go to another process or into a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self, final

from munmaek.fit.trained import Trained
from munmaek.tasks.loading import load

__all__ = ["Content"]


@final
@dataclass(frozen=True, slots=True)
class Content:
    """The files of a model's folder by their names: plain bytes, no object of torch."""

    files: Mapping[str, bytes]

    @classmethod
    def of(cls, model: Trained) -> Self:
        """Return the files that saving a model writes."""
        with TemporaryDirectory() as place:
            folder = Path(place) / "model"
            model.save(folder)
            found = [each for each in folder.rglob("*") if each.is_file()]
            return cls({str(each.relative_to(folder)): each.read_bytes() for each in found})

    def opened(self) -> Trained:
        """Return the model, its files checked as those of any folder are."""
        with TemporaryDirectory() as place:
            for name, content in self.files.items():
                path = Path(place) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            return load(place)
