"""Memory that was touched already, to be used again.

A page that is touched for the first time costs more than working on it: the system clears it, and
on a virtual machine the host may have to find it first (2 s a gigabyte were seen). So large arrays
of one pass are handed to the next.
"""

import mmap
from concurrent.futures import Future
from typing import Any, final

import numpy as np
from numpy.typing import DTypeLike, NDArray

from munmaek.memory import anonymous

__all__ = ["MemoryPool"]

_SMALL = 1 << 20
_ALIGNED = 64
_PAGE = mmap.PAGESIZE


@final
class MemoryPool:
    """Arrays out of pieces that were given back, and new ones where none is large enough."""

    def __init__(self, room: Future[mmap.mmap] | None = None) -> None:
        """Hold nothing but the ``room``, whose begin may have been touched already."""
        self._maps: list[mmap.mmap] = []
        self._free: list[tuple[int, int, int]] = []
        """Map, begin and end of each piece."""
        self._room = room

    def take(self, size: int, dtype: DTypeLike) -> NDArray[Any]:
        """Return an array of ``size`` elements that hold anything."""
        kind = np.dtype(dtype)
        wanted = size * kind.itemsize
        if wanted < _SMALL or not hasattr(mmap, "MAP_PRIVATE"):
            return np.empty(size, dtype=kind)
        if self._room is not None:
            self._maps.append(self._room.result())
            self._free.append((len(self._maps) - 1, 0, len(self._maps[-1])))
            self._room = None
        fitting = [piece for piece in self._free if piece[2] - piece[1] >= wanted]
        if fitting:
            piece = min(fitting, key=lambda piece: piece[2] - piece[1])
            self._free.remove(piece)
        else:
            piece = self._new(wanted)
        which, begin, end = piece
        cut = begin + -(-wanted // _ALIGNED) * _ALIGNED
        if end - cut >= _SMALL:
            self._free.append((which, cut, end))
        return np.frombuffer(self._maps[which], dtype=kind, count=size, offset=begin)

    def _new(self, size: int) -> tuple[int, int, int]:
        self._maps.append(anonymous(size))
        return len(self._maps) - 1, 0, size

    def give(self, array: NDArray[Any]) -> None:
        """Take back an array of ``take`` that nobody uses any more; others are left alone."""
        at = array.ctypes.data
        for which, room in enumerate(self._maps):
            begin = at - np.frombuffer(room, dtype=np.uint8).ctypes.data
            if 0 <= begin < len(room):
                self._free.append((which, begin, begin + array.nbytes))
                self._join()
                return

    def _join(self) -> None:
        joined: list[tuple[int, int, int]] = []
        for which, begin, end in sorted(self._free):
            if joined and joined[-1][0] == which and begin - joined[-1][2] < _ALIGNED:
                joined[-1] = (which, joined[-1][1], end)
            else:
                joined.append((which, begin, end))
        self._free = joined

    def release(self) -> None:
        """Hand what is free to the system; arrays that were taken stay as they are."""
        for which, begin, end in self._free:
            first, last = -(-begin // _PAGE) * _PAGE, end // _PAGE * _PAGE
            if last > first and hasattr(mmap, "MADV_DONTNEED"):
                self._maps[which].madvise(mmap.MADV_DONTNEED, first, last - first)
        self._free, self._maps = [], []
