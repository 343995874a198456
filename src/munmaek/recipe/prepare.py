"""From corpora to token ids: tokenizer, hold-out, labels."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from munmaek.align.marks import Guide
from munmaek.artefact.labelling import check_known, known_rows, label_indices, label_table
from munmaek.data.batches import pick
from munmaek.errors import InputError, MunmaekWarning, UnsupportedError
from munmaek.metrics.tagging import OUTSIDE
from munmaek.recipe.holding import (
    held_out_name,
    hold_out,
    hold_out_documents,
    hold_out_labelled,
)
from munmaek.recipe.settings import Recipe
from munmaek.recipe.vocabulary import make_tokenizer
from munmaek.text.corpora import Corpus, LabelledCorpus, ParallelCorpus, values_of
from munmaek.text.labels import LabelIndex, unseen_note
from munmaek.text.soft_labels import SoftLabels, read_soft_labels
from munmaek.text.tagged import TaggedCorpus
from munmaek.text.tokenizers import Tokenizer

__all__ = [
    "Labelled",
    "Parallel",
    "Tagged",
    "Text",
    "Valued",
    "hold_out",
    "parted",
    "prepare_labelled",
    "prepare_parallel",
    "prepare_tagged",
    "prepare_text",
    "prepare_valued",
]

Ids = list[int]
Paths = Sequence[str | Path]
C = TypeVar("C", LabelledCorpus, TaggedCorpus)


@dataclass(frozen=True, slots=True)
class Text:
    """Running text as ids without <s> and </s>."""

    tokenizer: Tokenizer
    train: Sequence[Ids]
    valid: Sequence[Ids]
    train_corpus: Corpus
    valid_corpus: Corpus | None
    """None where nothing is held out."""
    train_lines: NDArray[np.int64]
    """The number of each training line in the data, from 1."""

    def read_with(self, tokenizer: Tokenizer) -> "Text":
        """Return the same rows as ids of another tokenizer."""
        encode = tokenizer.encode_many
        held = self.valid_corpus
        train, valid = encode(self.train_corpus.lines), [] if held is None else encode(held.lines)
        return replace(self, tokenizer=tokenizer, train=train, valid=valid)

    def describe(self) -> dict[str, Any]:
        """Names, sizes and fingerprints."""
        return _describe(self.train_corpus, len(self.train), self.valid_corpus, len(self.valid))


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts as ids without <s> and </s>, and the index of each one's label."""

    tokenizer: Tokenizer
    labels: tuple[str, ...]
    train: Sequence[Ids]
    train_labels: NDArray[np.int64] | NDArray[np.float32]
    """The likeliest, where a text has soft labels; 1 for each of several [N, C]."""
    valid: Sequence[Ids]
    """Of rows whose label occurs in the training data; ``valid_corpus`` has all."""
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
        """Whether a text may have several labels, or none."""
        return self.train_labels.ndim > 1

    @property
    def counts(self) -> NDArray[Any]:
        """How many training texts have each label: [C]."""
        if self.several:
            return self.train_labels.sum(0)
        return np.bincount(self.train_labels.astype(np.int64), minlength=len(self.labels))

    @property
    def targets(self) -> NDArray[np.int64] | NDArray[np.float32]:
        """What to train toward: labels [N], or with soft labels all probabilities [N, C]."""
        if self.soft is None:
            return self.train_labels
        sure = np.eye(len(self.labels), dtype=np.float32)[self.train_labels.astype(np.int64)]
        sure[-len(self.soft.texts) :] = self.soft.probabilities
        return sure

    def describe(self) -> dict[str, Any]:
        """Names, sizes and fingerprints."""
        train, valid = self.train_corpus, self.valid_corpus
        held = 0 if valid is None else len(valid.texts)
        found = _describe(train, len(train.texts), valid, held)
        if self.soft is not None:
            found["soft"] = _described(self.soft, len(self.soft.texts))
        return found


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
    """What 0 stands for."""
    high: float
    """What 1 stands for."""
    train_seconds: Sequence[Ids] | None = None
    """The second text of each pair; None where single texts have values."""
    valid_seconds: Sequence[Ids] | None = None

    def describe(self) -> dict[str, Any]:
        """Names, sizes and fingerprints."""
        return _describe(self.train_corpus, len(self.train), self.valid_corpus, len(self.valid))


