"""From files of text to an n-gram model, without torch and without a Python string for each word.

What comes out is what ``munmaek.pipeline.train`` gives, the same words, counts and probabilities.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from munmaek.fit.counted import Means, counted_info, fitted
from munmaek.folder.info import Info
from munmaek.folder.tables import save_tables
from munmaek.folder.writing import check_free, new_folder
from munmaek.metrics import VALIDATION
from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.ngram.filling import Late, UnfilledError
from munmaek.ngram.reading import Reserved
from munmaek.ngram.scratch import give_back
from munmaek.ngram.stages import Stage, Stages
from munmaek.tasks.lm.counted_model import TABLES, CountedModel
from munmaek.tasks.lm.counted_text import encode_text, kept_text, read_text_words
from munmaek.tasks.lm.options import LmRecipe
from munmaek.tasks.lm.scoring import corpus_scores
from munmaek.text.corpora import Corpus
from munmaek.text.memory import Sources
from munmaek.text.tokenizers import Tokenizer

__all__ = ["Means", "train_ngrams"]


def train_ngrams(
    recipe: LmRecipe,
    paths: Sources,
    *,
    folder: Path,
    valid: Sources = (),
    force: bool = False,
    means: Means | None = None,
    reserved: Reserved = Reserved.REFUSE,
    report: Callable[[Stage], None] | None = None,
) -> CountedModel:
    """Count, smooth, evaluate where there is validation data, and save.

    Args:
        recipe: of task ``lm`` and stage ``ngram``. With the tokenizer ``words`` and no vocabulary
            size of its own, all words are in the vocabulary.
        paths: the training data.
        folder: where the model is to be.
        valid: the validation data; without it all is counted, and the model not evaluated, unless
            the recipe holds some out.
        force: replace what is at ``folder``.
        means: what to use; None takes what there is.
        reserved: what becomes of words written like a special token (tokenizer ``words``).
        report: told of every stage.

    Raises:
        InputError: data that cannot be used, or ``folder`` exists.
        ConfigError: an option that cannot be used.
        DiskError: the model cannot be written.

    Warns:
        MunmaekWarning: discounts that had to fall back.
    """
    recipe.stage_config()
    means = means or Means()
    check_free(folder, force=force)
    began = time.perf_counter()
    if means.memory is not None:
        from munmaek.tasks.lm.ngrams_on_disk import train_on_disk

        return train_on_disk(
            recipe,
            paths,
            folder=folder,
            valid=valid,
            force=force,
            means=means,
            memory=means.memory,
            reserved=reserved,
            report=report,
        )
    stages = Stages({"reading": 2.0, "counting": 4.0, "saving": 1.0}, report)
    stages.tell("reading")
    given = (
        read_text_words(recipe, paths, valid, reserved=reserved, threads=means.threads)
        if recipe.tokenizer == "words"
        else encode_text(recipe, paths, valid)
    )
    give_back()
    stages.tell("counting")
    with new_folder(folder, force=force) as new, ThreadPoolExecutor(3) as beside:
        early: list[Future[None]] = []

        def begun(tensors: Mapping[str, NDArray[Any] | Late]) -> None:
            # What is known is written while the rest is computed.
            early.append(beside.submit(new.write, TABLES, partial(save_tables, tensors)))

        def fit(config: NgramConfig) -> NgramModel:
            return NgramModel.fit_bounded(
                given.text,
                config=config,
                excluded=(Tokenizer.pad, Tokenizer.mask),
                threads=means.threads,
                spare=means.spare,
                begun=begun,
                **given.sizes,
            )

        config, model = fitted(recipe, fit)
        stages.tell("saving")
        info = counted_info(recipe, config, given.sizes, model.parameters, began, given.described())
        trained = CountedModel(given.tokenizer, model, info, kept_text(given, recipe, model.size))
        evaluated = beside.submit(_evaluated, trained, given.valid)
        files = trained.files()
        tables = files.pop(TABLES)
        for name, write in files.items():
            new.write(name, write)
        if not early or _unfilled(early[0]):
            new.write(TABLES, tables)
        trained = replace(trained, info=evaluated.result())
        new.finish(trained.manifest())
    return trained


def _unfilled(written: Future[None]) -> bool:
    """Whether the tables could not be written as they had been announced."""
    try:
        written.result()
    except UnfilledError:
        return True
    return False


def _evaluated(trained: CountedModel, corpus: Corpus | None) -> Info:
    """What is known of it, with its scores where it gives probabilities and there is a text."""
    info, model = trained.info, trained.model
    if corpus is None or not model.config.is_distribution:
        return info
    scores = corpus_scores(model, trained.tokenizer, corpus, stage=info.stage)
    return info.with_scores(scores, roles=(VALIDATION,))
