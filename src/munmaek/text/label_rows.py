"""Rows of texts with their labels, of a table, of JSON lines or of a fastText file."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

from munmaek.errors import InputError
from munmaek.text.columns import Column
from munmaek.text.files import at_line
from munmaek.text.forms import Form, OpenedText, open_text
from munmaek.text.labels import FASTTEXT, marked_labels
from munmaek.text.memory import Source
from munmaek.text.spaces import SPACES
from munmaek.text.tables import found_key, json_records, json_text, opened_columns

__all__ = ["LabelRow", "label_rows"]


class LabelRow(NamedTuple):
    """A text, or a pair, with its labels."""

    line: int
    texts: tuple[str, ...]
    labels: tuple[str, ...]
    """One, but where a file lists them: JSON lines and fastText."""


def label_rows(path: Source, texts: Sequence[Column], label: Column) -> Iterator[LabelRow]:
    """Read the rows of a file; blank lines are passed over.

    Args:
        path: the file.
        texts: the columns of the text, or of both texts of a pair.
        label: the column of the label.

    Raises:
        InputError: what ``read_columns`` raises, and a row without label.
    """
    opened = open_text(path)
    if opened.form is Form.FASTTEXT:
        return _marked(opened, texts, label)
    if opened.form is Form.JSONL:
        return _recorded(opened, texts, label)
    return _cells(opened, texts, label)


def _cells(opened: OpenedText, texts: Sequence[Column], label: Column) -> Iterator[LabelRow]:
    for line, *cells in opened_columns(opened, (*texts, label)):
        if not cells[-1]:
            _fail(opened, line, f"the {label.role} is empty")
        yield LabelRow(line, tuple(cells[:-1]), (cells[-1],))


def _recorded(opened: OpenedText, texts: Sequence[Column], label: Column) -> Iterator[LabelRow]:
    for line, record in json_records(opened):
        if record is None:
            continue
        found = tuple(json_text(opened.name, line, record, column) for column in texts)
        key = found_key(record, label)
        value: object = None if key is None else record[key]
        if opened.records is not None and label.role == "label":
            _refuse_fraction(opened, line, value)
        if key is not None and isinstance(value, list):
            listed = cast("list[Any]", value)
            one = Column(label.role, (key.lower(),), key)
            kind = type(record)
            labels = tuple(json_text(opened.name, line, kind({key: each}), one) for each in listed)
        else:
            labels = (json_text(opened.name, line, record, label),)
        if not all(labels):
            _fail(opened, line, f"the {label.role} is empty")
        yield LabelRow(line, found, labels)


def _refuse_fraction(opened: OpenedText, line: int, value: object) -> None:
    """Refuse a number with a fraction as a label that a program gives: it is a value."""
    if isinstance(value, float) and math.isfinite(value) and not value.is_integer():
        _fail(opened, line, f"{value} is no label but a number; 'regress' learns numbers")


def _marked(opened: OpenedText, texts: Sequence[Column], label: Column) -> Iterator[LabelRow]:
    if len(texts) > 1 or label.role != "label":
        message = f"{opened.name}: fastText has labels of single texts; write a table instead"
        raise InputError(message)
    for number, line in enumerate(opened.lines, start=1):
        if not line.strip(SPACES):
            continue
        text, labels = marked_labels(line)
        if not labels or not all(labels):
            _fail(opened, number, f"no {FASTTEXT}… and a name in it, as in the lines before")
        yield LabelRow(number, (text.strip(SPACES),), labels)


def _fail(opened: OpenedText, line: int, reason: str) -> None:
    message = f"{at_line(opened.name, line)}: {reason}"
    raise InputError(message)
