"""A verb with a command for each task, and what was chosen there: a recipe, checked whole."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer

from munmaek.cli.options import examples
from munmaek.cli.parameters import MODEL, TRAINING, Given, Option, Parameters, command, task_options
from munmaek.declared import fields_of
from munmaek.errors import ConfigError
from munmaek.models import Stage, stage_named, stages_for, without_alias
from munmaek.models.renamed import RENAMED, renewed
from munmaek.tasks import Task, task_named, tasks

__all__ = [
    "ByTask",
    "Chosen",
    "meant",
    "merged",
    "named",
    "of_stage",
    "place",
    "written_by_set",
]

SECTIONS: Final = ("model", "train")


def place(config: Path | None) -> str:
    """Return where options come from, for messages."""
    return "the command line" if config is None else str(config)


def merged(config: Path | None, over: Mapping[str, Any]) -> dict[str, Any]:
    """Return the file's options, under names of today, with those of the command line over them.

    Args:
        config: a TOML file, or None.
        over: names and values of the recipe; within its tables, a mapping for each.

    Raises:
        InputError: the file is missing.
        ConfigError: it is not TOML, or a table is none.
    """
    from munmaek.fit.recipe import read_toml

    out = renewed(read_toml(config), "recipe") if config is not None else {}
    for name in {"model", "train", "models"} & {"model", "train", *out}:
        table = out.get(name, {})
        if not isinstance(table, dict):
            message = f"{place(config)}: {name} must be a table, written [{name}]"
            raise ConfigError(message)
        out[name] = renewed(cast("dict[str, Any]", table), name)
    for name, value in renewed(over, "recipe").items():
        out[name] = {**out[name], **renewed(value, name)} if name in ("model", "train") else value
    return out


@dataclass(frozen=True, slots=True)
class Chosen:
    """The task, the options and what a command line gives of them, for a model to train."""

    task: Task
    options: Sequence[Option]
    given: Given

    @property
    def where(self) -> str:
        """Return where options come from, for messages."""
        return place(self.given["config"])

    def values(self) -> dict[str, Any]:
        """Return the options as a recipe has them, the command line before the file.

        Raises:
            InputError: the file is missing.
            ConfigError: no stage, or an option that the stage has not.
        """
        out = merged(self.given["config"], written_by_set(self.given["set"] or []))
        name = self.given["model"] or out.get("stage")
        if name is None:
            able = ", ".join(stage.name for stage in stages_for(self.task.name))
            message = f"which stage? give --model; for '{self.task.name}' there are {able}"
            raise ConfigError(message)
        stage = stage_named(without_alias(name)[0])
        stage.check_task(self.task.name)
        for option in self.options:
            if (value := self.given[option.identifier]) is not None:
                key = option.keys.get(stage.name)
                if key is None:
                    raise ConfigError(_use(option.name, option.keys, stage.name))
                table = out if option.section == "recipe" else out[option.section]
                table[key] = value
        return {**out, "task": self.task.name, "stage": name}

    @property
    def names_stage(self) -> bool:
        """Return whether the command line or the file names a stage."""
        return bool(self.given["model"] or merged(self.given["config"], {}).get("stage"))

    def unstaged(self) -> dict[str, Any]:
        """Return the options of a model whose stage is to be chosen.

        Raises:
            ConfigError: an option of a stage.
        """
        out = merged(self.given["config"], written_by_set(self.given["set"] or []))
        for option in self.options:
            if (value := self.given[option.identifier]) is not None:
                table = out if option.section == "recipe" else out[option.section]
                table[next(iter(option.keys.values()))] = value
        return {**out, "task": self.task.name}

    @property
    def stage(self) -> str | None:
        """Return the stage that the command line names, without alias; None is none."""
        return without_alias(self.given["model"])[0] if self.given["model"] else None

    def recipe(self) -> Any:
        """Return the recipe, checked to the last option before anything is read."""
        from munmaek.tasks.recipe import Recipe

        return Recipe.of(self.values(), where=self.where)


def written_by_set(written: Sequence[str]) -> dict[str, Any]:
    """Return what ``--set`` says, by section and key.

    Raises:
        ConfigError: not of the form ``[SECTION.]KEY=VALUE``.
    """
    out: dict[str, Any] = {}
    for each in written:
        path, equals, value = each.partition("=")
        section, dot, key = path.strip().rpartition(".")
        if not equals or not key or section not in ("", *SECTIONS):
            message = (
                f"--set {each}: wanted KEY=VALUE, model.KEY=VALUE or train.KEY=VALUE; 'munmaek "
                "config TASK --model STAGE' prints every key"
            )
            raise ConfigError(message)
        table = out.setdefault(section, {}) if dot else out
        table[key] = _toml(value.strip())
    return out


def _toml(written: str) -> Any:
    """Return a value as TOML reads it; what is no TOML is text."""
    import tomllib

    try:
        return tomllib.loads(f"value = {written}")["value"]
    except tomllib.TOMLDecodeError:
        return written


def of_stage(recipe: Any, given: Mapping[str, Any]) -> None:
    """Refuse options of counting for a network.

    Raises:
        ConfigError: one is given, and the stage is not counted.
    """
    able = [stage.name for stage in stages_for(recipe.task) if stage.counted]
    for name, value in given.items():
        if value is not None and not recipe.is_counted:
            raise ConfigError(_use(name.replace("_", "-"), able, recipe.stage))


def _use(option: str, able: Sequence[str] | Mapping[str, Any], stage: str) -> str:
    return f"--{option} is for {', '.join(able)}; '{stage}' has no use for it"


@dataclass(frozen=True, slots=True)
class ByTask:
    """A verb that has a command for each task, made when it is asked for."""

    run: Callable[[Chosen, Given], None]
    """Does the work of the verb; its docstring is the help of each task."""
    parameters: Callable[[Task, Sequence[Stage]], Parameters]
    """Returns what stands beside the configuration."""
    examples: Callable[[Task], Sequence[str]]
    """Returns commands for the end of a task's help."""

    def command(self, args: Sequence[str]) -> tuple[str, Any, list[str]]:
        """Return the name and command of the task that ``args`` begin with, and what follows it.

        The command has the options of the stage that is named there, else of all stages.

        Raises:
            UnsupportedError: no task of that name.
        """
        task, rest = task_named(args[0]), list(args[1:])
        chosen = _stages_named(rest, task)
        options, beside = task_options(task, chosen), self.parameters(task, chosen)
        everything: Parameters = {
            **beside,
            "model": (_model(task), None),
            **{option.identifier: option.parameter for option in options},
        }

        def called(given: Given) -> None:
            self.run(Chosen(task, options, given), given)

        called.__doc__ = self.run.__doc__

        def explain(option: str) -> str:
            return meant(option.lstrip("-").partition("=")[0], task, chosen, beside)

        epilog = examples(*self.examples(task))
        made = command(task.name, called, everything, epilog=epilog, explain=explain)
        return task.name, made, rest


