"""The words of a sentence as a tagger reads them, and as it labels them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from munmaek.tasks.tag.objective import NONE
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.places import Subword

__all__ = ["Entity", "WordLabel", "WordRows", "first_pieces", "stands_apart", "word_rows"]

Words = Sequence[str]


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


class WordRows(NamedTuple):
    """Sentences as a network reads them; a long one takes several rows."""

    ids: list[list[int]]
    """Each framed."""
    words: list[list[int]]
    """For each token the word that begins there, or ``NONE``."""
    sentences: list[int]
    """The sentence that each row is of."""


def word_rows(tokenizer: AnyTokenizer, sentences: Sequence[Words], *, limit: int) -> WordRows:
    """Return rows of at most ``limit`` tokens; what does not fit goes on in another row.

    Words are joined by spaces and cut into pieces in their sentence, as plain text would be.
    """
    out = WordRows([], [], [])
    frame = tokenizer.frame
    before, after = ([NONE] * len(each) for each in (frame.before, frame.after))
    for number, words in enumerate(sentences):
        pieces, firsts = first_pieces(tokenizer, words)
        ids = [piece.id for piece in pieces]
        for start, end in _cuts(firsts, limit - frame.special):
            out.ids.append(frame.row(ids[start:end], limit))
            out.words.append([*before, *firsts[start:end], *after])
            out.sentences.append(number)
    return out


def first_pieces(tokenizer: AnyTokenizer, words: Words) -> tuple[list[Subword], list[int]]:
    """Return the pieces of a sentence, and the word that each is the first of, or ``NONE``."""
    composed = [tokenizer.composed(word) for word in words]
    starts = [0, *accumulate(len(word) + 1 for word in composed)][:-1]
    text = " ".join(composed)
    pieces = tokenizer.subwords(text)
    seen = NONE
    out: list[int] = []
    for piece in pieces:
        part = text[piece.start : piece.end]
        inner = len(part) - len(part.lstrip())
        word = bisect_right(starts, piece.start + inner) - 1 if part.strip() else seen
        out.append(word if word > seen else NONE)
        seen = max(seen, word)
    return pieces, out


def _cuts(firsts: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """Yield spans of at most ``room`` pieces that begin, where that can be, with a word."""
    start, size = 0, len(firsts)
    while size - start > room:
        begins = [at for at in range(start + 1, start + room + 1) if firsts[at] != NONE]
        end = begins[-1] if begins else start + room
        yield start, end
        start = end
    yield start, size


def stands_apart(sentences: Sequence[Words]) -> bool:
    """Return whether punctuation is a word of its own there, rather than the end of another."""
    marks = inner = 0
    for words in sentences:
        for word in words:
            alone = not any(map(str.isalnum, word))
            marks += alone
            inner += not alone and not word[-1].isalnum()
    return marks > inner
