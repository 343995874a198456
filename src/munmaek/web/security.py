"""The guard of the page: it lets in pages that this very server served, and programs here.

A page of some other site that is open in the same browser can send requests to 127.0.0.1. Every
request must therefore name this server (Host, against DNS rebinding), come from its own page where
the browser says where it comes from (Origin, Sec-Fetch-Site), and bring a header that a foreign
form or image cannot send (X-Munmaek) where it changes something.
"""

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["BODY_MOST", "HOSTS", "Guard"]

HOSTS = ("127.0.0.1", "localhost")
"""Names by which the server may be called."""

BODY_MOST = 1_000_000
"""Bytes of a request's body that are taken."""

Headers = list[tuple[bytes, str]]

READING = ("GET", "HEAD")


class Guard:
    """Middleware: refuses, before anything is read, what may not ask."""

    def __init__(self, inner: ASGIApp, *, port: int, body: int = BODY_MOST) -> None:
        """Wrap ``inner``.

        Args:
            inner: the application.
            port: the one that the server listens on.
            body: bytes of a request's body that are taken.
        """
        self._inner = inner
        self._hosts = frozenset(f"{name}:{port}" for name in HOSTS)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)
        self._body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let through."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})  # one is never accepted
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._inner(scope, self._bounded(receive), send)
        else:
            await refusal(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = [(name.lower(), value.decode("latin-1")) for name, value in scope["headers"]]
        return self._foreign(headers, api=scope["path"].startswith("/api")) or (
            None if scope["method"] in READING else self._careless(scope["method"], headers)
        )

    def _foreign(self, headers: Headers, *, api: bool) -> Response | None:
        host, origin = _all(headers, b"host"), _all(headers, b"origin")
        if len(host) != 1 or host[0].lower() not in self._hosts:
            wanted = " or ".join(sorted(self._hosts))
            return _refused(421, f"the Host of a request must be {wanted}")
        if len(origin) > 1 or any(each.lower() not in self._origins for each in origin):
            return _refused(403, "the request comes from a page of another site")
        site = _all(headers, b"sec-fetch-site")
        if api and any(each not in ("same-origin", "none") for each in site):
            return _refused(403, "the request comes from a page of another site")
        return None

    def _careless(self, method: str, headers: Headers) -> Response | None:
        if _all(headers, b"x-munmaek") != ["1"]:
            return _refused(403, "a request that changes something needs the header X-Munmaek: 1")
        lengths = _all(headers, b"content-length")
        # What is deleted is named by its address: no body, so none that could be of a wrong kind.
        bare = method == "DELETE" and not _all(headers, b"transfer-encoding")
        if bare and all(each == "0" for each in lengths):
            return None
        if _all(headers, b"content-encoding"):
            return _refused(415, "a body must not be compressed")
        kinds = [each.partition(";")[0].strip() for each in _all(headers, b"content-type")]
        if kinds != ["application/json"]:
            return _refused(415, "a body must be application/json")
        return self._too_long(lengths)

    def _too_long(self, given: list[str]) -> Response | None:
        if any(not self._fits(each) for each in given):
            return _refused(413, f"a body may have at most {self._body} bytes")
        return None

    def _fits(self, written: str) -> bool:
        digits = written.lstrip("0") or "0"
        known = written.isascii() and written.isdecimal() and len(digits) <= len(str(self._body))
        return known and int(digits) <= self._body

    def _bounded(self, receive: Receive) -> Receive:
        """Hold a body without a stated length to the limit too."""
        left = self._body

        async def bounded() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                return {"type": "http.disconnect"}
            return message

        return bounded


def _all(headers: Headers, name: bytes) -> list[str]:
    return [value for key, value in headers if key == name]


def _refused(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status_code=status)
