"""The routes that clients of text-embeddings-inference call.

They are ``/embed``, ``/predict``, ``/rerank`` and ``/tokenize``, as its OpenAPI has them. None
names a model, so each asks the one model that can, or the one that ``model`` in the address names.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from munmaek.serve import vllm
from munmaek.serve.answering import Endpoint, answered, while_there
from munmaek.serve.asking import Body, RefusedError, ask, checked, read_json, text_of
from munmaek.serve.models import Models, Served

__all__ = ["embed", "error_form", "predict", "rerank", "tokenize"]

KINDS = {413: "validation", 422: "validation", 429: "overloaded", 424: "backend"}


def error_form(error: RefusedError) -> Mapping[str, Any]:
    """Return an error as these clients read it."""
    return {"error": error.message, "error_type": KINDS.get(error.status, "validation")}


class EmbedBody(Body):
    """The body of a request to ``/embed``."""

    inputs: str | list[str]
    normalize: bool = True
    truncate: bool | None = None
    prompt_name: str | None = None


def embed(models: Models) -> Endpoint:
    """Return what answers ``/embed``: a vector for each text."""

    async def respond(request: Request) -> Response:
        asked = await ask(request, EmbedBody, models.limits)
        served = models.find("embed", request.query_params.get("model"))
        vectors = await _vectors(request, models, served, _listed(asked.inputs), asked.prompt_name)
        if asked.normalize:
            vectors = _unit(vectors)
        return answered(vectors.tolist())

    return respond


async def _vectors(
    request: Request, models: Models, served: Served, texts: Sequence[str], prompt: str | None
) -> Any:
    options = served.queues["embed"].service.asked({"prompt": prompt})
    work = models.answers(served, "embed", [(text_of(text),) for text in texts], options)
    return np.stack([each.vector for each in await while_there(request, work)])


def _unit(vectors: Any) -> Any:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def _listed(inputs: str | Sequence[Any]) -> list[Any]:
    """Return the inputs of a request as a list of one or more.

    Raises:
        RefusedError: 422, there is none.
    """
    given: list[Any] = [inputs] if isinstance(inputs, str) else list(inputs)
    if not given:
        raise RefusedError(422, "'inputs' has no text", field="inputs")
    return given


class PredictBody(Body):
    """The body of a request to ``/predict``."""

    inputs: str | list[str] | list[Annotated[list[str], Field(min_length=1, max_length=2)]]
    raw_scores: bool = False
    truncate: bool | None = None


def predict(models: Models) -> Endpoint:
    """Return what answers ``/predict``: each label of each text, or pair, with its probability."""

    async def respond(request: Request) -> Response:
        asked = await ask(request, PredictBody, models.limits)
        if asked.raw_scores:
            message = "'raw_scores': there are probabilities alone"
            raise RefusedError(422, message, field="raw_scores")
        served = models.find("classify", request.query_params.get("model"))
        rows = _listed(asked.inputs)
        questions = [
            (text_of(row),) if isinstance(row, str) else tuple(map(text_of, row)) for row in rows
        ]
        options = served.queues["classify"].service.asked({})
        found = await while_there(request, models.answers(served, "classify", questions, options))
        out = [_ranked(each["probabilities"]) for each in found]
        return answered(out[0] if isinstance(asked.inputs, str) else out)

    return respond


def _ranked(chances: Mapping[str, float]) -> list[dict[str, Any]]:
    rows = sorted(chances.items(), key=lambda each: -each[1])
    return [{"label": label, "score": chance} for label, chance in rows]


class RerankBody(Body):
    """The body of a request to ``/rerank``."""

    query: str
    texts: Annotated[list[str], Field(min_length=1)]
    raw_scores: bool = False
    return_text: bool = False
    truncate: bool | None = None


def rerank(models: Models) -> Endpoint:
    """Return what answers ``/rerank``: texts by their cosine to a query, the nearest first."""

    async def respond(request: Request) -> Response:
        asked = await ask(request, RerankBody, models.limits)
        served = models.find("embed", request.query_params.get("model"))
        texts = [asked.query, *asked.texts]
        vectors = _unit(await _vectors(request, models, served, texts, None))
        cosines = (vectors[1:] @ vectors[0]).tolist()
        order = sorted(range(len(cosines)), key=lambda row: -cosines[row])
        rows = [{"index": row, "score": cosines[row]} for row in order]
        if asked.return_text:
            rows = [{**row, "text": asked.texts[row["index"]]} for row in rows]
        return answered(rows)

    return respond


class TokenizeBody(Body):
    """The body of a request to ``/tokenize``."""

    inputs: str | list[str]
    add_special_tokens: bool = True
    prompt_name: str | None = None


def tokenize(models: Models) -> Endpoint:
    """Return what answers ``/tokenize``: the tokens of each text and where they stand in it."""

    async def respond(request: Request) -> Response:
        given = await read_json(request, models.limits)
        if "prompt" in given:
            return answered(vllm.tokens(models, given))
        asked = checked(given, TokenizeBody)
        served = models.tokenizing(request.query_params.get("model"))
        texts = [text_of(text) for text in _listed(asked.inputs)]
        models.check([(text,) for text in texts])

        def work() -> list[list[dict[str, Any]]]:
            return [_tokens(served, text, special=asked.add_special_tokens) for text in texts]

        return answered(await while_there(request, models.computed(work)))

    return respond


def _tokens(served: Served, text: str, *, special: bool) -> list[dict[str, Any]]:
    tokenizer = served.model.accepts.reader
    frame = tokenizer.frame

    def framing(ids: Sequence[int]) -> list[dict[str, Any]]:
        names = [tokenizer.token(token) for token in ids] if special else []
        return [
            {"id": token, "text": name, "special": True, "start": None, "stop": None}
            for token, name in zip(ids, names, strict=False)
        ]

    inside = [
        {
            "id": each.id,
            "text": tokenizer.token(each.id),
            "special": False,
            "start": each.start,
            "stop": each.end,
        }
        for each in tokenizer.subwords(text)
    ]
    return [*framing(frame.before), *inside, *framing(frame.after)]
