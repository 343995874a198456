"""A text read and numbered for counting, without a Python string for each word."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.data.batches import pick
from munmaek.fit.counted import ngram_sizes
from munmaek.fit.holding import held_out_name, hold_out
from munmaek.fit.vocabulary import make_tokenizer
from munmaek.ngram.counting import bound, unbound
from munmaek.ngram.reading import Reserved, WordRules, read_words
from munmaek.ngram.scratch import Column, Scratch
from munmaek.tasks.lm.options import LmRecipe
from munmaek.tasks.lm.training_text import TrainingText
from munmaek.text.building import SPECIALS
from munmaek.text.corpora import Corpus, corpus_name, read_text
from munmaek.text.memory import Sources
from munmaek.text.tokenizers import Tokenizer, word_tokenizer

__all__ = ["CountedText", "encode_text", "kept_text", "read_text_words"]

_ROWS = 1 << 14
"""Rows that a tokenizer is given at a time."""


@dataclass(frozen=True, eq=False)
class CountedText:
    """A text ready to be counted."""

    known: Tokenizer | tuple[str, ...]
    """The tokenizer, or the words of one that is yet to be made."""
    text: NDArray[np.int32]
    positions: int
    lines: NDArray[np.int64]
    """The number of each sentence's line in the data, from 1."""
    valid: Corpus | None
    """Text to evaluate on; None where nothing is given or held out."""
    described: Callable[[], dict[str, Any]]
    """Describes the data for the manifest; whoever asks first may have to wait."""

    @property
    def words(self) -> tuple[str, ...]:
        """All words by their numbers; none where they came with a tokenizer."""
        return () if isinstance(self.known, Tokenizer) else self.known

    @property
    def sizes(self) -> dict[str, int]:
        """Return what an n-gram model knows of the tokenizer, which need not be there yet."""
        return ngram_sizes(self.vocab_size)

    @property
    def vocab_size(self) -> int:
        """Return the number of token ids."""
        known = self.known
        return known.vocab_size if isinstance(known, Tokenizer) else len(known)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer, made when it is first asked for."""
        if isinstance(self.known, Tokenizer):
            return self.known
        return word_tokenizer(self.known[len(SPECIALS) :])


def read_text_words(
    recipe: LmRecipe,
    paths: Sources,
    valid: Sources,
    *,
    reserved: Reserved,
    threads: int | None = None,
    scratch: Scratch | None = None,
    column: Column | None = None,
) -> CountedText:
    """Read whole words, numbered as they come; with ``scratch`` the text goes to ``column``."""
    rows, holding = 0, recipe.holds_out(valid=bool(valid))
    held: NDArray[np.int64] = np.empty(0, dtype=np.int64)

    def choose(total: int) -> NDArray[np.int64]:
        nonlocal rows, held
        rows = total
        if holding:
            _, held = hold_out(total, seed=recipe.choice_seed, asked=recipe.hold_out)
        return held

    rules = WordRules(
        SPECIALS,
        most=recipe.vocab_size if "vocab_size" in recipe.model_fields_set else None,
        min_count=recipe.min_count,
        reserved=reserved,
    )
    read = read_words(
        paths,
        rules,
        hold_out=choose,
        threads=threads,
        scratch=scratch,
        column=column,
        text_column=recipe.text_column,
    )
    name = corpus_name(list(paths))
    corpus = read_text(valid, column=recipe.text_column) if valid else None
    if holding:
        corpus = Corpus(held_out_name(name), _stripped(read.held))
    lines = np.empty(0, dtype=np.int64)
    if scratch is None:
        lines = np.delete(np.arange(1, rows + 1), held)

    def described() -> dict[str, Any]:
        train = {"name": name, "rows": read.rows, "sha256": read.sha256}
        return {"train": train, **_validating(corpus)}

    return CountedText(read.words, read.text, read.positions, lines, corpus, described)


def _stripped(rows: Sequence[str]) -> tuple[str, ...]:
    return tuple(row.strip(" \t\u00a0\u3000") for row in rows)


def _describe(corpus: Corpus) -> dict[str, Any]:
    return {"name": corpus.name, "rows": len(corpus.lines), "sha256": corpus.fingerprint}


def _validating(corpus: Corpus | None) -> dict[str, Any]:
    return {} if corpus is None else {"valid": _describe(corpus)}


def encode_text(recipe: LmRecipe, paths: Sources, valid: Sources) -> CountedText:
    """Encode text by any other tokenizer, rows by the thousand.

    No list holds the ids of all at once.
    """
    corpus = read_text(paths, column=recipe.text_column)
    kept = np.arange(len(corpus.lines), dtype=np.int64)
    checked = read_text(valid, column=recipe.text_column) if valid else None
    if recipe.holds_out(valid=bool(valid)):
        kept, held = hold_out(len(corpus.lines), seed=recipe.choice_seed, asked=recipe.hold_out)
        checked = Corpus(held_out_name(corpus.name), pick(corpus.lines, held))
        corpus = Corpus(corpus.name, pick(corpus.lines, kept))
    tokenizer = make_tokenizer(corpus.lines, recipe)
    parts: list[NDArray[np.int32]] = []
    runs = tokenizer.runs_of_many()
    for begin in range(0, len(corpus.lines), _ROWS):
        ids, offsets = tokenizer.encode_flat(corpus.lines[begin : begin + _ROWS], runs)
        parts.append(bound(ids, offsets, bos=tokenizer.bos, eos=tokenizer.eos)[:-1])
    text = np.concatenate([*parts, np.array([tokenizer.bos], dtype=np.int32)])

    def described() -> dict[str, Any]:
        return {"train": _describe(corpus), **_validating(checked)}

    return CountedText(tokenizer, text, len(text) - 1, kept + 1, checked, described)


def kept_text(given: CountedText, recipe: LmRecipe, size: int) -> TrainingText | None:
    """Return the training text where it is asked for or no larger than tables of ``size`` bytes."""
    if recipe.keep_text is False:
        return None
    tokenizer = given.tokenizer
    ids, offsets = unbound(given.text, bos=tokenizer.bos, eos=tokenizer.eos)
    text = TrainingText.of_flat(ids, offsets, lines=given.lines, vocab_size=tokenizer.vocab_size)
    return text if recipe.keep_text or text.size <= size else None
