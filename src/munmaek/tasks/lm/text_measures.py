"""Numbers that a language model gives each text: columns of ``score`` and ``filter``."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from munmaek.arrays import Floats
from munmaek.errors import UnsupportedError
from munmaek.models.ngram import NgramModel
from munmaek.ngram.compact import for_much_text
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.scoring import sentence_sums
from munmaek.tasks.measures import MeasuredBy, TextMeasures
from munmaek.text.spaces import ASCII_ENDS, ASCII_SPACE, SPACES

__all__ = ["COLUMNS", "language_measures", "measured_texts"]

COLUMNS = ("perplexity", "log10", "tokens", "unknown", "bits")
_LN10, _LN2 = math.log(10.0), math.log(2.0)
_COUNTED, _NEURAL = 8192, 512
"""Texts that go through a model together."""
_MOST = 700.0
"""Nats a token above which a perplexity is infinite."""


def measured_texts(
    trained: TrainedLanguageModel, texts: Sequence[str], *, threads: int = 1
) -> Mapping[str, Floats]:
    """Return ``COLUMNS`` of texts, each a sentence to its end.

    The perplexity is that of a token, the end and unknown tokens counted; ``log10`` and ``bits``
    are of the whole sentence's probability.
    """
    if not texts:
        return {name: np.empty(0) for name in COLUMNS}
    found, _ = sentence_sums(trained.model, trained.tokenizer, texts, threads=threads, apart=True)
    nats = np.maximum(-found.logprobs, 0.0)
    each = nats / found.tokens
    return {
        "perplexity": np.where(each < _MOST, np.exp(np.minimum(each, _MOST)), np.inf),
        "log10": found.logprobs / _LN10,
        "tokens": found.tokens.astype(np.float64),
        "unknown": found.unknown.astype(np.float64),
        "bits": nats / _LN2,
    }


def language_measures(trained: TrainedLanguageModel, by: MeasuredBy) -> TextMeasures:
    """Return what tells texts apart by their perplexity; packed tables are unpacked for many.

    Raises:
        UnsupportedError: a model that gives scores and no probabilities.
    """
    if not trained.is_distribution:
        message = (
            f"{trained.info.label}: Stupid Backoff gives scores that do not sum to 1, so it has no "
            "perplexity; choose another smoothing, or normalised = true in [model.smoothing]"
        )
        raise UnsupportedError(message)
    if isinstance(trained.model, NgramModel):
        tables = for_much_text(trained.model.tables, by.text_bytes)
        trained = replace(trained, model=replace(trained.model, tables=tables))
    return TextMeasures(
        COLUMNS,
        more_is_better=False,
        of=lambda texts: measured_texts(trained, texts, threads=by.threads),
        block=_COUNTED if trained.is_counted else _NEURAL,
        ends=ASCII_ENDS if trained.tokenizer.space == ASCII_SPACE else SPACES,
    )
