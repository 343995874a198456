"""The interface between the one training loop and a task, and what the tasks share.

A task wraps a network: it makes the batches, the loss and the predictions, and knows no
architecture. Losses are sums in nats with their count, so that averages over uneven batches, shards
and accumulation steps stay exact.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, overload, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = [
    "Batch",
    "Batches",
    "Carrying",
    "Loss",
    "Task",
]


@runtime_checkable
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
    penalty: Tensor | None = None
    """A scalar that is minimised besides; no part of what is reported."""


N = TypeVar("N", contravariant=True)
B = TypeVar("B", bound=Batch)


class Task(Protocol, Generic[N, B]):
    """Batches in, loss out, for networks of type ``N``."""

    def epoch(self, number: int) -> Sequence[B]:
        """Yield the batches of one epoch; they depend on the task's seed and ``number`` only."""
        ...

    def loss(self, network: N, batch: B) -> Loss:
        """Compute the loss of the batch under the network as it stands, on the network's device."""
        ...

    def validate(self, network: N) -> float:
        """Return the mean loss on the validation data, nats per prediction; lower is better.

        The network comes in evaluation mode and without gradients.
        """
        ...


@runtime_checkable
class Carrying(Protocol):
    """A task that carries something from one batch to the next, such as a hidden state."""

    def carried(self) -> dict[str, Tensor]:
        """Return the state that would be lost if training stopped here."""
        ...

    def take_up(self, carried: Mapping[str, Tensor], device: torch.device) -> None:
        """Go on from what ``carried`` gave."""
        ...


class Batches(Sequence[B]):
    """Batches of one pass, each made from its rows only when it is asked for."""

    def __init__(
        self, rows: Sequence[NDArray[np.int64]], make: Callable[[int, NDArray[np.int64]], B]
    ) -> None:
        self._rows = rows
        self._make = make

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> B: ...
    @overload
    def __getitem__(self, index: slice) -> list[B]: ...
    def __getitem__(self, index: int | slice) -> B | list[B]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        return self._make(index, self._rows[index])

    def __iter__(self) -> Iterator[B]:
        return (self[index] for index in range(len(self)))
