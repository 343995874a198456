"""The work of Spark's workers on tables: a shipped model opened once a process, rows answered.

Rows go through ``munmaek.tasks.predicting`` as they do on one machine, so each has the same answer,
columns have the same names, and faults are told in the same words.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, final

import numpy as np

from munmaek.engines.work import Batches, Reading, raw_rows
from munmaek.filtering.cuts import Cut
from munmaek.filtering.reading import Block, Cells, plain_cells, scored_cells
from munmaek.filtering.workers import opened_measures
from munmaek.tasks.answering import Answering
from munmaek.tasks.measures import MeasuredBy, TextMeasures
from munmaek.tasks.predicting import Leaving, NewNames, answered, open_asked
from munmaek.text.columns import TEXT_NAMES, Column
from munmaek.text.files import decode_lines
from munmaek.text.forms import OpenedText
from munmaek.text.memory import Table, TableRow
from munmaek.text.rows import Row, Rows, rows_of
from munmaek.text.written_lines import JsonLines, Lines, PlainLines, json_line

__all__ = ["AnswerColumns", "AnswerLines", "Asking", "KeepLines", "TextLines", "shipped"]


def shipped(name: str) -> Path:
    """Return the folder that an archive was unpacked to in this worker's machine."""
    files: Any = import_module("pyspark.files").SparkFiles
    return Path(files.get(name))


@final
@dataclass(frozen=True, slots=True)
class Asking:
    """A shipped model and what is asked of it."""

    archive: str
    """The name under which its folder was shipped."""
    kind: type[Answering]
    options: str
    """Options of the verb, as JSON."""
    whole: bool = False

    def opened(self) -> Answering:
        """Return the model, opened once in each process."""
        answering = _opened(self.archive, self.kind, self.options)
        answering.whole = self.whole
        return answering


@cache
def _opened(archive: str, kind: type[Answering], options: str) -> Answering:
    asked = kind.options.of(json.loads(options), where="the options")
    return kind.opened(shipped(archive), asked)


# Columns


@final
@dataclass(frozen=True, slots=True)
class AnswerColumns:
    """Adds columns to batches of a table."""

    asking: Asking
    keys: tuple[str, ...]
    """Columns that are read."""
    new: tuple[tuple[str, str, Any], ...]
    """Each new column: the name in answers, the name in the table, its type in Arrow."""
    on_error: Literal["stop", "skip"] = "stop"

    def __call__(self, batches: Batches) -> Batches:
        """Yield the batches with their answers."""
        answering = self.asking.opened()
        columns = zip(answering.columns, self.keys, strict=True)
        answering.columns = tuple(replace(column, asked=key) for column, key in columns)
        leaving, arrow = Leaving(on_error=self.on_error), import_module("pyarrow")
        for batch in batches:
            rows = open_asked(Table(_records(batch.select(list(self.keys)))), answering)
            kept, answers = list[int](), list[Any]()
            for block in answered(answering, rows, leaving) if batch.num_rows else ():
                kept += [row.number - 1 for row in block.rows]
                answers += block.answers
            if len(kept) < batch.num_rows:
                batch = batch.take(arrow.array(kept, arrow.int64()))
            made = [
                arrow.array([plain(answer.get(name), kind) for answer in answers], kind)
                for name, _, kind in self.new
            ]
            names = [*batch.schema.names, *(name for _, name, _ in self.new)]
            yield arrow.RecordBatch.from_arrays([*batch.columns, *made], names=names)


def _records(batch: Any) -> Callable[[], Iterator[dict[str, Any]]]:
    return lambda: map(TableRow, batch.to_pylist())


def plain(value: Any, kind: Any) -> Any:
    """Return a value as a column of a type of Arrow takes it: records as JSON, vectors as lists."""
    if value is None or isinstance(value, str):
        return value
    if str(kind) == "string":
        return json_line(value)
    convert: Any = getattr(value, "tolist", None)
    return value if convert is None else convert()


# Lines


@final
@dataclass(frozen=True, slots=True)
class TextLines:
    """Reads plain lines as a table of one column."""

    reading: Reading
    name: str

    def __call__(self, batches: Batches) -> Batches:
        """Yield the lines."""
        arrow = import_module("pyarrow")
        for batch in batches:
            lines = arrow.array(self.reading.lines(raw_rows(batch)), arrow.string())
            yield arrow.RecordBatch.from_arrays([lines], names=[self.name])


