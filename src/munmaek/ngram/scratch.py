"""Files for what does not fit in memory: in one temporary folder that is always cleaned up."""

import ctypes
import errno
import itertools
import mmap
import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast, final

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Bytes, Int32s, Int64s
from munmaek.errors import DiskError
from munmaek.ngram.compiled import compiled
from munmaek.ngram.journal import go_on, kept_folder
from munmaek.writing import scratch_folder

__all__ = ["Buckets", "Column", "Scratch", "chunks_of", "give_back", "group_rows", "hold_little"]


@final
class Scratch:
    """A temporary folder; leaving the block removes it, whatever happened in it."""

    def __init__(self, place: Path, *, needed: int = 0, output: Path | None = None) -> None:
        """Make sure of the room first.

        Args:
            place: the folder to be in; made when it is not there.
            needed: bytes that will be written.
            output: what the files are for, where a killed run is to be gone on with.

        Raises:
            DiskError: the place cannot be written or has less room than that.
        """
        try:
            place.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(place).free
        except OSError as error:
            raise _refused(place, error) from error
        _check(place, free, needed)
        self._place, self._output = place, output
        # Threads ask side by side, and no two may get the same file: ``next`` is one step.
        self._numbers = itertools.count()
        self._columns: list[Column] = []
        self._own = ExitStack()

    def __enter__(self) -> Self:
        """Make the folder."""
        try:
            made = (
                scratch_folder(self._place)
                if self._output is None
                else kept_folder(self._place, self._output)
            )
            self.folder = self._own.enter_context(made)
        except OSError as error:
            raise _refused(self._place, error) from error
        return self

    def check(self, needed: int) -> None:
        """Make sure that so many bytes can be written still.

        Raises:
            DiskError: there is less room.
        """
        there = sum(each.stat().st_size for each in self.folder.iterdir())
        _check(self._place, shutil.disk_usage(self._place).free, needed - there)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove it; a full disk is said in one line."""
        del kind, trace
        for column in self._columns:
            column.close()
        self._own.close()
        if isinstance(error, OSError):
            raise _refused(self._place, error) from error

    def column(self, name: str, dtype: Any, *, size: int = 0) -> "Column":
        """Make a new column in the folder, closed with it; of ``size`` values one goes on."""
        column = Column(self.folder / name, dtype, size=size)
        self._columns.append(column)
        return column

    def _spool_file(self) -> Path:
        return self.folder / f"spool-{next(self._numbers)}"

    def spool(self, content: bytes) -> Callable[[], Bytes]:
        """Keep bytes in a file; the way to have them again."""
        path = self._spool_file()
        path.write_bytes(content)
        return partial(np.fromfile, path, dtype=np.uint8)

    def keep(self, numbers: Int32s) -> Callable[[], Int32s]:
        """Do the same for ids."""
        path = self._spool_file()
        with path.open("wb") as file:  # ``tofile`` does not say what went wrong
            file.write(cast("Any", np.ascontiguousarray(numbers).reshape(-1).view(np.uint8)))

        def once() -> Int32s:
            given = np.fromfile(path, dtype=np.int32)
            path.unlink()
            return given

        return once


def _check(place: Path, free: int, needed: int) -> None:
    if free < needed:
        message = (
            f"{place}: {_gigabytes(needed)} GB are needed for temporary files and "
            f"{_gigabytes(free)} GB are free; make room, or choose another --temp-dir"
        )
        raise DiskError(message)


def _refused(place: Path, error: OSError) -> DiskError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    reason = "the disk is full; make room" if full else f"cannot write: {error.strerror}"
    message = f"{place}: {reason}, or choose another --temp-dir"
    return DiskError(message)


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.1f}"


@final
class Column:
    """One array in a file: written from its beginning to its end, then mapped."""

    def __init__(self, path: Path, dtype: Any, *, size: int = 0) -> None:
        """Open the file, with nothing written yet, or to go on after ``size`` values."""
        self.path, self.dtype = path, np.dtype(dtype)
        if size:
            go_on(path, size * self.dtype.itemsize)
        self._file = path.open("ab" if size else "wb")
        self.size = size
        self.array: NDArray[Any] = np.empty(0, dtype=dtype)
        """The mapped array, once ``map`` was called."""

    def append(self, values: NDArray[Any]) -> None:
        """Write on."""
        array = np.ascontiguousarray(values, dtype=self.dtype)
        self._file.write(cast("Any", array.reshape(-1).view(np.uint8)))
        self.size += array.size

    def flush(self) -> None:
        """Hand all that was written over to the system, which keeps it when this process ends."""
        self._file.flush()

    def close(self) -> None:
        """End writing."""
        self._file.close()

    def map(self) -> NDArray[Any]:
        """Map the whole array, to read and to write; pages are in memory until ``release``."""
        self.close()
        with self.path.open("r+b") as file:
            length = os.fstat(file.fileno()).st_size
            self._map = mmap.mmap(file.fileno(), length) if length else None
        self.array = (
            np.empty(0, dtype=self.dtype)
            if self._map is None
            else np.frombuffer(self._map, dtype=self.dtype)
        )
        return self.array

    def release(self) -> None:
        """Let go of the pages that were touched; the file keeps what was written."""
        if self._map is not None and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)


def chunks_of(first: Column, low: int, high: int, *, chunk_size: int) -> list[tuple[int, int]]:
    """Cut contexts into runs of at most 2 · ``chunk_size`` nodes that continue them, if it can be.

    Args:
        first: the first node of each context, mapped.
        low: the first context.
        high: the one after the last.
        chunk_size: half the size of a chunk.
    """
    chunks: list[tuple[int, int]] = []
    while low < high:
        end = min(high, low + 2 * chunk_size)
        ahead = first.array[low : end + 1] - first.array[low]
        # Of the array's own type, or all of it would be copied.
        most = np.array([2 * chunk_size], dtype=ahead.dtype)
        fits = int(np.searchsorted(ahead, most, side="right")[0]) - 1
        end = low + max(fits, 1)
        chunks.append((low, min(end, high)))
        low = min(end, high)
        first.release()
    return chunks


def hold_little() -> None:
    """Let the C library hold little of what is freed, where it is glibc: for the whole process.

    One heap serves all threads, and blocks from 1 MiB on go back to the system when they are freed.
    """
    arena_max, mmap_threshold = -8, -3
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(arena_max, 1)
        library.mallopt(mmap_threshold, 1 << 20)


def give_back() -> None:
    """Let the C library return what was freed to the system, where it knows how."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