@dataclass(frozen=True, slots=True)
class Tagged:
    """Sentences of words with labels."""

    tokenizer: Tokenizer
    labels: tuple[str, ...]
    train_corpus: TaggedCorpus
    valid_corpus: TaggedCorpus

    def describe(self) -> dict[str, Any]:
        """Names, sizes and fingerprints."""
        train, valid = self.train_corpus, self.valid_corpus
        return _describe(train, len(train.sentences), valid, len(valid.sentences))


@dataclass(frozen=True, slots=True)
class Parallel:
    """Pairs as ids without special tokens."""

    source_tokenizer: Tokenizer
    target_tokenizer: Tokenizer
    train_sources: Sequence[Ids]
    train_targets: Sequence[Ids]
    valid_sources: Sequence[Ids]
    valid_targets: Sequence[Ids]
    train_corpus: ParallelCorpus
    valid_corpus: ParallelCorpus
    guides: Sequence[Guide | None] | None = None
    """Links that attention is guided by, for each training pair; None guides nothing."""

    def read_with(self, source: Tokenizer, target: Tokenizer) -> "Parallel":
        """Return the same pairs as ids of other tokenizers."""
        train, valid = self.train_corpus, self.valid_corpus
        return replace(
            self,
            source_tokenizer=source,
            target_tokenizer=target,
            train_sources=source.encode_many(train.sources),
            train_targets=target.encode_many(train.targets),
            valid_sources=source.encode_many(valid.sources),
            valid_targets=target.encode_many(valid.targets),
        )

    def describe(self) -> dict[str, Any]:
        """Names, sizes and fingerprints."""
        rows = len(self.train_sources)
        return _describe(self.train_corpus, rows, self.valid_corpus, len(self.valid_sources))


def _describe(train: Any, train_rows: int, valid: Any, valid_rows: int) -> dict[str, Any]:
    found = {"train": _described(train, train_rows)}
    return found if valid is None else {**found, "valid": _described(valid, valid_rows)}


def _described(corpus: Any, rows: int) -> dict[str, Any]:
    return {"name": corpus.name, "rows": rows, "sha256": corpus.fingerprint}


def _labelled_tokenizer(
    corpus: LabelledCorpus, recipe: Recipe, soft: SoftLabels | None = None
) -> Tokenizer:
    each = [corpus] if soft is None else [corpus, soft]
    texts = [text for one in each for text in (*one.texts, *(one.seconds or ()))]
    return make_tokenizer(texts, recipe)


def _seconds(tokenizer: Tokenizer, corpus: LabelledCorpus) -> Sequence[Ids] | None:
    """The ids of each pair's second text; None of single texts."""
    return None if corpus.seconds is None else tokenizer.encode_many(corpus.seconds)


