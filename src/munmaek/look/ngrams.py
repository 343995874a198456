"""What an n-gram model paid for each token of a sentence, and what it would have expected."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from munmaek.artefact import TrainedLanguageModel
from munmaek.models.ngram import NgramModel

__all__ = ["next_tokens", "ngram_part"]

NEXT = 8
"""Continuations told for each context."""


def ngram_part(model: TrainedLanguageModel, text: str) -> dict[str, Any] | None:
    """For each token: the order matched, each backoff paid, and the likeliest in its place.

    None for a model that is no n-gram model.
    """
    chain, tokenizer = model.model, model.tokenizer
    if not isinstance(chain, NgramModel):
        return None
    ids = [*tokenizer.encode(text), tokenizer.eos]
    history = [tokenizer.bos]
    made: list[dict[str, Any]] = []
    for step in chain.explain(ids):
        longest = step.order - 1 + len(step.backoffs)
        made.append(
            {
                "piece": tokenizer.token(step.token),
                "order": step.order,
                "context": _words(model, history, step.order - 1),
                "logprob": step.logprob,
                "backoffs": [
                    {"context": _words(model, history, longest - place), "logprob": paid}
                    for place, paid in enumerate(step.backoffs)
                ],
                "next": _likeliest(model, history),
                "lines": [],
                "count": None,
            }
        )
        history.append(step.token)
    return {"order": chain.config.order, "tokens": made}


def _words(model: TrainedLanguageModel, history: Sequence[int], length: int) -> str:
    first = len(history) - length
    return " ".join(model.tokenizer.token(token) for token in history[first:])


def _likeliest(model: TrainedLanguageModel, history: Sequence[int]) -> list[list[Any]]:
    state = model.model.start()
    for token in history[1:]:
        state = model.model.advance(state, token)
    return _best(model, state)


def next_tokens(model: TrainedLanguageModel, text: str, *, count: int = 12) -> list[list[Any]]:
    """The likeliest tokens after ``text`` with their probabilities, by any language model."""
    state = model.model.start()
    for token in model.tokenizer.encode(text):
        state = model.model.advance(state, token)
    return _best(model, state, count=count)


def _best(model: TrainedLanguageModel, state: Any, *, count: int = NEXT) -> list[list[Any]]:
    logprobs = model.model.logprobs(state)
    best = np.argsort(-logprobs, kind="stable")[:count]
    tokenizer = model.tokenizer
    return [[tokenizer.token(int(token)), float(np.exp(logprobs[token]))] for token in best]
