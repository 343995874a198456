"""Pairs of texts that an encoder is measured on: how well it tells what means the same."""

from typing import Any, Final

from munmaek.tasks.asked import AskedPairs
from munmaek.text.columns import SECOND_NAMES, Layout
from munmaek.text.forms import Form, named_form
from munmaek.text.memory import Source, Sources, Table
from munmaek.text.pairs import PairCorpus, read_pairs

__all__ = ["PAIRS", "is_pairs", "test_pairs"]

PAIRS: Final[tuple[Layout, ...]] = (("sentence1", "sentence2"), ("sentence1", "sentence2", "score"))
"""Columns of pairs that have no names."""


def is_pairs(path: Source) -> bool:
    """Return whether a source holds pairs: a table by its name, or columns of two texts."""
    if isinstance(path, Table):
        return any(name.lower() in SECOND_NAMES for name in next(path.records(), dict[str, Any]()))
    return named_form(path) in (Form.TSV, Form.CSV)


def test_pairs(paths: Sources, asked: AskedPairs) -> PairCorpus:
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
