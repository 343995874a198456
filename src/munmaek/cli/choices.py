"""What a person chose for training: the TOML file, and the command line in front of it."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from munmaek.cli.durations import parse_duration
from munmaek.errors import ConfigError

__all__ = ["joined", "known_task", "merged", "place", "usable_device"]


def place(config: Path | None) -> str:
    """Where options come from, for messages."""
    return "the command line" if config is None else str(config)


def merged(
    config: Path | None,
    options: Mapping[str, Any],
    tables: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    """The file's options under those of the command line; what is None was not given.

    Args:
        config: a TOML file, or None.
        options: names and values of the recipe.
        tables: names and values within its tables, by table.

    Raises:
        InputError: the file is missing.
        ConfigError: it is not TOML, a table is none, or a budget is no span of time.
    """
    from munmaek.fit.recipe import read_toml

    out = dict(read_toml(config)) if config is not None else {}
    for name, values in tables.items():
        table = out.get(name, {})
        if not isinstance(table, dict):
            message = f"{place(config)}: {name} must be a table, written [{name}]"
            raise ConfigError(message)
        out[name] = {**cast("dict[str, Any]", table), **_given(values)}
    training: dict[str, Any] = out.get("train", {})
    if isinstance(budget := training.get("budget"), str):
        training["budget"] = parse_duration(budget, where=f"{place(config)}: budget =")
    return {**out, **_given(options)}


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def known_task(task: str) -> str:
    """The task, if there is one of that name.

    Raises:
        ConfigError: there is none; lists them.
    """
    from munmaek.tasks import task_named

    return task_named(task).name


def usable_device(name: str) -> str:
    """The device of that name, or for ``auto`` the fastest that is there.

    Raises:
        ConfigError: it cannot be used on this machine.
    """
    if name == "cpu" or (name == "auto" and find_spec("torch") is None):
        return "cpu"

    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:  # the latter where torch was built without
        message = f"--device {name}: cannot be used here; give cpu or auto"
        raise ConfigError(message) from error
    return name


def joined(device: str) -> str:
    """The device of this process, once it has joined those that torchrun started with it."""
    from munmaek.fit.ranks import several

    if not several():
        return device
    from munmaek.fit.processes import join

    return join(device)
