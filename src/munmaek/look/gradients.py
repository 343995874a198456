r"""Gradients of the predictions: the heads that one rests on, and how far back a word reaches.

    importance of head h    | ∂L / ∂ξ_h | at ξ_h = 1,  L = −Σ_i log p(i)    (Michel et al. 2019, §4)

ξ_h multiplies the head's context, so the derivative is Σ context_h · ∂L/∂context_h.

    influence at distance d    geometric mean over t of ‖ ∂ log p(w_t) / ∂ e_{t−d} ‖₂

e is the embedding of a token (``munmaek.look.measures`` has its average over a corpus).

Letters: T tokens, H heads, K width of a head, D width of an embedding.

Torch is loaded where there are gradients: n-grams are looked at without.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from munmaek.arrays import Floats
from munmaek.tasks.inside import Graph

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["head_importance", "influence_by_distance"]

PREDICTIONS = 48
"""Predictions whose gradient is taken, evenly spread over a longer text."""


def head_importance(graph: Graph) -> dict[str, list[float]]:
    """Return the importance of each head, in nats, by the name of its attention.

    Of a number, which is no likelihood, its slope takes the loss's place.
    """
    import torch

    contexts = {
        name.removesuffix(".context"): tensor
        for name, tensor in graph.records.items()
        if name.endswith(".context") and tensor.ndim == 4
    }
    if not contexts:
        return {}
    # A context that nothing reads has no gradient, which torch's types do not say.
    grad: Any = torch.autograd.grad
    found: tuple[Tensor | None, ...] = grad(
        -graph.values.sum(), list(contexts.values()), allow_unused=True, retain_graph=True
    )
    made: dict[str, list[float]] = {}
    for (name, context), gradient in zip(contexts.items(), found, strict=True):
        change = torch.zeros_like(context) if gradient is None else context * gradient
        sums = change.detach().sum((0, 2, 3)).abs().double().cpu().numpy()
        made[name] = [float(each) for each in sums]
    return made


def influence_by_distance(graph: Graph) -> list[dict[str, float]]:
    """Return for each distance back from the predicted token the mean norm of the gradient.

    Distance 1 is the token just read.

    Args:
        graph: of a language model's predictions, one after each token that it read.
    """
    values: dict[int, list[float]] = {}
    for step, row in _gradient_norms(graph.values, graph.records["embedding"]):
        for position in range(1, step + 1):  # <s> at 0 is no word
            values.setdefault(step + 1 - position, []).append(float(row[position]))
    return [
        {
            "distance": float(distance),
            "value": float(np.exp(np.log(np.maximum(each, 1e-30)).mean())),
        }
        for distance, each in sorted(values.items())
    ]


def _gradient_norms(logprobs: "Tensor", embedding: "Tensor") -> list[tuple[int, Floats]]:
    import torch

    count = len(logprobs)
    chosen = np.unique(np.linspace(0, count - 1, min(count, PREDICTIONS)).round().astype(int))
    made: list[tuple[int, Floats]] = []
    for step in chosen.tolist():
        (gradient,) = torch.autograd.grad(logprobs[step], [embedding], retain_graph=True)
        rows = gradient[0].double().cpu().numpy()
        made.append((step, np.linalg.norm(rows, axis=-1)))
    return made
