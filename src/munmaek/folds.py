"""Cross-validation: each part of the data tests a model that was trained on all others.

Parts are drawn at random with one seed; where rows have labels, each part has its share of each
(stratified). A network holds validation rows out of what it is trained on as ever, so that no part
chooses anything of the model that it tests. Mean and standard deviation are over the parts, whose
training data overlap, so that the deviation is no standard error (Bengio & Grandvalet 2004).
"""

import json
import statistics
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from munmaek.errors import InputError
from munmaek.fit.holding import folds_of
from munmaek.fit.recipe import Recipe
from munmaek.fit.running import USUAL, Run, Running
from munmaek.metrics import Score
from munmaek.tasks import task_named
from munmaek.tasks.loading import load
from munmaek.text.json_files import read_json_object
from munmaek.text.memory import Sources
from munmaek.text.sources import encoded
from munmaek.writing import beside, claim, scratch_folder, write_text, writing

__all__ = ["CrossValidated", "Fold", "cross_validate", "folds_folder"]

FOLDS = "folds.json"


@dataclass(frozen=True, slots=True)
class Fold:
    """One part, and the scores on it of the model that was trained on the others."""

    number: int
    """From 1."""
    trained_on: int
    """Rows of all other parts; a network holds some of them out."""
    tested_on: int
    scores: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class CrossValidated:
    """The scores of all parts."""

    folds: tuple[Fold, ...]
    data: str
    wanted: int
    """Parts that were asked for; fewer are there where the run was stopped."""

    def summaries(self) -> list[dict[str, Any]]:
        """Return mean, standard deviation (n − 1), least and greatest of each score."""
        out: list[dict[str, Any]] = []
        for name in self.folds[0].scores if self.folds else ():
            values = [
                float(each.scores[name]["value"]) for each in self.folds if name in each.scores
            ]
            spread = statistics.stdev(values) if len(values) > 1 else None
            ends = {"least": min(values), "most": max(values), "folds": len(values)}
            out.append({"score": name, "mean": statistics.mean(values), "spread": spread, **ends})
        return out

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for machines and for ``folds.json``."""
        return {
            "data": self.data,
            "folds": [each.to_json() for each in self.folds],
            "summary": self.summaries(),
        }


def folds_folder(folder: Path) -> Path:
    """Return where the scores of the parts stand: ``DIR.folds``."""
    return beside(folder, ".folds")


def cross_validate(
    recipe: Recipe,
    paths: Sources,
    *,
    folds: int,
    folder: Path | None = None,
    init: Any = None,
    running: Running = USUAL,
) -> CrossValidated:
    """Train and test once for each part of the data.

    Args:
        recipe: what to train.
        paths: the data: files, or tables in memory.
        folds: how many parts.
        folder: of the model that is trained on all data later; the scores stand beside it, in
            ``DIR.folds``, so that ``running.resume`` keeps those that are there. None keeps none.
        init: a trained model, or its folder, to begin from.
        running: how the call is carried out.

    Raises:
        InputError: data that cannot be used, fewer rows than folds, or scores that are there.
    """
    work = task_named(recipe.task).loaded()
    corpus = work.read(encoded(paths, recipe.encoding), recipe)
    work.check_test(corpus)
    parts = folds_of(corpus.size, folds, seed=recipe.choice_seed, labels=work.strata(corpus))
    before = load(init) if isinstance(init, str | Path) else init
    place = None if folder is None else folds_folder(folder)
    done = _kept(place, corpus.fingerprint, folds, running)
    for number in range(len(done), folds):
        if running.should_stop is not None and done and running.should_stop():
            break
        done.append(_tested(recipe, corpus, parts == number, number, before, running))
        if place is not None:
            with claim(place), writing(place):
                place.mkdir(parents=True, exist_ok=True)
                found = CrossValidated(tuple(done), corpus.name, folds).to_json()
                known = {"sha256": corpus.fingerprint, "wanted": folds, **found}
                write_text(place / FOLDS, json.dumps(known, ensure_ascii=False, indent=1) + "\n")
    return CrossValidated(tuple(done), corpus.name, folds)


def _kept(place: Path | None, fingerprint: str, folds: int, running: Running) -> list[Fold]:
    """Return the parts that an interrupted call has done.

    Raises:
        InputError: scores are there, and the call neither goes on nor replaces them; or they are of
            other data or parts.
    """
    if place is None or not (place / FOLDS).is_file() or running.force:
        return []
    if not running.resume:
        message = f"{place}: earlier folds are there; --resume goes on, --force starts over"
        raise InputError(message)
    found = read_json_object(place / FOLDS)
    if found.get("sha256") != fingerprint or found.get("wanted") != folds:
        message = f"{place}: folds of other data or of another number; --force starts over"
        raise InputError(message)
    return [Fold(**each) for each in found["folds"]]


def _tested(
    recipe: Recipe, corpus: Any, held: Any, number: int, init: Any, running: Running
) -> Fold:
    """Return the scores on the rows that are held of a model trained on the others."""
    task = task_named(recipe.task)
    work, kind = task.loaded(), task.asked_class()
    train = corpus.chosen(np.flatnonzero(~held).tolist())
    test = corpus.chosen(np.flatnonzero(held).tolist(), name=f"fold {number + 1} of {corpus.name}")
    prepared = work.prepare(train, None, recipe, init=init)
    with scratch_folder(Path(tempfile.gettempdir())) as scratch:
        run = Run(running.device, scratch, False, init, running.report, running.should_stop)
        model = work.fit(prepared, recipe, run)
        scores = work.judge(model, test, kind()).scores
    return Fold(number + 1, train.size, test.size, _json(scores))


def _json(scores: Mapping[str, Score]) -> dict[str, Any]:
    return {name: score.to_json() for name, score in scores.items()}
