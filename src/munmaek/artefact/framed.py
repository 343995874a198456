"""A text, or a pair of texts, as a classifier or a regressor reads it: pieces, words and frame."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from munmaek.artefact.inside import Inside, piece_words
from munmaek.tasks.classify import Framing, Rows
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.tokenizers import words as words_of

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
    tokenizer: AnyTokenizer, framing: Framing, text: str, second: str | None = None
) -> FramedText:
    """``<s> text </s>`` or ``<s> text </s> second </s>``, cut where the model cuts it."""
    pieces, words = piece_words(tokenizer, text)
    bos, eos = tokenizer.token(tokenizer.bos), tokenizer.token(tokenizer.eos)
    ids = tokenizer.encode(text)
    if second is None:
        row = list(framing.rows([ids]).ids[0])
        split = len(row)
    else:
        row, split = framing.pair(ids, tokenizer.encode(second))
    tokens, places = [bos, *pieces[: split - 2], eos], [-1, *words[: split - 2], -1]
    if second is not None:
        others, other_words = piece_words(tokenizer, second)
        more = int(framing.doubled)
        rest = len(row) - split - more - 1
        before = len(words_of(text))
        tokens += [*(eos,) * more, *others[:rest], eos]
        places += [*(-1,) * more, *(before + word for word in other_words[:rest]), -1]
    return FramedText(
        tuple(row), tuple(tokens), tuple(places), split, second is not None, framing.segments
    )
