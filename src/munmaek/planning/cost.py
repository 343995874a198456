"""The cost of a network, without its weights: operations a token, weights, memory."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import nn

from munmaek.folder.weights import make_network
from munmaek.models import stage_named
from munmaek.nn.embeddings import BeginsFromCounts

__all__ = ["Cost", "cost_of", "sizes_for"]

_FLOAT = 4
"""Bytes of a weight."""
_COPIES = {"sgd": 3, "adamw": 5, "muon": 4}
"""Weights, gradients, moments and best weights, by optimiser."""
_KEPT = 24
"""Numbers that are kept of each token and width for the gradient, over a stack's sublayers."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a network, each number for the whole of it."""

    weights: int
    inner: int
    """Weights of the layers: without tables of tokens and what predicts them."""
    products: int
    """Weights that each token is multiplied with, the output layer's among them."""
    width: int
    """The widest layer that every token passes."""
    predicted: int
    """Tokens whose scores are kept for each predicted one; 0 where none are."""

    @property
    def operations(self) -> float:
        """Return the floating-point operations of a training step, for each token."""
        return 6.0 * self.products

    def memory(self, *, optimizer: str, batch: int) -> int:
        """Return the bytes that training needs at most, roughly.

        Args:
            optimizer: its name.
            batch: tokens of a batch.
        """
        layers = max(1, round(self.inner / max(1, self.width**2)))
        kept = batch * (self.width * (_KEPT + 4 * layers) + 3 * self.predicted)
        return _FLOAT * (_COPIES[optimizer] * self.weights + kept)


def sizes_for(stage: str, task: str, *, vocabulary: int, labels: int) -> dict[str, Any] | None:
    """Return sizes that a network of the stage is made with; None where it wants others."""
    made = stage_named(stage).network_class(task)
    known = list(inspect.signature(made).parameters.values())[1:]
    sizes: dict[str, Any] = {}
    for each in known:
        if "vocab" in each.name:
            sizes[each.name] = vocabulary
        elif "label" in each.name:
            sizes[each.name] = max(1, labels)
        elif each.default is each.empty:
            return None
    return sizes


def cost_of(stage: str, task: str, config: Any, sizes: Mapping[str, Any]) -> Cost:
    """Return the cost of a network that is only outlined, on no device.

    Args:
        stage: its name.
        task: its name.
        config: the stage's configuration.
        sizes: what else it is made with.
    """
    return _cost(stage, task, config, tuple(sizes.items()))


@lru_cache(maxsize=256)
def _cost(stage: str, task: str, config: Any, items: tuple[tuple[str, Any], ...]) -> Cost:
    sizes = dict(items)
    with torch.device("meta"):
        network: Any = make_network(
            stage=stage, task=task, config=config.model_dump(), sizes=sizes, seed=0
        )
    vocabularies = {size for name, size in sizes.items() if "vocab" in name}
    sides = sum("vocab" in name for name in sizes)
    tables = {id(each.weight) for each in network.modules() if isinstance(each, nn.Embedding)}
    matrices = [each for each in network.parameters() if each.dim() > 1]
    inner = [
        each for each in matrices if id(each) not in tables and each.shape[0] not in vocabularies
    ]
    count = sum(each.numel() for each in inner)
    predicted = 0
    if isinstance(getattr(network, "output", None), BeginsFromCounts):
        predicted = getattr(config, "sampled", None) or max(vocabularies)
    width = max((min(each.shape) for each in inner), default=1)
    # Of a translator a token passes the encoder or the decoder, and every second is predicted.
    products = (count + predicted * width) // max(1, sides)
    weights = sum(each.numel() for each in network.parameters())
    return Cost(weights, count, products, width, predicted)
