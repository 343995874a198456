"""``munmaek config``: every option of a task and stage, as a file that ``--config`` reads."""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Annotated, Any, Final

import typer

from munmaek.cli.chosen import ByTask, Chosen
from munmaek.cli.console import write, write_json
from munmaek.cli.options import ConfigFile, Json, Settings
from munmaek.cli.parameters import OWN, TRAINING, Given, Parameters
from munmaek.declared import Field, fields_of
from munmaek.models import Stage, stage_named, stages_for
from munmaek.planning.said import language_here, paragraph
from munmaek.tasks import Task, task_named
from munmaek.toml import toml_value

__all__ = ["BESIDE", "BY_TASK"]

BESIDE: Final[Parameters] = {
    "data": (
        Annotated[
            list[str] | None,
            typer.Argument(
                metavar="[DATA]...",
                show_default=False,
                help="Training data: what its budget chooses is printed as given.",
            ),
        ],
        None,
    ),
    "config": (ConfigFile, None),
    "set": (Settings, None),
    "json": (Json, False),
}


def config(chosen: Chosen, given: Given) -> None:
    """Print every option with its value, meaning and bounds, as a file for --config.

    Values are those of the task and stage, and of whatever else is given. An option that is not
    given is commented out, so that the file says what was chosen and shows the rest. With DATA the
    budget chooses first, as train does on this machine, and says why.
    """
    recipe, plan = chosen.recipe(), None
    if given["data"]:
        recipe, plan = _planned(recipe, given["data"])
    rows = list(_rows(chosen, recipe))
    if given["json"]:
        options = [_row(section, field, value) for section, field, value, _ in rows]
        told: dict[str, Any] = {"task": recipe.task, "stage": recipe.stage, "options": options}
        write_json(told if plan is None else {**told, "plan": plan.to_json()})
        return
    if plan is not None:
        for line in wrap(paragraph(plan.to_json(), recipe.stage, language_here()), 98):
            write(f"# {line}")
    write(f"# munmaek train {recipe.task} DATA --config THIS-FILE -o DIR")
    write(f'\nstage = "{recipe.stage}"')
    before = ""
    for section, field, value, said in rows:
        if section != before:
            write(f"\n[{section}]")
        before = section
        for line in _lines(field, value, said=said):
            write(line)


def _planned(recipe: Any, data: Sequence[str]) -> tuple[Any, Any]:
    """Return the recipe as its budget fills it for the data, and the plan; None plans nothing."""
    from munmaek.fit.running import Running
    from munmaek.planning.making import planner_of
    from munmaek.text.sources import encoded

    work = task_named(recipe.task).loaded()
    planner = planner_of(None, Running(), resume=False)
    facts = work.facts(work.read(encoded(data, recipe.encoding), recipe))
    plan = None if planner is None or facts is None else planner(recipe, facts)
    return (recipe if plan is None else plan.filled(recipe)), plan


def _rows(chosen: Chosen, recipe: Any) -> Iterator[tuple[str, Field, Any, bool]]:
    """Yield section, field, value, and whether it was chosen, of every option."""
    stage, training = recipe.stage_config(), recipe.train_config()
    sections = {
        "": (fields_of(chosen.task.recipe), recipe, recipe.model_fields_set),
        "model": (fields_of(stage_named(recipe.stage).config), stage, recipe.model),
        "train": (fields_of(TRAINING), training, recipe.train),
    }
    for section, (fields, values, said) in sections.items():
        for name, field in fields.items():
            if section or name not in OWN:
                yield section, field, getattr(values, name), name in said


def _lines(field: Field, value: Any, *, said: bool) -> Iterator[str]:
    """Return an option with a comment on it; one that was not chosen is commented out."""
    limits = ", ".join(filter(None, ["|".join(field.choices), field.range]))
    text = f"{field.doc} [{limits}]" if limits else field.doc
    yield ""
    yield from wrap(text, 98, initial_indent="# ", subsequent_indent="# ")
    shown = f"{field.name} = {'' if value is None else toml_value(value)}".rstrip()
    yield shown if said else f"#{shown}"


def _row(section: str, field: Field, value: Any) -> dict[str, Any]:
    key = f"{section}.{field.name}" if section else field.name
    plain = value.model_dump() if hasattr(value, "model_dump") else value
    bounds = {"choices": list(field.choices), "bounds": dict(field.bounds)}
    return {"key": key, "value": plain, **bounds, "meaning": field.doc}


def parameters(_task: Task, _stages: Sequence[Stage]) -> Parameters:
    """Return what stands beside the configuration."""
    return BESIDE


def examples(task: Task) -> Sequence[str]:
    """Return commands for the end of a task's help."""
    stage = stages_for(task.name)[-1].name
    return (
        f"munmaek config {task.name} --model {stage} > {stage}.toml",
        f"munmaek config {task.name} --model {stage} --budget 30m DATA",
    )


BY_TASK: Final = ByTask(config, parameters, examples)
