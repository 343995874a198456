"""What has to be said beside a comparison: how little it rests on, and what it does not tell apart.

It is computed from ``results.json`` alone, and kept there under ``remarks``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from munmaek.compare.findings import PRIMARY, lower_is_better
from munmaek.metrics import Score, remarks

__all__ = ["remarks_on"]

_INSTEAD = {"translate": "chrf"}
"""What models are ordered by where there is too little for the task's first score."""

Row = Mapping[str, Any]


def remarks_on(results: Mapping[str, Any]) -> list[str]:
    """Return a line for each thing to know before relying on the results' scores."""
    rows: Sequence[Row] = results.get("models") or ()
    tasks = list(dict.fromkeys(str(row.get("task", "")) for row in rows))
    said: list[str] = []
    for task in tasks:
        own = [row for row in rows if row.get("task") == task]
        said += [f"{task}: {each}" for each in (*_few(own), *_close(task, own))]
    said += [line for entry in results.get("data") or () for line in _read_twice(entry)]
    return list(dict.fromkeys(said))


def _few(rows: Sequence[Row]) -> list[str]:
    """That there is little data, once for all rows, whatever else it was used for."""
    plain = [
        {name: {**score, "role": ""} for name, score in row.get("scores", {}).items()}
        for row in rows
    ]
    return list(dict.fromkeys(line for scores in plain for line in remarks(scores)))


def _close(task: str, rows: Sequence[Row]) -> list[str]:
    """Which rows differ from the best by less than the 95 % intervals are wide."""
    metric = PRIMARY.get(task, "")
    if not any(metric in row["scores"] for row in rows):
        metric = _INSTEAD.get(task, metric)
    having = [
        (row, Score.from_json(metric, row["scores"][metric]))
        for row in rows
        if metric in row["scores"] and row["scores"][metric].get("value") is not None
    ]
    if len(having) < 2:
        return []
    sign = 1 if lower_is_better(metric) else -1
    (first, best), *others = sorted(having, key=lambda pair: sign * pair[1].value)
    near = [str(row["label"]) for row, score in others if _within(best, score)]
    if not near:
        return []
    return [
        f"{first['label']} is not told apart from {', '.join(near)}: the difference in "
        f"{metric.replace('_', ' ')} is smaller than a 95 % interval is wide"
    ]


def _within(first: Score, second: Score) -> bool:
    """Whether an interval of the two scores is wider than they differ."""
    widths = [
        each.high - each.low
        for each in (first, second)
        if each.low is not None and each.high is not None
    ]
    return bool(widths) and max(widths) > abs(first.value - second.value)


def _read_twice(entry: Mapping[str, Any]) -> list[str]:
    """Whether models were tested on what they, or their validation, had read."""
    task, test = entry.get("task"), entry.get("test_fingerprint")
    if test is None or entry.get("tested_on") == "validation":
        return []
    if test == entry.get("fingerprint"):
        return [f"{task}: the test data is the training data; the scores say nothing of new text"]
    if test == entry.get("valid_fingerprint"):
        return [f"{task}: the test data is the validation data, which also chose the weights"]
    return []
