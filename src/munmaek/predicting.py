"""Predictions for tables that a program holds, or for files, as on the command line."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from munmaek.errors import ConfigError, explaining_missing_torch
from munmaek.fit.trained import Trained
from munmaek.tasks import task_named
from munmaek.tasks.answering import Answering
from munmaek.tasks.loading import load
from munmaek.tasks.predicting import (
    Leaving,
    NewNames,
    answered,
    first_names,
    open_asked,
    predict_to,
)
from munmaek.text.memory import Source, given_columns, sources_of
from munmaek.text.sources import encoded

__all__ = ["predict"]


@explaining_missing_torch()
def predict(
    model: Trained | Path | str,
    *data: Any,
    save: Path | str | None = None,
    force: bool = False,
    skip_empty: bool = False,
    on_error: Literal["stop", "skip"] = "stop",
    **options: Any,
) -> Any:
    """Return a table with what a model says of each of its rows in new columns.

    Args:
        model: a trained model, or its folder.
        data: a table as ``train`` takes it, texts alone, or both sides of pairs; or a file by name.
        save: a file for the rows, in the form that its name tells, instead of returning them.
        force: replace what is at ``save``.
        skip_empty: leave out rows without text, whose answers are else empty.
        on_error: ``stop`` at a row that cannot be read or answered, or ``skip`` it.
        options: those of the task's verb, such as ``text_column="review"`` or ``beam=1``.

    Returns:
        The table, of the kind that was given: a data frame of pandas or Polars, an Arrow table, a
        ``datasets.Dataset``, a list of dicts, else a dict of columns. With ``save``, how many rows
        were ``read``, ``written`` and ``left_out``.

    Raises:
        InputError: data that cannot be used, with its row or line; or ``save`` exists.
        ConfigError: an option that there is not, or a value out of range.
    """
    trained: Any = load(model) if isinstance(model, str | Path) else model
    kind = task_named(trained.info.task).answering_class()
    asked = kind.options.of(options, where="the options")
    answering: Answering = trained.answering(kind, asked)
    source = encoded([_source(data, answering)], asked.encoding)[0]
    leaving = Leaving(skip_empty, on_error)
    if save is not None:
        done = predict_to(Path(save), source, answering, leaving=leaving, force=force)
        return {"read": done.read, "written": done.written, "left_out": done.left_out}
    return _joined(data, source, answering, leaving)


def _source(data: Sequence[Any], answering: Answering) -> Source:
    """Return the one source of rows.

    Raises:
        ConfigError: there are more.
    """
    layout = tuple(column.known[0] for column in answering.columns)
    columns = given_columns(data[0]) if len(data) == 1 else data
    sources = sources_of(columns, [layout], what="predict")
    if len(sources) != 1:
        message = f"predict takes one table at a time, got {len(sources)} files"
        raise ConfigError(message)
    return sources[0]


def _joined(data: Sequence[Any], source: Source, answering: Answering, leaving: Leaving) -> Any:
    """Return the rows with their answers, as what they were given as."""
    rows, taken = first_names(open_asked(source, answering), answering.block)
    names, kept = NewNames(taken, rows.name), list[int]()
    table, new = list[dict[str, Any]](), list[dict[str, Any]]()
    for block in answered(answering, rows, leaving):
        for row, answer in zip(block.rows, block.answers, strict=True):
            table.append(names.joined(row, answer, answering.new))
            new.append({names.of(name): answer.get(name) for name in answering.new})
            kept.append(row.number - 1)
    columns = {name: [each[name] for each in new] for name in map(names.of, answering.new)}
    given = data[0] if len(data) == 1 else None
    if _is_rows(given) or isinstance(given, str | Path):
        return table
    joined = _beside(given, kept, columns)
    if joined is not None:
        return joined
    every = dict.fromkeys(name for row in table for name in row) or columns
    return {name: [row.get(name) for row in table] for name in every}


def _is_rows(given: Any) -> bool:
    return isinstance(given, list) and isinstance(cast("list[Any]", given)[0], Mapping)


def _beside(given: Any, kept: Sequence[int], columns: Mapping[str, Sequence[Any]]) -> Any:
    """Return rows of a table of another package with further columns; None of other data.

    Their packages are told apart by what they can do, so that none is imported.
    """
    if hasattr(given, "iloc"):  # pandas
        return given.iloc[kept].assign(**columns)
    if hasattr(given, "hstack"):  # Polars
        return given[kept].hstack(type(given)(columns))
    if hasattr(given, "append_column"):  # Arrow
        out = given.take(kept)
        for name, values in columns.items():
            out = out.append_column(name, [values])
        return out
    if hasattr(given, "add_column"):  # datasets
        out = given.select(kept)
        for name, values in columns.items():
            out = out.add_column(name, values)
        return out
    return None