@final
class Buckets:
    """Rows of 32-bit integers, sorted into files as they come, each in the order it was given."""

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        count: int,
        columns: int,
        sizes: Sequence[int] | None = None,
    ) -> None:
        """Begin with empty buckets, or go on with those of ``sizes`` rows; others are removed."""
        self._paths = [folder / f"{name}-{index}" for index in range(count)]
        self._columns = columns
        self._sizes = [0] * count if sizes is None else list(sizes)
        for path, size in zip(self._paths, self._sizes, strict=True):
            if size:
                go_on(path, 4 * size * columns)
            else:
                path.unlink(missing_ok=True)

    def add(self, rows: Int32s, buckets: Int32s) -> None:
        """Put each row into its bucket."""
        grouped = np.empty_like(rows)
        limits = np.zeros(len(self._paths) + 1, dtype=np.int64)
        group_rows(rows, buckets, limits, grouped)
        for bucket in np.flatnonzero(np.diff(limits)).tolist():
            part = grouped[limits[bucket] : limits[bucket + 1]]
            with self._paths[bucket].open("ab") as file:
                file.write(cast("Any", part.reshape(-1).view(np.uint8)))
            self._sizes[bucket] += len(part)

    @property
    def sizes(self) -> list[int]:
        """Return how many rows each bucket was given."""
        return list(self._sizes)

    def size(self, bucket: int) -> int:
        """Return how many rows a bucket has."""
        return self._sizes[bucket]

    def read(self, bucket: int, begin: int, end: int) -> Int32s:
        """Read some rows of a bucket."""
        count = max(min(end, self._sizes[bucket]) - begin, 0)
        if not count:
            return np.empty((0, self._columns), dtype=np.int32)
        flat = np.fromfile(
            self._paths[bucket],
            dtype=np.int32,
            count=count * self._columns,
            offset=4 * begin * self._columns,
        )
        return flat.reshape(-1, self._columns)

    def remove(self, bucket: int) -> None:
        """Remove the file of a bucket, which is needed no more."""
        self._paths[bucket].unlink(missing_ok=True)


@compiled
def group_rows(rows: Int32s, buckets: Int32s, limits: Int64s, out: Int32s) -> None:
    """Sort rows by bucket, stably; ``limits`` gets where each begins and the last ends."""
    for bucket in buckets:
        limits[bucket + 1] += 1
    for bucket in range(1, len(limits)):
        limits[bucket] += limits[bucket - 1]
    cursor = limits[:-1].copy()
    width = rows.shape[1]
    for row in range(len(rows)):
        slot = cursor[buckets[row]]
        cursor[buckets[row]] += 1
        for column in range(width):
            out[slot, column] = rows[row, column]
