"""Any model over a table of Spark: its folder shipped once, opened once in each process."""

import atexit
import hashlib
import json
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Literal

from munmaek.engines.asking import AnswerColumns, Asking
from munmaek.engines.sessions import explaining, mapped, spark_module
from munmaek.errors import ConfigError, UnsupportedError, explaining_missing_torch
from munmaek.fit.trained import Trained
from munmaek.folder.manifest import MANIFEST
from munmaek.tasks import task_named
from munmaek.tasks.answering import Answering, answers_of
from munmaek.tasks.loading import load
from munmaek.tasks.predicting import NewNames
from munmaek.text.columns import Column
from munmaek.text.tables import found_key

__all__ = ["answer_columns", "apply", "asking_of", "ship"]

_SAMPLE = ("나는 오늘 학교에 간다 .", "The cat sat on the mat .", "a")
"""Texts whose answers tell the types of columns."""
_shipped: dict[tuple[int, str], str] = {}
"""Names of the archives that a session has, by its identity and the model's."""


@explaining_missing_torch()
def apply(
    model: Trained | Path | str,
    frame: Any,
    *,
    text: str | int | None = None,
    on_error: Literal["stop", "skip"] = "stop",
    **options: Any,
) -> Any:
    """Return a data frame of Spark with what a model says of each row in new columns.

    Rows have the answers and columns the names that ``munmaek.predict`` gives on one machine. A
    frame that is streamed gives one that is streamed.

    Args:
        model: a trained model, or its folder.
        frame: a data frame of PySpark, of a session in this process or through Spark Connect.
        text: name or number of the text's column; None finds it.
        on_error: ``stop`` at a row that cannot be read or answered, or ``skip`` it.
        options: those of the task's verb, such as ``beam=1`` of a translator.

    Raises:
        ArtefactError: no model there.
        ConfigError: an option that there is not, or a column that the frame has not.
        UnsupportedError: PySpark is missing, or the verb needs all rows at once.
    """
    spark_module()
    trained: Any = load(model) if isinstance(model, str | Path) else model
    kind = task_named(trained.info.task).answering_class()
    given = options if text is None else {**options, "text_column": text}
    answering = kind(trained, kind.options.of(given, where="the options"))
    folder = Path(model) if isinstance(model, str | Path) else _saved(trained)
    archive = ship(frame.sparkSession, folder)
    return answer_columns(answering, given, archive, frame, on_error=on_error)


def answer_columns(
    answering: Answering,
    options: Mapping[str, Any],
    archive: str,
    frame: Any,
    *,
    on_error: Literal["stop", "skip"] = "stop",
) -> Any:
    """Return a frame with the answers of a model that is open here and shipped; see ``apply``."""
    keys = [_key(frame.columns, column) for column in answering.columns]
    names = NewNames(frozenset(frame.columns), "the frame")
    kinds = _types(answering)
    new = tuple((name, names.of(name), kinds[name]) for name in answering.new)
    types: Any = import_module("pyspark.sql.pandas.types")
    arrow = import_module("pyarrow")
    added = types.from_arrow_schema(arrow.schema([(name, kind) for _, name, kind in new]))
    schema = spark_module("pyspark.sql.types").StructType([*frame.schema.fields, *added.fields])
    asking = asking_of(answering, options, archive)
    return mapped(frame, AnswerColumns(asking, tuple(keys), new, on_error), schema)


def asking_of(
    answering: Answering, options: Mapping[str, Any], archive: str, *, whole: bool = False
) -> Asking:
    """Return what workers are to ask of a shipped model, ``whole`` with what only JSON shows.

    Raises:
        UnsupportedError: it answers all rows at once.
    """
    if answering.block is None:
        message = f"{answering.use or 'this'}: answers all rows at once, which no worker has"
        raise UnsupportedError(message)
    return Asking(archive, type(answering), json.dumps(dict(options), default=str), whole)


def _key(names: Sequence[str], column: Column) -> str:
    """Return the name of a column of a frame.

    Raises:
        ConfigError: there is none.
    """
    if isinstance(column.asked, int):
        key = names[column.asked] if 0 <= column.asked < len(names) else None
    else:
        key = found_key(dict.fromkeys(names), column)
    if key is None:
        known = ", ".join(map(repr, names))
        wanted = f"no column {column.asked!r}" if column.asked is not None else "none of them known"
        message = f"the frame has the columns {known}, {wanted} as the {column.role}; name it"
        raise ConfigError(message)
    return key


def _types(answering: Answering) -> dict[str, Any]:
    """Return the type of each new column in Arrow, by what is said of a few texts."""
    width = len(answering.columns)
    found = answers_of(answering, [(text,) * width for text in _SAMPLE])
    return {
        name: _type(next((each[name] for each in found if each.get(name) is not None), None))
        for name in answering.new
    }


def _type(value: Any) -> Any:
    """Return the type of a column: records and lists of anything but numbers are JSON."""
    arrow = import_module("pyarrow")
    if value is None or isinstance(value, str | Mapping):
        return arrow.string()
    kind = arrow.array([value]).type
    nested = arrow.types.is_nested(kind)
    if nested and not (arrow.types.is_list(kind) and arrow.types.is_floating(kind.value_type)):
        return arrow.string()
    return kind


# Shipping


def ship(session: Any, folder: Path) -> str:
    """Return the name under which workers have a model's folder, sent once in each session."""
    digest = hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest()[:16]
    known = (id(session), digest)
    if known not in _shipped:
        name = f"munmaek-{digest}"
        archive = _packed(folder, name)
        with explaining("shipping the model"):
            # A session in this process has a context, one through Connect has none.
            if hasattr(session, "_jsparkSession"):
                session.sparkContext.addArchive(f"{archive}#{name}")
            else:
                session.addArtifacts(f"{archive}#{name}", archive=True)
        _shipped[known] = name
    return _shipped[known]


def _packed(folder: Path, name: str) -> Path:
    """Write a folder as an archive that stays as long as this process."""
    place = Path(mkdtemp(prefix="munmaek-shipped-"))
    _remove_at_end(place)
    archive = place / f"{name}.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                packed.write(path, path.relative_to(folder))
    return archive


def _saved(trained: Trained) -> Path:
    place = Path(mkdtemp(prefix="munmaek-model-"))
    _remove_at_end(place)
    trained.save(place / "model")
    return place / "model"


def _remove_at_end(place: Path) -> None:
    atexit.register(shutil.rmtree, place, ignore_errors=True)
