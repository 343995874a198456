"""Libraries that read other people's files: those of the extra ``data``, and their errors."""

import importlib
from types import TracebackType
from typing import Any, final

from munmaek.errors import InputError, MunmaekError, UnsupportedError

__all__ = ["Reading", "data_library"]


def data_library(module: str, name: str, what: str) -> Any:
    """Return a module of the extra ``data``.

    Args:
        module: as it is imported.
        name: of the file that wants it.
        what: the kind of file, for the message.

    Raises:
        UnsupportedError: it is not installed; says the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        package = module.split(".", maxsplit=1)[0]
        message = (
            f"{name}: {what} is read with {package}, which is not installed: "
            "pip install 'munmaek[data]'"
        )
        raise UnsupportedError(message) from None


@final
class Reading:
    """Turn whatever a library raises within into one line that names the file and its kind.

    Damaged files make such libraries raise nearly anything, from ``KeyError`` to their own classes.
    """

    def __init__(self, name: str, kind: str) -> None:
        """Take the file's name, and what it is read as."""
        self._name = name
        self._kind = kind

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Raise an ``InputError`` in place of an error of the library."""
        ours = isinstance(error, MunmaekError | Warning)
        if not isinstance(error, Exception) or ours:
            return
        # Where it is damaged, a file may say that it needs any amount.
        short = "it wants more memory than there is"
        lines = [short] if isinstance(error, MemoryError) else str(error).strip().splitlines()
        reason = lines[0][:200] if lines else type(error).__name__
        message = f"{self._name}: cannot be read as {self._kind} ({reason})"
        raise InputError(message) from error
