"""A trained model's reading of one question, its predictions, and all that it computed for them.

Every trained model answers ``predictions(question)`` with one pass over the question. What it reads
and predicts, the tensors on the way, the gradients and the same again with words left out all come
from there, for whoever looks inside.

Letters: T predictions, N sets of words that are left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, final, runtime_checkable

import numpy as np

from munmaek.arrays import Float32s, Floats
from munmaek.folder.info import Info
from munmaek.metrics import weights_by_word
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.spaces import ascii_words
from munmaek.text.spelling import shown_tokens

if TYPE_CHECKING:
    from torch import Tensor

    from munmaek.nn.lines import Line

__all__ = [
    "NOTHING",
    "Accepts",
    "Axis",
    "Graph",
    "HeadsOff",
    "Inspectable",
    "Predictions",
    "Question",
    "Side",
    "Steps",
    "Tensors",
    "Words",
    "fold_weights",
    "piece_words",
    "word_indices",
]

HeadsOff = Mapping[str, Sequence[int]]
"""Heads to switch off by the scope of their attention, such as ``encoder.layer.0.self``."""
Tensors = Mapping[str, Float32s]
Words = frozenset[int]
"""Words by their places in the text."""
Steps = Mapping[str, Sequence["Line"]]
"""Derivations line by line, by the scope of what they are of."""
NOTHING: Words = frozenset()

Axis = Literal["source", "output", "written", "text"]
"""Meaning of rows or columns: subwords read, subwords predicted, what the decoder has written
before each prediction (<s> and all outputs but the last), or the text as a whole (a single row)."""


@final
@dataclass(frozen=True, slots=True)
class Question:
    """The question to a model that is looked into."""

    text: str
    second: str | None = None
    """The second text of a pair."""
    target: str | None = None
    """The translation to look at; None is the model's own."""
    off: HeadsOff = field(default_factory=dict[str, Sequence[int]])
    beam: int = 5
    """Hypotheses kept at every step of a search; 0 shows no search."""
    measures: bool = True
    """Gradients are asked for, and the whole search."""
    steps: bool = True
    """Derivations are asked for, line by line."""


@final
@dataclass(frozen=True, slots=True)
class Accepts:
    """The questions that a trained model takes."""

    reader: AnyTokenizer
    """Tokenizer of the text."""
    writer: AnyTokenizer | None = None
    """Tokenizer of a translation, which may be given; None for a model that does not translate."""
    limit: int | None = None
    """Tokens that are read at once, special ones included; None has no end."""
    special: tuple[int, int] = (3, 3)
    """Special tokens around one text and around two."""
    pairs: bool | None = False
    """A second text must be given (true), must not (false), or may be (None)."""
    apart: bool = False
    """The texts of a pair are read each by itself, rather than one after the other."""
    masks: bool = False
    """A word may be hidden behind ``<mask>``."""
    continues: bool = False
    """It predicts the next token of what is written so far (``next_tokens``)."""


@final
@dataclass(frozen=True, slots=True)
class Side:
    """The pieces of a text and the white-space words (eojeol) that they make up."""

    pieces: tuple[str, ...]
    words: tuple[int, ...]
    """For each piece its word's place in ``surface``; −1 for a special token."""
    surface: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values, with ``special`` spelled out."""
        return {
            "pieces": list(self.pieces),
            "words": list(self.words),
            "special": [word < 0 for word in self.words],
            "surface": list(self.surface),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Side":
        """Read what ``to_json`` wrote."""
        return cls(tuple(data["pieces"]), tuple(data["words"]), tuple(data["surface"]))


@final
@dataclass(frozen=True, slots=True)
class Graph:
    """Predicted values, attached to every tensor that they were computed from."""

    values: "Tensor"
    """[T] nats, or what ``Predictions.unit`` says."""
    records: Mapping[str, "Tensor"]
    """By name, each with the row as its first axis."""


@final
@dataclass(frozen=True, slots=True)
class Predictions:
    """One question, read once by one model."""

    source: Side
    """The side that the network read, special tokens included."""
    owners: tuple[int, ...]
    """[T]: the word of ``output``, or else of ``source``, that a prediction is of; −1 of none."""
    without: Callable[[Sequence[Words]], Floats]
    """The value of each prediction without each set of words: [N, T].

    Nats, or what ``unit`` says; NaN where a prediction is itself of a word that is left out.
    """
    rows: Axis = "text"
    """The axis whose rows make one prediction each; ``text`` where all rows make one together."""
    unseen: tuple[Words | None, ...] = ()
    """Words that cannot bear on the prediction of each row; None where nothing is asked of it."""
    unit: str = "nats"
    """Unit of the predictions: nats of a probability, or the unit of the number."""
    causal: bool = False
    """No row of the source sees one after it."""
    output: Side | None = None
    """The side that is predicted token by token, if any."""
    written: Side | None = None
    """The side that a decoder had read before each prediction."""
    segments: tuple[int, ...] | None = None
    """For each token read of a pair of texts 0 or, from the second text on, 1."""
    logprobs: tuple[float, ...] = ()
    """Nats of each piece of ``output``."""
    tensors: Tensors = field(default_factory=dict[str, Float32s])
    """By name, in the order of recording; attention weights end with query and key axes."""
    steps: Steps = field(default_factory=dict[str, "Sequence[Line]"])
    """Derivations line by line, by the scope of what they are of."""
    graph: Graph | None = None
    """For gradients; None where none were asked for or there are none."""
    answer: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The model's answer: fields of ``munmaek.look.Record``, ``outcome`` among them."""


@runtime_checkable
class Inspectable(Protocol):
    """A trained model that can be looked into."""

    @property
    def info(self) -> Info:
        """Return what the model is."""
        ...

    @property
    def accepts(self) -> Accepts:
        """Return what questions it takes."""
        ...

    def predictions(self, question: Question) -> Predictions:
        """Read the question once and return what was computed."""
        ...


def piece_words(
    tokenizer: AnyTokenizer, text: str
) -> tuple[list[int], tuple[str, ...], tuple[int, ...]]:
    """Return the ids of a text, the name of each piece and the word that it belongs to."""
    pieces = tokenizer.subwords(text)
    ids = [piece.id for piece in pieces]
    return ids, shown_tokens(tokenizer, ids), tuple(piece.word for piece in pieces)


def word_indices(surfaces: Sequence[str]) -> tuple[int, ...]:
    """Return the word each piece belongs to, from the text decoded up to and with it.

    Words end at ASCII white space.

    Args:
        surfaces: the decoded text of the first 1, 2, … pieces.
    """
    return tuple(max(len(ascii_words(text)) - 1, 0) for text in surfaces)


def fold_weights(weights: Float32s, *, rows: Sequence[int], columns: Sequence[int]) -> Float32s:
    """Return attention between pieces [T, S] as attention between words, rows summing to 1 again.

    Pieces with index −1 (special tokens) are left out and what remains is renormalised.

    Args:
        weights: of T pieces over S pieces.
        rows: the word of each of the T pieces, or −1.
        columns: the word of each of the S pieces, or −1.
    """
    folded = weights_by_word(weights, target_words=rows, source_words=columns)
    total = folded.sum(1, keepdims=True)
    return (folded / np.where(total > 0, total, 1)).astype(np.float32)
