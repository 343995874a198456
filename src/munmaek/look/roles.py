r"""The role of a head on one sentence, by rules that are stated here.

With w̄(j − i = d) the mean weight over rows at distance d, special rows left out:

    special    at least half of the weight goes to special tokens (Clark et al. 2019, §3.2)
    previous   w̄(−1) ≥ 0.4      next   w̄(+1) ≥ 0.4      same   w̄(0) ≥ 0.4
               the largest of the three (positional heads: Voita et al. 2019, §5.1)
    first      w̄(first column) ≥ 0.4
    broad      mean entropy at least 0.8 of that of even weights (Clark et al. 2019, §3.1)
    syntax-like  the largest weight of a row is 0.4 on average, stands two or more words away in
               half of the rows, and no column is the largest of more than half of the rows
    sharp      between two sides: the largest weight of a row is 0.5 on average
    mixed      none of these

The first that holds is the role. ``syntax-like`` names a shape that heads for syntactic relations
have (Voita et al. 2019, §5.2); it is no proof, which would need parsed sentences.

Letters: H heads, R rows, C columns.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["entropies", "roles", "special_mass"]

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]

POSITIONAL = 0.4
SPECIAL = 0.5
BROAD = 0.8
SHARP = 0.5


def entropies(weights: Floats, rows: Bools) -> tuple[float, ...]:
    """Return the mean entropy of each head's rows [H R C], in nats, over rows [R] that count."""
    return tuple(float(each) for each in _mean(_entropy(weights), rows))


def special_mass(weights: Floats, rows: Bools, special: Bools) -> tuple[float, ...]:
    """Return the mean share of each head's weight that goes to special columns [C]."""
    return tuple(float(each) for each in _mean(weights[:, :, special].sum(2), rows))


def roles(weights: Floats, rows: Bools, special: Bools, *, one_side: bool) -> tuple[str, ...]:
    """Return the role of each head.

    Args:
        weights: [H R C].
        rows: True at rows that count, [R].
        special: True at columns of special tokens, [C].
        one_side: rows and columns are the same pieces.
    """
    return tuple(_role(head, rows, special, one_side=one_side) for head in weights)


def _role(head: Floats, rows: Bools, special: Bools, *, one_side: bool) -> str:
    chosen = head[rows]
    if not chosen.size:
        return "mixed"
    if float(chosen[:, special].sum(1).mean()) >= SPECIAL:
        return "special"
    near = _positional(head, rows) if one_side else None
    if near is not None or float(chosen[:, 0].mean()) >= POSITIONAL:
        return near or "first"
    even = np.log(np.maximum((chosen > 0).sum(1), 1)).mean()
    if even > 0 and float(_entropy(chosen).mean()) >= BROAD * even:
        return "broad"
    strongest = float(chosen.max(1).mean())
    if one_side:
        return "syntax-like" if _syntax_like(head, rows, strongest) else "mixed"
    return "sharp" if strongest >= SHARP else "mixed"


def _positional(head: Floats, rows: Bools) -> str | None:
    near = {"previous": -1, "next": 1, "same": 0}
    weights_near = {name: _at_distance(head, rows, distance) for name, distance in near.items()}
    best = max(weights_near, key=weights_near.__getitem__)
    return best if weights_near[best] >= POSITIONAL else None


def _syntax_like(head: Floats, rows: Bools, strongest: float) -> bool:
    if strongest < POSITIONAL:
        return False
    at, best = np.flatnonzero(rows), head.argmax(1)[rows]
    distant = np.abs(best - at) >= 2
    most = np.bincount(best).max() / len(best)
    return bool(distant.mean() >= 0.5 and most <= 0.5)


def _at_distance(head: Floats, rows: Bools, distance: int) -> float:
    at = np.flatnonzero(rows)
    at = at[(at + distance >= 0) & (at + distance < head.shape[1])]
    return float(head[at, at + distance].mean()) if len(at) else 0.0


def _entropy(weights: Floats) -> Floats:
    safe = np.where(weights > 0, weights, 1.0)
    return -(weights * np.log(safe)).sum(-1)


def _mean(values: Floats, rows: Bools) -> Floats:
    chosen = values[:, rows]
    return chosen.mean(1) if chosen.shape[1] else np.zeros(len(values))
