"""A page that answers a form: the sentence goes in by the address, the figures come back.

The server listens on the loopback interface and answers only requests that name it, so that a page
of some other site cannot reach it through a name of its own (DNS rebinding).
"""

from collections.abc import Callable
from threading import Lock

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

__all__ = ["HOSTS", "Render", "app"]

HOSTS = ("127.0.0.1", "localhost")
"""Names by which the server may be called."""

Render = Callable[[str, str], str]
"""From a text and a target, both maybe empty, to the whole page."""

LONGEST = 2000
"""Characters of a text that are taken."""


def app(render: Render) -> Starlette:
    """The application around ``render``; one request computes at a time."""
    lock = Lock()

    def show(request: Request) -> Response:
        text = request.query_params.get("text", "")[:LONGEST]
        target = request.query_params.get("target", "")[:LONGEST]
        with lock:
            made = render(text.strip(), target.strip())
        return HTMLResponse(made, headers=HEADERS)

    return Starlette(
        routes=[Route("/", show, methods=["GET"])],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS))],
    )


HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
