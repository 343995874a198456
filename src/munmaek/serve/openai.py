"""The routes that OpenAI's clients call: ``/v1/models``, ``/v1/embeddings``, ``/v1/completions``.

Request and answer are as in OpenAI's API reference; what has no meaning here is refused by name.
"""

import asyncio
import base64
import json
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from munmaek.serve.answering import Endpoint, answered, while_there
from munmaek.serve.asking import Body, RefusedError, ask, text_of
from munmaek.serve.models import Models, Served

__all__ = ["completions", "embeddings", "error_form", "listed"]

Ids = list[int]
SHORT = 1000
"""Characters or ids of a prompt that is read at once; a longer one is where models compute."""
NEAR = 16
"""Tokens before one that its spelling may depend on."""
STATUS_KINDS = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}


def error_form(error: RefusedError) -> Mapping[str, Any]:
    """Return an error as OpenAI's clients read it."""
    kind = STATUS_KINDS.get(error.status, "invalid_request_error" if error.status < 500 else "")
    told = {"message": error.message, "type": kind or "server_error", "param": error.field}
    return {"error": {**told, "code": error.status}}


def listed(models: Models) -> dict[str, Any]:
    """Return the models as ``/v1/models`` lists them."""
    rows = [
        {
            "id": each.name,
            "object": "model",
            "created": each.created,
            "owned_by": "munmaek",
            "task": each.model.info.task,
            "stage": each.model.info.stage,
            "label": each.model.info.label,
        }
        for each in models.served
    ]
    return {"object": "list", "data": rows}


class EmbeddingsBody(Body):
    """The body of a request to ``/v1/embeddings``."""

    input: str | list[str]
    model: str
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None
    user: str | None = None


def embeddings(models: Models) -> Endpoint:
    """Return what answers ``/v1/embeddings``."""

    async def respond(request: Request) -> Response:
        asked = await ask(request, EmbeddingsBody, models.limits)
        served = models.find("embed", asked.model)
        texts = [asked.input] if isinstance(asked.input, str) else asked.input
        if not texts:
            raise RefusedError(400, "'input' has no text", field="input")
        questions = [(text_of(text),) for text in texts]
        options = served.queues["embed"].service.asked({})
        work = models.answers(served, "embed", questions, options)
        found = await while_there(request, work)
        width = len(found[0].vector)
        if asked.dimensions not in (None, width):
            message = f"the vectors of '{served.name}' have {width} dimensions and no fewer"
            raise RefusedError(400, message, field="dimensions")
        packed = _packed if asked.encoding_format == "base64" else np.ndarray.tolist
        rows = [
            {"object": "embedding", "index": number, "embedding": packed(each.vector)}
            for number, each in enumerate(found)
        ]
        tokens = sum(each.tokens for each in found)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return answered({"object": "list", "data": rows, "model": served.name, "usage": usage})

    return respond


def _packed(vector: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(vector, dtype="<f4").tobytes()).decode()


