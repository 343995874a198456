"""The names under which tables hold what munmaek reads, in English and in Korean."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

__all__ = [
    "FIRST_NAMES",
    "KNOWN_NAMES",
    "LABEL_NAMES",
    "SECOND_NAMES",
    "SOURCE_NAMES",
    "TARGET_NAMES",
    "TEXT_NAMES",
    "VALUE_NAMES",
    "Column",
    "Layout",
    "note_column",
    "noting_columns",
    "remembering",
]

TEXT_NAMES = (
    "text", "document", "sentence", "review", "comment", "comments", "content", "utterance",
    "텍스트", "문장", "본문", "내용", "리뷰", "댓글", "발화", "글",
)  # fmt: skip
FIRST_NAMES = (
    "sentence1", "text1", "premise", "question1", "first", "문장1", "텍스트1", "전제", *TEXT_NAMES,
)  # fmt: skip
SECOND_NAMES = (
    "sentence2", "text2", "hypothesis", "question2", "second", "text_pair", "문장2", "텍스트2",
    "가설",
)  # fmt: skip
VALUE_NAMES = (
    "score", "value", "similarity", "rating", "label", "target", "점수", "값", "유사도", "평점",
    "라벨", "레이블",
)  # fmt: skip
LABEL_NAMES = (
    "label", "labels", "class", "category", "sentiment", "intent", "target", "gold_label",
    "라벨", "레이블", "감정", "분류", "범주", "카테고리", "의도", "정답",
)  # fmt: skip
SOURCE_NAMES = ("source", "src", "원문")
TARGET_NAMES = ("target", "tgt", "trg", "번역문", "번역")
_BESIDE = ("id", "idx", "index", "guid", "no", "번호", "아이디")

KNOWN_NAMES = frozenset(
    (*FIRST_NAMES, *SECOND_NAMES, *VALUE_NAMES, *LABEL_NAMES, *SOURCE_NAMES, *TARGET_NAMES,
     *_BESIDE)
)  # fmt: skip
"""All of these, and those of numbers that stand beside them."""


Layout: TypeAlias = tuple[str, ...]
"""Names of columns that have none, in the order that they are given in."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that a reader wants."""

    role: str
    """The column's content, for messages: "text", "label"."""
    known: tuple[str, ...]
    """Names it is known by without being told, lower case."""
    asked: str | int | None = None
    """The user's choice: a name, a number from 0, or None to find it."""
    remembered: str | int | None = None
    """The name, or the number where that was asked for, of the column that a model was trained
    on; it is looked for before the names that are known."""

    @property
    def names(self) -> tuple[str, ...]:
        """Lower-case names that a header may give it, best first."""
        if isinstance(self.asked, str):
            return (self.asked.lower(),)
        before = self.before
        return (before.lower(), *self.known) if isinstance(before, str) else self.known

    @property
    def before(self) -> str | int | None:
        """Return what it was when a model was trained; None where that is not known."""
        return _remembered.get().get(self.role) if self.remembered is None else self.remembered

    @property
    def number(self) -> int | None:
        """Return its number, where it is asked for by one or was when a model was trained."""
        wanted = self.before if self.asked is None else self.asked
        return wanted if isinstance(wanted, int) else None


_NONE: Mapping[str, str | int] = MappingProxyType({})
_remembered: ContextVar[Mapping[str, str | int]] = ContextVar("remembered", default=_NONE)
_noted: ContextVar[dict[str, str | int] | None] = ContextVar("noted", default=None)


@contextmanager
def remembering(columns: Mapping[str, str | int]) -> Generator[None]:
    """Look first for the columns that a model was trained on, by their role, while it lasts."""
    before = _remembered.set(columns)
    try:
        yield
    finally:
        _remembered.reset(before)


@contextmanager
def noting_columns() -> Generator[dict[str, str | int]]:
    """Give the columns that are read while it lasts, by their role: the first of each."""
    found: dict[str, str | int] = {}
    before = _noted.set(found)
    try:
        yield found
    finally:
        _noted.reset(before)


def note_column(column: Column, place: str | int) -> None:
    """Record the name of a column that was found, or its number, for whoever wants to know."""
    noted = _noted.get()
    if noted is not None:
        noted.setdefault(column.role, place)
