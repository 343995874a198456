"""Scores of taggers: words with their right label, and entities found whole.

An entity counts as found if its first word, its last word and its name are all right. Where one
begins and ends is read from the labels as ``conlleval`` reads them (Tjong Kim Sang & De Meulder
2003, §2.4), so ``I-`` after another name begins an entity as ``B-`` does: IOB1, IOB2, IOBES and
BILOU come out alike, and labels without ``B-`` or ``I-`` in front are taken as ``I-``.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from munmaek.arrays import Floats
from munmaek.metrics.classification import f1, wilson_interval
from munmaek.metrics.labels import LabelReport
from munmaek.metrics.measures import MEAN, Measure
from munmaek.metrics.score import Score, Signature
from munmaek.metrics.significance import Sums, bootstrap_interval

__all__ = [
    "OUTSIDE",
    "Span",
    "entity_report",
    "has_spans",
    "parts",
    "precision_from_sums",
    "recall_from_sums",
    "spans",
    "tagging_measures",
    "tagging_scores",
]

OUTSIDE = "O"
_PREFIXES = {"B": "B", "I": "I", "E": "E", "S": "S", "L": "E", "U": "S", "M": "I"}
Labels = Sequence[str]


class Span(NamedTuple):
    """An entity: its name, its first word and the word after its last."""

    name: str
    start: int
    end: int


def parts(label: str) -> tuple[str, str]:
    """Return ``B-PER`` as ("B", "PER"), ``PER`` as ("I", "PER"), ``O`` as ("O", "")."""
    if label == OUTSIDE:
        return OUTSIDE, ""
    prefix, dash, name = label.partition("-")
    if dash and prefix in _PREFIXES:
        return _PREFIXES[prefix], name
    return "I", label


def has_spans(labels: Sequence[str]) -> bool:
    """Return whether these labels mark entities: one of them is ``B-…``, ``I-…`` or the like."""
    return any(label.partition("-")[1] and parts(label)[1] != label for label in labels)


def spans(labels: Labels) -> list[Span]:
    """Return the entities of one sentence, in order."""
    out: list[Span] = []
    before, name, start = OUTSIDE, "", 0
    for place, label in enumerate([*labels, OUTSIDE]):
        prefix, current = parts(label)
        if before != OUTSIDE and (_ends(before, prefix) or current != name):
            out.append(Span(name, start, place))
            before = OUTSIDE
        if prefix != OUTSIDE and before == OUTSIDE:
            start = place
        before, name = prefix, current
    return out


def _ends(before: str, prefix: str) -> bool:
    return before in ("E", "S") or prefix in ("B", "S", OUTSIDE)


def tagging_scores(
    predicted: Sequence[Labels], gold: Sequence[Labels], *, signature: Signature
) -> dict[str, Score]:
    """Return word accuracy, and where labels mark entities their F1, precision and recall, by name.

    Raises:
        ValueError: another number of sentences, or of words in one; no word at all.
    """
    pairs = list(zip(predicted, gold, strict=True))
    right = sum(a == b for guess, wanted in pairs for a, b in zip(guess, wanted, strict=True))
    total = sum(map(len, gold))
    if total == 0:
        message = "need at least one word to score labels"
        raise ValueError(message)
    named = signature.extended(("unit", "word"))
    accuracy = Score("accuracy", right / total, "share", named)
    out = {"accuracy": accuracy.within(*wilson_interval(right, total))}
    if has_spans([label for labels in gold for label in labels]):
        out |= _span_scores(pairs, signature)
    return out


def tagging_measures(predicted: Sequence[Labels], gold: Sequence[Labels]) -> dict[str, Measure]:
    """Return what the scores of ``tagging_scores`` are computed of, a row a sentence, by name."""
    pairs = list(zip(predicted, gold, strict=True))
    right = [sum(a == b for a, b in zip(guess, own, strict=True)) for guess, own in pairs]
    words = np.array([right, [len(own) for _, own in pairs]], dtype=np.float64).T
    out = {"accuracy": Measure("accuracy", "share", words, MEAN, (("unit", "word"),))}
    if has_spans([label for labels in gold for label in labels]):
        counts = np.array([_counts(guess, wanted) for guess, wanted in pairs], dtype=np.float64)
        how = (("unit", "entity"), ("match", "exact"))
        for name, way in _SPAN_SCORES.items():
            out[name] = Measure(name, "share", counts, Sums(way), how)
    return out


def entity_report(predicted: Sequence[Labels], gold: Sequence[Labels]) -> LabelReport:
    """Return precision, recall, F1 and support of entities by their name, and on average."""
    pairs = [
        (set(spans(guess)), set(spans(own))) for guess, own in zip(predicted, gold, strict=True)
    ]
    names = sorted({each.name for pair in pairs for side in pair for each in side})
    sides = ([guess & own for guess, own in pairs], *zip(*pairs, strict=True))
    counts = [Counter(each.name for side in found for each in side) for found in sides]
    table = [np.array([count[name] for name in names], dtype=np.int64) for count in counts]
    return LabelReport(tuple(names), *table)


def _span_scores(pairs: Sequence[tuple[Labels, Labels]], signature: Signature) -> dict[str, Score]:
    counts = np.array([_counts(guess, wanted) for guess, wanted in pairs], dtype=np.float64)
    named = signature.extended(("unit", "entity"), ("match", "exact"))
    out: dict[str, Score] = {}
    for name, way in _SPAN_SCORES.items():
        value = float(way(counts.sum(0)[None])[0])
        out[name] = Score(name, value, "share", named)
        if len(counts) > 1:
            interval = bootstrap_interval(counts, way, rng=np.random.default_rng(0))
            out[name] = out[name].within(*interval)
    return out


def _counts(guess: Labels, wanted: Labels) -> tuple[int, int, int]:
    found, true = set(spans(guess)), set(spans(wanted))
    return len(found & true), len(found), len(true)


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def precision_from_sums(sums: Floats) -> Floats:
    """Return hits / found of sums of hits, found and true entities: [B, 3] → [B]."""
    return _share(sums[:, 0], sums[:, 1])


def recall_from_sums(sums: Floats) -> Floats:
    """Return hits / true entities of the same sums: [B, 3] → [B]."""
    return _share(sums[:, 0], sums[:, 2])


_SPAN_SCORES = {
    "span_f1": f1,
    "span_precision": precision_from_sums,
    "span_recall": recall_from_sums,
}
