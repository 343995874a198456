"""The server's application: one over the tables, so that a new task is served by its row alone.

GET  /health, /ready, /metrics          for those who watch
GET  /v1/models                         what is served
POST /v1/embeddings, /v1/completions    in OpenAI's form
POST /embed, /predict, /rerank, /tokenize   in that of text-embeddings-inference
POST /detokenize, GET /tokenizer_info   in vLLM's, for harnesses that ask in token ids
POST /translate, GET /languages         in LibreTranslate's
POST /VERB                              each other verb of a task: classify, rate, tag, score …
GET  /openapi.json, /                   all of this, for programs and to read
"""

import json
import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from munmaek.serve import inference, libretranslate, openai, own, vllm
from munmaek.serve.answering import Endpoint, ErrorForm, answered, posted
from munmaek.serve.described import SERVICES, description, page
from munmaek.serve.metrics import CONTENT_TYPE, Metrics
from munmaek.serve.models import CONTINUES, Models
from munmaek.serve.options import ServerOptions
from munmaek.serve.security import Guard
from munmaek.web.turns import Crowd

__all__ = ["application"]

LOG = logging.getLogger("munmaek.access")

Posted = tuple[str, Endpoint, ErrorForm]

FORMS: Sequence[tuple[str, str, Callable[[Models], Endpoint], ErrorForm]] = (
    ("/v1/embeddings", SERVICES["/v1/embeddings"], openai.embeddings, openai.error_form),
    ("/embed", "embed", inference.embed, inference.error_form),
    ("/rerank", "embed", inference.rerank, inference.error_form),
    ("/v1/completions", SERVICES["/v1/completions"], openai.completions, openai.error_form),
    ("/detokenize", CONTINUES, vllm.detokenize, openai.error_form),
    ("/predict", "classify", inference.predict, inference.error_form),
    ("/translate", libretranslate.VERB, libretranslate.translate, libretranslate.error_form),
)
"""Routes in the forms of others, each with the service that answers it."""


def application(
    models: Mapping[str, Any],
    *,
    limits: ServerOptions | None = None,
    tokens: Sequence[str] = (),
    hosts: Sequence[str] = (),
) -> Starlette:
    """Return the application that serves trained models.

    Args:
        models: trained models by the names that clients ask for.
        limits: how much may be asked and wait.
        tokens: any of which a request must bring; none asks for none.
        hosts: names by which the server may be called; none lets any.
    """
    limits = limits or ServerOptions()
    metrics = Metrics()
    served = Models(models, limits, metrics)
    routes = _posted(served)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        yield
        served.worker.shutdown(cancel_futures=True)

    get: dict[str, Callable[[], Response]] = {
        "/health": lambda: answered({"status": "ok"}),
        "/ready": lambda: answered({"status": "ok", "models": [m.name for m in served.served]}),
        "/metrics": lambda: Response(metrics.written(), media_type=CONTENT_TYPE),
        "/v1/models": lambda: answered(openai.listed(served)),
        "/models": lambda: answered(own.described(served)),
        "/openapi.json": lambda: answered(description(served, [path for path, _, _ in routes])),
        "/": lambda: HTMLResponse(page(served, [path for path, _, _ in routes])),
    }
    if any(each.does(CONTINUES) for each in served.served):
        get["/tokenizer_info"] = lambda: answered(vllm.told(served))
    if libretranslate.VERB in served.services:
        get["/languages"] = lambda: answered(libretranslate.languages(served))
    errors: dict[Any, Any] = {HTTPException: _refuse_http, Exception: _fail}
    return Starlette(
        routes=[
            *(posted(*each, metrics) for each in routes),  # first, for they are asked most
            *(Route(path, _shown(make), methods=["GET"]) for path, make in get.items()),
        ],
        middleware=[
            Middleware(Log),
            Middleware(Crowd, most=limits.requests),
            Middleware(Guard, tokens=tokens, hosts=hosts),
        ],
        exception_handlers=errors,
        lifespan=lifespan,
    )


def _posted(served: Models) -> list[Posted]:
    """Return the routes of what the models can; a family's own route comes before a verb's."""
    routes = dict[str, tuple[Endpoint, ErrorForm]]()
    for path, service, make, form in FORMS:
        if any(each.does(service) for each in served.served):
            routes[path] = make(served), form
    routes["/tokenize"] = inference.tokenize(served), inference.error_form
    for name in served.services:
        asking = own.asking(served, name), own.error_form
        routes.setdefault(f"/{name}", asking)
        routes[f"/ask/{name}"] = asking
    return [(path, *each) for path, each in routes.items()]


def _shown(make: Callable[[], Response]) -> Callable[[Request], Response]:
    return lambda _: make()


def _refuse_http(request: Request, error: HTTPException) -> Response:
    if request.url.path.startswith("/v1/"):
        told = {"message": error.detail, "type": "invalid_request_error", "param": None}
        return answered({"error": {**told, "code": error.status_code}}, error.status_code)
    return answered({"error": error.detail}, error.status_code, error.headers)


def _fail(_: Request, error: Exception) -> Response:
    LOG.error("%s", json.dumps({"error": f"{type(error).__name__}: {error}"[:500]}))
    return PlainTextResponse('{"error": "the server failed"}', 500, media_type="application/json")


class Log:
    """Middleware: one line of JSON for each request, without anything of its texts."""

    def __init__(self, inner: ASGIApp) -> None:
        """Wrap ``inner``."""
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, and note the status and the time."""
        if scope["type"] != "http" or not LOG.isEnabledFor(logging.INFO):
            await self._inner(scope, receive, send)
            return
        began, status, size = time.perf_counter(), 0, 0

        async def noted(message: Message) -> None:
            nonlocal status, size
            status = message.get("status", status)
            size += len(message.get("body", b""))
            await send(message)

        try:
            await self._inner(scope, receive, noted)
        finally:
            row = {
                "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "method": scope["method"],
                "path": scope["path"][:200],
                "status": status,
                "bytes": size,
                "milliseconds": round((time.perf_counter() - began) * 1000, 3),
            }
            LOG.info("%s", json.dumps(row, ensure_ascii=True))
