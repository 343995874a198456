"""The order of answers: one use of a model at a time, few who wait, none who has gone.

A model uses all processors for one sentence, so two at once are no faster and need twice the
memory. Whoever asks therefore waits for a turn, in the order of asking. Where too many wait
already, the answer is 503 with a time to come back, and a request whose client has gone is passed
over.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["COME_BACK", "REQUESTS_MOST", "WAITING_MOST", "Crowd", "GoneError", "Turns"]

T = TypeVar("T")

WAITING_MOST = 16
"""Requests that may wait for a model."""
REQUESTS_MOST = 64
"""Requests of any kind that may be under way."""
COME_BACK = {"retry-after": "1"}
"""Seconds after which whoever was sent away may ask again."""


class GoneError(Exception):
    """The client of a request has gone, so that nothing was computed."""


class Turns:
    """The one worker that uses models, and the room where requests wait for it."""

    def __init__(self, *, most: int = WAITING_MOST) -> None:
        """Open a room for ``most`` requests, the one at work among them."""
        self._most = most
        self._inside = 0
        self._turn = asyncio.Lock()
        # Always the same thread: each new one would keep memory of its own for what it allocates.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="munmaek-model")

    async def take(self, request: Request, work: Callable[[], T]) -> T:
        """Do ``work`` when it is this request's turn.

        Raises:
            HTTPException: 503, too many wait already.
            GoneError: the client went away meanwhile.
        """
        if self._inside >= self._most:
            message = f"{self._most} requests wait already; ask again in a second"
            raise HTTPException(503, message, headers=dict(COME_BACK))
        self._inside += 1
        try:
            async with self._turn:
                if await request.is_disconnected():
                    raise GoneError
                return await asyncio.get_running_loop().run_in_executor(self._worker, work)
        finally:
            self._inside -= 1


class Crowd:
    """Middleware: sends requests away while too many are under way, before anything is read."""

    def __init__(self, inner: ASGIApp, *, most: int = REQUESTS_MOST) -> None:
        """Let ``most`` requests through to ``inner`` at a time."""
        self._inner = inner
        self._most = most
        self._inside = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let through."""
        if scope["type"] != "http":  # the server's own life is no request
            await self._inner(scope, receive, send)
            return
        if self._inside >= self._most:
            message = f"{self._most} requests are under way; ask again in a second"
            refusal: Any = JSONResponse({"error": message}, 503, headers=dict(COME_BACK))
            await refusal(scope, receive, send)
            return
        self._inside += 1
        try:
            await self._inner(scope, receive, send)
        finally:
            self._inside -= 1
