"""The training loop: one for every network and task.

Any two runs with the same seed, data, options, shards and number of threads give the same weights
on a processor, to the bit, interrupted or not and in whatever number of processes; a budget of
seconds is the exception, because its schedule follows the clock.
"""

import math
import time
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from munmaek.errors import ArtefactError, ConfigError, InputError, MunmaekWarning, TrainingError
from munmaek.fit.averaging import Average
from munmaek.fit.checkpoint import Checkpoint, Store, load_weights, weights
from munmaek.fit.config import MAY_CHANGE, TrainConfig
from munmaek.fit.log import Log
from munmaek.fit.memory import load_moments, moments
from munmaek.fit.objective import Batch, Task
from munmaek.fit.optimiser import (
    SETTLE_EVERY,
    freeze,
    make_optimiser,
    scale_gradients,
    set_rates,
    settle,
)
from munmaek.fit.precision import autocast, flushing_subnormals, resolve
from munmaek.fit.processes import Processes
from munmaek.fit.record import FitResult, Progress
from munmaek.fit.run import RunState
from munmaek.fit.running import Run
from munmaek.nn.products import fast_products

__all__ = ["fit"]

_REPORT_EVERY = 0.1
"""Seconds between calls of ``report``."""


def fit(
    network: nn.Module,
    task: Task[Any, Any],
    *,
    config: TrainConfig,
    run: Run | None = None,
) -> FitResult:
    """Train ``network`` on ``task``; it ends with the best validated weights, in evaluation mode.

    Under torchrun every process calls this alike; see ``munmaek.fit.processes``.

    Args:
        network: moved to the device of ``run`` and trained in place.
        task: gives batches, loss and validation.
        config: how long, how fast and how carefully.
        run: where to train and keep checkpoints, and whom to tell about ten times a second; its
            ``should_stop`` is asked after each step, and true saves a checkpoint and ends the run,
            of several processes after one more. Without it the network is trained on a processor,
            and nothing is kept.

    Raises:
        TrainingError: the loss, its gradient or the validation is not finite.
        DiskError: a checkpoint or the log cannot be written; earlier checkpoints are whole.
        ArtefactError: checkpoints stand there but ``resume`` is false, or another network's.
        ConfigError: an option differs from those of the run that is resumed.
        InputError: no training data, or not those of the run that is resumed.
    """
    asked = run or Run()
    place = torch.device(asked.device)
    network.to(place)
    store = None if asked.folder is None else Store(asked.folder)
    processes = Processes()
    processes.agreed(0.0)  # the first may have had a checkpoint of an earlier call to write
    checkpoint = store.newest() if store is not None and asked.resume else None
    with (
        fast_products(),
        flushing_subnormals(),
        _drawing_apart(place),
        _threads_of(checkpoint) as threads,
    ):
        processes.divide(
            network,
            task,
            device=place,
            sharded=config.sharded,
            shards=_shards_of(config, checkpoint, processes),
            seed=config.seed,
        )
        loop = _Run(network, processes, config, place, store, asked.clock or time.perf_counter)
        loop.threads = threads
        loop.begin(checkpoint, resume=asked.resume)
        stopped = loop.state.ended(config)
        while stopped is None:
            loop.step()
            validated = loop.state.validation_due(config)
            if validated:
                loop.validate()
            stopped = loop.state.ended(config)
            ending = stopped is None and asked.should_stop is not None and asked.should_stop()
            if processes.stopping(ending) and stopped is None:
                stopped = "interrupted"
            loop.tell(asked.report, validated=validated, last=stopped is not None)
            loop.save(last=stopped is not None)
        loop.finish()
    return replace(loop.state.result(stopped), shards=processes.shards.count, threads=threads)


