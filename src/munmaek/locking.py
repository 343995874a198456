"""Locks that end with the process that holds them, however it ends."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, final

try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None

__all__ = ["LOCKING", "FileLock"]

LOCKING = fcntl is not None
"""True where the system can tell a lock that is held from one that a killed process left."""

_flock: Any = getattr(fcntl, "flock", None)
_NOW = 0 if fcntl is None else fcntl.LOCK_EX | fcntl.LOCK_NB


@final
class FileLock:
    """A lock file with the holder's process id; it is removed when the lock is let go.

    The lock is the kernel's (flock), not the file's existence: after a kill the file is still
    there, and the next process simply takes it.
    """

    def __init__(self, path: Path) -> None:
        """Hold nothing yet."""
        self.path = path
        self._file: int | None = None

    def take(self) -> bool:
        """Take the lock without waiting, and return whether it was free.

        Where the file system has no locks, everything is free.

        Raises:
            OSError: the file cannot be made or opened.
        """
        while True:
            file = self._opened()
            if not _locked(file):
                os.close(file)
                return False
            if self._is_at(file):
                break
            os.close(file)  # its holder removed it between opening and locking
        with suppress(OSError):  # the number only helps whoever is refused
            os.truncate(file, 0)
            os.write(file, f"{os.getpid()}\n".encode())
        self._file = file
        return True

    def holder(self) -> int | None:
        """Return the process id in the file, None where there is none."""
        try:
            return int(self.path.read_bytes()[:20])
        except (OSError, ValueError):
            return None

    def release(self, *, keep: bool = False) -> None:
        """Remove the file, unless it is to be kept, and let the lock go."""
        if self._file is None:
            return
        with suppress(OSError):
            if not keep:
                self.path.unlink()
        with suppress(OSError):
            os.close(self._file)
        self._file = None

    def _opened(self) -> int:
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        except PermissionError:  # another user's, which can be waited for but not written
            return os.open(self.path, os.O_RDONLY)

    def _is_at(self, file: int) -> bool:
        try:
            return os.path.samestat(os.fstat(file), self.path.stat())
        except FileNotFoundError:
            return False


def _locked(file: int) -> bool:
    if _flock is None:
        return True
    try:
        _flock(file, _NOW)
    except BlockingIOError:
        return False
    except OSError:  # a network's file system without locks
        return True
    return True
