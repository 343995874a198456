"""Chapters in Markdown whose blocks are run, and whose outputs, numbers and figures are put in.

A chapter is plain Markdown. Four things in it are made by running it, from the first line to the
last, in one folder and one Python namespace:

    ```python    a block that is executed; what it prints stands in the ```output block after it
    ```sh        commands of munmaek, a line each; what they print stands after them likewise
    12.4<!-- {loss:.1f} -->    a number in the prose: what the expression in braces gives
    <!-- figure: models/rnn | a sentence | gates -->    before an image: what its file is to show;
                                    before a link, with "live": a page in which the model computes

Every other block is only read; commands that cannot run here (```bash, ```console) stand behind
``<!-- not run: reason -->``.
"""

import contextlib
import io
import re
import shlex
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, final

from munmaek.errors import MunmaekError

__all__ = ["BlockError", "Command", "Machine", "same"]

Command = Callable[[Sequence[str]], int]
"""Runs one command of munmaek, given the arguments after its name, and returns its exit code."""

PARTS = re.compile(
    r"^```(?P<kind>\w+)[^\n]*\n(?P<body>.*?)^```$(?P<rest>\n*?\n```output\n.*?^```$)?"
    r"|<!-- figure: (?P<figure>[^\n]*?) -->\n!?\[[^\n]*?\]\((?P<file>[^)\s]+)\)"
    r"|(?P<number>[^\s*()|>]+)<!-- \{(?P<expression>[^\n]+?)\} -->",
    re.DOTALL | re.MULTILINE,
)
TIME = re.compile(
    r"\bin \d[\d.]* (?:s|ms|min|h)\b(?: \d+ (?:s|min)\b)?"  # trained in 1.5 s
    r"| {2,}\d[\d.]* (?:s|ms|min|h)\b(?: \d+ (?:s|min)\b)?(?=  )"  # a cell of a table
)
"""A time that was taken, which is another on every machine."""
SIGNATURE = re.compile(r" +task:\w+\|stage:.*$", re.MULTILINE)
"""The end of a line of scores, too long for a page."""
NUMBER = re.compile(r"\d+(?:\.\d+)?(?:e[-+]?\d+)?")


class BlockError(MunmaekError):
    """A block of a chapter failed."""


@final
@dataclass(slots=True)
class Machine:
    """Runs the blocks of one chapter in one folder."""

    folder: Path
    """The working folder of the blocks, with the example files and the models that they make."""
    command: Command
    draw: Callable[[str, Path], None] | None = None
    """Given a figure's description and file, below ``folder``'s models, writes the file; None
    leaves figures as they are."""
    lenient: bool = False
    """A block that fails has its error for an output, and the others are run."""
    outputs: list[str] = field(default_factory=list[str])
    """The output of each executed block after which the page has one, in order."""
    numbers: list[str] = field(default_factory=list[str])
    """Each number of the prose, in order."""
    _names: dict[str, Any] = field(default_factory=dict[str, Any])

    def run(self, page: str, *, name: str = "page", figures: Path | None = None) -> str:
        """Run a chapter, and return it with what its blocks gave.

        Args:
            page: the chapter's Markdown.
            name: for errors.
            figures: the folder that the images' addresses start from.

        Raises:
            BlockError: a block failed; says where and why.
        """
        self._names = {"__name__": "__main__"}

        def made(found: re.Match[str]) -> str:
            place = f"{name}:{page.count(chr(10), 0, found.start()) + 1}"
            return self._part(found, place, figures)

        with contextlib.chdir(self.folder):
            return PARTS.sub(made, page)

    def _part(self, found: re.Match[str], place: str, figures: Path | None) -> str:
        if found["figure"]:
            if self.draw is not None and figures is not None:
                with _Telling(place, lenient=self.lenient):
                    self.draw(found["figure"], figures / found["file"])
            return found[0]
        if found["expression"]:
            written = found["number"]
            with _Telling(place, lenient=self.lenient):
                written = str(eval("f" + repr("{" + found["expression"] + "}"), self._names))
            self.numbers.append(written)
            return f"{written}<!-- {{{found['expression']}}} -->"
        if found["kind"] not in ("python", "sh"):
            return found[0]
        printed = self._printed(found["kind"], found["body"], place)
        if found["rest"]:
            self.outputs.append(printed)
        block = found[0][: len(found[0]) - len(found["rest"] or "")]
        return f"{block}\n\n```output\n{printed}\n```" if printed else block

    def _printed(self, kind: str, body: str, place: str) -> str:
        """Run a block and return what it printed to standard output."""
        stream = io.StringIO()
        telling = _Telling(place, lenient=self.lenient)
        with contextlib.redirect_stdout(stream), telling:
            if kind == "python":
                exec(compile(body, place, "exec"), self._names)
            else:
                self._run_commands(body)
        printed = TIME.sub(_no_time, stream.getvalue() + telling.error)
        lines = [line.rstrip() for line in SIGNATURE.sub("", printed).splitlines()]
        return "\n".join(lines).strip("\n")

    def _run_commands(self, body: str) -> None:
        for line in _commands(body):
            if line[0] != "munmaek":
                message = f"only commands of munmaek are run here, not {line[0]}"
                raise BlockError(message)
            said = io.StringIO()
            with contextlib.redirect_stderr(said):
                code = self.command(line[1:])
            if code:
                message = f"{shlex.join(line)}: left with {code}: {said.getvalue()[-500:].strip()}"
                raise BlockError(message)


@final
class _Telling:
    """Says in which block, and where in it, something failed; or, where lenient, keeps it."""

    def __init__(self, place: str, *, lenient: bool) -> None:
        self.place = place
        self.lenient = lenient
        self.error = ""

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """Raise a ``BlockError`` of what failed, or keep its line."""
        if not isinstance(error, Exception):
            return False
        self.error = f"{type(error).__name__}: {error}"
        if self.lenient:
            return True
        lines = [str(each.lineno) for each in traceback.extract_tb(trace)]
        inside = [each.filename == self.place for each in traceback.extract_tb(trace)]
        where = [line for line, own in zip(lines, inside, strict=True) if own]
        at = f", line {where[-1]} of the block" if where else ""
        message = f"{self.place}{at}: {self.error}"
        raise BlockError(message) from error


def _no_time(found: re.Match[str]) -> str:
    return "in … s" if found[0].startswith("in") else "   … s"


def _commands(body: str) -> Iterator[list[str]]:
    for line in body.replace("\\\n", " ").splitlines():
        if line.strip() and not line.startswith("#"):
            yield shlex.split(line)


def same(old: str, new: str, *, within: float = 0.02) -> bool:
    """Return whether two texts are equal, but for small differences of their numbers.

    Processors round sums differently, so that a number may differ by one in its last place or by
    the share ``within``.
    """
    if NUMBER.split(old) != NUMBER.split(new):
        return False
    pairs = zip(NUMBER.findall(old), NUMBER.findall(new), strict=True)
    return all(_near(one, other, within) for one, other in pairs)


def _near(one: str, other: str, within: float) -> bool:
    decimals = len(one.partition(".")[2]) if "e" not in one else 0
    unit = 1.01 * 10.0**-decimals if decimals else 0.0
    first, second = float(one), float(other)
    return abs(first - second) <= max(unit, within * abs(first) if decimals else 0.0)
