"""``munmaek evaluate``: the options of every task's evaluation under one verb."""

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer

from munmaek.cli.console import write, write_json
from munmaek.cli.evaluated import write_against, write_shown, write_worst
from munmaek.cli.options import DataFiles, Force, Json, ModelFolder
from munmaek.cli.parameters import (
    DATA,
    Declared,
    Given,
    Option,
    Parameters,
    shown,
)
from munmaek.cli.translations import write_more
from munmaek.declared import Field, fields_of
from munmaek.tasks import tasks

__all__ = [
    "EVALUATE",
    "evaluate",
    "interval_text",
    "number",
    "parameters",
    "scores_json",
    "write_bases",
    "write_scores",
]

INTERNAL: Final = ("place", "whole")
"""Options of an evaluation that nobody writes."""


def evaluate(given: Given) -> None:
    """Measure a model on data of its task.

    Scores come with their 95 % intervals and signatures. Options of a task stand under its name.
    What adapts to the data while it is measured (--cache, --dynamic) stands apart from the model
    alone.
    """
    apart = ("model", "data", "json", "output", "force")
    options = {
        name: tuple(cast("list[str]", each)) if isinstance(each, list) else each
        for name, each in given.items()
        if each is not None and name not in apart
    }
    _write(given["model"], given["data"], options, given)


def asked_options() -> Iterator[Option]:
    """Yield the options of the evaluations of all tasks, each once, under those that have it."""
    found: dict[str, tuple[Field, list[str]]] = {}
    for task in tasks().values():
        for name, field in fields_of(task.asked).items():
            if name not in INTERNAL:
                found.setdefault(name, (field, []))[1].append(task.name)
    for name, (field, able) in sorted(found.items(), key=lambda each: -len(each[1][1])):
        default = "" if field.plain is bool and not field.default else shown(field.default)
        group = DATA if len(able) == len(tasks()) else ", ".join(able)
        yield Option(
            name.replace("_", "-"), "asked", {}, group, field, default, repeated=field.is_many
        )


def parameters() -> Parameters:
    """Return what the verb takes."""
    return {
        "model": (ModelFolder, ...),
        "data": (DataFiles, ...),
        **{each.identifier: each.parameter for each in asked_options()},
        "output": (
            Annotated[
                Path | None,
                typer.Option(
                    "--output",
                    "-o",
                    metavar="DIR",
                    show_default=False,
                    help="Folder of report.html and results.json; compare takes several of them.",
                ),
            ],
            None,
        ),
        "force": (Force, False),
        "json": (Json, False),
    }


EVALUATE = Declared(evaluate, parameters)


def _write(folder: Path, data: Sequence[str], asked: dict[str, Any], given: Given) -> None:
    from munmaek.pipeline import load, measure

    json, output = given["json"], given["output"]
    if output is not None:
        from munmaek.folder.ownership import check_free

        check_free(output, force=given["force"])
    model = load(folder)
    # What is not shown is not counted: machines get all that costs no other model.
    whole = json or output is not None
    measured = measure(model, data, place=folder, whole=whole, **asked)
    if output is not None:
        from munmaek.comparison.evaluation import write_evaluation

        line = shlex.join(["munmaek", *sys.argv[1:]])
        write_evaluation(model, measured, folder, output, force=given["force"], command=line)
    scores = {name: score.to_json() for name, score in measured.scores.items()}
    found = dict(measured.entries)
    if measured.findings is not None:
        found["diagnosis"] = [each.to_json() for each in measured.findings]
    if json:
        write_json({**scores_json(folder, model.info.task, scores), **found})
        return
    write_scores(scores)
    _write_besides(scores, found, measured.shown, asked)
    if output is not None:
        write(f"\nreport   {output / 'report.html'}")


def _write_besides(
    scores: Mapping[str, Any], found: Mapping[str, Any], shown: Sequence[Any], asked: Given
) -> None:
    """Print what was asked for besides the scores."""
    wanted = asked.get("by_length") or "by_length" not in found
    told = found if wanted else {name: each for name, each in found.items() if name != "by_length"}
    write_more(scores, told, diagnose=asked.get("diagnose", False))
    if asked.get("report"):
        write_shown(shown)
    if "worst" in found:
        write_worst(found["worst"])
    if "against" in found:
        write_against(scores, found["against"])


def scores_json(model: Path, task: str, scores: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``evaluate`` and the end of ``train`` print for machines."""
    from munmaek.metrics import remarks

    said = [each.words() for each in remarks(scores)]
    return {"model": str(model), "task": task, "scores": scores, "remarks": said}


def write_scores(scores: Mapping[str, Mapping[str, Any]]) -> None:
    """Print each score, what they rest on, and what one should know before relying on them."""
    from munmaek.metrics import absent

    wide = max((len(name) for name in scores), default=0)
    for name, score in scores.items():
        interval = interval_text(score.get("low"), score.get("high"))
        write(
            f"{name:{wide}}  {number(score['value']):>8}  {interval:17}  {score['unit']:14}  "
            f"{score['signature']}".rstrip()
        )
    write_bases(scores)
    for reason in absent(scores):
        write(reason.words())


def write_bases(scores: Mapping[str, Mapping[str, Any]]) -> None:
    """Print what the scores were measured on, and whether that is little."""
    from munmaek.metrics import bases

    for basis in bases(scores):
        write(f"on {basis}" + (f"; {basis.remark}" if basis.remark else ""))


def interval_text(low: float | None, high: float | None) -> str:
    """Return an interval as ``11.9 – 12.8``, or nothing where there is none."""
    return "" if low is None or high is None else f"{number(low)} – {number(high)}"


def number(value: float) -> str:
    """Return a number with about four digits."""
    if abs(value) >= 1000:
        return f"{value:.0f}"
    return f"{value:.{1 if abs(value) >= 100 else 2 if abs(value) >= 10 else 3}f}"
