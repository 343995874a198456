"""Files that a command writes: never over a stranger's, never over another unasked, never half."""

import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from munmaek.errors import InputError
from munmaek.writing import claim, is_stream, new_file, writing

__all__ = [
    "claimed_file",
    "claimed_folder",
    "is_arpa",
    "is_array",
    "is_graph",
    "is_lines",
    "is_module",
    "is_page",
    "write_aside",
]


@contextmanager
def claimed_folder(folder: Path, *, force: bool) -> Generator[None]:
    """Hold the folder that a command will write, before any work is done.

    Raises:
        InputError: another run is writing there, or something is there that may not be replaced.
        DiskError: the place cannot be written.
    """
    from munmaek.folder.ownership import check_free

    with claim(folder):
        check_free(folder, force=force)
        yield


@contextmanager
def claimed_file(path: Path, *, force: bool, written: Callable[[bytes], bool]) -> Generator[None]:
    """Hold the file that a command will write, before any work is done; see ``claimed_folder``.

    Args:
        path: the file; a pipe or a device is always free.
        force: replace what is there.
        written: whether a file that begins with these bytes is of the kind that will be written;
            no other is replaced.
    """
    if path.is_dir():
        message = f"{path}: is a directory; give -o the name of a file"
        raise InputError(message)
    with claim(path):
        _check_file_free(path, force=force, written=written)
        yield


def _check_file_free(path: Path, *, force: bool, written: Callable[[bytes], bool]) -> None:
    if not path.exists() or is_stream(path):
        return
    if not force:
        message = f"{path}: already exists; choose another -o, or --force to replace it"
        raise InputError(message)
    with writing(path), path.open("rb") as file:
        head = file.read(1 << 16)
    if head and not written(head):
        message = (
            f"{path}: is not what munmaek writes there, so --force does not replace it; "
            "move it away, or choose another -o"
        )
        raise InputError(message)


def is_page(head: bytes) -> bool:
    """Return whether a file that begins like this is a page of ``look``."""
    return b"munmaek</title>" in head


def is_module(head: bytes) -> bool:
    """Return whether a file that begins like this is a module of ``look --live``."""
    return head.startswith(b"// A living model of munmaek")


def is_array(head: bytes) -> bool:
    """Return whether it is an array of vectors of ``embed``."""
    return head.startswith(b"\x93NUMPY\x01\x00") and b"{'descr': '<f4'" in head[:32]


def is_lines(head: bytes) -> bool:
    """Return whether it is vectors of ``embed`` as JSON lines."""
    return head.startswith(b'{"text": ')


def is_arpa(head: bytes) -> bool:
    """Return whether it is an ARPA file, gzipped or not."""
    if head.startswith(b"\x1f\x8b"):
        with suppress(zlib.error):
            head = zlib.decompressobj(wbits=31).decompress(head, 64)
    return head.startswith(b"\\data\\")


def is_graph(head: bytes) -> bool:
    """Return whether it is an ONNX graph that PyTorch wrote."""
    return head.startswith(b"\x08") and b"pytorch" in head[:64]


def write_aside(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` make a file beside ``path``, then rename it.

    Raises:
        DiskError: the disk is full or the place cannot be written; what was there is whole.
    """
    with new_file(path) as aside:
        write(aside)
