"""Options of an evaluation: where data stands in a table, and what is measured.

A task's row names a class of these; the command line, Python and help are made of its fields.
"""

from pathlib import Path

from pydantic import Field

from munmaek.fit.recipe import Encoding
from munmaek.models.configuration import Config
from munmaek.tasks.recipe import Column
from munmaek.text.sources import UTF8

__all__ = ["Asked", "AskedPairs", "AskedRows", "AskedSentences", "AskedText"]


class Asked(Config):
    """Options of the evaluation of every task."""

    place: Path | None = None
    """Folder of the model, where it has one, for names in what is measured."""
    whole: bool = False
    """Measure too what is shown to machines alone."""
    encoding: Encoding = UTF8
    """Encoding of files of text: utf-8, cp949, euc-kr, utf-16, latin-1 or another of Python's."""
    report: bool = False
    """Show what is behind the scores: of each label, type or phenomenon, what is confused with
    what, and curves."""
    worst: int | None = Field(default=None, ge=1)
    """List so many of the rows that are judged worst, the worst first."""
    against: Path | None = None
    """Folder of another model, to test on the same rows whether the two differ: paired bootstrap,
    approximate randomisation and, of right and wrong, McNemar's test."""


class AskedText(Asked):
    """Options of an evaluation on text."""

    text_column: Column = None
    """Column of a table's text, or of the first of two: its name, or its number from 0; without it,
    found by its name."""


class AskedSentences(AskedText):
    """Options of an evaluation on running text, or on minimal pairs of sentences."""

    minimal_pairs: bool = False
    """Measure how often the good sentence of a pair is likelier than the bad one; a tie counts half
    (Warstadt et al. 2020). Columns are sentence_good and sentence_bad."""
    phenomenon_column: Column = None
    """Column of what a minimal pair differs in; without it phenomenon, linguistics_term or UID."""


class AskedPairs(AskedText):
    """Options of an evaluation on text, or on pairs of texts."""

    second_column: Column = None
    """Column of the second text of each pair."""
    label_column: Column = None
    """Column of the label or number."""


class AskedRows(AskedPairs):
    """Options of an evaluation on rows of a text or two, with what is known of them."""

    pairs: bool = False
    """Read two texts in each row, as is done in any case for a model that was trained so, or with
    --second-column."""
