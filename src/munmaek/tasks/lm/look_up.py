"""Look-up in an n-gram model: why a token has its probability, and where an n-gram stands."""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from munmaek.errors import InputError
from munmaek.lm import LanguageModel
from munmaek.models.ngram import NgramModel
from munmaek.ngram.lookup import Places, places
from munmaek.tasks.lm.training_text import TrainingText
from munmaek.text.places import FIRST_BYTE
from munmaek.text.spelling import is_whole, part_of_character, readable, shown_tokens
from munmaek.text.tokenizers import Tokenizer

__all__ = [
    "ExplainedText",
    "ExplainedToken",
    "Found",
    "Line",
    "NextToken",
    "Paid",
    "VocabularyRow",
    "explain",
    "likeliest_meant",
    "look_up",
    "next_characters",
    "query_ids",
    "query_spellings",
    "vocabulary",
]

BEGIN, END = "<s>", "</s>"
SPACELESS = ("words", "characters", "jamo")
"""Kinds of tokenizer whose pieces are the same at the beginning of a text and inside it."""


@dataclass(frozen=True, slots=True)
class Paid:
    """A backoff weight: the context that did not go on with the token, and its cost."""

    context: tuple[str, ...]
    logprob: float
    """Natural log."""


@dataclass(frozen=True, slots=True)
class ExplainedToken:
    """A token and the way its probability came about."""

    token: str
    logprob: float
    """Natural log, the backoff weights included."""
    order: int
    """Length of the n-gram that matched, the token its last word."""
    context: tuple[str, ...]
    """The words before the token in that n-gram."""
    backoffs: tuple[Paid, ...]
    """Weights paid on the way down to it, the longest context first."""
    unknown: bool


@dataclass(frozen=True, slots=True)
class ExplainedText:
    """A sentence, its natural-log probability to its end, and each token explained."""

    text: str
    logprob: float
    tokens: tuple[ExplainedToken, ...]


def explain(model: NgramModel, tokenizer: Tokenizer, text: str) -> ExplainedText:
    """Explain one sentence token by token: the order that matched and each backoff weight paid."""
    ids = [*tokenizer.encode(text), tokenizer.eos]
    names = shown_tokens(tokenizer, [tokenizer.bos, *ids])
    tokens: list[ExplainedToken] = []
    for place, step in enumerate(model.explain(ids), start=1):
        longest = step.order - 1 + len(step.backoffs)
        tokens.append(
            ExplainedToken(
                token=names[place],
                logprob=step.logprob,
                order=step.order,
                context=names[place - step.order + 1 : place],
                backoffs=tuple(
                    Paid(names[place - length : place], weight)
                    for length, weight in zip(
                        range(longest, step.order - 1, -1), step.backoffs, strict=True
                    )
                ),
                unknown=step.token == tokenizer.unk,
            )
        )
    return ExplainedText(text, math.fsum(token.logprob for token in tokens), tuple(tokens))


@dataclass(frozen=True, slots=True)
class NextToken:
    """A token that may come next."""

    token: str
    logprob: float
    """Natural log of its probability after the context."""


