"""The answers of routes: JSON, each family of routes with its own form of errors."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from munmaek.errors import InputError, MunmaekError
from munmaek.serve.asking import RefusedError
from munmaek.serve.metrics import Metrics
from munmaek.tasks.packing import listed
from munmaek.text.written_lines import json_line
from munmaek.web.turns import COME_BACK, GoneError

__all__ = ["Endpoint", "ErrorForm", "answered", "posted", "while_there"]

T = TypeVar("T")
Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
ErrorForm: TypeAlias = Callable[[RefusedError], Mapping[str, Any]]
"""Returns the body of an answer that is an error."""

COMPACT: Any = {"ensure_ascii": False, "separators": (",", ":")}
WRITE = json.JSONEncoder(**COMPACT, allow_nan=False, default=listed).encode
GONE = 499
"""The status noted of a request whose client has gone; nobody receives it."""


async def while_there(request: Request, work: Awaitable[T]) -> T:
    """Wait for ``work`` as long as the client does.

    Raises:
        GoneError: it has gone; ``work`` is cancelled.
    """
    asked, there = asyncio.current_task(), True

    async def watch() -> None:
        nonlocal there
        while (await request.receive())["type"] != "http.disconnect":
            pass
        there = False
        if asked is not None:
            asked.cancel()

    gone = asyncio.ensure_future(watch())
    try:
        return await work
    except asyncio.CancelledError:
        if there:
            raise
        raise GoneError from None
    finally:
        gone.cancel()


def answered(
    value: Any,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    arrays: Callable[[Any], Any] | None = None,
) -> Response:
    """Return a value as JSON in UTF-8.

    Args:
        value: plain, but for arrays.
        status: of the answer.
        headers: further ones.
        arrays: returns an array as plain values, for our own client, which reads NaN and infinity
            too; None lists its numbers, and has null for what JSON cannot hold.
    """
    try:
        content = WRITE(value) if arrays is None else json.dumps(value, default=arrays, **COMPACT)
    except ValueError:  # a number that is none
        content = json_line(json.loads(json.dumps(value, default=listed)))
    body = content.encode("utf-8", "replace")
    return Response(body, status, headers=headers, media_type="application/json")


def posted(path: str, endpoint: Endpoint, form: ErrorForm, metrics: Metrics) -> Route:
    """Return a route whose errors have a form and whose requests are counted."""
    seconds = metrics.seconds.labels(path)
    counts = {200: metrics.requests.labels(path, "200")}

    async def respond(request: Request) -> Response:
        began = time.perf_counter()
        metrics.under_way.inc()
        status = 500
        try:
            answer = await _refusable(request, endpoint, form)
            status = answer.status_code
            return answer
        finally:
            metrics.under_way.dec()
            if status not in counts:
                counts[status] = metrics.requests.labels(path, str(status))
            counts[status].inc()
            seconds.observe(time.perf_counter() - began)

    return Route(path, respond, methods=["POST"])


async def _refusable(request: Request, endpoint: Endpoint, form: ErrorForm) -> Response:
    try:
        return await endpoint(request)
    except GoneError:
        return Response(status_code=GONE)
    except RefusedError as error:
        refused = error
    except MunmaekError as error:
        # Of a question it is one of the texts that cannot be answered; else how they are asked.
        field = None if isinstance(error, InputError) else "options"
        refused = RefusedError(422, str(error), field=field)
    later = COME_BACK if refused.status in (429, 503) else None
    return answered(form(refused), refused.status, later)
