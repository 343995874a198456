"""Models that give texts, or pairs of texts, the probability of each label."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import ConfigError, InputError, UnsupportedError
from munmaek.fit.trained import Model
from munmaek.folder.info import Info
from munmaek.metrics import Score, Signature
from munmaek.metrics.calibration import Calibration, calibrate
from munmaek.metrics.thresholds import NO_LABEL, Chosen, Thresholds, Wanted
from munmaek.tasks.answering import Answers
from munmaek.tasks.judged import Judged
from munmaek.tasks.label_judging import judged_labels
from munmaek.tasks.label_thresholds import choose_thresholds
from munmaek.tasks.measures import MeasuredBy, TextMeasures
from munmaek.text.corpora import LabelledCorpus
from munmaek.text.given import given_texts, paired_texts
from munmaek.text.labels import UNSEEN, LabelIndex

__all__ = [
    "Labeller",
    "Prediction",
    "check_known",
    "check_pairs",
    "known_rows",
    "label_indices",
    "label_measures",
    "label_table",
    "sides",
]


@dataclass(frozen=True, slots=True)
class Prediction:
    """A text, its likeliest label and the probability of each."""

    text: str
    label: str
    """Empty where the model has thresholds and leaves the text without one."""
    probabilities: dict[str, float]
    second: str | None = None
    """The other text of a pair."""
    labels: tuple[str, ...] = ()
    """The labels of a text that may have several: those that reach their threshold, ½ where it has
    none; else ``label``, or nothing."""


def check_pairs(pairs: bool | None, *, given: bool, label: str) -> None:
    """Make sure that a model that reads pairs is given pairs, and another is not.

    Args:
        pairs: whether it was trained on pairs; None does not know.
        given: whether pairs are given.
        label: what the model is called.

    Raises:
        InputError: one where the other is wanted.
    """
    if pairs is not None and pairs != given:
        ours, theirs = ("pairs of texts", "single texts")[:: 1 if pairs else -1]
        message = f"this {label} was trained on {ours}, and is given {theirs}"
        raise InputError(message)


def sides(
    texts: Sequence[str], seconds: Sequence[str] | None
) -> tuple[Sequence[str], Sequence[str] | None]:
    """Return texts, or both sides of pairs, checked.

    Raises:
        InputError: one is no string, or there are more of one side.
    """
    return (given_texts(texts), None) if seconds is None else paired_texts(texts, seconds)


def label_indices(corpus: LabelledCorpus, labels: Sequence[str]) -> NDArray[np.int64]:
    """Return the index of each row's label, ``UNSEEN`` of one that is not among ``labels``."""
    index = LabelIndex(labels)
    return np.array([index.of(label) for label in corpus.labels], dtype=np.int64)


def label_table(corpus: LabelledCorpus, labels: Sequence[str]) -> NDArray[np.float32]:
    """Return 1 for each label of each row, of those among ``labels``, else 0: [N, C]."""
    index = LabelIndex(labels)
    table = np.zeros((len(corpus.texts), len(labels)), dtype=np.float32)
    for row, own in enumerate(corpus.label_sets):
        for label in own:
            if (place := index.of(label)) != UNSEEN:
                table[row, place] = 1
    return table


def check_known(corpus: LabelledCorpus, labels: Sequence[str]) -> NDArray[np.int64]:
    """Return the index of each row's label, for what is chosen by the likelihood of all of them.

    Raises:
        InputError: a label that is not among ``labels``; names the file and the line.
    """
    found = label_indices(corpus, labels)
    for row in np.flatnonzero(found == UNSEEN).tolist():
        message = (
            f"{corpus.place(row)}: label '{corpus.labels[row]}' was never seen in training; "
            f"known labels: {', '.join(labels[:10])}"
        )
        raise InputError(message)
    return found


def known_rows(
    corpus: LabelledCorpus, labels: Sequence[str]
) -> tuple[LabelledCorpus, NDArray[np.int64]]:
    """Return the rows whose label is among ``labels``, and its index: what can teach a model.

    Raises:
        InputError: there are none; names file, line and label of the first.
    """
    found = label_indices(corpus, labels)
    rows = np.flatnonzero(found != UNSEEN)
    if len(rows) == 0:
        check_known(corpus, labels)
    kept = corpus if len(rows) == len(found) else corpus.chosen(rows.tolist())
    return kept, found[rows]


def _check_single(corpus: LabelledCorpus) -> None:
    for row, own in enumerate(corpus.sets or ()):
        if len(own) != 1:
            many = ", ".join(f"'{label}'" for label in own) or "none"
            message = f"{corpus.place(row)}: has the labels {many}, and the classifier gives one"
            raise InputError(message)


