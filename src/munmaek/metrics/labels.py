r"""Measures of each label of a classifier: precision, recall, F1, areas under curves, confusions.

    precision_c = hits_c / predicted_c      recall_c = hits_c / gold_c
    F1_c = 2·hits_c / (predicted_c + gold_c)

micro sums over labels before it divides, macro is the mean over labels, weighted the mean by
support (how many rows have the label). A share of nothing is 0. The curves take one label against
the rest, by its probability p: at each threshold, a text with p at or above it has the label.

    ROC                  true positive rate over false positive rate; its area is the chance that a
                         text with the label has a higher p than one without (Hanley & McNeil 1982)
    precision–recall     average precision, Σ_n (R_n − R_{n−1})·P_n over thresholds from the top

Where all rows have a label or none has, there is no curve and no area, rather than one of ½.
Letters: N texts, C labels, T thresholds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Floats, Int64s

__all__ = [
    "AVERAGES",
    "Curve",
    "LabelReport",
    "average_precision",
    "curve",
    "label_report",
    "roc_area",
    "thinned",
    "top_k_hits",
]

Bools = NDArray[np.bool_]
AVERAGES = ("micro", "macro", "weighted")


@dataclass(frozen=True, slots=True)
class LabelReport:
    """Precision, recall, F1 and support of each label and on average."""

    labels: tuple[str, ...]
    hits: Int64s
    """Rows that have the label and are given it: [C]."""
    predicted: Int64s
    """Rows that are given it: [C]."""
    support: Int64s
    """Rows that have it: [C]."""

    @property
    def table(self) -> Floats:
        """Return precision, recall and F1 of each label: [C, 3]."""
        return np.stack(
            [
                _share(self.hits, self.predicted),
                _share(self.hits, self.support),
                _share(2 * self.hits, self.predicted + self.support),
            ],
            axis=1,
        )

    def averages(self) -> dict[str, Floats]:
        """Return precision, recall and F1 by the kind of average: [3] each."""
        sums = [np.array([each.sum()]) for each in (self.hits, self.predicted, self.support)]
        whole, table = LabelReport(("all",), *sums), self.table
        weights = self.support / max(int(self.support.sum()), 1)
        return {"micro": whole.table[0], "macro": table.mean(0), "weighted": weights @ table}

    def to_json(self) -> dict[str, Any]:
        """Return plain values: a row by label, then the averages by their kind."""
        names, total = ("precision", "recall", "f1"), int(self.support.sum())
        rows = zip(self.labels, self.table.tolist(), self.support.tolist(), strict=True)
        found = {
            label: {**dict(zip(names, row, strict=True)), "support": count}
            for label, row, count in rows
        }
        averages = {
            kind: {**dict(zip(names, row.tolist(), strict=True)), "support": total}
            for kind, row in self.averages().items()
        }
        return {"labels": found, **averages}


def _share(part: Int64s, whole: Int64s) -> Floats:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def label_report(predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]) -> LabelReport:
    """Return the report of rows that have, and are given, any number of labels each.

    Labels are those that occur among the gold ones or the predictions, in their order.

    Raises:
        ValueError: the sequences differ in length or are empty.
    """
    if len(predicted) != len(gold) or not gold:
        message = f"need a prediction for every row, got {len(predicted)} for {len(gold)}"
        raise ValueError(message)
    labels = sorted({label for side in (predicted, gold) for row in side for label in row})
    index = {label: place for place, label in enumerate(labels)}
    counts = np.zeros((3, len(labels)), dtype=np.int64)
    for guess, own in zip(predicted, gold, strict=True):
        for kind, found in enumerate((set(guess) & set(own), set(guess), set(own))):
            for label in found:
                counts[kind, index[label]] += 1
    return LabelReport(tuple(labels), counts[0], counts[1], counts[2])


class Curve(NamedTuple):
    """One label against the rest, at each threshold from the highest down: [T] each."""

    thresholds: Floats
    hits: Int64s
    """Rows at or above the threshold that have the label."""
    given: Int64s
    """Rows at or above the threshold."""
    positive: int
    """Rows that have the label."""
    rows: int

    @property
    def precision(self) -> Floats:
        """Return hits over rows given: [T]."""
        return self.hits / self.given

    @property
    def recall(self) -> Floats:
        """Return hits over rows that have the label: [T]."""
        return self.hits / self.positive

    @property
    def false_positive_rate(self) -> Floats:
        """Return the share of rows without the label that are given it: [T]."""
        return (self.given - self.hits) / (self.rows - self.positive)


def curve(scores: Floats, own: Bools) -> Curve | None:
    """Return how rows fare at each threshold; None where all have the label, or none has.

    Args:
        scores: the label's probability, or any number that rises with it: [N].
        own: the rows that have the label: [N].
    """
    positive = int(own.sum())
    if positive in (0, len(own)):
        return None
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))
    hits = np.cumsum(own[order])[ends].astype(np.int64)
    return Curve(ordered[ends], hits, (ends + 1).astype(np.int64), positive, len(own))


def roc_area(found: Curve) -> float:
    """Return the area under the ROC curve, by trapezoids."""
    x = np.concatenate([[0.0], found.false_positive_rate])
    y = np.concatenate([[0.0], found.recall])
    return float(((x[1:] - x[:-1]) * (y[1:] + y[:-1]) / 2).sum())


def average_precision(found: Curve) -> float:
    """Return Σ_n (R_n − R_{n−1})·P_n."""
    return float((np.diff(found.recall, prepend=0.0) * found.precision).sum())


def top_k_hits(scores: Floats, gold: Int64s, k: int) -> Bools:
    """Return whether each row's label is among its k likeliest: [N]; equal ones go by their order.

    Args:
        scores: of each label, [N, C].
        gold: index of each row's label, −1 of one that is unknown, [N].
        k: how many count.
    """
    known = gold >= 0
    order = np.argsort(-scores, axis=1, kind="stable")
    before = np.argmax(order == np.maximum(gold, 0)[:, None], axis=1)
    return known & (before < k)


def thinned(x: Floats, y: Floats, most: int = 100) -> list[tuple[float, float]]:
    """Return at most ``most`` of a curve's points, its ends among them."""
    chosen = np.unique(np.linspace(0, len(x) - 1, min(most, len(x))).round().astype(np.int64))
    return [(float(x[at]), float(y[at])) for at in chosen]
