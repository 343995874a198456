"""The bodies of requests, read and checked before anything is computed."""

import asyncio
import json
import math
from collections.abc import Mapping
from typing import Any, TypeVar, cast
from urllib.parse import parse_qs

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.requests import ClientDisconnect, Request

from munmaek.errors import MunmaekError
from munmaek.serve.options import ServerOptions

__all__ = ["Body", "RefusedError", "ask", "ask_either", "checked", "read_json", "text_of"]

B = TypeVar("B", bound="Body")


def _integer(digits: str) -> int:
    """Return an integer as it is written.

    Raises:
        RefusedError: 422, it is longer than any that is meant.
    """
    if len(digits) > 19:
        raise RefusedError(422, f"a number of {len(digits):,} digits")
    return int(digits)


def _number(digits: str) -> float:
    """Return a number as it is written.

    Raises:
        RefusedError: 422, it is none, or beyond those that there are.
    """
    value = float(digits)
    if not math.isfinite(value):
        raise RefusedError(422, f"{digits[:20]} is no number that can be meant")
    return value


READ = json.JSONDecoder(parse_int=_integer, parse_float=_number, parse_constant=_number).decode
FORM = "application/x-www-form-urlencoded"
FIELDS = 1000
"""Fields of a form, at most."""
BODY_SECONDS = 30
"""Seconds within which a request must have come."""


class RefusedError(MunmaekError):
    """A request that is not answered, with the status that says why."""

    def __init__(self, status: int, message: str, *, field: str | None = None) -> None:
        """Say so.

        Args:
            status: of HTTP.
            message: one line that says what was wanted.
            field: of the body, where it is one that is at fault.
        """
        super().__init__(message)
        self.status = status
        self.message = str(self)
        self.field = field


class Body(BaseModel):
    """The body of a request: exact types, and no field that is not known."""

    model_config = ConfigDict(strict=True, extra="forbid", protected_namespaces=())


async def read_json(request: Request, limits: ServerOptions) -> Mapping[str, Any]:
    """Return a request's body, a JSON object.

    Raises:
        RefusedError: 400 no JSON, 408 it does not come, 413 too long, 415 another kind.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise RefusedError(415, "the body must be application/json")
    raw = await _read(request, limits)
    try:
        given: Any = READ(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise RefusedError(400, "the body is not JSON in UTF-8") from None
    if not isinstance(given, dict):
        raise RefusedError(400, "the body must be a JSON object")
    return cast("dict[str, Any]", given)


async def _read(request: Request, limits: ServerOptions) -> bytes:
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise RefusedError(415, "the body must not be compressed")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _body(request, limits.body)
    except TimeoutError:
        message = f"the body did not come within {BODY_SECONDS} seconds"
        raise RefusedError(408, message) from None


async def _body(request: Request, most: int) -> bytes:
    length = request.headers.get("content-length", "0")
    if not (length.isascii() and length.isdecimal() and len(length) < 20) or int(length) > most:
        raise RefusedError(413, f"a body may have at most {most:,} bytes")
    parts, size = list[bytes](), 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise RefusedError(413, f"a body may have at most {most:,} bytes")
            parts.append(part)
    except ClientDisconnect:
        raise RefusedError(400, "the body broke off") from None
    return b"".join(parts)


async def ask(request: Request, kind: type[B], limits: ServerOptions) -> B:
    """Return what a request asks, as ``kind`` has it.

    Raises:
        RefusedError: as ``read_json``; 422 a field that is unknown, missing or of another type.
    """
    return checked(await read_json(request, limits), kind)


async def ask_either(request: Request, kind: type[B], limits: ServerOptions) -> B:
    """Return what a request asks in JSON or as the fields of a form.

    Raises:
        RefusedError: as ``ask``.
    """
    if not request.headers.get("content-type", "").startswith(FORM):
        return await ask(request, kind, limits)
    raw = await _read(request, limits)
    try:
        fields = parse_qs(raw.decode("utf-8"), keep_blank_values=True, max_num_fields=FIELDS)
    except ValueError:
        raise RefusedError(400, f"the body is no form in UTF-8 of {FIELDS} fields") from None
    given = {name: each[0] if len(each) == 1 else each for name, each in fields.items()}
    return checked(given, kind, strict=False)


def checked(given: Mapping[str, Any], kind: type[B], *, strict: bool | None = None) -> B:
    """Return what a body asks, as ``kind`` has it; not ``strict`` reads values of their texts.

    Raises:
        RefusedError: 422 a field that is unknown, missing or of another type.
    """
    try:
        return kind.model_validate(given, strict=strict)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"][:1])
        if first["type"] == "extra_forbidden":
            known = ", ".join(kind.model_fields)
            message = f"unknown field '{field[:60]}'; there are {known}"
        elif first["type"] == "missing":
            message = f"the field '{field}' is missing"
        else:
            message = f"'{field}': {first['msg'][:1].lower()}{first['msg'][1:]}"
        raise RefusedError(422, message, field=field) from None
    except RecursionError:
        raise RefusedError(400, "the body is too deep") from None


def text_of(value: str) -> str:
    """Return a text in which halves of surrogate pairs, which are no characters, become "?"."""
    return value.encode("utf-8", "replace").decode("utf-8")
