"""The viewer's server: one page, and behind it what the page asks for.

    GET  /                              the page
    GET  /api/model                     the models and what to begin with
    POST /api/records                   one sentence through one model
    GET  /api/records/ID/tensors/NAME   a large tensor of it, raw little-endian bytes
    GET  /api/next?model=&text=         the likeliest next tokens
    GET  /api/suspicious?by=&from=&count=   pairs by suspicion
    GET  /api/pairs/INDEX               the record of a pair
    GET, POST /api/marks                marks, and one more
    GET, POST /api/corrections          corrected translations, and one more
    GET  /api/marks.pharaoh             marks for other tools
    GET, POST, DELETE /api/guide        guided training: how far, begin, cancel

Bodies are JSON; an error is ``{"error": "one line"}``. ``munmaek.web.security`` says who may ask,
``munmaek.web.turns`` whose turn it is.
"""

import json
from asyncio import timeout
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol, cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from munmaek.errors import MunmaekError
from munmaek.look.workbench import MissingError
from munmaek.web.asked import known, number, place, query, record_asked, whole
from munmaek.web.security import Guard
from munmaek.web.turns import Crowd, GoneError, Turns

__all__ = ["HEADERS", "Bench", "app"]

PAGE_MOST = 500
BODY_SECONDS = 30

