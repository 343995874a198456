"""Several earlier comparisons or evaluations as one: their models side by side, and tested anew."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from munmaek.comparison.entries import results_header
from munmaek.comparison.remarks import remarks_on
from munmaek.comparison.schema import check_results
from munmaek.comparison.tested import ROWS, Systems, load_rows, save_rows, tests_of
from munmaek.comparison.unfinished import made_aside
from munmaek.errors import InputError
from munmaek.metrics import Measure
from munmaek.text.json_files import read_json_object

__all__ = ["RESULTS", "are_runs", "joined"]

RESULTS = "results.json"
APART = ("format", "munmaek", "created", "title", "command", "machine", "models", "data", "rows",
         "tests", "remarks", "notes")  # fmt: skip
"""Parts of results that are made anew; further ones are of one run alone."""


def are_runs(paths: Sequence[Any]) -> bool:
    """Return whether all of these are folders with results in them."""
    return bool(paths) and all((Path(str(each)) / RESULTS).is_file() for each in paths)


def joined(
    folders: Sequence[Path], *, folder: Path | None = None, force: bool = False, command: str = ""
) -> dict[str, Any]:
    """Return the results of several runs as one, and write them with a report where asked to.

    Args:
        folders: of the runs, each with its ``results.json``.
        folder: where results and report are to be; None writes nothing.
        force: replace what is there.
        command: that asked for it.

    Raises:
        InputError: results that cannot be read, or runs on other test data; or ``folder`` exists.
    """
    runs = [read_json_object(each / RESULTS) for each in folders]
    for run in runs:
        check_results(run)
    _check_same_test(folders, runs)
    results = results_header(title=" + ".join(str(each) for each in folders), command=command)
    systems = _models(folders, runs, results)
    results["data"] = runs[0].get("data") or []
    if len(runs) == 1:
        results = {**{key: each for key, each in runs[0].items() if key not in APART}, **results}
        results["title"] = str(runs[0].get("title") or results["title"])
    results["tests"] = tests_of(results, systems)
    results["remarks"] = [each.to_json() for each in remarks_on(results)]
    if folder is not None:
        _write(results, systems, folder, force=force)
    return results


def _write(results: dict[str, Any], systems: Systems, folder: Path, *, force: bool) -> None:
    import json

    from munmaek.comparison.report import write_report
    from munmaek.writing import write_text

    with made_aside(folder, asked=None, force=force) as work:
        save_rows(systems, results, work / ROWS)
        written = json.dumps(results, ensure_ascii=False, indent=1)
        write_text(work / RESULTS, written + "\n")
        write_report(results, work / "report.html")


def _check_same_test(folders: Sequence[Path], runs: Sequence[Mapping[str, Any]]) -> None:
    """Make sure that all runs were tested on the same rows of the same tasks.

    Raises:
        InputError: names the two that differ, and their data.
    """
    first = _tested_on(runs[0])
    for folder, run in zip(folders[1:], runs[1:], strict=True):
        for task, (name, fingerprint) in _tested_on(run).items():
            if first.get(task, (None, None))[1] != fingerprint:
                before = first.get(task, ("nothing of that task", None))[0]
                message = (
                    f"{folder}: tested at '{task}' on {name}, and {folders[0]} on {before}: not "
                    "the same test data, so that their scores do not compare"
                )
                raise InputError(message)


def _tested_on(run: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    return {
        str(each.get("task")): (str(each.get("test_name")), each.get("test_fingerprint"))
        for each in run.get("data") or ()
    }


def _models(
    folders: Sequence[Path], runs: Sequence[Mapping[str, Any]], results: dict[str, Any]
) -> dict[str, Mapping[str, Measure]]:
    """Add the rows of all runs, each under a name of its own; return their measures."""
    systems: dict[str, Mapping[str, Measure]] = {}
    labels = [str(row.get("label")) for run in runs for row in run.get("models") or ()]
    for folder, run in zip(folders, runs, strict=True):
        measures = load_rows(run, folder / ROWS)
        for row in run.get("models") or ():
            name, label = str(row.get("name")), str(row.get("label"))
            told = name if len(runs) == 1 or name not in systems else f"{name} ({folder.name})"
            while told in systems:
                told = f"{told}'"
            systems[told] = measures.get(name, {})
            shown = f"{label} ({folder.name})" if labels.count(label) > 1 else label
            results["models"].append({**row, "name": told, "label": shown})
    return systems
