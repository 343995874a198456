r"""Several n-gram models as one: static interpolation over the union of their n-grams.

    p(w | h)   = Σ_i λ_i p_i(w | h)                            for each n-gram h w of any model
    bow(h)     = (1 − Σ_w p(w | h)) / (1 − Σ_w p(w | h'))      over the n-grams h w, h' being h
                                                               without its first word

p_i(w | h) is what model i gives, backing off where it lacks the n-gram, so that the fused model is
the mixture at every n-gram of the union, sums to 1 after every context, and differs from the
mixture only where none of the models has the n-gram.

A word that model i lacks is unknown to it. Its probability of an unknown word is parted evenly
among the words that it lacks and others have, and <unk> itself, so that it still sums to 1 over the
union of the vocabularies.

Source: Stolcke et al. 2011, "SRILM at sixteen" (ngram -mix-lm -write-lm), where a word that a model
lacks has no probability under it instead.

Letters: K models, V union of the vocabularies, N nodes of the union.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from munmaek.arrays import Bools, Float32s, Floats, Int32s, Int64s
from munmaek.ngram.compiled import Index, compiled
from munmaek.ngram.descent import step
from munmaek.ngram.links import fill_links
from munmaek.ngram.tables import NgramTables
from munmaek.progress import followed

__all__ = ["Fused", "fuse", "union_of_words"]

_LEAST = 1e-9
"""Probability that is left to backing off, at least, where a context has n-grams of all words."""


@dataclass(frozen=True, slots=True, eq=False)
class Fused:
    """A model to be fused, in the ids of the union."""

    tables: NgramTables
    union: Int32s
    """[V_i]: the id in the union of each id."""
    own: Int32s
    """[V]: the id of each word of the union, that of <unk> where it is lacking."""
    lacking: Bools
    """[V]: words that share in the probability of <unk>, itself among them."""

    @property
    def share(self) -> float:
        """Natural log of a lacking word's part of the probability of <unk>."""
        return -float(np.log(max(int(np.count_nonzero(self.lacking)), 1)))


def union_of_words(
    vocabularies: Sequence[Sequence[str]], tables: Sequence[NgramTables], *, unk: int
) -> tuple[list[str], list[Fused]]:
    """Return the words of all models, those of the first in their order, and the models.

    Args:
        vocabularies: the words of each model by id; the special tokens have the same ids in all.
        tables: of each.
        unk: the id of ``<unk>``.
    """
    places: dict[str, int] = {}
    for words in vocabularies:
        for word in words:
            places.setdefault(word, len(places))
    made: list[Fused] = []
    for words, each in zip(vocabularies, tables, strict=True):
        union = np.array([places[word] for word in words], dtype=np.int32)
        own = np.full(len(places), unk, dtype=np.int32)
        own[union] = np.arange(len(words), dtype=np.int32)
        lacking = own == unk
        made.append(Fused(each, union, own, lacking))
    return list(places), made


def fuse(models: Sequence[Fused], weights: Sequence[float]) -> NgramTables:
    """Return the tables of the fused model.

    Args:
        models: in the ids of one union.
        weights: λ, which sum to 1.
    """
    starts, words, first = _union(models)
    links = fill_links(starts, first, words)
    mixed = np.zeros(len(words), dtype=np.float64)
    pairs = list(zip(models, weights, strict=True))
    for model, weight in followed(pairs, "models", total=len(pairs) + 1):
        _add(model, weight, starts, words, first, mixed)
    with np.errstate(divide="ignore"):
        logprobs = np.log(np.minimum(mixed, 1.0)).astype(np.float32)
    backoffs = np.zeros(int(starts[-2]), dtype=np.float32)
    for level in range(len(starts) - 2):
        limits = (int(starts[level]), int(starts[level + 1]))
        fill_backoffs(starts, first, words, links, logprobs, backoffs, limits, _LEAST)
    return NgramTables(
        starts=starts, words=words, links=links, first=first, logprobs=logprobs, backoffs=backoffs
    )


