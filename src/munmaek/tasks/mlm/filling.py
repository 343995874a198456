"""The tokens that may stand behind the masks of a text, and the text with them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from munmaek.arrays import Floats
from munmaek.tasks.framed import FramedText
from munmaek.text.building import MARK
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.spelling import shown_alone
from munmaek.text.tokenizers import Tokenizer

__all__ = ["Filled", "filled"]


@dataclass(frozen=True, slots=True)
class Filled:
    """One mask of a text: what may stand there, likeliest first."""

    position: int
    """Number of the mask in the text, from 0."""
    candidates: tuple[tuple[str, float], ...]
    """Tokens with their probabilities."""
    text: str
    """The text with every mask filled by its likeliest token."""


def filled(
    tokenizer: AnyTokenizer,
    framed: FramedText,
    texts: Sequence[str | None],
    logprobs: Floats,
    *,
    top: int,
) -> list[Filled]:
    """Return what may stand behind each mask of a text, or of a pair, that was read.

    Args:
        tokenizer: of the texts.
        framed: what was read.
        texts: as they were written.
        logprobs: of each token behind each mask, [M, V].
        top: candidates for each.
    """
    if not len(logprobs) or not tokenizer.has_mask:
        return []
    logprobs[:, list(tokenizer.special_ids)] = -np.inf
    best = [_likeliest(tokenizer, scores, top) for scores in logprobs]
    spaced = [space for each in texts if each for space in _is_spaced(tokenizer, each)]
    text = _decode_with(tokenizer, framed, [row[0][0] for row in best], spaced)
    return [
        Filled(position, tuple((name, chance) for _, name, chance in row), text)
        for position, row in enumerate(best)
    ]


def _likeliest(tokenizer: AnyTokenizer, scores: Floats, top: int) -> list[tuple[int, str, float]]:
    """Return the ids, names and probabilities of the likeliest tokens.

    The embeddings may have rows that no token has, and tokens may be a part of a character;
    nothing can be written for these.
    """
    found: list[tuple[int, str, float]] = []
    for number in scores.argsort()[::-1].tolist():
        if len(found) == top or not np.isfinite(scores[number]):
            break
        with suppress(IndexError, UnicodeDecodeError):
            name = shown_alone(tokenizer, number)
            found.append((number, name, float(np.exp(scores[number]))))
    return found


def _is_spaced(tokenizer: AnyTokenizer, text: str) -> list[bool]:
    """Return for each mask whether it stands for the space before it too."""
    pieces = tokenizer.subwords(text, allow=("<mask>",))
    return [piece.text.startswith(" ") for piece in pieces if piece.id == tokenizer.mask]


def _decode_with(
    tokenizer: AnyTokenizer, framed: FramedText, fills: Sequence[int], spaced: list[bool]
) -> str:
    """Return the text with ``fills`` in place of its masks, spaces before them kept."""
    parts: list[list[int]] = [[], []]
    # A mask that the frame cuts off is filled no more.
    following = iter(zip(fills, spaced, strict=False))
    for place, (token, word) in enumerate(zip(framed.ids, framed.words, strict=True)):
        part = parts[framed.paired and place >= framed.split]
        if token == tokenizer.mask:
            token, space = next(following)
            part.extend(_space_before(tokenizer, token) if space else ())
        if word >= 0:
            part.append(token)
    return " ".join(tokenizer.decode_many(parts[: 1 + framed.paired]))


def _space_before(tokenizer: AnyTokenizer, token: int) -> tuple[int, ...]:
    """Return the space that is lost where what fills a mask has none of its own."""
    own = tokenizer.token(token).startswith(MARK)
    space = tokenizer.id(MARK) if isinstance(tokenizer, Tokenizer) else None
    return () if own or space is None else (space,)
