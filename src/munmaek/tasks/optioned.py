"""Options and data as programs give them, each put where it belongs."""

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, Final

from munmaek.errors import ConfigError
from munmaek.fit.config import TrainConfig
from munmaek.fit.extra import Extra
from munmaek.models import stage_named, without_alias
from munmaek.models.configuration import Config
from munmaek.tasks import Task, tasks
from munmaek.text.memory import Sources, given_columns, sources_of

__all__ = ["keys_of", "options_of", "sources_for", "unknown_option"]

_APART: Final = ("task", "stage", "model", "train")
"""Fields of a recipe that are no options of their own."""


def sources_for(task: Task, data: Any) -> Sources:
    """Return what a task's data is read from: a tuple is one column after the other, or files.

    Raises:
        InputError: it is no data, or columns without names that the task does not read.
    """
    return sources_of(given_columns(data), task.loaded().layouts, what=f"'{task.name}'")


def options_of(
    task: Task, stage: str | None, options: Mapping[str, Any]
) -> tuple[dict[str, Any], Extra]:
    """Return a recipe's options, each in its table, and what is trained on besides.

    Raises:
        ConfigError: an option that neither task, stage nor loop has; names the nearest.
    """
    names = {
        "recipe": keys_of(task.recipe_class()),
        "model": {}
        if stage is None
        else keys_of(stage_named(without_alias(stage)[0]).config_class()),
        "train": keys_of(TrainConfig),
        "extra": {each.name: each.name for each in fields(Extra)},
    }
    others = [each.recipe_class().model_fields for each in tasks().values()]
    out: dict[str, dict[str, Any]] = {
        "recipe": {"task": task.name, **({} if stage is None else {"stage": stage})},
        "extra": {},
    }
    for home in ("model", "train"):
        given: Mapping[str, Any] = options.get(f"{home}_options", {})
        out[home] = {names[home].get(name, name): value for name, value in given.items()}
    for name in options.keys() - {"model_options", "train_options"}:
        home = next((home for home, known in names.items() if name in known), None)
        if home is None and not any(name in known for known in others):
            raise ConfigError(
                unknown_option(name, [each for known in names.values() for each in known])
            )
        # What is another task's, its recipe refuses and names that task.
        key = name if home is None else names[home][name]
        out[home or "recipe"][key] = options[name]
    return {**out["recipe"], "model": out["model"], "train": out["train"]}, Extra(**out["extra"])


def keys_of(kind: type[Config]) -> dict[str, str]:
    """Return the keys of a configuration by their names, those of the command line among them."""
    own = {name: name for name in kind.model_fields if name not in _APART}
    return {**{name.replace("-", "_"): key for name, key in kind.options.items()}, **own}


def unknown_option(name: str, known: list[str]) -> str:
    """Return that there is no such option, and which may be meant."""
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(known))}"
    return f"no option {name}; {hint}"
