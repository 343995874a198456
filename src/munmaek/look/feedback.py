"""Answering back: fine-tune on a person's marks, and a control without them, and compare.

Both begin from the same weights and take the same number of steps over the same sentences, in the
same order; only the one is told of the marked links (guided alignment: Chen et al. 2016, §3; Garg
et al. 2019, §4.3). What is reported is measured on sentences that neither has trained on here.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any, Literal

import numpy as np

from munmaek.align import MarkedPair, append_marks, tokenizer_hash
from munmaek.errors import InputError
from munmaek.fit.extra import Extra
from munmaek.fit.running import Running
from munmaek.look.feedback_material import Material, material
from munmaek.look.feedback_report import measure, report
from munmaek.look.pairs import Pairs
from munmaek.pipeline import train_recipe
from munmaek.tasks.loading import load_for
from munmaek.tasks.recipe import Recipe
from munmaek.tasks.translate.model import Translator
from munmaek.text.spaces import ascii_words
from munmaek.writing import scratch_folder

__all__ = ["WEIGHT", "Feedback", "guided_run"]

WEIGHT = 1.0
"""Weight of the loss on attention; more costs translation (``benchmarks/feedback.py --weight``)."""

Stage = Literal["preparing", "before", "guided", "control", "evaluating"]
Progress = Callable[[Stage, int, int], None]
"""Called with the stage, and how much of how much of it is done."""


def guided_run(
    folder: Path,
    chosen: Material,
    *,
    steps: int,
    learning_rate: float | None = None,
    weight: float = WEIGHT,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] | None = None,
    keep: Path | None = None,
) -> dict[str, Any]:
    """Train with and without the marks, and measure before, guided and control.

    Args:
        folder: a trained translator with attention.
        chosen: what to train on and what to judge by.
        steps: updates of each of the two runs.
        learning_rate: the highest of both; by default what the recipe trains the stage with.
        weight: of the loss on attention beside that on words.
        progress: called with how far it is.
        should_stop: asked after every step; a stopped run gives an empty report.
        keep: where to leave the guided model; none is kept by default.

    Returns:
        The report, as ``GET /api/guide`` shows it; empty where it was stopped.

    Raises:
        InputError: a model without attention.
    """
    progress = progress or _silent
    stopping = should_stop or _never
    model: Translator = load_for(folder, "translate", what="guided training")
    progress("before", 0, 1)
    results = {"before": measure(model, chosen.held)}
    if stopping():
        return {}
    with scratch_folder(Path(tempfile.gettempdir())) as place:
        files = _files(place, model, chosen)
        recipe = _recipe(model, steps=steps, learning_rate=learning_rate, weight=weight)
        for name in ("guided", "control"):
            progress(name, 0, steps)
            told = partial(_told, progress, name, steps)
            running = Running(report=told, should_stop=stopping)
            trained = _train(folder, recipe, files, name, running)
            if trained is None or stopping():
                return {}
            progress("evaluating", 0 if name == "guided" else 1, 2)
            results[name] = measure(trained, chosen.held)
            if name == "guided" and keep is not None:
                trained.save(keep, force=True)
    return report(results, chosen, steps=steps)


def _silent(stage: Stage, done: int, total: int) -> None:
    del stage, done, total


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class _Files:
    place: Path
    data: tuple[Path, Path]
    valid: tuple[Path, Path]
    marks: Path


def _files(place: Path, model: Translator, chosen: Material) -> _Files:
    def written(name: str, sources: Sequence[str], targets: Sequence[str]) -> tuple[Path, Path]:
        paths = place / f"{name}.source", place / f"{name}.target"
        for path, texts in zip(paths, (sources, targets), strict=True):
            lines = "".join(" ".join(ascii_words(text)) + "\n" for text in texts)
            path.write_text(lines, encoding="utf-8")
        return paths

    marks = place / "marks.jsonl"
    digest = tokenizer_hash(model.source_tokenizer, model.target_tokenizer)
    append_marks(marks, chosen.taught, tokenizer=digest)
    # The end of training validates on a few training sentences: it chooses nothing.
    few = slice(0, 20)
    return _Files(
        place,
        written("data", chosen.sources, chosen.targets),
        written("valid", chosen.sources[few], chosen.targets[few]),
        marks,
    )


def _told(progress: Progress, name: Stage, steps: int, done: Any) -> None:
    progress(name, done.step, steps)


def _recipe(model: Translator, *, steps: int, learning_rate: float | None, weight: float) -> Recipe:
    """Return the recipe of both runs."""
    rate = {} if learning_rate is None else {"learning_rate": learning_rate}
    return Recipe(
        task="translate",
        stage=model.info.stage,
        # Options that are not set are left to the recipe, which guides one head of a Transformer.
        model={name: value for name, value in model.info.config.items() if value is not None},
        train={
            **rate,
            "steps": steps,
            "validations": 1,
            "schedule": "linear",
        },
        max_length=model.limit,
        alignment_weight=weight,
    )


def _train(
    folder: Path,
    recipe: Recipe,
    files: _Files,
    name: Literal["guided", "control"],
    running: Running,
) -> Translator | None:
    trained: Any = train_recipe(
        recipe,
        [str(path) for path in files.data],
        folder=files.place / name,
        valid=[str(path) for path in files.valid],
        init=folder,
        extra=Extra(alignment_supervision=files.marks if name == "guided" else None),
        running=running,
    )
    return trained


class Feedback:
    """One guided run in the background, which can be watched and stopped."""

    def __init__(
        self, folder: Path, pairs: Pairs, marks: Sequence[MarkedPair], *, steps: int
    ) -> None:
        """Choose the material; ``start`` begins.

        Raises:
            InputError: too few marks.
        """
        self._folder = folder
        self._chosen = material(pairs, marks, rng=np.random.default_rng(0))
        self._steps = steps
        self._cancelled = Event()
        self._thread: Thread | None = None
        self._stage: tuple[Stage, int, int] = ("preparing", 0, 1)
        self._state: Literal["idle", "running", "stopping", "done", "failed"] = "idle"
        self._report: dict[str, Any] | None = None
        self._error: str | None = None

    @property
    def running(self) -> bool:
        """Return whether it is at work."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> str:
        """Begin and return the name of the run.

        Raises:
            InputError: it is at work already.
        """
        if self.running:
            raise InputError("a run is at work; wait for it or cancel it")
        self._state = "running"
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()
        return f"{id(self):x}"

    def cancel(self) -> None:
        """Ask it to end after the step at work, without waiting for that."""
        self._cancelled.set()
        if self._state == "running":
            self._state = "stopping"

    def stop(self) -> None:
        """End it after the step at work, and wait for that."""
        self.cancel()
        if self._thread is not None:
            self._thread.join()

    def wait(self) -> None:
        """Wait until it ends."""
        if self._thread is not None:
            self._thread.join()

    def state(self) -> dict[str, Any]:
        """Return how far it is, and at its end the report or why there is none."""
        stage, done, total = self._stage
        return {
            "state": self._state,
            "stage": stage,
            "done": done,
            "total": total,
            "report": self._report,
            "error": self._error,
        }

    def _reached(self, stage: Stage, done: int, total: int) -> None:
        self._stage = (stage, done, total)

    def _work(self) -> None:
        try:
            found = guided_run(
                self._folder,
                self._chosen,
                steps=self._steps,
                progress=self._reached,
                should_stop=self._cancelled.is_set,
            )
        except Exception as error:  # noqa: BLE001 - told to whoever asks, in their own thread
            self._error = " ".join(str(error).split()) or type(error).__name__
            self._state = "failed"
            return
        self._report = found or None
        self._state = "done" if found else "idle"
