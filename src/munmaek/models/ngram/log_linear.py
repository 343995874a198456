r"""Labels by a log-linear model of a text's n-grams, which learns what tells the labels apart.

    log p(c | x) = b_c + Σ_g w_{c,g} f_g(x) + const,   g the n-grams of up to n tokens

    f_g(x) ∝ (1 + log tf_g(x)) · (1 + log((1 + N) / (1 + df_g))),   Σ_g f_g(x)² = 1

    w = argmin  − Σ_i log p(c_i | x_i) + λ/2 Σ_{c,g} w_{c,g}²

Where a text may have several labels, each is a question of its own: p(c | x) = σ(b_c + Σ_g …).

tf_g(x) is how often g is in the text, df_g in how many of the N training texts it is. Bayes' rule
over a chain for each label counts every n-gram as news of its own; here the weights of n-grams that
come together share what they tell. The minimum is the only one and is found by Newton steps.

Sources: Berger, Della Pietra & Della Pietra 1996 (maximum entropy); Salton & Buckley 1988 (weights
of terms); Ng & Jordan 2002 (discriminative against generative); Lin, Weng & Keerthi 2008 (Newton
steps by conjugate gradients).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Floats, Int64s
from munmaek.errors import ArtefactError
from munmaek.models.ngram.config import NgramConfig
from munmaek.models.ngram.model import Sequences
from munmaek.ngram import flatten
from munmaek.ngram.bags import Bags, Grams, Rows
from munmaek.ngram.sequences import TokenIds
from munmaek.ngram.tables import tensor_named

__all__ = ["LogLinearNgrams"]

_STEPS = 50
_INNER = 60
"""Steps of conjugate gradients within a Newton step, at most."""
_SMALL = 1e-3
"""Share of the first gradient's length at which the weights are good."""
_AT_ONCE = 4096
"""Texts that are weighed at once."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class LogLinearNgrams:
    """A weight of each n-gram for each label."""

    grams: Grams
    idf: Floats
    """1 + log((1 + N) / (1 + df)): [F]."""
    weights: Floats
    """[F, C]."""
    bias: Floats
    """[C]."""
    vocabulary: TokenIds
    several: bool = False
    """A text may have several labels, each with a probability of its own."""

    @classmethod
    def fit(
        cls,
        sequences: Sequences,
        labels: Sequence[int] | NDArray[np.integer[Any]] | NDArray[np.float32],
        *,
        config: NgramConfig,
        vocabulary: TokenIds,
        label_count: int,
    ) -> "LogLinearNgrams":
        """Learn the weights from texts and their labels.

        Args:
            sequences: ids of each text.
            labels: one for each sequence, 0 … C − 1; or, where each may have several or none, 1
                for those that it has: [N, C].
            config: order, pruning and the penalty λ.
            vocabulary: its size and special ids.
            label_count: C.
        """
        ids, offsets = _framed(sequences, vocabulary)
        grams = Grams.of(
            ids, offsets, order=config.order, vocab_size=vocabulary.vocab_size, prune=config.prune
        )
        bags = grams.bags(ids, offsets)
        documents = np.bincount(bags.grams, minlength=len(grams))
        idf = 1.0 + np.log((1 + len(sequences)) / (1 + documents))
        rows = _weighed(bags, idf)
        given = np.asarray(labels)
        several = given.ndim == 2
        gold = given.astype(np.float64) if several else np.eye(label_count)[given]
        weights = _lowest(rows, gold, config.penalty, several=several)
        return cls(grams, idf, weights[:-1], weights[-1], vocabulary, several)

    @property
    def label_count(self) -> int:
        """C."""
        return len(self.bias)

    @property
    def parameters(self) -> int:
        """The number of weights."""
        return self.weights.size + self.bias.size

    @property
    def size(self) -> int:
        """Bytes of all arrays."""
        return sum(array.nbytes for array in self.tensors().values())

    def logprobs(self, sequences: Sequences) -> Floats:
        """Return natural logs of p(label | sequence): [N, C]."""
        found = np.empty((len(sequences), self.label_count))
        weights = np.vstack([self.weights, self.bias])
        for begin in range(0, len(sequences), _AT_ONCE):
            own = sequences[begin : begin + _AT_ONCE]
            bags = self.grams.bags(*_framed(own, self.vocabulary))
            found[begin : begin + len(own)] = _weighed(bags, self.idf).times(weights)
        return (_each if self.several else _one)(found)

    def verify(self) -> None:
        """Check that the keys of each order rise and begin with an n-gram of the order before.

        Raises:
            ArtefactError: they do not.
        """
        before = 1
        for keys in self.grams.keys:
            fitting = not len(keys) or (keys[0] >= 0 and keys[-1] < before * self.grams.vocab_size)
            if not fitting or (np.diff(keys) <= 0).any():
                message = "n-grams are not in their order; save the model again"
                raise ArtefactError(message)
            before = len(keys)

    def tensors(self) -> dict[str, NDArray[Any]]:
        """Return everything learned, by name."""
        keys = {f"keys.{order}": keys for order, keys in enumerate(self.grams.keys, start=1)}
        several = {"several": np.array([1], dtype=np.uint8)} if self.several else {}
        return {"idf": self.idf, "weights": self.weights, "bias": self.bias, **keys, **several}

    @classmethod
    def from_tensors(
        cls,
        tensors: Mapping[str, NDArray[Any]],
        *,
        config: NgramConfig,
        vocab_size: int,
        bos: int,
        eos: int,
        unk: int | None,
    ) -> "LogLinearNgrams":
        """Return the model that gave ``tensors``.

        Raises:
            ArtefactError: tensors that are missing or do not fit one another or the vocabulary.
        """
        keys = [tensor_named(tensors, f"keys.{order}") for order in range(1, config.order + 1)]
        idf, weights, bias = (tensor_named(tensors, name) for name in ("idf", "weights", "bias"))
        count = sum(map(len, keys))
        if idf.shape != (count,) or weights.shape != (count, *bias.shape) or bias.ndim != 1:
            shapes = f"idf {idf.shape}, weights {weights.shape}, bias {bias.shape}"
            message = f"{count} n-grams, and {shapes} that do not fit; save the model again"
            raise ArtefactError(message)
        vocabulary = TokenIds(vocab_size, bos, eos, unk)
        return cls(Grams(keys, vocab_size), idf, weights, bias, vocabulary, "several" in tensors)


def _framed(sequences: Sequences, vocabulary: TokenIds) -> tuple[Int64s, Int64s]:
    """Return the ids of texts between their begin and end, and the offsets of each."""
    return flatten([[vocabulary.bos, *each, vocabulary.eos] for each in sequences])


def _one(scores: Floats) -> Floats:
    """Return natural logs of the probabilities of labels of which a text has one: [N, C]."""
    return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)


def _each(scores: Floats) -> Floats:
    """Return natural logs of the probability of each label by itself: [N, C]."""
    return -np.logaddexp(0, -scores)


def _weighed(bags: Bags, idf: Floats) -> Rows:
    """Return f(x) of each text, with a last column of ones for the bias: [N, F + 1]."""
    values = (1.0 + np.log(bags.counts)) * idf[bags.grams]
    texts = np.repeat(np.arange(len(bags.starts) - 1), np.diff(bags.starts))
    lengths = np.sqrt(np.bincount(texts, values**2, minlength=len(bags.starts) - 1))
    values /= lengths[texts]
    ends = bags.starts[1:]
    columns = np.insert(bags.grams, ends, len(idf))
    starts = bags.starts + np.arange(len(bags.starts))
    return Rows(starts, columns, np.insert(values, ends, 1.0), len(idf) + 1)


def _lowest(rows: Rows, gold: Floats, penalty: float, *, several: bool) -> Floats:
    """Return the weights of n-grams, and the bias as the last row: [F + 1, C].

    Of two labels a text has one of, the weights are each other's negative, so that half of the work
    finds them: p(c_1 | x) = σ(2 s_1), with half of the penalty on 2 w_1.
    """
    if several or gold.shape[1] != 2:
        return _Descent(rows, gold, penalty, _each if several else _one).lowest()
    twice = _Descent(rows, gold[:, 1:], penalty / 2, _each).lowest()
    return np.hstack([-twice / 2, twice / 2])


class _Descent:
    """Newton steps, each by conjugate gradients, down to the lowest penalised loss."""

    def __init__(
        self, rows: Rows, gold: Floats, penalty: float, logprobs: Callable[[Floats], Floats]
    ) -> None:
        self.rows, self.columns, self.gold = rows, rows.transposed(), gold
        self.logprobs = logprobs
        self.penalty = np.full((rows.width, 1), penalty)
        self.penalty[-1] = 0.0  # the bias is free

    def lowest(self) -> Floats:
        """Return the weights of n-grams, and the bias as the last row: [F + 1, C]."""
        weights = np.zeros((self.rows.width, self.gold.shape[1]))
        scores = self.rows.times(weights)
        start = 0.0
        for _ in range(_STEPS):
            chances = np.exp(self.logprobs(scores))
            slope = self.columns.times(chances - self.gold) + self.penalty * weights
            length = float(np.sqrt((slope * slope).sum()))
            start = start or length
            if length <= _SMALL * start:
                break
            step = self._newton(chances, slope, min(0.5, np.sqrt(length / start)) * length)
            moved = self.rows.times(step)
            share = self._share(weights, scores, step, moved, float((slope * step).sum()))
            if not share:
                break
            weights, scores = weights + share * step, scores + share * moved
        return weights

    def _loss(self, weights: Floats, scores: Floats) -> float:
        loss = -float((self.logprobs(scores) * self.gold).sum())
        if self.logprobs is _each:
            loss -= float((_each(-scores) * (1.0 - self.gold)).sum())
        return loss + 0.5 * float((self.penalty * weights * weights).sum())

    def _share(
        self, weights: Floats, scores: Floats, step: Floats, moved: Floats, fall: float
    ) -> float:
        """Return how much of a step lowers the loss enough (Armijo 1966); 0 where none does."""
        before, share = self._loss(weights, scores), 1.0
        while share > 1e-10:
            after = self._loss(weights + share * step, scores + share * moved)
            if after <= before + 1e-4 * share * fall:
                return share
            share /= 2
        return 0.0

    def _newton(self, chances: Floats, slope: Floats, enough: float) -> Floats:
        """Return the step to where the slope is 0 by the loss's second derivatives, about."""
        step = np.zeros_like(slope)
        rest = -slope
        way, room = rest.copy(), np.empty_like(rest)
        square = float(np.multiply(rest, rest, out=room).sum())
        for _ in range(_INNER):
            if np.sqrt(square) <= enough:
                break
            bent = self._bent(chances, way)
            share = square / float(np.multiply(way, bent, out=room).sum())
            step += np.multiply(way, share, out=room)
            rest -= np.multiply(bent, share, out=room)
            before, square = square, float(np.multiply(rest, rest, out=room).sum())
            way *= square / before
            way += rest
        return step

    def _bent(self, chances: Floats, way: Floats) -> Floats:
        """Return the product of the second derivatives with a direction."""
        moved = self.rows.times(way)
        shared = chances * moved
        if self.logprobs is _one:
            shared = shared.sum(axis=1, keepdims=True)
        change = chances * (moved - shared)
        bent = self.columns.times(change)
        bent += self.penalty * way
        return bent