class _Run:
    """The state of the loop between steps."""

    def __init__(
        self,
        network: nn.Module,
        processes: Processes,
        config: TrainConfig,
        device: torch.device,
        store: Store | None,
        clock: Callable[[], float],
    ) -> None:
        self.now = clock
        self.clock = clock()
        self.reported = self.clock
        self.saved = 0.0
        self.network = network
        self.processes = processes
        self.config = config
        self.device = device
        self.store = store
        self.threads = 1
        log_folder = None if store is None or not processes.lead else store.path.parent
        self.log = Log(log_folder, every=config.log_every, tensorboard=config.tensorboard)
        half = processes.agreed(resolve(config, device) == "bfloat16")
        self.state = RunState.fresh(config, "bfloat16" if half else "float32")
        self.optimiser = make_optimiser(network, config)
        self.average = Average(config)
        self.best: dict[str, Tensor] | None = None
        self.gradient_norm = 0.0
        self.batches: dict[int, Sequence[Batch]] = {}
        self.epoch = -1

    def begin(self, checkpoint: Checkpoint | None, *, resume: bool) -> None:
        """Take up the checkpoint, or begin where there is none."""
        if self.store is not None:
            if resume:
                self._take_up(checkpoint)
            elif self.store.steps():
                message = (
                    f"{self.store.path}: holds checkpoints of an earlier run; "
                    "resume it, or remove the folder to begin anew"
                )
                raise ArtefactError(message)
        self.saved = self.state.seconds
        self.log.begin(self.state.step)
        self.network.train()

    def step(self) -> None:
        """Update the weights once, from as many batches as a step takes."""
        state, config, processes = self.state, self.config, self.processes
        taken, work = self._next_batches()
        progress = state.progress(config)
        state.learning_rate = set_rates(self.optimiser, config, progress)
        self.optimiser.zero_grad(set_to_none=True)
        spare = next(iter(self.batches.values()))[state.index]
        total, count, tokens = processes.gradients(work, self._backward, spare, self._own_lap)
        freeze(self.optimiser, progress)
        norm = scale_gradients(
            self.network, count=max(1.0, count) / processes.mean_of, clip=config.clip
        )
        self._check(total, norm)
        with autocast(state.precision, self.device):  # what Muon multiplies
            cast("Any", self.optimiser).step()
        if (state.step + 1) % SETTLE_EVERY == 0:
            settle(self.optimiser)
        self.average.stepped(self.network)
        self.gradient_norm = norm
        state.stepped(batches=taken, tokens=int(tokens), loss=total, count=int(count))
        state.trained(processes.seconds(self._own_lap))

    def _backward(self, batch: Batch) -> tuple[float, int, int]:
        """Add the gradient of a batch; returns its summed loss, its predictions and its tokens."""
        with autocast(self.state.precision, self.device):
            loss, reported, predictions = self.processes.loss(batch)
        torch.autograd.backward(loss)
        return reported, predictions, batch.tokens

    def validate(self) -> None:
        """Measure the weights as they stand, and keep them if there were none better."""
        state = self.state
        # From its trigger on, the mean is what is being trained.
        mean = self.average.value() if self.config.averaging == "triggered" else None
        now = None if mean is None else _copy(weights(self.network))
        value = self._measured(mean)
        better = state.validated(value, seconds=self._lap(), config=self.config)
        if better:
            self.best = _copy(weights(self.network))
        if now is not None:
            load_weights(self.network, now)
        self.average.validated(self.network, [each for _, each in state.curve])

    def _measured(self, values: dict[str, Tensor] | None) -> float:
        """Return the validation loss of ``values``, put into the network, or of what it holds."""
        if values is not None:
            load_weights(self.network, values)
        self.network.eval()
        with torch.no_grad():
            value = self.processes.validation()
        self.network.train()
        if not math.isfinite(value):
            message = f"step {self.state.step}: validation loss is {value}; lower the learning rate"
            raise TrainingError(message)
        return value

    def tell(
        self, report: Callable[[Progress], None] | None, *, validated: bool, last: bool
    ) -> None:
        """Say where the run stands, to the log and to whoever watches."""
        now = self.state.report(self.config)
        self.log.write(now, gradient_norm=self.gradient_norm, validated=validated, last=last)
        due = last or validated or self.clock - self.reported >= _REPORT_EVERY
        if report is not None and due:
            self.reported = self.clock
            report(now)

    def save(self, *, last: bool) -> None:
        """Write a checkpoint if it is time for one."""
        # By the run's time, which the processes agree on: a process that gathered alone would wait
        # for the others for ever.
        due = self.state.seconds - self.saved >= self.config.checkpoint_every
        if self.store is None or not (last or due):
            return
        options = self.config.model_dump(mode="json")
        remembered = self.processes.remembered()
        checkpoint = Checkpoint(
            step=self.state.step,
            state={
                "run": self.state.values(),
                "config": options,
                "shards": self.processes.shards.count,
                "threads": self.threads,
            },
            model=weights(self.network),
            best=self.best,
            optimizer={**moments(self.optimiser), **remembered, **self.average.tensors()},
        )
        if self.processes.lead:
            self.store.save(checkpoint)
        self.saved = self.state.seconds

    def finish(self) -> None:
        """Put the best weights in place: the mean's, if it validates better than any.

        What an interruption left is validated first.
        """
        if not self.state.curve or self.state.curve[-1][0] != self.state.step:
            self.validate()
        mean = self.average.value()
        if mean is not None and self.config.averaging != "triggered":
            value = self._measured(mean)
            if self.state.best is None or value < self.state.best:
                self.best, self.state.best, self.state.averaged = mean, value, True
            self.state.validation_seconds += self._lap()
        assert self.best is not None
        load_weights(self.network, self.best)
        self.processes.gather_weights()
        self.network.eval()
        self.log.end()

    def _next_batches(self) -> tuple[int, dict[int, list[Batch]]]:
        """Return how many batches this step takes, and those of each shard of this process."""
        state, processes = self.state, self.processes
        if self.epoch != state.epoch:
            self._begin_epoch()
        every = next(iter(self.batches.values()))
        taken = min(self.config.accumulate * processes.stride, len(every) - state.index)
        return taken, {
            shard: [batches[index] for index in processes.share(shard, taken, state.index)]
            for shard, batches in self.batches.items()
        }

    def _begin_epoch(self) -> None:
        """Take the batches of an epoch.

        Raises:
            InputError: there are none, or not those of the run that is resumed.
        """
        state = self.state
        self.batches = self.processes.epoch(state.epoch)
        self.epoch = state.epoch
        length = len(next(iter(self.batches.values())))
        if not length:
            message = "no training data: wanted at least one batch in an epoch, got none"
            raise InputError(message)
        if state.index and state.batches != length:
            message = (
                f"training data changed: epoch {state.epoch} had {state.batches} batches and "
                f"now has {length}; resume with the same data or begin anew"
            )
            raise InputError(message)
        state.batches = length

    def _check(self, loss: float, norm: float) -> None:
        if math.isfinite(loss) and math.isfinite(norm):
            return
        what = f"the loss is {loss}" if not math.isfinite(loss) else f"its gradient is {norm}"
        state = self.state
        message = (
            f"step {state.step + 1} (epoch {state.epoch + 1}, batch {state.index + 1} of "
            f"{state.batches}): {what}; lower the learning rate (now {state.learning_rate:.2g}) "
            "or look at that batch, then resume"
        )
        raise TrainingError(message)

    def _take_up(self, checkpoint: Checkpoint | None) -> None:
        if checkpoint is None:
            return
        _same_options(cast("dict[str, Any]", checkpoint.state["config"]), self.config)
        self.state = RunState.of(checkpoint.state["run"])
        load_weights(self.network, checkpoint.model)
        if checkpoint.best is not None:
            self.best = {name: t.to(self.device) for name, t in checkpoint.best.items()}
        load_moments(self.optimiser, checkpoint.optimizer)
        self.average.take_up(checkpoint.optimizer, self.device)
        self.processes.take_up(checkpoint.optimizer)

    def _own_lap(self) -> float:
        now = self.now()
        seconds, self.clock = now - self.clock, now
        return seconds

    def _lap(self) -> float:
        return self.processes.agreed(self._own_lap())


