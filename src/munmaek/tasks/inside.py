"""What a model computed on one sentence: named tensors beside their tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from munmaek.metrics import weights_by_word
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.spaces import ascii_words
from munmaek.text.spelling import shown_tokens

if TYPE_CHECKING:
    from munmaek.nn.tape import Tape

__all__ = ["HeadsOff", "Inside", "fold_weights", "one_row", "piece_words", "word_indices"]

HeadsOff = Mapping[str, Sequence[int]]
"""Heads to switch off by the scope of their attention, such as ``encoder.layer.0.self``."""


@dataclass(frozen=True, slots=True)
class Inside:
    """One sentence through one model.

    Tensors keep the order of their recording; attention weights end with query × key axes. What is
    predicted, if anything, are the target tokens: of a language model the tokens themselves, one
    further on than what it read.
    """

    task: str
    stage: str
    tokens: tuple[str, ...]
    """Pieces the network read, special ones included."""
    words: tuple[int, ...]
    """For each piece the whitespace word it belongs to; −1 for special tokens."""
    tensors: Mapping[str, NDArray[Any]]
    target_tokens: tuple[str, ...] = ()
    target_words: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    """Nats of each target token."""
    segments: tuple[int, ...] = ()
    """Of each token read, for a pair of texts: 0 the first, 1 the second."""
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])


def one_row(tape: "Tape") -> dict[str, NDArray[Any]]:
    """The first row of every record, as float32 arrays."""
    return {name: tensor[0].detach().float().cpu().numpy() for name, tensor in tape.records.items()}


def piece_words(
    tokenizer: AnyTokenizer, text: str, *, allow: Sequence[str] = ()
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The pieces of ``text`` and the word that each belongs to."""
    pieces = tokenizer.pieces(text, allow=allow)
    names = shown_tokens(tokenizer, [piece.id for piece in pieces])
    return names, tuple(piece.word for piece in pieces)


def word_indices(surfaces: Sequence[str]) -> tuple[int, ...]:
    """Return the word each piece belongs to, from the text decoded up to and with it.

    Words end at ASCII white space.

    Args:
        surfaces: the decoded text of the first 1, 2, … pieces.
    """
    return tuple(max(len(ascii_words(text)) - 1, 0) for text in surfaces)


def fold_weights(
    weights: NDArray[np.float32], *, rows: Sequence[int], columns: Sequence[int]
) -> NDArray[np.float32]:
    """Attention between pieces [T, S] as attention between words, each row summing to 1 again.

    Pieces with index −1 (special tokens) are left out and what remains is renormalised.

    Args:
        weights: of T pieces over S pieces.
        rows: the word of each of the T pieces, or −1.
        columns: the word of each of the S pieces, or −1.
    """
    folded = weights_by_word(weights, target_words=rows, source_words=columns)
    total = folded.sum(1, keepdims=True)
    return (folded / np.where(total > 0, total, 1)).astype(np.float32)
