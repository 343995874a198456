"""A trained tagger: a label for every word or piece, and the entities that they make."""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import InputError
from munmaek.folder.info import Info
from munmaek.folder.saving import save_model
from munmaek.folder.weights import save_network
from munmaek.folder.writing import NOTHING_BESIDE
from munmaek.metrics import Score, resting_on, sign_model
from munmaek.metrics.tagging import OUTSIDE, spans, tagging_scores
from munmaek.tasks.tag.objective import NONE, NeuralTagger
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.given import given_texts
from munmaek.text.labels import LabelIndex
from munmaek.text.places import Piece
from munmaek.text.tagged import TaggedCorpus

__all__ = ["Entity", "Tagger", "WordLabel", "WordRows", "stands_apart", "word_rows"]

Words = Sequence[str]
_EDGES = re.compile(r"(?P<before>[^\w\s]*)(?P<word>.*?)(?P<after>[^\w\s]*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entity:
    """A part of a text with one label."""

    label: str
    text: str
    start: int
    end: int
    """Offsets of the first character and after the last."""
    probability: float
    """Mean over its tokens, or over its words where whole words are labelled."""


@dataclass(frozen=True, slots=True)
class WordLabel:
    """A word and its likeliest label."""

    word: str
    label: str
    probability: float
    """0 where the model read nothing of the word."""


class _Growing(NamedTuple):
    """An entity whose last token may not have come."""

    label: str
    start: int
    end: int
    chances: list[float]
    """Of its tokens."""


class WordRows(NamedTuple):
    """Sentences as a network reads them; a long one takes several rows."""

    ids: list[list[int]]
    """Each framed."""
    words: list[list[int]]
    """For each token the word that begins there, or ``NONE``."""
    sentences: list[int]
    """The sentence that each row is of."""


def word_rows(tokenizer: AnyTokenizer, sentences: Sequence[Words], *, limit: int) -> WordRows:
    """Rows of at most ``limit`` tokens; what does not fit goes on in another row, nothing is lost.

    Words are joined by spaces and cut into pieces in their sentence, as plain text would be.
    """
    out = WordRows([], [], [])
    frame = tokenizer.frame
    before, after = ([NONE] * len(each) for each in (frame.before, frame.after))
    for number, words in enumerate(sentences):
        ids, firsts = _first_pieces(tokenizer, words)
        for start, end in _cuts(firsts, limit - frame.special):
            out.ids.append(frame.row(ids[start:end], limit))
            out.words.append([*before, *firsts[start:end], *after])
            out.sentences.append(number)
    return out


def _first_pieces(tokenizer: AnyTokenizer, words: Words) -> tuple[list[int], list[int]]:
    """The pieces of a sentence, and for each the word whose first piece it is, or ``NONE``."""
    composed = [unicodedata.normalize("NFC", word) for word in words]
    starts = [0, *accumulate(len(word) + 1 for word in composed)][:-1]
    text = " ".join(composed)
    pieces = tokenizer.pieces(text)
    seen = NONE
    out: list[int] = []
    for piece in pieces:
        part = text[piece.start : piece.end]
        inner = len(part) - len(part.lstrip())
        word = bisect_right(starts, piece.start + inner) - 1 if part.strip() else seen
        out.append(word if word > seen else NONE)
        seen = max(seen, word)
    return [piece.id for piece in pieces], out


def _cuts(firsts: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """Stretches of at most ``room`` pieces that begin, where that can be, with a word."""
    start, size = 0, len(firsts)
    while size - start > room:
        begins = [at for at in range(start + 1, start + room + 1) if firsts[at] != NONE]
        end = begins[-1] if begins else start + room
        yield start, end
        start = end
    yield start, size


def _check_words(sentences: Sequence[Words]) -> None:
    for number, words in enumerate([sentences] if isinstance(sentences, str) else sentences):
        if isinstance(words, str):
            message = f"sentence {number} (from 0): a list of words is wanted, got {words[:40]!r}"
            raise InputError(message)
        given_texts(words, what=f"sentence {number}, word")


def stands_apart(sentences: Sequence[Words]) -> bool:
    """Whether punctuation is a word of its own there, rather than the end of another."""
    marks = inner = 0
    for words in sentences:
        for word in words:
            alone = not any(map(str.isalnum, word))
            marks += alone
            inner += not alone and not word[-1].isalnum()
    return marks > inner


@final
@dataclass(frozen=True, slots=True)
class Tagger:
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
        """The entities of each text, or of one, in their order."""
        texts = given_texts(texts)
        if self.whole_words:
            labelled = self.label_words([self.split(text) for text in texts])
            return [self.entities(*each) for each in zip(texts, labelled, strict=True)]
        frame = self.tokenizer.frame
        pieces = [frame.cut(self.tokenizer.pieces(text), self.limit) for text in texts]
        rows = [frame.row([piece.id for piece in each], self.limit) for each in pieces]
        found = NeuralTagger(self.network).logprobs(rows)
        begin = len(frame.before)
        inner = [row[begin : begin + len(each)] for row, each in zip(found, pieces, strict=True)]
        return [self._joined(*each) for each in zip(texts, pieces, inner, strict=True)]

    def label_words(self, sentences: Sequence[Words]) -> list[list[WordLabel]]:
        """The label of every word of every sentence, read from the word's first piece.

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
        """Where the words of a plain text begin and end, cut as those of the training data."""
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
        """The words of a plain text."""
        return [text[start:end] for start, end in self.words(text)]

    def entities(self, text: str, labelled: Sequence[WordLabel]) -> list[Entity]:
        """The entities that the labels of the words of ``text`` make."""
        places = self.words(text)
        out: list[Entity] = []
        for name, first, end in spans([each.label for each in labelled]):
            start, stop = places[first][0], places[end - 1][1]
            chance = float(np.mean([each.probability for each in labelled[first:end]]))
            out.append(Entity(name, text[start:stop], start, stop, chance))
        return out

    def evaluate(self, corpus: TaggedCorpus) -> dict[str, Score]:
        """Accuracy of words and F1 of entities, with intervals.

        A label never seen in training counts as wrong, and the signatures say how many there are.
        """
        found = self.label_words(corpus.sentences)
        unseen = sum(LabelIndex(self.labels).unseen(chain.from_iterable(corpus.labels)).values())
        signature = sign_model(self.tokenizer, task="tag", stage=self.info.stage)
        scores = tagging_scores(
            [[each.label for each in labelled] for labelled in found],
            corpus.labels,
            signature=signature.extended(*((("unseen", str(unseen)),) if unseen else ())),
        )
        return resting_on(scores, corpus.name, len(corpus.sentences), "sentences")

    def _joined(
        self, text: str, pieces: Sequence[Piece], logprobs: NDArray[np.float64]
    ) -> list[Entity]:
        """The entities that the labels of pieces make."""
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

    def save(
        self,
        folder: Path | str,
        *,
        force: bool = False,
        beside: Mapping[str, Path] = NOTHING_BESIDE,
    ) -> None:
        """Write the model's folder, aside and renamed.

        Args:
            folder: where it is to be.
            force: replace what is there.
            beside: further files to keep in it, by the names they are to have.

        Raises:
            InputError: ``folder`` exists and ``force`` is false.
            DiskError: it cannot be written; what was there is whole.
        """
        save_model(
            folder,
            info=self.info,
            tokenizer=self.tokenizer,
            weights=lambda path: save_network(self.network, path, stage=self.info.stage),
            manifest={
                "labels": list(self.labels),
                "limit": self.limit,
                "whole_words": self.whole_words,
                "apart": self.apart,
            },
            labels=self.labels,
            force=force,
            beside=beside,
        )
