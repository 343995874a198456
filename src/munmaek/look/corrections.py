"""Translations that a person corrected while looking, kept as pairs to train on.

A line of the file holds a source and its right translation with a tab between, as ``munmaek train
translate FILE --init MODEL`` reads it.
"""

import os
from pathlib import Path
from threading import Lock
from typing import Any

from munmaek.errors import DiskError, InputError
from munmaek.text.spaces import ascii_words

__all__ = ["Corrections"]


class Corrections:
    """A file of corrected translations, which only grows; of one source the last counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock()

    def pairs(self) -> dict[str, str]:
        """Return the corrected translation of each source, in the order of the first correction."""
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return {}
        rows = (line.partition("\t") for line in lines)
        return {source: target for source, tab, target in rows if tab}

    def add(self, source: str, target: str) -> int:
        """Keep a translation and return how many sources have one.

        Raises:
            InputError: an empty text.
            DiskError: it cannot be written.
        """
        source, target = (" ".join(ascii_words(text)) for text in (source, target))
        if not source or not target:
            raise InputError("a corrected translation needs a source and a target, both with words")
        try:
            with self._lock:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self.path.open("a", encoding="utf-8", newline="\n") as file:
                    file.write(f"{source}\t{target}\n")
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            message = f"{self.path}: cannot write the translation: {error.strerror}"
            raise DiskError(message) from error
        return len(self.pairs())

    def to_json(self) -> dict[str, Any]:
        """Return count, file and pairs."""
        pairs = self.pairs()
        rows = [{"source": source, "target": target} for source, target in pairs.items()]
        return {"count": len(pairs), "path": str(self.path), "pairs": rows}
