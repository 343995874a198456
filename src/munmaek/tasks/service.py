"""A service: one kind of question that a trained model answers, many of them at once.

Servers gather questions and ask a service; they know no task. Each task's ``Work.services`` says
what its models are asked.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from munmaek.models.configuration import Config

__all__ = ["Continuing", "Nothing", "Question", "Service", "answered_sides"]

Question: TypeAlias = tuple[str, ...]
"""The texts of a question, such as the two of a pair."""


class Nothing(Config):
    """No options."""


@dataclass(frozen=True, slots=True)
class Service:
    """One kind of question, and what answers it."""

    name: str
    """The verb of the command that asks it, which is also its route."""
    answer: Callable[[Sequence[Question], Any], Sequence[Any]]
    """Returns an answer for each question, in their order; the second argument is of ``options``.

    Raises ``munmaek.errors.MunmaekError`` where a question cannot be answered.
    """
    texts: tuple[str, ...] = ("text",)
    """The texts of a question by name."""
    optional: int = 0
    """Number of the last texts that may be missing."""
    options: type[Config] = Nothing
    """The class of what may be asked besides; questions are answered together where it is equal."""
    to_json: Callable[[Any], Any] = lambda answer: answer
    """Returns an answer as JSON has it."""

    def asked(self, given: Mapping[str, Any]) -> Any:
        """Return options that were given by name, as ``answer`` takes them.

        Raises:
            ConfigError: an unknown one, or a value out of range.
        """
        return self.options.of(given, where="the body")


class Continuing(Protocol):
    """A model that continues texts token by token."""

    @property
    def options(self) -> type[Config]:
        """Return the class of what may be asked of a continuation."""
        ...

    def ids(self, prompt: str | Sequence[int]) -> list[int]:
        """Return a prompt as token ids.

        Raises:
            InputError: an id outside the vocabulary.
        """
        ...

    def pieces(self, ids: Sequence[int], options: Any) -> Iterator[Any]:
        """Yield each token that follows, as ``munmaek.tasks.lm.completing.Piece``."""
        ...

    def read(self, ids: Sequence[int], count: int) -> Sequence[Any]:
        """Return the tokens of a prompt likewise, with ``count`` of the likeliest in each place."""
        ...


def answered_sides(
    questions: Sequence[Question],
    answer: Callable[[Sequence[str], Sequence[str] | None], Sequence[Any]],
) -> list[Any]:
    """Answer single texts and pairs of texts, each kind together, and return all in their order.

    Args:
        questions: of one text or of two.
        answer: takes the first texts, and the second ones of pairs.
    """
    out = [None] * len(questions)
    for width in (1, 2):
        rows = [row for row, each in enumerate(questions) if len(each) == width]
        firsts = [questions[row][0] for row in rows]
        seconds = [questions[row][1] for row in rows] if width == 2 else None
        for row, found in zip(rows, answer(firsts, seconds) if rows else (), strict=True):
            out[row] = found
    return out
