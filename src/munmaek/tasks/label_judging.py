"""Labellers judged: each label's precision and recall, what is confused, curves and calibration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from munmaek.arrays import Floats, Int64s
from munmaek.metrics import (
    Score,
    Signature,
    classification_scores,
    resting_on,
    several_scores,
)
from munmaek.metrics.calibration import calibration_score, reliability
from munmaek.metrics.classification import classification_measures, several_measures
from munmaek.metrics.labels import (
    AVERAGES,
    Curve,
    LabelReport,
    average_precision,
    curve,
    label_report,
    roc_area,
    top_k_hits,
)
from munmaek.metrics.measures import Measure, mean_measure, ratio_measure
from munmaek.metrics.thresholds import NO_LABEL
from munmaek.tasks.judged import Cell, Judged, Shown
from munmaek.text.corpora import LabelledCorpus
from munmaek.text.labels import UNSEEN, LabelIndex

if TYPE_CHECKING:
    from munmaek.tasks.labelling import Labeller

__all__ = ["judged_labels"]

MOST_SHOWN = 40
"""Labels up to which all confusions are shown; of more, the commonest."""
MOST_CURVES = 10
"""Labels whose curves are drawn, the commonest."""
GRID = np.linspace(0, 1, 51)
AREAS = ("roc_auc", "average_precision")
ABSTAINED = "–"
"""The column of texts that are left without a label."""


@dataclass(frozen=True, slots=True)
class _Answers:
    """A labeller's answers to a corpus."""

    model: "Labeller"
    corpus: LabelledCorpus
    logprobs: Floats
    """[N, C]."""
    gold: Sequence[Sequence[str]]
    """The labels of each row, in the model's spelling."""
    given: Sequence[Sequence[str]]
    """The labels that each row is given."""

    @property
    def own(self) -> Any:
        """Return whether each row has each of the model's labels: [N, C]."""
        index = {label: place for place, label in enumerate(self.model.labels)}
        table = np.zeros(self.logprobs.shape, dtype=np.bool_)
        for row, labels in enumerate(self.gold):
            for label in labels:
                if label in index:
                    table[row, index[label]] = True
        return table

    @property
    def rows(self) -> str:
        return "texts" if self.corpus.seconds is None else "pairs"

    def signed(self) -> Signature:
        """Return the model's signature, with the labels that it never saw and its thresholds."""
        unseen = sum(LabelIndex(self.model.labels).unseen(self.corpus.every_label).values())
        parts = (("unseen", str(unseen)),) if unseen else ()
        return self.model.signature.extended(*parts)


def judged_labels(model: "Labeller", corpus: LabelledCorpus, *, top_k: int | None = None) -> Judged:
    """Judge a labeller on texts or pairs with a label each, or with several.

    Args:
        model: the labeller.
        corpus: what it is measured on; its rows have one label where the model gives one.
        top_k: measure too how often a text's label is among so many likeliest.
    """
    logprobs = model.logprobs(corpus.texts, corpus.seconds)
    index = LabelIndex(model.labels)
    gold = [tuple(index.named(label) for label in own) for own in corpus.label_sets]
    given = model.given(np.exp(logprobs))
    answers = _Answers(model, corpus, logprobs, gold, given)
    return _several(answers) if model.several else _single(answers, top_k)


def _single(answers: _Answers, top_k: int | None) -> Judged:
    model, logprobs = answers.model, answers.logprobs
    gold = [own[0] for own in answers.gold]
    index = LabelIndex(model.labels)
    places = np.array([index.of(label) for label in gold], dtype=np.int64)
    likeliest = [model.labels[int(place)] for place in logprobs.argmax(1).tolist()]
    signature = answers.signed()
    calibrated = () if model.temperature == 1.0 else (("T", f"{model.temperature:.3f}"),)
    scores = classification_scores(likeliest, gold, signature=signature)
    error = calibration_score(logprobs, places, signature=signature.extended(*calibrated))
    scores[error.name] = error
    measures = classification_measures(likeliest, gold)
    more = [*_abstaining(answers, places), *_among_top(logprobs, places, top_k)]
    measures |= {each.name: each for each in more}
    scores |= _scores(more, signature)
    losses = np.where(
        places == UNSEEN, np.inf, -logprobs[np.arange(len(gold)), np.maximum(places, 0)]
    )
    return _judged(answers, scores, measures, losses)


