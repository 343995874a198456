"""Answering back: fine-tune on a person's marks, and a control without them, and compare.

Both begin from the same weights and take the same number of steps over the same sentences, in the
same order; only the one is told of the marked links (guided alignment: Chen et al. 2016, §3; Garg
et al. 2019, §4.3). What is reported is measured on sentences that neither has trained on here.

Letters: N sentences.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from munmaek.align import MarkedPair, append_marks, tokenizer_hash
from munmaek.artefact import Translator, load_as
from munmaek.errors import InputError
from munmaek.look.pairs import Pairs
from munmaek.metrics import Comparison, Link, Score, paired_bootstrap, translation_scores
from munmaek.metrics.alignment import alignment_scores
from munmaek.metrics.translation import bleu_from_sums, bleu_statistics
from munmaek.recipe import Recipe, train

__all__ = ["Feedback", "Material", "Measured", "guided_run", "material", "measure"]

HELD_MOST = 400
"""Held-out sentences that are translated and aligned at most."""
TAUGHT_SHARE = 4
"""One in so many training sentences is a marked one; a few marks are repeated for that."""
OTHERS_MOST = 4000
WEIGHT = 1.0
"""Of the loss on attention; more costs translation (``benchmarks/feedback.py --weight``)."""
MARKS_LEAST = 3

Stage = Literal["preparing", "before", "guided", "control", "evaluating"]
Tell = Callable[[Stage, int, int], None]
"""Told of the stage, and how much of how much of it is done."""


@dataclass(frozen=True, slots=True)
class Material:
    """What is trained on and what it is judged by; no sentence is in both."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    taught: tuple[MarkedPair, ...]
    """Marked pairs that training is told of; they are among the sentences."""
    held: tuple[MarkedPair, ...]
    split: str
    """How the held-out ones were chosen, in words."""


