"""Answers of trained models to the rows of a table: one class for each verb, one way for all.

A verb's class says which columns of a row it reads, what the new columns are called and what stands
in them. Everything else, such as files, blocks, empty rows and faults, is the same for all verbs:
``munmaek.tasks.predicting``.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from munmaek.errors import ConfigError, UnsupportedError
from munmaek.fit.recipe import Encoding
from munmaek.models.configuration import Config
from munmaek.tasks import task_named
from munmaek.text.columns import FIRST_NAMES, SECOND_NAMES, SOURCE_NAMES, TEXT_NAMES, Column
from munmaek.text.memory import Source
from munmaek.text.rows import Row
from munmaek.text.sources import UTF8
from munmaek.text.spaces import SPACES

__all__ = [
    "Answer",
    "Answering",
    "Answers",
    "Asked",
    "AskedSource",
    "Texts",
    "answers_of",
    "one_line",
    "source_column",
    "text_columns",
]

Answer = Mapping[str, Any]
Texts = tuple[str, ...]
"""Texts of the columns of a row that are read."""
NOTHING: Answer = {}


class Asked(Config):
    """Options of a verb: what is asked of the model, and which columns hold it."""

    flags: ClassVar[Mapping[str, str]] = {}
    """Options of the command line whose names are not those of their keys: keys by option."""
    metavars: ClassVar[Mapping[str, str]] = {}
    """Values of keys as help writes them."""
    panels: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """Keys that help shows together, by their heading."""

    served: ClassVar[tuple[str, ...]] = ()
    """Keys that requests to a server may ask for: none that names a file, or how one is read."""
    most: ClassVar[Mapping[str, int]] = {}
    """Greatest numbers that a server takes of these, so that no request costs more than others."""
    here: ClassVar[tuple[str, ...]] = ("text_column", "encoding")
    """Keys that say how rows are read and shown, which whoever asks a server does."""

    text_column: str | int | None = None
    """Column of a table's text: its name, or its number from 0."""
    encoding: Encoding = UTF8
    """Encoding of files of text: utf-8, cp949, euc-kr, utf-16, latin-1 or another of Python's."""

    @classmethod
    def given(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options, with columns by number where digits were written."""
        found = super().given(values)
        return {
            name: int(value) if name.endswith("_column") and _is_number(value) else value
            for name, value in found.items()
        }

    def sent(self) -> dict[str, Any]:
        """Return what a server is asked for, by key: options that are not at their defaults.

        Raises:
            ConfigError: an option that servers are not asked for.
        """
        asked = self.model_dump(mode="json", exclude_defaults=True, exclude=set(self.here))
        other = next((name for name in asked if name not in self.served), None)
        if other is not None:
            flag = next((own for own, key in self.flags.items() if key == other), other)
            message = (
                f"--{flag.replace('_', '-')} is for a model in a folder; on a server it is as "
                "whoever runs the server chose"
            )
            raise ConfigError(message)
        return asked


def _is_number(value: Any) -> bool:
    return isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19


class AskedSource(Asked):
    """Options of what reads the source of a translation."""

    here = ("text_column", "encoding", "source_column")

    source_column: str | int | None = None
    """Column of the source: its name, or its number from 0."""


class Answering(ABC):
    """A model that is asked row by row, in one way that its options say."""

    tasks: ClassVar[tuple[str, ...]]
    """The tasks whose models can be asked."""
    use: ClassVar[str] = ""
    """Names the use in messages; by default the first task's verb."""
    options: ClassVar[type[Asked]] = Asked
    """The class of its options, by a name of the same module."""
    block: int | None = 4096
    """Rows that go through the model together; None is all, of which none can be asked alone."""
    ends: str = SPACES
    """Characters that are stripped off both ends of a plain line."""
    extra: int = 0
    """Columns that a table without known names may have behind those that are read."""

    columns: Sequence[Column]
    """Columns that are read of each row."""
    new: tuple[str, ...]
    """Names of the new columns of a table, in their order."""
    empty: Answer | None = NOTHING
    """The answer of an empty row, which no model is asked; None asks it."""
    texts: ClassVar[tuple[str, ...]] = ("text",)
    """The texts of a row by the names that servers have for them."""
    optional: ClassVar[int] = 0
    """Number of the last texts that a row may lack."""
    told: ClassVar[tuple[str, ...]] = ()
    """Attributes of a model that are read besides what answers, such as ``tokenizer.space``; a
    server tells them of a model that is not here."""
    wholly: ClassVar[Mapping[str, Any]] = {}
    """Options by which a server gives what ``whole`` holds."""
    fills: ClassVar[tuple[str, ...]] = ()
    """Suffixes of files that are not rows, and that ``fill`` writes again with its answers."""
    whole: bool = False
    """The answers hold also what takes long and only JSON shows."""

    @abstractmethod
    def __init__(self, model: Any, asked: Any) -> None:
        """Take a trained model and an instance of ``options``.

        Raises:
            ConfigError: options that do not go together.
            UnsupportedError: the model cannot be asked so.
        """

    @classmethod
    def opened(cls, folder: Any, asked: Asked) -> "Answering":
        """Open a model's folder to be asked.

        Raises:
            ArtefactError: no model there.
            UnsupportedError: a model that gives other answers.
        """
        from munmaek.tasks.loading import load_for

        return load_for(folder, *cls.tasks, what=cls.use).answering(cls, asked)

    @abstractmethod
    def answers(self, texts: Sequence[Texts]) -> Sequence[Answer]:
        """Return what the model says of each row: all that JSON has, ``new`` among it.

        Raises:
            InputError: a row that cannot be answered.
        """

    @abstractmethod
    def line(self, texts: Texts, answer: Answer, /) -> str:
        """Return a row and its answer as plain text has them, maybe several lines.

        No line has other ends than line feeds, so that each is one wherever it is read.
        """

    def named(self, texts: Texts) -> Answer:
        """Return the texts of a row as JSON lines of answers alone have them."""
        return dict(zip(("text", "second"), texts, strict=False))

    def nothing(self, texts: Texts) -> Answer | None:
        """Return the answer of an empty row, which no model is asked; None of all others."""
        return None if any(texts) else self.empty

    def beside(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Add to the rows what is given beside them."""
        return rows

    def received(self, answer: Answer, /) -> Answer:
        """Return what a server says of a row as ``answers`` says it."""
        return answer

    def fill(self, source: Source, output: Path) -> Mapping[str, int]:
        """Write a file that is not rows again, with the answers in it; return counts of its parts.

        Raises:
            InputError: a source of another form.
            ConfigError: options that are for rows.
            UnsupportedError: the verb fills no files.
        """
        message = f"{source}: {self.use or self.tasks[0]} writes rows, and fills no {output.suffix}"
        raise UnsupportedError(message)

    def remarks(self, rows: int, /) -> Sequence[str]:
        """Return what to say at the end of so many rows, such as how many texts were cut."""
        del rows
        return ()


def one_line(text: str) -> str:
    """Return a text whose line ends, whatever a model wrote, are spaces."""
    return " ".join(text.splitlines())


def text_columns(
    asked: Any, remembered: Mapping[str, str | int], *, paired: bool = False
) -> tuple[Column, ...]:
    """Return the column of a text, or those of both texts of a pair.

    Args:
        asked: options with ``text_column`` and, where ``paired``, ``second_column``.
        remembered: the columns that the model was trained on, by their role.
        paired: a row holds two texts.
    """
    if not paired:
        return (Column("text", TEXT_NAMES, asked.text_column, remembered.get("text")),)
    return (
        Column("first text", FIRST_NAMES, asked.text_column, remembered.get("first text")),
        Column("second text", SECOND_NAMES, asked.second_column, remembered.get("second text")),
    )


def source_column(asked: AskedSource, remembered: Mapping[str, str | int]) -> Column:
    """Return the column of what is translated."""
    given = asked.text_column if asked.source_column is None else asked.source_column
    return Column("source", (*SOURCE_NAMES, *TEXT_NAMES), given, remembered.get("source"))


K = TypeVar("K", bound=Answering)


class Answers:
    """Base of trained models: what they say of questions, as plain values by name."""

    __slots__ = ()

    info: Any

    def result(self, question: str | Texts, **options: Any) -> dict[str, Any]:
        """Return what the model says of one question: what ``--json`` and new columns have.

        Args:
            question: a text, or a tuple of two for a model of pairs.
            options: those of the task's verb, such as ``beam=1`` of a translator.

        Raises:
            ConfigError: an option that the verb has not.
            InputError: a question that cannot be answered.
        """
        return self.results([question], **options)[0]

    def answering(self, kind: type[K], asked: Any) -> Answering:
        """Return what answers rows by this model: ``kind`` with its options ``asked``.

        Raises:
            ConfigError: options that do not go together.
            UnsupportedError: the model cannot be asked so.
        """
        return kind(self, asked)

    def results(self, questions: Sequence[str | Texts], **options: Any) -> list[dict[str, Any]]:
        """Return what the model says of each question, in their order; see ``result``."""
        verb = task_named(self.info.task).answering_class()
        answering = self.answering(verb, verb.options.of(options, where="the options"))
        answering.whole = True
        rows = [(each,) if isinstance(each, str) else tuple(each) for each in questions]
        return [dict(each) for each in answers_of(answering, rows)]


def answers_of(answering: Answering, rows: Sequence[Texts]) -> list[Answer]:
    """Return the answer of every row, that of an empty one too."""
    empty = [answering.nothing(row) for row in rows]
    asked = [row for row, own in zip(rows, empty, strict=True) if own is None]
    found = iter(answering.answers(asked) if asked else ())
    return [next(found) if own is None else own for own in empty]
