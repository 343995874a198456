"""``munmaek compare``."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from munmaek.cli.board import board, write_remarks
from munmaek.cli.chosen import meant, merged, named, place, written_by_set
from munmaek.cli.compared import check_format, seeds_of, write_rows, write_tests
from munmaek.cli.console import write, write_json
from munmaek.cli.figures import Figures, write_report_figures
from munmaek.cli.options import (
    ConfigFile,
    DataFiles,
    Device,
    Force,
    Json,
    LogTo,
    Settings,
    Valid,
    examples,
)
from munmaek.cli.parameters import Given, Option, Parameters, command, task_options
from munmaek.declared import fields_of
from munmaek.errors import ConfigError
from munmaek.figures import check_figures
from munmaek.fit.devices import usable_device
from munmaek.models import stage_named, stages_for
from munmaek.tasks import Task, task_named

__all__ = ["PARAMETERS", "command_for"]

USUAL: Final = "lm"
PARAMETERS: Final[Parameters] = {
    "data": (DataFiles, ...),
    "models": (
        Annotated[
            str | None,
            typer.Option(
                metavar="A,B,C",
                show_default=False,
                help="Stages to train, STAGE@DIR to begin from a trained one, or trained folders.",
            ),
        ],
        None,
    ),
    "task": (
        Annotated[
            str,
            typer.Option(
                metavar="TASK", help="lm, classify, regress, tag, translate, mlm or embed."
            ),
        ],
        USUAL,
    ),
    "output": (
        Annotated[
            Path | None,
            typer.Option(
                "--output",
                "-o",
                metavar="DIR",
                show_default=False,
                help="Folder of report.html, results.json and the models; without it only the "
                "table.",
            ),
        ],
        None,
    ),
    "figures": (Figures, None),
    "format": (
        Annotated[
            str | None,
            typer.Option(
                metavar="latex|markdown|csv",
                show_default=False,
                help="Print the scores as a table for a paper, page or spreadsheet; bold is the "
                "best where the tests tell it from all others.",
            ),
        ],
        None,
    ),
    "valid": (Valid, None),
    "test": (
        Annotated[
            list[str] | None,
            typer.Option(
                metavar="FILE",
                show_default=False,
                rich_help_panel="Data",
                help="Test data, twice for two parallel files; else the validation data.",
            ),
        ],
        None,
    ),
    "beam": (
        Annotated[int, typer.Option(min=1, metavar="N", help="Beam of translators.")],
        5,
    ),
    "ter": (
        Annotated[
            bool,
            typer.Option(
                "--ter/--no-ter", help="Count the edits of translators; slow on long sentences."
            ),
        ],
        True,
    ),
    "seeds": (
        Annotated[
            list[str] | None,
            typer.Option(
                metavar="'N N …'",
                show_default=False,
                help="Train each stage once with each seed, on the same split: the table has the "
                "mean and ± the standard deviation over them.",
            ),
        ],
        None,
    ),
    "resume": (
        Annotated[
            bool,
            typer.Option("--resume", help="Go on with an interrupted comparison of this command."),
        ],
        False,
    ),
    "force": (Force, False),
    "device": (Device, "auto"),
    "log_to": (LogTo, None),
    "config": (ConfigFile, None),
    "set": (Settings, None),
    "json": (Json, False),
}
"""Options beside those of the task and of the training loop."""


def compare(given: Given) -> None:
    """Train several stages on the same data, side by side.

    Each gets the same budget. A table grows as they are trained; with -o a report is written, and
    --resume goes on after an interruption. Without --models DATA are the folders of earlier
    comparisons, or of evaluations with -o, on the same test data: their models as one table.
    """
    if given["figures"] is not None:
        check_figures()
    check_format(given["format"])
    if given["models"] is None:
        _write_results(_earlier(given), given)
        return
    task, output, names = task_named(given["task"]), given["output"], given["models"].split(",")
    values = _values(task, given)
    by_stage: Any = values.pop("models", {})

    from munmaek.comparison import CompareSettings, parse_candidate
    from munmaek.comparison import compare as run

    candidates = tuple(parse_candidate(each.strip()) for each in names if each.strip())
    settings = CompareSettings(
        recipe=_recipe(task, values, candidates, place(given["config"]), by_stage),
        candidates=candidates,
        train=given["data"],
        valid=given["valid"] or (),
        test=given["test"] or (),
        folder=output,
        force=given["force"],
        resume=given["resume"],
        device=usable_device(given["device"]),
        log_to=given["log_to"],
        measuring=_measuring(task, given),
        seeds=seeds_of(given["seeds"], candidates),
        title=f"{task.name}: {', '.join(given['data'])}",
        command=shlex.join(["munmaek", *sys.argv[1:]]),
        models=by_stage,
    )
    with board(sys.stderr if given["json"] else None) as report:
        results = run(settings, report)
    _write_results(results, given)


def _write_results(results: Mapping[str, Any], given: Given) -> None:
    """Write figures where asked for, and the results in the form that is asked for."""
    output = given["output"]
    if given["figures"] is not None:
        _draw(results, given["figures"])
    if given["format"] is not None:
        from munmaek.comparison.exported import exported

        write(exported(results, given["format"]).rstrip("\n"))
    elif given["json"]:
        write_json(results)
    else:
        if given["models"] is None:
            write_rows(results)
        write_remarks(results)
        write_tests(results)
    if output is not None and not given["json"] and given["format"] is None:
        write(f"\nreport    {output / 'report.html'}")
        write(f"results   {output / 'results.json'}")
        if given["models"] is not None:
            write(f"models    {output / 'models'}")


def _draw(results: Mapping[str, Any], folder: Path) -> None:
    from munmaek.comparison.report import render_report

    write_report_figures(render_report(results), folder)


def _earlier(given: Given) -> Mapping[str, Any]:
    """Return the results of earlier comparisons or evaluations as one.

    Raises:
        ConfigError: no models are given, and no folders of earlier runs.
        InputError: results cannot be read, or are of other test data.
    """
    from munmaek.comparison.joined import are_runs, joined

    if not are_runs(given["data"]):
        message = (
            "Missing option '--models'; or give folders of earlier comparisons, with results.json "
            "in each"
        )
        raise ConfigError(message)
    command = shlex.join(["munmaek", *sys.argv[1:]])
    folders = [Path(each) for each in given["data"]]
    return joined(folders, folder=given["output"], force=given["force"], command=command)


def _measuring(task: Task, given: Given) -> dict[str, Any]:
    """Return the options of the evaluation that the task has."""
    lengths = (5, 10, 20, 30)  # few enough to stand beside one another for every model
    asked = {"beam": given["beam"], "ter": given["ter"], "lengths": lengths}
    return {name: asked[name] for name in asked.keys() & fields_of(task.asked).keys()}


def _options(task: Task) -> list[Option]:
    """Return the options that all stages of a comparison share."""
    return [each for each in task_options(task, stages_for(task.name)) if each.section != "model"]


def _values(task: Task, given: Given) -> dict[str, Any]:
    """Return the options as a recipe has them, the command line before the file."""
    out: dict[str, Any] = {
        **merged(given["config"], written_by_set(given["set"] or [])),
        "task": task.name,
    }
    for option in _options(task):
        if (value := given[option.identifier]) is not None:
            table = out if option.section == "recipe" else out[option.section]
            table[next(iter(option.keys.values()))] = value
    return out


def _recipe(
    task: Task,
    options: Mapping[str, Any],
    candidates: Sequence[Any],
    where: str,
    by_stage: Mapping[str, Any],
) -> Any:
    """Return the recipe common to all, each stage's own options checked before anything is read."""
    from munmaek.tasks.recipe import Recipe

    for stage, values in by_stage.items():
        if not isinstance(values, dict):
            message = f"{where}: models.{stage} must be a table, written [models.{stage}]"
            raise ConfigError(message)
        stage_named(stage).config_class().of(values, where=f"{where}: [models.{stage}]")
    stages = [each.stage for each in candidates if each.stage is not None]
    stages = stages or [stages_for(task.name)[-1].name]
    recipes = [Recipe.of({**options, "stage": each}, where=where) for each in stages]
    return recipes[0]


def command_for(args: Sequence[str]) -> Any:
    """Return ``munmaek compare`` with the options of the task that ``--task`` names in ``args``."""
    task = task_named(named("--task", args) or USUAL)
    parameters = {**PARAMETERS, **{each.identifier: each.parameter for each in _options(task)}}

    def explain(option: str) -> str:
        name = option.lstrip("-").partition("=")[0]
        if any(each.name == name for each in task_options(task, stages_for(task.name))):
            return f"--{name} is a stage's own: write [models.STAGE] in a file for --config"
        return meant(name, task, stages_for(task.name), PARAMETERS)

    epilog = examples(
        "munmaek compare corpus.txt --models ngram,rnn,transformer --budget 5m -o comparison",
        "munmaek compare reviews.tsv --task classify --models ngram,models/bert -o both",
    )
    return command("compare", compare, parameters, epilog=epilog, explain=explain)
