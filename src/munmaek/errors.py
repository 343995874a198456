"""Every error that a user can meet.

Each message is one line that names the thing, shows what was wanted and what was given, and says
what to do. The command line prints it without a traceback and leaves with ``exit_code``.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import ClassVar
from unicodedata import category

__all__ = [
    "ArtefactError",
    "ConfigError",
    "DiskError",
    "InputError",
    "MunmaekError",
    "MunmaekWarning",
    "OrderError",
    "ServerError",
    "TrainingError",
    "UnsupportedError",
    "explaining_missing_torch",
]


_LONGEST = 1000
_ENDING = 250
"""Characters of a message, and of its end, which says what to do."""


class MunmaekError(Exception):
    """Base of all errors that a user can mend; ``exit_code`` is the process's.

    Messages quote what stood in a file. Whatever that is, they stay one line that any terminal
    shows: control characters and halves of characters are written out, a long middle is left out.
    """

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str = "") -> None:
        if len(message) > _LONGEST:
            message = f"{message[: _LONGEST - _ENDING]} … {message[-_ENDING:]}"
        super().__init__("".join(map(_shown, message)))


def _shown(character: str) -> str:
    return ascii(character)[1:-1] if category(character) in ("Cc", "Cs", "Zl", "Zp") else character


class InputError(MunmaekError, ValueError):
    """Text, labels or a file that cannot be used: names the file and, where known, the line."""


class OrderError(InputError):
    """An n-gram order that no sequence of the text is long enough for."""

    def __init__(self, order: int, longest: int, what: str = "the longest sequence") -> None:
        """Say so of ``order``, where ``what`` has ``longest`` tokens with ``<s>`` and ``</s>``."""
        self.longest = longest
        self.why = f"{what} has {longest} tokens with <s> and </s>"
        super().__init__(
            f"order {order} is too high: {self.why}; choose an order of at most {longest} or add "
            "text"
        )


class ConfigError(MunmaekError, ValueError):
    """An option with an unknown name or a value out of range."""


class UnsupportedError(MunmaekError):
    """A stage that cannot do the task, or an extra that is not installed."""


class ArtefactError(MunmaekError):
    """A model folder that is missing, truncated, altered or of a newer format."""


class TrainingError(MunmaekError):
    """Training that cannot go on, such as a loss that is not finite."""

    exit_code: ClassVar[int] = 1


class ServerError(MunmaekError):
    """A server that is asked for answers and is not reached, stays busy or fails."""

    exit_code: ClassVar[int] = 1


class DiskError(MunmaekError):
    """A write that failed: full disk, no permission. What was there before is whole."""

    exit_code: ClassVar[int] = 1


class MunmaekWarning(UserWarning):
    """Something a user should know that does not stop the work, such as a stated fallback."""


@contextmanager
def explaining_missing_torch() -> Generator[None]:
    """Turn the import error of a missing torch into a line for users; a decorator too.

    Raises:
        UnsupportedError: torch is wanted inside and not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        message = (
            "this needs PyTorch, which is not installed; run 'pip install torch', or use n-grams, "
            "which do without"
        )
        raise UnsupportedError(message) from error