def opened_rows(reading: Reading, rows: Sequence[bytes | None], **asked: Any) -> Rows:
    """Open rows of bytes as a file of its form is opened.

    Raises:
        InputError: bytes that are no text.
    """
    assert reading.form is not None
    content = b"\n".join([*(row or b"" for row in rows), b""])
    lines = decode_lines(content, reading.name, 2)[:-1]
    opened = OpenedText(f"{reading.name} (a part of it)", reading.form, iter([lines]))
    return rows_of(opened, **asked)


@final
@dataclass(frozen=True, slots=True)
class AnswerLines:
    """Answers rows of text or JSON lines: each gives a line as one machine writes it."""

    reading: Reading
    asking: Asking
    taken: frozenset[str]
    """Names of the columns of the first rows."""
    skip_empty: bool = False
    on_error: Literal["stop", "skip"] = "stop"

    def __call__(self, batches: Batches) -> Batches:
        """Yield the lines that are written."""
        answering, names = self.asking.opened(), NewNames(self.taken, self.reading.name)
        leaving, nested = Leaving(self.skip_empty, self.on_error), self.asking.whole
        form: Lines = JsonLines() if nested else PlainLines(lambda row: row[""])
        given = {"columns": answering.columns, "extra": answering.extra, "ends": answering.ends}
        for batch in batches:
            rows = opened_rows(self.reading, raw_rows(batch), **given)
            for block in answered(answering, rows, leaving):
                pairs = zip(block.rows, block.answers, strict=True)
                made = [
                    names.joined(row, answer, [*answer])
                    if nested
                    else {"": answering.line(row.texts, answer)}
                    for row, answer in pairs
                ]
                yield from _out(form, made)


def _out(form: Lines, rows: Sequence[Any]) -> Batches:
    if not rows:
        return
    arrow = import_module("pyarrow")
    lines = form.block(rows).decode().removesuffix("\n").split("\n")
    yield arrow.RecordBatch.from_arrays([arrow.array(lines, arrow.string())], names=["value"])


@final
@dataclass(frozen=True, slots=True)
class KeepLines:
    """Keeps the rows of text or JSON lines that a model takes for good."""

    reading: Reading
    archive: str
    by: MeasuredBy
    cut: Cut
    text_column: str | int | None = None
    scores: bool = False
    """Add the numbers as columns."""
    json: bool = True
    """Write JSON lines, else the texts alone."""
    on_error: Literal["stop", "skip"] = "stop"

    def __call__(self, batches: Batches) -> Batches:
        """Yield the lines that are kept."""
        measures = _measures(self.archive, self.by)
        column = Column("text", TEXT_NAMES, self.text_column, measures.column)
        form: Lines = JsonLines() if self.json else PlainLines(lambda row: row["text"])
        for batch in batches:
            found = opened_rows(
                self.reading, raw_rows(batch), columns=(column,), ends=measures.ends
            )
            rows = list(self._whole(found.rows))
            for begin in range(0, len(rows), measures.block):
                yield from _out(form, self._kept(rows[begin : begin + measures.block], measures))

    def _whole(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            if row.fault is not None and self.on_error == "stop":
                raise row.fault
            if row.fault is None and row.texts[0]:
                yield row

    def _kept(self, rows: list[Row], measures: TextMeasures) -> Cells:
        block = Block(0, len(rows), [row.texts[0] for row in rows], rows, {})
        numbers = measures.of(block.texts)
        kept = np.flatnonzero(self.cut.places(numbers[self.cut.measure]) == 0).tolist()
        if self.scores:
            return scored_cells(block, kept, numbers)
        return block.cells(kept) if self.json else plain_cells(block, kept)


@cache
def _measured(archive: str, by: str) -> TextMeasures:
    return opened_measures(shipped(archive), MeasuredBy(**json.loads(by)))


def _measures(archive: str, by: MeasuredBy) -> TextMeasures:
    given = {"label": by.label, "like": list(by.like), "threads": 1}
    return _measured(archive, json.dumps(given))