def _among_top(logprobs: Floats, gold: Int64s, k: int | None) -> list[Measure]:
    if k is None:
        return []
    hits = top_k_hits(logprobs, gold, k)
    return [mean_measure(f"top_{k}_accuracy", hits, "share", of="text")]


def _abstaining(answers: _Answers, gold: Int64s) -> list[Measure]:
    """Return how many texts are given a label, and how many of these the right one."""
    model = answers.model
    if not model.thresholds:
        return []
    chosen = model.thresholds.one(np.exp(answers.logprobs), model.labels)
    answered = chosen != NO_LABEL
    how = (("of", "texts given a label"),)
    return [
        mean_measure("coverage", answered, "share", of="text"),
        ratio_measure("selective_accuracy", answered & (chosen == gold), answered, how=how),
    ]


def _scores(measures: Sequence[Measure], signature: Signature) -> dict[str, Score]:
    return {each.name: each.score(signature, rng=np.random.default_rng(0)) for each in measures}


def _several(answers: _Answers) -> Judged:
    scores = several_scores(answers.given, answers.gold, signature=answers.signed())
    own, logs = answers.own, answers.logprobs
    against = np.log1p(-np.minimum(np.exp(logs), 1 - 1e-16))
    losses = -np.where(own, logs, against).mean(1)
    return _judged(answers, scores, several_measures(answers.given, answers.gold), losses)


def _judged(
    answers: _Answers,
    scores: Mapping[str, Score],
    measures: Mapping[str, Measure],
    losses: Floats,
) -> Judged:
    corpus = answers.corpus
    report = label_report(answers.given, answers.gold)
    curves = _curves(answers)
    areas = {
        label: None
        if found is None
        else {"roc_auc": roc_area(found), "average_precision": average_precision(found)}
        for label, found in curves.items()
    }
    entries: dict[str, Any] = {"report": report.to_json(), "areas": areas}
    if not answers.model.several:
        entries["confusion"] = _confusion(answers)
    return Judged(
        resting_on(scores, corpus.name, corpus.size, answers.rows),
        measures,
        losses,
        lambda row: _row(answers, row),
        entries,
        lambda: _shown(answers, report, curves, entries),
        unit=answers.rows,
    )


def _row(answers: _Answers, row: int) -> dict[str, Any]:
    model, corpus = answers.model, answers.corpus
    chances = dict(zip(model.labels, np.exp(answers.logprobs[row]).tolist(), strict=True))
    second = {} if corpus.seconds is None else {"second": corpus.seconds[row]}
    gold, given = answers.gold[row], answers.given[row]
    found = {"text": corpus.texts[row], **second}
    if model.several:
        named = {label: chances.get(label) for label in sorted({*gold, *given})}
        return {**found, "gold": list(gold), "prediction": list(given), "probabilities": named}
    likeliest = max(chances, key=chances.__getitem__)
    return {
        **found,
        "gold": gold[0],
        "prediction": given[0] if given else None,
        "probability": chances[given[0] if given else likeliest],
        "gold_probability": chances.get(gold[0]),
    }


def _curves(answers: _Answers) -> dict[str, Curve | None]:
    """Return each label against the rest; None where all rows have it or none has."""
    own, chances = answers.own, np.exp(answers.logprobs)
    return {
        label: curve(chances[:, place], own[:, place])
        for place, label in enumerate(answers.model.labels)
    }


def _confusion(answers: _Answers) -> dict[str, Any]:
    """Return counts by gold label (rows) and given label (columns), the last column for none."""
    gold = [own[0] for own in answers.gold]
    given = [each[0] if each else ABSTAINED for each in answers.given]
    labels = sorted({*gold, *given} - {ABSTAINED})
    columns = [*labels, ABSTAINED] if ABSTAINED in given else labels
    rows, places = ({label: at for at, label in enumerate(each)} for each in (labels, columns))
    table = np.zeros((len(labels), len(columns)), dtype=np.int64)
    np.add.at(table, ([rows[each] for each in gold], [places[each] for each in given]), 1)
    return {"gold": labels, "given": columns, "counts": table.tolist()}


