"""Work on blocks of texts, in this process or in several, with what comes out in order.

Each process opens the model for itself; tables of n-grams are mapped, so that they lie in memory
once.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from munmaek.ngram.parallel import available
from munmaek.tasks import task_named
from munmaek.tasks.loading import load
from munmaek.tasks.measures import Columns, MeasuredBy, TextMeasures

__all__ = ["Workers", "opened_measures", "workers"]

Item = TypeVar("Item")
_AHEAD = 3
"""Blocks of each process that are waiting or done."""

_measures: list[TextMeasures] = []
"""The measures of the model that this process works with."""


def opened_measures(model: Path, by: MeasuredBy) -> TextMeasures:
    """Open a model and return what tells texts apart by it.

    Raises:
        ArtefactError: it cannot be opened.
        ConfigError: ``by`` lacks what the number depends on.
        UnsupportedError: models of its task give texts no number.
    """
    trained: Any = load(model)
    work = task_named(trained.info.task).loaded()
    return replace(work.measures(trained, by), column=trained.info.columns.get("text"))


def _open(model: Path, by: MeasuredBy) -> None:
    _measures[:] = [opened_measures(model, by)]


def _measured(texts: Sequence[str]) -> Columns:
    return _measures[0].of(texts)


class Workers:
    """Processes that answer blocks of texts."""

    def __init__(self, measures: TextMeasures, pool: ProcessPoolExecutor | None, jobs: int) -> None:
        """Keep what works.

        Args:
            measures: of the model, in this process.
            pool: of the others; None has this process do the work.
            jobs: their number.
        """
        self.measures, self._pool, self._jobs = measures, pool, jobs

    def measured(
        self, items: Iterable[Item], texts: Callable[[Item], Sequence[str]]
    ) -> Iterator[tuple[Item, Columns]]:
        """Yield each item, in order, with the numbers of its texts."""
        if self._pool is None:
            for item in items:
                asked = texts(item)
                yield item, self.measures.of(asked) if asked else {}
            return
        waiting: deque[tuple[Item, Future[Columns] | None]] = deque()
        for item in items:
            asked = texts(item)
            waiting.append((item, self._pool.submit(_measured, asked) if asked else None))
            if len(waiting) >= _AHEAD * self._jobs:
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())


def _result(given: tuple[Item, Future[Columns] | None]) -> tuple[Item, Columns]:
    item, future = given
    return item, {} if future is None else future.result()


@contextmanager
def workers(model: Path, by: MeasuredBy, *, jobs: int, text_bytes: int = 0) -> Generator[Workers]:
    """Open a model in this process, and in ``jobs`` others where more than one work.

    Several processes share tables as they lie in the file, so these prepare nothing.

    Raises:
        ArtefactError: as ``opened_measures``, like the others.
    """
    threads = available() if jobs == 1 else 1
    by = replace(by, threads=threads, text_bytes=text_bytes if jobs == 1 else 0)
    measures = opened_measures(model, by)
    if jobs == 1:
        yield Workers(measures, None, 1)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn"), _open, (model, by)) as pool:
        try:
            yield Workers(measures, pool, jobs)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
