"""Models on a server: asked over HTTP, and answering as a model in a folder does.

What a verb's class says of rows, columns and lines is said here, by that class, of what the server
tells of the model; only the answers come from there. Several requests are under way at once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, TypeVar, cast, final
from urllib.parse import unquote, urlsplit

from munmaek.errors import ConfigError, ServerError, UnsupportedError
from munmaek.folder.info import Info
from munmaek.tasks import task_named, tasks
from munmaek.tasks.answering import Answer, Answering, Answers, Asked, Texts
from munmaek.tasks.connection import Address, Connection
from munmaek.tasks.packing import unpacked
from munmaek.text.given import given_texts, paired_texts
from munmaek.text.memory import Source

__all__ = ["Asking", "NotServedError", "Remote", "open_remote"]

T = TypeVar("T")
IN_FLIGHT: Final = 4
"""Requests that are under way at once."""
TOGETHER: Final = 256
"""Texts of a request, at most."""


class NotServedError(UnsupportedError, AttributeError):
    """A use of a model that needs its folder."""


class Remote(Answers):
    """A model on a server."""

    def __init__(self, connection: Connection, told: Mapping[str, Any], limits: Any) -> None:
        """Take what the server says of it.

        Args:
            connection: to the server.
            told: its name, task, stage, label, version, parameters, columns and verbs, and the
                attributes that verbs read.
            limits: ``texts`` and ``characters`` of a request that are computed together.
        """
        self.connection, self.name, self._limits = connection, str(told["name"]), limits
        self.verbs: Sequence[str] = told["verbs"]
        self.told: Mapping[str, Any] = told["told"]
        self.info = Info(
            task=told["task"],
            stage=told["stage"],
            label=told["label"],
            config={},
            sizes={},
            parameters=told["parameters"],
            data={"train": {"columns": told["columns"]}},
            version=told["version"],
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} ({self.info.label}) at {self.connection.url}>"

    def __getattr__(self, name: str) -> Any:
        told: Mapping[str, Any] = self.__dict__.get("told", {})
        if name in told:
            value = told[name]
            return SimpleNamespace(**value) if isinstance(value, dict) else value
        message = f"'{name}' needs the model's folder; a model on a server has no such thing"
        raise NotServedError(message)

    def answering(self, kind: type[Answering], asked: Any) -> Answering:
        """Return what answers rows as ``kind`` does, by what the server answers.

        Raises:
            ConfigError: an option that servers are not asked for, or options that do not go
                together.
            UnsupportedError: the server does not answer so of this model.
        """
        return Asking(self, kind, asked)

    def verb_of(self, kind: type[Answering]) -> str:
        """Return the verb whose rows a class answers."""
        path = f"{kind.__module__}:{kind.__qualname__}"
        named = (verb for row in tasks().values() for verb, own in row.verbs.items() if own == path)
        return next(named, kind.__name__)

    def check_verb(self, verb: str) -> None:
        """Make sure that the server answers a verb.

        Raises:
            UnsupportedError: not of this model.
        """
        if verb not in self.verbs:
            message = f"{self.connection.url}: '{self.name}' answers {', '.join(self.verbs)}"
            message = f"{message}, not {verb}"
            raise UnsupportedError(message)

    def said(
        self, texts: Sequence[str], seconds: Sequence[str] | None = None, **options: Any
    ) -> list[dict[str, Any]]:
        """Return what the task's verb says of each text, or of each pair.

        Args:
            texts: the texts, or one, or the first of each pair.
            seconds: the second of each pair.
            options: as in ``result``.

        Raises:
            InputError: a text that is no string, or one that cannot be answered.
        """
        if seconds is None:
            return self.results(given_texts(texts), **options)
        return self.results(list(zip(*paired_texts(texts, seconds), strict=True)), **options)

    def ask(self, verb: str, questions: Sequence[Texts], options: Mapping[str, Any]) -> list[Any]:
        """Return what the server answers to each question, in their order.

        Raises:
            MunmaekError: of the first that it cannot answer; ``munmaek.tasks.connection``.
        """
        self.check_verb(verb)

        def one(part: Sequence[Texts]) -> list[Any]:
            inputs = [list(each) if len(each) > 1 else "".join(each) for each in part]
            body = {**options, "model": self.name, "inputs": inputs, "packed": True}
            found = self.connection.ask(f"/ask/{verb}", body)
            outputs = outputs_of(found)
            if len(outputs) != len(part):
                message = f"{self.connection.url}: wanted {len(part)} answers, got something else"
                raise ServerError(message)
            return [unpacked(each) for each in outputs]

        parts = list(self._parts(questions))
        if len(parts) < 2:
            return [*chain.from_iterable(map(one, parts))]
        return [*chain.from_iterable(together(one, parts, self.connection.close))]

    def _parts(self, questions: Sequence[Texts]) -> Iterator[Sequence[Texts]]:
        """Part questions into requests that the server computes in one go each."""
        most, room = min(TOGETHER, self._limits["texts"]), self._limits["together"]
        begin = size = 0
        for end, question in enumerate(questions):
            length = sum(map(len, question))
            if end > begin and (end - begin == most or size + length > room):
                yield questions[begin:end]
                begin, size = end, 0
            size += length
        if questions:
            yield questions[begin:]


def outputs_of(found: Any) -> list[Any]:
    """Return the answers that a server's answer holds; nothing where it is of another form."""
    outputs: Any = cast("dict[str, Any]", found).get("outputs") if isinstance(found, dict) else None
    return cast("list[Any]", outputs) if isinstance(outputs, list) else []


