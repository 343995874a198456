"""The training loop: one for every network and task.

Any two runs with the same seed, data, options and number of threads give the same weights on a
processor, to the bit, whether they were interrupted or not; a budget of seconds is the exception,
because its schedule follows the clock.
"""

import math
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from munmaek.errors import ArtefactError, ConfigError, InputError, TrainingError
from munmaek.tasks.base import Batch, Task
from munmaek.train.checkpoint import Checkpoint, Store, load_weights, weights
from munmaek.train.config import TrainConfig
from munmaek.train.log import Log
from munmaek.train.optimiser import make_optimiser, rate, scale_gradients
from munmaek.train.precision import autocast, resolve
from munmaek.train.record import FitResult, Progress
from munmaek.train.run import RunState

__all__ = ["fit"]

_REPORT_EVERY = 0.1
"""Seconds between calls of ``report``."""
_MAY_CHANGE = {
    "budget", "epochs", "steps", "validations", "patience", "checkpoint_every", "log_every",
}  # fmt: skip
"""Options that a resumed run may have otherwise than the one it goes on from."""


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

    Args:
        network: moved to ``device`` and trained in place.
        task: gives batches, loss and validation.
        config: how long, how fast and how carefully.
        device: where to train.
        folder: where ``checkpoints/`` and ``log.jsonl`` go; None keeps neither.
        resume: go on from the newest whole checkpoint in ``folder``, or begin if there is none.
        report: is told where the run stands about ten times a second and at its end.
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
    with _seeded(config.seed, place):
        run = _Run(network, task, config, place, folder)
        run.begin(resume=resume)
        stopped = run.state.ended(config)
        while stopped is None:
            run.step()
            validated = run.state.validation_due(config)
            if validated:
                run.validate()
            stopped = run.state.ended(config)
            if stopped is None and should_stop is not None and should_stop():
                stopped = "interrupted"
            run.tell(report, validated=validated, last=stopped is not None)
            run.save(last=stopped is not None)
        run.finish()
    return run.state.result(stopped)


class _Run:
    """What the loop holds between steps."""

    def __init__(
        self,
        network: nn.Module,
        task: Task[Any, Any],
        config: TrainConfig,
        device: torch.device,
        folder: Path | None,
    ) -> None:
        self.clock = time.perf_counter()
        self.saved = self.told = self.clock
        self.network = network
        self.task = task
        self.config = config
        self.device = device
        self.store = None if folder is None else Store(folder)
        self.log = Log(folder, every=config.log_every)
        self.state = RunState.fresh(config, resolve(config, device))
        self.optimiser = make_optimiser(network, config)
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
        self.log.begin(self.state.step)
        self.network.train()

    def step(self) -> None:
        """One update of the weights."""
        state, config = self.state, self.config
        batches = self._next_batches()
        state.learning_rate = rate(config, state.progress(config))
        for group in self.optimiser.param_groups:
            group["lr"] = state.learning_rate
        self.optimiser.zero_grad(set_to_none=True)
        total, count = 0.0, 0
        for batch in batches:
            with autocast(state.precision, self.device):
                loss = self.task.loss(self.network, batch)
            torch.autograd.backward(loss.total)
            total += float(loss.total.detach())
            count += loss.count
        norm = scale_gradients(self.network, count=max(1, count), clip=config.clip)
        self._check(total, norm)
        cast("Any", self.optimiser).step()
        self.gradient_norm = norm
        tokens = sum(batch.tokens for batch in batches)
        state.stepped(batches=len(batches), tokens=tokens, loss=total, count=count)
        state.trained(self._lap())

    def validate(self) -> None:
        """Measure the weights as they stand, and keep them if there were none better."""
        self.network.eval()
        with torch.no_grad():
            value = float(self.task.validate(self.network))
        self.network.train()
        if not math.isfinite(value):
            message = f"step {self.state.step}: validation loss is {value}; lower the learning rate"
            raise TrainingError(message)
        if self.state.validated(value, seconds=self._lap(), config=self.config):
            self.best = {name: t.clone() for name, t in weights(self.network).items()}

    def tell(
        self, report: Callable[[Progress], None] | None, *, validated: bool, last: bool
    ) -> None:
        """Say where the run stands, to the log and to whoever watches."""
        now = self.state.report(self.config)
        self.log.write(now, gradient_norm=self.gradient_norm, validated=validated, last=last)
        if report is not None and (last or validated or self.clock - self.told >= _REPORT_EVERY):
            self.told = self.clock
            report(now)

    def save(self, *, last: bool) -> None:
        """Write a checkpoint if it is time for one."""
        if self.store is None or not (
            last or self.clock - self.saved >= self.config.checkpoint_every
        ):
            return
        options = self.config.model_dump(mode="json")
        checkpoint = Checkpoint(
            step=self.state.step,
            state={"run": self.state.values(), "config": options},
            model=weights(self.network),
            best=self.best,
            optimizer={**_moments(self.optimiser), **_generators(self.device)},
        )
        self.store.save(checkpoint)
        self.saved = self.clock

    def finish(self) -> None:
        """Put the best weights in place, having validated those that an interruption left."""
        if not self.state.curve or self.state.curve[-1][0] != self.state.step:
            self.validate()
        assert self.best is not None
        load_weights(self.network, self.best)
        self.network.eval()

    def _next_batches(self) -> list[Batch]:
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
        end = min(state.index + self.config.accumulate, len(self.batches))
        return [self.batches[index] for index in range(state.index, end)]

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
        _load_moments(self.optimiser, checkpoint.optimizer)
        _load_generators(self.device, checkpoint.optimizer)

    def _lap(self) -> float:
        now = time.perf_counter()
        seconds, self.clock = now - self.clock, now
        return seconds


@contextmanager
def _seeded(seed: int, device: torch.device) -> Generator[None]:
    """Torch's global generators begin at ``seed`` inside, and are as they were after."""
    devices = [device] if device.type == "cuda" else []
    # Torch leaves these two without complete types.
    random = cast("Any", torch.random)
    with random.fork_rng(devices=devices):
        random.manual_seed(seed)
        yield


def _same_options(before: dict[str, Any], config: TrainConfig) -> None:
    now = config.model_dump(mode="json")
    for name in sorted(now.keys() - _MAY_CHANGE):
        if before.get(name) != now[name]:
            message = (
                f"resumed training: {name} was {before.get(name)!r} and is now {now[name]!r}; "
                "give the same value or begin anew"
            )
            raise ConfigError(message)


def _moments(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What the optimiser remembers of each parameter, under ``moment.number.name``."""
    state = cast("dict[int, dict[str, Tensor]]", optimiser.state_dict()["state"])
    return {
        f"moment.{number}.{name}": tensor
        for number, values in state.items()
        for name, tensor in values.items()
    }


def _load_moments(optimiser: torch.optim.Optimizer, tensors: Any) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in cast("dict[str, Tensor]", tensors).items():
        kind, _, rest = key.partition(".")
        if kind == "moment":
            number, _, name = rest.partition(".")
            state.setdefault(int(number), {})[name] = tensor
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})


def _generators(device: torch.device) -> dict[str, Tensor]:
    """The state of torch's global generators, under ``random.kind``."""
    out = {"random.cpu": torch.get_rng_state()}
    if device.type == "cuda":
        out["random.cuda"] = torch.cuda.get_rng_state(device)
    return out


def _load_generators(device: torch.device, tensors: Any) -> None:
    values = cast("dict[str, Tensor]", tensors)
    torch.set_rng_state(values["random.cpu"])
    if device.type == "cuda" and "random.cuda" in values:
        torch.cuda.set_rng_state(values["random.cuda"], device)
