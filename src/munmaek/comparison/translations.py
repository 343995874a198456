"""The part of a report on translators: every score, by length too, and what is wrong with each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from munmaek.comparison import findings
from munmaek.comparison.figures import drawn
from munmaek.comparison.findings import ranked
from munmaek.comparison.formats import (
    hint_text,
    interval_text,
    number_text,
    score_text,
    share_text,
)
from munmaek.comparison.markup import Markup, Node, element
from munmaek.comparison.reading import Row
from munmaek.comparison.sections import FULL, Contents, bars, caption, figure, named
from munmaek.metrics import Score
from munmaek.text.catalogue import Catalogue

__all__ = ["translators"]

BESIDE = ("chrf", "ter", "perplexity", "bits_per_character")
"""What stands beside BLEU."""

LENGTHS = ("bleu", "chrf", "ter", "perplexity")
"""What is drawn by length of the source."""

OF_TOKENS = "perplexity"
"""What two models share only where they write the same tokens, so that none is called the best."""

LOOKED_FOR: dict[str, tuple[tuple[str, str | None], ...]] = {
    "ignores_source": (
        ("perplexity", None),
        ("perplexity_shuffled", None),
        ("same_outputs", "same_references"),
    ),
    "copies": (("copied", "copied_references"), ("overlap", "overlap_references")),
    "repeats": (("repeated", "repeated_references"),),
}
"""By failure, the measured columns with the name of what the references themselves have."""


def translators(contents: Contents) -> Markup | None:
    """BLEU, the other scores, what is wrong, scores by length of the source, and examples."""
    rows, catalogue = contents.of_task("translate"), contents.catalogue
    first = bars(contents, "translate")
    parts: list[Node] = [
        figure(first, findings.translation(rows, catalogue)) if first else None,
        _scores(rows, catalogue),
        _diagnosis(rows, catalogue),
        *(_by_length(rows, metric, catalogue) for metric in LENGTHS),
        _examples(contents),
    ]
    return contents.section("report.translate", *parts) if any(parts) else None


# Scores side by side.


def _scores(rows: Sequence[Row], catalogue: Catalogue) -> Markup | None:
    """A table of what stands beside BLEU."""
    metrics = [name for name in BESIDE if any(name in row.scores for row in rows)]
    if not metrics:
        return None
    heads = [_pair_head(catalogue.text(f"metric.{metric}")) for metric in metrics]
    best = {metric: _best(rows, metric) for metric in metrics}
    lines = [
        element(
            "tr",
            None,
            element("td", None, named(row)),
            [_cells(row.scores.get(metric), best=best[metric] == row.name) for metric in metrics],
        )
        for row in rows
    ]
    return element(
        "figure",
        None,
        element("h3", None, catalogue.text("translate.scores")),
        _table([element("tr", None, element("th"), heads)], lines),
        element("p", {"class": "hint"}, catalogue.text("translate.scores.hint")),
    )


def _pair_head(name: str) -> list[Node]:
    return [element("th", {"class": "num"}, name), element("th")]


def _best(rows: Sequence[Row], metric: str) -> str | None:
    order = ranked(rows, metric)
    return order[0].name if len(order) > 1 and metric != OF_TOKENS else None


def _cells(score: Score | None, *, best: bool) -> list[Node]:
    if score is None:
        return [element("td", {"class": "num"}, "–"), element("td")]
    kind = "num best" if best else "num"
    return [
        element("td", {"class": kind, "title": hint_text(score)}, score_text(score)),
        element("td", {"class": "ci"}, interval_text(score)),
    ]


def _table(heads: Sequence[Node], lines: Sequence[Node]) -> Markup:
    body = [element("thead", None, heads), element("tbody", None, lines)]
    return element("div", {"class": "scroll"}, element("table", {"class": "lined"}, body))


# What is wrong with each.


def _diagnosis(rows: Sequence[Row], catalogue: Catalogue) -> Markup | None:
    """What was looked for in each model, beside what the references have of it."""
    judged = [row for row in rows if any(each.name in LOOKED_FOR for each in row.findings)]
    if not judged:
        return None
    say = catalogue.text
    groups = [
        element("th", {"colspan": str(len(columns))}, say(f"diagnosis.{name}"))
        for name, columns in LOOKED_FOR.items()
    ]
    names = [
        element("th", {"class": "num"}, say(f"diagnosis.{column}"))
        for columns in LOOKED_FOR.values()
        for column, _ in columns
    ]
    heads = [element("tr", None, element("th"), each) for each in (groups, names)]
    lines = [_found_line(row) for row in judged]
    lines.append(_reference_line(judged[0], say("diagnosis.references")))
    return element(
        "figure",
        None,
        element("h3", None, say("translate.diagnosis")),
        _table(heads, lines),
        caption(findings.diagnosis(judged, catalogue)),
    )


def _found_line(row: Row) -> Markup:
    cells: list[Node] = [element("td", None, named(row))]
    for name, columns in LOOKED_FOR.items():
        found = next((each for each in row.findings if each.name == name), None)
        for column, _ in columns:
            value = None if found is None else found.evidence.get(column)
            kind = "num warn" if found is not None and found.found else "num"
            cells.append(element("td", {"class": kind}, _shown(column, value)))
    return element("tr", None, cells)


def _reference_line(row: Row, label: str) -> Markup:
    evidence = {key: value for each in row.findings for key, value in each.evidence.items()}
    cells = [
        element("td", {"class": "num"}, "" if due is None else _shown(due, evidence.get(due)))
        for columns in LOOKED_FOR.values()
        for _, due in columns
    ]
    return element("tr", {"class": "muted"}, element("td", None, label), cells)


def _shown(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    return number_text(value) if name.startswith("perplexity") else share_text(value)


# Scores by length.


def _by_length(rows: Sequence[Row], metric: str, catalogue: Catalogue) -> Markup | None:
    keys = sorted(
        {
            (each.low, each.high, each.words)
            for row in rows
            for each in row.buckets
            if metric in each.scores
        }
    )
    if len(keys) < 2:
        return None
    lines = [_length_line(row, metric, [key[:2] for key in keys], catalogue) for row in rows]
    lines = [each for each in lines if any(value is not None for value in each.values)]
    said = [] if metric == OF_TOKENS else findings.by_length(rows, metric, catalogue)
    return drawn(
        "multiples",
        catalogue.text("translate.by_length", metric=catalogue.text(f"metric.{metric}")),
        [catalogue.text("axis.source_words"), *(key[2] for key in keys)],
        [[each.label, *each.values] for each in lines],
        said=said,
        least=FULL.get(metric, 1.0),
        bands=[each.bands for each in lines],
        hints=[each.hints for each in lines],
    )


@dataclass(frozen=True, slots=True)
class _Line:
    """A model's score in each class of length, None where it has none."""

    label: str
    values: Sequence[float | None]
    bands: Sequence[tuple[float | None, float | None] | None] | None
    """None unless every score has an interval."""
    hints: Sequence[str]


