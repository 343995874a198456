"""``log.jsonl``: one line of JSON for each look at a run."""

import json
from importlib import import_module
from pathlib import Path
from typing import Any

from munmaek.errors import UnsupportedError
from munmaek.fit.checkpoint import THEN
from munmaek.fit.record import Progress
from munmaek.writing import write_text, writing

__all__ = ["Log"]


class Log:
    """Lines appended as the run goes; nothing at all without a folder."""

    def __init__(self, folder: Path | None, *, every: float, tensorboard: bool = False) -> None:
        self.path = None if folder is None else folder / "log.jsonl"
        self.every = every
        self._last = -float("inf")
        self._board = None if folder is None or not tensorboard else _board(folder / "tensorboard")

    def begin(self, step: int) -> None:
        """Keep what was written up to ``step`` of this run and drop the rest, which comes again.

        Raises:
            DiskError: it cannot be written.
        """
        if self.path is None:
            return
        with writing(self.path, THEN):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # A byte that is no text spoils its line, which is dropped, and no other.
            lines = self.path.read_text("utf-8", "replace").splitlines() if step else []
            kept = [line + "\n" for line in lines if 0 <= _step(line) <= step]
            write_text(self.path, "".join(kept))

    def write(self, now: Progress, *, gradient_norm: float, validated: bool, last: bool) -> None:
        """Add a line where one is due.

        Raises:
            DiskError: it cannot be written.
        """
        due = validated or last or now.seconds - self._last >= self.every
        if self.path is None or not due:
            return
        self._last = now.seconds
        line = {
            "step": now.step,
            "epoch": round(now.epoch, 4),
            "progress": round(now.progress, 4),
            "loss": now.loss,
            "validation": now.validation if validated else None,
            "learning_rate": now.learning_rate,
            "gradient_norm": gradient_norm,
            "tokens_per_second": round(now.tokens_per_second, 1),
            "seconds": round(now.seconds, 3),
        }
        with writing(self.path, THEN), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({k: v for k, v in line.items() if v is not None}) + "\n")
        if self._board is not None:
            for name in line.keys() - {"step"}:
                if line[name] is not None:
                    self._board.add_scalar(name, line[name], now.step)

    def end(self) -> None:
        """Close the log: nothing more comes."""
        if self._board is not None:
            self._board.close()


def _board(folder: Path) -> Any:
    """Return TensorBoard's own writer into ``folder``.

    Raises:
        UnsupportedError: it is not installed.
    """
    try:
        writer = import_module("torch.utils.tensorboard").SummaryWriter
    except ImportError as error:
        message = "TensorBoard is not installed: pip install 'munmaek[tensorboard]'"
        raise UnsupportedError(message) from error
    return writer(str(folder))


def _step(line: str) -> int:
    """Return the step that a line tells of, -1 for one that was cut off."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return -1
