"""Several processes that train one network, as torchrun starts them.

A run is divided into shards (``munmaek.fit.shards``), of which each process computes some: with the
same shards any number of processes gives the same weights, to the bit. The first process alone
writes.
"""

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from typing import Any, Protocol, Self, TypeVar, cast, runtime_checkable

import torch
from torch import Tensor, nn
from torch import distributed as torch_distributed

from munmaek.errors import ConfigError, UnsupportedError
from munmaek.fit.memory import generators, load_generators
from munmaek.fit.objective import Carrying, Task
from munmaek.fit.ranks import several
from munmaek.fit.sharding import rank_and_size, together, whole
from munmaek.fit.shards import Shards
from munmaek.fit.summing import GradientSum, gathered

__all__ = ["Divisible", "Processes", "join", "leave"]

# The module's functions come without complete types.
distributed = cast("Any", torch_distributed)

B = TypeVar("B")


@runtime_checkable
class Divisible(Protocol):
    """A task that divides each of its batches among shards, rather than whole batches."""

    def part(self, rank: int, size: int) -> Any:
        """Return the task of shard ``rank`` of ``size``."""
        ...


def join(device: str) -> str:
    """Join the processes that torchrun started, if it did; returns this one's device."""
    if not several() or distributed.is_initialized():
        return device
    if device != "cuda":
        _meet("gloo")
        return device
    place = f"cuda:{os.environ['LOCAL_RANK']}"
    torch.cuda.set_device(place)
    _meet("nccl")
    return place


