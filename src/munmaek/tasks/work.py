"""A task's own way from data to a trained model, and back from its folder.

One subclass stands in each task's ``task.py``. It loads no torch until something is fitted or a
network is opened, for counted models do without.
"""

import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from munmaek.arrays import Floats
from munmaek.errors import MunmaekWarning, UnsupportedError
from munmaek.fit.examining import with_finding
from munmaek.fit.extra import Extra
from munmaek.fit.recipe import validation_roles
from munmaek.folder.info import Info
from munmaek.metrics.thresholds import Chosen, Wanted
from munmaek.models import stages
from munmaek.planning.facts import Facts
from munmaek.tasks.combined import Combined, Combiner, Measured, Mixed, Mixing
from munmaek.tasks.judged import Judged
from munmaek.tasks.judging import besides
from munmaek.tasks.measures import MeasuredBy, TextMeasures
from munmaek.tasks.service import Continuing, Service
from munmaek.text.columns import Layout, noting_columns, remembering
from munmaek.text.memory import Sources

if TYPE_CHECKING:
    from munmaek.exchange.checkpoint import OpenedCheckpoint
    from munmaek.exchange.graphs import Graph
    from munmaek.fit.running import Run

__all__ = [
    "NOTHING_MORE",
    "Combined",
    "Combiner",
    "Measured",
    "Mixed",
    "Mixing",
    "Published",
    "Work",
    "timed",
]

NOTHING_MORE = Extra()

C = TypeVar("C")
P = TypeVar("P")
M = TypeVar("M")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Published:
    """Parts of a trained model that go into the forms of others."""

    network: Any
    labels: tuple[str, ...] = ()
    several: bool = False
    """A text may have several of the labels."""
    masks: bool = False
    """The tokenizer is told to keep masks."""
    scale: float = 1.0
    shift: float = 0.0
    """The number added to the last layer's scores, after they are multiplied by ``scale``."""
    sentences: Callable[[Path], None] | None = None
    """Writes the files of sentence-transformers beside an encoder, where it is one."""
    beside: Callable[[Path], None] | None = None
    """Writes further files into a folder."""


def timed(answer: Callable[[], T]) -> tuple[T, float]:
    """Return the answer and the seconds that it took, above 0."""
    began = time.perf_counter()
    found = answer()
    return found, max(time.perf_counter() - began, 1e-9)


