"""What an n-gram model paid for each token of a sentence, and what it would have expected."""

import math
from typing import Any

from munmaek.models.ngram import NgramModel
from munmaek.tasks.lm.look_up import next_characters
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.text.spelling import spelling_of
from munmaek.text.tokenizers import Tokenizer

__all__ = ["next_tokens", "ngram_part"]

NEXT = 8
"""Continuations told for each context."""

LINES = 5
"""Training lines told behind each match."""


def ngram_part(model: TrainedLanguageModel, text: str) -> dict[str, Any] | None:
    """For each token: the order matched, each backoff paid, and the likeliest in its place.

    Where the model was saved with its training text, also the lines behind the match and how often
    it occurs. None for a model that is no n-gram model.
    """
    chain, tokenizer = model.model, model.tokenizer
    if not isinstance(chain, NgramModel):
        return None
    ids = [tokenizer.bos, *tokenizer.encode(text), tokenizer.eos]
    state: Any = chain.start()
    begun: str | bytes = b""
    spelling = spelling_of(tokenizer)
    made: list[dict[str, Any]] = []
    for place, step in enumerate(model.explain(text).tokens, start=1):
        following = _following(chain, tokenizer, state, begun)
        behind = model.look_up(ids[place + 1 - step.order : place + 1], lines=LINES)
        made.append(
            {
                "piece": step.token,
                "order": step.order,
                "context": " ".join(step.context),
                "logprob": step.logprob,
                "unknown": step.unknown,
                "backoffs": [
                    {"context": " ".join(each.context), "logprob": each.logprob}
                    for each in step.backoffs
                ],
                "next": following,
                "lines": [{"number": each.number, "text": each.text} for each in behind.lines],
                "count": behind.count,
            }
        )
        state = chain.advance(state, ids[place])
        begun = b"" if spelling is None else spelling.after(begun, ids[place])
    return {"order": chain.config.order, "tokens": made}


def _following(
    chain: NgramModel, tokenizer: Tokenizer, state: Any, begun: str | bytes
) -> list[list[Any]]:
    """The likeliest tokens with their probabilities, characters in place of their bytes."""
    if tokenizer.oov == "bytes" and isinstance(begun, bytes):
        found = next_characters(chain, tokenizer, state, count=NEXT, begun=begun)
        return [[each.token, math.exp(each.logprob)] for each in found]
    ids, chances = chain.next_words(state, count=NEXT)
    return [
        [tokenizer.token(token), math.exp(chance)]
        for token, chance in zip(ids.tolist(), chances.tolist(), strict=True)
    ]


def next_tokens(model: TrainedLanguageModel, text: str, *, count: int = 12) -> list[list[Any]]:
    """The likeliest tokens after ``text`` with their probabilities, by any language model."""
    found = model.next_tokens(text, count=count)
    return [[each.token, math.exp(each.logprob)] for each in found]
