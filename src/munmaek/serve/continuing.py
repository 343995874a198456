"""Completions of requests that arrive together, drawn together token by token.

What waits begins as one group, which goes on in lockstep; groups that were begun at different times
take turns. A text whose client has gone is drawn no further.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from munmaek.serve.batching import unnoticed
from munmaek.tasks.service import Continuing, Growing

__all__ = ["Completer"]

GROUPS = 4
"""Groups that take turns, at most; what arrives then waits until one has ended."""


@dataclass(slots=True, eq=False)
class _Text:
    """A text that grows."""

    ids: Sequence[int]
    options: Any
    left: int
    """Tokens that may still come."""
    grown: deque[Any] = field(default_factory=deque[Any])
    """Tokens drawn that are not yet taken."""
    news: asyncio.Future[None] | None = None
    ended: bool = False
    error: Exception | None = None

    def tell(self) -> None:
        """Tell whoever waits that something is drawn."""
        if self.news is not None and not self.news.done():
            self.news.set_result(None)

    def take(self, drawn: Any, eos: int) -> None:
        """Take what was drawn, or why nothing can be."""
        if isinstance(drawn, Exception):
            self.error, self.ended = drawn, True
            self.tell()
            return
        if not drawn.tokens:  # its prompt is still being read
            return
        self.grown.append(drawn)
        self.left -= len(drawn.tokens)
        self.ended = self.ended or self.left <= 0 or drawn.tokens[-1] == eos
        self.tell()


@dataclass(slots=True, eq=False)
class _Group:
    """Texts that were begun together."""

    texts: Sequence[_Text]
    growing: Growing | None = None

    def going(self) -> list[int]:
        """Return those that somebody waits for."""
        return [place for place, text in enumerate(self.texts) if not text.ended]


class Completer:
    """The texts that wait for one model."""

    def __init__(
        self,
        continuing: Continuing,
        worker: Executor,
        *,
        texts: int,
        waiting: int,
        report: Callable[[int, int], None] = unnoticed,
        waits: Callable[[float], None] = unnoticed,
    ) -> None:
        """Open the queue.

        Args:
            continuing: what continues texts.
            worker: the one thread in which models compute.
            texts: of a group at most.
            waiting: texts that may wait.
            report: told the texts and prompts' tokens of each group that is begun.
            waits: told how many texts wait, when that changes.
        """
        self._continuing, self._worker = continuing, worker
        self._texts, self._most = texts, waiting
        self._report, self._waits = report, waits
        self._queue: deque[_Text] = deque()
        self._task: asyncio.Task[None] | None = None

    def has_room(self, count: int) -> bool:
        """Return whether so many texts more may wait."""
        return len(self._queue) + count <= self._most

    async def draw(self, ids: Sequence[int], options: Any) -> AsyncGenerator[Any]:
        """Yield what follows ``ids`` as it is drawn; closed, no more is.

        Raises:
            Exception: of the model.
        """
        loop = asyncio.get_running_loop()
        text = _Text(ids, options, options.max_tokens)
        self._queue.append(text)
        self._waits(len(self._queue))
        if self._task is None:
            self._task = loop.create_task(self._work())
        try:
            while not text.ended or text.grown:
                if not text.grown:
                    text.news = loop.create_future()
                    await text.news
                if text.error is not None:
                    raise text.error
                while text.grown:
                    yield text.grown.popleft()
        finally:
            text.ended = True

    async def _work(self) -> None:
        """Draw group after group, in turns, until nothing waits."""
        loop, groups = asyncio.get_running_loop(), deque[_Group]()
        try:
            while True:
                if len(groups) < GROUPS and (begun := self._gathered()):
                    groups.append(begun)
                if not groups:
                    return
                group = groups.popleft()
                going = group.going()
                if not going:
                    continue
                drawn = await loop.run_in_executor(self._worker, self._turn, group, going)
                for place, one in zip(going, drawn, strict=True):
                    group.texts[place].take(one, self._continuing.eos)
                groups.append(group)
        finally:
            self._task = None

    def _gathered(self) -> _Group | None:
        """Take what waits."""
        found = list[_Text]()
        while self._queue and len(found) < self._texts:
            text = self._queue.popleft()
            if not text.ended:
                found.append(text)
        self._waits(len(self._queue))
        if not found:
            return None
        self._report(len(found), sum(len(text.ids) for text in found))
        return _Group(found)

    def _turn(self, group: _Group, going: Sequence[int]) -> Sequence[Any]:
        """Draw once for a group, in the thread of models; an error is each text's."""
        try:
            if group.growing is None:
                asked = [(text.ids, text.options) for text in group.texts]
                group.growing = self._continuing.begun(asked)
            return group.growing.turn(going)
        except Exception as error:  # noqa: BLE001 - each of them is told
            return [error] * len(going)
