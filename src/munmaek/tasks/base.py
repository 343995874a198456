"""What the one training loop asks of a task.

A task wraps a network: it makes the batches, the loss and the predictions, and knows no
architecture. Losses are sums in nats with their count, so that averages over uneven batches, shards
and accumulation steps stay exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from torch import Tensor

__all__ = ["Batch", "Loss", "Task"]


class Batch(Protocol):
    """Frozen arrays that go through a network together."""

    @property
    def tokens(self) -> int:
        """Real tokens, padding not counted."""
        ...


@dataclass(frozen=True, slots=True)
class Loss:
    """Negative log-likelihood of a batch."""

    total: Tensor
    """Sum over predictions, in nats; a scalar that carries the gradient."""
    count: int
    """Predictions summed over."""


N = TypeVar("N", contravariant=True)
B = TypeVar("B", bound=Batch)


class Task(Protocol, Generic[N, B]):
    """Batches in, loss out, for networks of type ``N``."""

    def epoch(self, number: int) -> Sequence[B]:
        """The batches of one pass over the data; depends on the task's seed and ``number`` only."""
        ...

    def loss(self, network: N, batch: B) -> Loss:
        """Loss of the batch under the network as it stands, on the network's device."""
        ...

    def validate(self, network: N) -> float:
        """Mean loss on the validation data, nats per prediction; lower is better.

        The network comes in evaluation mode and without gradients.
        """
        ...
