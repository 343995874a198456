"""Ctrl-C while a model trains: the first asks it to stop and be saved, the second ends it."""

import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from munmaek.cli.console import say

__all__ = ["INTERRUPTED", "Stopper", "listening"]

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells report it: 128 and the signal's number."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(slots=True)
class Stopper:
    """Whether someone wants the run to stop."""

    running: bool = False
    """Training has begun, so that there is something to save."""
    asked: bool = False

    def handle(self, number: int, frame: FrameType | None) -> None:
        """Take a signal.

        Raises:
            KeyboardInterrupt: the second one, or one before there is anything to save.
        """
        del number, frame
        if self.asked or not self.running:
            raise KeyboardInterrupt
        self.asked = True
        say("munmaek: stopping: the model is being evaluated and saved; once more ends at once")


@contextmanager
def listening() -> Generator[Stopper, None, None]:
    """Signals go to the stopper until the block ends."""
    stopper = Stopper()
    before = [signal.signal(number, stopper.handle) for number in _SIGNALS]
    try:
        yield stopper
    finally:
        for number, handler in zip(_SIGNALS, before, strict=True):
            signal.signal(number, handler)
