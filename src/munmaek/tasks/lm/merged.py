"""N-grams that an engine adds up, to the model that one process counts, the same to the bit.

An engine reads, cuts and adds up integers; the trie, discounts, probabilities and backoffs are made
of its sums here, by the functions and in the order of ``munmaek.tasks.lm.ngrams``.
"""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from munmaek.arrays import Int64s
from munmaek.errors import ConfigError
from munmaek.fit.counted import counted_info, fitted, token_ids
from munmaek.folder.writing import check_free, write_folder
from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.ngram.reading import Reserved
from munmaek.ngram.stages import Stages
from munmaek.ngram.windows import Packing, TrieBuilder
from munmaek.tasks.counting import Counting
from munmaek.tasks.lm.counted_text import CountedText
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.ngrams import reserved_of, with_evaluation
from munmaek.tasks.lm.options import LmRecipe
from munmaek.text.memory import Sources

__all__ = ["Asked", "CountingEngine", "Merged", "train_merged"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Text, options and order that an engine is to count."""

    recipe: LmRecipe
    paths: Sources
    valid: Sources
    reserved: Reserved
    stages: Stages
    """Takes the progress of ``"reading"`` and ``"counting"``."""

    @property
    def order(self) -> int:
        """The length of the longest n-grams."""
        config: NgramConfig = self.recipe.stage_config()
        return config.order


@dataclass(frozen=True, slots=True, eq=False)
class Merged:
    """Counts of a whole text."""

    given: CountedText
    """The text; its ids need not be there, and its description only when all is added up."""
    packing: Packing
    batches: Iterator[tuple[Int64s, Int64s]]
    """Windows in rising order, each once, with their counts (``munmaek.ngram.windows``)."""


class CountingEngine(Protocol):
    """Counts a text by adding up windows of its parts."""

    def counting(self, asked: Asked) -> AbstractContextManager[Merged]:
        """Open the counts of a text.

        Raises:
            InputError: a text that cannot be read, or counted.
            ConfigError: options that the engine cannot follow.
        """
        ...


def train_merged(
    recipe: LmRecipe, asked: Counting, *, engine: CountingEngine
) -> TrainedLanguageModel:
    """Train as ``munmaek.tasks.lm.ngrams.train_ngrams`` does, the text counted by an engine.

    Raises:
        InputError: data that cannot be used, or the folder exists.
        ConfigError: an option that cannot be used.
        DiskError: the model cannot be written.

    Warns:
        MunmaekWarning: discounts that had to fall back.
    """
    _check(recipe)
    folder, reserved = asked.folder, reserved_of(asked.extra)
    check_free(folder, force=asked.force)
    began = time.perf_counter()
    weights = {"reading": 2.0, "counting": 10.0, "smoothing": 3.0, "saving": 1.0}
    stages = Stages(weights, asked.report)
    stages.tell("reading")
    with engine.counting(Asked(recipe, asked.paths, asked.valid, reserved, stages)) as merged:
        given, sizes = merged.given, merged.given.sizes
        builder = TrieBuilder(merged.packing, vocab_size=sizes["vocab_size"])
        for keys, counts in merged.batches:
            builder.add(keys, counts)
        stages.tell("smoothing")

        def fit(config: NgramConfig) -> NgramModel:
            return NgramModel.fit_counted(
                builder.finish(config.order, eos=sizes["eos"]),
                config=config,
                vocabulary=token_ids(sizes["vocab_size"]),
                threads=asked.extra.threads,
            )

        config, model = fitted(recipe, fit)
        info = counted_info(recipe, config, sizes, model.parameters, began, given.described())
        trained = TrainedLanguageModel(given.tokenizer, model, info)
    stages.tell("saving")
    trained = replace(trained, info=with_evaluation(trained, given.valid))
    write_folder(folder, files=trained.files(), manifest=trained.record(), force=asked.force)
    return trained


def _check(recipe: LmRecipe) -> None:
    """Refuse what depends on more than the counts.

    Raises:
        ConfigError: names the option.
    """
    config: NgramConfig = recipe.stage_config()
    for option, given in (
        ("--kenlm-compatible", config.kenlm_compatible),
        ("--keep-text", bool(recipe.keep_text)),
        ("--train-rows", recipe.train_rows is not None),
    ):
        if given:
            message = f"--engine: {option} needs the text in its own order; leave one of them out"
            raise ConfigError(message)
