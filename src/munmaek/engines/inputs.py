"""Addresses that Spark reads, as rows of bytes, so that workers see what its readers change."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from munmaek.engines.work import Reading
from munmaek.errors import InputError
from munmaek.text.columns import TEXT_NAMES, Column
from munmaek.text.corpora import corpus_name
from munmaek.text.files import format_suffix
from munmaek.text.forms import Form, form_of
from munmaek.text.memory import Sources
from munmaek.text.sources import File, is_address
from munmaek.text.tables import found_key

__all__ = ["Frame", "frames_of", "parquet_of", "raw_sample", "spark_path"]

_SAMPLE = 1000
_READ = "text, JSON lines (.jsonl) and Parquet (.parquet)"


@final
@dataclass(frozen=True, slots=True)
class Frame:
    """Rows of one form."""

    rows: Any
    """A data frame of one column of bytes."""
    reading: Reading


def frames_of(session: Any, paths: Sources, *, column: str | int | None = None) -> list[Frame]:
    """Return the rows of addresses, a frame for each form among them.

    Args:
        session: of Spark.
        paths: names of files, folders and addresses; patterns will do.
        column: name of a table's column; None finds it.

    Raises:
        InputError: no such file, standard input, or a form that Spark does not read by the row.
    """
    by_form: dict[Form | None, list[str]] = {}
    for path in paths:
        place = spark_path(path)
        by_form.setdefault(_form(session, str(path), place, column), []).append(place)
    return [
        _cells(session, places, column)
        if form is None
        else Frame(_raw(session, places), Reading(corpus_name(places), form, column))
        for form, places in by_form.items()
    ]


def spark_path(path: object) -> str:
    """Return how Spark is told a name: a file of this machine with its whole path.

    Raises:
        InputError: standard input, another encoding than UTF-8, or no such file.
    """
    name = str(path)
    if isinstance(path, File):
        message = f"{name}: Spark reads UTF-8 alone; leave out --encoding {path.encoding}"
        raise InputError(message)
    if name == "-":
        raise InputError("-: workers cannot read standard input; give a file or an address")
    if is_address(name):
        return name
    place = Path(name).absolute()
    if not any(mark in name for mark in "*?[{") and not place.exists():
        message = f"{name}: no such file"
        raise InputError(message)
    return f"file://{place}"


def _raw(session: Any, places: Sequence[str]) -> Any:
    # Spark ends lines at a lone CR too unless it is told otherwise, and keeps bytes as they are.
    lines = session.read.option("lineSep", "\n").text(list(places))
    return lines.select(lines["value"].cast("binary"))


def _form(session: Any, name: str, place: str, column: str | int | None) -> Form | None:
    """Return the form of what is at an address; None for tables of Parquet.

    Raises:
        InputError: another form.
    """
    if format_suffix(name) == ".parquet":
        return None
    first = raw_sample(Frame(_raw(session, [place]), Reading(name, None)))
    if not first:
        message = f"{name}: the file is empty"
        raise InputError(message)
    form = form_of(name, b"\n".join([*first, b""]))
    if form not in (Form.LINES, Form.JSONL) or (form is Form.LINES and column is not None):
        what = "plain lines, which have no columns" if form is Form.LINES else form.value
        message = f"{name}: {what}; Spark reads {_READ}"
        raise InputError(message)
    return form


def raw_sample(frame: Frame) -> list[bytes]:
    """Return the first rows of a frame."""
    return [bytes(row[0] or b"") for row in frame.rows.limit(_SAMPLE).collect()]


def parquet_of(session: Any, paths: Sources) -> Any:
    """Return the tables of Parquet at addresses, whole."""
    return session.read.parquet(*map(spark_path, paths))


def _cells(session: Any, places: Sequence[str], column: str | int | None) -> Frame:
    """Return the text's column of tables of Parquet.

    Raises:
        InputError: there is none.
    """
    table, name = session.read.parquet(*places), corpus_name(places)
    names = dict.fromkeys(table.columns)
    key = found_key(names, Column("text", TEXT_NAMES, column))
    if key is None:
        known = ", ".join(map(repr, names))
        message = f"{name}: no column of texts among {known}; give --text-column"
        raise InputError(message)
    rows = table.select(table[f"`{key}`"].cast("string").cast("binary"))
    return Frame(rows, Reading(name, None))
