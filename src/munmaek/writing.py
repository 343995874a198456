"""The one way in which files and folders are written: aside, put on the disk, renamed into place.

    .munmaek-KEY-RANDOM          a file or folder while it is written, beside its place
    .munmaek-KEY-old-RANDOM      a folder on its way out, where the system cannot exchange two
    .munmaek-KEY.lock            held by the process that writes there
    .munmaek-scratch-RANDOM      a folder for what is needed while a process runs, with its lock

KEY stands for the name of the output. Whoever holds its lock knows that everything of that KEY was
left behind by a process that was killed, and removes it. A link is followed: what it points to is
replaced, the link stays. Pipes and devices are written where they are.
"""

import ctypes
import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from munmaek.errors import ArtefactError, DiskError, InputError
from munmaek.locking import LOCKING, FileLock

__all__ = [
    "LEFT",
    "beside",
    "claim",
    "disk_error",
    "is_stream",
    "move_into_place",
    "new_file",
    "place_of",
    "reading_back",
    "remove_whole",
    "scratch_folder",
    "sweep_within",
    "sync_all",
    "temporary_beside",
    "write_text",
    "writing",
]

_RANDOM = "[0-9a-f]{16}"
_KEY = 12

LEFT = re.compile(rf"\.munmaek-[0-9a-f]{{{_KEY}}}(\.lock|-(old-)?{_RANDOM}(\.[^/]*)?)")
"""The names of what this module puts beside an output."""

_DESCRIPTOR = re.compile(r"/(?:dev/fd|proc/self/fd)/(\d+)")
_STANDARD = {"/dev/stdout": 1, "/dev/stderr": 2}


# Errors


def disk_error(place: Path, error: OSError, then: str = "nothing there was changed") -> DiskError:
    """Return the line that says why ``place`` cannot be written."""
    return DiskError(f"{place}: cannot write: {_reason(error)}; {then}")


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full"
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "too many open files; raise 'ulimit -n'"
    return error.strerror or str(error)


