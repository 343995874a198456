"""What has to be said beside a comparison: how little it rests on, and what it does not tell apart.

It is computed from ``results.json`` alone, and kept there under ``remarks``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from munmaek.comparison.findings import leads, ranked
from munmaek.comparison.reading import Row, read_rows
from munmaek.metrics import Score, in_role, remarks

__all__ = ["remarks_on"]

_SPOKEN = {"bleu": "BLEU", "chrf": "chrF"}


def remarks_on(results: Mapping[str, Any]) -> list[str]:
    """Return a line for each thing to know before relying on the results' scores."""
    rows = read_rows(results)
    said: list[str] = []
    for task in dict.fromkeys(row.task for row in rows):
        own = [row for row in rows if row.task == task]
        said += [f"{task}: {each}" for each in (*_few(own), *_close(task, own))]
    said += [line for entry in results.get("data") or () for line in _read_twice(entry)]
    return list(dict.fromkeys(said))


def _few(rows: Sequence[Row]) -> list[str]:
    """Tell that there is little data, once for all rows, whatever else it was used for."""
    plain = [{n: s.to_json() for n, s in in_role(row.scores, "").items()} for row in rows]
    return list(dict.fromkeys(line for scores in plain for line in remarks(scores)))


def _close(task: str, rows: Sequence[Row]) -> list[str]:
    """Tell which rows differ from the best by less than the 95 % intervals are wide."""
    metric = next(iter(leads(task, rows)), "")
    order = ranked(rows, metric)
    if len(order) < 2:
        return []
    best, *others = order
    near = [row.label for row in others if _within(best.scores[metric], row.scores[metric])]
    if not near:
        return []
    return [
        f"{best.label} is not told apart from {', '.join(near)}: the difference in "
        f"{_SPOKEN.get(metric, metric.replace('_', ' '))} is smaller than a 95 % interval is wide"
    ]


def _within(first: Score, second: Score) -> bool:
    """Return whether an interval of the two scores is wider than they differ."""
    widths = [
        each.high - each.low
        for each in (first, second)
        if each.low is not None and each.high is not None
    ]
    return bool(widths) and max(widths) > abs(first.value - second.value)


def _read_twice(entry: Mapping[str, Any]) -> list[str]:
    """Tell whether models were tested on what they, or their validation, had read."""
    task, test = entry.get("task"), entry.get("test_fingerprint")
    if test is None or entry.get("tested_on") == "validation":
        return []
    if test == entry.get("fingerprint"):
        return [f"{task}: the test data is the training data; the scores say nothing of new text"]
    if test == entry.get("valid_fingerprint"):
        return [f"{task}: the test data is the validation data, which also chose the weights"]
    return []