class Work(ABC, Generic[C, P, M]):
    """A task's work on its corpora ``C``, prepared data ``P`` and trained models ``M``.

    A corpus has a ``name``, a ``size`` and a ``fingerprint``. Prepared data have ``describe()``,
    what a record says of them, and ``valid_corpus``. A trained model is a
    ``munmaek.fit.trained.Model`` with ``evaluate(corpus)``.
    """

    layouts: ClassVar[Sequence[Layout]]
    """The columns of data in memory that have no names, by how many there are."""
    combiner: "Combiner[Any] | None" = None
    """Makes one more model of those that are compared; counted ones then leave rows held out."""

    mixed: str = ""
    """A model that can be mixed with others of the task, in words; empty for none."""

    @abstractmethod
    def read(self, paths: Sources, recipe: Any) -> C:
        """Read a corpus from files, or from tables in memory.

        Raises:
            InputError: they hold no data of this task.
        """

    def read_to_train(self, paths: Sources, recipe: Any, run: "Run") -> Any:
        """Read a corpus for a run, where that may be too large to be held in memory."""
        return self.read(paths, recipe)

    def read_validation(self, paths: Sources, recipe: Any) -> Any:
        """Read what validates, where that is read otherwise than what is trained on."""
        return self.read(paths, recipe)

    @abstractmethod
    def prepare(
        self,
        corpus: C,
        valid: Any,
        recipe: Any,
        *,
        init: Any = None,
        extra: Extra = NOTHING_MORE,
        holding: bool | None = None,
    ) -> P:
        """Return token ids, with rows held out where ``valid`` is None and the recipe needs them.

        Args:
            corpus: the training data.
            valid: the validation data, or None.
            recipe: what is trained.
            init: a trained model to begin from, whose tokenizers are taken too, or data that was
                prepared with the tokenizers to take; None learns them.
            extra: what is trained on besides.
            holding: whether rows are held out where ``valid`` is None, of a task with stages that
                need none; None is as the recipe needs.
        """

    @abstractmethod
    def fit(self, prepared: P, recipe: Any, run: "Run") -> M:
        """Train the recipe's stage on ``prepared``; its validation scores are not measured yet."""

    def validate(self, model: Any, prepared: Any) -> Measured | None:
        """Measure a model on the validation data; None where there is none to measure on."""
        held = prepared.valid_corpus
        return None if held is None else Measured(model.evaluate(held))

    def facts(self, corpus: C) -> Facts | None:
        """Return what a plan needs to know of a corpus; None of a task that is not planned."""
        return None

    def train(self, paths: Sources, valid: Sources, recipe: Any, run: "Run", extra: Extra) -> M:
        """Return a trained model with its scores on the validation data."""
        with noting_columns() as columns:
            corpus = self.read_to_train(paths, recipe, run)
        held = self.read_validation(valid, recipe) if valid else None
        plan = run.planned(recipe, lambda: self.facts(corpus))
        if plan is not None:
            recipe, extra = plan.filled(recipe), plan.beside(extra)
        prepared = self.prepare(corpus, held, recipe, init=run.init, extra=extra)
        model: Any = self.fit(prepared, recipe, run)
        info = model.info.with_columns(columns)
        if plan is not None:
            info = replace(info, training={**info.training, "plan": plan.to_json()})
        measured = self.validate(model, prepared)
        if measured is None:
            return replace(model, info=info)
        for each in measured.findings or ():
            info = with_finding(info, each)
        return replace(
            model, info=info.with_scores(measured.scores, roles=validation_roles(recipe))
        )

    def write(
        self,
        paths: Sources,
        valid: Sources,
        recipe: Any,
        extra: Extra,
        *,
        folder: Path | None,
        force: bool,
        report: Callable[[Any], None] | None,
    ) -> M | None:
        """Train straight into ``folder``, where the task has such a way; None where it has none.

        It is what ``train`` and then ``save`` give, sooner or in less memory. There is nothing to
        resume, and no model to begin from. Without a folder it is not saved.
        """
        return None

    def count_on(self, engine: Any, recipe: Any, given: Any) -> M:
        """Count on an engine what ``munmaek.tasks.counting.Counting`` says, as ``write`` does.

        Raises:
            UnsupportedError: the stage or the task has no such way.
        """
        message = f"--engine: counts n-grams (lm); {recipe.stage} ({recipe.task}) is trained here"
        raise UnsupportedError(message)

    @abstractmethod
    def read_test(self, model: M, paths: Sources, asked: Any) -> Any:
        """Read a corpus to measure ``model`` on.

        Args:
            model: a trained model.
            paths: files, or tables in memory.
            asked: an instance of the class that the task's row names.

        Raises:
            InputError: they hold no data of this task.
        """

    def evaluate(self, model: M, paths: Sources, asked: Any) -> Measured:
        """Measure a model on data of the task; see ``read_test``."""
        trained: Any = model
        with remembering(trained.info.columns):
            corpus = self.read_test(model, paths, asked)
        return self.measure_test(model, corpus, asked)

    def measure_test(self, model: Any, corpus: Any, asked: Any) -> Measured:
        """Measure a model on a corpus that ``read_test`` read, after a note where it fits badly."""
        if note := self.remark(model, corpus):
            warnings.warn(note, MunmaekWarning, stacklevel=3)
        judged = self.judge(model, corpus, asked)
        return Measured(
            model.info.in_view_of(judged.scores, corpus.size, corpus),
            judged.findings,
            entries=besides(model, judged, asked, lambda other: self.judge(other, corpus, asked)),
            outputs=judged.outputs,
            measures=judged.measures,
            shown=judged.shown() if asked.report or asked.whole else (),
            show=judged.shown,
            corpus=corpus,
        )

    def judge(self, model: Any, corpus: Any, asked: Any) -> Judged:
        """Return what a model answers to each row of a corpus, and how good that is.

        Args:
            model: a trained model.
            corpus: what ``read_test`` reads.
            asked: the options of the evaluation.
        """
        return Judged(model.evaluate(corpus))

    def thresholded(
        self, model: Any, corpus: Any, *, wanted: Wanted, least: float, label: str | None
    ) -> tuple[Any, list[Chosen]]:
        """Return a model with thresholds chosen on a corpus, and what each does there.

        Raises:
            UnsupportedError: models for the task give no labels.
        """
        message = (
            f"{model.info.label}: a model for '{model.info.task}' gives no labels that could have "
            "thresholds; those for 'classify' do"
        )
        raise UnsupportedError(message)

    @abstractmethod
    def restore(self, folder: Path, manifest: Mapping[str, Any], info: Info) -> M:
        """Open the model in ``folder``, whose record is ``manifest``.

        Raises:
            ArtefactError: its files do not fit.
            KeyError: the record lacks something.
        """

    def adopt(self, opened: "OpenedCheckpoint") -> M | None:
        """Return a published checkpoint as a model of this task; None for a head of another's."""
        return None

    def forms(self, model: Any) -> tuple[str, ...]:
        """Return the names of the forms that a model can be exported to."""
        row = stages().get(model.info.stage)
        if row is None or row.counted:
            return ()
        return ("huggingface", "onnx") if row.published else ("onnx",)

    def published(self, model: Any) -> Published:
        """Return what of a model goes into the forms of others, where it has such forms.

        Raises:
            UnsupportedError: the task has none.
        """
        message = f"{model.info.label}: no model for '{model.info.task}' has a form of others"
        raise UnsupportedError(message)

    def graph(self, model: Any) -> "Graph":
        """Return what of a network goes into a graph of ONNX, where it has that form.

        Raises:
            UnsupportedError: the task has none.
        """
        message = f"{model.info.label}: no model for '{model.info.task}' is written as a graph"
        raise UnsupportedError(message)

    def services(self, model: M, options: Mapping[str, Any]) -> Sequence[Service]:
        """Return what servers may ask a model in another way than its verb's class answers.

        Args:
            model: a trained model.
            options: what whoever runs the server says of all questions, such as ``precision``.
        """
        return ()

    def continuing(self, model: M) -> Continuing | None:
        """Return what continues texts token by token, where models of the task can."""
        return None

    def verify(self, model: M) -> None:
        """Check of an opened model what opening takes on trust.

        Raises:
            ArtefactError: its parts do not fit together.
        """

    def strata(self, corpus: Any) -> Sequence[Any] | None:
        """Return what each row's share of a fold goes by, such as its label; None of no labels."""
        return None

    def check_test(self, corpus: Any) -> None:
        """Make sure that models can be measured on a corpus.

        Raises:
            InputError: they cannot; says what to give instead.
        """

    def remark(self, model: M, corpus: Any) -> str:
        """Return what to say before ``model`` is measured on a corpus; nothing where it fits."""
        return ""

    def measure(self, model: Any, corpus: Any, asked: Any) -> Measured:
        """Return the scores of a model on test data, and how fast it is."""
        judged, seconds = timed(lambda: self.judge(model, corpus, asked))
        return Measured(
            judged.scores,
            judged.findings,
            corpus.size / seconds,
            judged.unit,
            judged.entries,
            judged.outputs,
            judged.measures,
            judged.shown() if asked.whole else (),
        )

    def unscored(self, info: Info) -> str:
        """Return why a model just trained has no scores."""
        if "valid" in info.data:
            return "the model gives scores that are no probabilities"
        return "nothing was held out; give --valid FILE or --hold-out 5%"

    def measures(self, model: Any, by: MeasuredBy) -> TextMeasures:
        """Return what tells texts apart by a number that the model gives each.

        Raises:
            ConfigError: ``by`` lacks what the number depends on, or names what the model has not.
            UnsupportedError: the models of the task give none.
        """
        message = (
            f"{model.info.label}: a model for '{model.info.task}' gives texts no number to filter "
            "them by; language models, classifiers, regressors and encoders do"
        )
        raise UnsupportedError(message)

    def can_mix(self, model: M) -> bool:
        """Return whether a model of the task can be a part of a mixture."""
        return bool(self.mixed)

    def mix(self, parts: Sequence[M], how: Mixing) -> Mixed[M]:
        """Return several models as one.

        Raises:
            ConfigError: neither weights nor data to tune them on, or weights out of range.
            InputError: data that the models cannot be tuned on.
            UnsupportedError: models that cannot be mixed.
        """
        raise UnsupportedError("models for this task cannot be mixed")

    def together(self, parts: Sequence[M], tune: C) -> Any:
        """Return models as one by weights tuned on a corpus; None where the task mixes none."""
        return None

    def likelihoods(self, model: Any, corpus: C) -> Floats:
        """Return the natural-log probability of the answer of each row of a corpus: [N].

        Raises:
            UnsupportedError: models of the task give no probabilities.
        """
        message = f"{model.info.label}: a model for '{model.info.task}' gives no probabilities"
        raise UnsupportedError(message)

    def examples(self, test: Any, outputs: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Return parts of a comparison's results that show a few texts and their outputs.

        Args:
            test: the test data.
            outputs: what each model wrote, by its name.
        """
        return {}
