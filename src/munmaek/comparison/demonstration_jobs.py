"""The demonstration's jobs: each trains or measures one thing, alike in any process."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from munmaek.comparison.crew import Job, Tell
from munmaek.comparison.demonstration_data import Data
from munmaek.comparison.demonstration_plan import SMALL, TRIALS, Plan, Trial
from munmaek.comparison.demonstration_shown import SHOWN, Made
from munmaek.comparison.entries import combined_entry, entry
from munmaek.comparison.yardsticks import yardsticks
from munmaek.fit.record import Progress
from munmaek.fit.running import Run
from munmaek.look.measures import first_word_influence, reading_work
from munmaek.models import stage_named
from munmaek.tasks import task_named
from munmaek.tasks.loading import load
from munmaek.tasks.recipe import Recipe

__all__ = ["JOBS", "LABELS", "Demonstrating", "Outcome"]

Parts = dict[str, Any]

TRAINED = 0.9
"""Share of a job that is training; the rest is testing."""

LENGTHS = (8, 16, 32, 64, 128, 256, 512)

MIXTURE, LIMITS, YARDSTICKS = "lm-mixture", "limits", "yardsticks"

NETWORKS = {trial.name: trial for trial in TRIALS}
LANGUAGE_MODELS = tuple(name for name in NETWORKS if name.startswith("lm-"))
MEASURED = ("lm-elman", "lm-rnn", "lm-self_attention")
"""Language models whose reach and work are drawn."""

LABELS = {**{name: trial.label for name, trial in NETWORKS.items()}, MIXTURE: "mixture"}


def _jobs(task: str) -> tuple[Job, ...]:
    return tuple(Job(each.name, each.needs) for each in TRIALS if each.task == task)


JOBS = (
    Job(YARDSTICKS),
    *_jobs("lm"),
    *_jobs("mlm"),
    Job(MIXTURE, LANGUAGE_MODELS),
    *_jobs("translate"),
    Job(LIMITS, MEASURED),
    *_jobs("classify"),
)
"""In the order in which they begin: the longest not last, lest one process wait for another."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a job."""

    row: dict[str, Any] | None = None
    """The model's entry in ``results.json``."""
    parts: Mapping[str, Any] | None = None
    """Further parts of ``results.json``; lists are joined to those of other jobs."""


@contextmanager
def _steady() -> Generator[None]:
    """Keep numbers from depending on how many threads there are."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Demonstrating:
    """Does the jobs of one demonstration; models go from job to job through their folders."""

    def __init__(self, folder: Path, plan: Plan, seed: int, force: bool) -> None:
        self.folder = folder
        self.plan = plan
        self.seed = seed
        self.force = force
        self.data = Data(plan, seed)

    def run(self, name: str, tell: Tell) -> Outcome:
        """Do the job called ``name``."""
        others: dict[str, Callable[[], Outcome]] = {
            MIXTURE: self._mixture,
            LIMITS: self._limits,
            YARDSTICKS: self._yardsticks,
        }

        def told(progress: Progress) -> None:
            tell(TRAINED * progress.progress, progress.loss)

        with _steady():
            return others[name]() if name in others else self._trained(NETWORKS[name], told)

    def _trained(self, trial: Trial, told: Callable[[Progress], None]) -> Outcome:
        """Train, measure and save one model, as a comparison does."""
        work, recipe = task_named(trial.task).loaded(), self._recipe(trial)
        init = self._load(trial.begins_from) if trial.begins_from else None
        prepared = self.data.prepared(recipe, init)
        model = work.fit(prepared, recipe, Run(init=init, report=told))
        test = self.data.corpus(trial.task, "test")
        kind = task_named(trial.task).asked_class()
        options = {"beam": self.plan.beam, "lengths": self.plan.edges, "by_length": True}
        known = {name: each for name, each in options.items() if name in kind.model_fields}
        how = kind.of(known, where="the demonstration")
        measured = work.measure(model, test, how)
        row = entry(model, measured, name=trial.name, task=trial.task)
        made = Made(trial.name, model, row, measured.outputs, self.data.book.test, self.seed)
        parts: Parts = {}
        for key in trial.shows:
            parts |= SHOWN[key](made)
        model.save(self._place(trial.name), force=self.force)
        return Outcome(row, parts)

    def _recipe(self, trial: Trial) -> Recipe:
        training = self.plan.trainings.get(trial.name)
        options: dict[str, Any] = {} if training is None else dict(training.recipe)
        if training is not None:
            steps = {"steps": training.steps, "validations": self.plan.validations}
            options["train"] = {**steps, **training.train}
        return Recipe.of(
            {
                "task": trial.task,
                "stage": trial.stage,
                "vocab_size": self.plan.vocab_size,
                "model": {**SMALL.get(trial.stage, {}), **trial.model},
                "max_tokens": self.plan.max_tokens,
                "seed": self.seed,
                **options,
            }
        )

    def _place(self, name: str) -> Path:
        return self.folder / "models" / name

    def _load(self, name: str) -> Any:
        return load(self._place(name))

    def _mixture(self) -> Outcome:
        """Mix the network that validates best with the n-gram model."""
        combiner = task_named("lm").loaded().combiner
        assert combiner is not None
        models = {name: self._load(name) for name in LANGUAGE_MODELS}
        counted = next(name for name in models if stage_named(NETWORKS[name].stage).counted)
        validation = {
            name: float(model.info.training["best_validation"])
            for name, model in models.items()
            if name != counted
        }
        names = [min(validation, key=validation.__getitem__), counted]
        held, test = (self.data.corpus("lm", part) for part in ("valid", "test"))
        made = combiner.combine([models[name] for name in names], held, test)
        return Outcome({**combined_entry(made, name=MIXTURE), "parts": names})

    def _limits(self) -> Outcome:
        """Measure how far back each network reaches, and how its work grows with the sentence."""
        models = {name: self._load(name) for name in MEASURED}
        tokenizer = models[MEASURED[0]].tokenizer
        encoded = tokenizer.encode_many(self.data.corpus("lm", "test").lines)
        influence: list[Parts] = []
        work: list[Parts] = []
        for name, model in models.items():
            network = model.model.network
            told = {"model": name, "label": LABELS[name]}
            distances = self.plan.distances
            norms = first_word_influence(network, encoded, bos=tokenizer.bos, distances=distances)
            influence.append({**told, "distance": list(distances), "norm": norms})
            counts = reading_work(network, vocab_size=tokenizer.vocab_size, lengths=LENGTHS)
            work.append({**told, "length": list(LENGTHS), "multiplications": counts})
        return Outcome(parts={"influence": influence, "work": work})

    def _yardsticks(self) -> Outcome:
        """Make what needs no network: what the data is, and what the models are judged by."""
        tokenizer = self.data.prepared(self._recipe(NETWORKS[LANGUAGE_MODELS[0]])).tokenizer
        baselines = yardsticks(self.data.book, tokenizer)
        return Outcome(parts={"data": self.data.describe(), "baselines": baselines})
