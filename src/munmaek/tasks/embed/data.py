"""Texts, or pairs of one meaning, as encoders of texts are trained on them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import InputError
from munmaek.fit.holding import held_out_name, hold_out
from munmaek.metrics.regression import FEWEST
from munmaek.tasks.embed.options import EmbedRecipe
from munmaek.tasks.preparing import describe_split, drawn_rows
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.corpora import Corpus, read_text
from munmaek.text.memory import Sources
from munmaek.text.pairs import PairCorpus, read_pairs

__all__ = ["Texts", "parted_texts", "read_texts", "read_validation", "sides"]

HELD_OUT_MOST = 1000
"""Texts held out where no validation pairs are given."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Training texts, alone or in pairs, and what validates them."""

    tokenizer: AnyTokenizer
    train_corpus: Corpus | PairCorpus
    valid_corpus: Corpus | PairCorpus

    def describe(self) -> dict[str, Any]:
        """Return names, sizes and fingerprints."""
        train, valid = self.train_corpus, self.valid_corpus
        return describe_split(train, len(sides(train)[0]), valid, len(sides(valid)[0]))


def read_texts(paths: Sources, recipe: EmbedRecipe) -> Corpus | PairCorpus:
    """Read texts, or with ``recipe.pairs`` tables of pairs."""
    return _read_pairs(recipe, paths) if recipe.pairs else _read_lines(paths, recipe)


def parted_texts(
    train: Corpus | PairCorpus, valid: PairCorpus | None, recipe: EmbedRecipe
) -> tuple[Corpus | PairCorpus, Corpus | PairCorpus]:
    """Return what to train on and what validates it: ``valid``, or texts held out."""
    recipe.holds_out(valid=valid is not None)
    count = len(sides(train)[0])
    if valid is not None:
        return train.chosen(_drawn(np.arange(count), train, recipe)), valid
    kept, held = hold_out(count, seed=recipe.choice_seed, asked=recipe.hold_out, most=HELD_OUT_MOST)
    held_rows = train.chosen(held.tolist(), name=held_out_name(train.name))
    return train.chosen(_drawn(kept, train, recipe)), held_rows


def _drawn(kept: NDArray[np.int64], train: Corpus | PairCorpus, recipe: EmbedRecipe) -> list[int]:
    return drawn_rows(kept, recipe, name=train.name).tolist()


def read_validation(paths: Sources) -> PairCorpus:
    """Read tables of pairs, with numbers for Spearman's ρ or without.

    Raises:
        InputError: numbers, and too few of them.
    """
    pairs = read_pairs(paths)
    if pairs.values is not None and len(pairs.values) < FEWEST:
        message = (
            f"{pairs.name}: Spearman's ρ needs {FEWEST} pairs or more, got {len(pairs.values)}; "
            "give more"
        )
        raise InputError(message)
    return pairs


def _read_lines(paths: Sources, recipe: EmbedRecipe) -> Corpus:
    corpus = read_text(paths, column=recipe.text_column)
    lines = tuple(line for line in corpus.lines if line)
    if len(lines) < 4:
        message = f"{corpus.name}: embeddings need 4 texts or more, got {len(lines)}"
        raise InputError(message)
    return Corpus(corpus.name, lines)


def _read_pairs(recipe: EmbedRecipe, paths: Sources) -> PairCorpus:
    corpus = read_pairs(
        paths,
        first_column=recipe.text_column,
        second_column=recipe.second_column,
        value_column=recipe.label_column,
    )
    if recipe.min_score is not None:
        return corpus.at_least(recipe.min_score)
    if corpus.values is not None:
        message = (
            f"{corpus.name}: the pairs have scores; say with --min-score from which on two texts "
            "mean the same"
        )
        raise InputError(message)
    return corpus


def sides(corpus: Corpus | PairCorpus) -> tuple[Sequence[str], ...]:
    """Return the texts, or the first and the second texts of pairs."""
    return (corpus.lines,) if isinstance(corpus, Corpus) else (corpus.firsts, corpus.seconds)
