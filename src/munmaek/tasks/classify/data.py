"""Labelled texts, from a corpus to token ids and labels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import InputError, UnsupportedError
from munmaek.tasks.classify.options import ClassifyRecipe
from munmaek.tasks.labelling import known_rows, label_indices, label_table
from munmaek.tasks.preparing import (
    describe_split,
    described,
    labelled_tokenizer,
    parted,
    second_ids,
    tell_unseen,
)
from munmaek.text.corpora import LabelledCorpus
from munmaek.text.memory import Sources
from munmaek.text.soft_labels import SoftLabels, read_soft_labels
from munmaek.text.tagged import TaggedCorpus
from munmaek.text.tokenizers import Tokenizer

__all__ = ["Labelled", "prepare_labelled"]

Ids = list[int]
C = TypeVar("C", LabelledCorpus, TaggedCorpus)


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts as ids without <s> and </s>, and the index of each one's label."""

    tokenizer: Tokenizer
    labels: tuple[str, ...]
    train: Sequence[Ids]
    train_labels: NDArray[np.int64] | NDArray[np.float32]
    """The likeliest, where a text has soft labels; 1 for each of several [N, C]."""
    valid: Sequence[Ids]
    """Rows whose label occurs in the training data; ``valid_corpus`` has all."""
    valid_labels: NDArray[np.int64] | NDArray[np.float32]
    train_corpus: LabelledCorpus
    valid_corpus: LabelledCorpus | None
    """None where nothing is held out."""
    train_seconds: Sequence[Ids] | None = None
    """The second text of each pair; None where single texts are labelled."""
    valid_seconds: Sequence[Ids] | None = None
    soft: SoftLabels | None = None
    """More training texts, which stand after those of ``train_corpus``."""

    @property
    def several(self) -> bool:
        """Tell whether a text may have several labels, or none."""
        return self.train_labels.ndim > 1

    @property
    def counts(self) -> NDArray[Any]:
        """Count the training texts that have each label: [C]."""
        if self.several:
            return self.train_labels.sum(0)
        return np.bincount(self.train_labels.astype(np.int64), minlength=len(self.labels))

    @property
    def targets(self) -> NDArray[np.int64] | NDArray[np.float32]:
        """Return what to train toward: labels [N], or with soft labels all probabilities [N, C]."""
        if self.soft is None:
            return self.train_labels
        sure = np.eye(len(self.labels), dtype=np.float32)[self.train_labels.astype(np.int64)]
        sure[-len(self.soft.texts) :] = self.soft.probabilities
        return sure

    def describe(self) -> dict[str, Any]:
        """Return names, sizes and fingerprints of the data, as the manifest keeps them."""
        train, valid = self.train_corpus, self.valid_corpus
        held = 0 if valid is None else len(valid.texts)
        found = describe_split(train, len(train.texts), valid, held)
        if self.soft is not None:
            found["soft"] = described(self.soft, len(self.soft.texts))
        return found


def prepare_labelled(
    corpus: LabelledCorpus,
    valid: LabelledCorpus | None,
    recipe: ClassifyRecipe,
    *,
    tokenizer: Tokenizer | None = None,
    soft: Sources = (),
    holding: bool | None = None,
) -> Labelled:
    """Prepare labelled texts for a classifier: rows held out, a tokenizer, ids and label indices.

    Args:
        corpus: the training data.
        valid: the validation data; None holds some of ``corpus`` out, where the model needs it.
        recipe: what is trained.
        tokenizer: None trains one.
        soft: files of more training texts, which ``read_soft_labels`` reads; none is held out.
        holding: whether rows are held out where ``valid`` is None; None is as the recipe needs.

    Raises:
        InputError: fewer than two labels, one in ``soft`` that is not in the training data, or
            none in ``valid`` that is.
        MunmaekWarning: some in ``valid`` are not: they have no validation loss, and count as wrong.
    """
    labels = tuple(sorted(set(corpus.every_label)))
    several = corpus.sets is not None or (valid is not None and valid.sets is not None)
    if several:
        _check_several(corpus, recipe, soft)
    if len(labels) < 2:
        message = f"{corpus.name}: a classifier needs at least 2 labels, found {list(labels)}"
        raise InputError(message)
    corpus, valid = parted(corpus, valid, recipe, holding=holding)
    checked, valid_labels = corpus.chosen([]), np.empty(0, dtype=np.int64)
    if valid is not None:
        tell_unseen(valid, labels)
        checked, valid_labels = (
            (valid, label_table(valid, labels)) if several else known_rows(valid, labels)
        )
    more = read_soft_labels(soft, labels, pairs=recipe.pairs) if soft else None
    if tokenizer is None:
        tokenizer = labelled_tokenizer(corpus, recipe, more)
    prepared = Labelled(
        tokenizer,
        labels,
        tokenizer.encode_many(corpus.texts),
        label_table(corpus, labels) if several else label_indices(corpus, labels),
        tokenizer.encode_many(checked.texts),
        valid_labels,
        corpus,
        valid,
        second_ids(tokenizer, corpus),
        None if valid is None else second_ids(tokenizer, checked),
    )
    return prepared if more is None else _with_soft(prepared, more)


def _check_several(corpus: LabelledCorpus, recipe: ClassifyRecipe, soft: Sources) -> None:
    """Refuse what cannot be had where a text may have several labels.

    Raises:
        UnsupportedError: says what, and names the first such row.
    """
    row = next((row for row, own in enumerate(corpus.label_sets) if len(own) != 1), 0)
    many = ", ".join(f"'{label}'" for label in corpus.label_sets[row])
    given = {
        "--class-weights": recipe.class_weights is not None,
        "--calibrate": recipe.calibrate,
        "--soft-labels": bool(soft),
    }
    for name, asked in given.items():
        if asked:
            message = (
                f"{corpus.place(row)}: has the labels {many or 'none'}, and {name} is for one "
                "label a text; leave it out, or give each text one"
            )
            raise UnsupportedError(message)


def _with_soft(texts: Labelled, soft: SoftLabels) -> Labelled:
    """Return the same data with the texts of ``soft`` to train on, too."""
    encode = texts.tokenizer.encode_many
    seconds = texts.train_seconds
    if seconds is not None:
        seconds = [*seconds, *encode(soft.seconds or ())]
    likeliest = soft.probabilities.argmax(1).astype(np.int64)
    return replace(
        texts,
        train=[*texts.train, *encode(soft.texts)],
        train_labels=np.concatenate([texts.train_labels, likeliest]),
        train_seconds=seconds,
        soft=soft,
    )
