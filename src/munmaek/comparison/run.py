"""The same data and the same budget for several stages: trained, tested, side by side."""

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from munmaek.comparison.entries import (
    classifier_row,
    encoder_row,
    language_model_row,
    mixture_row,
    results_header,
    translator_row,
)
from munmaek.comparison.events import Event, Message, StageFinished, StageProgress, StageStarted
from munmaek.comparison.remarks import remarks_on
from munmaek.comparison.report import write_report
from munmaek.comparison.settings import Candidate, CompareSettings, parse_candidate, stage_of
from munmaek.comparison.splits import described_data, holds_out, parted_already
from munmaek.comparison.unfinished import made_aside, same_data
from munmaek.errors import ArtefactError, ConfigError, UnsupportedError
from munmaek.fit.recipe import Recipe, validation_role
from munmaek.fit.record import Progress
from munmaek.fit.running import Run
from munmaek.fit.trained import Trained
from munmaek.fit.vocabulary import own_tokenizer
from munmaek.folder.manifest import MANIFEST, read_manifest
from munmaek.folder.naming import told_apart
from munmaek.metrics import TRAINED_ON, Score, in_role
from munmaek.models import stage_named
from munmaek.pipeline import work_folder
from munmaek.tasks.classify.data import prepare_labelled
from munmaek.tasks.classify.fit import fit_classifier
from munmaek.tasks.classify.mixed import MixedClassifier
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.lm.data import Text, prepare_text
from munmaek.tasks.lm.fit import fit_language_model
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.loading import load
from munmaek.tasks.preparing import columns_of
from munmaek.tasks.translate.data import Parallel, prepare_parallel
from munmaek.text.corpora import (
    Corpus,
    LabelledCorpus,
    ParallelCorpus,
    read_labelled,
    read_parallel,
    read_text,
)
from munmaek.text.labels import LabelIndex, unseen_note
from munmaek.writing import remove_whole, scratch_folder, write_text

__all__ = ["Candidate", "CompareSettings", "compare", "parse_candidate"]

Paths = Sequence[str | Path]
Report = Callable[[Event], None]


def _silent(_: Event) -> None:
    """Nobody listens."""


def compare(settings: CompareSettings, report: Report = _silent) -> dict[str, Any]:
    """Train and test every candidate; returns the content of ``results.json``.

    Raises:
        InputError: data that cannot be used, or the folder exists.
        ConfigError: no candidate.
        UnsupportedError: a stage that cannot do the task.
    """
    if not settings.candidates:
        message = "nothing to compare; name at least one stage or trained folder in --models"
        raise ConfigError(message)
    for candidate in settings.candidates:
        if candidate.stage is not None:
            stage_named(candidate.stage).network_class(settings.recipe.task)
    if settings.recipe.task not in ("lm", "classify", "translate", "mlm"):
        message = (
            f"compare has no table for '{settings.recipe.task}'; train each model and measure it "
            "with 'munmaek evaluate'"
        )
        raise UnsupportedError(message)
    folder = settings.folder
    if folder is None:
        return _compared(settings, report)
    asked, force, resume = _asked(settings), settings.force, settings.resume
    with made_aside(folder, asked=asked, force=force, resume=resume) as work:
        results = _compared(replace(settings, folder=work), report)
        written = json.dumps(results, ensure_ascii=False, indent=1)
        write_text(work / "results.json", written + "\n")
        write_report(results, work / "report.html")
    report(Message(f"{folder / 'report.html'}"))
    return results


def _asked(settings: CompareSettings) -> dict[str, Any]:
    """What must be the same when a comparison goes on."""
    return {
        "recipe": settings.recipe.model_dump(mode="json"),
        "models": [f"{each.stage or ''}@{each.folder or ''}" for each in settings.candidates],
        "options": settings.models,
        "beam": settings.beam,
        "ter": settings.with_ter,
    }


def _compared(settings: CompareSettings, report: Report) -> dict[str, Any]:
    results = results_header(title=settings.title or "Comparison", command=settings.command)
    work = {
        "lm": _compare_lm,
        "classify": _compare_classify,
        "translate": _compare_translate,
        "mlm": _compare_mlm,
    }[settings.recipe.task]
    work(settings, results, report)
    results["remarks"] = remarks_on(results)
    return results


