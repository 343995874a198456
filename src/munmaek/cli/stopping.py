"""Ctrl-C while a model trains: the first asks it to stop and be saved, the second ends it.

SIGTERM and SIGHUP, which a terminal that is closed sends, are the same; under ``nohup`` a closed
terminal stays without effect. Outside of training all of them end the command in good order.
"""

import signal
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from munmaek.cli.console import write_message

__all__ = ["INTERRUPTED", "Stopper", "ending_in_order", "listening"]

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells report it: 128 and the signal's number."""

_ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals that ask a process to end; SIGHUP is not everywhere."""


@dataclass(slots=True)
class Stopper:
    """Remembers that someone wants the run to stop."""

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
        write_message(
            "munmaek: stopping: the model is being evaluated and saved; once more ends at once"
        )


@contextmanager
def listening() -> Generator[Stopper, None, None]:
    """Send signals to the stopper until the block ends."""
    stopper = Stopper()
    with _handled((signal.SIGINT, *_ENDING), stopper.handle):
        yield stopper


@contextmanager
def ending_in_order() -> Generator[None, None, None]:
    """Let signals that ask the process to end do what Ctrl-C does: nothing is left behind.

    In a thread beside the main one nothing is changed: signals never arrive there.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    with _handled(_ENDING, _interrupt):
        yield


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


@contextmanager
def _handled(
    numbers: Sequence[signal.Signals], handle: Callable[[int, FrameType | None], None]
) -> Generator[None, None, None]:
    """Give signals this handler until the block ends, but those that are ignored stay so."""
    chosen = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    before = [signal.signal(number, handle) for number in chosen]
    try:
        yield
    finally:
        for number, handler in zip(chosen, before, strict=True):
            signal.signal(number, handler)
