"""From files of text to an n-gram model through files on disk, within the memory allowed."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import cast, final

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import ArtefactError, ConfigError, DiskError
from munmaek.fit.counted import Resources, counted_info, fitted, ngram_sizes, token_ids
from munmaek.folder.tables import save_tables
from munmaek.folder.writing import write_folder
from munmaek.metrics import VALIDATION
from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.ngram.external import OnDisk, estimate_on_disk, room_needed
from munmaek.ngram.reading import Reserved
from munmaek.ngram.scratch import Scratch, give_back, hold_little
from munmaek.ngram.stages import Stage, Stages
from munmaek.tasks.lm.counted_text import read_text_words
from munmaek.tasks.lm.model import TABLES, TrainedLanguageModel
from munmaek.tasks.lm.options import LmRecipe
from munmaek.tasks.lm.scoring import corpus_scores
from munmaek.tasks.loading import load
from munmaek.text.memory import Sources, Table

__all__ = ["train_on_disk"]

_RESIDENT = 244 << 20
"""Bytes that the interpreter, its libraries and the vocabulary take, about."""
_LEAST = 8 << 20


def train_on_disk(
    recipe: LmRecipe,
    paths: Sources,
    *,
    folder: Path | None,
    valid: Sources,
    force: bool,
    resources: Resources,
    reserved: Reserved,
    report: Callable[[Stage], None] | None,
) -> TrainedLanguageModel:
    """Train as ``munmaek.tasks.lm.ngrams.train_ngrams``, resident below ``resources.memory``."""
    memory = resources.memory or 0
    config: NgramConfig = recipe.stage_config()
    _check_on_disk(recipe, config)
    began = time.perf_counter()
    weights = {"reading": 2.0, "counting": 8.0, "smoothing": 8.0, "evaluating": 0.5, "saving": 1.5}
    stages = Stages(weights, report)
    if folder is None:
        raise ConfigError("memory: works on disk, where the model is then; give save, a folder")
    place = folder.absolute().parent if resources.temp_dir is None else resources.temp_dir
    hold_little()
    stages.tell("reading")
    with Scratch(place, needed=2 * _size(paths), output=folder) as scratch:
        column = scratch.column("text", np.int32)
        given = read_text_words(
            recipe,
            paths,
            valid,
            reserved=reserved,
            threads=resources.threads,
            scratch=scratch,
            column=column,
        )
        scratch.check(room_needed(given.positions, config.order))
        give_back()
        stages.tell("counting")
        vocabulary = token_ids(given.vocab_size)

        def estimate(config: NgramConfig) -> OnDisk:
            return estimate_on_disk(
                column,
                order=config.order,
                vocabulary=vocabulary,
                scratch=scratch,
                memory=max(memory - _RESIDENT, _LEAST),
                kenlm_compatible=config.kenlm_compatible,
                stages=stages,
            )

        config, made = fitted(recipe, estimate)
        give_back()
        made.release()
        tokenizer, sizes = given.tokenizer, ngram_sizes(given.vocab_size)
        ids = {name: sizes[name] for name in ("bos", "eos", "unk")}
        model = NgramModel(
            made.estimate.tables, config=config, discounts=made.estimate.discounts, **ids
        )
        info = counted_info(recipe, config, sizes, model.parameters, began, given.described())
        checked = given.valid
        del given  # the words, which the tokenizer has by now
        give_back()
        stages.tell("evaluating")
        if checked is not None:
            released = _Released(model, made.release)
            scores = corpus_scores(released, tokenizer, checked, stage=recipe.stage)
            info = info.with_scores(scores, roles=(VALIDATION,))
        stages.tell("saving")
        give_back()
        trained = TrainedLanguageModel(tokenizer, model, info)
        tables = partial(save_tables, model.tensors(), release=made.release)
        files = {**trained.files(), TABLES: tables}
        write_folder(folder, files=files, manifest=trained.record(), force=force)
    try:
        return cast("TrainedLanguageModel", load(folder))
    except (ArtefactError, OSError) as error:
        message = f"{error}; the model was written whole, so it need not be trained again"
        raise DiskError(message) from error


def _check_on_disk(recipe: LmRecipe, config: NgramConfig) -> None:
    if recipe.tokenizer != "words":
        message = f"--memory: only with --tokenizer words, not '{recipe.tokenizer}'; leave it out"
        raise ConfigError(message)
    if not config.is_plain:
        message = (
            "--memory: only with the default smoothing and without pruning; leave one of them out"
        )
        raise ConfigError(message)
    if recipe.keep_text:
        message = "--memory: the training text is not kept on this way; leave out --keep-text"
        raise ConfigError(message)


def _size(paths: Sources) -> int:
    """Return the bytes of the files, as far as they are files."""
    files = [Path(str(path)) for path in paths if not isinstance(path, Table)]
    return sum(path.stat().st_size for path in files if path.is_file())


@final
class _Released:
    """A model whose pages are let go after every token."""

    def __init__(self, model: NgramModel, release: Callable[[], None]) -> None:
        self._model, self._release = model, release
        self.vocab_size, self.eos = model.vocab_size, model.eos

    def start(self) -> tuple[int, ...]:
        return self._model.start()

    def logprobs(self, state: tuple[int, ...]) -> NDArray[np.float64]:
        return self._model.logprobs(state)

    def advance(self, state: tuple[int, ...], token: int) -> tuple[int, ...]:
        return self._model.advance(state, token)

    def score(self, ids: Sequence[int]) -> NDArray[np.float64]:
        """Score one token at a time, with the context that it can see."""
        seen = self._model.config.order - 1
        scores = np.empty(len(ids), dtype=np.float64)
        for at in range(len(ids)):
            scores[at] = self._model.score(ids[max(at - seen, 0) : at + 1])[-1]
            self._release()
        return scores

    def score_many(self, sequences: Sequence[Sequence[int]]) -> list[NDArray[np.float64]]:
        return [self.score(ids) for ids in sequences]

    def score_flat(
        self, ids: NDArray[np.int64], offsets: NDArray[np.int64], *, threads: int | None = None
    ) -> NDArray[np.float64]:
        del threads  # a token at a time, so that little is in memory
        scores = np.empty(len(ids), dtype=np.float64)
        for begin, end in pairwise(offsets.tolist()):
            scores[begin:end] = self.score(ids[begin:end].tolist())
        return scores
