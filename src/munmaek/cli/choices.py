"""What a person chose for training: the TOML file, and the command line in front of it."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from munmaek.errors import ConfigError

__all__ = ["joined", "known_task", "merged", "place", "usable_device"]


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
