"""The same data and the same budget for several stages: trained, tested, side by side."""

import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from munmaek.comparison.entries import combined_entry, entry, results_header
from munmaek.comparison.events import Event, Message, StageFinished, StageProgress, StageStarted
from munmaek.comparison.remarks import remarks_on
from munmaek.comparison.report import write_report
from munmaek.comparison.seeds import NOTE, over_seeds, pooled
from munmaek.comparison.settings import Candidate, CompareSettings, parse_candidate, stage_of
from munmaek.comparison.splits import described_data, holds_out
from munmaek.comparison.tested import ROWS, Systems, save_rows, tests_of
from munmaek.comparison.unfinished import made_aside, same_data
from munmaek.errors import ArtefactError, ConfigError, UnsupportedError
from munmaek.fit.loggers import TensorBoard, loggers_of, telling
from munmaek.fit.ranks import leads
from munmaek.fit.recipe import Recipe, validation_roles
from munmaek.fit.record import Progress
from munmaek.fit.running import Run, Running
from munmaek.folder.borrowing import tokenizers_of
from munmaek.folder.info import MIXTURE
from munmaek.folder.manifest import MANIFEST
from munmaek.folder.naming import told_apart
from munmaek.metrics import CHOSE_WEIGHTS, TRAINED_ON, VALIDATION, Measure, Score, in_role
from munmaek.models import stage_named
from munmaek.pipeline import work_folder
from munmaek.planning.making import planner_of
from munmaek.planning.said import language_here, paragraph
from munmaek.tasks import Task, task_named
from munmaek.tasks.loading import load
from munmaek.tasks.records import read_record
from munmaek.tasks.work import Measured, Work
from munmaek.text.catalogue import Catalogue
from munmaek.text.columns import noting_columns
from munmaek.text.sources import encoded
from munmaek.writing import remove_whole, scratch_folder, write_text

__all__ = ["Candidate", "CompareSettings", "compare", "parse_candidate"]

Report = Callable[[Event], None]

_LEARNED = ("tokenizer", "source_tokenizer", "vocab_size", "min_count")
"""Options of a tokenizer that is learned."""


def _silent(_: Event) -> None:
    """Tell nobody."""


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
    folder = settings.folder
    loggers_of(settings.log_to, folder)  # which refuses names that are none, before anything else
    if folder is None:
        return _compared(settings, report)[0]
    asked, force, resume = _asked(settings), settings.force, settings.resume
    with made_aside(folder, asked=asked, force=force, resume=resume) as work:
        results, systems = _compared(replace(settings, folder=work), report)
        save_rows(systems, results, work / ROWS)
        written = json.dumps(results, ensure_ascii=False, indent=1)
        write_text(work / "results.json", written + "\n")
        write_report(results, work / "report.html")
    report(Message(f"{folder / 'report.html'}"))
    return results


def _asked(settings: CompareSettings) -> dict[str, Any]:
    """Return what must be the same when a comparison goes on."""
    return {
        "recipe": settings.recipe.model_dump(mode="json"),
        "models": [f"{each.stage or ''}@{each.folder or ''}" for each in settings.candidates],
        "options": settings.models,
        **({"seeds": list(settings.seeds)} if settings.seeds else {}),
        **settings.measuring,
    }


