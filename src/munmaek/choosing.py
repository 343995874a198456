"""The best model for a budget, of no stage that is named.

    counted candidates                     in seconds, first
    networks, each a share of the budget   a third of it in all
    the best of them                       the rest of the budget
    mixed with the counted                 kept where rows that chose nothing of it say that it pays

Every candidate reads the same training rows and is judged on the same held-out rows. The weights of
a mixture are tuned on one half of these and it is tested on the other, and the other way round,
against the best model alone by a paired bootstrap of the log-probability of each row (Koehn 2004);
if it is kept, its weights are tuned on all of them.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from munmaek.arrays import Floats
from munmaek.errors import ConfigError, UnsupportedError
from munmaek.fit.recipe import Recipe
from munmaek.fit.running import USUAL, Run, Running
from munmaek.metrics import CHOSE_WEIGHTS, VALIDATION, Score, in_role
from munmaek.metrics.measures import MEAN
from munmaek.metrics.score import lower_is_better
from munmaek.metrics.significance import paired_bootstrap
from munmaek.models import stage_named, stages_for
from munmaek.planning.making import planner_of
from munmaek.tasks import Candidate, Task, task_named
from munmaek.text.columns import noting_columns
from munmaek.text.memory import Sources
from munmaek.text.sources import encoded
from munmaek.writing import claim, scratch_folder

__all__ = ["Chosen", "Tried", "budget_of", "choose"]

_TRIALS = 1 / 3
"""Share of the budget for short runs of all networks together."""
_LEAST = 1 / 2
"""Share of the budget that the best network has at least, however long counting took."""
_SIGNIFICANT = 0.05
_TABLES = ("train", "model", "stage")
_HALVES = 20
"""Held-out rows from which on a mixture is tried."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A row of the table of what was tried."""

    name: str
    stage: str
    budget: float | None
    """Seconds that it had; None of what is counted or mixed."""
    seconds: float
    score: float
    metric: str
    kept: bool = False
    p_value: float | None = None
    """The p of a mixture against the best model alone."""
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


Found = tuple[Any, Tried]
"""A model and its row of the table."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The model, and the table of what was tried."""

    model: Any
    tried: tuple[Tried, ...]


def choose(
    task_name: str,
    paths: Sources,
    given: Mapping[str, Any],
    *,
    folder: Path | None = None,
    valid: Sources = (),
    running: Running = USUAL,
) -> Chosen:
    """Try the task's candidates within ``train.budget`` and return the best, saved in ``folder``.

    Args:
        task_name: the task.
        paths: training data: files, or tables in memory.
        given: options of the recipe, and of the training loop in the table ``train``; those of a
            stage need one that is named.
        folder: where the model is to be; None saves nothing.
        valid: held-out data; none holds some of the training data out.
        running: how the call is carried out.

    Raises:
        ConfigError: no budget, or options that want a stage.
        InputError: data that cannot be used, or ``folder`` exists.
        UnsupportedError: a task without candidates.
    """
    task = task_named(task_name)
    budget = budget_of(task, given)
    if running.resume:
        message = "--resume: which model was chosen is not kept; --force starts over"
        raise ConfigError(message)
    if folder is None:
        return _Choosing(task, paths, given, valid, running, budget).chosen()
    from munmaek.folder.writing import check_free

    with claim(folder):
        check_free(folder, force=running.force)
        found = _Choosing(task, paths, given, valid, running, budget).chosen()
        found.model.save(folder, force=running.force)
    return found


def budget_of(task: Task, given: Mapping[str, Any]) -> float:
    """Return the seconds that there are for all candidates.

    Raises:
        ConfigError: none are given, or options that want a stage.
        UnsupportedError: a task without candidates.
    """
    if not task.candidates:
        message = f"'{task.name}' has no candidates to choose from; give --model"
        raise UnsupportedError(message)
    if given.get("model"):
        names = ", ".join(given["model"])
        message = f"{names}: options of a stage; give --model with them"
        raise ConfigError(message)
    first = next(each for each in task.candidates if not stage_named(each.stage).counted)
    if budget := _recipe(task, first, given).train_config().budget:
        return budget
    able = ", ".join(each.name for each in stages_for(task.name))
    message = (
        f"which stage? give --model; for '{task.name}' there are {able}; or give --budget, and the "
        "best for it is chosen"
    )
    raise ConfigError(message)


