"""Lessons of the demonstration, each a claim that its own numbers keep or break.

A claim that says that one model is better than another holds where the two 95 % intervals are
apart. Where a claim fails, the reason is looked for in the same numbers: a model that was trained
too briefly, too few rows for the difference, a loss that was still falling.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from munmaek.comparison.findings import leads, lower_is_better, overlap, tiny_share
from munmaek.comparison.formats import number_text, score_text, share_text
from munmaek.comparison.reading import (
    Bucket,
    Row,
    numbers,
    read_baselines,
    read_finding,
    read_rows,
)
from munmaek.metrics import Score
from munmaek.metrics.diagnosis import Finding
from munmaek.text.catalogue import Catalogue

__all__ = ["Lesson", "examine"]

FALLING = 0.02
"""Share of the validation loss that fell between the last two validations, from which a model is
called unfinished."""
GROWING = 1.05
"""Times as much work for each word from which it has grown."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """One claim, with the numbers that keep or break it."""

    name: str
    held: bool
    values: Mapping[str, str] = field(default_factory=dict[str, str])
    """Values that fill its sentence."""
    why: str = ""
    """Reason of a failure: ``untrained``, ``rows``, ``unfinished``, ``missing`` or ``unknown``."""
    cause: Mapping[str, str] = field(default_factory=dict[str, str])
    """Values that fill the sentence of the reason."""
    faults: tuple[tuple[str, Finding], ...] = ()
    """Models and what is wrong with their training, where that is the reason."""

    def sentence(self, catalogue: Catalogue) -> str:
        """Return the claim with its numbers or, where it failed, that it did and why."""
        claim = catalogue.text(f"lesson.{self.name}.claim")
        if self.held:
            said = catalogue.text(f"lesson.{self.name}", **self.values)
            return catalogue.text("lesson.held", claim=claim, said=said)
        faults = "; ".join(f"{label}: {found.words(catalogue)}" for label, found in self.faults)
        why = catalogue.text(f"lesson.why.{self.why}", **{**self.cause, "faults": faults})
        if self.why == "missing":
            return catalogue.text("lesson.missing", claim=claim, why=why)
        said = catalogue.text(f"lesson.{self.name}", **self.values)
        return catalogue.text("lesson.failed", claim=claim, said=said, why=why)

    def to_json(self) -> dict[str, Any]:
        """Return plain values, with the English sentence."""
        return {
            "name": self.name,
            "held": self.held,
            "values": dict(self.values),
            "why": self.why,
            "cause": dict(self.cause),
            "faults": [{"label": label, **found.to_json()} for label, found in self.faults],
            "sentence": self.sentence(Catalogue()),
        }

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> "Lesson":
        """Read what ``to_json`` wrote."""
        plain = {name: entry[name] for name in ("name", "held", "values", "why", "cause")}
        faults = ((str(each["label"]), read_finding(each)) for each in entry.get("faults") or ())
        return cls(**plain, faults=tuple(faults))


class _Numbers:
    """The results as the claims ask for them."""

    def __init__(self, results: Mapping[str, Any]) -> None:
        self.rows = {row.name: row for row in read_rows(results)}
        self.baselines = {(row.task, row.label): row for row in read_baselines(results)}
        mixtures = [e for e in results.get("models") or () if e.get("name") == "lm-mixture"]
        self.mixed = [str(name) for entry in mixtures for name in entry.get("parts") or ()]
        self.tests = {
            str(entry.get("task")): entry.get("test") for entry in results.get("data") or ()
        }
        self.influence = {
            str(entry.get("model")): numbers(entry.get("norm") or ())
            for entry in results.get("influence") or ()
        }
        self.far = [list(entry.get("distance") or ()) for entry in results.get("influence") or ()]
        self.work = {
            str(entry.get("model")): numbers(entry.get("multiplications") or ())
            for entry in results.get("work") or ()
        }
        self.lengths = [list(entry.get("length") or ()) for entry in results.get("work") or ()]


def examine(results: Mapping[str, Any]) -> list[Lesson]:
    """Return every lesson, held or not, from the content of ``results.json``."""
    found = _Numbers(results)
    return [_lesson(name, claim, found) for name, claim in _CLAIMS.items()]


def _lesson(name: str, claim: "Callable[[str, _Numbers], Lesson]", found: _Numbers) -> Lesson:
    try:
        return claim(name, found)
    except (KeyError, IndexError, ValueError, ZeroDivisionError):  # a part of them is not there
        return Lesson(name, held=False, why="missing")


def _beats(better: str, worse: str, metric: str = "") -> "Callable[[str, _Numbers], Lesson]":
    """Return the claim that one row beats another by its first score, with intervals apart."""

    def claim(name: str, found: _Numbers) -> Lesson:
        return _compared(name, found.rows[better], found.rows[worse], metric, found)

    return claim


def _beats_baseline(row: str, task: str, label: str, metric: str = "") -> Any:
    def claim(name: str, found: _Numbers) -> Lesson:
        return _compared(name, found.rows[row], found.baselines[task, label], metric, found)

    return claim


def _compared(name: str, better: Row, worse: Row, metric: str, found: _Numbers) -> Lesson:
    metric = metric or leads(better.task, [better])[0]
    first, second = better.scores[metric], worse.scores[metric]
    values = _values(better, worse, score_text(first), score_text(second))
    ahead = _ahead(first, second, metric)
    if ahead and not overlap(first, second):
        return Lesson(name, True, values)
    return _failed(name, values, [better], found, rows=ahead)


def _values(better: Row, worse: Row, value: str, other: str, **more: str) -> dict[str, str]:
    """Return what a claim's sentence is filled with."""
    return {"better": better.label, "worse": worse.label, "value": value, "other": other, **more}


