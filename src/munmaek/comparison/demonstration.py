"""The built-in phrasebook through the whole lineage: every stage, every task, one report."""

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from munmaek.comparison.crew import Begun, Ended, Going, Happening, side_by_side
from munmaek.comparison.demonstration_jobs import JOBS, LABELS, Demonstrating, Outcome
from munmaek.comparison.demonstration_plan import FULL, QUICK, Plan
from munmaek.comparison.entries import results_header
from munmaek.comparison.events import (
    Event,
    Message,
    StageFinished,
    StageProgress,
    StageStarted,
    TimeLeft,
)
from munmaek.comparison.forecast import Forecast
from munmaek.comparison.lessons import examine
from munmaek.comparison.remarks import remarks_on
from munmaek.comparison.report import write_report
from munmaek.comparison.unfinished import made_aside
from munmaek.text.catalogue import Catalogue
from munmaek.writing import write_text

__all__ = ["demo"]

Report = Callable[[Event], None]
Results = dict[str, Any]

MOST_PROCESSES = 4
"""Processes at most: with more, the longest job decides how long all of it takes."""

MOMENTARY = 0.5
"""Seconds of a core that a job takes which trains no network."""


def _silent(_: Event) -> None:
    """Tell nobody."""


def demo(
    folder: Path,
    *,
    quick: bool = False,
    seed: int = 0,
    force: bool = False,
    report: Report = _silent,
) -> Results:
    """Train every stage at every task it can do, on the phrasebook, and write the report.

    The scores depend on the seed and the kind of machine alone, and not on its cores or its speed.

    Args:
        folder: for ``report.html``, ``results.json`` and ``models/TASK-STAGE/``.
        quick: fewer and shorter sentences, in under a minute.
        seed: of the phrasebook and the training.
        force: replace an earlier demonstration.
        report: told of every model as soon as it is trained.

    Returns:
        The content of ``results.json``.

    Raises:
        InputError: ``folder`` exists and ``force`` is false.
        DiskError: it cannot be written.
    """
    command = "munmaek demo" + (" --quick" if quick else "") + (f" --seed {seed}" if seed else "")
    plan = QUICK if quick else FULL
    return demonstrate(
        folder, plan, seed=seed, force=force, command=command, processes=_cores(), report=report
    )


def _cores() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, MOST_PROCESSES)


def demonstrate(
    folder: Path,
    plan: Plan,
    *,
    seed: int = 0,
    force: bool = False,
    command: str = "",
    processes: int = 1,
    report: Report = _silent,
) -> Results:
    """Train and measure what ``plan`` says in that many processes; see ``demo``."""
    results = results_header(title="The lineage on the built-in phrasebook", command=command)
    results["notes"] = [{"kind": "steps", "sentence": Catalogue().text("note.steps")}]
    show = _Show(plan, processes, report)
    with made_aside(folder, asked=None, force=force) as place:
        work = partial(Demonstrating, place, plan, seed, force)
        side_by_side(work, JOBS, processes=processes, report=show.take)
        for job in JOBS:
            _join(results, show.outcomes[job.name])
        results["lessons"] = [each.to_json() for each in examine(results)]
        results["remarks"] = [each.to_json() for each in remarks_on(results)]
        write_text(place / "results.json", json.dumps(results, ensure_ascii=False, indent=1) + "\n")
        write_report(results, place / "report.html")
    for name, row in ((row["name"], row) for row in results["models"]):
        for each in row.get("diagnosis", ()):
            if each["found"]:
                report(Message(f"warning: {name}: {each['message']}"))
    report(Message(f"wrote {folder / 'report.html'}"))
    return results


def _join(results: Results, outcome: Outcome) -> None:
    """Add what a job gave."""
    if outcome.row is not None:
        results["models"].append(outcome.row)
    for key, entries in (outcome.parts or {}).items():
        if key == "translations" and key in results:
            for there, new in zip(results[key], entries, strict=True):
                there["outputs"] |= new["outputs"]
        else:
            results.setdefault(key, []).extend(entries)


class _Show:
    """Reports to whoever watches: rows in their fixed order, and the time left."""

    def __init__(self, plan: Plan, processes: int, report: Report) -> None:
        costs = {name: training.cost for name, training in plan.trainings.items()}
        jobs = {job.name: costs.get(job.name, MOMENTARY) for job in JOBS}
        self.forecast = Forecast(jobs, processes=processes)
        self.report = report
        self.outcomes: dict[str, Outcome] = {}
        self.shown = 0

    def take(self, happened: Happening) -> None:
        """Tell of what happened, and of what had to wait for it."""
        name = happened.name
        if isinstance(happened, Begun):
            self.forecast.begun(name)
            if name in LABELS:
                self.report(StageStarted(name, name.split("-")[0], LABELS[name]))
        elif isinstance(happened, Going):
            self.forecast.going(name, happened.fraction)
            self.report(StageProgress(name, happened.fraction, happened.loss))
        else:
            self._ended(happened)
        if (left := self.forecast.left()) is not None:
            self.report(TimeLeft(self.forecast.share(), left, self.forecast.total(left)))

    def _ended(self, happened: Ended) -> None:
        self.forecast.ended(happened.name)
        self.outcomes[happened.name] = happened.result
        if happened.name in LABELS:
            self.report(StageProgress(happened.name, 1.0))
        while self.shown < len(JOBS) and JOBS[self.shown].name in self.outcomes:
            row = self.outcomes[JOBS[self.shown].name].row
            self.shown += 1
            if row is not None:
                self.report(StageFinished(str(row["name"]), row))