def _meet(backend: str) -> None:
    """Find the other processes of this attempt.

    torchrun (2.13) keeps one store for all attempts, in which those that begin again would find the
    addresses of the dead.
    """
    store, rank, size = next(distributed.rendezvous("env://"))
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    own = distributed.PrefixStore(f"attempt_{attempt}", store)
    distributed.init_process_group(backend, store=own, rank=rank, world_size=size)


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
    """The one or more that train together, and the shards that this one computes."""

    def __init__(self) -> None:
        self.rank, self.size = rank_and_size()
        self.shards = Shards(self.size, self.size)
        self.tasks: dict[int, Any] = {}
        """The task of each shard of this process."""
        self._random: dict[int, dict[str, Tensor]] = {}
        self._device = torch.device("cpu")
        self._inner: _LossModule | None = None
        self._outer: Any = None
        self._sum: GradientSum | None = None
        self._asked = False
        self._told = (0.0, False)
        """Seconds of the first process, and whether any wants to stop, as the last step told."""

    @property
    def lead(self) -> bool:
        """Return whether this is the one that writes."""
        return self.rank == 0

    def divide(
        self,
        network: nn.Module,
        task: Task[Any, Any],
        *,
        device: torch.device,
        sharded: bool,
        shards: int,
        seed: int,
    ) -> Self:
        """Have gradients summed over ``shards`` from here on, each with random numbers of its own.

        Args:
            network: in every process the same; the weights are those of the first.
            task: what is trained, whole.
            device: this process's.
            sharded: divide the weights, too (FSDP2).
            shards: the shards of the run, at least one for each process.
            seed: of what the first shard draws; the next begins at ``seed + 1000``.

        Raises:
            ConfigError: more processes than shards.
            UnsupportedError: ``sharded`` with a single process.
        """
        if shards < self.size:
            message = (
                f"--shards {shards}: {self.size} processes cannot share {shards}; "
                f"start at most {shards} of them"
            )
            raise ConfigError(message)
        if sharded and self.size == 1:
            message = "--fsdp divides weights among processes; start several with torchrun"
            raise UnsupportedError(message)
        self.shards, self._device = Shards(shards, self.size), device
        mine = self.shards.of(self.rank)
        self.tasks = {shard: _task_of(task, shard, shards) for shard in mine}
        self._random = {shard: _begun(seed + 1000 * shard, device) for shard in mine}
        self._inner = _LossModule(network, self.tasks[mine[0]])
        self._outer = _shard(self._inner) if sharded else self._inner
        if self.size > 1 and not sharded:
            for tensor in (*network.parameters(), *network.buffers()):
                distributed.broadcast(tensor.detach(), 0)
        self._sum = None if sharded else GradientSum(self._trained, self.shards, self.rank)
        return self

    @property
    def task(self) -> Any:
        """Return the task of this process's first shard."""
        return next(iter(self.tasks.values()))

    @property
    def stride(self) -> int:
        """Batches that the shards take at once."""
        return 1 if isinstance(self.task, Divisible) else self.shards.count

    def epoch(self, number: int) -> dict[int, Sequence[Any]]:
        """Return the batches of an epoch for each shard of this process, of which it has a share.

        Those of a task that is not divided are the same for all.
        """
        if isinstance(self.task, Divisible):
            return {shard: task.epoch(number) for shard, task in self.tasks.items()}
        whole: Sequence[Any] = self.task.epoch(number)
        return dict[int, Sequence[Any]].fromkeys(self.tasks, whole)

    def share(self, shard: int, taken: int, at: int) -> list[int]:
        """Return which of the next ``taken`` batches from ``at`` on a shard computes."""
        if self.stride == 1:
            return list(range(at, at + taken))
        return self.shards.batches(shard, taken, at)

    def gradients(
        self,
        work: Mapping[int, Sequence[B]],
        backward: Callable[[B], Sequence[float]],
        spare: B,
        lap: Callable[[], float],
    ) -> list[float]:
        """Leave in the network the gradient summed over all shards.

        Args:
            work: the batches of each shard of this process.
            backward: adds the gradient of one batch; returns numbers to be summed, three of them.
            spare: a batch to go along with where this process has fewer than another.
            lap: returns the seconds since it was called last; it is called where there are several
                processes, for ``seconds``.

        Returns:
            Those numbers summed over all batches, in the same order for any number of processes.
        """
        numbers = {shard: [0.0, 0.0, 0.0] for shard in work}

        def compute(shard: int, last: Callable[[], None] = lambda: None) -> None:
            with self._as_shard(shard):
                for left, batch in zip(reversed(range(len(work[shard]))), work[shard], strict=True):
                    if not left:
                        last()
                    found = backward(batch)
                    numbers[shard] = [a + b for a, b in zip(numbers[shard], found, strict=True)]

        if self._sum is None:
            behind = self._behind(sum(len(batches) for batches in work.values()))
            for shard in work:
                compute(shard)
            for _ in range(behind):
                torch.autograd.backward(0.0 * self.loss(spare)[0])
        else:
            self._sum.sum(compute)
        rows = [numbers[shard] for shard in work]
        if self.size > 1:
            rows = self._exchanged(rows, lap)
        return [sum(column) for column in zip(*rows, strict=True)]

    @together()
    def _exchanged(self, rows: list[list[float]], lap: Callable[[], float]) -> list[list[float]]:
        """Return the numbers of all shards, after the gradients: one message for all that is small.

        It goes while gradients are under way, and takes along what ``seconds`` and ``stopping``
        tell.
        """
        most = max(len(self.shards.of(rank)) for rank in range(self.size))
        flat = [each for row in rows for each in row] + [0.0] * (3 * (most - len(rows)))
        own = self._vector([lap(), float(self._asked), *flat])
        every = own.new_empty(self.size * len(own))
        sending = gathered(every, own, async_op=True)
        if self._sum is not None:
            self._sum.collect()
        sending.wait()
        told = cast("Any", every.view(self.size, -1)).tolist()
        self._told = told[0][0], any(row[1] for row in told)
        return [
            row[2 + 3 * number : 5 + 3 * number]
            for rank, row in enumerate(told)
            for number in range(len(self.shards.of(rank)))
        ]

    def seconds(self, lap: Callable[[], float]) -> float:
        """Return the seconds of a step: the first process's, as it told with the gradients.

        The update that follows counts with the next step. One process looks at its clock now.
        """
        return lap() if self.size == 1 else self._told[0]

    def stopping(self, asked: bool) -> bool:
        """Return whether to stop here; of several processes what they asked for a step before."""
        if self.size == 1:
            return asked
        self._asked = self._asked or asked
        return self._told[1]

    @together()
    def _behind(self, batches: int) -> int:
        """Return how many batches less this process has than the one with most.

        FSDP gathers weights with each, in which all processes must take part.
        """
        most = torch.tensor(batches, device=self._place())
        distributed.all_reduce(most, distributed.ReduceOp.MAX)
        return int(most) - batches

    @contextmanager
    def _as_shard(self, shard: int) -> Generator[None]:
        """Compute inside with the task and the random numbers of a shard."""
        assert self._inner is not None
        self._inner.task = self.tasks[shard]
        load_generators(self._device, self._random[shard])
        yield
        self._random[shard] = generators(self._device)

    def loss(self, batch: Any) -> tuple[Tensor, float, int]:
        """Return what to minimise for the batch, its summed loss and its predictions."""
        assert self._inner is not None
        total = self._outer(batch)
        return total, float(self._inner.reported), self._inner.count

    def validation(self) -> float:
        """Return the validation loss, as the first process found it."""
        value = float(self._outer(None))
        if self._divided:
            self._outer.reshard()  # else weights put in place later would be lost
        return self.agreed(value)

    @property
    def _divided(self) -> bool:
        """Return whether the weights are divided among processes."""
        return hasattr(self._outer, "reshard")

    @property
    def _trained(self) -> list[nn.Parameter]:
        assert self._inner is not None
        return [each for each in self._inner.network.parameters() if each.requires_grad]

    @property
    def mean_of(self) -> int:
        """Return how many gradients' mean ``gradients`` leaves: FSDP's is one over processes."""
        return self.size if self._divided else 1

    def gather_weights(self) -> None:
        """Give every process all weights from here on, as if they had never been divided."""
        if not self._divided or self._inner is None:
            return
        found: dict[int, nn.Parameter] = {}
        for module in self._inner.network.modules():
            for name, parameter in list(module.named_parameters(recurse=False)):
                if id(parameter) not in found:
                    gathered = whole(parameter.detach()).clone()
                    found[id(parameter)] = nn.Parameter(gathered, parameter.requires_grad)
                setattr(module, name, found[id(parameter)])

    @together()
    def agreed(self, value: float) -> float:
        """Return the first process's value."""
        if self.size == 1:
            return value
        own = self._vector([value])
        distributed.broadcast(own, 0)
        return float(own)

    def remembered(self) -> dict[str, Tensor]:
        """Return what shards draw and carry, all of them, for a checkpoint."""
        own: dict[int, dict[str, Tensor]] = {}
        for shard, task in self.tasks.items():
            own[shard] = {f".{name}": each for name, each in self._random[shard].items()}
            if isinstance(task, Carrying):
                own[shard] |= {f".carried.{name}": each for name, each in task.carried().items()}
        return self.gathered(own)

    def take_up(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what ``remembered`` gave."""
        for shard, task in self.tasks.items():
            mine = f"{shard}."
            own = {k.removeprefix(mine): t for k, t in tensors.items() if k.startswith(mine)}
            self._random[shard] = {k: t for k, t in own.items() if k.startswith("random.")}
            if isinstance(task, Carrying):
                carried = {k[8:]: t for k, t in own.items() if k.startswith("carried.")}
                task.take_up(carried, self._device)

    def gathered(self, tensors: Mapping[int, Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """Return the tensors of all shards, as ``shard`` and name, in the order of the shards.

        Args:
            tensors: of each shard of this process; every shard has the same names and shapes.
        """
        names = list(next(iter(tensors.values())))
        every = [self._stacked([tensors[shard][name] for shard in tensors]) for name in names]
        return {
            f"{shard}{name}": stacked[rank][number]
            for rank in range(self.size)
            for number, shard in enumerate(self.shards.of(rank))
            for name, stacked in zip(names, every, strict=True)
        }

    @together()
    def _stacked(self, own: Sequence[Tensor]) -> list[Tensor]:
        """Return for every process the tensors of its shards: each [shards, ...]."""
        mine = torch.stack([each.to(self._place()) for each in own])
        if self.size == 1:
            return [mine]
        most = max(len(self.shards.of(rank)) for rank in range(self.size))
        sent = mine.new_zeros(most, *mine.shape[1:])
        sent[: len(mine)] = mine
        parts = [torch.empty_like(sent) for _ in range(self.size)]
        distributed.all_gather(parts, sent)
        return parts

    def _place(self) -> torch.device:
        backend = distributed.get_backend() if self.size > 1 else "gloo"
        return torch.device("cuda" if backend == "nccl" else "cpu")

    def _vector(self, values: Any) -> Tensor:
        return torch.tensor(list(values), dtype=torch.float64, device=self._place())


def _task_of(task: Task[Any, Any], shard: int, shards: int) -> Any:
    """Return what a shard does of the task."""
    if shards == 1:
        return task
    if isinstance(task, Divisible):
        return task.part(shard, shards)
    return copy(task) if isinstance(task, Carrying) else task


def _begun(seed: int, device: torch.device) -> dict[str, Tensor]:
    """Return the state of random generators that begin at ``seed``."""
    cast("Any", torch.random).manual_seed(seed)
    return generators(device)


def _shard(module: nn.Module) -> Any:
    from torch.distributed.fsdp import fully_shard

    return cast("Any", fully_shard)(module)
