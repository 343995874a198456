"""Numbers that an encoder gives each text: its pseudo-perplexity, or its likeness to others."""

from collections.abc import Mapping, Sequence

import numpy as np

from munmaek.arrays import Floats
from munmaek.errors import ConfigError
from munmaek.metrics.retrieval import similarities
from munmaek.tasks.measures import MeasuredBy, TextMeasures
from munmaek.tasks.mlm.model import Encoder

__all__ = ["pseudo_measures", "similarity_measures"]

_MOST = 700.0
"""Nats a token above which a perplexity is infinite."""


def pseudo_measures(model: Encoder) -> TextMeasures:
    """Return what tells texts apart by the pseudo-perplexity of a token (Salazar et al. 2020)."""

    def measured(texts: Sequence[str]) -> Mapping[str, Floats]:
        rows = model.tokenizer.frame.rows(model.tokenizer.encode_many(texts), model.limit)
        around = len(model.tokenizer.frame.before) + len(model.tokenizer.frame.after)
        tokens = np.array([max(len(row) - around, 1) for row in rows], dtype=np.float64)
        nats = -np.array(model.score(texts))
        each = np.minimum(nats / tokens, _MOST)
        return {"pseudo_perplexity": np.exp(each), "tokens": tokens}

    return TextMeasures(("pseudo_perplexity", "tokens"), more_is_better=False, of=measured)


def similarity_measures(model: Encoder, by: MeasuredBy) -> TextMeasures:
    """Return what tells texts apart by their likeness to the one of ``by.like`` nearest to each.

    Raises:
        ConfigError: there is nothing to be like.
    """
    if not by.like:
        raise ConfigError("--like: a file or a text is wanted that others are compared with")
    wanted = model.embed(by.like)

    def measured(texts: Sequence[str]) -> Mapping[str, Floats]:
        found = similarities(model.embed(texts), wanted, name=model.sentence.similarity)
        return {"similarity": found.max(axis=1).astype(np.float64)}

    return TextMeasures(("similarity",), more_is_better=True, of=measured)