def next_characters(
    model: LanguageModel[Any],
    tokenizer: Tokenizer,
    state: Any,
    *,
    count: int,
    begun: bytes = b"",
) -> list[NextToken]:
    """Return the likeliest tokens, best first, characters in place of the bytes that spell them.

    A character's probability is the product of those of its bytes. What has begun one is followed
    when nothing left is likelier, so that none is missed.

    Args:
        model: what is asked.
        tokenizer: its vocabulary, which spells in bytes.
        state: where it stands.
        count: of tokens and characters.
        begun: the bytes before that belong to a character that comes.
    """
    queue: list[tuple[float, tuple[int, ...]]] = [
        (-logprob, (token,)) for token, logprob in enumerate(model.logprobs(state).tolist())
    ]
    heapq.heapify(queue)
    found: list[NextToken] = []
    while queue and len(found) < count:
        cost, ids = heapq.heappop(queue)
        parts = [part_of_character(tokenizer, token) for token in ids]
        spelled = b"" if parts[0] is None else begun + b"".join(part or b"" for part in parts)
        if cost == math.inf or (spelled and not readable(spelled)):
            continue
        if not spelled or is_whole(spelled):
            found.append(NextToken(spelled.decode() or tokenizer.token(ids[0]), -cost))
            continue
        at = state
        for token in ids:
            at = model.advance(at, token)
        further = model.logprobs(at)[FIRST_BYTE : FIRST_BYTE + 256].tolist()
        for byte, logprob in enumerate(further, start=FIRST_BYTE):
            heapq.heappush(queue, (cost - logprob, (*ids, byte)))
    return found


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the training text."""

    number: int
    """From 1, all files of the data counted on."""
    text: str
    """The query as the tokenizer gives it back: what it does not know is ``<unk>``."""


@dataclass(frozen=True, slots=True)
class Found:
    """An n-gram as a model and its training text know it."""

    query: str
    tokens: tuple[str, ...]
    in_model: bool
    """The tables have it as an n-gram of its own."""
    logprob: float
    """Natural log of p(last | the ones before), by backing off where it is not in the model."""
    backoff: float | None
    """Natural log of the weight it pays as a context; None where it is none."""
    count: int | None
    """Times that it occurs; None where the model was saved without its text."""
    adjusted_count: int | None
    """Kneser–Ney's count: the different tokens before it, or ``count`` of the longest n-grams and
    of those that begin a sentence; None for more tokens than the order."""
    followers: int | None
    """The different tokens after it."""
    longest: tuple[str, ...] | None
    """The longest suffix of the query that occurs, of any length."""
    longest_count: int | None
    lines: tuple[Line, ...]
    """The lines where ``longest`` stands, the first of the training text."""
    also: tuple["Found", ...] = ()
    """The same text in other tokens, such as at the beginning of a sentence, where it is there."""


def query_spellings(tokenizer: Tokenizer, query: str) -> list[list[int]]:
    """Return the ids of a query within a sentence, and where they differ those at its beginning.

    Raises:
        InputError: nothing to look for.
    """
    within = query_ids(tokenizer, query)
    inner = query.strip()
    if inner.startswith(BEGIN) or tokenizer.kind in SPACELESS:
        return [within]
    first = query_ids(tokenizer, f"{BEGIN} {inner}")[1:]
    return [within] if first in (within, []) else [within, first]


def likeliest_meant(found: Sequence[Found]) -> Found:
    """Return the spelling that occurs most, with the others that are there."""
    best = max(found, key=lambda each: (each.count or 0, each.in_model, _reach(each)))
    also = [each for each in found if each is not best and (each.count or each.in_model)]
    # An end of the best that stands nowhere else says nothing new.
    also = [
        each
        for each in also
        if each.count != best.count or best.tokens[-len(each.tokens) :] != each.tokens
    ]
    return replace(best, also=tuple(also))


def _reach(found: Found) -> float:
    """Return the share of the query that its longest suffix in the training text is."""
    return len(found.longest or ()) / len(found.tokens)


def query_ids(tokenizer: Tokenizer, query: str) -> list[int]:
    """Return the ids of a query, which may begin with ``<s>`` and end with ``</s>``.

    Without ``<s>`` it is taken as from within a sentence: pieces of words know the space before.

    Raises:
        InputError: nothing to look for.
    """
    inner = query.strip()
    begins, ends = inner.startswith(BEGIN), inner.endswith(END)
    inner = inner.removeprefix(BEGIN).removesuffix(END).strip()
    if inner and not begins and tokenizer.kind not in SPACELESS:
        inner = f" {inner}"
    ids = tokenizer.encode(inner)
    found = [*[tokenizer.bos] * begins, *ids, *[tokenizer.eos] * ends]
    if not found:
        raise InputError("nothing to look up: the query is empty")
    return found


def look_up(
    model: NgramModel,
    tokenizer: Tokenizer,
    text: TrainingText | None,
    query: str,
    *,
    ids: Sequence[int],
    lines: int = 10,
) -> Found:
    """Look the n-gram ``ids`` up in the model and in its training text, ``lines`` of it at most."""
    entry = model.find(ids) if len(ids) <= model.config.order else None
    context = tuple(ids[:-1])[1 - model.config.order :] if model.config.order > 1 else ()
    found = Found(
        query=query,
        tokens=_names(tokenizer, ids),
        in_model=entry is not None and math.isfinite(entry.logprob),
        logprob=float(model.logprobs(context)[ids[-1]]),
        backoff=None if entry is None else entry.backoff,
        **_NOT_KEPT,
    )
    if text is None:
        return found
    where = places(text.ids, text.offsets, ids, bos=tokenizer.bos, eos=tokenizer.eos)
    return _with_text(found, where, text, tokenizer, ids, order=model.config.order, lines=lines)


_NOT_KEPT: dict[str, Any] = {
    "count": None,
    "adjusted_count": None,
    "followers": None,
    "longest": None,
    "longest_count": None,
    "lines": (),
}


def _with_text(
    found: Found,
    where: Places,
    text: TrainingText,
    tokenizer: Tokenizer,
    ids: Sequence[int],
    *,
    order: int,
    lines: int,
) -> Found:
    whole = where.length == len(ids)
    count = len(where.sentences) if whole else 0
    as_they_are = len(ids) == order or ids[0] == tokenizer.bos
    before = len(np.unique(where.before)) if whole else 0
    after = where.after[where.after >= 0] if whole else where.after[:0]
    chosen = np.unique(where.sentences)[:lines] if where.length else where.sentences[:0]
    return Found(
        query=found.query,
        tokens=found.tokens,
        in_model=found.in_model,
        logprob=found.logprob,
        backoff=found.backoff,
        count=count,
        adjusted_count=(count if as_they_are else before) if len(ids) <= order else None,
        followers=len(np.unique(after)),
        longest=_names(tokenizer, ids[len(ids) - where.length :]),
        longest_count=len(where.sentences),
        lines=tuple(
            Line(int(text.lines[index]), tokenizer.decode(text.sentence(index)))
            for index in chosen.tolist()
        ),
    )


def _names(tokenizer: Tokenizer, ids: Sequence[int]) -> tuple[str, ...]:
    return shown_tokens(tokenizer, ids)


@dataclass(frozen=True, slots=True)
class VocabularyRow:
    """A token of the vocabulary."""

    id: int
    token: str
    logprob: float
    """Natural log of its probability without context; −inf where it is never predicted."""
    count: int | None
    """Times that it occurs in the training text, where that was kept."""


def vocabulary(
    model: NgramModel, tokenizer: Tokenizer, text: TrainingText | None
) -> list[VocabularyRow]:
    """List every token in the order of the ids."""
    logprobs = model.logprobs(())
    counts = None
    if text is not None:
        counts = np.bincount(text.ids, minlength=model.vocab_size)
        counts[[tokenizer.bos, tokenizer.eos]] = len(text.lines)
    return [
        VocabularyRow(
            token,
            tokenizer.token(token),
            float(logprobs[token]),
            None if counts is None else int(counts[token]),
        )
        for token in range(model.vocab_size)
    ]
