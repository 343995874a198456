"""``log.jsonl``: one line of JSON for each look at a run, which loggers are told too."""

import json
from pathlib import Path

from munmaek.fit.checkpoint import THEN
from munmaek.fit.loggers import TensorBoard, current
from munmaek.fit.record import Progress
from munmaek.writing import write_text, writing

__all__ = ["Log"]


class Log:
    """Lines appended as the run goes, where there is a folder."""

    def __init__(self, folder: Path | None, *, every: float, tensorboard: bool = False) -> None:
        self.path = None if folder is None else folder / "log.jsonl"
        self.every = every
        self._last = -float("inf")
        self._own = (
            [] if folder is None or not tensorboard else [TensorBoard(folder / "tensorboard")]
        )
        for each in self._own:
            each.start({})

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
        loggers = (*self._own, *current())
        if not due or (self.path is None and not loggers):
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
        told = {name: value for name, value in line.items() if value is not None}
        if self.path is not None:
            with writing(self.path, THEN), self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(told) + "\n")
        del told["step"]
        for each in loggers:
            each.log(now.step, told)

    def end(self) -> None:
        """Close the log: nothing more comes."""
        for each in self._own:
            each.finish({})


def _step(line: str) -> int:
    """Return the step that a line tells of, -1 for one that was cut off."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return -1
