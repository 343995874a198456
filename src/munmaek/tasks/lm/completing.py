"""A text continued token by token, for whoever waits for each of them.

Letters: V vocabulary size.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from munmaek.models.configuration import Config

if TYPE_CHECKING:
    from munmaek.arrays import Floats
    from munmaek.tasks.lm.model import TrainedLanguageModel

__all__ = [
    "CompletionOptions",
    "Drawn",
    "Piece",
    "added_text",
    "likeliest",
    "pieces_of",
    "read_back",
]


class CompletionOptions(Config):
    """Options of a continuation."""

    max_tokens: Annotated[int, Field(ge=0)] = 16
    """Tokens at most."""
    temperature: Annotated[float, Field(ge=0)] = 1.0
    """Below 1 keeps closer to the likely; 0 takes the likeliest."""
    top_k: Annotated[int, Field(ge=1)] | None = None
    """Draw among the k likeliest only."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Draw among the likeliest that hold this share of the probability only."""
    seed: Annotated[int, Field(ge=0)] | None = None
    """The same seed gives the same text."""
    logprobs: Annotated[int, Field(ge=0)] = 0
    """Likeliest tokens that are told in each place."""


@dataclass(frozen=True, slots=True)
class Piece:
    """One token of a text, and how likely it was."""

    text: str
    """Its characters; empty where they come with a later token."""
    token: str
    logprob: float
    """Natural log."""
    top: tuple[tuple[str, float], ...]
    """The likeliest tokens in its place with their natural-log probabilities, best first."""
    ends: bool = False
    """It ends the sentence."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Tokens that one text has grown by."""

    tokens: Sequence[int]
    logprobs: Sequence[float]
    """Natural log, before temperature and cuts."""
    tops: Sequence[tuple[tuple[str, float], ...]] = ()
    """The likeliest in the place of each token, where they were asked for."""


def pieces_of(model: "TrainedLanguageModel", before: Sequence[int], drawn: Drawn) -> list[Piece]:
    """Return tokens that follow those ``before`` with what each adds to the text."""
    written = [*before[-NEAR:], *drawn.tokens]
    texts = _spelled(model, written)[len(written) - len(drawn.tokens) :]
    tops = drawn.tops or [()] * len(drawn.tokens)
    eos, name = model.tokenizer.eos, model.tokenizer.token
    return [
        Piece("" if token == eos else text, name(token), logprob, top, token == eos)
        for token, logprob, top, text in zip(drawn.tokens, drawn.logprobs, tops, texts, strict=True)
    ]


def added_text(model: "TrainedLanguageModel", before: Sequence[int], tokens: Sequence[int]) -> str:
    """Return the text that tokens add to those ``before``."""
    decode, near = model.tokenizer.decode, list(before[-NEAR:])
    shown = decode(near)
    return _settled(decode([*near, *tokens]), shown)[len(shown) :]


def _settled(text: str, before: str) -> str:
    """Return the text as far as later tokens cannot change it: not half a character."""
    return before if text.endswith("\ufffd") or not text.startswith(before) else text


def likeliest(
    model: "TrainedLanguageModel", logprobs: "Floats", count: int
) -> tuple[tuple[str, float], ...]:
    """Return the likeliest tokens with their natural-log probabilities [V], best first."""
    likely = np.argsort(-logprobs, kind="stable")[:count] if count else ()
    return tuple((model.tokenizer.token(int(each)), float(logprobs[each])) for each in likely)


def read_back(model: "TrainedLanguageModel", ids: Sequence[int], count: int) -> list[Piece]:
    """Return each token of a text that is given, with how likely it was after those before it.

    Args:
        model: what reads it, from the beginning of a sentence.
        ids: its tokens; one that ends a sentence begins another.
        count: of the likeliest tokens to be told in each place.
    """
    single: Any = model.model
    spelled = _spelled(model, ids)
    if not count:
        pairs = zip(ids, single.score(ids).tolist(), spelled, strict=True)
        return [
            Piece(text, model.tokenizer.token(token), logprob, ()) for token, logprob, text in pairs
        ]
    state, out = single.start(), list[Piece]()
    for token, text in zip(ids, spelled, strict=True):
        logprobs, name = single.logprobs(state), model.tokenizer.token(token)
        top = likeliest(model, logprobs, count)
        out.append(Piece(text, name, float(logprobs[token]), top))
        ended = token == model.tokenizer.eos
        state = single.start() if ended else single.advance(state, token)
    return out


def _spelled(model: "TrainedLanguageModel", ids: Sequence[int]) -> list[str]:
    """Return the characters that each token adds to those before it."""
    decode, out = model.tokenizer.decode, list[str]()
    for end in range(1, len(ids) + 1):
        begin = max(0, end - NEAR)
        before = decode(ids[begin : end - 1])
        out.append(_settled(decode(ids[begin:end]), before)[len(before) :])
    return out


NEAR = 16
"""Tokens before one that its spelling may depend on; a character has fewer."""
