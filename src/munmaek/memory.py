"""Memory of a process, without anything that is slow to import."""

import mmap
import os
import re
from contextlib import suppress
from pathlib import Path

from munmaek.errors import ConfigError

__all__ = ["anonymous", "free_memory", "keep_few_products", "parse_size"]

PRODUCTS_KEPT = 16
_SIZE = re.compile(r"(\d{1,18}(?:\.\d{1,18})?)\s*([KMGT]?)(?:I?B)?", re.IGNORECASE)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_LEAST = 256 * 2**20
_UNKNOWN = 1 << 32
"""Bytes that a machine has that does not say how many."""


def keep_few_products() -> None:
    """Keep few prepared products of oneDNN, for a process whose texts are of all lengths.

    oneDNN, and torch's layer above it, keep what they prepared for 1,024 shapes each, with its
    memory: 24 MiB a sentence length for a small Transformer. They read the limit when first used,
    so this must come before torch multiplies; limits that the user has set stand.
    """
    for name in ("LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"):
        os.environ.setdefault(name, str(PRODUCTS_KEPT))


def anonymous(size: int) -> mmap.mmap:
    """Return ``size`` bytes of this process alone, in large pages where the system has them.

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


def free_memory() -> int:
    """Return the bytes of the machine that are free, as far as it or its container says."""
    with suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        found = next(line for line in lines if line.startswith("MemAvailable"))
        return min([1024 * int(found.split()[1]), *_limits()])
    if hasattr(os, "sysconf"):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    return _UNKNOWN


def _limits() -> list[int]:
    """Return what a container may have in all, where there is such a limit."""
    place = Path("/sys/fs/cgroup/memory.max")
    with suppress(OSError, ValueError):
        return [int(place.read_text(encoding="ascii"))]
    return []


def parse_size(text: str, *, where: str = "--memory") -> int:
    """Return the bytes of ``256M``, ``2G`` or a plain number, in powers of 1,024.

    Raises:
        ConfigError: not of this form, or less than 256M.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        message = f"{where} {text}: not a size; write 256M or 2G"
        raise ConfigError(message)
    size = int(float(found[1]) * _UNITS[found[2].upper()])
    if size < _LEAST:
        message = f"{where} {text}: too little to work in; give at least 256M"
        raise ConfigError(message)
    return size
