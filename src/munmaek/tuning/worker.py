"""Training one model after another in one process, each followed and perhaps given up."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from munmaek.errors import ConfigError, TrainingError
from munmaek.fit.recipe import Recipe
from munmaek.fit.running import Running
from munmaek.pipeline import train_recipe, work_folder
from munmaek.tuning.space import applied, suggested
from munmaek.tuning.study import (
    Search,
    Standing,
    finished,
    headline,
    opened,
    optuna_of,
    signed,
    standing,
    trial_name,
    trials_folder,
)
from munmaek.writing import remove_whole

__all__ = ["Watch", "Worker"]


class Worker:
    """Trains one model after another in one process."""

    def __init__(
        self,
        search: Search,
        *,
        report: Callable[[Standing], None] | None = None,
        should_stop: Callable[[], bool],
        worker: int = 0,
    ) -> None:
        """Take what is searched for.

        Args:
            search: the same in every process.
            report: told how far the search is.
            should_stop: asked after every step.
            worker: the number of the process.
        """
        self.search, self.report, self.asked = search, report, should_stop
        self.place = trials_folder(search.folder)
        self.study = opened(search, self.place, worker=worker)
        self.space = search.space
        self.ends = None if search.seconds is None else time.monotonic() + search.seconds

    def work(self) -> None:
        """Make trials until there are as many, or the time is over, or somebody stops it."""
        while not self.ended() and finished(self.study) < self.search.trials:
            self.study.optimize(self.trial, n_trials=1)

    def ended(self) -> bool:
        """Return whether no trial is to go on."""
        return self.asked() or (self.ends is not None and time.monotonic() >= self.ends)

    def trial(self, trial: Any) -> float:
        """Train one model; return its leading score, the higher the better.

        Raises:
            TrialPruned: it was given up, cut short or refused; ``state`` says which.
        """
        optuna = optuna_of()
        watch = Watch(self, trial)
        folder, began = self.place / trial_name(trial.number), time.monotonic()
        try:
            recipe = applied(self.search.recipe, suggested(trial, self.space))
            model = self._trained(recipe, folder, watch)
        except (ConfigError, TrainingError) as error:
            if trial.number == 0:
                raise
            trial.set_user_attr("state", "refused")
            trial.set_user_attr("reason", str(error))
            raise optuna.TrialPruned from error
        scores = {name: float(each["value"]) for name, each in model.info.scores.items()}
        trial.set_user_attr("scores", scores)
        trial.set_user_attr("seconds", time.monotonic() - began)
        value = signed(scores, headline(self.search.recipe, scores))
        stopped = model.info.training.get("stopped") == "interrupted"
        if stopped:
            trial.set_user_attr("state", "given up" if watch.given_up else "cut short")
        if stopped and (watch.given_up or self._has_done()):
            remove_whole(folder)
        elif not stopped:
            self._clear(value, folder)
        remains = work_folder(folder)
        if remains.exists():
            remove_whole(remains)
        if stopped:
            trial.set_user_attr("value", value)
            raise optuna.TrialPruned
        return value

    def _trained(self, recipe: Recipe, folder: Path, watch: "Watch") -> Any:
        search = self.search
        return train_recipe(
            recipe,
            search.data,
            folder=folder,
            valid=search.valid,
            init=search.init,
            extra=search.extra,
            running=Running(
                True, False, search.device, watch.report, watch.should_stop, search.log_to
            ),
        )

    def _has_done(self) -> bool:
        return any(each.value is not None for each in self.study.trials)

    def _clear(self, value: float, own: Path) -> None:
        """Leave only the folder of the best trial: the new one's, or that of one before."""
        done = [each for each in self.study.trials if each.value is not None]
        if any(each.value >= value for each in done):
            remove_whole(own)
            return
        for each in done:
            shutil.rmtree(self.place / trial_name(each.number), ignore_errors=True)


class Watch:
    """Follows one trial: its validation losses go to Optuna, which may give it up."""

    def __init__(self, worker: Worker, trial: Any) -> None:
        """Begin before its first step."""
        self.worker, self.trial = worker, trial
        self.last: float | None = None
        self.step = 0
        self.given_up = False

    def report(self, now: Any) -> None:
        """Take where the run stands."""
        validation = getattr(now, "validation", None)
        if validation is not None and validation != self.last:
            self.last = validation
            self._compare(validation, now.progress)
        if self.worker.report is not None:
            self.worker.report(standing(self.worker.study, self.worker.search, now.progress))

    def _compare(self, validation: float, progress: float) -> None:
        """Give the trial up where others were better at the same share of their runs."""
        step = 10 * round(10 * progress)
        if step > self.step and progress < 1 and not self.given_up:
            self.step = step
            self.trial.report(-validation, step=step)
            self.given_up = self.trial.should_prune()

    def should_stop(self) -> bool:
        """Return whether the trial ends here."""
        return self.given_up or self.worker.ended()
