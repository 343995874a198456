"""Large files written past the cache of the system, where it knows how."""

import errno
import os
from collections.abc import Callable
from typing import IO, Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

__all__ = ["writer_past_cache"]

_DROP = 0x80
"""RWF_DONTCACHE of Linux 6.14, which Python has no name for: pages are let go once on disk."""
_REFUSED = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)

Content: TypeAlias = NDArray[np.uint8] | bytes


def writer_past_cache(stream: IO[bytes]) -> Callable[[Content], None]:
    """Return a function that writes on at the end of a file which nobody is about to read.

    What is written need not push out what lies in memory, nor take new pages: on a virtual machine
    those may cost more than all the rest of the writing. Systems without it write as always.

    Args:
        stream: a file without a buffer of its own; at its end.
    """
    flags = _DROP

    def write(content: Content) -> None:
        nonlocal flags
        left = memoryview(cast("Any", content))
        while len(left):
            written = _written(stream.fileno(), left, flags)
            flags = flags if written is not None else 0
            left = left[written or 0 :]

    return write


def _written(file: int, content: memoryview, flags: int) -> int | None:
    """Return how many bytes were written; None where the system refuses the flags."""
    if not flags or not hasattr(os, "pwritev"):
        return os.write(file, content)
    at = os.lseek(file, 0, os.SEEK_CUR)
    try:
        written = os.pwritev(file, [content], at, flags)
    except NotImplementedError:  # Python's own refusal, where the C library has no such flags
        return None
    except OSError as error:
        if error.errno in _REFUSED:
            return None
        raise
    os.lseek(file, at + written, os.SEEK_SET)
    return written
