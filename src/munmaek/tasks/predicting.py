"""From rows to the same rows with answers, in constant memory: one way for all verbs.

Each row of the input gives one row, in its order, with its own cells and then the new ones. Where
the input has a column of a new one's name, the new one is called ``predicted_NAME``. A row that
cannot be read or answered ends it, or is left out and counted, as is asked.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, final

from munmaek.errors import ConfigError, InputError
from munmaek.progress import followed
from munmaek.tasks.answering import Answer, Answering, answers_of
from munmaek.text.files import at_line, count_lines
from munmaek.text.memory import Source, Table
from munmaek.text.rows import Row, Rows, open_rows, unlike
from munmaek.text.written import Done, form_written, written_rows

__all__ = ["Block", "Leaving", "NewNames", "answered", "open_asked", "predict_to", "row_count"]

T = TypeVar("T")
PREFIX = "predicted_"
EMPTY, FAULTY = "empty", "errors"
"""Reasons for which rows are left out."""


@final
@dataclass(frozen=True, slots=True)
class Leaving:
    """Rows that are left out, rather than answered or the end."""

    skip_empty: bool = False
    """Leave out those without text."""
    on_error: Literal["stop", "skip"] = "stop"
    """``skip`` leaves out those that cannot be read or answered."""
    tell: Callable[[str], None] = lambda _: None
    """Is told why each of these is left out."""


EVERY = Leaving()


class Block(NamedTuple):
    """Some rows of the input, one after another."""

    rows: list[Row]
    """Rows that are answered."""
    answers: Sequence[Answer]
    """Answer of each of these."""
    read: int
    """All that it is made of."""
    left_out: Mapping[str, int]
    """Counts of those that are not answered, by the reason."""


def open_asked(source: Source, answering: Answering, *, live: bool = False) -> Rows:
    """Open the rows that are to be answered, the texts to be asked among them.

    Args:
        source: where they come from.
        answering: what reads them.
        live: of a pipe, whoever writes it waits for the answer to each row.

    Raises:
        InputError: a source that cannot be read, or a column that is not there.
    """
    extra = answering.extra
    return open_rows(source, answering.columns, extra=extra, ends=answering.ends, live=live)


def answered(
    answering: Answering,
    rows: Rows,
    leaving: Leaving = EVERY,
    *,
    total: Callable[[], float | None] = lambda: None,
) -> Iterator[Block]:
    """Answer rows block by block, and tell how far that is.

    Args:
        answering: what is asked of which model.
        rows: what is answered.
        leaving: rows that are left out.
        total: returns how many rows there are, where somebody wants to know.

    Raises:
        InputError: a row that cannot be read or answered, unless such rows are left out.
    """
    told = replace(rows, rows=answering.beside(rows.rows))
    blocks = _in_blocks(told, answering.block)
    if answering.block is None:
        steps = followed(list(blocks), "rows")
    else:
        steps = followed(blocks, "rows", total=total, size=len)
    for block in steps:
        yield _answer(answering, rows.name, block, leaving)


def row_count(source: Source) -> Callable[[], float | None]:
    """Return what counts the rows of a source, about; None of memory and of what is read once."""
    return lambda: None if isinstance(source, Table) else count_lines(source)


def _in_blocks(rows: Rows, size: int | None) -> Iterator[list[Row]]:
    source = iter(rows.rows)
    live = rows.live if size else None
    while block := list(islice(source, 1 if live else size)):
        while live and len(block) < (size or 0) and live():
            block += islice(source, 1)
        yield block


def _answer(answering: Answering, name: str, block: list[Row], leaving: Leaving) -> Block:
    left_out: dict[str, int] = {EMPTY: 0, FAULTY: 0}
    kept: list[Row] = []
    for row in block:
        if row.fault is not None:
            _leave(row.fault, leaving, left_out)
        elif leaving.skip_empty and not any(row.texts):
            left_out[EMPTY] += 1
        else:
            kept.append(row)
    try:
        answers = answers_of(answering, [row.texts for row in kept])
    except InputError:
        if answering.block is None:
            raise
        kept, answers = _one_by_one(answering, name, kept, leaving, left_out)
    return Block(kept, answers, len(block), {why: n for why, n in left_out.items() if n})


def _leave(fault: InputError, leaving: Leaving, left_out: dict[str, int]) -> None:
    if leaving.on_error == "stop":
        raise fault
    left_out[FAULTY] += 1
    leaving.tell(str(fault))


def _one_by_one(
    answering: Answering,
    name: str,
    rows: Sequence[Row],
    leaving: Leaving,
    left_out: dict[str, int],
) -> tuple[list[Row], list[Answer]]:
    """Answer rows of which one cannot be answered, to tell which."""
    kept: list[Row] = []
    answers: list[Answer] = []
    for row in rows:
        try:
            answers += answers_of(answering, [row.texts])
        except InputError as error:
            fault = InputError(f"{at_line(name, row.number)}: {error}")
            _leave(fault, leaving, left_out)
        else:
            kept.append(row)
    return kept, answers


@final
@dataclass(slots=True)
class NewNames:
    """Names of what is new in rows, none of them one that the rows have."""

    taken: frozenset[str]
    """Names that the rows have, or the first of them where each has its own."""
    source: str
    """Name of where the rows come from, in messages."""
    known: dict[str, str] = field(default_factory=dict[str, str])

    def of(self, name: str) -> str:
        """Return the name of a new column."""
        if name not in self.known:
            free = name if name not in self.taken else f"{PREFIX}{name}"
            self.known[name] = unlike((*self.taken, *self.known.values(), free))[-1]
        return self.known[name]

    def joined(self, row: Row, answer: Answer, names: Sequence[str]) -> dict[str, Any]:
        """Return a row with those parts of its answer.

        Raises:
            InputError: it has a name that the rows before have not, and that is a new one's.
        """
        new = {self.of(name): answer.get(name) for name in names}
        if both := new.keys() & row.cells.keys():
            message = (
                f"{at_line(self.source, row.number)}: has {min(both)!r}, which the first rows have "
                "not, where the answer is to stand; give that key to all rows, or call it otherwise"
            )
            raise InputError(message)
        return {**row.cells, **new}


def first_names(rows: Rows, size: int | None) -> tuple[Rows, frozenset[str]]:
    """Return the rows, and the names of their columns: of the first, where each has its own."""
    if rows.columns:
        return rows, frozenset(rows.columns)
    source = iter(rows.rows)
    first = list(islice(source, size))
    names = frozenset(name for row in first for name in row.cells)
    return replace(rows, rows=chain(first, source)), names


def predict_to(
    path: Path,
    source: Source,
    answering: Answering,
    *,
    leaving: Leaving = EVERY,
    what: Mapping[str, Any] | None = None,
    force: bool = False,
    resume: bool = False,
) -> Done:
    """Write the rows of a source with their answers to a file, in the form that its name tells.

    Args:
        path: the file.
        source: where the rows come from.
        answering: what is asked of which model.
        leaving: rows that are left out.
        what: what must be the same when an interrupted run goes on, by what messages call it.
        force: replace what is at ``path``.
        resume: go on with an interrupted run.

    Returns:
        How many rows were read, written and left out.

    Raises:
        ConfigError: a name that tells no form, or one that the answers have not the columns of.
        InputError: what ``open_asked``, ``answered`` and ``written_rows`` raise.
    """
    form = form_written(path)
    _check_wanted(path, form.name, form.wants, answering)
    answering.whole = form.nested or "alignment" in form.wants
    rows, taken = first_names(open_asked(source, answering), answering.block)
    names, plain = NewNames(taken, rows.name), form.plain
    columns = (*rows.columns, *map(names.of, answering.new)) if rows.columns else ()
    with written_rows(path, columns, what=what, force=force, resume=resume) as writer:
        if writer.done.read:
            rows = replace(rows, rows=islice(iter(rows.rows), writer.done.read, None))
        for block in answered(answering, rows, leaving, total=row_count(source)):
            pairs = zip(block.rows, block.answers, strict=True)
            if plain:
                made = [{"": answering.line(row.texts, answer)} for row, answer in pairs]
            else:
                made = [
                    names.joined(row, answer, [*answer] if form.nested else answering.new)
                    for row, answer in pairs
                ]
            writer.write(made, read=block.read, left_out=block.left_out)
    return writer.done


def _check_wanted(path: Path, form: str, wants: Sequence[str], answering: Answering) -> None:
    lacking = [name for name in wants if name not in (*answering.new, "alignment")]
    if lacking:
        message = f"-o {path}: {form} wants {', '.join(lacking)}, which is not what is asked for"
        raise ConfigError(message)