def _told(
    name: str, held: bool, values: Mapping[str, str], to_blame: Row, found: _Numbers
) -> Lesson:
    if held:
        return Lesson(name, True, values)
    return _failed(name, values, [to_blame], found, rows=False)


def _ahead(first: Score, second: Score, metric: str) -> bool:
    sign = -1 if lower_is_better(metric) else 1
    return sign * (first.value - second.value) > 0


def _failed(
    name: str, values: Mapping[str, str], to_blame: Sequence[Row], found: _Numbers, *, rows: bool
) -> Lesson:
    """Return the failed claim with the likeliest reason.

    Args:
        name: of the claim.
        values: what its sentence is filled with.
        to_blame: the models that should have been better.
        found: all numbers.
        rows: the numbers say the same as the claim, but not surely.
    """
    faults = [(row.label, each) for row in to_blame for each in row.findings if each.found]
    if faults:
        return Lesson(name, False, values, "untrained", faults=tuple(faults))
    if rows:
        count = found.tests.get(to_blame[0].task)
        return Lesson(name, False, values, "rows", {"rows": f"{count:,}" if count else "?"})
    for row in to_blame:
        share = _still_falling(row)
        if share > FALLING:
            cause = {"label": row.label, "percent": share_text(share)}
            return Lesson(name, False, values, "unfinished", cause)
    return Lesson(name, False, values, "unknown")


def _still_falling(row: Row) -> float:
    """Share of the validation loss that fell between the last two validations."""
    losses = [loss for _, loss in row.curve][-2:]
    return 1 - losses[1] / losses[0] if len(losses) == 2 and losses[0] > 0 else 0.0


def _no_weaker(name: str, found: _Numbers) -> Lesson:
    """Check that the LSTM that classifies is right no less often than counting."""
    network, counted = found.rows["classify-rnn"], found.rows["classify-ngram"]
    first, second = (row.scores["accuracy"] for row in (network, counted))
    values = _values(network, counted, score_text(first), score_text(second))
    return _told(name, first.value >= second.value, values, network, found)


def _all_learned(name: str, found: _Numbers) -> Lesson:
    """Check that every classifier is right more often than who always says the commonest type."""
    usual = found.baselines["classify", "commonest type"]
    rows = [row for row in found.rows.values() if row.task == usual.task]
    weakest = min(rows, key=lambda row: row.scores["accuracy"].value)
    return _compared(name, weakest, usual, "accuracy", found)