@dataclass(frozen=True, slots=True)
class _Training:
    """One candidate while it is trained."""

    settings: CompareSettings
    candidate: Candidate
    report: Report
    name: str
    """Name of its row and folder; no other candidate has it."""
    apart: str = ""
    """Stands behind its label, where another candidate's may be the same."""
    seed: int | None = None
    """The seed of one of several runs; None is the recipe's own."""

    def runs(self) -> "list[_Training]":
        """Return one for each seed; itself alone where no seed changes the model."""
        if self.candidate.stage is None or self.recipe().is_counted:
            return [self]
        return [replace(self, seed=seed) for seed in self.settings.seeds] or [self]

    @property
    def place(self) -> str:
        """Return the name of the folder: that of the row, with the seed from the second run on."""
        first = self.seed is None or self.seed == self.settings.seeds[0]
        return self.name if first else f"{self.name}-seed-{self.seed}"

    def recipe(self) -> Any:
        own = self.settings.recipe
        stage = self.candidate.stage or own.stage
        changed = {"stage": stage, "model": self.settings.models.get(stage, {})}
        if self.seed is not None:  # the rows that are held out stay those of the recipe's seed
            changed |= {"seed": self.seed, "hold_out_seed": own.choice_seed}
        return own.model_copy(update=changed)

    def trained(self, fit: Callable[[Any, Run], Any]) -> Any:
        """Load or train, and keep the model if there is a folder."""
        budget = self.settings.recipe.train.get("budget")
        label = self.candidate.name
        if self.seed is not None:
            label += f" (seed {self.seed})"
        self.report(StageStarted(self.name, self.settings.recipe.task, label, budget))
        if self.candidate.stage is None:
            assert self.candidate.folder is not None
            return load(self.candidate.folder)
        if self.settings.folder is None:
            with scratch_folder(Path(tempfile.gettempdir())) as scratch:
                return fit(self.recipe(), self._run(scratch))
        place = self.settings.folder / "models" / self.place
        if place.exists() and (model := self._taken(place)) is not None:
            return model
        model = fit(self.recipe(), self._run(work_folder(place)))
        model.save(place)
        shutil.rmtree(work_folder(place), ignore_errors=True)
        return model

    def followed(self) -> AbstractContextManager[Callable[[Mapping[str, Any]], None]]:
        """Let loggers follow the training; the context takes the scores."""
        if self.candidate.stage is None or not leads():
            return telling((), {})
        place, recipe = self.settings.folder, self.recipe()
        logs = None if place is None else place / "logs" / self.place
        loggers = loggers_of(self.settings.log_to, logs)
        if recipe.is_counted:  # in one go, with no curve
            loggers = tuple(each for each in loggers if not isinstance(each, TensorBoard))
        return telling(loggers, recipe.model_dump(mode="json"))

    def _run(self, folder: Path) -> Run:
        init = None if self.candidate.folder is None else load(self.candidate.folder)
        resume = self.settings.resume
        running = Running(device=self.settings.device, planned=self._plan)
        planner = planner_of(folder, running, resume=resume, shared=True)
        return Run(
            self.settings.device, folder, resume, init, report=self._progress, planner=planner
        )

    def _plan(self, plan: Any) -> None:
        said = paragraph(plan.to_json(), plan.stage, language_here())
        self.report(Message(f"{self.name}: {said}"))

    def _taken(self, place: Path) -> Any:
        """Return what was trained before; None where it is damaged, and removed."""
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
            _say_roles(row, TRAINED_ON)
        elif not self.settings.test:
            _say_roles(row, *(validation_roles(self.recipe()) if own else (VALIDATION,)))
        row["label"] += self.apart
        results["models"].append(row)
        self.report(StageFinished(self.name, row))
        for each in row["diagnosis"]:
            if each["found"]:
                self.report(Message(f"warning: {self.name}: {each['message']}"))

    def _has_read(self, data: dict[str, Any]) -> bool:
        """Return whether the folder's model was trained on what it is tested on.

        What is held out here is among the rows of a model that was trained on as much as there is.
        """
        folder = self.candidate.folder
        if folder is None or not (folder / MANIFEST).is_file():
            return False
        train = read_record(folder)["data"].get("train", {})
        if train.get("sha256") == data["test_fingerprint"]:
            return True
        whole = data["train"] + (0 if self.settings.valid else data["valid"])
        same = train.get("name") == data["name"] and train.get("rows") == whole
        return data["tested_on"] == "validation" and not self.settings.valid and same


def _trainings(
    settings: CompareSettings, results: dict[str, Any], report: Report
) -> list[_Training]:
    """Name every candidate for itself, once the data is known to be the same as before."""
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


@dataclass(frozen=True, slots=True)
class _Material:
    """The data of a comparison, and how each candidate is trained on it."""

    settings: CompareSettings
    work: Work[Any, Any, Any]
    corpus: Any
    valid: Any
    """The validation data as given; None where rows are held out, or nothing validates."""
    holding: bool
    prepared: Any
    """For all who train from nothing."""
    test: Any
    columns: Mapping[str, str | int]
    """Columns that the training data was read from, by their role."""

    @classmethod
    def of(cls, settings: CompareSettings, work: Work[Any, Any, Any]) -> "_Material":
        """Read the data and part it."""
        recipe, holding = settings.recipe, holds_out(settings)
        given, held, tested = (
            encoded(each, recipe.encoding)
            for each in (settings.train, settings.valid, settings.test)
        )
        with noting_columns() as columns:
            corpus = work.read(given, recipe)
        valid = work.read_validation(held, recipe) if held else None
        prepared = work.prepare(corpus, valid, recipe, holding=holding)
        test = prepared.valid_corpus
        if tested:
            test = work.read_validation(tested, recipe)
        assert test is not None  # without a test, something is held out
        work.check_test(test)
        return cls(settings, work, corpus, valid, holding, prepared, test, columns)

    def counts_all(self, recipe: Recipe) -> bool:
        """Return whether held-out rows are counted too, for nothing is validated or tested."""
        tested_elsewhere = self.holding and bool(self.settings.test)
        return tested_elsewhere and not recipe.is_trained and self.work.combiner is None

    def fit(self, recipe: Recipe, run: Run) -> Any:
        """Train the recipe's stage, as its budget plans, in the tokens of what it begins from."""
        plan = run.planned(recipe, lambda: self.work.facts(self.corpus))
        if plan is not None:
            recipe = plan.filled(recipe)
        prepare, prepared = self.work.prepare, self.prepared
        if self.counts_all(recipe):
            anew = _without_tokenizer(recipe)
            prepared = prepare(self.corpus, None, anew, init=prepared, holding=False)
        elif run.init is not None and tokenizers_of(run.init):
            anew = _without_tokenizer(recipe)
            prepared = prepare(self.corpus, self.valid, anew, init=run.init, holding=self.holding)
        model = self.work.fit(prepared, recipe, run)
        info = model.info.with_columns(self.columns)
        if plan is not None:
            info = replace(info, training={**info.training, "plan": plan.to_json()})
        return replace(model, info=info)

    def note_on_counts(self) -> str:
        """Return why counted models leave rows held out; empty where they do not."""
        counted = [
            each.stage
            for each in self.settings.candidates
            if each.stage is not None and stage_named(each.stage).counted
        ]
        held = self.prepared.valid_corpus
        if not counted or self.work.combiner is None or held is None or self.settings.valid:
            return ""
        why = "choose the weight of the mixture" if self.settings.test else "are tested on"
        return f"{counted[0]}: counted without the {held.size:,} rows held out, which {why}"