@dataclass(frozen=True, slots=True)
class _Training:
    """One candidate while it is trained."""

    settings: CompareSettings
    candidate: Candidate
    report: Report
    name: str
    """Of its row and its folder; no other candidate has it."""
    apart: str = ""
    """Stands behind its label, where another candidate's may be the same."""

    def recipe(self) -> Recipe:
        stage = self.candidate.stage or self.settings.recipe.stage
        changed = {"stage": stage, "model": self.settings.models.get(stage, {})}
        return self.settings.recipe.model_copy(update=changed)

    def trained(self, fit: Callable[[Recipe, Run], Any]) -> Any:
        """Load or train, and keep the model if there is a folder."""
        budget = self.settings.recipe.train.get("budget")
        label = self.candidate.name
        self.report(StageStarted(self.name, self.settings.recipe.task, label, budget))
        if self.candidate.stage is None:
            assert self.candidate.folder is not None
            return load(self.candidate.folder)
        if self.settings.folder is None:
            with scratch_folder(Path(tempfile.gettempdir())) as scratch:
                return fit(self.recipe(), self._run(scratch))
        place = self.settings.folder / "models" / self.name
        if place.exists() and (model := self._taken(place)) is not None:
            return model
        model = fit(self.recipe(), self._run(work_folder(place)))
        model.save(place)
        shutil.rmtree(work_folder(place), ignore_errors=True)
        return model

    def _run(self, folder: Path) -> Run:
        init = None if self.candidate.folder is None else load(self.candidate.folder)
        resume = self.settings.resume
        return Run(self.settings.device, folder, resume, init, report=self._progress)

    def _taken(self, place: Path) -> Any:
        """What the interrupted comparison had trained; None where it is damaged, and removed."""
        try:
            return load(place)
        except ArtefactError as error:
            self.report(Message(f"trained anew: {error}"))
            remove_whole(place)
            return None

    def _progress(self, progress: Progress) -> None:
        self.report(StageProgress(self.name, progress.progress, progress.loss))

    def finished(self, results: dict[str, Any], row: dict[str, Any]) -> None:
        own = self.candidate.stage is not None
        if not own and self._has_read(results["data"][0]):
            _say_role(row, TRAINED_ON)
        elif not self.settings.test:
            _say_role(row, validation_role(self.recipe()) if own else "validation")
        row["label"] += self.apart
        results["models"].append(row)
        self.report(StageFinished(self.name, row))
        for each in row["diagnosis"]:
            if each["found"]:
                self.report(Message(f"warning: {self.name}: {each['message']}"))

    def _has_read(self, data: dict[str, Any]) -> bool:
        """Whether the folder's model was trained on what it is tested on.

        What is held out here is among the rows of a model that was trained on as much as there is.
        """
        folder = self.candidate.folder
        if folder is None or not (folder / MANIFEST).is_file():
            return False
        train = read_manifest(folder)["data"].get("train", {})
        if train.get("sha256") == data["test_fingerprint"]:
            return True
        whole = data["train"] + (0 if self.settings.valid else data["valid"])
        same = train.get("name") == data["name"] and train.get("rows") == whole
        return data["tested_on"] == "validation" and not self.settings.valid and same


def _trainings(
    settings: CompareSettings, results: dict[str, Any], report: Report
) -> list[_Training]:
    """Every candidate under a name of its own, once the data is known to be the same as before."""
    if settings.folder is not None:
        same_data(settings.folder, results["data"])
    trainings: list[_Training] = []
    kinds = [stage_of(each) for each in settings.candidates]
    names = told_apart(kinds, [each.folder for each in settings.candidates])
    for candidate, kind, told in zip(settings.candidates, kinds, names, strict=True):
        name = f"{settings.recipe.task}-{candidate.name}"
        same = sum(each.candidate.name == candidate.name for each in trainings)
        unique = f"{name}-{same + 1}" if same else name
        apart = told.removeprefix(kind)
        trainings.append(_Training(settings, candidate, report, unique, apart))
    return trainings


