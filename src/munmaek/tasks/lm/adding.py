"""More text for an n-gram model, as if it had been there from the beginning.

Counts of counts, discounts and every probability depend on all of the text, so the model is
counted anew over the kept text and the new: the result is that of training on both to the bit, the
tokenizer being that of the model, and costs as much time.
"""

import time
from dataclasses import replace

import numpy as np

from munmaek.errors import InputError, UnsupportedError
from munmaek.fit.counted import token_ids
from munmaek.metrics import VALIDATION
from munmaek.models.ngram import NgramModel
from munmaek.progress import followed
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.text.corpora import Corpus

__all__ = ["add_text"]

LINES_AT_ONCE = 10_000
"""Lines that are encoded between two tellings of how far it is."""


def add_text(
    model: TrainedLanguageModel, corpus: Corpus, *, valid: Corpus | None = None
) -> TrainedLanguageModel:
    """Return the model that training on its own text and then ``corpus`` gives.

    Args:
        model: an n-gram model that was saved with its text.
        corpus: the new lines; words outside the model's vocabulary are unknown.
        valid: what to evaluate on; without it the new model has no scores.

    Raises:
        UnsupportedError: not an n-gram model.
        InputError: it was saved without its text.
    """
    if not isinstance(model.model, NgramModel):
        message = f"text is added to models of stage 'ngram', this one is '{model.info.stage}'"
        raise UnsupportedError(message)
    if model.text is None:
        raise InputError(
            "the model was saved without its training text; train it again with --keep-text"
        )
    began, tokenizer = time.perf_counter(), model.tokenizer
    parts = range(0, len(corpus.lines), LINES_AT_ONCE)
    new = [
        ids
        for first in followed(parts, "lines")
        for ids in tokenizer.encode_many(corpus.lines[first : first + LINES_AT_ONCE])
    ]
    text = model.text.extended(new)
    counted = NgramModel.fit_flat(
        text.ids.astype(np.int64),
        text.offsets.astype(np.int64),
        config=model.model.config,
        vocabulary=token_ids(tokenizer.vocab_size),
    )
    row = {"name": corpus.name, "rows": len(new), "sha256": corpus.fingerprint}
    info = replace(
        model.info,
        parameters=counted.parameters,
        seconds=time.perf_counter() - began,
        data={**model.info.data, "added": [*model.info.data.get("added", []), row]},
        scores={},
    )
    made = TrainedLanguageModel(tokenizer, counted, info, text)
    if valid is None or not made.is_distribution:
        return made
    return replace(made, info=info.with_scores(made.evaluate(valid), roles=(VALIDATION,)))
