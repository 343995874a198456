"""The differences between compared models that are real, and the rows that say so.

``rows.safetensors`` beside ``results.json`` keeps what every score is computed of, row by row, so
that models of several comparisons on the same test data can be tested against each other later.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from munmaek.comparison.findings import leads
from munmaek.comparison.reading import Row, read_rows
from munmaek.folder.tables import load_tables, save_tables
from munmaek.metrics import Measure
from munmaek.metrics.comparing import all_pairs
from munmaek.metrics.ways import described_measure, measure_of
from munmaek.writing import writing

__all__ = ["ROWS", "Systems", "load_rows", "save_rows", "tests_of"]

ROWS = "rows.safetensors"
MOST_SCORES = 3
"""Scores of each task that are tested, the leading ones."""

Systems = Mapping[str, Mapping[str, Measure]]
"""Measures that the scores are computed of, by the model's name and theirs."""


def tests_of(results: Mapping[str, Any], systems: Systems) -> list[dict[str, Any]]:
    """Return for the leading scores of each task how each two models differ.

    Args:
        results: the content of ``results.json``.
        systems: the measures of its models.
    """
    rows = read_rows(results)
    out: list[dict[str, Any]] = []
    for task in dict.fromkeys(row.task for row in rows):
        own = [row for row in rows if row.task == task]
        for metric in _tested_scores(task, own, systems):
            pairs = all_pairs({row.name: systems.get(row.name, {}) for row in own}, metric)
            if pairs:
                out.append({"task": task, "metric": metric, "pairs": pairs})
    return out


def _tested_scores(task: str, rows: Sequence[Row], systems: Systems) -> list[str]:
    known = {name for row in rows for name in systems.get(row.name, {})}
    return [name for name in leads(task, rows) if name in known][:MOST_SCORES]


def save_rows(systems: Systems, results: dict[str, Any], path: Path) -> None:
    """Write what scores are computed of, and say in ``results`` what each table is.

    Raises:
        DiskError: the file cannot be written.
    """
    tables: dict[str, Any] = {}
    said: dict[str, dict[str, Any]] = {}
    for name, measures in systems.items():
        for score, measure in measures.items():
            if (described := described_measure(measure)) is not None:
                key = f"{len(tables)}"
                tables[key] = np.ascontiguousarray(measure.statistics)
                said.setdefault(name, {})[score] = {"table": key, **described}
    if tables:
        with writing(path):
            save_tables(_plain(tables), path)
        results["rows"] = said


def _plain(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables as numbers that the file has a type for."""
    return {
        name: each.astype(np.int64 if each.dtype.kind in "biu" else np.float64)
        for name, each in tables.items()
    }


def load_rows(results: Mapping[str, Any], path: Path) -> dict[str, dict[str, Measure]]:
    """Return the measures of the models of an earlier comparison; none where none were kept.

    Raises:
        ArtefactError: the file is damaged.
        InputError: it is of another version.
    """
    said: Mapping[str, Any] = results.get("rows") or {}
    if not said or not path.is_file():
        return {}
    tables = load_tables(path)
    return {
        name: {
            score: measure_of(score, tables[str(each["table"])], each)
            for score, each in measures.items()
            if str(each["table"]) in tables
        }
        for name, measures in said.items()
    }
