"""Records of a run: its progress while it goes on, and its result."""

from dataclasses import dataclass
from typing import Literal

from munmaek.terminal import seconds_text

__all__ = ["FitResult", "Progress", "Stopped"]

Stopped = Literal["budget", "epochs", "steps", "patience", "interrupted"]


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a run."""

    step: int
    """Updates made."""
    epoch: float
    """Passes over the data made."""
    progress: float
    """Share of the run that is done, 0 to 1."""
    loss: float
    """Training loss, nats per prediction, averaged over the last fifty steps or so."""
    tokens_per_second: float
    """Training speed over the last fifty steps or so, padding not counted."""
    seconds: float
    """Spent so far, validation and earlier parts of a resumed run included."""
    seconds_left: float | None
    """Expected; None before there is anything to go by."""
    validation: float | None
    """The latest, nats per prediction."""
    best_validation: float | None
    """The lowest so far."""
    learning_rate: float
    """The rate of the last step."""

    @property
    def text(self) -> str:
        """Return loss and speed, with commas between, and the time left at the end."""
        parts = [f"loss {self.loss:.3f}"]
        if self.validation is not None:
            parts.append(f"validation {self.validation:.3f} nats")
        parts.append(f"{self.tokens_per_second:,.0f} tokens/s")
        if self.seconds_left is not None:
            parts.append(f"{seconds_text(self.seconds_left)} left")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class FitResult:
    """The result of a run."""

    steps: int
    epochs: float
    seconds: float
    """Training and validation, over all parts of a resumed run."""
    tokens: int
    """Training tokens read, padding not counted."""
    best_validation: float
    """Nats per prediction of the weights that the network now holds."""
    last_validation: float
    stopped: Stopped
    curve: tuple[tuple[int, float], ...]
    """Step and validation loss, in order."""
    averaged: bool = False
    """Its best weights are a mean of the run's, which validated better than any of them."""
    opening_loss: float = float("nan")
    """Training loss of the first ten steps, nats per prediction."""
    closing_loss: float = float("nan")
    """Training loss of the last fifty steps or so."""
    shards: int = 1
    """Virtual processes that defined the run."""
    threads: int = 1
    """Threads of each process, which its sums depend on."""
