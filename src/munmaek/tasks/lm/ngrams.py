"""From files of text to an n-gram model, without torch and without a Python string for each word.

What comes out is what training on the same corpus gives, the same words, counts and probabilities.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from munmaek.errors import ConfigError
from munmaek.fit.counted import Resources, counted_info, fitted, token_ids
from munmaek.fit.extra import Extra
from munmaek.folder.info import Info
from munmaek.folder.tables import save_tables
from munmaek.folder.writing import check_free, new_folder
from munmaek.memory import parse_size
from munmaek.metrics import VALIDATION
from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.ngram.filling import PendingArray, UnfilledError
from munmaek.ngram.memory_pool import MemoryPool
from munmaek.ngram.reading import Reserved
from munmaek.ngram.scratch import give_back
from munmaek.ngram.stages import Stage, Stages
from munmaek.tasks.lm.counted_text import encode_text, kept_text, read_text_words
from munmaek.tasks.lm.model import TABLES, TrainedLanguageModel
from munmaek.tasks.lm.options import LmRecipe
from munmaek.text.corpora import Corpus
from munmaek.text.memory import Sources

__all__ = ["Resources", "reserved_of", "resources_of", "train_ngrams", "with_evaluation"]


def train_ngrams(
    recipe: LmRecipe,
    paths: Sources,
    *,
    folder: Path | None,
    valid: Sources = (),
    force: bool = False,
    resources: Resources | None = None,
    reserved: Reserved = Reserved.REFUSE,
    report: Callable[[Stage], None] | None = None,
) -> TrainedLanguageModel:
    """Count, smooth, evaluate where there is validation data, and save.

    Args:
        recipe: of task ``lm`` and stage ``ngram``. With the tokenizer ``words`` and no vocabulary
            size of its own, all words are in the vocabulary.
        paths: the training data.
        folder: where the model is to be; None saves nothing.
        valid: the validation data; without it all is counted, and the model not evaluated, unless
            the recipe holds some out.
        force: replace what is at ``folder``.
        resources: threads, memory and disk to use; None takes all there are.
        reserved: what becomes of words written like a special token (tokenizer ``words``).
        report: called at every stage.

    Raises:
        InputError: data that cannot be used, or ``folder`` exists.
        ConfigError: an option that cannot be used.
        DiskError: the model cannot be written.

    Warns:
        MunmaekWarning: discounts that had to fall back.
    """
    recipe.stage_config()
    resources = resources or Resources()
    if folder is not None:
        check_free(folder, force=force)
    began = time.perf_counter()
    if resources.memory is not None:
        from munmaek.tasks.lm.ngrams_on_disk import train_on_disk

        return train_on_disk(
            recipe,
            paths,
            folder=folder,
            valid=valid,
            force=force,
            resources=resources,
            reserved=reserved,
            report=report,
        )
    stages = Stages({"reading": 2.0, "counting": 4.0, "saving": 1.0}, report)
    stages.tell("reading")
    given = (
        read_text_words(recipe, paths, valid, reserved=reserved, threads=resources.threads)
        if recipe.tokenizer == "words"
        else encode_text(recipe, paths, valid)
    )
    give_back()
    stages.tell("counting")
    opened = nullcontext() if folder is None else new_folder(folder, force=force)
    with opened as new, ThreadPoolExecutor(3) as beside:
        early: list[Future[None]] = []

        def begun(tensors: Mapping[str, NDArray[Any] | PendingArray]) -> None:
            # What is known is written while the rest is computed.
            if new is not None:
                early.append(beside.submit(new.write, TABLES, partial(save_tables, tensors)))

        def fit(config: NgramConfig) -> NgramModel:
            return NgramModel.fit_bounded(
                given.text,
                config=config,
                vocabulary=token_ids(given.vocab_size),
                threads=resources.threads,
                pool=resources.pool,
                on_counted=begun,
            )

        config, model = fitted(recipe, fit)
        stages.tell("saving")
        info = counted_info(recipe, config, given.sizes, model.parameters, began, given.described())
        text = kept_text(given, recipe, model.size)
        trained = TrainedLanguageModel(given.tokenizer, model, info, text)
        evaluated = beside.submit(with_evaluation, trained, given.valid)
        if new is None:
            return replace(trained, info=evaluated.result())
        files = dict(trained.files())
        tables = files.pop(TABLES)
        for name, write in files.items():
            new.write(name, write)
        if not early or _unfilled(early[0]):
            new.write(TABLES, tables)
        trained = replace(trained, info=evaluated.result())
        new.finish(trained.record())
    return trained


def resources_of(extra: Extra) -> Resources:
    """Return what counting may use.

    Raises:
        ConfigError: ``memory`` is no size, or too little.
    """
    memory = parse_size(extra.memory) if isinstance(extra.memory, str) else extra.memory
    return Resources(extra.threads, memory, extra.temp_dir, MemoryPool(extra.room))


def reserved_of(extra: Extra) -> Reserved:
    """Return what becomes of words that are written like a special token.

    Raises:
        ConfigError: there is no such way.
    """
    found = {each.value: each for each in Reserved}.get(extra.reserved or Reserved.REFUSE.value)
    if found is None:
        names = ", ".join(each.value for each in Reserved)
        message = f"--reserved {extra.reserved}: unknown; there are {names}"
        raise ConfigError(message)
    return found


def _unfilled(written: Future[None]) -> bool:
    """Wait for the tables, and tell whether they could not be written as had been announced."""
    try:
        written.result()
    except UnfilledError:
        return True
    return False


def with_evaluation(trained: TrainedLanguageModel, corpus: Corpus | None) -> Info:
    """Return what is known of it, with scores where it gives probabilities and there is a text."""
    if corpus is None or not trained.is_distribution:
        return trained.info
    return trained.info.with_scores(trained.evaluate(corpus), roles=(VALIDATION,))