def _recipe(
    task: Task, candidate: Candidate, given: Mapping[str, Any], budget: float | None = None
) -> Recipe:
    """Return a candidate's recipe, with what is given over its own options."""
    train: Mapping[str, Any] = given.get("train", {})
    counted = stage_named(candidate.stage).counted
    options = {
        name: each for name, each in given.items() if name not in ("train", "model", "stage")
    }
    kind = task.recipe_class()
    apart = kind.networks_only if counted else kind.counted_only
    return kind.of(
        {
            **candidate.options,
            **{name: each for name, each in options.items() if name not in apart},
            "task": task.name,
            "stage": candidate.stage,
            "train": {} if counted else {**train, **({} if budget is None else {"budget": budget})},
        },
        where="the options",
    )


class _Choosing:
    """The work from data to the model that is kept."""

    def __init__(
        self,
        task: Task,
        paths: Sources,
        given: Mapping[str, Any],
        valid: Sources,
        running: Running,
        budget: float,
    ) -> None:
        self.task, self.given, self.running, self.budget = task, given, running, budget
        self.work = task.loaded()
        self.clock = running.clock or time.perf_counter
        self.began = self.clock()
        first = _recipe(task, task.candidates[0], given)
        with noting_columns() as columns:
            corpus = self.work.read(encoded(paths, first.encoding), first)
        self.columns = columns
        held = self.work.read_validation(encoded(valid, first.encoding), first) if valid else None
        network = next(each for each in task.candidates if not stage_named(each.stage).counted)
        parted = self.work.prepare(corpus, held, _recipe(task, network, given))
        self.corpus, self.held = parted.train_corpus, parted.valid_corpus
        self.facts = self.work.facts(self.corpus)
        self.shared = parted if task.one_tokenizer else None
        self.metric = ""
        self.tried: list[Tried] = []

    def chosen(self) -> Chosen:
        """Return the best model, mixed where that pays."""
        counted = [each for each in self.task.candidates if stage_named(each.stage).counted]
        networks = [each for each in self.task.candidates if each not in counted]
        parts = [self._tried(each, None) for each in counted if self._can(each)]
        best = self._best_network([each for each in networks if self._can(each)])
        final = self._tried(best, self._rest(), name=f"{best.name}, the rest")
        singles = [final, *parts]
        single = min(singles, key=self._rank)
        made = self._mixed(final, parts, single)
        model = single[0] if made is None else made
        index = self.tried.index(single[1]) if made is None else len(self.tried) - 1
        self.tried[index] = replace(self.tried[index], kept=True)
        return Chosen(self._recorded(model, final[0]), tuple(self.tried))

    def _can(self, candidate: Candidate) -> bool:
        """Return whether a candidate can be trained on data of this kind."""
        counted = stage_named(candidate.stage).counted
        pairs = getattr(self.corpus, "seconds", None) is not None
        several = getattr(self.corpus, "sets", None) is not None
        return not (counted and (pairs or several))

    def _rest(self) -> float:
        """Return the seconds that are left for the best network."""
        return max(_LEAST * self.budget, self.budget - (self.clock() - self.began))

    def _best_network(self, networks: Sequence[Candidate]) -> Candidate:
        """Return the network that does best in a short run; a single one needs none."""
        if len(networks) == 1 or self._stopped():
            return networks[0]
        share = _TRIALS * self.budget / len(networks)
        short = [(self._tried(each, share), each) for each in networks]
        return min(short, key=lambda pair: self._rank(pair[0]))[1]

    def _stopped(self) -> bool:
        return self.running.should_stop is not None and self.running.should_stop()

    def _rank(self, found: Found) -> float:
        score = found[1].score
        return score if lower_is_better(self.metric) else -score

    def _tried(self, candidate: Candidate, budget: float | None, *, name: str = "") -> Found:
        """Train a candidate, judge it on the held-out rows and note it."""
        recipe, began = _recipe(self.task, candidate, self.given, budget), self.clock()
        model = self._trained(recipe)
        scores = self._scores(model)
        self.metric = self.metric or next(each for each in self.task.headline if each in scores)
        row = Tried(
            name or candidate.name,
            candidate.stage,
            budget,
            self.clock() - began,
            scores[self.metric].value,
            self.metric,
            options=dict(candidate.options),
        )
        self.tried.append(row)
        return model, row

    def _trained(self, recipe: Recipe) -> Any:
        extra, plan = self.task.nothing_more(), None
        planner = planner_of(None, self.running, resume=False, shared=self.shared is not None)
        if planner is not None and self.facts is not None and not recipe.is_counted:
            plan = planner(recipe, self.facts)
        if plan is not None:
            recipe, extra = plan.filled(recipe), plan.beside(extra)
        prepared = self.work.prepare(self.corpus, self.held, recipe, init=self.shared, extra=extra)
        with scratch_folder(Path(tempfile.gettempdir())) as scratch:
            running = self.running
            run = Run(
                running.device,
                scratch,
                report=running.report,
                should_stop=running.should_stop,
                clock=running.clock,
            )
            model = self.work.fit(prepared, recipe, run)
        info = model.info.with_columns(self.columns)
        if plan is not None:
            info = replace(info, training={**info.training, "plan": plan.to_json()})
        return replace(model, info=info)

    def _scores(self, model: Any) -> Mapping[str, Score]:
        return self.work.judge(model, self.held, self.task.asked_class()()).scores

    def _mixed(
        self,
        final: Found,
        parts: Sequence[Found],
        single: Found,
    ) -> Any:
        """Return the mixture of the network and what was counted where it pays, else None."""
        order = np.random.default_rng(0).permutation(self.held.size).tolist()
        if not parts or len(order) < _HALVES or not hasattr(self.held, "chosen"):
            return None
        middle, began = len(order) // 2, self.clock()
        halves = [self.held.chosen(sorted(rows)) for rows in (order[:middle], order[middle:])]
        models = [final[0], *(each for each, _ in parts)]
        ours, alone = list[Floats](), list[Floats]()
        for tuning, testing in (halves, halves[::-1]):
            trial = self.work.together(models, tuning)
            if trial is None:
                return None
            ours.append(self.work.likelihoods(trial, testing))
            alone.append(self.work.likelihoods(single[0], testing))
        rows = [
            np.stack([each, np.ones(len(each))], axis=1)
            for each in map(np.concatenate, (ours, alone))
        ]
        found = paired_bootstrap(rows[0], rows[1], MEAN, rng=np.random.default_rng(0))
        pays = found.difference > 0 and found.p_value < _SIGNIFICANT
        made = self.work.together(models, self.held)
        score = self._scores(made)[self.metric].value
        row = Tried(
            made.info.label,
            made.info.stage,
            None,
            self.clock() - began,
            score,
            self.metric,
            p_value=found.p_value,
        )
        self.tried.append(row)
        better = self._rank((made, row)) <= self._rank(single)
        return made if pays and better else None

    def _recorded(self, model: Any, network: Any) -> Any:
        """Return the model with its scores on the held-out rows, and what was tried."""
        info = model.info
        data = {**network.info.data, **info.data}
        scores = in_role(self._scores(model), VALIDATION, CHOSE_WEIGHTS)
        info = replace(
            info,
            data=data,
            seconds=self.clock() - self.began,
            scores={name: score.to_json() for name, score in scores.items()},
            training={**info.training, "tried": [each.to_json() for each in self.tried]},
        )
        return replace(model, info=info)
