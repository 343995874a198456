"""How often the nearest of many texts is the right one."""

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from munmaek.metrics.classification import wilson_interval
from munmaek.metrics.score import Score, Signature

__all__ = ["retrieval_ranks", "retrieval_scores", "unit"]

Floats = NDArray[np.float32]
AnyFloat = TypeVar("AnyFloat", bound=np.floating[Any])


def unit(vectors: NDArray[AnyFloat]) -> NDArray[AnyFloat]:
    """Vectors [N, D] of length one; one of nothing but zeros stays."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def retrieval_ranks(
    queries: Floats, texts: Floats, kinds: NDArray[np.int64], *, block: int = 1024
) -> NDArray[np.int64]:
    """For each query the rank, from 1, of its own text among all, by inner product: [N].

    Args:
        queries: [N, D].
        texts: the own text of each query, [N, D].
        kinds: a number for each text, the same for equal ones, of which any is right: [N].
        block: queries that are compared together.
    """
    out = np.empty(len(queries), dtype=np.int64)
    for at in range(0, len(queries), block):
        scores = queries[at : at + block] @ texts.T
        own = scores[np.arange(len(scores)), np.arange(at, at + len(scores))]
        other = kinds[at : at + block, None] != kinds
        out[at : at + block] = 1 + ((scores > own[:, None]) & other).sum(1)
    return out


def retrieval_scores(found: NDArray[np.int64], *, signature: Signature) -> dict[str, Score]:
    """The share of ranks that are 1, and the mean of 1 / rank.

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
