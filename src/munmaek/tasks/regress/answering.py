"""The numbers of the rows of a table."""

from collections.abc import Sequence
from typing import ClassVar

from munmaek.tasks.answering import Answer, Answering, Asked, Texts, one_line, text_columns
from munmaek.tasks.classify.answering import AskedTexts
from munmaek.tasks.regress.model import Regressor

__all__ = ["Rating"]

NO_VALUE: Answer = {"value": None}


class Rating(Answering):
    """Rates texts, or pairs."""

    tasks = ("regress",)
    options: ClassVar[type[Asked]] = AskedTexts
    extra = 1  # the label that training read
    texts, optional = ("text", "second"), 1
    told = ("pairs",)
    new = ("value",)
    empty: Answer | None = NO_VALUE

    def __init__(self, model: Regressor, asked: AskedTexts) -> None:
        """Take a regressor."""
        self._model, self._paired = model, asked.paired(model)
        self.columns = text_columns(asked, model.info.columns, paired=self._paired)

    def answers(self, texts: Sequence[Texts]) -> Sequence[Answer]:
        """Return the number of each row."""
        seconds = [each[1] for each in texts] if self._paired else None
        found = self._model.rate([each[0] for each in texts], seconds)
        return [{"value": each.value} for each in found]

    def line(self, texts: Texts, answer: Answer, /) -> str:
        """Return the number and the text."""
        return one_line("\t".join((f"{answer['value']:.4f}", *texts))) if any(texts) else ""
