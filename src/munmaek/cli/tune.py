"""``munmaek tune``: a search for the options that train the best model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final

import typer

from munmaek.cli.chosen import ByTask, Chosen
from munmaek.cli.console import seconds_text, write, write_json, write_message
from munmaek.cli.options import data_argument
from munmaek.cli.parameters import Given, Parameters
from munmaek.cli.stopping import INTERRUPTED, listening
from munmaek.cli.train import BESIDES, EXTRA, RUNNING
from munmaek.errors import ConfigError
from munmaek.models import Stage, stages_for
from munmaek.tasks import Task
from munmaek.terminal import told

__all__ = ["BY_TASK", "TUNING"]

SHOWN: Final = 10
"""Trials in the table, the best first."""
TUNING: Final[Parameters] = {
    "trials": (
        Annotated[
            int,
            typer.Option(min=1, help="Models to train, those given up early among them."),
        ],
        20,
    ),
    "only": (
        Annotated[
            list[str] | None,
            typer.Option(
                metavar="OPTION",
                show_default=False,
                help="Search this option, rather than all that have a range and are not given; "
                "again for more.",
            ),
        ],
        None,
    ),
    "jobs": (
        Annotated[int, typer.Option(min=1, help="Processes, each with a trial at a time.")],
        1,
    ),
    **{name: each for name, each in RUNNING.items() if name != "seeds"},
}
"""Options of every task that are no part of the configuration."""


def parameters(task: Task, _stages: Sequence[Stage]) -> Parameters:
    """Return what stands beside the configuration of a task."""
    besides = {name: BESIDES[name] for name in EXTRA if name in task.besides}
    return {"data": (Annotated[list[str], data_argument(task.reads)], ...), **TUNING, **besides}


def tune(chosen: Chosen, given: Given) -> None:
    """Search for the options that train the best model.

    Options that are given stay as they are, the others with a range are varied. --budget is the
    time of the whole search; that of each trial is --set train.budget=2m. Beside the model,
    DIR.trials has a table of all trials, a figure and the best options for train --config.
    """
    from munmaek.durations import parse_duration

    if given["output"] is None:
        message = f"Missing option '--output' / '-o'; see 'munmaek tune {chosen.task.name} --help'"
        raise ConfigError(message)
    total = given.get("budget")
    seconds = parse_duration(total, where="--budget") if isinstance(total, str) else total
    recipe = replace(chosen, given={**given, "budget": None}).recipe()
    with listening() as stopper, told(f"{recipe.stage} ({recipe.task})") as report:

        def should_stop() -> bool:
            stopper.running = True  # asked after every step, so there is something to keep
            return stopper.asked

        found = _tuned(_search(recipe, given, seconds), report, should_stop)
    _sum_up(found, json=given["json"])
    if found.interrupted:
        write_message("stopped early; the same command with --resume goes on")
        raise SystemExit(INTERRUPTED)


def _search(recipe: Any, given: Mapping[str, Any], seconds: float | None) -> Any:
    from munmaek.fit.devices import usable_device
    from munmaek.fit.extra import Extra
    from munmaek.tuning.study import Search

    return Search(
        recipe,
        given["data"],
        given["output"],
        valid=given["valid"] or (),
        init=given["init"],
        trials=given["trials"],
        seconds=seconds,
        only=given["only"] or (),
        jobs=given["jobs"],
        device="cpu" if recipe.is_counted else usable_device(given["device"]),
        extra=Extra(**{name: given[name] for name in EXTRA if given.get(name)}),
        log_to=given["log_to"],
        force=given["force"],
        resume=given["resume"],
    )


def _tuned(search: Any, report: Any, should_stop: Any) -> Any:
    from munmaek.tuning.results import write_results
    from munmaek.tuning.trials import tune_recipe

    found = tune_recipe(search, report=report, should_stop=should_stop)
    write_results(found)
    return found


def _sum_up(found: Any, *, json: bool) -> None:
    """Write the best trials, and what to do with them."""
    from munmaek.tuning.results import to_json
    from munmaek.tuning.study import signed, trials_folder

    if json:
        write_json(to_json(found))
        return
    metric, place = found.metric, trials_folder(found.search.folder)
    scored = [each for each in found.trials if metric in each.scores]
    scored.sort(key=lambda each: -signed(each.scores, metric))
    write(f"trial  {metric:>18}  {'time':>9}  state      options")
    for each in scored[:SHOWN]:
        options = "  ".join(f"{name}={_short(value)}" for name, value in each.options.items())
        write(
            f"{each.number:>5}  {each.scores[metric]:>18.4f}  {seconds_text(each.seconds):>9}  "
            f"{each.state:9}  {options}"
        )
    states = [each.state for each in found.trials]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    write(f"\n{found.search.folder}: trial {found.best.number} of {len(states)} ({counts})")
    write_message(f"all trials: {place / 'trials.csv'}, {place / 'trials.html'}")
    write_message("next:")
    toml = place / "best.toml"
    write_message(f"  munmaek train {found.search.recipe.task} DATA --config {toml} -o DIR")


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def examples(task: Task) -> Sequence[str]:
    """Return commands for the end of a task's help."""
    stage = stages_for(task.name)[-1].name
    return (f"munmaek tune {task.name} DATA --model {stage} --trials 20 --budget 1h -o best",)


BY_TASK: Final = ByTask(tune, parameters, examples)