@contextmanager
def writing(place: Path, then: str = "nothing there was changed") -> Generator[None]:
    """Turn a failed write within the block into one line that names ``place``.

    A reader that went away (a broken pipe) is no failure of the disk and passes through.

    Raises:
        DiskError: the disk is full, fails, or the place cannot be written.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise disk_error(place, error, then) from error


@contextmanager
def reading_back(then: str) -> Generator[None]:
    """Turn a failed reading of what a run has written into a failure of the disk.

    What can be read and is damaged stays the error that it is.

    Args:
        then: what is there nevertheless, for the message.

    Raises:
        DiskError: a file cannot be read.
    """
    try:
        yield
    except OSError as error:
        place = "a file that was just written" if error.filename is None else error.filename
        message = f"{place}: cannot be read: {_reason(error)}; {then}"
        raise DiskError(message) from error
    except (ArtefactError, InputError) as error:
        if not isinstance(error.__cause__ or error.__context__, OSError):
            raise
        message = f"{error}; {then}"
        raise DiskError(message) from error


# Places


def place_of(path: Path) -> Path:
    """Return where ``path`` is written: absolute, and at the end of every link.

    Raises:
        InputError: a link that goes in a circle, or points into a folder that is not there.
    """
    place = Path(os.path.realpath(path))
    if path.is_symlink() and (place.is_symlink() or not place.parent.is_dir()):
        why = "goes in a circle" if place.is_symlink() else f"points to {place}, in no folder"
        message = f"{path}: is a link that {why}; mend the link or choose another -o"
        raise InputError(message)
    return place


def is_stream(path: Path) -> bool:
    """Return whether ``path`` is a pipe or a device, which cannot be written aside."""
    if _descriptor(path) is not None:
        return True
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _descriptor(path: Path) -> int | None:
    """Return the open file that ``path`` is a name of, such as ``/dev/stdout``."""
    name = os.path.abspath(path)  # noqa: PTH100 - links are what is asked for
    found = _DESCRIPTOR.fullmatch(name)
    return int(found[1]) if found else _STANDARD.get(name)


_BESIDE = (".partial", ".runs")
"""Endings of what goes with an output, which is held by its lock too."""


def beside(path: Path, ending: str) -> Path:
    """Return the place of what goes with an output: its own, with ``ending`` after the name."""
    plain = path.name not in ("", "..") and not path.is_symlink()
    place = path if plain else place_of(path)
    return place.with_name(f"{place.name}{ending}")


def _key(place: Path) -> str:
    return hashlib.sha256(os.fsencode(place.name)).hexdigest()[:_KEY]


def temporary_beside(place: Path) -> Path:
    """Return a free name beside ``place``, of the same kind, for what will take its place."""
    return place.with_name(f".munmaek-{_key(place)}-{secrets.token_hex(8)}{place.suffix}")


# One process at a time

_held: dict[Path, int] = {}
"""The thread of this process that writes to each place."""
_holding = threading.Lock()


@contextmanager
def claim(path: Path) -> Generator[None]:
    """Hold a place against other runs, and clean up what a killed one left there.

    Within the block the same thread may claim it again. Pipes and devices are held by nobody.

    Raises:
        InputError: another run is writing there, or ``path`` is a link that leads nowhere.
        DiskError: the place cannot be written.
    """
    if is_stream(path) or _held.get(place := place_of(path)) == _me():
        yield
        return
    with _holding:
        if _held.setdefault(place, _me()) != _me():
            raise _taken(path, os.getpid())
    try:
        lock = _locked(path, place)
        try:
            _sweep(place)
            yield
        finally:
            lock.release()
    finally:
        del _held[place]


_me = threading.get_ident


def _locked(path: Path, place: Path) -> FileLock:
    lock = FileLock(place.with_name(f".munmaek-{_key(place)}.lock"))
    with writing(path):
        place.parent.mkdir(parents=True, exist_ok=True)
        if lock.take():
            return lock
    raise _taken(path, lock.holder())


def _taken(path: Path, holder: int | None) -> InputError:
    who = "another run" if holder is None else f"another run (process {holder})"
    return InputError(f"{path}: {who} is writing there; wait until it ends, or choose another -o")


def _sweep(place: Path) -> None:
    """Remove what a killed run left; a folder that was on its way out comes back."""
    own, *with_it = (_key(place.with_name(place.name + ending)) for ending in ("", *_BESIDE))
    left = re.compile(rf"\.munmaek-({own}|{'|'.join(with_it)})-(old-)?{_RANDOM}(\.[^/]*)?")
    with suppress(OSError):
        for each in list(place.parent.iterdir()):
            found = left.fullmatch(each.name)
            if found and found[1] == own and found[2] and not place.exists():
                each.rename(place)
            elif found:
                _remove(each)


def sweep_within(folder: Path) -> None:
    """Remove what was left anywhere in a folder that nobody writes to any more.

    What is written in a folder on its way is claimed there, and a lock whose removal failed would
    come along into its place, where no later run would claim it.
    """
    for each in [path for path in folder.rglob(".munmaek-*") if LEFT.fullmatch(path.name)]:
        _remove(each)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


# Aside, synced, renamed


@contextmanager
def new_file(path: Path) -> Generator[Path]:
    """Give a name under which to write a file, which becomes ``path`` when the block ends well.

    Raises:
        InputError: another run is writing there, or ``path`` is a link that leads nowhere.
        DiskError: it cannot be written; what was there is whole.
    """
    if is_stream(path):
        with _spooled(path) as spool:
            yield spool
        return
    place = place_of(path)
    with claim(path), writing(path):
        aside = temporary_beside(place)
        try:
            yield aside
            _sync(aside)
            aside.replace(place)
            _sync(place.parent)
        finally:
            with suppress(OSError):
                aside.unlink(missing_ok=True)


@contextmanager
def _spooled(path: Path) -> Generator[Path]:
    """Give a file that goes into the pipe or device in one piece."""
    with scratch_folder(Path(tempfile.gettempdir())) as folder:
        spool = folder / f"output{path.suffix}"
        yield spool
        number = _descriptor(path)
        with writing(path, "what was written before is there"), spool.open("rb") as content:
            file = os.open(path, os.O_WRONLY) if number is None else os.dup(number)
            with os.fdopen(file, "wb") as stream:
                shutil.copyfileobj(content, stream)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, whole or not at all.

    Raises:
        DiskError: the disk is full or the place cannot be written; what was there is whole.
    """
    with new_file(path) as aside:
        aside.write_text(text, encoding="utf-8")


