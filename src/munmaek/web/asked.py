"""The parts of a request, checked value by value; one that does not fit is an HTTP error."""

from collections.abc import Mapping
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request

__all__ = ["known", "number", "place", "query", "record_asked", "whole"]

TEXT_MOST = 100_000
"""Characters of a text that are taken; what is looked at is cut to a few hundred tokens anyway."""

BEAM_MOST = 20


HEADS_MOST = 10_000


def known(request: Request, *names: str) -> None:
    """Refuse what the address asks besides ``names``."""
    for name in request.query_params:
        if name not in names:
            there = ", ".join(names) or "none"
            raise HTTPException(400, f"unknown '{name[:40]}' in the address; there is {there}")


def query(request: Request, name: str, default: str) -> str:
    """Return a text of the address."""
    value = request.query_params.get(name, default)
    if len(value) > TEXT_MOST:
        raise HTTPException(413, f"'{name}' may have at most {TEXT_MOST} characters")
    return value


def number(request: Request, name: str, default: int, most: int) -> int:
    """Return a whole number of the address, from 0 to ``most``."""
    return _number(request.query_params.get(name, str(default)), name, most)


def place(request: Request, name: str) -> int:
    """Return a whole number that is a part of the path."""
    return _number(request.path_params[name], name, 10**9)


def _number(written: str, name: str, most: int) -> int:
    # Python refuses to read numbers of thousands of digits, so they are told by their length.
    digits = written.lstrip("0") or "0"
    known = written.isascii() and written.isdecimal() and len(digits) <= len(str(most))
    if not known or int(digits) > most:
        raise HTTPException(400, f"'{name}' must be a whole number from 0 to {most}")
    return int(digits)


def record_asked(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a record, from a request's body."""
    text = _text(body, "text")
    if text is None:
        raise HTTPException(400, "'text' is missing")
    mask = body.get("mask")
    return {
        "model": str(body.get("model", "0")),
        "text": text,
        "target": _text(body, "target"),
        "pair": _text(body, "pair"),
        "mask": None if mask is None else whole(body, "mask", 0, 10**6),
        "off": _heads(body.get("off")),
        "beam": whole(body, "beam", 0, BEAM_MOST, default=5),
    }


def _text(body: Mapping[str, Any], name: str) -> str | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > TEXT_MOST:
        raise HTTPException(400, f"'{name}' must be a text of at most {TEXT_MOST} characters")
    return value.encode("utf-8", "replace").decode("utf-8")  # lone surrogates become "?"


def whole(
    body: Mapping[str, Any], name: str, least: int, most: int, *, default: int | None = None
) -> int:
    """Return a whole number of a body, from ``least`` to ``most``."""
    value = body.get(name)
    if value is None and default is not None:
        return default
    if type(value) is not int or not least <= value <= most:
        raise HTTPException(400, f"'{name}' must be a whole number from {least} to {most}")
    return value


def _heads(value: Any) -> list[tuple[str, int]]:
    rows = cast("list[Any]", value) if isinstance(value, list) else []
    if value is not None and not isinstance(value, list):
        raise HTTPException(400, "'off' must be a list of heads such as [\"layer.0.self\", 1]")
    made: list[tuple[str, int]] = []
    for each in rows:
        pair = cast("list[Any]", each) if isinstance(each, list) else []
        good = len(pair) == 2 and isinstance(pair[0], str) and type(pair[1]) is int
        if not good or not 0 <= pair[1] <= HEADS_MOST or len(made) == HEADS_MOST:
            raise HTTPException(400, "'off' must be a list of heads such as [\"layer.0.self\", 1]")
        made.append((pair[0], pair[1]))
    return made
