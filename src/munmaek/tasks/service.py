"""A service: one kind of question that a trained model answers, many of them at once.

Servers gather questions and ask a service; they know no task. Each verb's class (``Answering``)
makes one, with the options that it lets others ask for; a task's ``Work.services`` may have another
way to the same answers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, TypeAlias

from munmaek.errors import ConfigError
from munmaek.models.configuration import Config
from munmaek.tasks import load_name, task_named, tasks
from munmaek.tasks.answering import Answering, answers_of

__all__ = ["Continuing", "Growing", "Nothing", "Question", "Service", "services_of", "told_of"]

Question: TypeAlias = tuple[str, ...]
"""The texts of a question, such as the two of a pair."""


NOT_THERE = object()


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
    served: tuple[str, ...] | None = None
    """The options that others may ask for; None lets all be asked for."""
    always: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Options that whoever runs the server has chosen."""
    most: Mapping[str, int] = field(default_factory=dict[str, int])
    """Greatest values of options that are numbers."""
    to_json: Callable[[Any], Any] = lambda answer: answer
    """Returns an answer as JSON has it."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the options that others may ask for."""
        return tuple(self.options.model_fields) if self.served is None else self.served

    def asked(self, given: Mapping[str, Any]) -> Any:
        """Return options that were given by name, as ``answer`` takes them.

        Raises:
            ConfigError: one that others may not ask for, or a value out of range.
        """
        unknown = next((each for each in given if each not in self.names), None)
        if unknown is not None:
            message = f"unknown field '{unknown[:60]}'; there are {', '.join(self.names) or 'none'}"
            raise ConfigError(message)
        for name, most in self.most.items():
            if isinstance(value := given.get(name), int | float) and not abs(value) <= most:
                message = f"{name} = {value}: a server takes {most:,} at most"
                raise ConfigError(message)
        return self.options.of({**given, **self.always}, where="the body")


class Growing(Protocol):
    """Texts that grow together."""

    def turn(self, rows: Sequence[int]) -> Sequence[Any]:
        """Draw the next tokens of rows, each as ``munmaek.tasks.lm.completing.Drawn``.

        Rows that are left out once are never drawn again.
        """
        ...


class Continuing(Protocol):
    """A model that continues texts token by token."""

    @property
    def options(self) -> type[Config]:
        """Return the class of what may be asked of a continuation."""
        ...

    @property
    def eos(self) -> int:
        """Return the id that ends a sentence."""
        ...

    def ids(self, prompt: str | Sequence[int]) -> list[int]:
        """Return a prompt as token ids.

        Raises:
            InputError: an id outside the vocabulary.
        """
        ...

    def begun(self, asked: Sequence[tuple[Sequence[int], Any]]) -> "Growing":
        """Begin texts that are continued together: ids of each prompt, and what is asked of it."""
        ...

    def pieces(self, before: Sequence[int], drawn: Any) -> Sequence[Any]:
        """Return tokens that follow others, each as ``munmaek.tasks.lm.completing.Piece``."""
        ...

    def text(self, before: Sequence[int], tokens: Sequence[int]) -> str:
        """Return the text that tokens add to those before."""
        ...

    def read(self, ids: Sequence[int], count: int) -> Sequence[Any]:
        """Return the tokens of a prompt likewise, with ``count`` of the likeliest in each place."""
        ...


KEPT = 8
"""Ways in which a model is asked that are kept ready."""


def services_of(model: Any, options: Mapping[str, Any]) -> list[Service]:
    """Return the services of a trained model, each by the name of its verb.

    Args:
        model: a trained model.
        options: what whoever runs the server says of all questions, such as ``precision``.

    Raises:
        ConfigError: an option that a verb has with other values.
    """
    own = {
        each.name: each for each in task_named(model.info.task).loaded().services(model, options)
    }
    for verb, kind in _verbs_of(model).items():
        if verb not in own:
            own[verb] = _answering_service(verb, kind, model, options)
    return list(own.values())


def _verbs_of(model: Any) -> dict[str, type[Answering]]:
    """Return the verbs that a trained model answers, each with its class."""
    classes = {
        verb: load_name(path) for row in tasks().values() for verb, path in row.verbs.items()
    }
    return {
        verb: kind
        for verb, kind in classes.items()
        if any(task_named(name).serves(model.info.task) for name in kind.tasks)
    }


def told_of(model: Any) -> dict[str, Any]:
    """Return the attributes that verbs read of a model besides its answers, as JSON has them.

    Those that it has not are left out.
    """
    out: dict[str, Any] = {}
    for name in (name for kind in _verbs_of(model).values() for name in kind.told):
        value: Any = model
        *outer, last = name.split(".")
        for part in (*outer, last):
            value = getattr(value, part, NOT_THERE)
        if value is not NOT_THERE:
            place = out
            for part in outer:
                place = place.setdefault(part, {})
            place[last] = value
    return out


def _answering_service(
    verb: str, kind: type[Answering], model: Any, options: Mapping[str, Any]
) -> Service:
    """Return the service of a verb, whose questions are answered as rows of a table are."""
    fields = kind.options.model_fields
    several = "pairs" in fields

    @lru_cache(KEPT)
    def ready(asked: Any) -> Answering:
        made = kind(model, asked)
        made.whole = getattr(asked, "alignment", True)  # links cost a translation its speed
        return made

    def answer(questions: Sequence[Question], asked: Any) -> Sequence[Any]:
        out: list[Any] = [None] * len(questions)
        for width in {len(each) for each in questions}:
            rows = [row for row, each in enumerate(questions) if len(each) == width]
            paired = several and width > 1
            way = asked.model_copy(update={"pairs": True}) if paired else asked
            found = answers_of(ready(way), [questions[row] for row in rows])
            for row, each in zip(rows, found, strict=True):
                out[row] = each
        return out

    service = Service(
        verb,
        answer,
        kind.texts,
        optional=kind.optional,
        options=kind.options,
        served=kind.options.served,
        most=kind.options.most,
        always={name: each for name, each in options.items() if name in fields},
    )
    service.asked({})  # what whoever runs the server has chosen is there
    return service
