"""From corpora to token ids: tokenizer, hold-out, labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.align.marks import Guide
from munmaek.artefact.classifier import label_indices
from munmaek.errors import InputError
from munmaek.recipe.holding import hold_out, hold_out_documents, pick
from munmaek.recipe.settings import Recipe
from munmaek.text.corpora import Corpus, LabelledCorpus, ParallelCorpus
from munmaek.text.tokenizers import Tokenizer, train_tokenizer

__all__ = [
    "Labelled",
    "Parallel",
    "Text",
    "hold_out",
    "prepare_labelled",
    "prepare_parallel",
    "prepare_text",
]

Ids = list[int]


@dataclass(frozen=True, slots=True)
class Text:
    """Running text as ids without <s> and </s>."""

    tokenizer: Tokenizer
    train: Sequence[Ids]
    valid: Sequence[Ids]
    train_corpus: Corpus
    valid_corpus: Corpus
    train_lines: NDArray[np.int64]
    """The number of each training line in the data, from 1."""

    def describe(self) -> dict[str, Any]:
        """Names, sizes and fingerprints."""
        return _describe(self.train_corpus, len(self.train), self.valid_corpus, len(self.valid))


@dataclass(frozen=True, slots=True)
class Labelled:
    """Texts as ids without <s> and </s>, and the index of each one's label."""

    tokenizer: Tokenizer
    labels: tuple[str, ...]
    train: Sequence[Ids]
    train_labels: NDArray[np.int64]
    valid: Sequence[Ids]
    valid_labels: NDArray[np.int64]
    train_corpus: LabelledCorpus
    valid_corpus: LabelledCorpus

    def describe(self) -> dict[str, Any]:
        """Names, sizes and fingerprints."""
        return _describe(self.train_corpus, len(self.train), self.valid_corpus, len(self.valid))


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

    def describe(self) -> dict[str, Any]:
        """Names, sizes and fingerprints."""
        rows = len(self.train_sources)
        return _describe(self.train_corpus, rows, self.valid_corpus, len(self.valid_sources))


def _describe(train: Any, train_rows: int, valid: Any, valid_rows: int) -> dict[str, Any]:
    return {
        "train": {"name": train.name, "rows": train_rows, "sha256": train.fingerprint},
        "valid": {"name": valid.name, "rows": valid_rows, "sha256": valid.fingerprint},
    }


def _tokenizer(texts: Sequence[str], recipe: Recipe, *, kind: str | None = None) -> Tokenizer:
    return train_tokenizer(
        texts,
        kind=kind or recipe.tokenizer,
        vocab_size=recipe.vocab_size,
        min_count=recipe.min_count,
    )


def _hold_out_lines(
    lines: Sequence[str], *, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return hold_out(len(lines), seed=seed)


def prepare_text(
    corpus: Corpus,
    valid: Corpus | None,
    recipe: Recipe,
    *,
    tokenizer: Tokenizer | None = None,
) -> Text:
    """Running text for a language model or a masked one; ``tokenizer`` None trains one."""
    kept = np.arange(len(corpus.lines), dtype=np.int64)
    if valid is None:
        part = hold_out_documents if recipe.next_sentence else _hold_out_lines
        kept, held = part(corpus.lines, seed=recipe.seed)
        valid = Corpus(f"{corpus.name} (held out)", pick(corpus.lines, held))
        corpus = Corpus(corpus.name, pick(corpus.lines, kept))
    if tokenizer is None:
        tokenizer = _tokenizer(corpus.lines, recipe)
    return Text(
        tokenizer,
        tokenizer.encode_many(corpus.lines),
        tokenizer.encode_many(valid.lines),
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
) -> Labelled:
    """Labelled texts for a classifier.

    Raises:
        InputError: fewer than two labels, or one in ``valid`` that is not in the training data.
    """
    labels = tuple(sorted(set(corpus.labels)))
    if len(labels) < 2:
        message = f"{corpus.name}: a classifier needs at least 2 labels, found {list(labels)}"
        raise InputError(message)
    if valid is None:
        kept, held = hold_out(len(corpus.texts), seed=recipe.seed)
        name = f"{corpus.name} (held out)"
        valid = LabelledCorpus(name, pick(corpus.texts, held), pick(corpus.labels, held))
        corpus = LabelledCorpus(corpus.name, pick(corpus.texts, kept), pick(corpus.labels, kept))
    valid_labels = label_indices(valid, labels)
    if tokenizer is None:
        tokenizer = _tokenizer(corpus.texts, recipe)
    return Labelled(
        tokenizer,
        labels,
        tokenizer.encode_many(corpus.texts),
        label_indices(corpus, labels),
        tokenizer.encode_many(valid.texts),
        valid_labels,
        corpus,
        valid,
    )


def prepare_parallel(
    corpus: ParallelCorpus,
    valid: ParallelCorpus | None,
    recipe: Recipe,
    *,
    tokenizers: tuple[Tokenizer, Tokenizer] | None = None,
    guides: Sequence[Guide | None] | None = None,
) -> Parallel:
    """Pairs for a translator; each side has a tokenizer of its own.

    Args:
        corpus: the training pairs.
        valid: the validation pairs; None holds some of ``corpus`` out.
        recipe: what is trained.
        tokenizers: of source and target; None trains them.
        guides: links of each pair of ``corpus``, where they are known.

    Raises:
        InputError: another number of guides than pairs.
    """
    if guides is not None and len(guides) != len(corpus.sources):
        message = f"need a guide or None for each of {len(corpus.sources)} pairs, got {len(guides)}"
        raise InputError(message)
    if valid is None:
        kept, held = hold_out(len(corpus.sources), seed=recipe.seed)
        name = f"{corpus.name} (held out)"
        valid = ParallelCorpus(name, pick(corpus.sources, held), pick(corpus.targets, held))
        corpus = ParallelCorpus(corpus.name, pick(corpus.sources, kept), pick(corpus.targets, kept))
        guides = None if guides is None else [guides[int(index)] for index in kept.tolist()]
    source, target = tokenizers or (
        _tokenizer(corpus.sources, recipe, kind=recipe.source_tokenizer),
        _tokenizer(corpus.targets, recipe),
    )
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
