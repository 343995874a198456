"""Requests to ``munmaek serve``, patient with a server that is busy.

Every request is a question without effects, so one that broke off is asked again.
"""

import json
import os
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from importlib.metadata import version
from threading import Event, Lock
from typing import Any, Final, cast, final
from urllib.parse import SplitResult, urlsplit

from munmaek.errors import ConfigError, InputError, ServerError

__all__ = ["TOKEN", "Address", "Connection", "is_address"]

TOKEN: Final = "MUNMAEK_TOKEN"
"""The variable of the environment that holds a token, where none is given."""
SECONDS: Final = 600
"""Seconds that an answer may take to begin."""
PATIENCE: Final = 120
"""Seconds for which a request is asked again of a server that is busy or not reached."""
JSON: Final = {"content-type": "application/json"}
BUSY: Final = (429, 502, 503, 504)


def is_address(place: Any) -> bool:
    """Return whether a place is the address of a server rather than a folder."""
    return isinstance(place, Address) or str(place).startswith(("http://", "https://"))


@final
@dataclass(frozen=True, slots=True)
class Address:
    """The address of a server, or of a model on one, and who asks."""

    url: str
    """``http://host:port``, maybe with a path, whose last part may be a model's name."""
    token: str | None = field(default=None, repr=False)
    """Let in by; None takes it from the environment."""

    def __str__(self) -> str:
        return self.url

    @property
    def parts(self) -> SplitResult:
        """Return the parts of the address.

        Raises:
            ConfigError: it is none.
        """
        try:
            parts = urlsplit(self.url)
            wrong = not parts.hostname or parts.port == 0
        except ValueError:
            parts, wrong = urlsplit("http:"), True
        if wrong or parts.query or parts.fragment or not self.url.isascii():
            message = f"{self.url}: no address of a server; one looks like http://127.0.0.1:8000"
            raise ConfigError(message)
        if parts.username is not None:
            message = f"{parts.hostname}: the address holds a name; give a token by --token instead"
            raise ConfigError(message)
        return parts

    def headers(self) -> dict[str, str]:
        """Return the headers of a request.

        Raises:
            ConfigError: a token that no header can hold.
        """
        token = os.environ.get(TOKEN) if self.token is None else self.token
        common = {"user-agent": f"munmaek/{version('munmaek')}", "accept": "application/json"}
        if not token:
            return common
        if not token.isascii() or not token.isprintable():
            message = "the token holds characters that no header can; give it as the server has it"
            raise ConfigError(message)
        return {**common, "authorization": f"Bearer {token}"}


@final
class Connection:
    """A server that is asked by several threads at once."""

    def __init__(self, address: Address) -> None:
        """Take the address; nothing is asked yet.

        Raises:
            ConfigError: it is no address, or the token is none.
        """
        self.url = address.url.rstrip("/")
        self._parts, self._headers = address.parts, address.headers()
        self._path = self._parts.path.rstrip("/")
        self._lock, self._closed = Lock(), Event()
        self._idle: list[HTTPConnection] = []
        self._busy: set[HTTPConnection] = set()

    def __del__(self) -> None:
        for each in self.__dict__.get("_idle", ()):
            each.close()

    def get(self, path: str) -> tuple[int, Any]:
        """Return the status and the JSON of an answer, whatever it is; nothing is waited for.

        Raises:
            ServerError: nobody answers there, or not in JSON.
        """
        status, _, found = self._once("GET", path, None)
        return status, found

    def ask(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return what a server answers to a question, after its time to come back where it is busy.

        Raises:
            InputError: a text that it cannot answer.
            ConfigError: options that it cannot answer, or a token that it does not know.
            ServerError: it is not reached, stays busy, or fails.
        """
        raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        ends, wait = time.monotonic() + PATIENCE, 0.25
        while True:
            try:
                status, later, found = self._once("POST", path, raw)
                if status == 200:
                    return found
                fault = self.fault(status, found)
            except ServerError as error:
                status, later, fault = 503, "", error
            wait = min(float(later) if later.isdecimal() else 2 * wait, 30)
            if status not in BUSY or self._closed.is_set() or time.monotonic() + wait > ends:
                raise fault
            self._closed.wait(wait)

    def fault(self, status: int, found: Any) -> ConfigError | InputError | ServerError:
        """Return the error that an answer other than 200 stands for."""
        told: Any = cast("dict[str, Any]", found).get("error") if isinstance(found, dict) else None
        if isinstance(told, dict):
            told = cast("dict[str, Any]", told).get("message")
        said = f"{told}" if told else "it does not say why"
        if status == 401:
            return ConfigError(f"{self.url}: {said}; here it is --token or {TOKEN}")
        if status in (413, 422) and isinstance(found, dict) and "field" in found:
            return ConfigError(f"{self.url}: {said}")
        if status in (413, 422):
            return InputError(said)
        if 400 <= status < 500 and status != 429:
            return ConfigError(f"{self.url}: {said} (status {status})")
        return ServerError(f"{self.url}: {said} (status {status})")

    def _once(self, method: str, path: str, body: bytes | None) -> tuple[int, str, Any]:
        """Return the status, when to come back and the JSON of one answer."""
        connection, again = self._taken()
        headers = self._headers if body is None else {**self._headers, **JSON}
        try:
            try:
                connection.request(method, self._path + path, body, headers)
                answer = connection.getresponse()
            except (HTTPException, ConnectionError):
                if not again:
                    raise
                connection.close()  # the server had ended what was kept
                connection.request(method, self._path + path, body, headers)
                answer = connection.getresponse()
            raw = answer.read()
        except (HTTPException, OSError) as error:
            self._give(connection, kept=False)
            raise self._unreached(error) from None
        except BaseException:
            self._give(connection, kept=False)
            raise
        self._give(connection, kept=True)
        later = answer.getheader("retry-after") or ""
        return answer.status, later, self._read(answer.status, raw)

    def _unreached(self, error: Exception) -> ServerError:
        if isinstance(error, ssl.SSLCertVerificationError):
            reason = f"its certificate is not trusted here ({error.verify_message})"
            return ServerError(
                f"{self.url}: {reason}; SSL_CERT_FILE names a file of those that are"
            )
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return ServerError(f"{self.url}: not reached: {reason}; is 'munmaek serve' running there?")

    def _read(self, status: int, raw: bytes) -> Any:
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):
            if status in BUSY:
                return None
            message = f"{self.url}: answers, but not as 'munmaek serve' does (status {status})"
            raise ServerError(message) from None

    def _taken(self) -> tuple[HTTPConnection, bool]:
        """Return a connection, and whether it was kept from a request before."""
        with self._lock:
            kept = bool(self._idle)
            connection = self._idle.pop() if kept else self._made()
            self._busy.add(connection)
        return connection, kept

    def _made(self) -> HTTPConnection:
        host, port = self._parts.hostname or "", self._parts.port
        kind = HTTPSConnection if self._parts.scheme == "https" else HTTPConnection
        return kind(host, port, timeout=SECONDS)

    def _give(self, connection: HTTPConnection, *, kept: bool) -> None:
        with self._lock:
            self._busy.discard(connection)
            if kept and not self._closed.is_set():
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """End what is under way, as where its answers are not wanted any more."""
        self._closed.set()
        with self._lock:
            left: Sequence[HTTPConnection] = [*self._idle, *self._busy]
            self._idle.clear()
        for each in left:
            with suppress(OSError, AttributeError):  # it may be ending by itself
                each.sock.shutdown(socket.SHUT_RDWR)
            each.close()
