"""Dynamic batching: questions that wait for the same service are answered together.

Nothing waits for company. While one batch is computed, what arrives gathers, and is the next batch;
an idle service answers a single question at once. All services of a process share one thread, for
a model uses all the cores that the process has.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from munmaek.errors import MunmaekError
from munmaek.tasks.service import Question, Service

__all__ = ["Batcher", "FullError"]


class FullError(Exception):
    """So many questions wait already that no more are taken."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A question, and where its answer goes."""

    question: Question
    options: Any
    size: int
    """Characters of its texts, and some for what frames them."""
    answer: asyncio.Future[Any]


FRAME = 8
"""Characters that the frame of a question counts as."""


def unnoticed(*_: float) -> None:
    """Take no notice."""


class Batcher:
    """The questions that wait for one service."""

    def __init__(
        self,
        service: Service,
        worker: Executor,
        *,
        characters: int,
        waiting: int,
        report: Callable[[int, int], None] = unnoticed,
        waits: Callable[[float], None] = unnoticed,
    ) -> None:
        """Open the queue.

        Args:
            service: what answers.
            worker: the one thread in which models compute.
            characters: of the texts of a batch at most; a longer single question is one by itself.
            waiting: questions that may wait.
            report: told the questions and characters of each batch that is begun.
            waits: told how many questions wait, when that changes.
        """
        self.service = service
        self._worker = worker
        self._characters = characters
        self._most = waiting
        self._report = report
        self._waits = waits
        self._queue: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None

    async def ask(self, questions: Sequence[Question], options: Any) -> list[Any]:
        """Return an answer for each question, in their order; cancelled, none is computed.

        Raises:
            FullError: too many wait already.
            MunmaekError: of the first question that cannot be answered.
        """
        if len(self._queue) + len(questions) > self._most:
            raise FullError
        loop = asyncio.get_running_loop()
        asked = [
            _Waiting(each, options, sum(map(len, each)) + FRAME, loop.create_future())
            for each in questions
        ]
        self._queue.extend(asked)
        self._waits(len(self._queue))
        if self._task is None and asked:
            self._task = loop.create_task(self._work())
        if len(asked) == 1:
            return [await asked[0].answer]
        return await asyncio.gather(*(each.answer for each in asked))

    async def _work(self) -> None:
        """Answer batch after batch until nothing waits."""
        loop = asyncio.get_running_loop()
        try:
            while batch := self._batch():
                self._waits(len(self._queue))
                self._report(len(batch), sum(each.size for each in batch))
                answers = await loop.run_in_executor(self._worker, self._answers, batch)
                for each, answer in zip(batch, answers, strict=True):
                    _give(each.answer, answer)
        finally:
            self._task = None

    def _batch(self) -> list[_Waiting]:
        """Take the oldest question and those after it that ask the same way, as many as fit."""
        batch, later = list[_Waiting](), deque[_Waiting]()
        room = self._characters
        while self._queue and room > 0:
            each = self._queue.popleft()
            if each.answer.done():
                continue  # given up by whoever asked
            if batch and (each.options != batch[0].options or each.size > room):
                later.append(each)
                continue
            batch.append(each)
            room -= each.size
        self._queue.extendleft(reversed(later))
        return batch

    def _answers(self, batch: Sequence[_Waiting]) -> list[Any]:
        """Answer a batch; where that fails, each by itself, so that none fails for another's."""
        try:
            questions = [each.question for each in batch]
            return list(self.service.answer(questions, batch[0].options))
        except MunmaekError as error:
            if len(batch) == 1:
                return [error]
            return [answer for each in batch for answer in self._answers([each])]
        except Exception as error:  # noqa: BLE001 - each of them is told
            return [error] * len(batch)


def _give(future: asyncio.Future[Any], answer: Any) -> None:
    if future.done():
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
