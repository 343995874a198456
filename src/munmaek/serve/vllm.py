"""The tokenizer of a language model in vLLM's form, for harnesses that ask in token ids.

They are GET ``/tokenizer_info`` and POST ``/tokenize`` with a ``prompt`` and ``/detokenize``. In a
prompt ``<s>`` and ``</s>`` stand for the tokens, as in the prompts of vLLM; white space around them
is no part of a sentence. ``model`` names one of several language models.
"""

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from munmaek.serve.answering import Endpoint, answered
from munmaek.serve.asking import Body, RefusedError, ask, checked, text_of
from munmaek.serve.models import CONTINUES, Models, Served

__all__ = ["detokenize", "encoded", "tokens", "told"]


class PromptBody(Body):
    """The body of a request for the tokens of a prompt."""

    prompt: str
    model: str | None = None
    add_special_tokens: bool = False
    return_token_strs: bool | None = None


class TokensBody(Body):
    """The body of a request for the text of tokens."""

    tokens: list[int]
    model: str | None = None


def told(models: Models) -> Mapping[str, Any]:
    """Return what ``/tokenizer_info`` says of the one language model; nothing of several."""
    able = [each for each in models.served if each.does(CONTINUES)]
    if len(able) != 1:
        return {}
    tokenizer = able[0].model.tokenizer
    names = {"bos_token": tokenizer.bos, "eos_token": tokenizer.eos, "pad_token": tokenizer.pad}
    # The end of a sentence stands where the next begins; no prompt holds the beginning itself.
    shown = {name: tokenizer.token(token) for name, token in names.items() if name != "bos_token"}
    return {"tokenizer_class": type(tokenizer).__name__, **shown, "bos_token": None}


def tokens(models: Models, given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the tokens of a prompt.

    Raises:
        RefusedError: 422 another body, 413 a text that is too long, 400 no such model.
    """
    asked = checked(given, PromptBody)
    models.check([(asked.prompt,)])
    served = _continuing(models, asked.model)
    ids = encoded(served.model.tokenizer, text_of(asked.prompt))
    names = [served.model.tokenizer.token(each) for each in ids]
    shown = {"token_strs": names} if asked.return_token_strs else {}
    return {"count": len(ids), "max_model_len": models.limits.characters, "tokens": ids, **shown}


def encoded(tokenizer: Any, text: str) -> list[int]:
    """Return the ids of a text in which the spellings of ``<s>`` and ``</s>`` are these tokens."""
    ids: list[int] = []
    special = {tokenizer.token(each): each for each in (tokenizer.bos, tokenizer.eos)}
    for part in re.split(f"({'|'.join(map(re.escape, special))})", text):
        ids += [special[part]] if part in special else tokenizer.encode(part.strip())
    return ids


def detokenize(models: Models) -> Endpoint:
    """Return what answers ``/detokenize``: the text of tokens."""

    async def respond(request: Request) -> Response:
        asked = await ask(request, TokensBody, models.limits)
        served = _continuing(models, asked.model)
        if len(asked.tokens) > models.limits.characters:
            raise RefusedError(413, f"at most {models.limits.characters:,} tokens are taken")
        return answered(
            {"prompt": served.model.tokenizer.decode(served.continuing.ids(asked.tokens))}
        )

    return respond


def _continuing(models: Models, name: str | None) -> Served:
    if name is not None:
        return models.continuing(name)
    able = [each for each in models.served if each.does(CONTINUES)]
    if len(able) != 1:
        names = ", ".join(f"'{each.name}'" for each in able) or "none that continues texts"
        raise RefusedError(400, f"'model' must say which: {names}", field="model")
    return able[0]
