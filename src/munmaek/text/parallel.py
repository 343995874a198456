"""Sentence pairs: of two files of lines, or of tables and files that hold both languages."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from munmaek.errors import InputError, MunmaekWarning
from munmaek.text.columns import (
    SOURCE_NAMES,
    TARGET_NAMES,
    TEXT_NAMES,
    Column,
    note_column,
)
from munmaek.text.corpora import Paths, content_hash, corpus_name, listed, read_texts
from munmaek.text.files import display_name
from munmaek.text.forms import Form, OpenedText, open_text
from munmaek.text.gathering import head_of
from munmaek.text.languages import language_code, names_language, same_language
from munmaek.text.memory import Source, Table
from munmaek.text.record_files import BITEXTS, is_bitext
from munmaek.text.sources import File
from munmaek.text.spaces import ASCII_ENDS
from munmaek.text.tables import json_records, opened_columns

__all__ = ["FOUND", "ParallelCorpus", "Sides", "pair_columns", "read_parallel", "sides_of"]


@dataclass(frozen=True, slots=True)
class ParallelCorpus:
    """Source sentences with the target of each."""

    name: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    more: tuple[tuple[str, ...], ...] = ()
    """Further targets of each source, where it has several."""

    @property
    def size(self) -> int:
        """Return the number of pairs."""
        return len(self.sources)

    def chosen(self, rows: Sequence[int], *, name: str | None = None) -> "ParallelCorpus":
        """Return those pairs, in that order."""
        sides = (
            tuple(side[row] for row in rows) for side in (self.sources, self.targets, *self.more)
        )
        sources, targets, *more = sides
        return ParallelCorpus(self.name if name is None else name, sources, targets, tuple(more))

    @property
    def references(self) -> tuple[tuple[str, ...], ...]:
        """Return all targets, a side each: the first of each source, then the further ones."""
        return (self.targets, *self.more)

    @property
    def fingerprint(self) -> str:
        """sha256 of the content, whatever the files were called or compressed with."""
        return content_hash(self.sources, self.targets, *self.more)


@dataclass(frozen=True, slots=True)
class Sides:
    """The columns of the two languages of a table: by column, or by language."""

    source_column: str | int | None = None
    target_column: str | int | None = None
    source_language: str | None = None
    target_language: str | None = None

    @property
    def languages(self) -> tuple[str | None, str | None]:
        """Return the language of the sources, and that of the targets."""
        return self.source_language, self.target_language


def sides_of(given: Any) -> Sides:
    """Return the sides that options say, of a recipe or of an evaluation."""
    return Sides(
        given.source_column, given.target_column, given.source_language, given.target_language
    )


FOUND = Sides()
"""Both are found by their names."""


def read_parallel(
    paths: Paths, *, tag_column: str | int | None = None, sides: Sides = FOUND
) -> ParallelCorpus:
    """Read the sentence pairs: two files of lines (source, target), or tables of both.

    A table has two columns, source then target, or a header with the names "source" and "target",
    or with the names of two languages, the first of which is the source's unless ``sides`` says
    otherwise; JSONL has these keys. Translation memories (TMX) and files (XLIFF) are such tables,
    whose rows without one of the two texts are passed over. Two files are source and target, unless
    both are memories or such files; more than two are tables, one after the other.

    Args:
        paths: the two files or the tables.
        tag_column: name of the table's column, or its number from 0, of what is written before
            each source with a space, such as ``<2ko>`` for the language that is wanted.
        sides: where source and target stand in a table.

    Raises:
        InputError: what ``read_lines`` raises, files of different lengths with both counts, and a
            tag's column of two files.
    """
    given = [paths] if isinstance(paths, str | Path | File | Table) else list(paths)
    if len(given) == 2 and not all(map(is_bitext, given)):
        if tag_column is not None:
            message = "a column of tags needs a table; got two files of lines"
            raise InputError(message)
        files, rows = given, _two_files(given, sides)
    else:
        files = listed(given)
        _check_tables(given)
        rows = [pair for file in files for pair in _pairs(file, tag_column, sides)]
    if not any(source for source, _ in rows) or not any(target for _, target in rows):
        message = f"{corpus_name(files)}: no text on one side"
        raise InputError(message)
    sources, targets = zip(*rows, strict=True)
    return ParallelCorpus(corpus_name(files), sources, targets)


def _check_tables(files: Sequence[Source]) -> None:
    """Refuse more than two files that are lines of one language each."""
    if len(files) > 2 and open_text(listed(files[0])[0]).form is Form.LINES:
        message = f"parallel text is two files, source and target, or tables; got {len(files)}"
        raise InputError(message)


def _two_files(files: Sequence[Source], sides: Sides) -> list[tuple[str, str]]:
    asked = (sides.source_column, sides.target_column)
    roles = {"source": SOURCE_NAMES, "target": TARGET_NAMES}
    sources, targets = (
        # A wide space alone is a word, as links number them.
        list(
            read_texts(
                path, (*own, *TEXT_NAMES), role=role, column=column, blanks=False, ends=ASCII_ENDS
            )
        )
        for path, column, (role, own) in zip(files, asked, roles.items(), strict=True)
    )
    if len(sources) != len(targets):
        message = (
            f"{display_name(files[0])} has {len(sources)} lines and {display_name(files[1])} has "
            f"{len(targets)}; line n of the one must translate line n of the other"
        )
        raise InputError(message)
    return list(zip(sources, targets, strict=True))


# Tables of both


def _pairs(path: Source, tag_column: str | int | None, sides: Sides) -> Iterator[tuple[str, str]]:
    opened = open_text(path)
    if opened.kind in BITEXTS:
        yield from _of_bitext(opened, sides)
        return
    columns = pair_columns(opened, sides)
    if tag_column is None:
        yield from ((source, target) for _, source, target in opened_columns(opened, columns))
        return
    columns = (*columns, Column("tag", ("tag",), tag_column))
    for _, source, target, tag in opened_columns(opened, columns):
        yield f"{tag} {source}" if tag else source, target


def pair_columns(opened: OpenedText, sides: Sides) -> tuple[Column, Column]:
    """Return the columns of source and target of a table that is still to be read.

    Raises:
        InputError: several columns may be meant, or none has a language that is asked for.
    """
    found = None
    if sides.source_column is None or sides.target_column is None:
        head = head_of(opened)
        found = _by_language(opened.name, head, _remembered(head, sides))
    source, target = found or (sides.source_column, sides.target_column)
    return Column("source", SOURCE_NAMES, source), Column("target", TARGET_NAMES, target)


def _remembered(head: Sequence[str], sides: Sides) -> Sides:
    """Return the languages that a model was trained on, where none are asked for and both stand.

    Tables of other languages are read as if nothing were remembered.
    """
    if sides != FOUND:
        return sides
    before = [Column(role, ()).before for role in ("source", "target")]
    names = [each if isinstance(each, str) else "" for each in before]
    known = all(language_code(each) and _of_language(head, each) for each in names)
    return Sides(source_language=names[0], target_language=names[1]) if known else sides


def _by_language(name: str, head: Sequence[str], sides: Sides) -> tuple[Any, Any] | None:
    """Return the names of two columns that are named by language; None where there are none."""
    named = [each for each in head if language_code(each) is not None]
    lower = {each.lower() for each in head}
    known = not lower.isdisjoint(SOURCE_NAMES) and not lower.isdisjoint(TARGET_NAMES)
    asked = [
        column if column is not None else _of_language(head, language)
        for column, language in (
            (sides.source_column, sides.source_language),
            (sides.target_column, sides.target_language),
        )
    ]
    if asked == [None, None] and (known or len(named) < 2):
        return None
    others = [each for each in named if each not in asked]
    if None not in asked:
        return asked[0], asked[1]
    if asked == [None, None] and len(named) == 2 and sides.languages == (None, None):
        _say(name, named)
        return named[0], named[1]
    if asked != [None, None] and len(others) == 1:
        return asked[0] or others[0], asked[1] or others[0]
    return _ambiguous(name, named, sides)


def _of_language(head: Sequence[str], language: str | None) -> str | None:
    if language is None:
        return None
    exact = (each for each in head if each.lower() == language.lower())
    return next(exact, next((each for each in head if names_language(each, language)), None))


def _say(name: str, columns: Sequence[str]) -> None:
    message = (
        f"{name}: {columns[0]!r} is the source and {columns[1]!r} the target; --source-column and "
        "--target-column, or the languages, say otherwise"
    )
    warnings.warn(message, MunmaekWarning, stacklevel=2)


def _ambiguous(name: str, named: Sequence[str], sides: Sides) -> None:
    """Refuse columns by language of which no two are the ones that are meant.

    Raises:
        InputError: says which there are.
    """
    if not named:
        return
    wanted = " and ".join(each for each in sides.languages if each) or "two"
    message = (
        f"{name}: has texts in {', '.join(named)}, and {wanted} wanted; say which with "
        "--source-language and --target-language, or their columns"
    )
    raise InputError(message)


# Memories and translation files


def _of_bitext(opened: OpenedText, sides: Sides) -> Iterator[tuple[str, str]]:
    """Yield the pairs of rows that have both texts; a note says how many have not."""
    languages: tuple[str, str] | None = None
    passed = total = 0
    for _, record in json_records(opened):
        if record is None:
            continue
        total += 1
        if opened.kind == BITEXTS[0] and languages is None and len(record) > 1:
            languages = _languages(opened.name, list(record), _remembered(list(record), sides))
            for role, each in zip(("source", "target"), languages, strict=True):
                note_column(Column(role, ()), each)
        if opened.kind == BITEXTS[1]:
            source, target = _sided(opened.name, record, sides)
        else:
            source, target = (_text_in(record, each) for each in languages or ("", ""))
        if source and target:
            yield source, target
        else:
            passed += 1
    if passed:
        message = f"{opened.name}: {passed:,} of {total:,} units lack one of the two texts"
        warnings.warn(message, MunmaekWarning, stacklevel=2)


def _text_in(record: dict[str, Any], language: str) -> str:
    return record.get(_of_language(list(record), language) or "", "")


def _languages(name: str, found: Sequence[str], sides: Sides) -> tuple[str, str]:
    """Return the languages of source and target among those that a unit has."""
    source, target = sides.languages
    missing = [each for each in (source, target) if each and not _of_language(found, each)]
    others = [each for each in found if not same_language(each, source or target or "")]
    if source and target and not missing:
        return source, target
    if len(found) == 2 and not missing and source == target is None:
        _say(name, found)
        return found[0], found[1]
    if len(others) == 1 and not missing:
        return source or others[0], target or others[0]
    _ambiguous(name, found, sides)
    return source or "", target or ""


def _sided(name: str, record: dict[str, Any], sides: Sides) -> tuple[str, str]:
    """Return source and target of a segment in the direction that is asked for."""
    own = [record.get(f"{role}-language", "") for role in ("source", "target")]
    texts = record["source"], record["target"]
    if _agree(own, sides):
        return texts
    if all(own) and _agree(own[::-1], sides):
        return texts[1], texts[0]
    message = (
        f"{name}: is from {own[0]} to {own[1] or 'no language'}; "
        f"{' and '.join(each for each in sides.languages if each)} wanted"
    )
    raise InputError(message)


def _agree(own: Sequence[str], sides: Sides) -> bool:
    """Return whether languages are those that are asked for, as far as either is known."""
    asked = zip(own, sides.languages, strict=True)
    return all(same_language(each, wanted) for each, wanted in asked if each and wanted)
