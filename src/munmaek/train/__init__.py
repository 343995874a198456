"""One training loop for every network: schedules, validation, checkpoints, resuming.

The names below load torch when they are first used; ``TrainConfig``, ``Progress`` and ``FitResult``
do without it.
"""

from typing import TYPE_CHECKING

from munmaek.train.config import TrainConfig
from munmaek.train.record import FitResult, Progress

if TYPE_CHECKING:
    from munmaek.train.loop import fit

__all__ = ["FitResult", "Progress", "TrainConfig", "fit"]


def __getattr__(name: str) -> object:
    if name == "fit":
        from munmaek.train.loop import fit

        return fit
    message = f"module 'munmaek.train' has no attribute '{name}'"
    raise AttributeError(message)
