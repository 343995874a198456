"""Figures of the chapters: ``MODEL | sentence | NAME``, and what else there is to say of them.

After the three come ``target=…`` or ``pair=…``, a second text, and ``beside=MODEL``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from munmaek.errors import ConfigError
from munmaek.writing import write_text

__all__ = ["Wanted", "drawing", "paging"]

Draw = Callable[[str, Path], None]


@final
@dataclass(frozen=True, slots=True)
class Wanted:
    """A figure that a chapter asks for."""

    model: Path
    text: str
    name: str
    """Name of the figure among those of the record; empty is the first."""
    target: str | None = None
    pair: str | None = None

    @classmethod
    def read(cls, description: str) -> "Wanted":
        """Read a figure's description.

        Raises:
            ConfigError: it does not have three parts, or has one that is not known.
        """
        model, text, name, *more = [each.strip() for each in description.split("|")] + ["", ""]
        parts = [each.partition("=") for each in more if each]
        options = {key: value for key, _, value in parts}
        if not text or not options.keys() <= {"target", "pair"}:
            message = f"figure: {description}: wants MODEL | sentence | NAME"
            raise ConfigError(message)
        return cls(Path(model), text, name, **options)

    def record(self) -> Any:
        """Return the model's record of the sentence."""
        from munmaek.look import capture
        from munmaek.tasks.loading import load

        model: Any = load(self.model)
        return capture(model, self.text, self.target, name=self.model, pair=self.pair)


def drawing(language: str) -> Draw:
    """Return what draws a figure as an SVG file, with texts in ``language``."""

    def draw(description: str, file: Path) -> None:
        from munmaek.figures import record_figures

        wanted = Wanted.read(description)
        made = record_figures([wanted.record().to_json(room=None)], language=language)
        found = next((each for each in made if each.name.endswith(wanted.name)), None)
        if found is None:
            message = f"figure: no {wanted.name}; there are {', '.join(x.name for x in made)}"
            raise ConfigError(message)
        file.parent.mkdir(exist_ok=True)
        write_text(file, found.svg)

    return draw


def paging(title: str) -> Draw:
    """Return what writes the whole page of a figure's record, ``.html`` in place of ``.svg``."""

    def draw(description: str, file: Path) -> None:
        from munmaek.look import page

        record = Wanted.read(description).record()
        file.parent.mkdir(exist_ok=True)
        write_text(file.with_suffix(".html"), page([record], title=title))

    return draw
