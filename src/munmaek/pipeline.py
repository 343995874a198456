"""The whole way of the data on one screen: files → tokens → network → evaluated, saved model."""

import json
import shutil
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from munmaek.align import Guide, read_guide, statistical_links, tokenizer_hash
from munmaek.errors import InputError, MunmaekWarning, UnsupportedError
from munmaek.fit.config import MAY_CHANGE
from munmaek.fit.examining import with_finding
from munmaek.fit.extra import STATISTICAL, Extra, GuideSource
from munmaek.fit.precision import flushing_subnormals
from munmaek.fit.ranks import leads
from munmaek.fit.recipe import Recipe, validation_role
from munmaek.fit.record import Progress
from munmaek.fit.running import Run
from munmaek.fit.trained import Trained
from munmaek.fit.vocabulary import begun_with
from munmaek.folder.ownership import check_ours
from munmaek.folder.writing import check_free
from munmaek.metrics import Score
from munmaek.models import stage_named
from munmaek.tasks.classify.data import prepare_labelled
from munmaek.tasks.classify.fit import fit_classifier
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.embed.fit import train_embedder
from munmaek.tasks.lm.data import prepare_text
from munmaek.tasks.lm.fit import fit_language_model
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.loading import load
from munmaek.tasks.mlm.fit import fit_encoder
from munmaek.tasks.mlm.model import Encoder
from munmaek.tasks.regress.data import prepare_valued
from munmaek.tasks.regress.fit import fit_regressor
from munmaek.tasks.regress.model import Regressor
from munmaek.tasks.tag.data import prepare_tagged
from munmaek.tasks.tag.fit import fit_tagger
from munmaek.tasks.tag.model import Tagger
from munmaek.tasks.translate.bitexts import read_back_translated, read_pairs
from munmaek.tasks.translate.data import prepare_parallel
from munmaek.tasks.translate.fit import fit_translator
from munmaek.tasks.translate.model import Translator
from munmaek.tasks.translate.quality import judge
from munmaek.text.corpora import (
    Pairs,
    ParallelCorpus,
    read_labelled,
    read_text,
    read_valued,
)
from munmaek.text.json_files import read_json_object
from munmaek.text.tagged import read_tagged
from munmaek.text.tokenizers import Tokenizer
from munmaek.writing import beside, claim, remove_whole, write_text, writing

__all__ = [
    "columns_of",
    "train",
    "work_folder",
]

Paths = Sequence[str | Path]
M = TypeVar("M", TrainedLanguageModel, Classifier, Regressor, Tagger, Encoder)

NOTHING_MORE: Final = Extra()


def work_folder(folder: Path) -> Path:
    """Where a run keeps its checkpoints and log until the model is done: ``DIR.partial``."""
    return beside(folder, ".partial")


