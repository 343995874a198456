"""Remarks beside a comparison: how little it rests on, and which models it does not tell apart.

It is computed from ``results.json`` alone, and kept there under ``remarks``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from munmaek.comparison.findings import leads, ranked
from munmaek.comparison.reading import Row, read_rows
from munmaek.metrics import Remark, Score, in_role, remarks

__all__ = ["remarks_on"]


def remarks_on(results: Mapping[str, Any]) -> list[Remark]:
    """Return each thing to know before relying on the results' scores."""
    rows = read_rows(results)
    found: list[Remark] = []
    for task in dict.fromkeys(row.task for row in rows):
        own = [row for row in rows if row.task == task]
        found += [replace(each, task=task) for each in (*_few(own), *_close(task, own))]
    found += [each for entry in results.get("data") or () for each in _read_twice(entry)]
    return list({each.words(): each for each in found}.values())


def _few(rows: Sequence[Row]) -> list[Remark]:
    """Tell that there is little data, once for all rows, whatever else it was used for."""
    plain = [{n: s.to_json() for n, s in in_role(row.scores).items()} for row in rows]
    return [each for scores in plain for each in remarks(scores)]


def _close(task: str, rows: Sequence[Row]) -> list[Remark]:
    """Tell which rows differ from the best by less than the 95 % intervals are wide."""
    metric = next(iter(leads(task, rows)), "")
    order = ranked(rows, metric)
    if len(order) < 2:
        return []
    best, *others = order
    near = [row.label for row in others if _within(best.scores[metric], row.scores[metric])]
    values = {"best": best.label, "others": ", ".join(near), "metric": metric}
    return [Remark("close", values)] if near else []


def _within(first: Score, second: Score) -> bool:
    """Return whether an interval of the two scores is wider than they differ."""
    widths = [
        each.high - each.low
        for each in (first, second)
        if each.low is not None and each.high is not None
    ]
    return bool(widths) and max(widths) > abs(first.value - second.value)


def _read_twice(entry: Mapping[str, Any]) -> list[Remark]:
    """Tell whether models were tested on what they, or their validation, had read."""
    task, test = str(entry.get("task") or ""), entry.get("test_fingerprint")
    if test is None or entry.get("tested_on") == "validation":
        return []
    if test == entry.get("fingerprint"):
        return [Remark("test_is_training", task=task)]
    if test == entry.get("valid_fingerprint"):
        return [Remark("test_is_validation", task=task)]
    return []
