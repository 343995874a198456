"""Pairs of texts that an encoder is measured on: how well it tells what means the same."""

from typing import Any, Final

from munmaek.tasks.work import Asked
from munmaek.text.columns import SECOND_NAMES, Layout
from munmaek.text.forms import Form, named_form
from munmaek.text.memory import Source, Sources, Table
from munmaek.text.pairs import PairCorpus, read_pairs

__all__ = ["PAIRS", "AskedTexts", "is_pairs", "test_pairs"]

PAIRS: Final[tuple[Layout, ...]] = (("sentence1", "sentence2"), ("sentence1", "sentence2", "score"))
"""Columns of pairs that have no names."""


class AskedTexts(Asked):
    """Options of an evaluation on running text, or on pairs of texts."""

    text_column: str | int | None = None
    """Column of a table's text, or of the first of two: its name, or its number from 0."""
    second_column: str | int | None = None
    """Column of the second text of each pair."""
    label_column: str | int | None = None
    """Column of the number that says how near two texts are."""


def is_pairs(path: Source) -> bool:
    """Return whether a source holds pairs: a table by its name, or columns of two texts."""
    if isinstance(path, Table):
        return any(name.lower() in SECOND_NAMES for name in next(path.records(), dict[str, Any]()))
    return named_form(path) in (Form.TSV, Form.CSV)


def test_pairs(paths: Sources, asked: AskedTexts) -> PairCorpus:
    """Read pairs of texts, with numbers or without.

    Raises:
        InputError: no pairs can be read.
    """
    return read_pairs(
        paths,
        first_column=asked.text_column,
        second_column=asked.second_column,
        value_column=asked.label_column,
    )
