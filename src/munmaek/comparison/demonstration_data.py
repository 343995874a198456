"""The phrasebook as the demonstration's tasks read it."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from munmaek.comparison.demonstration_plan import Plan
from munmaek.phrases import HELD_OUT, Phrase, Phrasebook, phrasebook
from munmaek.tasks import task_named
from munmaek.tasks.recipe import Recipe
from munmaek.text.corpora import Corpus, LabelledCorpus
from munmaek.text.parallel import ParallelCorpus

__all__ = ["Data"]

LABELLED = "classify"
"""The task that learns from few rows: those of ``Plan.labelled``."""


class Data:
    """Data that a plan trains and tests on, the same in every process, made when asked for."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self.plan = plan
        self.seed = seed
        self._prepared: dict[Callable[..., Any], Any] = {}
        """By how the phrases are read, for tasks that read alike share their tokens."""

    @cached_property
    def book(self) -> Phrasebook:
        """The phrasebook without the sentences that the plan leaves out."""
        plan = self.plan
        book = phrasebook(
            seed=self.seed,
            pairs=plan.pairs,
            valid=plan.valid,
            test=plan.test,
            longest=plan.longest,
        )
        kept = _commonest(book.train, plan.words)

        def part(phrases: Sequence[Phrase]) -> tuple[Phrase, ...]:
            return tuple(each for each in phrases if kept.issuperset(each.english.split()))

        return Phrasebook(part(book.train), part(book.valid), part(book.test))

    def corpus(self, task: str, part: str) -> Any:
        """Return the ``train``, ``valid`` or ``test`` part as ``task`` reads it."""
        phrases: Sequence[Phrase] = getattr(self.book, part)
        name = "phrasebook" if part == "train" else f"phrasebook ({part})"
        rows = self.plan.labelled if (task, part) == (LABELLED, "train") else len(phrases)
        return READ_AS[task](name, phrases[:rows])

    def prepared(self, recipe: Recipe, init: Any = None) -> Any:
        """Return training and validation data in tokens: those of ``init``, else the data's own."""
        if init is None and (found := self._prepared.get(READ_AS[recipe.task])) is not None:
            return found
        work = task_named(recipe.task).loaded()
        train, valid = (self.corpus(recipe.task, part) for part in ("train", "valid"))
        made = work.prepare(train, valid, recipe, init=init)
        if init is None:
            self._prepared[READ_AS[recipe.task]] = made
        return made

    def describe(self) -> list[dict[str, Any]]:
        """Return what each task is trained and tested on, for ``results.json``."""
        valid, test = len(self.book.valid), len(self.book.test)
        rows = {task: self.corpus(task, "train").size for task in READ_AS}
        return [
            {
                "name": "built-in phrasebook",
                "task": task,
                "train": size,
                "valid": valid,
                "test": test,
                "fingerprint": pairs_of("phrasebook", self.book.train[:size]).fingerprint,
            }
            for task, size in rows.items()
        ]


def _commonest(phrases: Sequence[Phrase], number: int | None) -> set[str]:
    """Return the commonest English words, with those of the sentences that the report shows."""
    counts = Counter(word for phrase in phrases for word in phrase.english.split())
    shown = {word for phrase in HELD_OUT for word in phrase.english.split()}
    # Words as frequent as the last one taken are told apart by themselves, not by their order.
    order = sorted(counts, key=lambda word: (-counts[word], word))
    return {*order[:number], *shown}


def _lines(name: str, phrases: Sequence[Phrase]) -> Corpus:
    return Corpus(name, tuple(phrase.korean for phrase in phrases))


def _labelled(name: str, phrases: Sequence[Phrase]) -> LabelledCorpus:
    korean = tuple(phrase.korean for phrase in phrases)
    return LabelledCorpus(name, korean, tuple(phrase.label for phrase in phrases))


def pairs_of(name: str, phrases: Sequence[Phrase]) -> ParallelCorpus:
    """Return the sentences in both languages."""
    korean = tuple(phrase.korean for phrase in phrases)
    return ParallelCorpus(name, korean, tuple(phrase.english for phrase in phrases))


READ_AS: dict[str, Callable[[str, Sequence[Phrase]], Any]] = {
    "lm": _lines,
    "mlm": _lines,
    "translate": pairs_of,
    LABELLED: _labelled,
}
"""The tasks of the demonstration, and how each reads phrases."""
