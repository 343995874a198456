"""Results go to standard output, everything said to standard error."""

import json
import math
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, cast

from munmaek.terminal import seconds_text, wipe_line, write_message

__all__ = [
    "seconds_text",
    "size_text",
    "wipe_line",
    "write",
    "write_error",
    "write_json",
    "write_line",
    "write_message",
    "write_warnings",
]

_LINE_ENDS = {ord(end): f"\\u{ord(end):04x}" for end in "\x85\u2028\u2029"}
"""Characters that JSON leaves as they are and some readers of lines take for line ends."""


def write(text: str) -> None:
    """Print lines of results."""
    wipe_line()
    print(text)


def write_line(text: str) -> None:
    """Print one line of results, whatever a model wrote: line ends within it become spaces."""
    wipe_line()
    print(" ".join(text.splitlines()))


def write_json(value: Any) -> None:
    """Print one JSON value on a line of its own; numbers that JSON cannot hold become null."""
    wipe_line()
    written = json.dumps(_finite(value), ensure_ascii=False, allow_nan=False)
    print(written.translate(_LINE_ENDS))


def write_warnings(warnings: Iterable[str]) -> None:
    """Print a line for each thing that one should know before relying on a result."""
    for warning in warnings:
        write_message(f"warning: {warning}")


def write_error(text: str) -> None:
    """Say why the command ends here, in one line."""
    with suppress(OSError):
        wipe_line()
    with suppress(OSError):  # the complaint may be about this very stream
        sys.stdout.flush()
    print("munmaek:", " ".join(text.split("\n")), file=sys.stderr, flush=True)


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, Any]", value).items()
        return {key: _finite(each) for key, each in pairs}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in cast("list[Any]", value)]
    return value


def size_text(size: float) -> str:
    """Write ``512 B``, ``3.1 MB``, in powers of a thousand."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
