"""Pairs of texts that mean the same, and pairs with a number that says how nearly."""

from collections.abc import Sequence
from dataclasses import dataclass

from munmaek.errors import InputError
from munmaek.text.columns import (
    FIRST_NAMES,
    SECOND_NAMES,
    SOURCE_NAMES,
    TARGET_NAMES,
    Column,
)
from munmaek.text.corpora import (
    Pairs,
    content_hash,
    corpus_name,
    listed,
    read_valued,
    values_of,
)
from munmaek.text.files import at_line, display_name
from munmaek.text.forms import Form, open_text
from munmaek.text.gathering import head_of
from munmaek.text.memory import Source, Sources
from munmaek.text.tables import read_columns

__all__ = ["PairCorpus", "are_scored", "read_pairs"]

SCORES = ("score", "similarity", "rating", "value", "점수", "유사도", "평점", "값")
FIRSTS = (*FIRST_NAMES, "anchor", "query", *SOURCE_NAMES)
SECONDS = (*SECOND_NAMES, "positive", "answer", *TARGET_NAMES)


@dataclass(frozen=True, slots=True)
class PairCorpus:
    """Two texts a row."""

    name: str
    firsts: tuple[str, ...]
    seconds: tuple[str, ...]
    values: tuple[float, ...] | None = None
    """Nearness in meaning, larger is nearer; None where the file does not say."""

    @property
    def size(self) -> int:
        """Return the number of pairs."""
        return len(self.firsts)

    @property
    def fingerprint(self) -> str:
        """sha256 of the content, whatever the files were called or compressed with."""
        values = () if self.values is None else (tuple(map(repr, self.values)),)
        return content_hash(self.firsts, self.seconds, *values)

    def at_least(self, value: float) -> "PairCorpus":
        """Return the pairs of that value or more, without values.

        Raises:
            InputError: the file has no values, or none so high.
        """
        if self.values is None:
            message = f"{self.name}: has no column {' or '.join(SCORES)} to compare with {value:g}"
            raise InputError(message)
        kept = [row for row, own in enumerate(self.values) if own >= value]
        if not kept:
            message = f"{self.name}: no pair has a score of {value:g} or more"
            raise InputError(message)
        firsts, seconds = ([side[row] for row in kept] for side in (self.firsts, self.seconds))
        return PairCorpus(self.name, tuple(firsts), tuple(seconds))

    def chosen(self, rows: Sequence[int], *, name: str | None = None) -> "PairCorpus":
        """Return those pairs, in that order."""
        return PairCorpus(
            self.name if name is None else name,
            tuple(self.firsts[row] for row in rows),
            tuple(self.seconds[row] for row in rows),
            None if self.values is None else tuple(self.values[row] for row in rows),
        )


def are_scored(path: Source) -> bool:
    """Return whether the pairs of a file have a number each: a column or key, or a third column."""
    if str(path) == "-":
        return False
    opened = open_text(path)
    names = [cell.lower() for cell in head_of(opened)]
    if opened.form is Form.JSONL:
        return any(name in SCORES for name in names)
    if any(name in names for name in (*FIRSTS, *SECONDS)):
        return any(name in names for name in SCORES)
    return len(names) == 3


def read_pairs(
    paths: Sources,
    *,
    first_column: str | int | None = None,
    second_column: str | int | None = None,
    value_column: str | int | None = None,
) -> PairCorpus:
    """Read the pairs of TSV, CSV or JSONL files, read as ``read_valued`` reads them.

    Without header, two columns are the texts, and a third is their value.

    Raises:
        InputError: what ``read_valued`` raises.
    """
    paths = listed(paths)
    name = corpus_name(paths)
    if value_column is not None or all(are_scored(path) for path in paths):
        found = read_valued(
            paths, text_column=first_column, label_column=value_column, pairs=Pairs(second_column)
        )
        assert found.seconds is not None
        return PairCorpus(name, found.texts, found.seconds, values_of(found))
    columns = (
        Column("first text", FIRSTS, first_column),
        Column("second text", SECONDS, second_column),
    )
    firsts: list[str] = []
    seconds: list[str] = []
    for path in paths:
        for line, *texts in read_columns(path, columns):
            if not all(texts):
                message = f"{at_line(display_name(path), line)}: one text of the pair is empty"
                raise InputError(message)
            firsts.append(texts[0])
            seconds.append(texts[1])
    if not firsts:
        message = f"{name}: a header and no rows"
        raise InputError(message)
    return PairCorpus(name, tuple(firsts), tuple(seconds))
