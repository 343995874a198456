"""The cost of a run, measured over a few steps before it is paid.

A step of P processes that share N shards takes

    seconds = ⌈N / P⌉ · accumulate · (seconds of a batch) + (seconds of an update) + bytes / wire

with a batch and an update timed on this machine, in as many threads as each of P processes would
have of it, and 2 (P − 1) / P gradients sent by each process.
"""

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import torch

from munmaek.fit.config import TrainConfig
from munmaek.fit.optimiser import make_optimiser, scale_gradients
from munmaek.fit.precision import autocast, resolve
from munmaek.fit.processes import Divisible
from munmaek.folder.weights import parameter_count
from munmaek.nn.products import fast_products

__all__ = ["PROCESSES", "Forecast", "RehearsedError", "Share", "rehearse"]

PROCESSES: Final = (1, 2, 4, 8)
"""Numbers of processes that a forecast is made for."""
WIRE: Final = 1e9
"""Bytes a second between two processes that are assumed; they are not measured."""
BATCHES: Final = 8
"""Batches that are timed, from all over an epoch, after one that sets up."""
LONG: Final = 3.0
"""Seconds after which no more of them are begun."""


@dataclass(frozen=True, slots=True)
class Share:
    """The part of each of some processes."""

    processes: int
    memory: int
    """Bytes of weights, gradients, moments and what is exchanged, in each of them."""
    bytes_per_step: int
    """Bytes that each sends in a step."""
    step_seconds: float
    """Seconds of a step."""
    seconds: float
    """Seconds of the whole run, without validation."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """The cost of a run."""

    parameters: int
    memory: int
    """Bytes of weights, gradients and the optimiser's moments; what is computed comes on top."""
    tokens: int
    """Tokens of one epoch, as the task counts them."""
    tokens_per_second: float
    """Measured on this machine with this recipe, in one process."""
    seconds: float
    """Seconds of the whole run in one process, without validation."""
    epochs: float
    """Epochs that this makes."""
    step_seconds: float
    """Seconds of a step in one process."""
    shards: int | None
    """Shards that the recipe says; None is one for each process."""
    shares: Sequence[Share] = field(default_factory=list[Share])
    """Shares of each process where there are several."""


class RehearsedError(Exception):
    """Ends a training whose cost alone was wanted, with the forecast."""

    def __init__(self, forecast: Forecast) -> None:
        super().__init__("rehearsed")
        self.forecast = forecast


@dataclass(frozen=True, slots=True)
class _Pace:
    """Seconds of a batch and of an update."""

    batch: float
    update: float


def rehearse(network: Any, task: Any, config: TrainConfig, device: str, tokens: int) -> Forecast:
    """Take a few steps of a run and say what all of it costs; nothing is kept.

    Args:
        network: it is trained a little.
        task: what ``munmaek.fit.loop.fit`` asks of a task.
        config: how the run is to be.
        device: where.
        tokens: of one epoch.
    """
    place, threads = torch.device(device), torch.get_num_threads()
    batches = task.epoch(0)
    wanted = [each for each in PROCESSES if config.shards is None or each <= config.shards]
    paces: dict[int, _Pace] = {}
    try:
        for processes in wanted:
            own = max(1, (threads if processes == 1 else os.cpu_count() or 1) // processes)
            torch.set_num_threads(own)
            if own not in paces:
                paces[own] = _pace(network, task, batches, config, place)
            paces[-processes] = paces[own]
    finally:
        torch.set_num_threads(threads)
    parameters = parameter_count(network)
    run = _Run(config, len(batches), isinstance(task, Divisible), parameters)
    shares = [run.share(each, paces[-each]) for each in wanted]
    alone = shares[0]
    epoch = run.steps(1) * alone.step_seconds
    return Forecast(
        parameters,
        run.memory,
        tokens,
        tokens / epoch,
        alone.seconds,
        alone.seconds / epoch,
        alone.step_seconds,
        config.shards,
        shares[1:],
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """The quantities of a run that its cost depends on."""

    config: TrainConfig
    batches: int
    """Batches of an epoch."""
    divided: bool
    """Each batch is divided among the shards, rather than whole batches."""
    parameters: int

    @property
    def memory(self) -> int:
        """Return the bytes of weights, gradients and moments."""
        moments = {"adamw": 2, "muon": 2, "sgd": 1 if self.config.momentum else 0}
        return 4 * self.parameters * (2 + moments[self.config.optimizer])

    def taken(self, processes: int) -> int:
        """Return the batches of a step."""
        shards = self.config.shards or processes
        return self.config.accumulate * (1 if self.divided else shards)

    def share(self, processes: int, pace: _Pace) -> Share:
        """Return what each of some processes has to do."""
        shards = self.config.shards or processes
        own = math.ceil(min(shards, self.batches) / processes)
        work = own * self.config.accumulate * pace.batch / (shards if self.divided else 1)
        sent = int(2 * (processes - 1) / processes * 4 * self.parameters)
        step = work + pace.update + sent / WIRE
        exchanged = 0 if shards == 1 else 4 * self.parameters * min(processes, 3)
        return Share(processes, self.memory + exchanged, sent, step, self._seconds(processes, step))

    def steps(self, processes: int) -> int:
        """Return the steps of an epoch."""
        return math.ceil(self.batches / self.taken(processes))

    def _seconds(self, processes: int, step: float) -> float:
        an_epoch = self.steps(processes)
        limits = [
            self.config.budget,
            None if self.config.epochs is None else self.config.epochs * an_epoch * step,
            None if self.config.steps is None else self.config.steps * step,
        ]
        return min(limit for limit in limits if limit is not None)


@fast_products()
def _pace(
    network: Any, task: Any, batches: Sequence[Any], config: TrainConfig, device: torch.device
) -> _Pace:
    """Measure batches from all over an epoch, each with an update."""
    precision, optimiser = resolve(config, device), make_optimiser(network, config)
    part = task.part(0, 1) if isinstance(task, Divisible) else task
    chosen = [batches[at * len(batches) // BATCHES] for at in range(BATCHES)]
    network.train()
    clock, spent, done = time.perf_counter, [0.0, 0.0], 0
    for number, batch in zip(count(), [chosen[0], *chosen], strict=False):
        if number > 2 and sum(spent) > LONG:
            break
        began = clock()
        network.zero_grad(set_to_none=True)
        with autocast(precision, device):
            loss = part.loss(network, batch)
        torch.autograd.backward(loss.total if loss.penalty is None else loss.total + loss.penalty)
        _wait(device)
        between = clock()
        scale_gradients(network, count=max(1, loss.count), clip=config.clip)
        with autocast(precision, device):
            optimiser.step()
        _wait(device)
        if number:
            spent = [spent[0] + between - began, spent[1] + clock() - between]
            done += 1
    return _Pace(spent[0] / done, spent[1] / done)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
