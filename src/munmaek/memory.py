"""Anonymous memory in large pages, without anything that is slow to import."""

import mmap
from contextlib import suppress

__all__ = ["anonymous"]


def anonymous(size: int) -> mmap.mmap:
    """``size`` bytes of this process alone, in large pages where the system has them.

    Raises:
        OSError: the system does not promise as much.
    """
    if not hasattr(mmap, "MAP_PRIVATE"):  # Windows, where such memory is private anyway
        return mmap.mmap(-1, size)
    room = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE"):
        with suppress(OSError):  # a kernel built without them refuses the hint
            room.madvise(mmap.MADV_HUGEPAGE)
    return room