HEADERS = {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Bench(Protocol):
    """Answers to requests, as ``munmaek.look.workbench.Workbench`` gives them."""

    def describe(self) -> dict[str, Any]: ...  # noqa: D102
    def record(  # noqa: D102
        self,
        model: str,
        text: str,
        *,
        target: str | None,
        pair: str | None,
        mask: int | None,
        off: Sequence[tuple[str, int]],
        beam: int,
    ) -> dict[str, Any]: ...
    def tensor(self, record: str, name: str) -> Any: ...  # noqa: D102
    def next(self, model: str, text: str) -> list[list[Any]]: ...  # noqa: D102
    def suspicious(self, by: str, start: int, count: int) -> dict[str, Any]: ...  # noqa: D102
    def pair(self, index: int) -> dict[str, Any]: ...  # noqa: D102
    def mark(self, body: Mapping[str, Any]) -> dict[str, Any]: ...  # noqa: D102
    def kept_marks(self) -> Any: ...  # noqa: D102
    def correct(self, body: Mapping[str, Any]) -> dict[str, Any]: ...  # noqa: D102
    def kept_corrections(self) -> Any: ...  # noqa: D102
    def guide(self, steps: int) -> dict[str, Any]: ...  # noqa: D102
    def guide_state(self) -> dict[str, Any]: ...  # noqa: D102
    def cancel_guide(self) -> dict[str, Any]: ...  # noqa: D102


def app(bench: Bench, page: Callable[[], str], *, port: int) -> Starlette:
    """Return the application.

    Args:
        bench: answers what the page asks.
        page: the whole page.
        port: the one that the server listens on, which every request must name.
    """
    turns = Turns()
    shown = cache(page)

    def show(_: Request) -> Response:
        return HTMLResponse(shown())

    def answer(make: Callable[[Request], Any], *names: str) -> Callable[[Request], Response]:
        def respond(request: Request) -> Response:
            known(request, *names)
            return _json(make(request))

        return respond

    def computed(make: Callable[[Request], Any], *names: str) -> Callable[[Request], Any]:
        async def respond(request: Request) -> Response:
            known(request, *names)
            return await turns.take(request, lambda: _json(make(request)))

        return respond

    def posted(make: Callable[[Mapping[str, Any]], Any]) -> Callable[[Request], Any]:
        async def respond(request: Request) -> Response:
            body = await _body(request)
            return await turns.take(request, lambda: _json(make(body)))

        return respond

    def tensor(request: Request) -> Response:
        packed = bench.tensor(request.path_params["record"], request.path_params["name"])
        return Response(packed.data, media_type="application/octet-stream")

    def pharaoh(_: Request) -> Response:
        return PlainTextResponse(bench.kept_marks().pharaoh())

    get: dict[str, Callable[[Request], Any]] = {
        "/api/model": lambda _: bench.describe(),
        "/api/marks": lambda _: bench.kept_marks().to_json(),
        "/api/corrections": lambda _: bench.kept_corrections().to_json(),
        "/api/guide": lambda _: bench.guide_state(),
    }
    post: dict[str, Callable[[Mapping[str, Any]], Any]] = {
        "/api/records": lambda body: bench.record(**record_asked(body)),
        "/api/marks": bench.mark,
        "/api/corrections": lambda body: bench.correct(body),
        "/api/guide": lambda body: bench.guide(whole(body, "steps", 1, 100_000, default=600)),
    }
    routes = [
        Route("/", show, methods=["GET"]),
        Route("/api/records/{record}/tensors/{name:path}", tensor, methods=["GET"]),
        Route("/api/marks.pharaoh", pharaoh, methods=["GET"]),
        Route("/api/suspicious", answer(_suspicious(bench), *LISTED), methods=["GET"]),
        Route("/api/next", computed(_likeliest(bench), "model", "text"), methods=["GET"]),
        Route("/api/pairs/{index}", computed(_pair(bench)), methods=["GET"]),
        *(Route(path, answer(make), methods=["GET"]) for path, make in get.items()),
        *(Route(path, posted(make), methods=["POST"]) for path, make in post.items()),
        Route("/api/guide", answer(lambda _: bench.cancel_guide()), methods=["DELETE"]),
    ]
    errors: dict[Any, Any] = {
        MunmaekError: _refuse, HTTPException: _refuse_http, GoneError: _gone, Exception: _fail
    }  # fmt: skip
    return Starlette(
        routes=routes,
        middleware=[Middleware(_Headers), Middleware(Crowd), Middleware(Guard, port=port)],
        exception_handlers=errors,
    )


LISTED = ("by", "from", "count")
"""Parameters of a list of pairs by suspicion."""


def _suspicious(bench: Bench) -> Callable[[Request], Any]:
    return lambda request: bench.suspicious(
        query(request, "by", "entropy"),
        number(request, "from", 0, 10**9),
        number(request, "count", 50, PAGE_MOST),
    )


def _likeliest(bench: Bench) -> Callable[[Request], Any]:
    return lambda request: {
        "next": bench.next(query(request, "model", "0"), query(request, "text", ""))
    }


def _pair(bench: Bench) -> Callable[[Request], Any]:
    return lambda request: bench.pair(place(request, "index"))


class _Headers:
    """Middleware: what every answer carries, refusals too."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        more = [(name.encode(), value.encode()) for name, value in HEADERS.items()]

        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        await self._inner(scope, receive, sent)


# Answers


def _json(value: Any, status: int = 200) -> Response:
    content = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return Response(content.encode("utf-8", "replace"), status, media_type="application/json")


async def _body(request: Request) -> Mapping[str, Any]:
    try:
        async with timeout(BODY_SECONDS):
            given: Any = json.loads((await request.body()).decode("utf-8"))
        # Browsers may send half of a surrogate pair, which no text can hold: it becomes "?".
        given = json.loads(json.dumps(given, ensure_ascii=False).encode("utf-8", "replace"))
    except TimeoutError:
        message = f"the body did not come within {BODY_SECONDS} seconds"
        raise HTTPException(408, message) from None
    except ClientDisconnect:
        raise HTTPException(413, "the body is too long") from None
    except (ValueError, RecursionError) as error:
        raise HTTPException(400, "the body is not JSON") from error
    if not isinstance(given, dict):
        raise HTTPException(400, "the body must be a JSON object")
    return cast("dict[str, Any]", given)


def _refuse(_: Request, error: Exception) -> Response:
    status = 404 if isinstance(error, MissingError) else 400
    return _json({"error": " ".join(str(error).split())}, status)


def _refuse_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = _json({"error": error.detail}, error.status_code)
    answer.headers.update(error.headers or {})
    return answer


def _gone(_: Request, error: Exception) -> Response:  # noqa: ARG001 - nobody is there to read it
    return Response(status_code=503)


def _fail(_: Request, error: Exception) -> Response:
    return _json({"error": f"a defect of munmaek: {type(error).__name__}; see the terminal"}, 500)
