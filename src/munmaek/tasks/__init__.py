"""The tasks: one folder each, which owns all about a task, and one row in the table ``TASKS``.

``TASKS`` is a literal, ordered table; importing it loads no task. A package may add tasks of its
own through the entry point group ``munmaek.tasks``, whose objects are ``Task`` rows.
"""

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from munmaek.errors import UnsupportedError

if TYPE_CHECKING:
    from munmaek.tasks.work import Work

__all__ = ["TASKS", "Task", "task_named", "tasks"]


@dataclass(frozen=True, slots=True)
class Task:
    """One row of the tasks.

    ``work`` and ``model`` are ``module:name`` paths, loaded when used.
    """

    name: str
    answers: str
    """The answer that its models give to what they are asked."""
    verb: str
    """The command that asks a model for this answer."""
    headline: tuple[str, ...]
    """The scores that lead its tables, the best choice first."""
    work: str
    """The task's own ``munmaek.tasks.work.Work``: from data to the trained model and back."""
    model: str
    """The class of its trained models."""
    beside: tuple[str, ...] = ()
    """The scores that stand beside the first of the headline, the most telling first."""
    also: tuple[str, ...] = ()
    """Other tasks whose models give this one's answer too."""

    def serves(self, task: str) -> bool:
        """Return whether models of ``task`` give this task's answer."""
        return task in (self.name, *self.also)

    def loaded(self) -> "Work[Any, Any, Any]":
        """Return the task's work."""
        return _load(self.work)()

    def model_class(self) -> Any:
        """Return the class of the task's trained models."""
        return _load(self.model)


TASKS = (
    Task(
        name="lm",
        answers="the probability of each next token",
        verb="score",
        headline=("bits_per_character", "perplexity"),
        work="munmaek.tasks.lm.task:LanguageModels",
        model="munmaek.tasks.lm.model:TrainedLanguageModel",
        beside=("word_perplexity", "perplexity"),
    ),
    Task(
        name="classify",
        answers="a label, or several, for a text or a pair of texts",
        verb="classify",
        headline=("accuracy", "exact_match", "macro_f1"),
        work="munmaek.tasks.classify.task:Classifiers",
        model="munmaek.tasks.classify.model:Classifier",
        beside=("macro_f1", "micro_f1"),
    ),
    Task(
        name="regress",
        answers="a number for a text or a pair of texts",
        verb="rate",
        headline=("spearman", "pearson"),
        work="munmaek.tasks.regress.task:Regressors",
        model="munmaek.tasks.regress.model:Regressor",
        beside=("pearson", "mse"),
    ),
    Task(
        name="tag",
        answers="a label for every word of a sentence",
        verb="tag",
        headline=("span_f1", "accuracy"),
        work="munmaek.tasks.tag.task:Taggers",
        model="munmaek.tasks.tag.model:Tagger",
        beside=("accuracy", "span_precision", "span_recall"),
    ),
    Task(
        name="translate",
        answers="a text for a text",
        verb="translate",
        headline=("bleu", "chrf"),
        work="munmaek.tasks.translate.task:Translators",
        model="munmaek.tasks.translate.model:Translator",
        beside=("chrf", "ter", "perplexity", "bits_per_character"),
    ),
    Task(
        name="mlm",
        answers="the word that is masked, read from both sides",
        verb="fill",
        headline=("masked_accuracy", "masked_perplexity"),
        work="munmaek.tasks.mlm.task:MaskedModels",
        model="munmaek.tasks.mlm.model:Encoder",
        beside=("masked_perplexity", "next_sentence_accuracy"),
        also=("embed",),
    ),
    Task(
        name="embed",
        answers="a vector near those of texts of the same meaning",
        verb="embed",
        headline=("spearman", "retrieval_accuracy"),
        work="munmaek.tasks.embed.task:Embedders",
        model="munmaek.tasks.mlm.model:Encoder",
        beside=("retrieval_accuracy", "mean_reciprocal_rank"),
        also=("mlm",),
    ),
)


def _load(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(module), name)


@cache
def tasks() -> dict[str, Task]:
    """Return every task by name, in the order of the table, those of other packages last."""
    table = {task.name: task for task in TASKS}
    for point in entry_points(group="munmaek.tasks"):
        table[point.name] = point.load()
    return table


def task_named(name: str) -> Task:
    """Return the task of that name.

    Raises:
        UnsupportedError: there is none; the message lists those there are.
    """
    try:
        return tasks()[name]
    except KeyError:
        message = f"unknown task '{name}'; the tasks are {', '.join(tasks())}"
        raise UnsupportedError(message) from None
