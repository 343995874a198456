"""From files of text to an n-gram model, without torch and without a Python string for each word.

What comes out is what ``munmaek.recipe.train`` gives, the same words, counts and probabilities.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from munmaek.artefact.folder import check_free, new_folder, write_folder
from munmaek.artefact.info import Info
from munmaek.artefact.scoring import corpus_scores
from munmaek.artefact.settings import save_settings
from munmaek.artefact.tables import save_tables
from munmaek.artefact.training_text import TrainingText
from munmaek.data.batches import pick
from munmaek.errors import ConfigError
from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.ngram.counting import bound, unbound
from munmaek.ngram.filling import Late, UnfilledError
from munmaek.ngram.reading import Reserved, read_words
from munmaek.ngram.scratch import Column, Scratch, give_back, hold_little
from munmaek.ngram.spare import Spare
from munmaek.ngram.stages import Stage, Stages
from munmaek.recipe.counted import ngram_label, ngram_sizes
from munmaek.recipe.holding import hold_out
from munmaek.recipe.settings import Recipe
from munmaek.text.building import SPECIALS
from munmaek.text.corpora import Corpus, corpus_name, read_text
from munmaek.text.tokenizers import Tokenizer, train_tokenizer, word_tokenizer

__all__ = ["CountedModel", "Means", "train_ngrams"]

Int32s = NDArray[np.int32]
Paths = Sequence[str | Path]

_TABLES = "model.safetensors"

_RESIDENT = 244 << 20
"""Bytes that the interpreter, its libraries and the vocabulary take, about."""
_LEAST = 8 << 20

_ROWS = 1 << 14
"""Rows that a tokenizer is given at a time."""


@dataclass(frozen=True, slots=True)
class Means:
    """What a computation may use; the result does not depend on it."""

    threads: int | None = None
    """Kernels side by side; by default one more than processors."""
    memory: int | None = None
    """Bytes that may be resident; more than that is worked off on disk. None has no limit."""
    temp_dir: Path | None = None
    """Where files are put meanwhile; by default beside the model."""
    spare: Spare | None = None
    """Where large arrays come from, where not all is worked off on disk."""


@dataclass(frozen=True, eq=False)
class _Counted:
    """A text ready to be counted."""

    known: Tokenizer | tuple[str, ...]
    """The tokenizer, or the words of one that is yet to be made."""
    text: Int32s
    positions: int
    lines: NDArray[np.int64]
    """The number of each sentence's line in the data, from 1."""
    valid: Corpus
    described: Callable[[], dict[str, Any]]
    """What the manifest says of the data; the first who asks may have to wait."""

    @property
    def words(self) -> tuple[str, ...]:
        return () if isinstance(self.known, Tokenizer) else self.known

    @property
    def sizes(self) -> dict[str, int]:
        if isinstance(self.known, Tokenizer):
            return ngram_sizes(self.known)
        ids = {"bos": Tokenizer.bos, "eos": Tokenizer.eos, "unk": Tokenizer.unk}
        return {"vocab_size": len(self.known), **ids}

    @cached_property
    def tokenizer(self) -> Tokenizer:
        if isinstance(self.known, Tokenizer):
            return self.known
        return word_tokenizer(self.known[len(SPECIALS) :])


@final
@dataclass(frozen=True, slots=True, eq=False)
class CountedModel:
    """An n-gram model with its tokenizer; ``munmaek.load`` opens what ``save`` writes."""

    tokenizer: Tokenizer
    model: NgramModel
    info: Info
    text: TrainingText | None = None
    release: Callable[[], None] | None = None
    """Lets go of pages of tables that are mapped from temporary files."""

    def save(self, folder: Path | str, *, force: bool = False) -> None:
        """Write the model's folder, aside and renamed.

        Args:
            folder: where the model is to be.
            force: replace what is there.

        Raises:
            InputError: ``folder`` exists and ``force`` is false.
            DiskError: it cannot be written; what was there is whole.
        """
        write_folder(Path(folder), files=self.files(), manifest=self.manifest(), force=force)

    def files(self) -> dict[str, Callable[[Path], str | None]]:
        """What writes each file of the folder."""
        model, text = self.model, self.text
        files: dict[str, Callable[[Path], str | None]] = {
            "tokenizer.json": self.tokenizer.save,
            "config.json": lambda path: save_settings(path, self.info),
            _TABLES: lambda path: save_tables(model.tensors(), path, release=self.release),
        }
        if text is not None:
            files["text.safetensors"] = lambda path: save_tables(text.tensors(), path)
        return files

    def manifest(self) -> dict[str, Any]:
        """What ``munmaek.json`` says besides the files."""
        return {**self.info.to_json(), "tokenizer": self.tokenizer.describe()}


