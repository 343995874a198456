"""Texts with values, from a corpus to token ids and scaled values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import InputError
from munmaek.tasks.preparing import describe_split, labelled_tokenizer, parted_to_train, second_ids
from munmaek.tasks.regress.options import RegressRecipe
from munmaek.text.corpora import LabelledCorpus, values_of
from munmaek.text.tokenizers import Tokenizer

__all__ = ["Valued", "prepare_valued"]

Ids = list[int]


@dataclass(frozen=True, slots=True)
class Valued:
    """Texts as ids without <s> and </s>, and the value of each, scaled to 0 to 1."""

    tokenizer: Tokenizer
    train: Sequence[Ids]
    train_values: NDArray[np.float64]
    valid: Sequence[Ids]
    valid_values: NDArray[np.float64]
    train_corpus: LabelledCorpus
    valid_corpus: LabelledCorpus
    low: float
    """The value that 0 stands for."""
    high: float
    """The value that 1 stands for."""
    train_seconds: Sequence[Ids] | None = None
    """The second text of each pair; None where single texts have values."""
    valid_seconds: Sequence[Ids] | None = None

    def describe(self) -> dict[str, Any]:
        """Return names, sizes and fingerprints of the data, as the manifest keeps them."""
        return describe_split(
            self.train_corpus, len(self.train), self.valid_corpus, len(self.valid)
        )


def prepare_valued(
    corpus: LabelledCorpus,
    valid: LabelledCorpus | None,
    recipe: RegressRecipe,
    *,
    tokenizer: Tokenizer | None = None,
) -> Valued:
    """Prepare texts with numbers for a regressor, the numbers scaled to between 0 and 1.

    Raises:
        InputError: a value that is no number, or all of the training data's are the same.
    """
    corpus, valid = parted_to_train(corpus, valid, recipe, by_label=False)
    values, held = np.array(values_of(corpus)), np.array(values_of(valid))
    low, high = float(values.min()), float(values.max())
    if low == high:
        message = f"{corpus.name}: every value is {low}; a regressor needs values that differ"
        raise InputError(message)
    if tokenizer is None:
        tokenizer = labelled_tokenizer(corpus, recipe)
    return Valued(
        tokenizer,
        tokenizer.encode_many(corpus.texts),
        (values - low) / (high - low),
        tokenizer.encode_many(valid.texts),
        (held - low) / (high - low),
        corpus,
        valid,
        low,
        high,
        second_ids(tokenizer, corpus),
        second_ids(tokenizer, valid),
    )
