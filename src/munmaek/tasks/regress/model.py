"""A trained regressor: numbers for texts, or for pairs of texts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import final

from munmaek.arrays import Floats
from munmaek.fit.trained import Files, Model
from munmaek.folder.info import Info
from munmaek.folder.saving import model_files
from munmaek.folder.weights import save_network
from munmaek.metrics import Score
from munmaek.tasks.answering import Answers
from munmaek.tasks.classify.objective import row_scores
from munmaek.tasks.framed import FramedText, asked_texts, frame_text, read_whole
from munmaek.tasks.framing import Rows, framing_of
from munmaek.tasks.inside import Accepts, Predictions, Question
from munmaek.tasks.judged import Judged
from munmaek.tasks.labelling import check_pairs, sides
from munmaek.tasks.regress.judging import judged_values
from munmaek.tasks.regress.objective import NeuralRegressor
from munmaek.tasks.taping import graph_of, one_row, steps_of, taped
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.corpora import LabelledCorpus

__all__ = ["LABEL", "Rating", "Regressor"]

LABEL = "value"
"""The name of the one output in Hugging Face's configuration."""


@dataclass(frozen=True, slots=True)
class Rating:
    """A text, or a pair, and its number."""

    text: str
    value: float
    second: str | None = None


@final
@dataclass(frozen=True, slots=True, repr=False)
class Regressor(Model, Answers):
    """A network of one output, with the tokenizer that gives it text.

    The network's 0 is ``low`` and its 1 is ``high``: the least and the greatest value of the
    training data.
    """

    tokenizer: AnyTokenizer
    model: NeuralRegressor
    info: Info
    limit: int = 256
    """Tokens of a text that are read, <s> and </s> included; the rest is cut."""
    pairs: bool | None = False
    """It reads pairs of texts; None does not know (a published checkpoint)."""
    low: float = 0.0
    high: float = 1.0

    def rate(self, texts: Sequence[str], seconds: Sequence[str] | None = None) -> list[Rating]:
        """Rate each text, in their order.

        Args:
            texts: the texts, or one, or the first of each pair.
            seconds: the second of each pair, for a model that reads pairs.

        Raises:
            InputError: pairs where single texts are wanted, or the other way round.
        """
        texts, seconds = sides(texts, seconds)
        second = [None] * len(texts) if seconds is None else seconds
        found = self._values(texts, seconds)
        return [Rating(*each) for each in zip(texts, found, second, strict=True)]

    def _values(self, texts: Sequence[str], seconds: Sequence[str] | None) -> list[float]:
        check_pairs(self.pairs, given=seconds is not None, label=self.info.label)
        framing = framing_of(self.info, self.tokenizer, self.limit)
        pair = None if seconds is None else self.tokenizer.encode_many(seconds)
        rows = framing.rows(self.tokenizer.encode_many(texts), pair)
        return self.values(rows).tolist()

    def evaluate(self, corpus: LabelledCorpus) -> dict[str, Score]:
        """Return Pearson's and Spearman's correlation and the mean squared error, with intervals.

        Raises:
            InputError: a value that is no number, or pairs where single texts are wanted.
        """
        return dict(self.judge(corpus).scores)

    def judge(self, corpus: LabelledCorpus) -> Judged:
        """Return the scores of ``evaluate`` with what they are computed of, row by row.

        Raises:
            InputError: what ``evaluate`` raises.
        """
        return judged_values(self, corpus, self._values(corpus.texts, corpus.seconds))

    @property
    def accepts(self) -> Accepts:
        """Return what it can be asked when it is looked into: a text, or a pair."""
        frame = self.tokenizer.frame
        special = frame.special, frame.special_of_pair
        return Accepts(self.tokenizer, limit=self.limit, special=special, pairs=self.pairs)

    def predictions(self, question: Question) -> Predictions:
        """Read a text or a pair and return what was computed, and its value.

        Raises:
            InputError: a pair where a single text is wanted, or the other way round.
        """
        check_pairs(self.pairs, given=question.second is not None, label=self.info.label)
        framed = self.framed(question.text, question.second)
        with taped(question) as tape:
            scores = row_scores(self.model.network, framed.rows(), tape)[:, 0]
            values = self.low + (self.high - self.low) * scores.double()
        said = {"value": float(values[0].detach())}
        read = read_whole(
            framed,
            without=lambda erased: self.values(framed.rows(erased)),
            answer={"outcome": {**asked_texts(question), **said}},
            unit="value",
            tensors=one_row(tape.records),
            graph=graph_of(values, tape),
        )
        return replace(read, steps=steps_of(tape))

    def framed(self, text: str, second: str | None = None) -> FramedText:
        """Return ``text``, or a pair, as the model reads it."""
        framing = framing_of(self.info, self.tokenizer, self.limit)
        return frame_text(self.tokenizer, framing, text, second)

    def values(self, rows: Rows) -> Floats:
        """Return the value of each framed row: [N]."""
        return self.low + (self.high - self.low) * self.model.values(rows)

    def files(self) -> Files:
        """Return what writes each file of the folder."""
        network, stage = self.model.network, self.info.stage
        weights = partial(save_network, network, stage=stage)
        return model_files(self.info, self.tokenizer, weights, labels=(LABEL,))

    def manifest(self) -> dict[str, object]:
        """Return what ``munmaek.json`` says besides the files."""
        return {
            "tokenizer": self.tokenizer.describe(),
            "limit": self.limit,
            "pairs": self.pairs,
            "range": [self.low, self.high],
        }
