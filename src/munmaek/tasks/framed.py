"""A text, or a pair of texts, in the frame that a network reads: pieces, words and segments."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from munmaek.arrays import Floats, Int64s
from munmaek.tasks.framing import Framing, Rows
from munmaek.tasks.inside import Graph, Predictions, Question, Side, Tensors, Words
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.frames import SPECIAL
from munmaek.text.spaces import ascii_words
from munmaek.text.spelling import shown_tokens

__all__ = ["FramedText", "asked_texts", "frame_text", "read_labels", "read_whole"]


@final
@dataclass(frozen=True, slots=True)
class FramedText:
    """One row of a network's input, with the word that each token is of."""

    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    words: tuple[int, ...]
    """The white-space word of each token, those of a second text after the first's; −1 special."""
    split: int
    """Tokens of the first text, frame included; all of a single text."""
    paired: bool
    segmented: bool
    """The network is told which text of a pair a token belongs to."""
    surface: tuple[str, ...]
    """The white-space words."""

    @property
    def side(self) -> Side:
        """Return what was read, as a record shows it."""
        return Side(self.tokens, self.words, self.surface)

    @property
    def segments(self) -> tuple[int, ...] | None:
        """Return 0 or, from the second text on, 1 for each token of a pair; None of one text."""
        if not self.paired:
            return None
        return (0,) * self.split + (1,) * (len(self.ids) - self.split)

    @property
    def types(self) -> list[int] | None:
        """Return the segments where the network is told of them, else None."""
        segments = self.segments if self.segmented else None
        return None if segments is None else list(segments)

    def rows(self, erased: Sequence[Collection[int]] = ((),)) -> Rows:
        """Return this text, without the words of each set; the frame stays."""
        kept = [
            [at for at, word in enumerate(self.words) if word < 0 or word not in each]
            for each in erased
        ]
        splits: Int64s | None = None
        if self.paired and self.segmented:
            splits = np.array([sum(at < self.split for at in each) for each in kept])
        return Rows([[self.ids[at] for at in each] for each in kept], splits)

    def hidden(self, erased: Sequence[Collection[int]], mask: int) -> list[list[int]]:
        """Return the ids with ``mask`` in place of the words of each set."""
        both = list(zip(self.ids, self.words, strict=True))
        return [[mask if word in each else token for token, word in both] for each in erased]


def frame_text(
    tokenizer: AnyTokenizer,
    framing: Framing,
    text: str,
    second: str | None = None,
    *,
    allow: Sequence[str] = (),
) -> FramedText:
    """Return ``text``, or a pair, in the tokenizer's frame and cut where the model cuts it."""
    texts = [text] if second is None else [text, second]
    pieces = [tokenizer.subwords(each, allow=allow) for each in texts]
    places = framing.frame.places([len(each) for each in pieces], framing.limit)
    before = len(ascii_words(text))
    row: list[tuple[int, int]] = []
    for number, at in places:
        if number == SPECIAL:
            row.append((at, -1))
        else:
            piece = pieces[number][at]
            row.append((piece.id, piece.word + number * before))
    ids = tuple(token for token, _ in row)
    split = len(row)
    if second is not None:
        _, split = framing.pair(*([piece.id for piece in each] for each in pieces))
    return FramedText(
        ids,
        shown_tokens(tokenizer, ids),
        tuple(word for _, word in row),
        split,
        second is not None,
        framing.segments,
        (*ascii_words(text), *ascii_words(second or "")),
    )


def read_whole(
    framed: FramedText,
    *,
    without: Callable[[Sequence[Words]], Floats],
    answer: Mapping[str, Any],
    unit: str = "nats",
    tensors: Tensors | None = None,
    graph: Graph | None = None,
) -> Predictions:
    """Return one prediction of a text, or of a pair, as a whole.

    Args:
        framed: what was read.
        without: gives the value without each of several sets of words, [N].
        answer: what the model says.
        unit: of the value.
        tensors: that a network computed.
        graph: of the value, [1].
    """
    return Predictions(
        source=framed.side,
        owners=(0,),
        without=lambda erased: without(erased)[:, None],
        unit=unit,
        segments=framed.segments,
        tensors=tensors or {},
        graph=graph,
        answer=answer,
    )


def read_labels(
    framed: FramedText,
    question: Question,
    chances: Mapping[str, float],
    *,
    without: Callable[[Sequence[Words]], Floats],
    tensors: Tensors | None = None,
    graph: Graph | None = None,
) -> Predictions:
    """Return the likeliest label of a text, or of a pair, as a whole.

    Args:
        framed: what was read.
        question: the texts as they were written.
        chances: the probability of each label.
        without: gives the log-probability of each label, in their order, without each of several
            sets of words, [N, C].
        tensors: that a network computed.
        graph: of the likeliest label's log-probability, [1].
    """
    ranked = sorted(chances, key=lambda label: -chances[label])
    best = list(chances).index(ranked[0])
    said = {**asked_texts(question), "label": ranked[0], "probabilities": chances}
    return read_whole(
        framed,
        without=lambda erased: without(erased)[:, best],
        answer={"probabilities": [[each, chances[each]] for each in ranked], "outcome": said},
        tensors=tensors,
        graph=graph,
    )


def asked_texts(question: Question) -> dict[str, str]:
    """Return the text that was asked about, and the second one of a pair."""
    texts = {"text": question.text}
    return texts if question.second is None else {**texts, "second": question.second}
