"""One model on test data, in the form of a comparison of one, so that others can join it later."""

import json
from pathlib import Path
from typing import Any

from munmaek.comparison.entries import entry, results_header
from munmaek.comparison.remarks import remarks_on
from munmaek.comparison.report import write_report
from munmaek.comparison.tested import ROWS, save_rows
from munmaek.comparison.unfinished import made_aside
from munmaek.fit.trained import Trained
from munmaek.tasks.work import Measured
from munmaek.writing import write_text

__all__ = ["write_evaluation"]


def write_evaluation(
    model: Trained, measured: Measured, place: Path, folder: Path, *, force: bool, command: str
) -> None:
    """Write ``results.json``, ``report.html`` and the rows that scores rest on.

    Args:
        model: that was measured.
        measured: what was found.
        place: the model's folder, after which its row is called.
        folder: where they are to be.
        force: replace what is there.
        command: that asked for it.

    Raises:
        InputError: something is at ``folder``.
        DiskError: it cannot be written.
    """
    info, corpus = model.info, measured.corpus
    results = results_header(title=f"{place} on {corpus.name}", command=command)
    train: dict[str, Any] = dict(info.data.get("train") or {})
    results["data"] = [
        {
            "name": str(train.get("name", "")),
            "task": info.task,
            "train": train.get("rows"),
            "test": corpus.size,
            "test_name": corpus.name,
            "tested_on": "test",
            "fingerprint": train.get("sha256"),
            "test_fingerprint": corpus.fingerprint,
        }
    ]
    name = f"{info.task}-{place.name}"
    row = entry(model, measured, name=name, task=info.task)
    results["models"] = [row]
    results["remarks"] = [each.to_json() for each in remarks_on(results)]
    with made_aside(folder, asked=None, force=force) as work:
        save_rows({name: measured.measures}, results, work / ROWS)
        write_text(work / "results.json", json.dumps(results, ensure_ascii=False, indent=1) + "\n")
        write_report(results, work / "report.html")
