"""Sentence pairs, from a corpus to token ids."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from munmaek.align.marks import AlignmentSupervision
from munmaek.data.batches import pick
from munmaek.errors import InputError
from munmaek.fit.holding import (
    held_out_name,
    hold_out,
)
from munmaek.fit.vocabulary import make_tokenizer
from munmaek.tasks.preparing import describe_split, drawn_rows
from munmaek.tasks.translate.options import TranslateRecipe
from munmaek.text.parallel import ParallelCorpus
from munmaek.text.tokenizers import Tokenizer

__all__ = ["Parallel", "prepare_parallel"]

Ids = list[int]


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
    guides: Sequence[AlignmentSupervision | None] | None = None
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
        """Return names, sizes and fingerprints of the data, as the manifest keeps them."""
        rows = len(self.train_sources)
        return describe_split(self.train_corpus, rows, self.valid_corpus, len(self.valid_sources))


def _both_tokenizers(
    corpus: ParallelCorpus, recipe: TranslateRecipe
) -> tuple[Tokenizer, Tokenizer]:
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
    recipe: TranslateRecipe,
    *,
    tokenizers: tuple[Tokenizer, ...] | None = None,
    guides: Sequence[AlignmentSupervision | None] | None = None,
    more: ParallelCorpus | None = None,
) -> Parallel:
    """Prepare pairs for a translator; each side has its own tokenizer, or both share one.

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
    kept = np.arange(corpus.size)
    if valid is None:
        kept, held = hold_out(len(corpus.sources), seed=recipe.choice_seed, asked=recipe.hold_out)
        name = held_out_name(corpus.name)
        valid = ParallelCorpus(name, pick(corpus.sources, held), pick(corpus.targets, held))
    kept = drawn_rows(kept, recipe, name=corpus.name)
    if len(kept) < corpus.size:
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
