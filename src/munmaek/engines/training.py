"""Training on an engine: what ``munmaek.train`` gives, the text read and counted elsewhere."""

from pathlib import Path
from typing import Any

from munmaek.engines.address import Engine, open_engine
from munmaek.errors import ConfigError
from munmaek.fit.extra import Extra
from munmaek.fit.recipe import Recipe
from munmaek.fit.running import USUAL, Running
from munmaek.folder.writing import check_free
from munmaek.memory import parse_size
from munmaek.models import stage_named
from munmaek.tasks import task_named
from munmaek.tasks.counting import Counting
from munmaek.text.memory import Sources, Table
from munmaek.text.sources import encoded
from munmaek.writing import claim

__all__ = ["train_on"]

NOTHING_MORE = Extra()


def train_on(
    engine: Engine | str,
    recipe: Recipe,
    paths: Sources,
    *,
    folder: Path,
    valid: Sources = (),
    extra: Extra = NOTHING_MORE,
    running: Running = USUAL,
) -> Any:
    """Train what a recipe says on an engine, and save it.

    Args:
        engine: an engine, or its address; see ``open_engine``.
        recipe: what to train, of a task and a stage that are counted.
        paths: files or addresses that the engine reads.
        folder: where the model is to be.
        valid: the validation data, read on this machine.
        extra: memory and temporary files of DuckDB, threads, the fate of reserved words.
        running: how the call is carried out.

    Raises:
        InputError: data that cannot be used, or ``folder`` exists.
        ConfigError: an option that cannot be used on an engine.
        UnsupportedError: a stage that is not counted; a package, or Java, is missing.
        DiskError: the disk is full.
    """
    stage_named(recipe.stage).network_class(recipe.task)
    recipe.stage_config()
    task = task_named(recipe.task)
    task.check_extra(extra)
    if running.resume:
        raise ConfigError("--engine: --resume is of training; duckdb:FILE goes on by itself")
    if any(isinstance(each, Table) for each in [*paths, *valid]):
        raise ConfigError("--engine: reads files and addresses, no tables in memory; save them")
    work = task.loaded()
    check_free(folder, force=running.force)
    opened = _opened(engine, extra)
    try:
        with claim(folder):
            given = Counting(
                encoded(paths, recipe.encoding),
                encoded(valid, recipe.encoding),
                extra,
                folder,
                running.force,
                running.report,
            )
            return work.count_on(opened, recipe, given)
    finally:
        if isinstance(engine, str):
            opened.close()


def _opened(engine: Engine | str, extra: Extra) -> Engine:
    if not isinstance(engine, str):
        return engine
    memory = parse_size(extra.memory) if isinstance(extra.memory, str) else extra.memory
    return open_engine(engine, memory=memory, place=extra.temp_dir)
