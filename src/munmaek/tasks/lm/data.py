"""Running text, from a corpus to token ids."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.data.batches import pick
from munmaek.fit.holding import (
    held_out_name,
    hold_out,
    hold_out_documents,
)
from munmaek.fit.vocabulary import make_tokenizer
from munmaek.tasks.preparing import describe_split, drawn_rows, holds_out
from munmaek.tasks.recipe import Texts
from munmaek.text.corpora import Corpus
from munmaek.text.tokenizers import Tokenizer

__all__ = ["KnownCorpus", "Text", "prepare_text"]

Ids = list[int]


@dataclass(frozen=True, slots=True)
class KnownCorpus:
    """A corpus of which only the tokens are at hand."""

    name: str
    size: int
    """Lines."""
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Text:
    """Running text as ids without <s> and </s>."""

    tokenizer: Tokenizer
    train: Sequence[Ids]
    valid: Sequence[Ids]
    train_corpus: Corpus | KnownCorpus
    valid_corpus: Corpus | None
    """None where nothing is held out."""
    train_lines: NDArray[np.int64]
    """The number of each training line in the data, from 1."""

    def read_with(self, tokenizer: Tokenizer) -> "Text":
        """Return the same rows as ids of another tokenizer."""
        encode = tokenizer.encode_many
        held = self.valid_corpus
        assert isinstance(self.train_corpus, Corpus)  # who reads anew has read it into memory
        train, valid = encode(self.train_corpus.lines), [] if held is None else encode(held.lines)
        return replace(self, tokenizer=tokenizer, train=train, valid=valid)

    def describe(self) -> dict[str, Any]:
        """Return names, sizes and fingerprints of the data, as the manifest keeps them."""
        return describe_split(
            self.train_corpus, len(self.train), self.valid_corpus, len(self.valid)
        )


def _hold_out_lines(
    lines: Sequence[str], *, seed: int, asked: str | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return hold_out(len(lines), seed=seed, asked=asked)


def prepare_text(
    corpus: Corpus,
    valid: Corpus | None,
    recipe: Texts,
    *,
    tokenizer: Tokenizer | None = None,
    holding: bool | None = None,
) -> Text:
    """Prepare running text for a language model or a masked one.

    Args:
        corpus: the training data.
        valid: the validation data; None holds some of ``corpus`` out, where the model needs it.
        recipe: what is trained.
        tokenizer: None trains one.
        holding: whether rows are held out where ``valid`` is None; None is as the recipe needs.
    """
    kept = np.arange(len(corpus.lines), dtype=np.int64)
    if holds_out(recipe, valid, holding):
        part = hold_out_documents if recipe.holds_out_documents else _hold_out_lines
        kept, held = part(corpus.lines, seed=recipe.choice_seed, asked=recipe.hold_out)
        valid = Corpus(held_out_name(corpus.name), pick(corpus.lines, held))
    kept = drawn_rows(kept, recipe, name=corpus.name, in_order=recipe.goes_on)
    if len(kept) < len(corpus.lines):
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