class Labeller(Model, Answers):
    """Labels texts by their probabilities."""

    __slots__ = ()

    labels: tuple[str, ...]
    info: Info
    pairs: bool | None
    """It reads pairs of texts; None does not know (a published checkpoint)."""
    temperature: float
    """Divisor of scores before they become probabilities (Guo et al. 2017, §4.2)."""
    thresholds: Thresholds
    """Probabilities from which on labels are given."""

    @property
    @abstractmethod
    def signature(self) -> Signature:
        """Return what its scores share."""

    def facts(self) -> tuple[str, ...]:
        """Return how many labels there are."""
        return (f"{len(self.labels)} labels",)

    @property
    def several(self) -> bool:
        """Tell whether a text may have several labels, each with a probability of its own."""
        return False

    @abstractmethod
    def logprobs(
        self, texts: Sequence[str], seconds: Sequence[str] | None = None
    ) -> NDArray[np.float64]:
        """Return the natural-log probability of each label for each text or pair: [N, C].

        The scores are divided by ``temperature`` first.

        Raises:
            InputError: pairs where single texts are wanted, or the other way round.
        """

    @abstractmethod
    def at(self, temperature: float) -> Self:
        """Return the same model with another temperature."""

    @abstractmethod
    def deciding(self, thresholds: Thresholds) -> Self:
        """Return the same model with other thresholds."""

    def predict(
        self, texts: Sequence[str], seconds: Sequence[str] | None = None
    ) -> list[Prediction]:
        """Predict the label of each text, in their order; an empty text gets one too.

        Args:
            texts: the texts, or one, or the first of each pair.
            seconds: the second of each pair, for a model that reads pairs.

        Raises:
            InputError: pairs where single texts are wanted, or the other way round; a text that is
                no string.
        """
        texts, seconds = sides(texts, seconds)
        probabilities = np.exp(self.logprobs(texts, seconds))
        return [
            self._prediction(text, row, None if seconds is None else seconds[number], own)
            for number, (text, row, own) in enumerate(
                zip(texts, probabilities, self.given(probabilities), strict=True)
            )
        ]

    def _prediction(
        self, text: str, row: NDArray[np.float64], second: str | None, given: tuple[str, ...]
    ) -> Prediction:
        chances = dict(zip(self.labels, (float(p) for p in row), strict=True))
        label = self.labels[int(row.argmax())]
        if not self.several:
            label = given[0] if given else ""
        return Prediction(text, label, chances, second, given)

    def check_one_label(self, use: str) -> None:
        """Make sure that a text has one label.

        Raises:
            UnsupportedError: it may have several; ``use`` names what is for one.
        """
        if self.several:
            message = (
                f"{self.info.label} gives a text several labels (multi_label_classification), "
                f"and {use} is for one; classify --json gives the probability of each"
            )
            raise UnsupportedError(message)

    def evaluate(self, corpus: LabelledCorpus) -> dict[str, Score]:
        """Return accuracy, macro F1 and the calibration error (ECE), with intervals.

        A label never seen in training counts as wrong, and the signatures say how many there are.
        With thresholds also the share of texts that are given a label, and of these right ones.

        Where a text may have several labels: the share of texts with all labels right and no other,
        micro, macro and samples F1, and the Hamming loss.

        Raises:
            InputError: pairs where single texts are wanted, or the other way round; several labels
                of a text where the model gives one.
        """
        return dict(self.judge(corpus).scores)

    def judge(self, corpus: LabelledCorpus, *, top_k: int | None = None) -> Judged:
        """Return the scores of ``evaluate`` with what they are computed of, row by row.

        Args:
            corpus: texts, or pairs of texts, with their labels.
            top_k: measure too how often a text's label is among so many likeliest.

        Raises:
            InputError: what ``evaluate`` raises.
        """
        if not self.several:
            _check_single(corpus)
        return judged_labels(self, corpus, top_k=top_k)

    def given(self, probabilities: NDArray[np.float64]) -> list[tuple[str, ...]]:
        """Return the labels that each text is given by its probabilities [N, C]; maybe none."""
        if self.several:
            reached = self.thresholds.several(probabilities, self.labels)
            return [tuple(np.array(self.labels)[row].tolist()) for row in reached]
        chosen = self.thresholds.one(probabilities, self.labels)
        return [() if at == NO_LABEL else (self.labels[at],) for at in chosen.tolist()]

    def calibrated(self, corpus: LabelledCorpus) -> tuple[Self, Calibration]:
        """Return the same model with the temperature that fits ``corpus`` best, and what that does.

        Rows with a label never seen in training say nothing of it, and are left out.

        Raises:
            InputError: no label that was seen in training, or pairs where single texts are wanted.
            UnsupportedError: a text may have several labels.
        """
        self.check_one_label("a temperature")
        known, gold = known_rows(corpus, self.labels)
        plain = self.at(1.0)
        found = calibrate(plain.logprobs(known.texts, known.seconds), gold)
        return self.at(found.temperature), found

    def thresholded(
        self, corpus: LabelledCorpus, *, wanted: Wanted, least: float, label: str | None = None
    ) -> tuple[Self, list[Chosen]]:
        """Return the same model with thresholds chosen on ``corpus``, and what each does there.

        Args:
            corpus: validation data; its rows with labels never seen count as wrong.
            wanted: ``precision`` or ``recall``.
            least: the share of it that is wanted.
            label: the label that gets a threshold; None gives every label its own.

        Raises:
            ConfigError: no such label, a share that is none, or recall of every label where a text
                has one.
            InputError: no threshold has what is wanted of ``label``.

        Warns:
            MunmaekWarning: of some labels none has, so that they are never given.
        """
        made, chosen = choose_thresholds(self, corpus, wanted=wanted, least=least, label=label)
        return self.deciding(made), chosen


def label_measures(model: Labeller, by: MeasuredBy) -> TextMeasures:
    """Return what tells texts apart by the probability of a label.

    Raises:
        ConfigError: no label, or one that the model has not.
    """
    if by.label not in model.labels:
        got = "" if by.label is None else f", got '{by.label}'"
        message = f"--label: one of {', '.join(model.labels)} is wanted{got}"
        raise ConfigError(message)
    place = model.labels.index(by.label)

    def chances(texts: Sequence[str]) -> Mapping[str, NDArray[np.float64]]:
        found = np.exp(model.logprobs(texts))
        return {"probability": found[:, place], "confidence": found.max(axis=1)}

    return TextMeasures(("probability", "confidence"), more_is_better=True, of=chances)
