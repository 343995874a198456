"""Events of training and comparing several models, reported as they happen.

Several may be trained at a time; they are finished in a fixed order.

``compare`` and ``demo`` hand these to their ``report``; the command line draws them. A row is the
model's entry in ``results.json``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Event", "Message", "StageFinished", "StageProgress", "StageStarted", "TimeLeft"]


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A model begins to train."""

    name: str
    """The row's name, such as ``lm-rnn``."""
    task: str
    label: str
    """The model's name for people, such as ``LSTM``."""
    seconds_planned: float | None = None
    """Seconds that it may take; None when unknown."""


@dataclass(frozen=True, slots=True)
class StageProgress:
    """Progress of the running model."""

    name: str
    fraction: float
    """Share of its work done, within 0 and 1."""
    loss: float | None = None
    """Mean loss of late, in nats per prediction; None where there is none to tell."""


@dataclass(frozen=True, slots=True)
class StageFinished:
    """A model is trained, evaluated and saved."""

    name: str
    row: Mapping[str, Any]
    """Its entry of ``results.json`` under ``models``."""


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """Progress of all of it, as measured so far."""

    fraction: float
    """Share of all work that is done, within 0 and 1."""
    seconds_left: float
    seconds_total: float
    """Seconds of the whole, what has passed included."""


@dataclass(frozen=True, slots=True)
class Message:
    """One line for the reader, such as the path of a file that was written."""

    text: str


Event = StageStarted | StageProgress | StageFinished | TimeLeft | Message
