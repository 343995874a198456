"""The phrasebook as the demonstration's tasks read it."""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from munmaek.comparison.demonstration_plan import Plan
from munmaek.fit.recipe import Recipe
from munmaek.phrases import HELD_OUT, Phrase, Phrasebook, phrasebook
from munmaek.tasks.classify.data import Labelled, prepare_labelled
from munmaek.tasks.lm.data import Text, prepare_text
from munmaek.tasks.translate.data import Parallel, prepare_parallel
from munmaek.text.corpora import Corpus, LabelledCorpus, ParallelCorpus
from munmaek.text.tokenizers import Tokenizer

__all__ = ["Data", "labelled_corpus", "lines_of", "pairs_of"]


class Data:
    """What a plan trains and tests on, the same in every process; each part made when asked for."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self.plan = plan
        self.seed = seed

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

    @cached_property
    def text(self) -> Text:
        """Korean sentences, for the language models and the encoder."""
        train, valid = (lines_of(*each) for each in self._parts())
        return prepare_text(train, valid, self._recipe("lm", "ngram"))

    @cached_property
    def pairs(self) -> Parallel:
        """Korean sentences with their English."""
        train, valid = (pairs_of(*each) for each in self._parts())
        return prepare_parallel(train, valid, self._recipe("translate", "seq2seq"))

    @cached_property
    def labelled(self) -> Labelled:
        """Korean sentences with their type."""
        return self.labelled_by(None)

    def labelled_by(self, tokenizer: Tokenizer | None) -> Labelled:
        """The same, in another model's tokens."""
        (name, train), valid = self._parts()
        corpora = labelled_corpus(name, train[: self.plan.labelled]), labelled_corpus(*valid)
        return prepare_labelled(*corpora, self._recipe("classify", "ngram"), tokenizer=tokenizer)

    def _parts(self) -> tuple[tuple[str, Sequence[Phrase]], tuple[str, Sequence[Phrase]]]:
        return ("phrasebook", self.book.train), ("phrasebook (valid)", self.book.valid)

    def _recipe(self, task: str, stage: str) -> Recipe:
        options = {"vocab_size": self.plan.vocab_size, "seed": self.seed}
        return Recipe.of({"task": task, "stage": stage, **options})

    def describe(self) -> list[dict[str, Any]]:
        """What each task is trained and tested on, for ``results.json``."""
        valid, test = len(self.book.valid), len(self.book.test)
        return [
            {
                "name": "built-in phrasebook",
                "task": task,
                "train": rows,
                "valid": valid,
                "test": test,
                "fingerprint": pairs_of("phrasebook", self.book.train[:rows]).fingerprint,
            }
            for task in ("lm", "mlm", "translate", "classify")
            for rows in [len(self.labelled.train if task == "classify" else self.book.train)]
        ]


def _commonest(phrases: Sequence[Phrase], number: int | None) -> set[str]:
    """The commonest English words, with those of the sentences that the report shows."""
    counts = Counter(word for phrase in phrases for word in phrase.english.split())
    shown = {word for phrase in HELD_OUT for word in phrase.english.split()}
    # Words as frequent as the last one taken are told apart by themselves, not by their order.
    order = sorted(counts, key=lambda word: (-counts[word], word))
    return {*order[:number], *shown}


def lines_of(name: str, phrases: Sequence[Phrase]) -> Corpus:
    """The Korean sentences."""
    return Corpus(name, tuple(phrase.korean for phrase in phrases))


def labelled_corpus(name: str, phrases: Sequence[Phrase]) -> LabelledCorpus:
    """The Korean sentences with their type."""
    return LabelledCorpus(
        name,
        tuple(phrase.korean for phrase in phrases),
        tuple(phrase.label for phrase in phrases),
    )


def pairs_of(name: str, phrases: Sequence[Phrase]) -> ParallelCorpus:
    """The sentences in both languages."""
    return ParallelCorpus(
        name,
        tuple(phrase.korean for phrase in phrases),
        tuple(phrase.english for phrase in phrases),
    )