def _length_line(
    row: Row, metric: str, keys: Sequence[tuple[int, int]], catalogue: Catalogue
) -> _Line:
    by_key = {(each.low, each.high): each for each in row.buckets}
    found = [by_key.get(key) for key in keys]
    scores = [each.scores.get(metric) if each else None for each in found]
    scores = [each if each and math.isfinite(each.value) else None for each in scores]
    bands = [each and (each.low, each.high) for each in scores]
    return _Line(
        row.label,
        [each and each.value for each in scores],
        bands if all(each is None or _finite(*each) for each in bands) else None,
        [
            f"{bucket.words}: {hint_text(score)}\n"
            f"{catalogue.text('chart.sentences', count=bucket.count)}"
            if bucket and score
            else ""
            for bucket, score in zip(found, scores, strict=True)
        ],
    )


def _finite(*ends: float | None) -> bool:
    return all(end is not None and math.isfinite(end) for end in ends)


# Examples.


def _examples(contents: Contents) -> Markup | None:
    entries = contents.results.get("translations") or ()
    if not entries:
        return None
    say = contents.catalogue.text
    shown: list[Node] = []
    for entry in entries:
        outputs: Mapping[str, Any] = entry.get("outputs") or {}
        terms: list[tuple[str, Any]] = [
            (say("translate.source"), entry.get("source", "")),
            (say("translate.reference"), entry.get("reference", "")),
            *((contents.label(name), text) for name, text in outputs.items()),
        ]
        shown.append(_terms([(name, str(text)) for name, text in terms if text is not None]))
    heading = element("h3", None, say("translate.examples"))
    return element("figure", None, heading, element("div", {"class": "examples"}, shown))


def _terms(pairs: Sequence[tuple[str, Node]]) -> Markup:
    return element(
        "dl",
        None,
        [[element("dt", None, name), element("dd", None, value)] for name, value in pairs],
    )
