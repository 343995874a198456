"""Scores of a masked-word model; never ranked beside a likelihood of whole sentences."""

import math

import numpy as np
from numpy.typing import NDArray

from munmaek.metrics.classification import wilson_interval
from munmaek.metrics.score import Score, Signature

__all__ = ["masked_scores", "next_sentence_scores"]


def masked_scores(
    logprobs: NDArray[np.float64], hits: NDArray[np.bool_], *, signature: Signature
) -> dict[str, Score]:
    """Return the perplexity over masked words, and the share of them that came first.

    Args:
        logprobs: natural-log probability of each masked word, shape [M].
        hits: whether it was the likeliest, shape [M].
        signature: what the model shares over scores.

    Raises:
        ValueError: nothing was masked.
    """
    total = len(logprobs)
    if total == 0:
        message = "no word was masked: the text is empty"
        raise ValueError(message)
    right = int(hits.sum())
    low, high = wilson_interval(right, total)
    signed = signature.extended(("unit", "masked word"))
    mean = math.exp(-float(logprobs.mean()))
    return {
        "masked_perplexity": Score("masked_perplexity", mean, "per masked word", signed),
        "masked_accuracy": Score("masked_accuracy", right / total, "share", signed, low, high),
    }


def next_sentence_scores(hits: NDArray[np.bool_], *, signature: Signature) -> dict[str, Score]:
    """Return the share of pairs whose relation was predicted right; half follow one another.

    Args:
        hits: whether a pair's was, shape [P]; none gives no score.
        signature: what the model shares over scores.
    """
    if not len(hits):
        return {}
    right, total = int(hits.sum()), len(hits)
    signed = signature.extended(("unit", "pair"))
    interval = wilson_interval(right, total)
    score = Score("next_sentence_accuracy", right / total, "share", signed, *interval)
    return {score.name: score}