def _model(task: Task) -> Any:
    names = [name for each in stages_for(task.name) for name in (each.name, *each.aliases)]
    return Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="STAGE",
            show_default=False,
            rich_help_panel=MODEL,
            help=f"Stage: {', '.join(names)}.",
        ),
    ]


def named(option: str, args: Sequence[str]) -> str | None:
    """Return the value of an option among the arguments, before they are read; None is none."""
    for each, after in zip(args, [*args, ""][1:], strict=True):
        if each == option:
            return after
        if each.startswith(f"{option}="):
            return each.partition("=")[2]
    return None


def _stages_named(args: Sequence[str], task: Task) -> list[Stage]:
    """Return the stage that ``--model`` names among the arguments, else all of the task."""
    able = stages_for(task.name)
    name = without_alias(named("--model", args) or "")[0]
    return [each for each in able if each.name == name] or able


def meant(name: str, task: Task, chosen: Sequence[Stage], beside: Parameters) -> str:
    """Return what may be meant by an option that is not there."""
    return next(_guesses(name, task, chosen, beside), f"no option --{name}")


def _guesses(name: str, task: Task, chosen: Sequence[Stage], beside: Parameters) -> Iterator[str]:
    here = {option.name: option for option in task_options(task, stages_for(task.name))}
    now = RENAMED["recipe"].get(name.replace("-", "_"), "").replace("_", "-")
    if now in here:
        yield f"--{name}: for {task.name} it is --{now}"
    if name in here:
        yield _use(name, here[name].keys, chosen[0].name)
    if name in _names(task):
        able = [each.name for each in stages_for(task.name) if each.counted]
        yield _use(name, able, chosen[0].name)
    others = {each.name: _names(each) for each in tasks().values() if each.name != task.name}
    if able := [f"'{each}'" for each, names in others.items() if name in names]:
        yield f"--{name} is for {' and '.join(able)}, not for '{task.name}'"
    for section, keys in _keys(task, chosen).items():
        if (key := name.replace("-", "_")) in keys:
            yield f"--{name}: write --set {section}{key}=VALUE"
    known = [*here, *(each.replace("_", "-") for each in beside)]
    yield from _close(name, known, others)


def _close(name: str, known: Sequence[str], others: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield what is spelled alike, the closest first, of this task before others."""
    for cutoff in (0.8, 0.6):
        for one in get_close_matches(name, known, n=1, cutoff=cutoff):
            yield f"no option --{name}; did you mean --{one}?"
        for each, names in others.items():
            for one in get_close_matches(name, names, n=1, cutoff=cutoff):
                yield f"no option --{name}; for {each} there is --{one}"


def _names(task: Task) -> list[str]:
    options = [option.name for option in task_options(task, stages_for(task.name))]
    return [*options, *(name.replace("_", "-") for name in task.besides)]


def _keys(task: Task, chosen: Sequence[Stage]) -> dict[str, list[str]]:
    models = [key for stage in chosen for key in fields_of(stage.config)]
    return {"": [*fields_of(task.recipe)], "model.": models, "train.": [*fields_of(TRAINING)]}
