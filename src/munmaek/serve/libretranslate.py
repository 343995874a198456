"""The routes that clients of LibreTranslate call: ``/translate`` and ``/languages``.

Languages are told by the names under which models are served, such as ``ko-en``; a model of another
name translates whatever it is asked.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from munmaek.serve.answering import Endpoint, answered, while_there
from munmaek.serve.asking import Body, RefusedError, ask_either, text_of
from munmaek.serve.models import Models, Served
from munmaek.serve.security import admit

__all__ = ["VERB", "error_form", "languages", "translate"]

VERB = "translate"
"""The service that these clients ask."""
NAMED = re.compile(r"([a-z]{2,3})-([a-z]{2,3})")


def error_form(error: RefusedError) -> Mapping[str, Any]:
    """Return an error as these clients read it."""
    return {"error": error.message}


class TranslateBody(Body):
    """The body of a request to ``/translate``: LibreTranslate's fields, then those of munmaek."""

    q: str | list[str]
    source: str = "auto"
    target: str | None = None
    format: Literal["text"] = "text"
    alternatives: Annotated[int, Field(ge=0, le=32)] = 0
    api_key: str | None = None
    """The server's token, where no header has it."""
    model: str | None = None
    beam: Annotated[int, Field(ge=1, le=64)] = 5
    alignment: bool = False
    length_penalty: Annotated[float, Field(ge=0)] = 1.0
    max_length: Annotated[int, Field(ge=1)] | None = None
    split: bool = False


def translate(models: Models) -> Endpoint:
    """Return what answers ``/translate``."""

    async def respond(request: Request) -> Response:
        asked = await ask_either(request, TranslateBody, models.limits)
        admit(request.scope, asked.api_key)
        served = _translator(models, asked)
        texts = [asked.q] if isinstance(asked.q, str) else asked.q
        queue = served.queues[VERB]
        beam = max(asked.beam, asked.alternatives + 1)
        own = asked.model_dump(include={"alignment", "length_penalty", "max_length", "split"})
        options = queue.service.asked({**own, "beam": beam, "n_best": asked.alternatives + 1})
        questions = [(text_of(text),) for text in texts]
        found = await while_there(request, models.answers(served, VERB, questions, options))
        rows = [each.get("n_best", [each]) for each in found]
        return answered(_joined(rows, asked))

    return respond


def _joined(rows: Sequence[Sequence[Mapping[str, Any]]], asked: TranslateBody) -> dict[str, Any]:
    """Return the translations of one text, or lists of those of several."""
    best = [row[0]["translation"] for row in rows]
    others = [[each["translation"] for each in row[1:]] for row in rows]
    single = isinstance(asked.q, str)
    out: dict[str, Any] = {"translatedText": best[0] if single else best}
    if asked.alternatives:
        out["alternatives"] = others[0] if single else others
    if asked.alignment:
        out["details"] = rows[0] if single else rows
    return out


def _translator(models: Models, asked: TranslateBody) -> Served:
    """Return the model that translates between the languages that are asked for.

    Raises:
        RefusedError: 400, none does.
    """
    if asked.model is not None:
        return models.find(VERB, asked.model)
    able = [each for each in models.served if VERB in each.queues]
    named = {each.name: NAMED.fullmatch(each.name) for each in able}
    fitting = [each for each in able if _fits(named[each.name], asked)]
    if len(fitting) == 1:
        return fitting[0]
    if len(able) > 1 and fitting:
        return models.find(VERB, None)
    message = f"no model from '{asked.source[:20]}' to '{(asked.target or 'any')[:20]}'"
    raise RefusedError(400, f"{message}; there are {', '.join(named)}", field="target")


def _fits(name: re.Match[str] | None, asked: TranslateBody) -> bool:
    if name is None:
        return True
    return asked.source in ("auto", name[1]) and asked.target in (None, name[2])


def languages(models: Models) -> list[dict[str, Any]]:
    """Return the languages of the models whose names say them, as ``/languages`` lists them."""
    targets: dict[str, set[str]] = {}
    for each in models.served:
        name = NAMED.fullmatch(each.name)
        if VERB in each.queues and name is not None:
            targets.setdefault(name[1], set()).add(name[2])
    return [
        {"code": code, "name": code, "targets": sorted(found)} for code, found in targets.items()
    ]