# What is shown.


def _shown(
    answers: _Answers,
    report: LabelReport,
    curves: Mapping[str, Curve | None],
    entries: Mapping[str, Any],
) -> list[Shown]:
    found = [_by_label(report, entries["areas"])]
    if "confusion" in entries:
        found.append(_confused(entries["confusion"]))
    common = [each for each in _commonest(report) if curves.get(each) is not None][:MOST_CURVES]
    known = {label: each for label in common if (each := curves[label]) is not None}
    if known:
        found += [_roc(known), _precision_recall(known)]
    if not answers.model.several:
        found.append(_calibration(answers))
    return found


def _commonest(report: LabelReport) -> list[str]:
    order = np.argsort(-report.support, kind="stable")
    return [report.labels[int(place)] for place in order]


def _by_label(report: LabelReport, areas: Mapping[str, Any]) -> Shown:
    made = report.to_json()
    names = ("precision", "recall", "f1", "support")
    rows: list[list[Cell]] = []
    for label, row in made["labels"].items():
        known: Mapping[str, float] = areas.get(label) or {}
        rows.append([label, *(row[name] for name in names), *map(known.get, AREAS)])
    rows += [[f"({kind})", *(made[kind][name] for name in names), None, None] for kind in AVERAGES]
    undefined = [label for label in report.labels if areas.get(label) is None]
    notes: list[str] = []
    if undefined:
        shown = ", ".join(f"'{each}'" for each in undefined[:5])
        more = f" and {len(undefined) - 5} more" if len(undefined) > 5 else ""
        notes.append(
            f"no area under a curve for {shown}{more}: all texts have the label, or none has, or "
            "training never saw it"
        )
    return Shown("labels", "table", ["", *names, *AREAS], rows, notes)


def _confused(confusion: Mapping[str, Any]) -> Shown:
    labels, columns, counts = confusion["gold"], confusion["given"], confusion["counts"]
    if len(columns) <= MOST_SHOWN:
        rows = [[label, *row] for label, row in zip(labels, counts, strict=True)]
        return Shown("confusion", "matrix", ["", *columns], rows)
    wrong = [
        (count, labels[row], columns[column])
        for row, each in enumerate(counts)
        for column, count in enumerate(each)
        if count and labels[row] != columns[column]
    ]
    rows = [[gold, given, count] for count, gold, given in sorted(wrong, reverse=True)[:20]]
    return Shown("confused", "table", ["gold", "prediction", "count"], rows)


def _on_grid(name: str, label_x: str, label_y: str, curves: Mapping[str, Floats]) -> Shown:
    rows = [[label, *(float(each) for each in ys)] for label, ys in curves.items()]
    head = ["", *(float(x) for x in GRID)]
    return Shown(name, "lines", head, rows, label_x=label_x, label_y=label_y)


def _roc(curves: Mapping[str, Curve]) -> Shown:
    found = {
        label: np.interp(
            GRID,
            np.concatenate([[0.0], each.false_positive_rate]),
            np.concatenate([[0.0], each.recall]),
        )
        for label, each in curves.items()
    }
    return _on_grid("roc", "false_positive_rate", "recall", found)


def _precision_recall(curves: Mapping[str, Curve]) -> Shown:
    found = {
        label: each.precision[np.minimum(np.searchsorted(each.recall, GRID), len(each.recall) - 1)]
        for label, each in curves.items()
    }
    return _on_grid("precision_recall", "recall", "precision", found)


def _calibration(answers: _Answers) -> Shown:
    index = LabelIndex(answers.model.labels)
    gold = np.array([index.of(own[0]) for own in answers.gold], dtype=np.int64)
    found = reliability(answers.logprobs, gold)
    rows: list[list[Cell]] = [["", *(right for _, right, _ in found)]]
    head: list[Cell] = ["", *(confidence for confidence, _, _ in found)]
    return Shown("calibration", "lines", head, rows, label_x="confidence", label_y="share_right")