def _mixture(name: str, found: _Numbers) -> Lesson:
    """Check that the mixture needs no more bits than each of its parts alone."""
    mixed = found.rows["lm-mixture"]
    metric = leads(mixed.task, [mixed])[0]
    parts = [found.rows[name] for name in found.mixed]
    single = min(parts, key=lambda row: row.scores[metric].value)
    first, second = mixed.scores[metric], single.scores[metric]
    values = _values(mixed, single, score_text(first), score_text(second))
    return _told(name, first.value <= second.value, values, mixed, found)


def _gates(name: str, found: _Numbers) -> Lesson:
    """Check that gates keep more of the first word's influence than a plain recurrence does."""
    gated, plain = found.influence["lm-rnn"], found.influence["lm-elman"]
    kept, lost = gated[-1] / gated[0], plain[-1] / plain[0]
    ends = {"near": f"{found.far[0][0]:g}", "far": f"{found.far[0][-1]:g}"}
    rows = found.rows["lm-rnn"], found.rows["lm-elman"]
    values = _values(*rows, tiny_share(kept), tiny_share(lost), **ends)
    return _told(name, kept > lost, values, rows[0], found)


def _most_on_long(name: str, found: _Numbers) -> Lesson:
    """Check that attention's lead over the fixed vector is greatest on the longest sources."""
    attending, fixed = found.rows["translate-attention"], found.rows["translate-seq2seq"]
    leads = _leads(attending, fixed)
    short, long = leads[0], leads[-1]
    words = {"short": short[0].words, "long": long[0].words}
    values = _values(attending, fixed, f"{long[1]:.1f}", f"{short[1]:.1f}", **words)
    held = long[1] > 0 and all(long[1] > lead for _, lead in leads[:-1])
    return _told(name, held, values, attending, found)


def _leads(better: Row, worse: Row) -> list[tuple[Bucket, float]]:
    """Return by length of the source how many points of BLEU one has more than the other."""
    other = {(each.low, each.high): each.scores["bleu"].value for each in worse.buckets}
    return [
        (each, each.scores["bleu"].value - other[each.low, each.high])
        for each in sorted(better.buckets, key=lambda bucket: bucket.low)
        if each.count
    ]


def _links(name: str, found: _Numbers) -> Lesson:
    """Check that attention's weights come nearer to the gold links than places do."""
    attending = found.rows["translate-attention"]
    lesson = _compared(name, attending, found.baselines["align", "by position"], "aer", found)
    counted = found.baselines["align", "IBM Model 1"].scores["aer"]
    return replace(lesson, values={**lesson.values, "ibm": score_text(counted)})


def _work(name: str, found: _Numbers) -> Lesson:
    """Check that attention's work for a word grows with the sentence and a recurrence's not."""
    attending, gated = found.work["lm-self_attention"], found.work["lm-rnn"]
    grown, kept = attending[-1] / attending[0], gated[-1] / gated[0]
    rows = found.rows["lm-self_attention"], found.rows["lm-rnn"]
    ends = {"near": f"{found.lengths[0][0]:g}", "far": f"{found.lengths[0][-1]:g}"}
    values = _values(*rows, number_text(grown), number_text(kept), **ends)
    if grown > GROWING >= kept:
        return Lesson(name, True, values)
    return Lesson(name, False, values, "unknown")


_CLAIMS: dict[str, Callable[[str, _Numbers], Lesson]] = {
    "lm.context": _beats("lm-rnn", "lm-ngram"),
    "lm.gates": _gates,
    "lm.depth": _beats("lm-transformer", "lm-self_attention"),
    "lm.mixture": _mixture,
    "classify.rnn": _no_weaker,
    "classify.all": _all_learned,
    "translate.attention": _beats("translate-attention", "translate-seq2seq"),
    "translate.long": _most_on_long,
    "translate.transformer": _beats("translate-transformer", "translate-seq2seq"),
    "align": _links,
    "mlm": _beats_baseline("mlm-bert", "mlm", "commonest token"),
    "work": _work,
}
"""Every lesson, in the order of the lineage."""