@contextmanager
def _drawing_apart(device: torch.device) -> Generator[None]:
    """Leave torch's global generators after the block as they were before it."""
    devices = [device] if device.type == "cuda" else []
    # Torch leaves these without complete types.
    with cast("Any", torch.random).fork_rng(devices=devices):
        yield


@contextmanager
def _threads_of(checkpoint: Checkpoint | None) -> Generator[int]:
    """Compute inside with the threads that the run began with, which its sums depend on."""
    now = torch.get_num_threads()
    threads = now if checkpoint is None else int(checkpoint.state.get("threads", now))
    if threads != now:
        message = (
            f"the run began with {threads} threads a process and goes on with them rather than "
            f"{now}, for the same weights"
        )
        warnings.warn(message, MunmaekWarning, stacklevel=4)
        torch.set_num_threads(threads)
    try:
        yield threads
    finally:
        torch.set_num_threads(now)


def _shards_of(config: TrainConfig, checkpoint: Checkpoint | None, processes: Processes) -> int:
    """Return the shards of a run: those it began with, those wanted, or one for each process.

    Raises:
        ConfigError: wanted are others than it began with.
    """
    if checkpoint is None:
        return config.shards or processes.size
    ranks = {name.split(".")[0] for name in checkpoint.optimizer if ".random." in name}
    before = int(checkpoint.state.get("shards", len(ranks)))
    if config.shards not in (None, before):
        message = (
            f"resumed training: --shards was {before} and is now {config.shards}; the run goes on "
            "in any number of processes up to its shards; leave --shards out or begin anew"
        )
        raise ConfigError(message)
    return before


def _copy(values: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in values.items()}


def _same_options(before: dict[str, Any], config: TrainConfig) -> None:
    now = config.model_dump(mode="json")
    for name in sorted(now.keys() - MAY_CHANGE):
        if before.get(name) != now[name]:
            message = (
                f"resumed training: {name} was {before.get(name)!r} and is now {now[name]!r}; "
                "give the same value or begin anew"
            )
            raise ConfigError(message)
