"""A text, or a pair of texts, as a classifier or a regressor reads it: pieces, words and frame."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from munmaek.tasks.framing import Framing, Rows
from munmaek.tasks.inside import Inside
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.frames import SPECIAL
from munmaek.text.spaces import ascii_words
from munmaek.text.spelling import shown_tokens

__all__ = ["FramedText", "frame_text"]


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

    @property
    def types(self) -> list[int] | None:
        """For each token 0 or, from the second text on, 1; None where the network is not told."""
        if not (self.paired and self.segmented):
            return None
        return [0] * self.split + [1] * (len(self.ids) - self.split)

    def rows(self, erased: Sequence[Collection[int]] = ((),)) -> Rows:
        """This text, without the words of each set; the frame stays."""
        kept = [
            [at for at, word in enumerate(self.words) if word < 0 or word not in each]
            for each in erased
        ]
        splits: NDArray[np.int64] | None = None
        if self.paired and self.segmented:
            splits = np.array([sum(at < self.split for at in each) for each in kept])
        return Rows([[self.ids[at] for at in each] for each in kept], splits)

    def inside(
        self,
        tensors: Mapping[str, NDArray[Any]],
        *,
        task: str,
        stage: str,
        extra: Mapping[str, Any],
    ) -> Inside:
        """With what the network computed on it."""
        second = len(self.ids) - self.split
        return Inside(
            task=task,
            stage=stage,
            tokens=self.tokens,
            words=self.words,
            tensors=tensors,
            segments=(0,) * self.split + (1,) * second if self.paired else (),
            extra=extra,
        )


def frame_text(
    tokenizer: AnyTokenizer,
    framing: Framing,
    text: str,
    second: str | None = None,
    *,
    allow: Sequence[str] = (),
) -> FramedText:
    """``text``, or a pair, in the tokenizer's frame and cut where the model cuts it."""
    texts = [text] if second is None else [text, second]
    pieces = [tokenizer.pieces(each, allow=allow) for each in texts]
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
    names = shown_tokens(tokenizer, ids)
    return FramedText(
        ids, names, tuple(word for _, word in row), split, second is not None, framing.segments
    )
