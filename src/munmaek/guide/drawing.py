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

LIVE = "live"
"""The name of a figure that is a page in which the model computes."""
MANY = 20_000
"""Weights from which on a page holds them as int8, to stay small."""
Draw = Callable[[str, Path], None]


@final
@dataclass(frozen=True, slots=True)
class Wanted:
    """A figure that a chapter asks for."""

    model: Path
    text: str
    name: str
    """End of the figure's name among those of the record, or where none ends so a part of it
    before a hyphen; or ``live``; empty is the first."""
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

    def living(self, language: str) -> str:
        """Return a page in which the model computes, beginning with the sentence."""
        from munmaek.look.living import living_html
        from munmaek.tasks.loading import load

        model: Any = load(self.model)
        title = f"{self.model.name} · {model.info.label}"
        precision = "int8" if model.info.parameters > MANY else None
        made = living_html(model, self.text, title=title, precision=precision, language=language)
        # Written in one language, as a report is, whatever that of the reader's browser.
        return made.replace("<html ", '<html data-written="" ', 1)


def drawing(language: str) -> Draw:
    """Return what draws a figure as an SVG file, with texts in ``language``."""

    def draw(description: str, file: Path) -> None:
        from munmaek.figures import record_figures

        wanted = Wanted.read(description)
        file.parent.mkdir(exist_ok=True)
        if wanted.name == LIVE:
            write_text(file, wanted.living(language))
            return
        made = record_figures([wanted.record().to_json(room=None)], language=language)
        found = next((each for each in made if each.name.endswith(wanted.name)), None)
        found = found or next((x for x in made if f"{wanted.name}-" in x.name), None)
        if found is None:
            message = f"figure: no {wanted.name}; there are {', '.join(x.name for x in made)}"
            raise ConfigError(message)
        write_text(file, found.svg)

    return draw


def paging(title: str, language: str) -> Draw:
    """Return what writes the whole page of a figure's record, ``.html`` in place of ``.svg``."""

    def draw(description: str, file: Path) -> None:
        from munmaek.look import page

        wanted = Wanted.read(description)
        if wanted.name == LIVE:
            write_text(file, wanted.living(language))
        else:
            write_text(file.with_suffix(".html"), page([wanted.record()], title=title))

    return draw
