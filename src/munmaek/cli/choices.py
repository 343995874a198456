"""What a person chose for training: the TOML file, and the command line in front of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from munmaek.errors import ConfigError

__all__ = ["known_task", "merged", "place"]


def place(config: Path | None) -> str:
    """Where options come from, for messages."""
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
    from munmaek.models.renamed import renewed

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


def known_task(task: str) -> str:
    """The task, if there is one of that name.

    Raises:
        ConfigError: there is none; lists them.
    """
    from munmaek.tasks import task_named

    return task_named(task).name
