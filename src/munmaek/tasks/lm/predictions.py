"""A language model on one sentence: it reads <s> and the tokens, and predicts each and </s>."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from munmaek.arrays import Floats
from munmaek.models.ngram import NgramModel
from munmaek.tasks.inside import Predictions, Question, Side, Words, piece_words
from munmaek.tasks.lm.look_up import next_characters
from munmaek.tasks.lm.orders import orders_of
from munmaek.text.spaces import ascii_words
from munmaek.text.spelling import spelling_of
from munmaek.text.tokenizers import Tokenizer

if TYPE_CHECKING:
    from munmaek.tasks.lm.model import TrainedLanguageModel

__all__ = ["sentence_predictions"]

NEXT = 8
"""Continuations told for each context."""
LINES = 5
"""Training lines told behind each match."""


def sentence_predictions(model: "TrainedLanguageModel", question: Question) -> Predictions:
    """Return each token's log-probability, and of an n-gram model what it was counted from."""
    tokenizer, text = model.tokenizer, question.text
    ids, pieces, words = piece_words(tokenizer, text)
    ids, surface = [*ids, tokenizer.eos], tuple(ascii_words(text))
    owners = (*words, -1)

    def without(erased: Sequence[Words]) -> Floats:
        return _without(model, ids, owners, erased)

    read = Predictions(
        source=Side((tokenizer.token(tokenizer.bos), *pieces), (-1, *words), surface),
        output=Side((*pieces, tokenizer.token(tokenizer.eos)), owners, surface),
        owners=owners,
        without=without,
        rows="source",
        # What comes later is not seen.
        unseen=tuple(
            frozenset(range(word if word >= 0 else len(surface), len(surface))) for word in owners
        ),
        causal=True,
    )
    if model.has_network:
        from munmaek.tasks.lm.neural import taped_predictions

        read = taped_predictions(cast("Any", model.model), read, ids, question, tokenizer.token)
    else:
        read = replace(read, logprobs=tuple(model.model.score(ids).tolist()))
    outcome = {"text": text, "logprob": float(sum(read.logprobs))}
    return replace(
        read, answer={**read.answer, "outcome": outcome, "ngram": _counted(model, text, ids)}
    )


def _without(
    model: "TrainedLanguageModel", ids: Sequence[int], words: Sequence[int], erased: Sequence[Words]
) -> Floats:
    """Return what ``Predictions.without`` says: the model reads on without the words."""
    out = np.full((len(erased), len(ids)), np.nan)
    kept = [~np.isin(words, list(each)) for each in erased]
    rows = [np.array(ids)[keep].tolist() for keep in kept]
    for row, keep, score in zip(out, kept, cast("Any", model.model).score_many(rows), strict=True):
        row[keep] = score
    return out


def _counted(model: "TrainedLanguageModel", text: str, ids: Sequence[int]) -> dict[str, Any] | None:
    """Return for each token the order matched, each backoff paid, and the likeliest in its place.

    Where the model was saved with its training text, also the lines behind the match and how often
    it occurs. None for a model that is no n-gram model.
    """
    chain, tokenizer = model.model, model.tokenizer
    if not isinstance(chain, NgramModel):
        return None
    state: Any = chain.start()
    begun: str | bytes = b""
    spelling = spelling_of(tokenizer)
    made: list[dict[str, Any]] = []
    whole = [tokenizer.bos, *ids]
    for place, step in enumerate(model.explain(text).tokens, start=1):
        following = _following(chain, tokenizer, state, begun)
        behind = model.look_up(whole[place + 1 - step.order : place + 1], lines=LINES)
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
                "orders": orders_of(
                    chain,
                    tokenizer,
                    model.text,
                    whole[max(place + 1 - chain.config.order, 0) : place + 1],
                ),
                "lines": [{"number": each.number, "text": each.text} for each in behind.lines],
                "count": behind.count,
            }
        )
        state = chain.advance(state, whole[place])
        begun = b"" if spelling is None else spelling.after(begun, whole[place])
    return {"order": chain.config.order, "tokens": made}


def _following(
    chain: NgramModel, tokenizer: Tokenizer, state: Any, begun: str | bytes
) -> list[list[Any]]:
    """Return the likeliest tokens with their probabilities, characters in place of their bytes."""
    if tokenizer.oov == "bytes" and isinstance(begun, bytes):
        found = next_characters(chain, tokenizer, state, count=NEXT, begun=begun)
        return [[each.token, math.exp(each.logprob)] for each in found]
    ids, chances = chain.next_words(state, count=NEXT)
    return [
        [tokenizer.token(token), math.exp(chance)]
        for token, chance in zip(ids.tolist(), chances.tolist(), strict=True)
    ]