def _read_as(text: Text, run: Run) -> Text:
    """Return the text as the model that a run begins from reads it."""
    tokenizer = own_tokenizer(run.init)
    return text if tokenizer is None else text.read_with(tokenizer)


def _pairs_as(pairs: Parallel, run: Run) -> Parallel:
    """Return the pairs as the translator that a run begins from reads them."""
    from munmaek.tasks.translate.model import Translator

    init = run.init
    if not isinstance(init, Translator):
        return pairs
    return pairs.read_with(init.source_tokenizer, init.target_tokenizer)


def _wrong_task(model: Trained, wanted: str) -> UnsupportedError:
    message = f"a model for '{model.info.task}' cannot be compared at '{wanted}'"
    return UnsupportedError(message)


def _compare_lm(settings: CompareSettings, results: dict[str, Any], report: Report) -> None:
    text = _text(settings)
    column = settings.recipe.text_column
    test = read_text(settings.test, column=column) if settings.test else text.valid_corpus
    assert test is not None  # without a test, something is held out
    results["data"] = [described_data(settings, text.describe(), test, len(test.lines))]
    models: list[TrainedLanguageModel] = []
    for training in _trainings(settings, results, report):
        model = training.trained(
            lambda recipe, run: fit_language_model(_read_as(text, run), recipe, run)
        )
        if not isinstance(model, TrainedLanguageModel):
            raise _wrong_task(model, "lm")
        models.append(model)
        training.finished(results, language_model_row(model, test, name=training.name))
    if text.valid_corpus is not None:
        _mix(models, results, text.valid_corpus, test, report)
    counted = [each.stage for each in settings.candidates if each.stage == "ngram"]
    if counted and text.valid_corpus is not None and not settings.valid:
        held = f"the {len(text.valid_corpus.lines):,} rows held out"
        why = "which choose the weight of the mixture" if settings.test else "which are tested on"
        _note(results, f"ngram: counted without {held}, {why}")


def _mix(
    models: Sequence[TrainedLanguageModel],
    results: dict[str, Any],
    valid: Corpus,
    test: Corpus,
    report: Report,
) -> None:
    """The best neural model with the n-gram one, where both are there and share a tokenizer."""
    counted = [model for model in models if model.info.stage == "ngram"]
    bits = [row["scores"]["bits_per_character"]["value"] for row in results["models"]]
    neural = [
        (value, model)
        for value, model in zip(bits, models, strict=True)
        if model.info.stage != "ngram"
        and counted
        and model.tokenizer.fingerprint == counted[0].tokenizer.fingerprint
    ]
    if not neural:
        return
    best = min(neural, key=lambda pair: pair[0])[1]
    report(StageStarted("lm-mixture", "lm", "mixture", None))
    row = mixture_row(best, counted[0], valid=valid, test=test, name="lm-mixture")
    if valid is test:
        _say_role(row, "validation, which also chose the weights")
    results["models"].append(row)
    report(StageFinished("lm-mixture", row))


def _compare_classify(settings: CompareSettings, results: dict[str, Any], report: Report) -> None:
    recipe = settings.recipe

    def read(paths: Paths) -> LabelledCorpus:
        return read_labelled(paths, **columns_of(recipe))

    corpus = read(settings.train)
    valid = read(settings.valid) if settings.valid else None
    holding = holds_out(settings)
    texts = prepare_labelled(corpus, valid, recipe, holding=holding)
    test = read(settings.test) if settings.test else texts.valid_corpus
    assert test is not None  # without a test, something is held out
    results["data"] = [described_data(settings, texts.describe(), test, len(test.texts))]

    def counts_all(stage: Recipe) -> bool:
        # Counting needs no validation, and there is other data to test on.
        return stage.is_counted and holding and bool(settings.test) and not stage.calibrate

    def fit(stage: Recipe, run: Run) -> Classifier:
        if counts_all(stage):
            whole = prepare_labelled(corpus, None, stage, tokenizer=texts.tokenizer, holding=False)
            return fit_classifier(whole, stage, run)
        tokenizer = own_tokenizer(run.init)
        if tokenizer is None:
            return fit_classifier(texts, stage, run)
        train, held = texts.train_corpus, texts.valid_corpus
        own = prepare_labelled(train, held, parted_already(stage), tokenizer=tokenizer)
        return fit_classifier(own, stage, run)

    for training in _trainings(settings, results, report):
        if training.candidate.stage is not None and counts_all(training.recipe()):
            kind = training.recipe().stage
            _note(results, f"{kind}: counts all of {corpus.name}, held-out rows too")
        model = training.trained(fit)
        if not isinstance(model, Classifier | MixedClassifier):
            raise _wrong_task(model, "classify")
        unseen = LabelIndex(model.labels).unseen(test.every_label)
        if note := unseen_note(unseen, len(test.every_label), name=test.name, known=model.labels):
            report(Message(f"note: {training.name}: {note}"))
        training.finished(results, classifier_row(model, test, name=training.name))


