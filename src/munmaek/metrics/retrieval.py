"""Scores of retrieval: the share of texts whose nearest is the right one."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Float32s
from munmaek.metrics.classification import wilson_interval
from munmaek.metrics.score import Score, Signature

__all__ = [
    "SIMILARITIES",
    "pair_similarities",
    "retrieval_ranks",
    "retrieval_scores",
    "similarities",
    "unit",
]

AnyFloat = TypeVar("AnyFloat", bound=np.floating[Any])
SIMILARITIES = ("cosine", "dot", "euclidean", "manhattan")
"""Ways to compare vectors; more is more alike, so that distances are negative."""


def unit(vectors: NDArray[AnyFloat]) -> NDArray[AnyFloat]:
    """Scale vectors [N, D] to length one; one of nothing but zeros stays."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def similarities(queries: Float32s, texts: Float32s, *, name: str = "cosine") -> Float32s:
    """Return how alike each query [N, D] and each text [M, D] are: [N, M].

    Args:
        queries: vectors.
        texts: vectors.
        name: one of ``SIMILARITIES``.
    """
    if name == "cosine":
        queries, texts = unit(queries), unit(texts)
    if name in ("cosine", "dot"):
        return queries @ texts.T
    order = 2 if name == "euclidean" else 1
    return np.stack([-np.linalg.norm(texts - query, order, axis=1) for query in queries])


def pair_similarities(
    firsts: Float32s, seconds: Float32s, *, name: str = "cosine"
) -> NDArray[np.float64]:
    """Return how alike the vectors of each pair are: [N]; ``name`` as in ``similarities``."""
    if name == "cosine":
        firsts, seconds = unit(firsts), unit(seconds)
    if name in ("cosine", "dot"):
        return (firsts.astype(np.float64) * seconds).sum(1)
    order = 2 if name == "euclidean" else 1
    return -np.linalg.norm(firsts.astype(np.float64) - seconds, order, axis=1)


def retrieval_ranks(
    queries: Float32s,
    texts: Float32s,
    kinds: NDArray[np.int64],
    *,
    name: str = "dot",
    block: int = 1024,
) -> NDArray[np.int64]:
    """Return for each query the rank, from 1, of its own text among all: [N].

    Args:
        queries: [N, D].
        texts: the own text of each query, [N, D].
        kinds: a number for each text, the same for equal ones, of which any is right: [N].
        name: one of ``SIMILARITIES``.
        block: queries that are compared together.
    """
    out = np.empty(len(queries), dtype=np.int64)
    for at in range(0, len(queries), block):
        scores = similarities(queries[at : at + block], texts, name=name)
        own = scores[np.arange(len(scores)), np.arange(at, at + len(scores))]
        other = kinds[at : at + block, None] != kinds
        out[at : at + block] = 1 + ((scores > own[:, None]) & other).sum(1)
    return out


def retrieval_scores(found: NDArray[np.int64], *, signature: Signature) -> dict[str, Score]:
    """Return the share of ranks that are 1, and the mean of 1 / rank.

    Args:
        found: what ``retrieval_ranks`` gives; the number of texts is in the signature, since it is
            harder to be the nearest of more.
        signature: what the model shares over scores.
    """
    right, total = int((found == 1).sum()), len(found)
    signed = signature.extended(("among", str(total)), ("unit", "query"))
    share = Score("retrieval_accuracy", right / total, "share", signed)
    mean = Score("mean_reciprocal_rank", float((1 / found).mean()), "reciprocal rank", signed)
    return {
        share.name: share.within(*wilson_interval(right, total)),
        mean.name: mean,
    }
