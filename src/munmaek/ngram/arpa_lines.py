"""The lines of an ARPA file, read one at a time where compiled code does not, and its errors."""

from math import inf, isnan
from pathlib import Path
from typing import NoReturn, final

import numpy as np

from munmaek.arrays import Bytes
from munmaek.errors import InputError

__all__ = ["NOT_UTF8", "Lines"]

_WINDOW = 1 << 16
_LARGEST = 1e38
"""The largest backoff weight, about what 32 bits hold."""
NOT_UTF8 = (
    "bytes that are not UTF-8; convert the file first, for Korean often: iconv -f CP949 -t UTF-8"
)


@final
class Lines:
    """The place where a file is being read."""

    def __init__(self, path: Path, text: Bytes) -> None:
        self.path, self.text = path, text
        self.at = 0
        """The place where the next line begins."""
        self.latest = 0
        """The place where the latest one that was looked at begins."""

    def fail(self, reason: str, *, at: int | None = None) -> NoReturn:
        """Refuse the file for its line that begins there; the latest one without ``at``."""
        begin = self.latest if at is None else at
        line = int(np.count_nonzero(self.text[:begin] == ord("\n"))) + 1
        message = f"{self.path}, line {line}: {reason}"
        raise InputError(message)

    def next(self, wanted: str) -> str:
        """Return the next line; ``wanted`` says in an error what should have stood there."""
        self.latest = self.at
        if self.at >= len(self.text):
            self.fail(f"the file ends where {wanted} should stand; it is truncated")
        raw, self.at = self.line_at(self.at)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self.fail(NOT_UTF8)

    def line_at(self, begin: int) -> tuple[bytes, int]:
        """Return the line there without its end, and where the next one begins."""
        end = begin
        while end < len(self.text):
            found = np.flatnonzero(self.text[end : end + _WINDOW] == ord("\n"))
            if len(found):
                end += int(found[0])
                break
            end = min(end + _WINDOW, len(self.text))
        return self.text[begin:end].tobytes().rstrip(b"\r"), end + 1

    def next_filled(self, wanted: str) -> str:
        """Return the next line that is not blank, without blanks at its ends."""
        while not (line := self.next(wanted).strip(" \t")):
            pass
        return line

    def check_number(self, text: str, *, maximum: float = inf) -> float:
        """Return the number that the text is; refuse no number, infinity, and above ``maximum``."""
        try:
            value = float(text)
        except ValueError:
            self.fail(f"{text!r} is not a number")
        if isnan(value) or "_" in text or value == inf:
            self.fail(f"{text!r} is not a number below infinity")
        if value > maximum:
            self.fail(f"log-probability {text} is positive")
        return value

    def check_backoff(self, text: str, *, highest: bool) -> None:
        """Refuse what is no finite number, and at the highest order what is not 0."""
        value = self.check_number(text)
        if not abs(value) < _LARGEST:
            self.fail(f"backoff weight {text} is not finite")
        if highest and value != 0:
            self.fail(f"backoff weight {text} at the highest order, which has none")
