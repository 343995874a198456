"""A route for every service of every model, by the name of the verb that asks it.

A body has ``inputs``, one or a list; the texts of an input are a string, or a list of strings where
there are several. ``model`` names the model where several can. Whatever else stands in it are the
options of the service.
"""

from collections.abc import Mapping
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response

from munmaek.errors import ConfigError
from munmaek.serve.answering import Endpoint, answered, while_there
from munmaek.serve.asking import RefusedError, read_json, text_of
from munmaek.serve.models import Models
from munmaek.tasks.packing import packed
from munmaek.tasks.service import Question, Service, told_of

__all__ = ["asking", "described", "error_form"]


def error_form(error: RefusedError) -> Mapping[str, Any]:
    """Return an error as one line."""
    field = {} if error.field is None else {"field": error.field}
    return {"error": error.message, **field}


def described(models: Models) -> Mapping[str, Any]:
    """Return what clients of our own want to know before they ask."""
    rows = [
        {
            "name": each.name,
            "task": each.model.info.task,
            "stage": each.model.info.stage,
            "label": each.model.info.label,
            "version": each.model.info.version,
            "parameters": each.model.info.parameters,
            "columns": each.model.info.columns,
            "verbs": list(each.queues),
            "told": told_of(each.model),
        }
        for each in models.served
    ]
    limits = models.limits
    sizes = {"texts": limits.texts, "characters": limits.characters, "together": limits.batch}
    return {"models": rows, "limits": sizes}


def asking(models: Models, name: str) -> Endpoint:
    """Return what answers the questions of a service."""

    async def respond(request: Request) -> Response:
        given = dict(await read_json(request, models.limits))
        served = models.find(name, _named(given.pop("model", None)))
        service = served.queues[name].service
        inputs = given.pop("inputs", None)
        several = isinstance(inputs, list)
        rows = cast("list[Any]", inputs) if several else [inputs]
        questions = [_question(service, row) for row in rows]
        packs = given.pop("packed", False) is True
        options = _options(service, given)
        found = await while_there(request, models.answers(served, name, questions, options))
        out = [service.to_json(each) for each in found]
        whole = {"model": served.name, "outputs": out if several else out[0]}
        return answered(whole, arrays=packed if packs else None)

    return respond


def _options(service: Service, given: Mapping[str, Any]) -> Any:
    """Return what is asked besides the texts.

    Raises:
        RefusedError: 422, an unknown field or a value out of range.
    """
    known = service.names
    unknown = next((each for each in given if each not in known), None)
    if unknown is not None:
        there = ", ".join(("inputs", "model", *known))
        message = f"unknown field '{unknown[:60]}'; there are {there}"
        raise RefusedError(422, message, field=unknown)
    try:
        return service.asked(given)
    except ConfigError as error:
        raise RefusedError(422, str(error)) from None


def _named(given: Any) -> str | None:
    if given is not None and not isinstance(given, str):
        raise RefusedError(422, "'model' must be a string", field="model")
    return given


def _question(service: Service, row: Any) -> Question:
    """Return the texts of one input.

    Raises:
        RefusedError: 422, they are not those that the service reads.
    """
    texts = cast("list[Any]", row if isinstance(row, list) else [row])
    least = len(service.texts) - service.optional
    if not least <= len(texts) <= len(service.texts) or not all(
        isinstance(each, str) for each in texts
    ):
        names = ", ".join(service.texts)
        more = f", the last {service.optional} may be missing" if service.optional else ""
        wanted = f"a list of {names}{more}" if len(service.texts) > 1 else "a string"
        raise RefusedError(422, f"'inputs': each must be {wanted}", field="inputs")
    return tuple(text_of(each) for each in texts)
