"""A text continued token by token, for whoever waits for each of them.

Letters: V vocabulary size.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from pydantic import Field

from munmaek.decode.sampling import Drawing, read
from munmaek.models.configuration import Config
from munmaek.text.spelling import spelling_of

if TYPE_CHECKING:
    from munmaek.arrays import Floats
    from munmaek.tasks.lm.model import TrainedLanguageModel

__all__ = ["CompletionOptions", "Piece", "completed", "read_back"]


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


def completed(
    model: "TrainedLanguageModel", ids: Sequence[int], options: CompletionOptions
) -> Iterator[Piece]:
    """Yield what follows ``ids`` at the beginning of a sentence, until the sentence ends.

    What is drawn is what ``TrainedLanguageModel.generate`` draws with the same seed.
    """
    rows: Any = model.rows(1)
    drawing = Drawing(
        np.random.default_rng(options.seed),
        max(options.max_tokens, 1),
        temperature=options.temperature,
        top_k=options.top_k,
        top_p=options.top_p if options.top_p < 1 else None,
        banned=model.never_drawn(),
        spelling=spelling_of(model.tokenizer),
    )
    choose, state = drawing.chooser(rows.eos), read(rows, ids)
    first, written, shown = np.zeros(1, dtype=np.int64), list(ids), model.tokenizer.decode(ids)
    for step in range(options.max_tokens):
        logprobs = rows.logprobs(state)
        drawn = choose(logprobs, first, step)
        token = int(drawn[0])
        ends = token == rows.eos
        before = shown
        if not ends:
            written.append(token)
            shown = _settled(model.tokenizer.decode(written), before)
        yield _piece(model, logprobs[0], token, shown[len(before) :], options.logprobs, ends=ends)
        if ends:
            return
        state = rows.advance(state, drawn)


def _settled(text: str, before: str) -> str:
    """Return the text as far as later tokens cannot change it: not half a character."""
    return before if text.endswith("\ufffd") or not text.startswith(before) else text


def _piece(
    model: "TrainedLanguageModel",
    logprobs: "Floats",
    token: int,
    text: str,
    count: int,
    *,
    ends: bool = False,
) -> Piece:
    likely = np.argsort(-logprobs, kind="stable")[:count] if count else ()
    top = tuple((model.tokenizer.token(int(each)), float(logprobs[each])) for each in likely)
    return Piece(text, model.tokenizer.token(token), float(logprobs[token]), top, ends)


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
        out.append(_piece(model, single.logprobs(state), token, text, count))
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
