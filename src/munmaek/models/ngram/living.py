"""The tables of the stage's models for a page."""

from typing import Any

import numpy as np

from munmaek.errors import UnsupportedError
from munmaek.models.living import Arrays, whole_numbers
from munmaek.models.ngram.classifier import NgramClassifier
from munmaek.models.ngram.log_linear import LogLinearNgrams
from munmaek.models.ngram.model import NgramModel
from munmaek.ngram import NgramTables, fast

__all__ = ["tensors"]


def tensors(model: NgramModel | NgramClassifier | LogLinearNgrams) -> Arrays:
    """Return the trie of a chain, or of each label's chain under ``0.``, ``1.`` and so on.

    Raises:
        UnsupportedError: discriminative n-grams, which are no chain.
    """
    if isinstance(model, LogLinearNgrams):
        message = "--live: discriminative n-grams do not compute in a page; train without them"
        raise UnsupportedError(message)
    if isinstance(model, NgramModel):
        return _trie(model)
    tries = {
        f"{label}.{name}": array
        for label, chain in enumerate(model.models)
        for name, array in _trie(chain).items()
    }
    return {"prior": model.prior.astype(np.float32), **tries}


def _trie(model: NgramModel) -> dict[str, Any]:
    tables = model.tables if isinstance(model.tables, NgramTables) else fast(model.tables)
    whole = {name: whole_numbers(getattr(tables, name)) for name in ("starts", "words", "first")}
    return {**whole, "logprobs": tables.logprobs, "backoffs": tables.backoffs}