def _compare_translate(settings: CompareSettings, results: dict[str, Any], report: Report) -> None:
    from munmaek.tasks.translate.fit import fit_translator
    from munmaek.tasks.translate.model import Translator

    pairs = prepare_parallel(
        read_parallel(settings.train),
        read_parallel(settings.valid) if settings.valid else None,
        settings.recipe,
    )
    test = read_parallel(settings.test) if settings.test else pairs.valid_corpus
    results["data"] = [described_data(settings, pairs.describe(), test, len(test.sources))]
    outputs: dict[str, list[str]] = {}
    for training in _trainings(settings, results, report):
        model = training.trained(
            lambda recipe, run: fit_translator(_pairs_as(pairs, run), recipe, run)
        )
        if not isinstance(model, Translator):
            raise _wrong_task(model, "translate")
        row, outputs[training.name] = translator_row(
            model,
            test,
            name=training.name,
            beam=settings.beam,
            edges=settings.edges,
            with_ter=settings.with_ter,
        )
        training.finished(results, row)
    results["translations"] = _samples(test, outputs)


def _samples(test: ParallelCorpus, outputs: dict[str, list[str]]) -> list[dict[str, Any]]:
    """A few sentences from short to long with what each model made of them."""
    order = sorted(range(len(test.sources)), key=lambda index: len(test.sources[index].split()))
    chosen = [order[len(order) * part // 6] for part in range(1, 6)]
    return [
        {
            "source": test.sources[index],
            "reference": test.targets[index],
            "outputs": {name: texts[index] for name, texts in outputs.items()},
        }
        for index in dict.fromkeys(chosen)
    ]


def _compare_mlm(settings: CompareSettings, results: dict[str, Any], report: Report) -> None:
    from munmaek.tasks.mlm.fit import fit_encoder
    from munmaek.tasks.mlm.model import Encoder

    text = _text(settings)
    column = settings.recipe.text_column
    test = read_text(settings.test, column=column) if settings.test else text.valid_corpus
    assert test is not None  # an encoder is trained, so something is held out
    results["data"] = [described_data(settings, text.describe(), test, len(test.lines))]
    for training in _trainings(settings, results, report):
        model = training.trained(lambda recipe, run: fit_encoder(_read_as(text, run), recipe, run))
        if not isinstance(model, Encoder):
            raise _wrong_task(model, "mlm")
        training.finished(results, encoder_row(model, test, name=training.name))


def _text(settings: CompareSettings) -> Text:
    """Running text, parted where a network, the mixture or the figures need validation."""
    return prepare_text(
        read_text(settings.train, column=settings.recipe.text_column),
        read_text(settings.valid, column=settings.recipe.text_column) if settings.valid else None,
        settings.recipe,
        holding=holds_out(settings),
    )


def _note(results: dict[str, Any], text: str) -> None:
    results.setdefault("notes", []).append(text)


def _say_role(row: dict[str, Any], role: str) -> None:
    """Write beside each score of a row what its data had been used for."""
    scores = {name: Score.from_json(name, score) for name, score in row["scores"].items()}
    row["scores"] = {name: score.to_json() for name, score in in_role(scores, role).items()}