def move_into_place(aside: Path, place: Path) -> None:
    """Rename a finished folder, already on the disk, to ``place``; what was there is removed.

    At every moment the old folder or the new one is there, where the system can exchange two names
    at once; else ``claim`` brings the old one back after a kill between the two renames.

    Raises:
        OSError: it cannot be renamed; the old folder is there.
    """
    if not place.exists() or not any(place.iterdir()):
        aside.rename(place)
    elif _exchanged(aside, place):
        _remove(aside)
    else:
        _replaced(aside, place)
    _sync(place.parent)


def _replaced(aside: Path, place: Path) -> None:
    old = place.with_name(f".munmaek-{_key(place)}-old-{secrets.token_hex(8)}")
    place.rename(old)
    try:
        aside.rename(place)
    except OSError:
        old.rename(place)
        raise
    _remove(old)


_EXCHANGE = 2
"""RENAME_EXCHANGE of Linux, which Python has no name for."""
_HERE = -100
"""AT_FDCWD: names are as they are for any other call."""
_UNKNOWN = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP)


def _exchanged(one: Path, other: Path) -> bool:
    """Swap two names at once; false where the system cannot."""
    call: Any = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    if call(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNKNOWN:
        return False
    raise OSError(number, os.strerror(number), str(other))


def sync_all(folder: Path) -> None:
    """Have the system put a folder, and everything in it, on the disk now.

    Raises:
        OSError: it cannot.
    """
    for place, _, files in os.walk(folder):
        for name in files:
            _sync(Path(place) / name)
        _sync(Path(place))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_whole(folder: Path) -> None:
    """Remove a folder that is no longer wanted; a kill meanwhile leaves all of it or nothing.

    Raises:
        OSError: it cannot be removed.
    """
    away = temporary_beside(place_of(folder))
    folder.rename(away)
    _remove(away)


# While a process runs


@contextmanager
def scratch_folder(parent: Path) -> Generator[Path]:
    """Make a folder that is removed when the block ends, or by the next process that makes one.

    Raises:
        OSError: it cannot be made.
    """
    for lock in list(parent.glob(".munmaek-scratch-*.lock")):
        _sweep_scratch(lock)
    while not (lock := FileLock(parent / f".munmaek-scratch-{secrets.token_hex(8)}.lock")).take():
        pass
    folder = lock.path.with_suffix("")
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        _removed_with(folder, lock)


def _removed_with(folder: Path, lock: FileLock) -> None:
    """Remove a folder and then its lock, which stays where that fails: the next process tries."""
    _remove(folder)
    lock.release(keep=folder.exists())


def _sweep_scratch(path: Path) -> None:
    """Remove the folder of a process that ended without doing so, if it is this user's."""
    lock = FileLock(path)
    with suppress(OSError):
        mine = not hasattr(os, "getuid") or path.lstat().st_uid == os.getuid()
        if not (LOCKING and mine and _SCRATCH.fullmatch(path.name) and lock.take()):
            return
        _removed_with(path.with_suffix(""), lock)


_SCRATCH = re.compile(rf"\.munmaek-scratch-{_RANDOM}\.lock")
