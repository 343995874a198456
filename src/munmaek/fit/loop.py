"""The training loop: one for every network and task.

Any two runs with the same seed, data, options and number of threads give the same weights on a
processor, to the bit, whether they were interrupted or not; a budget of seconds is the exception,
because its schedule follows the clock.
"""

import math
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from munmaek.errors import ArtefactError, ConfigError, InputError, TrainingError
from munmaek.fit.averaging import Average
from munmaek.fit.checkpoint import Checkpoint, Store, load_weights, weights
from munmaek.fit.config import MAY_CHANGE, TrainConfig
from munmaek.fit.log import Log
from munmaek.fit.memory import generators, load_generators, load_moments, moments
from munmaek.fit.objective import Batch, Carrying, Task
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
from munmaek.nn.products import fast_products

__all__ = ["fit"]

_REPORT_EVERY = 0.1
"""Seconds between calls of ``report``."""


def fit(
    network: nn.Module,
    task: Task[Any, Any],
    *,
    config: TrainConfig,
    device: torch.device | str = "cpu",
    folder: Path | None = None,
    resume: bool = False,
    report: Callable[[Progress], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> FitResult:
    """Train ``network`` on ``task``; it ends with the best validated weights, in evaluation mode.

    Under torchrun every process calls this alike; see ``munmaek.fit.processes``.

    Args:
        network: moved to ``device`` and trained in place.
        task: gives batches, loss and validation.
        config: how long, how fast and how carefully.
        device: where to train.
        folder: where ``checkpoints/`` and ``log.jsonl`` go; None keeps neither.
        resume: go on from the newest whole checkpoint in ``folder``, or begin if there is none.
        report: called with the progress about ten times a second and at its end.
        should_stop: asked after each step; true saves a checkpoint and ends the run.

    Raises:
        TrainingError: the loss, its gradient or the validation is not finite.
        DiskError: a checkpoint or the log cannot be written; earlier checkpoints are whole.
        ArtefactError: checkpoints stand there but ``resume`` is false, or another network's.
        ConfigError: an option differs from those of the run that is resumed.
        InputError: no training data, or not those of the run that is resumed.
    """
    place = torch.device(device)
    network.to(place)
    processes = Processes().divide(network, task, device=place, sharded=config.sharded)
    with (
        fast_products(),
        flushing_subnormals(),
        _seeded(config.seed + 1000 * processes.rank, place),
    ):
        run = _Run(network, processes, config, place, folder)
        run.begin(resume=resume)
        stopped = run.state.ended(config)
        while stopped is None:
            run.step()
            validated = run.state.validation_due(config)
            if validated:
                run.validate()
            stopped = run.state.ended(config)
            asked = stopped is None and should_stop is not None and should_stop()
            if processes.summed(float(asked))[0] > 0:
                stopped = "interrupted"
            run.tell(report, validated=validated, last=stopped is not None)
            run.save(last=stopped is not None)
        run.finish()
    return run.state.result(stopped)


class _Run:
    """The state of the loop between steps."""

    def __init__(
        self,
        network: nn.Module,
        processes: Processes,
        config: TrainConfig,
        device: torch.device,
        folder: Path | None,
    ) -> None:
        self.clock = time.perf_counter()
        self.reported = self.clock
        self.saved = 0.0
        self.network = network
        self.processes = processes
        self.task: Any = processes.task
        self.config = config
        self.device = device
        self.store = None if folder is None else Store(folder)
        log_folder = folder if processes.lead else None
        self.log = Log(log_folder, every=config.log_every, tensorboard=config.tensorboard)
        half = processes.agreed(resolve(config, device) == "bfloat16")
        self.state = RunState.fresh(config, "bfloat16" if half else "float32")
        self.optimiser = make_optimiser(network, config)
        self.average = Average(config)
        self.best: dict[str, Tensor] | None = None
        self.gradient_norm = 0.0
        self.batches: Sequence[Batch] = ()
        self.epoch = -1

    def begin(self, *, resume: bool) -> None:
        """Take up the newest whole checkpoint where that is wanted."""
        if self.store is not None:
            if resume:
                self._take_up(self.store.newest())
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
        taken, batches = self._next_batches()
        progress = state.progress(config)
        state.learning_rate = set_rates(self.optimiser, config, progress)
        self.optimiser.zero_grad(set_to_none=True)
        total, count, tokens = processes.summed(*self._backward(batches))
        freeze(self.optimiser, progress)
        # What divides the work leaves the mean over processes; the sum is wanted.
        norm = scale_gradients(
            self.network, count=max(1.0, count) / processes.size, clip=config.clip
        )
        self._check(total, norm)
        with autocast(state.precision, self.device):  # what Muon multiplies
            cast("Any", self.optimiser).step()
        if (state.step + 1) % SETTLE_EVERY == 0:
            settle(self.optimiser)
        self.average.stepped(self.network)
        self.gradient_norm = norm
        state.stepped(batches=taken, tokens=int(tokens), loss=total, count=int(count))
        state.trained(self._lap())

    def _backward(self, batches: list[tuple[Batch, bool]]) -> tuple[float, int, int]:
        """Gather gradients; returns the summed loss, its predictions and the batches' tokens."""
        total, count, tokens = 0.0, 0, 0
        for number, (batch, counts) in enumerate(batches, 1):
            quietly = number < len(batches)
            with self.processes.quietly() if quietly else nullcontext():
                with autocast(self.state.precision, self.device):
                    loss, reported, predictions = self.processes.loss(batch)
                torch.autograd.backward(loss if counts else 0.0 * loss)
            if counts:
                total += reported
                count += predictions
                tokens += batch.tokens
        return total, count, tokens

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
        own = generators(self.device)
        if isinstance(self.task, Carrying):
            own |= {f"carried.{name}": tensor for name, tensor in self.task.carried().items()}
        gathered = self.processes.gathered(own)
        checkpoint = Checkpoint(
            step=self.state.step,
            state={"run": self.state.values(), "config": options},
            model=weights(self.network),
            best=self.best,
            optimizer={**moments(self.optimiser), **gathered, **self.average.tensors()},
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

    def _next_batches(self) -> tuple[int, list[tuple[Batch, bool]]]:
        """Return how many batches this step takes, and this process's, with whether they count.

        A process for which there is none left goes along with one that does not count.
        """
        state = self.state
        if self.epoch != state.epoch:
            self.batches = self.task.epoch(state.epoch)
            self.epoch = state.epoch
            if not self.batches:
                message = "no training data: wanted at least one batch in an epoch, got none"
                raise InputError(message)
            if state.index and state.batches != len(self.batches):
                message = (
                    f"training data changed: epoch {state.epoch} had {state.batches} batches and "
                    f"now has {len(self.batches)}; resume with the same data or begin anew"
                )
                raise InputError(message)
            state.batches = len(self.batches)
        most = self.config.accumulate * self.processes.stride
        taken = min(most, len(self.batches) - state.index)
        mine = self.processes.share(taken, state.index)
        most_each = -(-taken // self.processes.stride)
        chosen: list[tuple[Batch, bool]] = [(self.batches[index], True) for index in mine]
        chosen += [(self.batches[state.index], False)] * (most_each - len(mine))
        return taken, chosen

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
        own = self.processes.own(checkpoint.optimizer)
        load_generators(self.device, own)
        if isinstance(self.task, Carrying):
            carried = {k.removeprefix("carried."): t for k, t in own.items() if "carried." in k}
            self.task.take_up(carried, self.device)

    def _lap(self) -> float:
        now = time.perf_counter()
        seconds, self.clock = now - self.clock, now
        return self.processes.agreed(seconds)


@contextmanager
def _seeded(seed: int, device: torch.device) -> Generator[None]:
    """Begin torch's global generators at ``seed`` inside; after it they are as they were."""
    devices = [device] if device.type == "cuda" else []
    # Torch leaves these two without complete types.
    random = cast("Any", torch.random)
    with random.fork_rng(devices=devices):
        random.manual_seed(seed)
        yield


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
