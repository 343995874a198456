"""The progress of a run: what is counted, when it ends, when it validates.

Progress is the largest share of any limit that is used up. Of a budget, only what validation leaves
over is training's share:

    progress = training seconds / (budget − validation so far − validations to come · one's cost)

so the schedule ends when the budget does, whatever a validation costs.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from munmaek.fit.config import TrainConfig
from munmaek.fit.precision import Precision
from munmaek.fit.record import FitResult, Progress, Stopped

__all__ = ["RunState"]

_FADE = 0.98
"""Weight of the past in the reported loss and speed, for each step."""
_VALIDATION_SHARE = 0.15
"""Most of a budget that validation may take, apart from the first and the last."""
_EARLY = 0.1
"""Progress by which a run with a budget has validated once, to know what it costs."""
_CLOSE = 1e-9
_OPENING = 10
"""Steps whose mean loss is where the loss began."""


@dataclass(slots=True)
class RunState:
    """Everything about a run that is a plain number; kept in its checkpoints."""

    step: int = 0
    epoch: int = 0
    index: int = 0
    """Batches of this epoch that are done."""
    batches: int = 0
    """Batches of this epoch, 0 before it has begun."""
    tokens: int = 0
    training_seconds: float = 0.0
    validation_seconds: float = 0.0
    validation_cost: float = 0.0
    """Seconds of the latest validation."""
    due: float = 0.0
    """Progress at which to validate next."""
    to_come: int = 0
    """Validations planned from here on."""
    best: float | None = None
    since_best: int = 0
    curve: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])
    opening: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    """Summed loss and predictions of each of the first steps."""
    recent_loss: float = 0.0
    recent_count: float = 0.0
    recent_tokens: float = 0.0
    recent_seconds: float = 0.0
    learning_rate: float = 0.0
    averaged: bool = False
    """The best weights are a mean, found at the end."""
    precision: Precision = "float32"
    """The precision that ``auto`` found when the run began; it is not asked again on resuming."""

    @classmethod
    def fresh(cls, config: TrainConfig, precision: Precision) -> Self:
        """Return the state before the first step."""
        due = 1 / config.validations
        if config.budget is not None:
            due = min(due, _EARLY)
        return cls(due=due, to_come=config.validations, precision=precision)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return the state that ``values`` wrote into a checkpoint."""
        state = cls(**values)
        state.curve = [(int(step), float(value)) for step, value in state.curve]
        state.opening = [(float(loss), int(count)) for loss, count in state.opening]
        return state

    def values(self) -> dict[str, Any]:
        """Return every field by name, for a checkpoint."""
        return asdict(self)

    @property
    def seconds(self) -> float:
        """Spent in training and validation."""
        return self.training_seconds + self.validation_seconds

    @property
    def epochs(self) -> float:
        """Passes over the data."""
        return self.epoch + (self.index / self.batches if self.index else 0.0)

    def shares(self, config: TrainConfig) -> dict[Stopped, float]:
        """Return how much of each limit is used up."""
        out: dict[Stopped, float] = {}
        if config.steps is not None:
            out["steps"] = self.step / config.steps
        if config.epochs is not None:
            out["epochs"] = self.epochs / config.epochs
        if config.budget is not None:
            mean = config.averaging in ("exponential", "last")
            coming = (self.to_come + mean) * self.validation_cost
            left = config.budget - self.validation_seconds - coming
            out["budget"] = self.training_seconds / left if left > 0 else 1.0
        return out

    def progress(self, config: TrainConfig) -> float:
        """Share of the run that is done, 0 to 1."""
        return min(1.0, max(self.shares(config).values()))

    def ended(self, config: TrainConfig) -> Stopped | None:
        """Return why the run is over, or None while it is not."""
        for reason, share in self.shares(config).items():
            if share >= 1.0:
                return reason
        if config.patience is not None and self.since_best >= config.patience:
            return "patience"
        return None

    def stepped(self, *, batches: int, tokens: int, loss: float, count: int) -> None:
        """Count one update made from ``batches`` batches."""
        self.step += 1
        self.tokens += tokens
        self.index += batches
        if self.index >= self.batches:
            self.epoch, self.index, self.batches = self.epoch + 1, 0, 0
        if len(self.opening) < _OPENING:
            self.opening.append((loss, count))
        self.recent_loss = _FADE * self.recent_loss + loss
        self.recent_count = _FADE * self.recent_count + count
        self.recent_tokens = _FADE * self.recent_tokens + tokens

    def trained(self, seconds: float) -> None:
        """Count the time that a step took."""
        self.training_seconds += seconds
        self.recent_seconds = _FADE * self.recent_seconds + seconds

    def validated(self, value: float, *, seconds: float, config: TrainConfig) -> bool:
        """Count one validation and plan the next; whether it is the best so far, ties included."""
        self.curve.append((self.step, value))
        self.validation_seconds += seconds
        self.validation_cost = seconds
        self.to_come = max(1, self.to_come - 1)
        if config.budget is not None:
            left = _VALIDATION_SHARE * config.budget - self.validation_seconds
            affordable = int(left / seconds) if seconds > 0 else self.to_come
            self.to_come = max(1, min(self.to_come, affordable))
        done = self.progress(config)
        self.due = done + (1 - done) / self.to_come
        better = self.best is None or value <= self.best
        if self.best is None or value < self.best:
            self.since_best = 0
        else:
            self.since_best += 1
        self.best = value if better else self.best
        return better

    def validation_due(self, config: TrainConfig) -> bool:
        """Return whether enough was done since the last one."""
        return self.progress(config) >= self.due - _CLOSE

    @property
    def closing_loss(self) -> float:
        """Mean training loss of the last fifty steps or so, nats per prediction."""
        return self.recent_loss / self.recent_count if self.recent_count else float("nan")

    @property
    def opening_loss(self) -> float:
        """Mean training loss of the first ten steps, of a short run of its first half."""
        first = self.opening[: max(1, self.step // 2)]
        count = sum(each for _, each in first)
        return sum(loss for loss, _ in first) / count if count else float("nan")

    def report(self, config: TrainConfig) -> Progress:
        """Return how far training is, what it has cost and what is left, for progress."""
        done = self.progress(config)
        return Progress(
            step=self.step,
            epoch=self.epochs,
            progress=done,
            loss=self.closing_loss,
            tokens_per_second=self.recent_tokens / max(self.recent_seconds, 1e-9),
            seconds=self.seconds,
            seconds_left=self.seconds * (1 - done) / done if done else None,
            validation=self.curve[-1][1] if self.curve else None,
            best_validation=self.best,
            learning_rate=self.learning_rate,
        )

    def result(self, stopped: Stopped) -> FitResult:
        """Return what the run came to, once it has validated."""
        assert self.best is not None
        return FitResult(
            steps=self.step,
            epochs=self.epochs,
            seconds=self.seconds,
            tokens=self.tokens,
            best_validation=self.best,
            last_validation=self.curve[-1][1],
            stopped=stopped,
            curve=tuple(self.curve),
            averaged=self.averaged,
            opening_loss=self.opening_loss,
            closing_loss=self.closing_loss,
        )