def _without_tokenizer(recipe: Recipe) -> Recipe:
    """Return the recipe for data in tokens that are known already."""
    given = recipe.model_dump(exclude_unset=True)
    return type(recipe).of({name: each for name, each in given.items() if name not in _LEARNED})


def _compared(settings: CompareSettings, report: Report) -> tuple[dict[str, Any], Systems]:
    results = results_header(title=settings.title or "Comparison", command=settings.command)
    task = task_named(settings.recipe.task)
    work = task.loaded()
    material = _Material.of(settings, work)
    asked = task.asked_class().of({**settings.measuring, "whole": True}, where="the options")
    described = material.prepared.describe()
    results["data"] = [described_data(settings, described, material.test)]
    compared: list[tuple[Any, Measured]] = []
    outputs: dict[str, Sequence[str]] = {}
    systems: dict[str, Mapping[str, Measure]] = {}
    for training in _trainings(settings, results, report):
        if training.candidate.stage is not None and material.counts_all(training.recipe()):
            kind = training.recipe().stage
            _note(results, f"{kind}: counts all of {material.corpus.name}, held-out rows too")
        runs = training.runs()
        made = [_measured(each, task, material, asked) for each in runs]
        row = over_seeds([row for _, _, row in made], [each.seed for each in runs])
        training.finished(results, row)
        compared.append(made[0][:2])
        outputs[training.name] = made[0][1].outputs
        systems[training.name] = pooled([measured.measures for _, measured, _ in made])
    systems |= _combine(compared, results, material, report)
    results |= work.examples(material.test, outputs)
    if note := material.note_on_counts():
        _note(results, note)
    if any("spread" in row for row in results["models"]):
        kind = NOTE.removeprefix("note.")
        _note(results, {"kind": kind, "sentence": Catalogue().text(NOTE)})
    results["tests"] = tests_of(results, systems)
    results["remarks"] = [each.to_json() for each in remarks_on(results)]
    return results, systems


def _measured(
    training: _Training, task: Task, material: _Material, asked: Any
) -> tuple[Any, Measured, dict[str, Any]]:
    """Train one run and measure it; with its row."""
    with training.followed() as take:
        model = training.trained(material.fit)
        if not task.serves(model.info.task):
            message = f"a model for '{model.info.task}' cannot be compared at '{task.name}'"
            raise UnsupportedError(message)
        if note := material.work.remark(model, material.test):
            training.report(Message(f"note: {training.place}: {note}"))
        measured = material.work.measure(model, material.test, asked)
        row = entry(model, measured, name=training.name, task=task.name)
        take(row["scores"])
    return model, measured, row


def _combine(
    compared: Sequence[tuple[Any, Measured]],
    results: dict[str, Any],
    material: _Material,
    report: Report,
) -> Systems:
    """Add the row of what the task makes of several models, where it makes anything.

    Return what its scores are computed of, by its name.
    """
    combiner, held = material.work.combiner, material.prepared.valid_corpus
    if combiner is None or held is None:
        return {}
    parts = combiner.chosen(compared)
    if not parts:
        return {}
    task = material.settings.recipe.task
    name = f"{task}-{MIXTURE}"
    report(StageStarted(name, task, MIXTURE, None))
    made = combiner.combine(parts, held, material.test)
    row = combined_entry(made, name=name)
    if held is material.test:
        _say_roles(row, VALIDATION, CHOSE_WEIGHTS)
    results["models"].append(row)
    report(StageFinished(name, row))
    return {name: made.measured.measures}


def _note(results: dict[str, Any], note: str | dict[str, str]) -> None:
    results.setdefault("notes", []).append(note)


def _say_roles(row: dict[str, Any], *roles: str) -> None:
    """Write beside each score of a row what its data had been used for."""
    scores = {name: Score.from_json(name, score) for name, score in row["scores"].items()}
    row["scores"] = {name: score.to_json() for name, score in in_role(scores, *roles).items()}
