"""Several processes that train one network, as torchrun starts them.

Each takes its own batches of every step, gradients are summed, and the first process alone writes.
With the data of W processes a step sees what one process sees that accumulates W batches.
"""

import os
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, Self, cast, runtime_checkable

import torch
from torch import Tensor, nn
from torch import distributed as torch_distributed

from munmaek.errors import UnsupportedError
from munmaek.fit.objective import Task
from munmaek.fit.ranks import several
from munmaek.fit.sharding import rank_and_size, whole

__all__ = ["Divisible", "Processes", "join", "leave"]

# The module's functions come without complete types.
distributed = cast("Any", torch_distributed)


@runtime_checkable
class Divisible(Protocol):
    """A task that divides each of its batches among processes, rather than whole batches."""

    def part(self, rank: int, size: int) -> Any:
        """Return the task of process ``rank`` of ``size``."""
        ...


def join(device: str) -> str:
    """Join the processes that torchrun started, if it did; returns this one's device."""
    if not several() or distributed.is_initialized():
        return device
    if device != "cuda":
        distributed.init_process_group("gloo")
        return device
    place = f"cuda:{os.environ['LOCAL_RANK']}"
    torch.cuda.set_device(place)
    distributed.init_process_group("nccl")
    return place


def leave() -> None:
    """Part from the other processes."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


class _LossModule(nn.Module):
    """A network with its task, so that what divides the work sees one forward."""

    def __init__(self, network: nn.Module, task: Task[Any, Any]) -> None:
        super().__init__()
        self.network = network
        self.task = task
        self.count = 0
        self.reported = torch.zeros(())

    def forward(self, batch: Any | None) -> Any:
        """Return the summed loss of a batch; without one, the validation loss."""
        if batch is None:
            return self.task.validate(self.network)
        loss = self.task.loss(self.network, batch)
        self.count = loss.count
        self.reported = loss.total.detach()
        return loss.total if loss.penalty is None else loss.total + loss.penalty


class Processes:
    """The one or more that train together."""

    def __init__(self) -> None:
        self.rank, self.size = rank_and_size()
        self._inner: _LossModule | None = None
        self._outer: Any = None

    @property
    def lead(self) -> bool:
        """Return whether this is the one that writes."""
        return self.rank == 0

    def divide(
        self, network: nn.Module, task: Task[Any, Any], *, device: torch.device, sharded: bool
    ) -> Self:
        """Have ``loss`` sum gradients over the processes from here on.

        Raises:
            UnsupportedError: ``sharded`` with a single process.
        """
        if isinstance(task, Divisible) and self.size > 1:
            task = task.part(self.rank, self.size)
        self._inner = _LossModule(network, task)
        self._outer = self._inner
        if sharded and self.size == 1:
            message = "--fsdp divides weights among processes; start several with torchrun"
            raise UnsupportedError(message)
        if sharded:
            self._outer = _shard(self._inner)
        elif self.size > 1:
            self._outer = _replicate(self._inner, device)
        return self

    @property
    def task(self) -> Any:
        """Return what this process does of the task."""
        assert self._inner is not None
        return self._inner.task

    @property
    def stride(self) -> int:
        """Batches that the processes take at once."""
        return 1 if isinstance(self.task, Divisible) else self.size

    def share(self, batches: int, at: int) -> list[int]:
        """Return which of the next ``batches`` from ``at`` on are this process's; may be none."""
        if self.stride == 1:
            return list(range(at, at + batches))
        return list(range(at + self.rank, at + batches, self.size))

    def loss(self, batch: Any) -> tuple[Tensor, float, int]:
        """Return what to minimise for the batch, its summed loss and its predictions."""
        assert self._inner is not None
        total = self._outer(batch)
        return total, float(self._inner.reported), self._inner.count

    def validation(self) -> float:
        """Return the validation loss, as the first process found it."""
        value = float(self._outer.module(None) if self._wrapped else self._outer(None))
        if hasattr(self._outer, "reshard"):
            self._outer.reshard()  # else weights put in place later would be lost
        return self.agreed(value)

    @property
    def _wrapped(self) -> bool:
        return hasattr(self._outer, "no_sync")

    def gather_weights(self) -> None:
        """Give every process all weights from here on, as if they had never been divided."""
        if not hasattr(self._outer, "reshard") or self._inner is None:
            return
        found: dict[int, nn.Parameter] = {}
        for module in self._inner.network.modules():
            for name, parameter in list(module.named_parameters(recurse=False)):
                if id(parameter) not in found:
                    gathered = whole(parameter.detach()).clone()
                    found[id(parameter)] = nn.Parameter(gathered, parameter.requires_grad)
                setattr(module, name, found[id(parameter)])

    def quietly(self) -> AbstractContextManager[object]:
        """Leave it to the next loss outside to sum what gradients are gathered within."""
        return self._outer.no_sync() if self._wrapped else nullcontext()

    def summed(self, *values: float) -> list[float]:
        """Return each value's sum over the processes, in every one of them."""
        if self.size == 1:
            return list(values)
        total = self._vector(values)
        distributed.all_reduce(total)
        return cast("list[float]", cast("Any", total).tolist())

    def agreed(self, value: float) -> float:
        """Return the first process's value."""
        if self.size == 1:
            return value
        own = self._vector([value])
        distributed.broadcast(own, 0)
        return float(own)

    def gathered(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return every process's tensors, which have the same shapes, under ``rank.name``."""
        out: dict[str, Tensor] = {}
        for name, tensor in tensors.items():
            own = tensor.to(self._place()).contiguous()
            parts = [torch.empty_like(own) for _ in range(self.size)]
            if self.size == 1:
                parts = [own]
            else:
                distributed.all_gather(parts, own)
            out |= {f"{rank}.{name}": part for rank, part in enumerate(parts)}
        return out

    def own(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return this process's tensors of what ``gathered`` gave, under their own names."""
        mine = f"{self.rank}."
        return {
            name.removeprefix(mine): tensor
            for name, tensor in tensors.items()
            if name.startswith(mine)
        }

    def _place(self) -> torch.device:
        backend = distributed.get_backend() if self.size > 1 else "gloo"
        return torch.device("cuda" if backend == "nccl" else "cpu")

    def _vector(self, values: Any) -> Tensor:
        return torch.tensor(list(values), dtype=torch.float64, device=self._place())


def _replicate(inner: _LossModule, device: torch.device) -> Any:
    with warnings.catch_warnings():
        # Torch 2.13 has another name for broadcast_buffers, which no version before it knows.
        warnings.filterwarnings("ignore", ".*broadcast_buffers", FutureWarning)
        return cast("Any", nn.parallel).DistributedDataParallel(
            inner,
            device_ids=[device] if device.type == "cuda" else None,
            broadcast_buffers=False,
            find_unused_parameters=True,
        )


def _shard(module: nn.Module) -> Any:
    from torch.distributed.fsdp import fully_shard

    return cast("Any", fully_shard)(module)
