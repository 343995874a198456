"""A trained tagger: a label for every word or piece, and the entities that they make."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple, final

import numpy as np

from munmaek.arrays import Floats
from munmaek.errors import InputError
from munmaek.fit.trained import Files, Model
from munmaek.folder.info import Info
from munmaek.folder.saving import model_files
from munmaek.folder.weights import save_network
from munmaek.metrics import Score
from munmaek.metrics.tagging import OUTSIDE, spans
from munmaek.tasks.answering import Answers
from munmaek.tasks.inside import Accepts, Predictions, Question
from munmaek.tasks.judged import Judged
from munmaek.tasks.tag.judging import judged_tags
from munmaek.tasks.tag.objective import NONE, NeuralTagger
from munmaek.tasks.tag.predictions import tagged_predictions
from munmaek.tasks.tag.words import Entity, WordLabel, word_rows
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.given import given_texts
from munmaek.text.places import Subword
from munmaek.text.tagged import TaggedCorpus

__all__ = ["Tagger"]

Words = Sequence[str]
_EDGES = re.compile(r"(?P<before>[^\w\s]*)(?P<word>.*?)(?P<after>[^\w\s]*)", re.DOTALL)


class _Growing(NamedTuple):
    """An entity whose last token may not have come."""

    label: str
    start: int
    end: int
    chances: list[float]
    """Probabilities of its tokens."""


def _check_words(sentences: Sequence[Words]) -> None:
    for number, words in enumerate([sentences] if isinstance(sentences, str) else sentences):
        if isinstance(words, str):
            message = f"sentence {number} (from 0): a list of words is wanted, got {words[:40]!r}"
            raise InputError(message)
        given_texts(words, what=f"sentence {number}, word")


@final
@dataclass(frozen=True, slots=True, repr=False)
class Tagger(Model, Answers):
    """A network that labels tokens, with its tokenizer."""

    tokenizer: AnyTokenizer
    network: Any
    labels: tuple[str, ...]
    """``O`` or an entity's name, maybe with ``B-`` (begins) or ``I-`` (goes on) before it."""
    info: Info
    limit: int = 256
    whole_words: bool = False
    """It was trained on the first piece of each word; else every piece has a label."""
    apart: bool = False
    """Punctuation is a word of its own (with ``whole_words``)."""

    def tag(self, texts: Sequence[str]) -> list[list[Entity]]:
        """Find the entities of each text, or of one, in their order."""
        texts = given_texts(texts)
        if self.whole_words:
            labelled = self.label_words([self.split(text) for text in texts])
            return [self.entities(*each) for each in zip(texts, labelled, strict=True)]
        frame = self.tokenizer.frame
        pieces = [frame.cut(self.tokenizer.subwords(text), self.limit) for text in texts]
        rows = [frame.row([piece.id for piece in each], self.limit) for each in pieces]
        found = NeuralTagger(self.network).logprobs(rows)
        begin = len(frame.before)
        inner = [row[begin : begin + len(each)] for row, each in zip(found, pieces, strict=True)]
        return [self.joined(*each) for each in zip(texts, pieces, inner, strict=True)]

    def label_words(self, sentences: Sequence[Words]) -> list[list[WordLabel]]:
        """Label every word of every sentence, by the word's first subword.

        Raises:
            InputError: a text where a list of words is wanted; ``split`` cuts one.
        """
        _check_words(sentences)
        rows = word_rows(self.tokenizer, sentences, limit=self.limit)
        nothing = OUTSIDE if OUTSIDE in self.labels else self.labels[0]
        out = [[WordLabel(word, nothing, 0.0) for word in words] for words in sentences]
        found = NeuralTagger(self.network).logprobs(rows.ids)
        for sentence, words, logprobs in zip(rows.sentences, rows.words, found, strict=True):
            for word, row in zip(words, logprobs, strict=True):
                if word != NONE:
                    best = int(row.argmax())
                    label = WordLabel(
                        sentences[sentence][word], self.labels[best], float(np.exp(row[best]))
                    )
                    out[sentence][word] = label
        return out

    def words(self, text: str) -> list[tuple[int, int]]:
        """Find where the words of a plain text begin and end, cut as those of the training data."""
        found: list[tuple[int, int]] = []
        for match in re.finditer(r"\S+", text):
            edges = _EDGES.fullmatch(match.group()) if self.apart else None
            if edges is None or not edges["word"]:
                found.append(match.span())
                continue
            at = match.start()
            ends = [edges.end("before"), edges.end("word")]
            cuts = [0, *(n for n in ends if 0 < n < len(match.group())), len(match.group())]
            found.extend((at + first, at + last) for first, last in pairwise(cuts))
        return found

    def split(self, text: str) -> list[str]:
        """Split a plain text into its words."""
        return [text[start:end] for start, end in self.words(text)]

    def entities(self, text: str, labelled: Sequence[WordLabel]) -> list[Entity]:
        """Return the entities that the labels of the words of ``text`` make."""
        places = self.words(text)
        out: list[Entity] = []
        for name, first, end in spans([each.label for each in labelled]):
            start, stop = places[first][0], places[end - 1][1]
            chance = float(np.mean([each.probability for each in labelled[first:end]]))
            out.append(Entity(name, text[start:stop], start, stop, chance))
        return out

    def evaluate(self, corpus: TaggedCorpus) -> dict[str, Score]:
        """Return the accuracy of words and the F1 of entities, with intervals.

        A label never seen in training counts as wrong, and the signatures say how many there are.
        """
        return dict(self.judge(corpus).scores)

    def judge(self, corpus: TaggedCorpus) -> Judged:
        """Return the scores of ``evaluate`` with what they are computed of, row by row."""
        return judged_tags(self, corpus)

    def joined(
        self, text: str, pieces: Sequence[Subword], logprobs: Iterable[Floats]
    ) -> list[Entity]:
        """Return the entities that the labels of pieces make."""
        out: list[_Growing] = []
        for piece, row in zip(pieces, logprobs, strict=True):
            best = int(row.argmax())
            chance = float(np.exp(row[best]))
            self._grow(out, text, self.labels[best], piece.start, piece.end, chance)
        return [
            Entity(name, text[start:end], start, end, float(np.mean(own)))
            for name, start, end, own in out
        ]

    @staticmethod
    def _grow(
        out: list[_Growing], text: str, label: str, start: int, end: int, chance: float
    ) -> None:
        if label == OUTSIDE:
            return
        begins, name = label.startswith("B-"), label.removeprefix("B-").removeprefix("I-")
        last = out[-1] if out and not begins and out[-1].label == name else None
        if last is not None and not text[last.end : start].strip():
            out[-1] = last._replace(end=end, chances=[*last.chances, chance])
        else:
            out.append(_Growing(name, start, end, [chance]))

    @property
    def accepts(self) -> Accepts:
        """Return what it can be asked when it is looked into: one sentence."""
        special = self.tokenizer.frame.special
        return Accepts(self.tokenizer, limit=self.limit, special=(special, special))

    def predictions(self, question: Question) -> Predictions:
        """Read a sentence and return what was computed, and the label of each word."""
        return tagged_predictions(self, question)

    def files(self) -> Files:
        """Return what writes each file of the folder."""
        weights = partial(save_network, self.network, stage=self.info.stage)
        return model_files(self.info, self.tokenizer, weights, labels=self.labels)

    def manifest(self) -> dict[str, object]:
        """Return what ``munmaek.json`` says besides the files."""
        return {
            "tokenizer": self.tokenizer.describe(),
            "labels": list(self.labels),
            "limit": self.limit,
            "whole_words": self.whole_words,
            "apart": self.apart,
        }

    def facts(self) -> tuple[str, ...]:
        """Return how many labels there are."""
        return (f"{len(self.labels)} labels",)