@flushing_subnormals()
def train(
    recipe: Recipe,
    paths: Paths,
    *,
    folder: Path,
    valid: Paths = (),
    init: Path | None = None,
    force: bool = False,
    resume: bool = False,
    device: str = "cpu",
    extra: Extra = NOTHING_MORE,
    report: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Trained:
    """Train, evaluate on the validation data and save.

    While it runs, ``DIR.partial`` holds the checkpoints, so that the same call with ``resume`` goes
    on after an interruption. A run that is stopped is evaluated and saved like a finished one, and
    can still be resumed.

    Args:
        recipe: what to train.
        paths: the training data; two files for a translator.
        folder: where the model is to be.
        valid: the validation data; none holds some of the training data out, where the model needs
            validation or the recipe says how much.
        init: a trained model to begin from; its tokenizer is taken too. Of a model for n-grams,
            which are counted, the tokenizer alone.
        force: replace what is at ``folder``, and an interrupted run.
        resume: go on with an interrupted run; how long it lasts may differ.
        device: ``cpu``, ``cuda`` or ``mps``.
        extra: what is trained on besides.
        report: told of every step that is worth telling.
        should_stop: asked after every step.

    Raises:
        InputError: data that cannot be used, or ``folder`` exists.
        ConfigError: an option that cannot be used.
        UnsupportedError: a stage that cannot do the task.
        TrainingError: the loss is no number.
        DiskError: the disk is full; the last checkpoint is whole.
    """
    stage_named(recipe.stage).network_class(recipe.task)
    recipe.stage_config()
    recipe.train_config()
    work = work_folder(folder)
    with _working(recipe, folder, force=force, resume=resume):
        before = None if init is None else load(init)
        if before is not None and recipe.stage == "ngram":
            message = (
                "--init: n-grams are counted, so that only the tokenizer of the other model is "
                "taken over; --tokenizer says the same"
            )
            warnings.warn(message, MunmaekWarning, stacklevel=2)
        run = Run(device, work, resume, before, report, should_stop)
        model = _fit(recipe, paths, valid, run, extra)
        if leads():
            model.save(folder, force=force or resume, beside=_records(work))
            _close(work, finished=model.info.training.get("stopped") != "interrupted")
    return model


@contextmanager
def _working(recipe: Recipe, folder: Path, *, force: bool, resume: bool) -> Generator[None]:
    """Hold the folder and what goes with it, in the one process that writes."""
    if not leads():
        yield
        return
    with claim(folder):
        work = _claim(folder, recipe, force=force, resume=resume)
        try:
            yield
        except BaseException:
            _abandon(work)
            raise


def _claim(folder: Path, recipe: Recipe, *, force: bool, resume: bool) -> Path:
    """Make sure that nothing of value is in the way, before any work is done."""
    work = work_folder(folder)
    if resume and not work.exists() and folder.exists():
        message = f"{folder}: its training is finished, so there is nothing to resume"
        raise InputError(message)
    if work.exists() and not (force or resume):
        message = f"{work}: an interrupted run is there; --resume goes on, --force starts over"
        raise InputError(message)
    if not resume:
        check_free(folder, force=force)
    with writing(work):
        if work.exists() and not resume:
            check_ours(work)
            remove_whole(work)
        work.mkdir(parents=True, exist_ok=True)
    _same_recipe(work / "recipe.json", recipe)
    return work


def _same_recipe(path: Path, recipe: Recipe) -> None:
    """Keep the recipe at ``path``, unless that of another run is there."""
    now = recipe.model_dump(mode="json")
    if path.exists():
        then = read_json_object(path)
        for name in now:
            before, after = (_lasting(name, each.get(name)) for each in (then, now))
            if before != after:
                message = (
                    f"--resume: the interrupted run had {name} = {before!r}, now {after!r}; "
                    "give the same command, or --force to start over"
                )
                raise InputError(message)
    write_text(path, json.dumps(now, ensure_ascii=False, indent=2) + "\n")


def _lasting(name: str, value: Any) -> Any:
    """What of an option must be the same when a run goes on."""
    if name != "train":
        return value
    options = cast("dict[str, Any]", value if isinstance(value, dict) else {})
    return {option: each for option, each in options.items() if option not in MAY_CHANGE}


def _abandon(work: Path) -> None:
    """Leave nothing behind of a run that failed before there was anything to resume."""
    if not any(work.glob("checkpoints/*")):
        shutil.rmtree(work, ignore_errors=True)


def _records(work: Path) -> dict[str, Path]:
    """What a run wrote about itself, which its model keeps."""
    return {name: work / name for name in ("log.jsonl", "tensorboard") if (work / name).exists()}


def _close(work: Path, *, finished: bool) -> None:
    if finished:
        with writing(work, "the model itself is whole"):
            remove_whole(work)


def _fit(  # noqa: PLR0911 - a line for each task
    recipe: Recipe, paths: Paths, valid: Paths, run: Run, extra: Extra
) -> Trained:
    extra.refuse_for(recipe.task)
    if recipe.task == "lm":
        return _fit_lm(recipe, paths, valid, run)
    if recipe.task == "classify":
        return _fit_classify(recipe, paths, valid, run, extra.soft_labels)
    if recipe.task == "regress":
        return _fit_regress(recipe, paths, valid, run)
    if recipe.task == "tag":
        return _fit_tag(recipe, paths, valid, run)
    if recipe.task == "translate":
        return _fit_translate(recipe, paths, valid, run, extra)
    if recipe.task == "embed":
        return train_embedder(recipe, paths, valid, run, tokenizer=_goes_on_with(recipe, run))
    return _fit_mlm(recipe, paths, valid, run)


def _goes_on_with(recipe: Recipe, run: Run) -> Tokenizer | None:
    """Return the tokenizer of the model that is begun from; None makes the recipe's own."""
    found = begun_with(recipe, run.init)
    return found[0] if len(found) == 1 else None


def _validated(model: M, scores: Mapping[str, Score], recipe: Recipe) -> M:
    """The model with its scores on the validation data."""
    return replace(model, info=model.info.with_scores(scores, role=validation_role(recipe)))


def _fit_lm(recipe: Recipe, paths: Paths, valid: Paths, run: Run) -> TrainedLanguageModel:
    text = prepare_text(
        read_text(paths, column=recipe.text_column),
        read_text(valid, column=recipe.text_column) if valid else None,
        recipe,
        tokenizer=_goes_on_with(recipe, run),
    )
    model = fit_language_model(text, recipe, run)
    if not model.is_distribution or text.valid_corpus is None:
        return model
    return _validated(model, model.evaluate(text.valid_corpus), recipe)


def _fit_classify(recipe: Recipe, paths: Paths, valid: Paths, run: Run, soft: Paths) -> Classifier:
    columns = columns_of(recipe)
    texts = prepare_labelled(
        read_labelled(paths, **columns),
        read_labelled(valid, **columns) if valid else None,
        recipe,
        tokenizer=_goes_on_with(recipe, run),
        soft=soft,
    )
    model = fit_classifier(texts, recipe, run)
    if texts.valid_corpus is None:
        return model
    return _validated(model, model.evaluate(texts.valid_corpus), recipe)


def _fit_regress(recipe: Recipe, paths: Paths, valid: Paths, run: Run) -> Regressor:
    columns = columns_of(recipe)
    texts = prepare_valued(
        read_valued(paths, **columns),
        read_valued(valid, **columns) if valid else None,
        recipe,
        tokenizer=_goes_on_with(recipe, run),
    )
    model = fit_regressor(texts, recipe, run)
    return _validated(model, model.evaluate(texts.valid_corpus), recipe)


def _fit_tag(recipe: Recipe, paths: Paths, valid: Paths, run: Run) -> Tagger:
    texts = prepare_tagged(
        read_tagged(paths),
        read_tagged(valid) if valid else None,
        recipe,
        tokenizer=_goes_on_with(recipe, run),
    )
    model = fit_tagger(texts, recipe, run)
    return _validated(model, model.evaluate(texts.valid_corpus), recipe)


def columns_of(recipe: Recipe) -> dict[str, Any]:
    """What ``read_labelled`` and ``read_valued`` are told of the table."""
    return {
        "text_column": recipe.text_column,
        "label_column": recipe.label_column,
        "pairs": Pairs(recipe.second_column) if recipe.pairs else None,
    }


def _fit_translate(
    recipe: Recipe, paths: Paths, valid: Paths, run: Run, extra: Extra
) -> Translator:
    init, guide, back_translated = run.init, extra.guide, extra.back_translated
    if init is not None and not isinstance(init, Translator):
        message = (
            f"--init: a model for '{init.info.task}' cannot begin a translator; --tokenizer takes "
            "over its tokenizer alone"
        )
        raise UnsupportedError(message)
    tokenizers = begun_with(recipe, init) or None
    recipe.check_guide(given=guide is not None, counts_words=guide not in (None, STATISTICAL))
    corpus = read_pairs(paths, recipe)
    pairs = prepare_parallel(
        corpus,
        read_pairs(valid, recipe) if valid else None,
        recipe,
        tokenizers=tokenizers,
        guides=None if guide == STATISTICAL else _known_guides(guide, corpus, tokenizers),
        more=read_back_translated(back_translated, recipe) if back_translated else None,
    )
    if guide == STATISTICAL:
        pairs = replace(pairs, guides=_aligned(pairs.train_corpus))
    model = fit_translator(pairs, recipe, run)
    quality = judge(model, pairs.valid_corpus)
    info = model.info
    for each in quality.findings:
        info = with_finding(info, each)
    info = info.with_scores(quality.scores, role=validation_role(recipe))
    return Translator(
        model.source_tokenizer, model.target_tokenizer, model.network, info, model.limit
    )


def _known_guides(
    guide: GuideSource,
    corpus: ParallelCorpus,
    tokenizers: tuple[Tokenizer, ...] | None,
) -> Sequence[Guide | None] | None:
    """The guide of each pair. Marks must be of the tokenizers that training begins from."""
    if not isinstance(guide, Path | str):
        return guide
    marked_with = None if tokenizers is None else tokenizer_hash(*tokenizers)
    return read_guide(guide, corpus.sources, corpus.targets, tokenizer=marked_with)


def _aligned(corpus: ParallelCorpus) -> list[Guide | None]:
    links = statistical_links(corpus.sources, corpus.targets)
    return [Guide(each) if each else None for each in links]


def _fit_mlm(recipe: Recipe, paths: Paths, valid: Paths, run: Run) -> Encoder:
    text = prepare_text(
        read_text(paths, column=recipe.text_column),
        read_text(valid, column=recipe.text_column) if valid else None,
        recipe,
        tokenizer=_goes_on_with(recipe, run),
    )
    model = fit_encoder(text, recipe, run)
    assert text.valid_corpus is not None  # an encoder is trained, so some is held out
    return _validated(model, model.evaluate(text.valid_corpus), recipe)
