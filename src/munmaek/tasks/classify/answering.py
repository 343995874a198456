"""The labels of the rows of a table."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from munmaek.tasks.answering import Answer, Answering, Asked, Texts, one_line, text_columns
from munmaek.tasks.labelling import Labeller

__all__ = ["AskedLabels", "AskedTexts", "Classifying"]


class AskedTexts(Asked):
    """Options of what reads a text, or a pair of texts, a row."""

    here: ClassVar[tuple[str, ...]] = ("text_column", "encoding", "pairs", "second_column")

    pairs: bool = False
    """Each line holds two texts with a tab between; a model that munmaek trained on pairs knows
    it."""
    second_column: str | int | None = None
    """Column of the second text of each pair: its name, or its number from 0."""

    def paired(self, model: Any) -> bool:
        """Return whether a row holds two texts."""
        return self.pairs or bool(model.pairs) or self.second_column is not None


class AskedLabels(AskedTexts):
    """Options of ``munmaek classify``."""

    here = ("text_column", "encoding", "pairs", "second_column", "probabilities")

    probabilities: bool = False
    """A column with the probability of each label too."""


class Classifying(Answering):
    """Labels texts, or pairs."""

    tasks = ("classify",)
    options: ClassVar[type[Asked]] = AskedLabels
    extra = 1  # the label that training read
    texts, optional = ("text", "second"), 1
    told = ("pairs", "labels", "several")

    def __init__(self, model: Labeller, asked: AskedLabels) -> None:
        """Take a classifier."""
        self._model, self._paired = model, asked.paired(model)
        self.columns = text_columns(asked, model.info.columns, paired=self._paired)
        self._each = tuple(f"probability_{label}" for label in model.labels)
        self._each = self._each if asked.probabilities else ()
        first = ("labels", "probability") if model.several else ("label", "probability")
        self.new = (*first, *self._each)
        several: dict[str, Any] = {"labels": []} if model.several else {}
        self.empty = {"label": None, "probability": None, **several, "probabilities": {}}

    def answers(self, texts: Sequence[Texts]) -> Sequence[Answer]:
        """Return the label of each row, and the probability of every label."""
        firsts = [each[0] for each in texts]
        seconds = [each[1] for each in texts] if self._paired else None
        chances = np.exp(self._model.logprobs(firsts, seconds))
        given = self._model.given(chances)
        likeliest: list[float] = chances.max(1).tolist()
        answers: list[dict[str, Any]] = [
            {"label": own[0] if own else None, "probability": chance}
            for own, chance in zip(given, likeliest, strict=True)
        ]
        if self.whole or self._each or self._model.several:
            for own, answer, row in zip(given, answers, chances.tolist(), strict=True):
                self._complete(answer, own, row)
        return answers

    def _complete(self, answer: dict[str, Any], given: tuple[str, ...], row: list[float]) -> None:
        """Add to an answer what is said of all labels."""
        chances = dict(zip(self._model.labels, row, strict=True))
        if self._model.several:
            answer["label"] = max(chances, key=lambda each: chances[each])
            answer["labels"] = list(given)
            answer["probability"] = [chances[each] for each in given]
        answer |= zip(self._each, row, strict=False)
        if self.whole:
            answer["probabilities"] = chances

    def received(self, answer: Answer, /) -> Answer:
        """Return what a server says of a row, with what stands in columns of its own."""
        chances = answer["probabilities"]
        every = [chances[each] for each in self._model.labels]
        return {**answer, **dict(zip(self._each, every, strict=False))}

    def line(self, texts: Texts, answer: Answer, /) -> str:
        """Return the label, its probability and the text."""
        if not any(texts):
            return ""
        labels, chances = answer.get("labels"), answer["probability"]
        if labels is None:
            labels, chances = ([answer["label"]], [chances]) if answer["label"] else ([], [])
        said = ",".join(f"{each:.4f}" for each in chances)
        return one_line("\t".join((",".join(labels) or "-", said or "-", *texts)))
