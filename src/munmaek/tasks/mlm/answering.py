"""The masks of the rows of a table, filled."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from munmaek.tasks.answering import Answer, Answering, Asked, Texts, one_line, text_columns

__all__ = ["AskedFills", "Filling"]

UNFILLED: Answer = {"filled": "", "candidates": []}


class AskedFills(Asked):
    """Options of ``munmaek fill``."""

    metavars: ClassVar[Mapping[str, str]] = {"pair": "TEXT"}

    served: ClassVar[tuple[str, ...]] = ("pair", "top")
    most: ClassVar[Mapping[str, int]] = {"top": 1000}

    pair: str | None = None
    """A second text behind the first."""
    top: int = Field(default=5, ge=1)
    """Words to show for each mask."""


class Filling(Answering):
    """Fills the masks of texts."""

    tasks = ("mlm",)
    options: ClassVar[type[Asked]] = AskedFills
    new = ("filled", "candidates")
    block = 64
    empty: Answer | None = UNFILLED

    def __init__(self, model: Any, asked: AskedFills) -> None:
        """Take a model of masked words."""
        self._model, self._asked = model, asked
        self.columns = text_columns(asked, model.info.columns)

    def answers(self, texts: Sequence[Texts]) -> Sequence[Answer]:
        """Return each text with its masks filled, and what may stand behind each mask."""
        return [self._answer(*each) for each in texts]

    def _answer(self, text: str) -> Answer:
        found = self._model.fill(text, top=self._asked.top, pair=self._asked.pair)
        rows = [
            [{"token": token, "probability": chance} for token, chance in each.candidates]
            for each in found
        ]
        return {"filled": found[0].text if found else text, "candidates": rows}

    def line(self, _: Texts, answer: Answer, /) -> str:
        """Return the text with its masks filled."""
        return one_line(answer["filled"])
