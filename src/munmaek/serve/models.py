"""The models that a server has, each with the queues of its services."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from munmaek.errors import ConfigError
from munmaek.serve.asking import RefusedError
from munmaek.serve.batching import Batcher, FullError
from munmaek.serve.continuing import Completer
from munmaek.serve.metrics import Metrics
from munmaek.serve.options import ServerOptions
from munmaek.tasks import task_named
from munmaek.tasks.service import Question, services_of

__all__ = ["CONTINUES", "Models", "Served"]

CONTINUES = "continue"
"""Stands for what continues texts, which is no service: it answers token by token."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Served:
    """A model under the name by which clients ask for it."""

    name: str
    model: Any
    """A ``munmaek.fit.trained.Trained``."""
    queues: Mapping[str, Batcher]
    """By the name of the service."""
    continuing: Any = None
    """A ``munmaek.tasks.service.Continuing``, of a model that continues texts."""
    completer: Completer | None = None
    """The queue of texts that such a model continues."""
    created: int = field(default_factory=lambda: int(time.time()))
    """Seconds since 1970 when it was loaded."""

    def does(self, service: str) -> bool:
        """Return whether it has a service, or continues texts where that is asked for."""
        return self.continuing is not None if service == CONTINUES else service in self.queues


def indices_of(given: Sequence[str], models: Mapping[str, Any]) -> dict[str, str]:
    """Return the index of each model that has one, by its name.

    Args:
        given: FILE for the only model with vectors, or NAME=FILE.
        models: trained models by name.

    Raises:
        ConfigError: no such model, several for one file, or several files for one.
    """
    able = [name for name, model in models.items() if hasattr(model, "embed_blocks")]
    out: dict[str, str] = {}
    for each in given:
        name, equals, path = each.partition("=")
        if not equals or name not in models:
            name, path = able[0] if len(able) == 1 else "", each
        if not name or name in out:
            why = "has an index already" if name else "say of which model, as NAME=FILE"
            message = f"--index {each}: {name and repr(name)} {why}".replace("  ", " ")
            raise ConfigError(message)
        out[name] = path
    return out


class Models:
    """Finds the model that answers a request."""

    def __init__(self, models: Mapping[str, Any], limits: ServerOptions, metrics: Metrics) -> None:
        """Open the queues of every model.

        Args:
            models: trained models by name.
            limits: how much may wait and be computed together.
            metrics: told of every batch.
        """
        self.limits = limits
        self._indices = indices_of(limits.index, models)
        # One thread: a model uses all cores, and each thread keeps memory of its own.
        self.worker = ThreadPoolExecutor(1, thread_name_prefix="munmaek-model")
        self.served = [self._opened(name, model, metrics) for name, model in models.items()]

    def _opened(self, name: str, model: Any, metrics: Metrics) -> Served:
        queues = self._queues(name, model, metrics)
        continuing = task_named(model.info.task).loaded().continuing(model)
        if continuing is None:
            return Served(name, model, queues)
        completer = Completer(
            continuing,
            self.worker,
            texts=self.limits.texts,
            waiting=self.limits.waiting,
            report=metrics.batches(name, CONTINUES),
            waits=metrics.waiting(name, CONTINUES),
        )
        return Served(name, model, queues, continuing, completer)

    def _queues(self, name: str, model: Any, metrics: Metrics) -> dict[str, Batcher]:
        out: dict[str, Batcher] = {}
        chosen = {"precision": self.limits.precision, "index": self._indices.get(name)}
        for service in services_of(model, chosen):
            out[service.name] = Batcher(
                service,
                self.worker,
                characters=self.limits.batch,
                waiting=self.limits.waiting,
                report=metrics.batches(name, service.name),
                waits=metrics.waiting(name, service.name),
            )
        self._searched(name, out)
        return out

    def _searched(self, name: str, queues: Mapping[str, Batcher]) -> None:
        """Make sure that a model searches where it was given an index.

        Raises:
            ConfigError: it has no vectors.
        """
        if name in self._indices and "search" not in queues:
            message = f"--index {name}={self._indices[name]}: '{name}' embeds no texts"
            raise ConfigError(message)

    @property
    def services(self) -> tuple[str, ...]:
        """Return the names of all that can be asked, in the order of the models."""
        return tuple(dict.fromkeys(name for each in self.served for name in each.queues))

    def find(self, service: str, name: str | None) -> Served:
        """Return the model of that name, or the only one with the service.

        Raises:
            RefusedError: 404 no model of that name; 400 it has no such service, or several have.
        """
        able = [each for each in self.served if service in each.queues]
        if name is None:
            if len(able) == 1:
                return able[0]
            names = ", ".join(f"'{each.name}'" for each in able)
            message = f"'model' must say which: {names}" if able else f"no model can {service}"
            raise RefusedError(400 if able else 404, message, field="model")
        found = self.named(name)
        if found not in able:
            message = f"the model '{name[:60]}' cannot {service}; it can {', '.join(found.queues)}"
            raise RefusedError(400, message, field="model")
        return found

    def named(self, name: str) -> Served:
        """Return the model of that name.

        Raises:
            RefusedError: 404, there is none.
        """
        found = next((each for each in self.served if each.name == name), None)
        if found is None:
            names = ", ".join(f"'{each.name}'" for each in self.served)
            message = f"there is no model '{name[:60]}'; there are {names}"
            raise RefusedError(404, message, field="model")
        return found

    def tokenizing(self, name: str | None) -> Served:
        """Return the model of that name, or the only one.

        Raises:
            RefusedError: 404 no model of that name; 400 there are several.
        """
        if name is not None:
            return self.named(name)
        if len(self.served) > 1:
            names = ", ".join(f"'{each.name}'" for each in self.served)
            raise RefusedError(400, f"'model' must say which: {names}", field="model")
        return self.served[0]

    def continuing(self, name: str) -> Served:
        """Return the model of that name, which continues texts.

        Raises:
            RefusedError: 404 no model of that name; 400 it cannot.
        """
        found = self.named(name)
        if found.continuing is None:
            message = f"the model '{name[:60]}' cannot continue texts; a language model can"
            raise RefusedError(400, message, field="model")
        return found

    async def computed(self, work: Callable[[], T]) -> T:
        """Do ``work`` in the thread where models compute, in its turn."""
        return await asyncio.get_running_loop().run_in_executor(self.worker, work)

    async def answers(
        self, served: Served, service: str, questions: Sequence[Question], options: Any
    ) -> list[Any]:
        """Return an answer for each question.

        Raises:
            RefusedError: 413 too many or too long; 429 too many wait.
            MunmaekError: of the first question that cannot be answered.
        """
        self.check(questions)
        try:
            return await served.queues[service].ask(questions, options)
        except FullError:
            message = f"{self.limits.waiting} texts wait already; ask again in a second"
            raise RefusedError(429, message) from None

    def check(self, questions: Sequence[Question]) -> None:
        """Check that a request asks no more than it may.

        Raises:
            RefusedError: 413, too many texts or a text that is too long.
        """
        limits = self.limits
        if len(questions) > limits.texts:
            message = f"{len(questions):,} texts; a request may have {limits.texts:,}"
            raise RefusedError(413, message)
        longest = max((len(text) for each in questions for text in each), default=0)
        if longest > limits.characters:
            message = f"a text of {longest:,} characters; it may have {limits.characters:,}"
            raise RefusedError(413, message)
