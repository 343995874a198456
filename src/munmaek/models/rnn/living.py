"""The tensors of the stage's networks for a page."""

from typing import Any

from munmaek.models.living import Arrays, state, whole_numbers
from munmaek.models.rnn.adaptive_softmax import AdaptiveSoftmax

__all__ = ["tensors"]


def tensors(network: Any) -> Arrays:
    """Return the weights, and of an adaptive softmax the ids at which its clusters begin."""
    output: Any = getattr(network, "output", None)
    adaptive = isinstance(output, AdaptiveSoftmax)
    edges = {"output.edges": whole_numbers(output.edges)} if adaptive else {}
    return {**state(network), **edges}
