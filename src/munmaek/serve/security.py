"""The guard of a server: it lets in programs on this machine, or whoever has a token.

A page of some other site that is open in a browser on this machine can send requests to 127.0.0.1.
Where no token is asked for, a request must therefore name this server (Host, against DNS
rebinding) and come from no page of another site (Origin, Sec-Fetch-Site).
"""

import hmac
from collections.abc import Callable, Sequence
from pathlib import Path

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from munmaek.errors import ConfigError, InputError
from munmaek.serve.asking import RefusedError

__all__ = ["LOOPBACK", "OPEN", "Guard", "admit", "is_loopback", "read_tokens"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
OPEN = ("/health", "/ready")
"""Paths that answer without a token, for those who watch whether the server lives."""
SHORTEST = 16
IN_BODY = ("/translate",)
"""Routes whose clients give the token as a field of the body, which they check by ``admit``."""
ASKS = "munmaek.admits"
"""The key of a request's scope that tells whether a token is known, where none has been given."""
GIVE = "give a token of this server: Authorization: Bearer TOKEN"


def is_loopback(host: str) -> bool:
    """Return whether only programs on this machine reach an address."""
    return host in LOOPBACK


def read_tokens(path: Path) -> tuple[str, ...]:
    """Read the tokens of a file, one a line; blank lines and those with # are passed over.

    Raises:
        InputError: the file cannot be read, or has no token.
        ConfigError: a token that could be guessed.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        message = f"--token-file {path}: cannot be read: {getattr(error, 'strerror', error)}"
        raise InputError(message) from None
    tokens = tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))
    if not tokens:
        message = f"--token-file {path}: no token in it; write one a line"
        raise InputError(message)
    for number, token in enumerate(tokens, start=1):
        if len(token) < SHORTEST or not token.isascii() or any(map(str.isspace, token)):
            message = (
                f"--token-file {path}: token {number} must have {SHORTEST} ASCII characters or "
                "more without spaces; make one with: openssl rand -hex 32"
            )
            raise ConfigError(message)
    return tokens


def admit(scope: Scope, key: str | None) -> None:
    """Let in a request whose token stands in its body.

    Raises:
        RefusedError: 401, it has given none that is known.
    """
    knows: Callable[[bytes], bool] | None = scope.get(ASKS)
    if knows is not None and not (key is not None and knows(key.encode("utf-8", "replace"))):
        raise RefusedError(401, f"{GIVE}, or the field api_key", field="api_key")


class Guard:
    """Middleware: refuses, before anything is read, who may not ask."""

    def __init__(self, inner: ASGIApp, *, tokens: Sequence[str], hosts: Sequence[str]) -> None:
        """Wrap ``inner``.

        Args:
            inner: the application.
            tokens: any of which lets in; none asks for none.
            hosts: names by which the server may be called; none lets any.
        """
        self._inner = inner
        self._tokens = [token.encode() for token in tokens]
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let through."""
        if scope["type"] == "lifespan":
            await self._inner(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})  # one is never accepted
            return
        refusal = self._refusal(scope)
        if refusal is not None and refusal[0] == 401 and self._tells_later(scope):
            scope[ASKS], refusal = self._known, None
        if refusal is None:
            await self._inner(scope, receive, send)
            return
        status, message = refusal
        headers = {"www-authenticate": "Bearer"} if status == 401 else None
        kind = "authentication_error" if status == 401 else "invalid_request_error"
        told = {"message": message, "type": kind, "param": None, "code": status}
        body = {"error": told if scope["path"].startswith("/v1/") else message}
        await JSONResponse(body, status, headers=headers)(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value)
        if self._hosts:
            return self._foreign(headers)
        if not self._tokens or scope["path"] in OPEN or self._knows(headers):
            return None
        return 401, GIVE

    def _tells_later(self, scope: Scope) -> bool:
        """Return whether the token of a request may come with its body."""
        heads = {name.lower() for name, _ in scope["headers"]}
        return scope["path"] in IN_BODY and b"authorization" not in heads

    def _known(self, token: bytes) -> bool:
        return any(hmac.compare_digest(token, each) for each in self._tokens)

    def _knows(self, headers: dict[bytes, list[bytes]]) -> bool:
        given = [each.removeprefix(b"Bearer ") for each in headers.get(b"authorization", [])]
        return len(given) == 1 and self._known(given[0])

    def _foreign(self, headers: dict[bytes, list[bytes]]) -> tuple[int, str] | None:
        host = [each.decode("latin-1").lower() for each in headers.get(b"host", [])]
        if len(host) != 1 or host[0] not in self._hosts:
            return 421, f"the Host of a request must be {' or '.join(sorted(self._hosts))}"
        origins = [each.decode("latin-1").lower() for each in headers.get(b"origin", [])]
        sites = [each.decode("latin-1") for each in headers.get(b"sec-fetch-site", [])]
        ours = {f"{scheme}://{each}" for each in self._hosts for scheme in ("http", "https")}
        if any(each not in ours for each in origins) or any(
            each not in ("same-origin", "none") for each in sites
        ):
            return 403, "the request comes from a page of another site"
        return None
