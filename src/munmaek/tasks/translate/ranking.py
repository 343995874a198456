r"""The likeliest tokens and their log-probabilities, without sorting or normalising all of them.

    log p(v) = z_v − m − log Σ_u exp(z_u − m),   m = max_u z_u

The best K of V scores lie in the K columns of a table of V whose maxima are highest, so that one
pass finds a few hundred candidates to sort. Where scores are equal at the border, the row is sorted
whole, for the lower id comes first.

Letters: N rows, V vocabulary size, K tokens wanted, C columns of the table.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

__all__ = ["likeliest"]

COLUMNS = 128


def likeliest(
    logits: Float[Tensor, "N V"], count: int, *, closed: Sequence[int] = ()
) -> tuple[Float[Tensor, "N K"], Int[Tensor, "N K"]]:
    """Return natural-log probability and id of the ``count`` likeliest tokens, best first.

    Of equal ones the smaller id comes first.

    Args:
        logits: scores before softmax; those of ``closed`` are written over.
        count: K, at most V.
        closed: ids that are left out of the ranking, though not of the probabilities; where fewer
            than K are left, the last places hold −∞.
    """
    scores = logits.float()
    highest = scores.amax(1, keepdim=True)
    # Several times as fast as logsumexp, and as exact with the maximum at hand.
    total = torch.sub(scores, highest).exp_().sum(1, keepdim=True)
    if closed:
        scores[:, list(closed)] = float("-inf")
    values, tokens = _best(scores, count)
    return values - highest - total.log(), tokens


def _best(
    scores: Float[Tensor, "N V"], count: int
) -> tuple[Float[Tensor, "N K"], Int[Tensor, "N K"]]:
    lines = scores.shape[1] // COLUMNS
    if count >= COLUMNS or lines < 2:
        return _sorted(scores, count)
    table = scores[:, : lines * COLUMNS].reshape(-1, lines, COLUMNS)
    heads, columns = table.amax(1).topk(count + 1, 1)
    picked = columns[:, None, :count].expand(-1, lines, -1)
    steps = torch.arange(0, lines * COLUMNS, COLUMNS, device=scores.device)
    ids = (picked + steps[None, :, None]).flatten(1)
    values = table.gather(2, picked).flatten(1)
    rest = torch.arange(lines * COLUMNS, scores.shape[1], device=scores.device)
    ids = torch.cat([ids, rest.expand(len(ids), -1)], 1)
    values = torch.cat([values, scores[:, lines * COLUMNS :]], 1)
    best, places = values.topk(count + 1, 1)
    tokens = ids.gather(1, places[:, :count])
    # One more than wanted, and the best column that was not opened, tell of equals at the border.
    equal = (best[:, :-1] == best[:, 1:]).any(1) | (heads[:, count] >= best[:, count - 1])
    best = best[:, :count]
    if bool(equal.any()):
        rows = equal.nonzero()[:, 0]
        whole = _sorted(scores[rows], count)
        best, tokens = best.index_copy(0, rows, whole[0]), tokens.index_copy(0, rows, whole[1])
    return best, tokens


def _sorted(
    scores: Float[Tensor, "N V"], count: int
) -> tuple[Float[Tensor, "N K"], Int[Tensor, "N K"]]:
    values, tokens = torch.sort(scores, dim=1, descending=True, stable=True)
    return values[:, :count], tokens[:, :count]