def _hold_out_lines(
    lines: Sequence[str], *, seed: int, asked: str | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return hold_out(len(lines), seed=seed, asked=asked)


def prepare_text(
    corpus: Corpus,
    valid: Corpus | None,
    recipe: Recipe,
    *,
    tokenizer: Tokenizer | None = None,
    holding: bool | None = None,
) -> Text:
    """Running text for a language model or a masked one.

    Args:
        corpus: the training data.
        valid: the validation data; None holds some of ``corpus`` out, where the model needs it.
        recipe: what is trained.
        tokenizer: None trains one.
        holding: whether rows are held out where ``valid`` is None; None is as the recipe needs.
    """
    kept = np.arange(len(corpus.lines), dtype=np.int64)
    if _holds_out(recipe, valid, holding):
        part = hold_out_documents if recipe.next_sentence else _hold_out_lines
        kept, held = part(corpus.lines, seed=recipe.choice_seed, asked=recipe.hold_out)
        valid = Corpus(held_out_name(corpus.name), pick(corpus.lines, held))
        corpus = Corpus(corpus.name, pick(corpus.lines, kept))
    if tokenizer is None:
        tokenizer = make_tokenizer(corpus.lines, recipe)
    return Text(
        tokenizer,
        tokenizer.encode_many(corpus.lines),
        [] if valid is None else tokenizer.encode_many(valid.lines),
        corpus,
        valid,
        kept + 1,
    )


def prepare_labelled(
    corpus: LabelledCorpus,
    valid: LabelledCorpus | None,
    recipe: Recipe,
    *,
    tokenizer: Tokenizer | None = None,
    soft: Paths = (),
    holding: bool | None = None,
) -> Labelled:
    """Labelled texts for a classifier.

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
        _tell_unseen(valid, labels)
        checked, valid_labels = (
            (valid, label_table(valid, labels)) if several else known_rows(valid, labels)
        )
    more = read_soft_labels(soft, labels, pairs=recipe.pairs) if soft else None
    if tokenizer is None:
        tokenizer = _labelled_tokenizer(corpus, recipe, more)
    prepared = Labelled(
        tokenizer,
        labels,
        tokenizer.encode_many(corpus.texts),
        label_table(corpus, labels) if several else label_indices(corpus, labels),
        tokenizer.encode_many(checked.texts),
        valid_labels,
        corpus,
        valid,
        _seconds(tokenizer, corpus),
        None if valid is None else _seconds(tokenizer, checked),
    )
    return prepared if more is None else _with_soft(prepared, more)


def _check_several(corpus: LabelledCorpus, recipe: Recipe, soft: Paths) -> None:
    """Refuse what cannot be had where a text may have several labels.

    Raises:
        UnsupportedError: says what, and names the first such row.
    """
    row = next((row for row, own in enumerate(corpus.label_sets) if len(own) != 1), 0)
    many = ", ".join(f"'{label}'" for label in corpus.label_sets[row])
    given = {
        "--model ngram": recipe.stage == "ngram",
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


def _tell_unseen(valid: LabelledCorpus | TaggedCorpus, labels: Sequence[str]) -> None:
    tagged = isinstance(valid, TaggedCorpus)
    given = [each for row in valid.labels for each in row] if tagged else valid.every_label
    unseen = LabelIndex(labels).unseen(given)
    if given and sum(unseen.values()) == len(given):
        if not tagged:
            check_known(valid, labels)
        message = f"{valid.name}: no label of the training data, which has {', '.join(labels[:10])}"
        raise InputError(message)
    unit = "words" if tagged else "rows" if valid.sets is None else "labels"
    if note := unseen_note(unseen, len(given), name=valid.name, known=labels, unit=unit):
        warnings.warn(note, MunmaekWarning, stacklevel=3)


def _with_soft(texts: Labelled, soft: SoftLabels) -> Labelled:
    """The same, with more texts to train on."""
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


def _holds_out(recipe: Recipe, valid: Any, holding: bool | None) -> bool:
    needed = recipe.holds_out(valid=valid is not None)
    return needed if holding is None or valid is not None else holding


def parted(
    corpus: C, valid: C | None, recipe: Recipe, *, holding: bool | None = None
) -> tuple[C, C | None]:
    """What to train on, as much of it as the recipe says, and what to validate on, if anything.

    Args:
        corpus: the training data.
        valid: the validation data; None holds some of ``corpus`` out, of each label its share.
        recipe: what is trained.
        holding: whether rows are held out where ``valid`` is None; None is as the recipe needs.

    Raises:
        InputError: fewer rows than can be parted, or than the recipe wants.
    """
    count = len(corpus.labels)
    kept = np.arange(count)
    if _holds_out(recipe, valid, holding):
        kept, held = _hold_out_rows(corpus, recipe)
        valid = corpus.chosen(held.tolist(), name=held_out_name(corpus.name))
    if recipe.train_rows is not None:
        if recipe.train_rows > len(kept):
            message = f"{corpus.name}: {recipe.train_rows} rows wanted, {len(kept)} to train on"
            raise InputError(message)
        order = np.random.default_rng([recipe.choice_seed, 1]).permutation(kept)
        kept = np.sort(order[: recipe.train_rows])
    return (corpus if len(kept) == count else corpus.chosen(kept.tolist())), valid


def _hold_out_rows(
    corpus: LabelledCorpus | TaggedCorpus, recipe: Recipe
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    seed, asked = recipe.choice_seed, recipe.hold_out
    if recipe.task == "regress":
        return hold_out(len(corpus.labels), seed=seed, asked=asked)
    labels = corpus.labels if isinstance(corpus, TaggedCorpus) else corpus.sets or corpus.labels
    return hold_out_labelled(labels, name=corpus.name, seed=seed, asked=asked)


def _parted_to_train(corpus: C, valid: C | None, recipe: Recipe) -> tuple[C, C]:
    """``parted`` of a task whose models are all trained, so that there always is validation."""
    train, held = parted(corpus, valid, recipe)
    assert held is not None
    return train, held


def prepare_valued(
    corpus: LabelledCorpus,
    valid: LabelledCorpus | None,
    recipe: Recipe,
    *,
    tokenizer: Tokenizer | None = None,
) -> Valued:
    """Texts with numbers, for a regressor.

    Raises:
        InputError: a value that is no number, or all of the training data's are the same.
    """
    corpus, valid = _parted_to_train(corpus, valid, recipe)
    values, held = np.array(values_of(corpus)), np.array(values_of(valid))
    low, high = float(values.min()), float(values.max())
    if low == high:
        message = f"{corpus.name}: every value is {low}; a regressor needs values that differ"
        raise InputError(message)
    if tokenizer is None:
        tokenizer = _labelled_tokenizer(corpus, recipe)
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
        _seconds(tokenizer, corpus),
        _seconds(tokenizer, valid),
    )


def prepare_tagged(
    corpus: TaggedCorpus,
    valid: TaggedCorpus | None,
    recipe: Recipe,
    *,
    tokenizer: Tokenizer | None = None,
) -> Tagged:
    """Sentences with a label for every word, for a tagger.

    Raises:
        InputError: fewer than two labels, or none in ``valid`` that is in the training data.
        MunmaekWarning: some in ``valid`` are not: they have no validation loss, and count as wrong.
    """
    named = {label for labels in corpus.labels for label in labels}
    # What is outside of all entities comes first, as others have it.
    labels = tuple(sorted(named, key=lambda label: (label != OUTSIDE, label)))
    if len(labels) < 2:
        message = f"{corpus.name}: a tagger needs at least 2 labels, found {list(labels)}"
        raise InputError(message)
    corpus, valid = _parted_to_train(corpus, valid, recipe)
    _tell_unseen(valid, labels)
    if tokenizer is None:
        tokenizer = make_tokenizer([" ".join(words) for words in corpus.sentences], recipe)
    return Tagged(tokenizer, labels, corpus, valid)


def _both_tokenizers(corpus: ParallelCorpus, recipe: Recipe) -> tuple[Tokenizer, Tokenizer]:
    if recipe.joint_vocabulary:
        joint = make_tokenizer([*corpus.sources, *corpus.targets], recipe)
        return joint, joint
    return (
        make_tokenizer(corpus.sources, recipe, source=True, kind=recipe.source_tokenizer),
        make_tokenizer(corpus.targets, recipe),
    )


def prepare_parallel(
    corpus: ParallelCorpus,
    valid: ParallelCorpus | None,
    recipe: Recipe,
    *,
    tokenizers: tuple[Tokenizer, ...] | None = None,
    guides: Sequence[Guide | None] | None = None,
    more: ParallelCorpus | None = None,
) -> Parallel:
    """Pairs for a translator; each side has a tokenizer of its own, or both have one.

    Args:
        corpus: the training pairs.
        valid: the validation pairs; None holds some of ``corpus`` out.
        recipe: what is trained.
        tokenizers: of source and target; None trains them.
        guides: links of each pair of ``corpus``, where they are known.
        more: pairs to train on besides, of which none is held out and whose links are unknown.

    Raises:
        InputError: another number of guides than pairs.
    """
    if guides is not None and len(guides) != len(corpus.sources):
        message = f"need a guide or None for each of {len(corpus.sources)} pairs, got {len(guides)}"
        raise InputError(message)
    recipe.holds_out(valid=valid is not None)
    if valid is None:
        kept, held = hold_out(len(corpus.sources), seed=recipe.choice_seed, asked=recipe.hold_out)
        name = held_out_name(corpus.name)
        valid = ParallelCorpus(name, pick(corpus.sources, held), pick(corpus.targets, held))
        corpus = ParallelCorpus(corpus.name, pick(corpus.sources, kept), pick(corpus.targets, kept))
        guides = None if guides is None else pick(guides, kept)
    if more is not None:
        guides = None if guides is None else [*guides, *(None for _ in more.sources)]
        name = f"{corpus.name}, {more.name}"
        sources, targets = corpus.sources + more.sources, corpus.targets + more.targets
        corpus = ParallelCorpus(name, sources, targets)
    source, target = tokenizers or _both_tokenizers(corpus, recipe)
    return Parallel(
        source,
        target,
        source.encode_many(corpus.sources),
        target.encode_many(corpus.targets),
        source.encode_many(valid.sources),
        target.encode_many(valid.targets),
        corpus,
        valid,
        guides,
    )