def train_ngrams(
    recipe: Recipe,
    paths: Paths,
    *,
    folder: Path,
    valid: Paths = (),
    force: bool = False,
    means: Means | None = None,
    reserved: Reserved = Reserved.REFUSE,
    report: Callable[[Stage], None] | None = None,
) -> CountedModel:
    """Count, smooth, evaluate on the validation data and save.

    Args:
        recipe: of task ``lm`` and stage ``ngram``. With the tokenizer ``words`` and no vocabulary
            size of its own, all words are in the vocabulary.
        paths: the training data.
        folder: where the model is to be.
        valid: the validation data; none holds some of the training data out.
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
    config: NgramConfig = recipe.stage_config()
    means = means or Means()
    check_free(folder, force=force)
    began = time.perf_counter()
    if means.memory is not None:
        return _train_on_disk(
            recipe, paths, folder, valid, force, means, means.memory, reserved, report
        )
    stages = Stages({"reading": 2.0, "counting": 4.0, "saving": 1.0}, report)
    stages.tell("reading")
    given = (
        _read_words(recipe, paths, valid, means, reserved)
        if recipe.tokenizer == "words"
        else _encode(recipe, paths, valid)
    )
    give_back()
    stages.tell("counting")
    with new_folder(folder, force=force) as new, ThreadPoolExecutor(3) as beside:
        early: list[Future[None]] = []

        def begun(tensors: Mapping[str, NDArray[Any] | Late]) -> None:
            # What is known is written while the rest is computed.
            early.append(beside.submit(new.write, _TABLES, partial(save_tables, tensors)))

        model = NgramModel.fit_bounded(
            given.text,
            config=config,
            excluded=(Tokenizer.pad, Tokenizer.mask),
            threads=means.threads,
            spare=means.spare,
            begun=begun,
            **given.sizes,
        )
        stages.tell("saving")
        info = _info(recipe, config, given.sizes, model, began, given.described())
        trained = CountedModel(given.tokenizer, model, info, _kept(given, recipe, model.size))
        evaluated = beside.submit(_evaluated, trained, given.valid)
        files = trained.files()
        tables = files.pop(_TABLES)
        for name, write in files.items():
            new.write(name, write)
        if not early or _unfilled(early[0]):
            new.write(_TABLES, tables)
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


def _evaluated(trained: CountedModel, corpus: Corpus) -> Info:
    """What is known of it, with its scores where it gives probabilities."""
    info, model = trained.info, trained.model
    if not model.config.is_distribution:
        return info
    return info.with_scores(corpus_scores(model, trained.tokenizer, corpus, stage=info.stage))


def _info(
    recipe: Recipe,
    config: NgramConfig,
    sizes: dict[str, int],
    model: NgramModel,
    began: float,
    data: dict[str, Any],
) -> Info:
    return Info(
        task=recipe.task,
        stage=recipe.stage,
        label=ngram_label(config),
        config=config.model_dump(),
        sizes=sizes,
        parameters=model.parameters,
        seconds=time.perf_counter() - began,
        data=data,
    )


def _train_on_disk(
    recipe: Recipe,
    paths: Paths,
    folder: Path,
    valid: Paths,
    force: bool,
    means: Means,
    memory: int,
    reserved: Reserved,
    report: Callable[[Stage], None] | None,
) -> CountedModel:
    """``train_ngrams`` with resident memory below ``memory``."""
    from munmaek.ngram.external import estimate_on_disk, room_needed

    config: NgramConfig = recipe.stage_config()
    _check_on_disk(recipe, config)
    began = time.perf_counter()
    weights = {"reading": 2.0, "counting": 8.0, "smoothing": 8.0, "evaluating": 0.5, "saving": 1.5}
    stages = Stages(weights, report)
    place = folder.absolute().parent if means.temp_dir is None else means.temp_dir
    hold_little()
    stages.tell("reading")
    with Scratch(place, needed=2 * _size(paths)) as scratch:
        column = scratch.column("text", np.int32)
        given = _read_words(recipe, paths, valid, means, reserved, scratch, column)
        scratch.check(room_needed(given.positions, config.order))
        give_back()
        stages.tell("counting")
        predictable = np.ones(len(given.words), dtype=np.bool_)
        predictable[[Tokenizer.bos, Tokenizer.pad, Tokenizer.mask]] = False
        made = estimate_on_disk(
            column,
            order=config.order,
            predictable=predictable,
            bos=Tokenizer.bos,
            eos=Tokenizer.eos,
            scratch=scratch,
            memory=max(memory - _RESIDENT, _LEAST),
            kenlm_compatible=config.kenlm_compatible,
            stages=stages,
        )
        give_back()
        made.release()
        tokenizer, sizes = given.tokenizer, ngram_sizes(given.tokenizer)
        ids = {name: sizes[name] for name in ("bos", "eos", "unk")}
        model = NgramModel(
            made.estimate.tables, config=config, discounts=made.estimate.discounts, **ids
        )
        info = _info(recipe, config, sizes, model, began, given.described())
        checked = given.valid
        del given  # the words, which the tokenizer has by now
        give_back()
        stages.tell("evaluating")
        scores = corpus_scores(
            _Released(model, made.release), tokenizer, checked, stage=recipe.stage
        )
        stages.tell("saving")
        give_back()
        trained = CountedModel(tokenizer, model, info.with_scores(scores), release=made.release)
        trained.save(folder, force=force)
    return trained


def _check_on_disk(recipe: Recipe, config: NgramConfig) -> None:
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


def _size(paths: Paths) -> int:
    """Bytes of the files, as far as they are files."""
    return sum(Path(path).stat().st_size for path in paths if Path(path).is_file())


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
        """By one token at a time, with the context that it can see."""
        seen = self._model.config.order - 1
        scores = np.empty(len(ids), dtype=np.float64)
        for at in range(len(ids)):
            scores[at] = self._model.score(ids[max(at - seen, 0) : at + 1])[-1]
            self._release()
        return scores

    def score_many(self, sequences: Sequence[Sequence[int]]) -> list[NDArray[np.float64]]:
        return [self.score(ids) for ids in sequences]

    def score_flat(self, ids: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
        scores = np.empty(len(ids), dtype=np.float64)
        for begin, end in pairwise(offsets.tolist()):
            scores[begin:end] = self.score(ids[begin:end].tolist())
        return scores


def _read_words(
    recipe: Recipe,
    paths: Paths,
    valid: Paths,
    means: Means,
    reserved: Reserved,
    scratch: Scratch | None = None,
    column: Column | None = None,
) -> _Counted:
    rows = 0
    held: NDArray[np.int64] = np.empty(0, dtype=np.int64)

    def choose(total: int) -> NDArray[np.int64]:
        nonlocal rows, held
        rows = total
        if not valid:
            _, held = hold_out(total, seed=recipe.seed)
        return held

    read = read_words(
        paths,
        specials=SPECIALS,
        most=recipe.vocab_size if "vocab_size" in recipe.model_fields_set else None,
        min_count=recipe.min_count,
        hold_out=choose,
        reserved=reserved,
        threads=means.threads,
        scratch=scratch,
        column=column,
    )
    name = corpus_name(list(paths))
    corpus = read_text(valid) if valid else Corpus(f"{name} (held out)", _stripped(read.held))
    lines = np.empty(0, dtype=np.int64)
    if scratch is None:
        lines = np.delete(np.arange(1, rows + 1), held)

    def described() -> dict[str, Any]:
        train = {"name": name, "rows": read.rows, "sha256": read.sha256}
        return {"train": train, "valid": _describe(corpus)}

    return _Counted(read.words, read.text, read.positions, lines, corpus, described)


def _stripped(rows: Sequence[str]) -> tuple[str, ...]:
    return tuple(row.strip(" \t\u00a0\u3000") for row in rows)


def _describe(corpus: Corpus) -> dict[str, Any]:
    return {"name": corpus.name, "rows": len(corpus.lines), "sha256": corpus.fingerprint}


def _encode(recipe: Recipe, paths: Paths, valid: Paths) -> _Counted:
    """Any other tokenizer: rows by the thousand, so that no list holds the ids of all."""
    corpus = read_text(paths)
    kept = np.arange(len(corpus.lines), dtype=np.int64)
    if valid:
        checked = read_text(valid)
    else:
        kept, held = hold_out(len(corpus.lines), seed=recipe.seed)
        checked = Corpus(f"{corpus.name} (held out)", pick(corpus.lines, held))
        corpus = Corpus(corpus.name, pick(corpus.lines, kept))
    tokenizer = train_tokenizer(
        corpus.lines,
        kind=recipe.tokenizer,
        vocab_size=recipe.vocab_size,
        min_count=recipe.min_count,
    )
    parts: list[Int32s] = []
    for begin in range(0, len(corpus.lines), _ROWS):
        encoded = tokenizer.encode_many(corpus.lines[begin : begin + _ROWS])
        offsets = np.concatenate([[0], np.cumsum([len(ids) for ids in encoded])])
        ids = np.fromiter((each for row in encoded for each in row), np.int32, int(offsets[-1]))
        parts.append(bound(ids, offsets, bos=tokenizer.bos, eos=tokenizer.eos)[:-1])
    text = np.concatenate([*parts, np.array([tokenizer.bos], dtype=np.int32)])

    def described() -> dict[str, Any]:
        return {"train": _describe(corpus), "valid": _describe(checked)}

    return _Counted(tokenizer, text, len(text) - 1, kept + 1, checked, described)


def _kept(given: _Counted, recipe: Recipe, size: int) -> TrainingText | None:
    """The training text, where it is asked for or takes no more room than tables of ``size``."""
    if recipe.keep_text is False:
        return None
    tokenizer = given.tokenizer
    ids, offsets = unbound(given.text, bos=tokenizer.bos, eos=tokenizer.eos)
    text = TrainingText.of_flat(ids, offsets, lines=given.lines, vocab_size=tokenizer.vocab_size)
    return text if recipe.keep_text or text.size <= size else None
