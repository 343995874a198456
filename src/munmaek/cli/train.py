"""``munmaek train``: a command for each task, with the options of the task and its stages."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from munmaek.cli.choosing import choose_and_train
from munmaek.cli.chosen import ByTask, Chosen, of_stage
from munmaek.cli.counting import CountingEngine, Memory, ReservedWords, TempDir, Threads, room_for
from munmaek.cli.labelled import Curve, Folds, Seeds, SoftLabels, sizes_and_seeds
from munmaek.cli.options import (
    ConfigFile,
    Device,
    Force,
    Json,
    LogTo,
    Settings,
    Valid,
    data_argument,
)
from munmaek.cli.parameters import DATA, MODEL, Given, Parameters
from munmaek.cli.training import Job, forecast, train_folds, train_once, train_several
from munmaek.errors import ConfigError
from munmaek.models import Stage
from munmaek.tasks import Task

__all__ = ["BESIDES", "BY_TASK", "RUNNING"]

RUNNING: Final[Parameters] = {
    "valid": (Valid, None),
    "dry_run": (
        Annotated[
            bool,
            typer.Option(
                "--dry-run",
                help="Take a few steps and write what the run will cost: parameters, memory, speed "
                "and time.",
            ),
        ],
        False,
    ),
    "init": (
        Annotated[
            Path | None,
            typer.Option(
                metavar="DIR",
                show_default=False,
                rich_help_panel=MODEL,
                help="Begin from this model: the same stage and task, or what was pre-trained: a "
                "bert for classify, regress, tag and embed, an rnn with lm for classify.",
            ),
        ],
        None,
    ),
    "output": (
        Annotated[
            Path | None,
            typer.Option(
                "--output", "-o", metavar="DIR", show_default=False, help="Folder of the new model."
            ),
        ],
        None,
    ),
    "resume": (
        Annotated[
            bool, typer.Option("--resume", help="Go on with an interrupted run of this command.")
        ],
        False,
    ),
    "force": (Force, False),
    "device": (Device, "auto"),
    "config": (ConfigFile, None),
    "set": (Settings, None),
    "log_to": (LogTo, None),
    "seeds": (Seeds, None),
    "folds": (Folds, None),
    "json": (Json, False),
}
"""Options of every task that are no part of the configuration."""

BESIDES: Final[Parameters] = {
    "alignment_supervision": (
        Annotated[
            str | None,
            typer.Option(
                metavar="FILE|statistical",
                show_default=False,
                rich_help_panel=DATA,
                help="Word links that attention is trained toward: marks, a line of Pharaoh links "
                "for each pair, or those of the built-in aligner.",
            ),
        ],
        None,
    ),
    "back_translated": (
        Annotated[
            list[str] | None,
            typer.Option(
                metavar="FILE",
                show_default=False,
                rich_help_panel=DATA,
                help="More training pairs whose sources a model made of the targets: a table, or "
                "twice for two files, source first.",
            ),
        ],
        None,
    ),
    "soft_labels": (SoftLabels, None),
    "curve": (Curve, None),
    "engine": (CountingEngine, None),
    "memory": (Memory, None),
    "temp_dir": (TempDir, None),
    "threads": (Threads, None),
    "reserved": (ReservedWords, None),
    "cache_tokens": (
        Annotated[
            bool | None,
            typer.Option(
                "--cache-tokens/--no-cache-tokens",
                show_default=False,
                rich_help_panel=DATA,
                help="Keep the tokens of the text in a file beside the model, to train from and to "
                "reuse, so that it may be larger than memory; without it, where its files have 64 "
                "MB and more.",
            ),
        ],
        None,
    ),
}
"""Options that only the tasks have whose rows name them."""
COUNTING: Final = ("memory", "temp_dir", "threads", "reserved")
EXTRA: Final = ("alignment_supervision", "back_translated", "soft_labels")


def parameters(task: Task, stages: Sequence[Stage]) -> Parameters:
    """Return what stands beside the configuration of a task, for some of its stages."""
    counted = any(each.counted for each in stages)
    besides = [each for each in task.besides if counted or each not in ("engine", *COUNTING)]
    return {
        "data": (Annotated[list[str], data_argument(task.reads)], ...),
        **RUNNING,
        **{name: BESIDES[name] for name in besides},
    }


def train(chosen: Chosen, given: Given) -> None:
    """Train a model on your own text.

    It is evaluated and saved as a folder. Ctrl-C stops, evaluates and saves; --resume goes on.
    Without --model the stages that suit the task are tried within --budget: the best gets the rest
    of it, and is mixed with what is counted where held-out data say that it pays.
    """
    if not chosen.names_stage:
        choose_and_train(chosen, given, ["engine", *EXTRA, *COUNTING])
        return
    counting = {name: given.get(name) for name in ("engine", *COUNTING)}
    room = _room(chosen, given)
    recipe = chosen.recipe()
    of_stage(recipe, counting)
    single = {f"--{name.replace('_', '-')}": given.get(name) for name in EXTRA}
    several = sizes_and_seeds(given["seeds"], given.get("curve"), recipe=recipe, single=single)
    if given.get("engine") is not None:
        _check_engine(given, single)
    if given.get("dry_run"):
        nowhere = {**given, "output": given["output"] or Path()}
        forecast(_job(recipe, nowhere, room), json=given["json"])
        return
    job = _job(recipe, given, room)
    if given["folds"] is not None:
        _check_folds(given, single)
        train_folds(job, given["folds"], json=given["json"])
    elif several is not None:
        sizes, seeds = several
        train_several(job, sizes=sizes, seeds=seeds, json=given["json"])
    else:
        train_once(job, json=given["json"])


def _check_folds(given: Given, single: Mapping[str, Any]) -> None:
    """Refuse what cross-validation cannot have beside it."""
    beside = {"--valid": given["valid"], "--seeds": given["seeds"], "--curve": given.get("curve")}
    _check_beside("--folds", {**beside, **single})


def _check_engine(given: Given, single: Mapping[str, Any]) -> None:
    """Refuse what an engine cannot have beside it."""
    names = ("folds", "seeds", "curve", "dry_run", "init", "resume", "log_to")
    beside = {f"--{name.replace('_', '-')}": given.get(name) for name in names}
    _check_beside("--engine", {**beside, **single})


def _check_beside(option: str, others: Mapping[str, Any]) -> None:
    """Refuse options that do not go together with one.

    Raises:
        ConfigError: names both.
    """
    for other, value in others.items():
        if value:
            message = f"{option} and {other} do not go together; leave one of them out"
            raise ConfigError(message)


def _room(chosen: Chosen, given: Given) -> Any:
    """Return memory for counting words of plain text in, touched while all else is imported."""
    counts = chosen.stage == "ngram" and "memory" in chosen.task.besides
    beyond = given.get("memory") is not None or given.get("engine") is not None
    words = given.get("tokenizer") == "words" and not beyond
    return room_for(given["data"], given["order"]) if counts and words else None


def _job(recipe: Any, given: Mapping[str, Any], room: Any) -> Job:
    """Return the run.

    Raises:
        ConfigError: no folder is given for the model.
    """
    from munmaek.fit.extra import Extra

    if given["output"] is None:
        message = f"Missing option '--output' / '-o'; see 'munmaek train {recipe.task} --help'"
        raise ConfigError(message)
    if given.get("cache_tokens") and recipe.is_counted:
        raise ConfigError("--cache-tokens: is for networks; n-grams have --memory")
    from munmaek.fit.ranks import restarted
    from munmaek.pipeline import work_folder

    besides = {name: given[name] for name in (*EXTRA, *COUNTING) if given.get(name)}
    again = restarted() and work_folder(given["output"]).exists()
    return Job(
        recipe,
        given["data"],
        given["output"],
        valid=given["valid"] or (),
        init=given["init"],
        force=given["force"] and not again,
        resume=given["resume"] or again,
        device=given["device"],
        extra=Extra(**besides, room=room),
        log_to=given["log_to"],
        engine=given.get("engine"),
        cached=given.get("cache_tokens"),
    )


def examples(task: Task) -> Sequence[str]:
    """Return commands for the end of a task's help."""
    return task.examples


BY_TASK: Final = ByTask(train, parameters, examples)