def material(
    pairs: Pairs,
    marks: Sequence[MarkedPair],
    *,
    rng: np.random.Generator,
) -> Material:
    """Choose what to teach and what to hold out.

    Where the pairs have gold links, all marks are taught and pairs without marks are held out; else
    a third of the marks is held out.

    Args:
        pairs: those that were looked through.
        marks: what was marked.
        rng: draws the order.

    Raises:
        InputError: too few marks.
    """
    if len(marks) < MARKS_LEAST:
        message = f"{len(marks)} sentences are marked; mark at least {MARKS_LEAST} first"
        raise InputError(message)
    marks = [marks[int(index)] for index in rng.permutation(len(marks))]
    if pairs.gold is not None:
        known = {each.key for each in marks}
        rest = [each for each in pairs.gold if each.key not in known]
        held = [rest[int(index)] for index in rng.permutation(len(rest))[:HELD_MOST]]
        taught = marks
        split = f"{len(held)} pairs of {pairs.name} with gold links that were not marked"
    else:
        cut = max(1, len(marks) // 3)
        held, taught = marks[:cut], marks[cut:]
        split = f"{len(held)} of {len(marks)} marked pairs, drawn with a fixed seed"
    sources, targets = _sentences(pairs, taught, held, rng)
    return Material(sources, targets, tuple(taught), tuple(held), split)


def _sentences(
    pairs: Pairs,
    taught: Sequence[MarkedPair],
    held: Sequence[MarkedPair],
    rng: np.random.Generator,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What both runs train on: others, and the marked ones as often as makes their share."""
    closed = {each.key for each in (*held, *taught)}
    sources, targets = pairs.training or (pairs.sources, pairs.targets)
    rows = [
        (source, target)
        for source, target in zip(sources, targets, strict=True)
        if MarkedPair(source, target).key not in closed
    ]
    others = [rows[int(index)] for index in rng.permutation(len(rows))[:OTHERS_MOST]]
    repeats = max(1, round(len(others) / ((TAUGHT_SHARE - 1) * len(taught))))
    both = [*others, *((each.source, each.target) for each in taught for _ in range(repeats))]
    return tuple(source for source, _ in both), tuple(target for _, target in both)


@dataclass(frozen=True, slots=True)
class Measured:
    """A translator on held-out sentences, with what each sentence adds to the sums."""

    aer: Score
    bleu: Score
    links: NDArray[np.int64]
    """[N 4]: |A ∩ S|, |A ∩ P|, |A|, |S| of each sentence."""
    matches: NDArray[np.int64]
    """[N 10]: BLEU's counts."""

    def to_json(self) -> dict[str, Any]:
        """Both scores with their intervals."""
        return {"aer": self.aer.to_json(), "bleu": self.bleu.to_json()}


def measure(model: Translator, held: Sequence[MarkedPair], *, beam: int = 5) -> Measured:
    """AER of attention's strongest links under forced decoding, and BLEU of beam search."""
    sources, targets = [each.source for each in held], [each.target for each in held]
    aligned = model.align(sources, targets)
    if any(each.alignment is None for each in aligned):
        message = f"a '{model.info.stage}' model has no attention that could be guided"
        raise InputError(message)
    found = [frozenset(each.alignment or ()) for each in aligned]
    signature = model.signature(beam=beam)
    scores = alignment_scores(
        found,
        [each.sure for each in held],
        possible=[each.sure | each.possible for each in held],
        signature=signature,
        rng=np.random.default_rng(0),
    )
    outputs = [each.translation for each in model.translate(sources, beam=beam, links=False)]
    return Measured(
        aer=scores["aer"],
        bleu=translation_scores(
            outputs, targets, signature=signature, rng=np.random.default_rng(0)
        )["bleu"],
        links=np.array([_counts(*each) for each in zip(found, held, strict=True)]),
        matches=bleu_statistics(outputs, targets),
    )


def _counts(found: frozenset[Link], gold: MarkedPair) -> tuple[int, int, int, int]:
    allowed = gold.sure | gold.possible
    return len(found & gold.sure), len(found & allowed), len(found), len(gold.sure)


def _rate(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 - (sums[:, 0] + sums[:, 1]) / np.maximum(sums[:, 2] + sums[:, 3], 1)


def guided_run(
    folder: Path,
    chosen: Material,
    *,
    steps: int,
    learning_rate: float | None = None,
    weight: float = WEIGHT,
    tell: Tell | None = None,
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
        tell: told how far it is.
        should_stop: asked after every step; a stopped run gives an empty report.
        keep: where to leave the guided model; none is kept by default.

    Returns:
        The report, as ``GET /api/guide`` shows it; empty where it was stopped.

    Raises:
        InputError: a model without attention.
    """
    tell = tell or _silent
    stopping = should_stop or _never
    model: Translator = load_as(folder, Translator, what="guided training")
    tell("before", 0, 1)
    results = {"before": measure(model, chosen.held)}
    with tempfile.TemporaryDirectory(prefix="munmaek-guide-") as place:
        files = _files(Path(place), model, chosen)
        for name in ("guided", "control"):
            trained = _train(
                folder, model, files, name, steps=steps, learning_rate=learning_rate, weight=weight,
                tell=tell, should_stop=stopping,
            )  # fmt: skip
            if trained is None or stopping():
                return {}
            tell("evaluating", 0 if name == "guided" else 1, 2)
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
            lines = "".join(" ".join(text.split()) + "\n" for text in texts)
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


def _train(
    folder: Path,
    model: Translator,
    files: _Files,
    name: Literal["guided", "control"],
    *,
    steps: int,
    learning_rate: float | None,
    weight: float,
    tell: Tell,
    should_stop: Callable[[], bool],
) -> Translator | None:
    rate = {} if learning_rate is None else {"learning_rate": learning_rate}
    recipe = Recipe(
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
        limit=model.limit,
        guide_weight=weight,
    )
    tell(name, 0, steps)
    trained = train(
        recipe,
        [str(path) for path in files.data],
        folder=files.place / name,
        valid=[str(path) for path in files.valid],
        init=folder,
        guide=files.marks if name == "guided" else None,
        report=lambda progress: tell(name, progress.step, steps),
        should_stop=should_stop,
    )
    return trained if isinstance(trained, Translator) else None


def report(results: Mapping[str, Measured], chosen: Material, *, steps: int) -> dict[str, Any]:
    """What changed, with intervals, and one line that says so or says that nothing did."""
    rng = np.random.default_rng(0)
    guided, control, before = results["guided"], results["control"], results["before"]
    links = paired_bootstrap(guided.links, control.links, _rate, rng=rng)
    quality = paired_bootstrap(guided.matches, before.matches, bleu_from_sums, rng=rng)
    cost = paired_bootstrap(guided.matches, control.matches, bleu_from_sums, rng=rng)
    improved = links.high < 0 and guided.aer.value < before.aer.value
    # Further training alone may make both better, the control by more: that is a cost too.
    worse = [name for name, one in (("before", quality), ("control", cost)) if one.high < 0]
    return {
        **{name: each.to_json() for name, each in results.items()},
        "difference": {
            "aer": _told(links, "guided - control"),
            "bleu": _told(quality, "guided - before"),
            "bleu_control": _told(cost, "guided - control"),
        },
        "steps": steps,
        "taught": len(chosen.taught),
        "held": len(chosen.held),
        "split": chosen.split,
        "improved": improved and not worse,
        "outcome": _outcome(improved=improved, worse=worse),
        "verdict": _verdict(results, improved=improved, worse=worse),
    }


def _told(each: Comparison, what: str) -> dict[str, Any]:
    return {
        "of": what,
        "value": each.difference,
        "low": each.low,
        "high": each.high,
        "p_value": each.p_value,
    }


def _outcome(*, improved: bool, worse: Sequence[str]) -> str:
    if improved:
        return "improved, but translation is worse" if worse else "improved"
    return "not improved"


def _verdict(results: Mapping[str, Measured], *, improved: bool, worse: Sequence[str]) -> str:
    aer = {name: f"{each.aer.value:.3f}" for name, each in results.items()}
    bleu = {name: f"{each.bleu.value:.1f}" for name, each in results.items()}
    figures = (
        f"alignment error rate on held-out sentences {aer['before']} before, {aer['guided']} with "
        f"the marks, {aer['control']} after as many steps without; BLEU {bleu['before']}, "
        f"{bleu['guided']}, {bleu['control']}"
    )
    if not improved:
        return f"Nothing improved that the control does not explain: {figures}."
    if worse:
        than = {"before": "than before", "control": "than the control's"}
        told = " and ".join(than[each] for each in worse)
        return f"The links improved, but the translations are worse {told}: {figures}."
    return f"The marks improved the links: {figures}."


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
        self._state: Literal["idle", "running", "done", "failed"] = "idle"
        self._report: dict[str, Any] | None = None
        self._error: str | None = None

    @property
    def running(self) -> bool:
        """Whether it is at work."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> str:
        """Begin; the name of the run.

        Raises:
            InputError: it is at work already.
        """
        if self.running:
            raise InputError("a run is at work; wait for it or cancel it")
        self._state = "running"
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()
        return f"{id(self):x}"

    def stop(self) -> None:
        """End it after the step at work, and wait for that."""
        self._cancelled.set()
        if self._thread is not None:
            self._thread.join()

    def wait(self) -> None:
        """Until it ends."""
        if self._thread is not None:
            self._thread.join()

    def state(self) -> dict[str, Any]:
        """How far it is, and at its end the report or why there is none."""
        stage, done, total = self._stage
        return {
            "state": self._state,
            "stage": stage,
            "done": done,
            "total": total,
            "report": self._report,
            "error": self._error,
        }

    def _tell(self, stage: Stage, done: int, total: int) -> None:
        self._stage = (stage, done, total)

    def _work(self) -> None:
        try:
            found = guided_run(
                self._folder,
                self._chosen,
                steps=self._steps,
                tell=self._tell,
                should_stop=self._cancelled.is_set,
            )
        except Exception as error:  # noqa: BLE001 - told to whoever asks, in their own thread
            self._error = " ".join(str(error).split()) or type(error).__name__
            self._state = "failed"
            return
        self._report = found or None
        self._state = "done" if found else "idle"