def together(work: Callable[[Any], T], parts: Sequence[Any], stop: Callable[[], None]) -> list[T]:
    """Do several works at once; where one fails, none is begun any more, and Ctrl-C stops all."""
    pool = ThreadPoolExecutor(IN_FLIGHT)
    try:
        return list(pool.map(work, parts))
    except KeyboardInterrupt:
        stop()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@final
class Asking(Answering):
    """Rows answered by a model on a server."""

    def __init__(self, model: Remote, kind: type[Answering], asked: Asked) -> None:
        """Take the model, the class of a verb and its options.

        Raises:
            ConfigError: an option that servers are not asked for.
            UnsupportedError: the server does not answer so of this model.
        """
        self._model, self._verb, self._options = model, model.verb_of(kind), asked.sent()
        model.check_verb(self._verb)
        self._form = kind(model, asked)
        self.block, self.extra = self._form.block, self._form.extra
        self.ends, self.columns, self.new = self._form.ends, self._form.columns, self._form.new

    def answers(self, texts: Sequence[Texts]) -> Sequence[Answer]:
        """Return what the server says of each row."""
        self._form.whole = self.whole
        options = {**self._options, **(self._form.wholly if self.whole else {})}
        found = self._model.ask(self._verb, texts, options)
        return [self._form.received(each) for each in found]

    def line(self, texts: Texts, answer: Answer, /) -> str:
        """Return a row and its answer as plain text has them."""
        return self._form.line(texts, answer)

    def named(self, texts: Texts) -> Answer:
        """Return the texts of a row by name."""
        return self._form.named(texts)

    def nothing(self, texts: Texts) -> Answer | None:
        """Return the answer of an empty row, which nobody is asked."""
        return self._form.nothing(texts)

    def fill(self, source: Source, output: Path) -> Mapping[str, int]:
        """Refuse to fill a file, for which more of the model is wanted than a server tells.

        Raises:
            UnsupportedError: always.
        """
        message = f"{source}: {output.suffix} is filled by a model in a folder; name one"
        raise UnsupportedError(message)

    def remarks(self, rows: int, /) -> Sequence[str]:
        """Return what to say at the end of so many rows."""
        return self._form.remarks(rows)


def open_remote(address: Address, *names: str) -> Remote:
    """Return a model on a server.

    Args:
        address: of the server, or with the model's name behind it.
        names: tasks whose answers will do, which choose where the server has several models.

    Raises:
        ConfigError: no address, no such model there, or several that would do.
        ServerError: the server is not reached, or is none of munmaek's.
    """
    connection, name, found = _found(address)
    rows = [task_named(each) for each in names]
    able = [
        each
        for each in found["models"]
        if not rows or any(row.serves(each["task"]) for row in rows)
    ]
    chosen = [each for each in found["models"] if each["name"] == name] if name else able
    if len(chosen) != 1:
        there = ", ".join(each["name"] for each in (found["models"] if name else able)) or "none"
        wanted = f"no model '{name}'" if name else "the address must say which model"
        message = f"{connection.url}: {wanted}; there are: {there} (write {connection.url}/NAME)"
        raise ConfigError(message)
    told = chosen[0]
    row = tasks().get(told["task"])
    if row is None:
        message = f"{connection.url}: the task '{told['task']}' is not known here; upgrade munmaek"
        raise UnsupportedError(message)
    return row.remote_class()(connection, told, found["limits"])


def _found(address: Address) -> tuple[Connection, str, Any]:
    """Return the server at an address, the model's name in it, and what the server has."""
    connection = Connection(address)
    status, found = connection.get("/models")
    if status == 200 and _is_list(found):
        return connection, "", found
    parts = urlsplit(connection.url)
    if status == 404 and parts.path:
        before, _, name = connection.url.rpartition("/")
        outer = Connection(Address(before, address.token))
        again, found = outer.get("/models")
        if again == 200 and _is_list(found):
            return outer, unquote(name), found
    if status in (401, 403, 421):
        raise connection.fault(status, found)
    message = f"{connection.url}: answers, but not as 'munmaek serve' does (status {status})"
    raise ServerError(message)


def _is_list(found: Any) -> bool:
    return isinstance(found, dict) and "models" in found and "limits" in found
