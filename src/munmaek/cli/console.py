"""Results go to standard output, everything said to standard error."""

import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from munmaek import terminal
from munmaek.cli.language import in_language
from munmaek.terminal import seconds_text, wipe_line
from munmaek.text.written_lines import json_line

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
    print(json_line(value))


def write_message(text: str) -> None:
    """Write one message, in the language at hand; never part of the results."""
    terminal.write_message(in_language(text))


def write_warnings(warnings: Iterable[str]) -> None:
    """Print a line for each thing that one should know before relying on a result."""
    for warning in warnings:
        write_message(f"{in_language('warning')}: {in_language(warning)}")


def write_error(text: str) -> None:
    """Say why the command ends here, in one line."""
    with suppress(OSError):
        wipe_line()
    with suppress(OSError):  # the complaint may be about this very stream
        sys.stdout.flush()
    print("munmaek:", " ".join(in_language(text).split("\n")), file=sys.stderr, flush=True)


def size_text(size: float) -> str:
    """Write ``512 B``, ``3.1 MB``, in powers of a thousand."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