def _union(models: Sequence[Fused]) -> tuple[Int64s, Int32s, Int32s]:
    """Return ``starts``, ``words`` and ``first`` of all n-grams of the models."""
    size = len(models[0].own)
    order = max(each.tables.order for each in models)
    places = [each.union.astype(np.int64) for each in models]
    words, firsts, counts = [np.arange(size, dtype=np.int32)], [np.empty(0, np.int64)], [size]
    for length in range(2, order + 1):
        keys = [_keys(each, places[at], length, size) for at, each in enumerate(models)]
        whole = np.unique(np.concatenate(keys))
        places = [np.searchsorted(whole, each) for each in keys]
        words.append((whole % size).astype(np.int32))
        firsts.append(np.bincount(whole // size, minlength=counts[-1]))
        counts.append(len(whole))
    starts = np.cumsum([0, *counts], dtype=np.int64)
    first = np.full(int(starts[-2]) + 1, size, dtype=np.int64)
    first[1:] += np.cumsum(np.concatenate(firsts)[: int(starts[-2])])
    return starts, np.concatenate(words), first.astype(np.int32)


def _keys(model: Fused, places: Int64s, length: int, size: int) -> Int64s:
    """Return the n-grams of an order as place of the context · V + word, in the union.

    Args:
        model: a model.
        places: of its n-grams of the order below, within that order of the union.
        length: the order.
        size: V.
    """
    tables = model.tables
    if length > tables.order:
        return np.empty(0, dtype=np.int64)
    begin, middle, end = (int(tables.starts[at]) for at in range(length - 2, length + 1))
    contexts = np.repeat(places, np.diff(tables.first[begin : middle + 1]))
    return contexts * size + model.union[tables.words[middle:end]]


def _add(
    model: Fused, weight: float, starts: Int64s, words: Int32s, first: Int32s, mixed: Floats
) -> None:
    """Add what a model gives each n-gram of the union, by its weight."""
    tables = model.tables
    arrays = (tables.starts, tables.first, tables.words, tables.links)
    values = (tables.logprobs, tables.backoffs)
    after = np.full(len(words), -1, dtype=np.int64)
    shares = np.where(model.lacking, model.share, 0.0)
    add_unigrams(arrays, values, model.own, shares, weight, after, mixed)
    for level in range(1, len(starts) - 1):
        limits = (int(starts[level - 1]), int(starts[level]))
        vocabulary, union = (model.own, shares), (words, first)
        add_level(arrays, values, vocabulary, weight, union, limits, after, mixed)


Shape = tuple[Int64s, Int32s, Int32s, Int32s]
Values = tuple[Float32s, Float32s]


@compiled
def add_unigrams(
    arrays: Shape,
    values: Values,
    own: Int32s,
    shares: Floats,
    weight: float,
    after: Int64s,
    mixed: Floats,
) -> None:
    """Add what a model gives each word; fills ``after`` as ``add_level`` does."""
    starts, first, words, links = arrays
    logprobs, backoffs = values
    for node in range(len(own)):
        found, _, context = step(
            starts, first, words, links, logprobs, backoffs, np.int64(-1), np.int64(own[node])
        )
        mixed[node] += weight * np.exp(found + shares[node])
        after[node] = context


@compiled
def add_level(
    arrays: Shape,
    values: Values,
    vocabulary: tuple[Int32s, Floats],
    weight: float,
    union: tuple[Int32s, Int32s],
    limits: tuple[int, int],
    after: Int64s,
    mixed: Floats,
) -> None:
    """Add what a model gives each n-gram that continues the contexts of one order.

    Args:
        arrays: of the model's tables: starts, first, words, links.
        values: log-probabilities and backoffs.
        vocabulary: the model's id of each word of the union, and what is added to the logarithm
            for words that it lacks.
        weight: λ.
        union: the words of its nodes, and where their continuations begin.
        limits: nodes of the contexts.
        after: the model's context behind each node of the union, filled for the next order.
        mixed: gets λ p.
    """
    starts, owns, nexts, links = arrays
    logprobs, backoffs = values
    own, shares = vocabulary
    words, first = union
    for context in range(limits[0], limits[1]):
        state = after[context]
        for node in range(first[context], first[context + 1]):
            word = words[node]
            found, _, behind = step(
                starts, owns, nexts, links, logprobs, backoffs, state, np.int64(own[word])
            )
            mixed[node] += weight * np.exp(found + shares[word])
            after[node] = behind


@compiled
def fill_backoffs(
    starts: Int64s,
    first: Int32s,
    words: Int32s,
    links: Int32s,
    logprobs: Float32s,
    backoffs: Float32s,
    limits: tuple[Index, Index],
    least: float,
) -> None:
    """Fill the backoff weights of the contexts of one order, when those below are filled."""
    for context in range(limits[0], limits[1]):
        begin, end = first[context], first[context + 1]
        if begin == end:
            continue
        mass, lower = 0.0, 0.0
        shorter = np.int64(links[context])
        for node in range(begin, end):
            found, _, _ = step(
                starts, first, words, links, logprobs, backoffs, shorter, np.int64(words[node])
            )
            mass += np.exp(np.float64(logprobs[node]))
            lower += np.exp(found)
        left = max(1.0 - mass, least)
        backoffs[context] = np.float32(np.log(left / max(1.0 - lower, least)))
