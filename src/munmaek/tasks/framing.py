"""The rows that a network reads, made of the token ids of texts and pairs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from munmaek.folder.info import Info
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.frames import Frame

__all__ = ["Framing", "Rows", "framing_of"]

Ids = Sequence[int]


class Rows(NamedTuple):
    """Texts as a network reads them."""

    ids: Sequence[Ids]
    """Each framed."""
    splits: NDArray[np.int64] | None = None
    """Tokens that belong to each first text, frame included; None makes no difference of them."""


@final
@dataclass(frozen=True, slots=True)
class Framing:
    """Frames token ids as the network reads them: ``<s> a </s>``, or ``<s> a </s> b </s>``."""

    frame: Frame
    """The tokenizer's."""
    limit: int
    """Tokens of a row at most, frame included."""
    segments: bool = False
    """The network is told which text of a pair a token belongs to (BERT)."""

    def rows(self, firsts: Sequence[Ids], seconds: Sequence[Ids] | None = None) -> Rows:
        """Frame all texts, or all pairs."""
        if seconds is None:
            return Rows(self.frame.rows(firsts, self.limit))
        pairs = [self.pair(first, second) for first, second in zip(firsts, seconds, strict=True)]
        splits = np.array([split for _, split in pairs], dtype=np.int64) if self.segments else None
        return Rows([ids for ids, _ in pairs], splits)

    def pair(self, first: Ids, second: Ids) -> tuple[list[int], int]:
        """Return a pair's row and the tokens of its first text; the longer text is cut first."""
        return self.frame.together(first, second, self.limit)


def framing_of(info: Info, tokenizer: AnyTokenizer, limit: int) -> Framing:
    """Return how a model of this kind reads texts and pairs."""
    told = int(info.config.get("type_vocab_size", 0)) > 1
    return Framing(tokenizer.frame, limit, told and tokenizer.frame.segmented)
