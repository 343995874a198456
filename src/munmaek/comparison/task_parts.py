"""The part of a report on one task: its scores, by length too, and what is wrong with a model."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from munmaek.comparison import findings
from munmaek.comparison.figures import drawn, figure
from munmaek.comparison.findings import leads, told_best
from munmaek.comparison.formats import hint_text, number_text, share_text
from munmaek.comparison.markup import Markup, Node, cell, element, scores, scrolled, table, terms
from munmaek.comparison.reading import Row
from munmaek.comparison.sections import Contents, bars, full_bar, named
from munmaek.comparison.shown_parts import shown_parts
from munmaek.text.catalogue import Catalogue

__all__ = ["task_part"]

DRAWN = 4
"""Scores that are drawn by length of the source."""

OF_TOKENS = "perplexity"
"""A score that two models share only where they write the same tokens, so that none is best."""

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


def task_part(task: str, contents: Contents) -> Markup | None:
    """Return the first score, the others, what is wrong, scores by length, and examples."""
    rows, baselines = contents.of_task(task), contents.baselines_of(task)
    catalogue, metrics = contents.catalogue, leads(task, rows)
    first = bars([*rows, *baselines], metrics[0], catalogue) if metrics else None
    said = findings.best_and_worst(task, rows, baselines, catalogue, results=contents.results)
    parts: list[Node] = [
        figure(first, said=said) if first else None,
        _scores(rows, metrics[1:], contents),
        _diagnosis(rows, catalogue),
        *(_by_length(rows, metric, catalogue) for metric in metrics[:DRAWN]),
        *shown_parts(_entries(task, contents), catalogue),
        _samples(task, contents),
        _examples(task, contents),
    ]
    return contents.section(f"report.{task}", *parts) if any(parts) else None


def _entries(task: str, contents: Contents) -> list[Mapping[str, Any]]:
    """Return what the results say of the models of a task."""
    models = contents.results.get("models") or ()
    return [each for each in models if str(each.get("task") or "") == task]


# Scores side by side.


def _scores(rows: Sequence[Row], metrics: Sequence[str], contents: Contents) -> Markup | None:
    """Return a table of what stands beside the first score; one alone is in the last table too."""
    if len(metrics) < 2:
        return None
    catalogue = contents.catalogue
    names = [catalogue.known(f"metric.{metric}", metric) for metric in metrics]
    best = {metric: _best(rows, metric, contents) for metric in metrics}
    lines = [
        element(
            "tr",
            cell(named(row, catalogue)),
            [
                scores(
                    row.scores.get(x),
                    catalogue,
                    best=best[x] == row.name,
                    spread=row.spread.get(x),
                )
                for x in metrics
            ],
        )
        for row in rows
    ]
    heads = [[element("th", name, kind="num"), element("th")] for name in names]
    hint = catalogue.text("translate.scores.hint") if "ter" in metrics else None
    return figure(
        _lined(lines, element("tr", element("th"), heads)),
        element("p", hint, kind="hint") if hint else None,
        title=catalogue.text("translate.scores"),
    )


def _best(rows: Sequence[Row], metric: str, contents: Contents) -> str | None:
    best = None if metric == OF_TOKENS else told_best(rows, metric, contents.results)
    return None if best is None else best.name


def _lined(lines: Node, heads: Node) -> Markup:
    return scrolled(table(lines, heads=heads, kind="lined"))


# What is wrong with each.


def _diagnosis(rows: Sequence[Row], catalogue: Catalogue) -> Markup | None:
    """Return what was looked for in each model, beside what the references have of it."""
    judged = [row for row in rows if any(each.name in LOOKED_FOR for each in row.findings)]
    if not judged:
        return None
    say = catalogue.text
    groups = [
        element("th", say(f"diagnosis.{name}"), colspan=str(len(columns)))
        for name, columns in LOOKED_FOR.items()
    ]
    names = [
        element("th", say(f"diagnosis.{column}"), kind="num")
        for columns in LOOKED_FOR.values()
        for column, _ in columns
    ]
    heads = [element("tr", element("th"), each) for each in (groups, names)]
    lines = [_found_line(row, catalogue) for row in judged]
    lines.append(_reference_line(judged[0], say("diagnosis.references")))
    said = findings.diagnosis(judged, catalogue)
    return figure(_lined(lines, heads), said=said, title=say("translate.diagnosis"))


def _found_line(row: Row, catalogue: Catalogue) -> Markup:
    cells: list[Node] = [cell(named(row, catalogue))]
    for name, columns in LOOKED_FOR.items():
        found = next((each for each in row.findings if each.name == name), None)
        for column, _ in columns:
            value = None if found is None else found.evidence.get(column)
            kind = "num warn" if found is not None and found.found else "num"
            cells.append(cell(_shown(column, value), kind=kind))
    return element("tr", cells)


def _reference_line(row: Row, label: str) -> Markup:
    evidence = {key: value for each in row.findings for key, value in each.evidence.items()}
    cells = [
        cell("" if due is None else _shown(due, evidence.get(due)), kind="num")
        for columns in LOOKED_FOR.values()
        for _, due in columns
    ]
    return element("tr", cell(label), cells, kind="muted")


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
        catalogue.text("translate.by_length", metric=catalogue.known(f"metric.{metric}", metric)),
        [catalogue.text("axis.source_words"), *(key[2] for key in keys)],
        [[each.label, *each.values] for each in lines],
        said=said,
        least=max(full_bar(row.scores[metric]) for row in rows if metric in row.scores),
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
    measured = [each.scores.get(metric) if each else None for each in found]
    measured = [each if each and math.isfinite(each.value) else None for each in measured]
    bands = [each and (each.low, each.high) for each in measured]
    return _Line(
        row.label,
        [each and each.value for each in measured],
        bands if all(each is None or _finite(*each) for each in bands) else None,
        [
            f"{bucket.words}: {hint_text(score, catalogue)}\n"
            f"{catalogue.text('chart.sentences', count=bucket.count)}"
            if bucket and score
            else ""
            for bucket, score in zip(found, measured, strict=True)
        ],
    )


def _finite(*ends: float | None) -> bool:
    return all(end is not None and math.isfinite(end) for end in ends)


# Examples.


def _samples(task: str, contents: Contents) -> Markup | None:
    """Return what models wrote on from a beginning."""
    pairs: list[tuple[str, Node]] = []
    for entry in contents.results.get("samples") or ():
        prompt, text = str(entry.get("prompt") or ""), str(entry.get("text") or "")
        if contents.task_of(str(entry.get("model", ""))) == task:
            begun = element("span", prompt, kind="prompt")
            written = [begun, text.removeprefix(prompt)]
            pairs.append((contents.label(str(entry.get("model", ""))), written))
    if not pairs:
        return None
    return figure(_listed([pairs]), title=contents.catalogue.text("report.samples"))


def _examples(task: str, contents: Contents) -> Markup | None:
    """Return what models made of the same texts."""
    say = contents.catalogue.text
    shown: list[list[tuple[str, Node]]] = []
    for entry in contents.results.get("translations") or ():
        outputs: Mapping[str, Any] = entry.get("outputs") or {}
        if task not in map(contents.task_of, outputs):
            continue
        pairs = [
            (say("translate.source"), entry.get("source", "")),
            (say("translate.reference"), entry.get("reference", "")),
            *((contents.label(name), text) for name, text in outputs.items()),
        ]
        shown.append([(name, str(text)) for name, text in pairs if text is not None])
    return figure(_listed(shown), title=say("translate.examples")) if shown else None


def _listed(lists: Sequence[Sequence[tuple[str, Node]]]) -> Markup:
    return element("div", [terms(each) for each in lists], kind="examples")
