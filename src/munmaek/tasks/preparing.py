"""Steps from corpora to token ids that tasks share: rows held out, labels never seen."""

import warnings
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import InputError, MunmaekWarning
from munmaek.fit.holding import (
    held_out_name,
    hold_out,
    hold_out_labelled,
)
from munmaek.fit.recipe import Recipe
from munmaek.fit.vocabulary import make_tokenizer
from munmaek.tasks.labelling import check_known
from munmaek.text.corpora import LabelledCorpus, Pairs
from munmaek.text.labels import LabelIndex, unseen_note
from munmaek.text.soft_labels import SoftLabels
from munmaek.text.tagged import TaggedCorpus
from munmaek.text.tokenizers import Tokenizer

__all__ = [
    "PAIR",
    "SINGLE",
    "columns_of",
    "describe_split",
    "described",
    "drawn_rows",
    "holds_out",
    "labelled_tokenizer",
    "parted",
    "parted_to_train",
    "second_ids",
    "tell_unseen",
    "texts_of",
]

Ids = list[int]
C = TypeVar("C", LabelledCorpus, TaggedCorpus)


def describe_split(train: Any, train_rows: int, valid: Any, valid_rows: int) -> dict[str, Any]:
    """Return the names, sizes and fingerprints of both parts."""
    found = {"train": described(train, train_rows)}
    return found if valid is None else {**found, "valid": described(valid, valid_rows)}


def described(corpus: Any, rows: int) -> dict[str, Any]:
    """Return the name, size and fingerprint of a corpus."""
    return {"name": corpus.name, "rows": rows, "sha256": corpus.fingerprint}


def labelled_tokenizer(
    corpus: LabelledCorpus, recipe: Recipe, soft: SoftLabels | None = None
) -> Tokenizer:
    """Return the tokenizer that the recipe asks for, learned from the texts."""
    each = [corpus] if soft is None else [corpus, soft]
    texts = [text for one in each for text in (*one.texts, *(one.seconds or ()))]
    return make_tokenizer(texts, recipe)


def second_ids(tokenizer: Tokenizer, corpus: LabelledCorpus) -> Sequence[Ids] | None:
    """Return the ids of each pair's second text, None of single texts."""
    return None if corpus.seconds is None else tokenizer.encode_many(corpus.seconds)


def tell_unseen(valid: LabelledCorpus | TaggedCorpus, labels: Sequence[str]) -> None:
    """Warn of validation labels that the training data has not."""
    tagged = isinstance(valid, TaggedCorpus)
    given = [each for row in valid.labels for each in row] if tagged else valid.every_label
    unseen = LabelIndex(labels).unseen(given)
    if given and sum(unseen.values()) == len(given):
        if not tagged:
            check_known(valid, labels)
        message = f"{valid.name}: no label of the training data, which has {', '.join(labels[:10])}"
        raise InputError(message)
    unit = "words" if tagged else "rows" if valid.sets is None else "labels"
    if note := unseen_note(labels, given, name=valid.name, unit=unit):
        warnings.warn(note, MunmaekWarning, stacklevel=3)


def holds_out(recipe: Recipe, valid: Any, holding: bool | None) -> bool:
    """Return whether rows are held out: as asked, else as the recipe needs."""
    needed = recipe.holds_out(valid=valid is not None)
    return needed if holding is None or valid is not None else holding


def parted(
    corpus: C,
    valid: C | None,
    recipe: Recipe,
    *,
    holding: bool | None = None,
    by_label: bool = True,
) -> tuple[C, C | None]:
    """Return what to train on, as much of it as the recipe says, and what to validate on.

    Args:
        corpus: the training data.
        valid: the validation data; None holds some of ``corpus`` out, of each label its share.
        recipe: what is trained.
        holding: whether rows are held out where ``valid`` is None; None is as the recipe needs.
        by_label: of each label its share is held out, for labels are no numbers.

    Raises:
        InputError: fewer rows than can be parted, or than the recipe wants.
    """
    count = len(corpus.labels)
    kept = np.arange(count)
    if holds_out(recipe, valid, holding):
        kept, held = _hold_out_rows(corpus, recipe, by_label=by_label)
        valid = corpus.chosen(held.tolist(), name=held_out_name(corpus.name))
    kept = drawn_rows(kept, recipe, name=corpus.name)
    return (corpus if len(kept) == count else corpus.chosen(kept.tolist())), valid


def drawn_rows(
    kept: NDArray[np.int64], recipe: Recipe, *, name: str, in_order: bool = False
) -> NDArray[np.int64]:
    """Return the rows to train on of those that are kept: as many as the recipe says.

    Args:
        kept: indices of rows, rising.
        recipe: what is trained.
        name: of the corpus.
        in_order: the first rows are taken, where a row goes on from the one before it.

    Raises:
        InputError: fewer rows than the recipe wants.
    """
    if recipe.train_rows is None:
        return kept
    if recipe.train_rows > len(kept):
        message = f"{name}: {recipe.train_rows} rows wanted, {len(kept)} to train on"
        raise InputError(message)
    if in_order:
        return kept[: recipe.train_rows]
    order = np.random.default_rng([recipe.choice_seed, 1]).permutation(kept)
    return np.sort(order[: recipe.train_rows])


def _hold_out_rows(
    corpus: LabelledCorpus | TaggedCorpus, recipe: Recipe, *, by_label: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    seed, asked = recipe.choice_seed, recipe.hold_out
    if not by_label:
        return hold_out(len(corpus.labels), seed=seed, asked=asked)
    labels = corpus.labels if isinstance(corpus, TaggedCorpus) else corpus.sets or corpus.labels
    return hold_out_labelled(labels, name=corpus.name, seed=seed, asked=asked)


def parted_to_train(
    corpus: C, valid: C | None, recipe: Recipe, *, by_label: bool = True
) -> tuple[C, C]:
    """Return ``parted`` of a task whose models are all trained, so that validation is needed."""
    train, held = parted(corpus, valid, recipe, by_label=by_label)
    assert held is not None
    return train, held


SINGLE, PAIR = ("text", "label"), ("sentence1", "sentence2", "label")
"""Columns of rows that have no names."""


def texts_of(corpus: LabelledCorpus) -> Sequence[str]:
    """Return the text of each row, or both of a pair with a space between."""
    if corpus.seconds is None:
        return corpus.texts
    return [f"{a} {b}" for a, b in zip(corpus.texts, corpus.seconds, strict=True)]


def columns_of(given: Any, *, paired: bool = False) -> dict[str, Any]:
    """Return what ``read_labelled`` and ``read_valued`` are told of the table.

    Args:
        given: a recipe, or an ``AskedRows``.
        paired: two texts a row are read in any case.
    """
    paired = paired or given.pairs or given.second_column is not None
    return {
        "text_column": given.text_column,
        "label_column": given.label_column,
        "pairs": Pairs(given.second_column) if paired else None,
    }
