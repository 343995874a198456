"""The model as six flat arrays: a trie of n-grams, breadth first, contexts before their words.

A node is an n-gram. Nodes 0 … V−1 are the unigrams, in the order of their ids; then come the
bigrams sorted by (context, word), then the trigrams likewise, and so on, so the n-grams that
continue a context are one run of nodes in rising order of their last word. ``links`` leads from an
n-gram to itself without its first word, which is where backing off and sliding the context go
(the failure links of Aho & Corasick 1975). The empty context is node −1.

Letters: V vocabulary size, n order, N nodes, L nodes of orders below n.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Float32s, Int32s, Int64s, Uint64s
from munmaek.errors import ArtefactError
from munmaek.ngram.index import build_index
from munmaek.ngram.soundness import (
    first_is_sound,
    index_is_sound,
    links_are_sound,
    ranks_are_sound,
    words_are_sound,
)

__all__ = [
    "LARGEST_BACKOFF",
    "MAX_ORDER",
    "NgramTables",
    "TableArrays",
    "check_values",
    "expect",
    "ranks",
    "sampled",
    "tensor_named",
]

MAX_ORDER = 10
LARGEST_BACKOFF = float(np.finfo(np.float32).max)
_SAMPLED = 64
"""Values of an array that are looked at on opening: each may cost a read from the disk."""


def ranks(logprobs: Float32s) -> Int32s:
    """Return the ids of unigrams from the likeliest to the least: [V]."""
    return np.argsort(-logprobs, kind="stable").astype(np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class TableArrays:
    """Arrays by name, held read-only; they may be views of a memory-mapped file.

    Base of the two forms that tables have. Nothing is copied.
    """

    dtypes: ClassVar[Mapping[str, type[np.generic]]]
    """The number type of each array."""

    starts: Int64s
    """[n + 1]: order k has the nodes ``starts[k - 1]`` up to ``starts[k]``; ``starts[1]`` is V."""

    def __post_init__(self) -> None:
        # One array type (plain, read-only) for every caller, so each query is compiled once.
        for name in self.dtypes:
            view = getattr(self, name).view(np.ndarray)
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @property
    def order(self) -> int:
        """n, the length of the longest n-grams."""
        return len(self.starts) - 1

    @property
    def vocab_size(self) -> int:
        """V, the number of token ids."""
        return int(self.starts[1])

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of n-grams of each order, 1 first; unigrams count all V ids."""
        return tuple(int(count) for count in np.diff(self.starts))

    @property
    def size(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self.tensors().values())

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, as a tensor file holds them."""
        return {name: getattr(self, name) for name in self.dtypes}

    @classmethod
    def checked(
        cls, tensors: Mapping[str, NDArray[Any]], *, order: int, vocab_size: int
    ) -> dict[str, NDArray[Any]]:
        """Return the arrays among ``tensors``, of the right types and orders, for compiled code.

        Raises:
            ArtefactError: an array is missing, of another type, or its size does not fit.
        """
        arrays = {name: tensor_named(tensors, name) for name in cls.dtypes}
        for name, dtype in cls.dtypes.items():
            expect(f"type of '{name}'", arrays[name].dtype, np.dtype(dtype))
        starts = arrays["starts"]
        expect("shape of 'starts'", starts.shape, (order + 1,))
        expect("number of unigrams", starts[:2].tolist(), [0, vocab_size])
        expect("sizes of the orders fit", _orders_fit(np.diff(starts)), wanted=True)
        return {name: np.require(array, requirements=["C", "A"]) for name, array in arrays.items()}


@final
@dataclass(frozen=True, slots=True, eq=False)
class NgramTables(TableArrays):
    """The fast form."""

    dtypes: ClassVar = {
        "starts": np.int64,
        "words": np.int32,
        "links": np.int32,
        "first": np.int32,
        "logprobs": np.float32,
        "backoffs": np.float32,
        "index": np.uint64,
        "ranked": np.int32,
    }

    words: Int32s
    """[N]: the last word of each n-gram."""
    links: Int32s
    """[N]: the n-gram without its first word (the longest one there is), −1 for unigrams."""
    first: Int32s
    """[L + 1]: context c is continued by the nodes ``first[c]`` up to ``first[c + 1]``."""
    logprobs: Float32s
    """[N]: natural log of p(last word | the words before), interpolated; −inf where it is 0."""
    backoffs: Float32s
    """[L]: natural log of the weight that a context gives to the next shorter one."""
    index: Uint64s = field(default_factory=partial(np.empty, 0, np.uint64))
    """Continuations of the contexts that have many; built when it is not given."""
    ranked: Int32s = field(default_factory=partial(np.empty, 0, np.int32))
    """[V]: ids from the likeliest unigram to the least; made when it is not given."""

    def __post_init__(self) -> None:
        if not len(self.index):
            object.__setattr__(self, "index", build_index(self.first, self.words))
        if not len(self.ranked):
            object.__setattr__(self, "ranked", ranks(self.logprobs[: self.vocab_size]))
        TableArrays.__post_init__(self)

    @property
    def unigram_logprobs(self) -> Float32s:
        """[V]: natural log-probabilities of order 1."""
        return self.logprobs[: self.vocab_size]

    @classmethod
    def from_tensors(
        cls, tensors: Mapping[str, NDArray[Any]], *, order: int, vocab_size: int
    ) -> Self:
        """Take arrays back without copying them.

        Only shapes, types and a few of the values are looked at, so that opening is instant;
        ``verify`` reads it all.

        Raises:
            ArtefactError: an array is missing, of another type, its size does not fit, or a value
                cannot stand there.
        """
        arrays = cls.checked(tensors, order=order, vocab_size=vocab_size)
        starts = arrays["starts"]
        nodes, lower = int(starts[-1]), int(starts[-2])
        lengths = {
            "words": nodes,
            "links": nodes,
            "first": lower + 1,
            "logprobs": nodes,
            "backoffs": lower,
            "ranked": vocab_size,
        }
        for name, length in lengths.items():
            expect(f"shape of '{name}'", arrays[name].shape, (length,))
        slots = arrays["index"].size
        expect("shape of 'index'", arrays["index"].shape, (1 << max(slots - 1, 0).bit_length(),))
        check_values("logprobs", sampled(arrays["logprobs"]), most=0.0)
        check_values("backoffs", sampled(arrays["backoffs"]), most=LARGEST_BACKOFF)
        return cls(**arrays)

    def verify(self) -> None:
        """Read every array and check that all fits together.

        Raises:
            ArtefactError: a node points outside the tables or out of order, the index misses one,
                or a value cannot stand there.
        """
        sound = {
            "first": lambda: first_is_sound(self.starts, self.first),
            "words": lambda: words_are_sound(self.starts, self.first, self.words),
            "links": lambda: links_are_sound(self.starts, self.words, self.links),
            "index": lambda: index_is_sound(self.first, self.words, self.index),
            "ranked": lambda: ranks_are_sound(self.logprobs, self.ranked),
            "logprobs": lambda: bool((self.logprobs <= 0).all()),
            "backoffs": lambda: bool((self.backoffs <= LARGEST_BACKOFF).all()),
        }
        for name, holds in sound.items():
            if not holds():
                message = f"n-gram tables: '{name}' is damaged; take the model from a good copy"
                raise ArtefactError(message)


def _orders_fit(counts: Int64s) -> bool:
    """Return whether there are unigrams, and no n-grams above an order without any."""
    filled = counts > 0
    return bool((counts >= 0).all() and filled[0] and (np.diff(filled.astype(np.int8)) <= 0).all())


def tensor_named(tensors: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    """Return the tensor of that name.

    Raises:
        ArtefactError: there is none.
    """
    if name not in tensors:
        message = f"n-gram tables: tensor '{name}' is missing; save the model again"
        raise ArtefactError(message)
    return tensors[name]


def sampled(values: NDArray[Any]) -> NDArray[Any]:
    """Return a few values from all over the array, the first and the last among them."""
    if not len(values):
        return values
    return values[np.linspace(0, len(values) - 1, _SAMPLED).astype(np.int64)]


def check_values(name: str, values: NDArray[Any], *, most: float) -> None:
    """Refuse a value above ``most`` and what is no number; minus infinity is log 0.

    Raises:
        ArtefactError: there is one.
    """
    if not (values <= most).all():
        message = f"n-gram tables: '{name}' is damaged; take the model from a good copy"
        raise ArtefactError(message)


def expect(what: str, given: object, wanted: object) -> None:
    """Refuse what does not fit.

    Raises:
        ArtefactError: it is not what was wanted.
    """
    if given != wanted:
        message = f"n-gram tables: {what} is {given}, wanted {wanted}; save the model again"
        raise ArtefactError(message)