class CompletionsBody(Body):
    """The body of a request to ``/v1/completions``."""

    model: str
    prompt: str | list[str] | Ids | list[Ids] = ""
    max_tokens: Annotated[int, Field(ge=0)] = 16
    temperature: Annotated[float, Field(ge=0)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    n: Annotated[int, Field(ge=1, le=128)] = 1
    stop: str | list[str] | None = None
    seed: int | None = None
    stream: bool = False
    stream_options: dict[str, bool] | None = None
    echo: bool = False
    logprobs: Annotated[int, Field(ge=0, le=100)] | None = None
    user: str | None = None
    best_of: Literal[1] | None = None
    presence_penalty: Literal[0] | None = None
    frequency_penalty: Literal[0] | None = None
    logit_bias: None = None
    suffix: None = None

    def prompts(self) -> list[str | Ids]:
        """Return each prompt, a text or token ids."""
        given: Any = self.prompt
        one = isinstance(given, str) or (bool(given) and isinstance(given[0], int))
        return [given] if one else list(given)

    def stops(self) -> list[str]:
        """Return the texts at which a completion ends."""
        given = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return [text for text in given if text]


@dataclass(slots=True)
class _Choice:
    """One completion as it grows."""

    index: int
    ids: Ids
    options: Any
    """Options of the continuation."""
    stops: Sequence[str]
    text: str = ""
    given: int = 0
    """Characters that were streamed."""
    finish: str | None = None
    tokens: Ids = field(default_factory=list[int])

    def ended(self, eos: int) -> None:
        """Check whether the end has come, and say why."""
        if self.finish is None and self.tokens and self.tokens[-1] == eos:
            self.finish = "stop"
        if self.finish is None and len(self.tokens) >= self.options.max_tokens:
            self.finish = "length"

    def grow(self, pieces: Iterable[Any]) -> list[Any]:
        """Add the text of what was drawn, up to a stop; return what belongs to it."""
        out: list[Any] = []
        for piece in pieces:
            before, self.text = len(self.text), self.text + piece.text
            out.append(piece)  # also the last, whose logprob harnesses count on
            found = [at for stop in self.stops if (at := self.text.find(stop)) >= 0]
            if found:
                self.text, self.finish = self.text[: min(found)], "stop"
                out[-1] = _cut(piece, len(self.text) - before)
                break
        return out

    def settled(self) -> str:
        """Return what may be streamed: all but an end that may be the beginning of a stop."""
        end = len(self.text)
        if self.finish is None:
            longest = max((len(stop) for stop in self.stops), default=1) - 1
            end = max(self.given, end - longest)
        out, self.given = self.text[self.given : end], end
        return out


def _cut(piece: Any, length: int) -> Any:
    return replace(piece, text=piece.text[: max(length, 0)])


def completions(models: Models) -> Endpoint:
    """Return what answers ``/v1/completions``."""

    async def respond(request: Request) -> Response:
        asked = await ask(request, CompletionsBody, models.limits)
        served = models.continuing(asked.model)
        prompts = asked.prompts()
        models.check([(each,) for each in prompts if isinstance(each, str)])
        if not prompts or len(prompts) * asked.n > models.limits.texts:
            message = f"1 to {models.limits.texts:,} completions can be asked for"
            raise RefusedError(400, message, field="prompt")
        choices = await _begun(models, served, asked, prompts)
        if served.completer is not None and not served.completer.has_room(len(choices)):
            raise RefusedError(429, "too many texts wait already; ask again in a second")
        head = {
            "id": f"cmpl-{uuid.uuid4().hex}",
            "object": "text_completion",
            "created": int(time.time()),
            "model": served.name,
        }
        if asked.stream:
            events = _streamed(served, choices, asked, head)
            return StreamingResponse(events, media_type="text/event-stream")
        rows = await while_there(request, _all(models, served, choices, asked))
        return answered({**head, "choices": rows, "usage": _usage(choices)})

    return respond


async def _begun(
    models: Models, served: Served, asked: CompletionsBody, prompts: Sequence[str | Ids]
) -> list[_Choice]:
    """Return the completions, of which nothing is drawn yet."""
    continuing, most = served.continuing, models.limits.characters
    given = asked.model_dump(include={"max_tokens", "temperature", "top_p"})
    out: list[_Choice] = []
    for prompt in prompts:
        text = text_of(prompt) if isinstance(prompt, str) else prompt
        if len(text) <= SHORT:
            ids = continuing.ids(text)
        else:
            ids = await models.computed(partial(continuing.ids, text))
        if len(ids) + asked.max_tokens > most:
            message = f"prompt and completion may have {most:,} tokens together"
            raise RefusedError(413, message, field="max_tokens")
        for number in range(asked.n):
            seed = None if asked.seed is None else abs(asked.seed) + number
            options = continuing.options.of(
                {**given, "seed": seed, "logprobs": asked.logprobs or 0}, where="the body"
            )
            out.append(_Choice(len(out), ids, options, asked.stops()))
    return out


async def _all(
    models: Models, served: Served, choices: Sequence[_Choice], asked: CompletionsBody
) -> list[dict[str, Any]]:
    """Draw all completions to their ends."""
    if len(choices) == 1:
        return [await _whole(models, served, choices[0], asked)]
    works = [asyncio.ensure_future(_whole(models, served, each, asked)) for each in choices]
    try:
        return await asyncio.gather(*works)
    finally:  # where one fails, or the client has gone, the others are drawn no further
        for each in works:
            each.cancel()


async def _whole(
    models: Models, served: Served, choice: _Choice, asked: CompletionsBody
) -> dict[str, Any]:
    """Draw a completion to its end."""
    told: list[Any] = []
    if asked.echo:
        count = asked.logprobs or 0
        told += await models.computed(lambda: served.continuing.read(choice.ids, count))
        choice.text = "".join(each.text for each in told)
    if asked.logprobs is None and not choice.stops:
        async with _drawing(served, choice) as parts:
            async for drawn in parts:
                choice.tokens += drawn.tokens
        choice.text += served.continuing.text(choice.ids, choice.tokens)
        choice.ended(served.continuing.eos)
    else:
        async with _drawing(served, choice) as parts:
            async for pieces in _pieces(served, choice, parts):
                told += pieces
    out = {"index": choice.index, "text": choice.text, "finish_reason": choice.finish}
    return {**out, "logprobs": None if asked.logprobs is None else _logprobs(told)}


def _drawing(served: Served, choice: _Choice) -> Any:
    """Return the context within which a completion is drawn; after it no more of it is."""
    if choice.options.max_tokens and served.completer is not None:
        return aclosing(served.completer.draw(choice.ids, choice.options))
    choice.ended(served.continuing.eos)
    return aclosing(_nothing())


async def _nothing() -> AsyncGenerator[Any]:
    for each in ():
        yield each


async def _pieces(
    served: Served, choice: _Choice, parts: AsyncIterator[Any]
) -> AsyncIterator[list[Any]]:
    """Yield the tokens of a completion as they are drawn, up to its end."""
    continuing = served.continuing
    async for drawn in parts:
        pieces = choice.grow(
            continuing.pieces([*choice.ids[-NEAR:], *choice.tokens[-NEAR:]], drawn)
        )
        choice.tokens += drawn.tokens[: len(pieces)]
        choice.ended(continuing.eos)
        yield pieces
        if choice.finish is not None:
            return


def _logprobs(pieces: Sequence[Any]) -> dict[str, Any]:
    """Return tokens with natural-log probabilities and offsets, in OpenAI's form."""
    offsets, at = list[int](), 0
    for each in pieces:
        offsets.append(at)
        at += len(each.text)
    return {
        "tokens": [each.token for each in pieces],
        "token_logprobs": [_finite(each.logprob) for each in pieces],
        "top_logprobs": [{name: _finite(chance) for name, chance in each.top} for each in pieces],
        "text_offset": offsets,
    }


def _finite(logprob: float) -> float:
    """Return −9999 for −∞, which JSON cannot hold, as OpenAI's servers do."""
    return max(logprob, -9999.0)


def _usage(choices: Sequence[_Choice]) -> dict[str, int]:
    prompt = sum(len(each.ids) for each in choices)
    drawn = sum(len(each.tokens) for each in choices)
    return {"prompt_tokens": prompt, "completion_tokens": drawn, "total_tokens": prompt + drawn}


async def _streamed(
    served: Served, choices: Sequence[_Choice], asked: CompletionsBody, head: Mapping[str, Any]
) -> AsyncIterator[str]:
    """Yield each completion's text as it grows, as server-sent events."""

    def event(row: Mapping[str, Any]) -> str:
        return f"data: {json.dumps(row, ensure_ascii=False, allow_nan=False)}\n\n"

    for choice in choices:
        async with _drawing(served, choice) as parts:
            async for pieces in _pieces(served, choice, parts):
                row = {"index": choice.index, "text": choice.settled()}
                told = None if asked.logprobs is None else _logprobs(pieces)
                row |= {"finish_reason": choice.finish, "logprobs": told}
                yield event({**head, "choices": [row]})
    if (asked.stream_options or {}).get("include_usage"):
        yield event({**head, "choices": [], "usage": _usage(choices)})
    yield "data: [DONE]\n\n"
