"""From the arguments to an exit code: 0 done, 1 failed, 2 bad usage or input, 130 interrupted.

Whatever goes wrong that a user can mend is one line on standard error, never a traceback; a
traceback is a defect of munmaek.
"""

import errno
import gc
import io
import os
import shlex
import sys
import warnings
from collections.abc import Sequence
from typing import Any, TextIO

import typer

from munmaek.cli.app import app, has_language
from munmaek.cli.console import write_error, write_message
from munmaek.cli.language import LANGUAGE, chosen_language, in_language, speak_in_help
from munmaek.cli.stopping import INTERRUPTED, ending_in_order
from munmaek.errors import InputError, MunmaekError, MunmaekWarning, explaining_missing_torch
from munmaek.folder.commands import COMMAND
from munmaek.terminal import following

__all__ = ["main"]

USAGE: Any = typer.BadParameter.__mro__[1]
"""``UsageError``: newer versions of typer bring their own click, so it is found, not imported."""

_MACHINE = (
    errno.EDQUOT,
    errno.EFBIG,
    errno.EINTR,
    errno.EIO,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
    errno.ENOSPC,
    errno.EPIPE,
    errno.EROFS,
)
"""Errors of a machine that fails, unlike a name that is wrong."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: the arguments after the program's name; by default the process's own.

    Returns:
        The exit code.
    """
    _write_utf8(sys.stdout)
    _write_utf8(sys.stderr)
    with warnings.catch_warnings(), ending_in_order():
        warnings.showwarning = _show_warning(warnings.showwarning)
        warnings.simplefilter("always", MunmaekWarning)
        if argv is not None:
            return _guarded(list(argv))
        code = _guarded(sys.argv[1:])
        gc.freeze()  # the process ends: to look for cycles in all that was imported is for nothing
        return code


def _guarded(arguments: list[str]) -> int:
    LANGUAGE.set("en")
    try:
        _check_arguments(arguments)
        language, arguments = chosen_language(arguments, os.environ, kept=has_language)
        LANGUAGE.set(language)
        speak_in_help()
        COMMAND.set(shlex.join(["munmaek", *arguments]))
        with following(), explaining_missing_torch():
            code = app(args=arguments, prog_name="munmaek", standalone_mode=False)
        sys.stdout.flush()
        if code == INTERRUPTED:  # typer makes this of a KeyboardInterrupt and says nothing
            write_error("interrupted")
        return code if isinstance(code, int) else 0
    except (KeyboardInterrupt, typer.Abort):
        write_error("interrupted")
        return INTERRUPTED
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    except (
        MunmaekError,
        OSError,
        MemoryError,
        ImportError,
        UnicodeEncodeError,
        USAGE,
    ) as error:
        return _failed(error)


def _failed(error: Exception) -> int:
    """Write one line that says what went wrong, and the exit code."""
    if isinstance(error, OSError):
        return _of_the_system(error)
    if isinstance(error, USAGE):
        return _usage(error)
    if isinstance(error, MemoryError):
        write_error("not enough memory; close other programs, or give less data or a smaller model")
        return 1
    if isinstance(error, ImportError):
        write_error(f"munmaek cannot be loaded whole: {error}; install it again")
        return 1
    if isinstance(error, UnicodeEncodeError):
        write_error(f"a text holds {error.object[error.start]!a}, which is no character")
        return 2
    write_error(str(error))
    return getattr(error, "exit_code", 1)


def _check_arguments(arguments: Sequence[str]) -> None:
    """Refuse arguments that were not written in UTF-8, which Python has as halves of surrogates.

    Raises:
        InputError: says which.
    """
    for number, argument in enumerate(arguments, start=1):
        try:
            argument.encode("utf-8")
        except UnicodeEncodeError:
            message = (
                f"argument {number} is not UTF-8: {ascii(argument)[:60]}; write it in UTF-8, and "
                "give a file such a name"
            )
            raise InputError(message) from None


def _usage(error: Any) -> int:
    """Write one line, and where to read on; the bare program shows its help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        write_message(error.ctx.get_help())
    else:
        place = error.ctx.command_path if error.ctx is not None else "munmaek"
        sentence = " ".join(error.format_message().split()).rstrip(".")
        write_error(f"{sentence}; see '{place} --help'")
    return 2


def _of_the_system(error: OSError) -> int:
    if not isinstance(error, BrokenPipeError):  # whoever read the output has had enough of it
        place = error.filename if error.filename is not None else "output"
        full = error.errno == errno.ENOSPC
        reason = "the disk is full; make room and run again" if full else error.strerror or error
        write_error(f"{place}: {reason}")
    _close_quietly()
    return 1 if error.errno in _MACHINE else 2


def _write_utf8(stream: TextIO) -> None:
    """Let text leave as UTF-8 in every locale, as it came in."""
    if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower() not in ("utf-8", "utf8"):
        stream.reconfigure(encoding="utf-8")


def _close_quietly() -> None:
    """Keep the interpreter from flushing into a closed pipe or a full disk once more at its end."""
    try:
        descriptor = os.open(os.devnull, os.O_WRONLY)
        os.dup2(descriptor, sys.stdout.fileno())
    except (OSError, ValueError):
        return


def _show_warning(usual: Any) -> Any:
    """Write each note once, however many labels or runs it is true of."""
    said: set[str] = set()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, MunmaekWarning):
            if str(message) not in said:
                write_message(f"munmaek: {in_language('note')}: {in_language(str(message))}")
            said.add(str(message))
        else:
            usual(message, category, filename, lineno, file, line)

    return show
