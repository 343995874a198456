"""The bytes of an ARPA file, whatever it is packed with, and the names of files that are none."""

import errno
import tempfile
from pathlib import Path
from typing import NoReturn

import numpy as np

from munmaek.arrays import Bytes
from munmaek.errors import DiskError, InputError
from munmaek.text.files import is_packed, unpacked
from munmaek.text.kinds import foreign_kind

__all__ = ["arpa_bytes"]


_MARK = b"\xef\xbb\xbf"
_FIRST = 1 << 12

_FOREIGN = (
    (
        b"mmap lm http://kheafield.com/code",
        "a KenLM binary; give it as a file that is not packed",
    ),
    (b"blmt", "an IRSTLM binary; write it as ARPA: compile-lm --text=yes FILE OUT.arpa"),
    (b"iARPA", "an iARPA file of IRSTLM; write it as ARPA: compile-lm --text=yes FILE OUT.arpa"),
    (b"SRILM_BINARY_NGRAM", "an SRILM binary; write it as ARPA: ngram -lm FILE -write-lm OUT.arpa"),
    (b"Trie Language Model", "a Sphinx binary; write it as ARPA: sphinx_lm_convert -ofmt arpa"),
    (b"\xd6\xfd\xb2\x7e", "an OpenFst transducer; write it as ARPA: ngramprint --ARPA FILE"),
)
"""Beginnings of other language models, their names, and what to do."""


def arpa_bytes(path: Path) -> Bytes:
    """Return the file's bytes without a byte order mark: mapped where they lie, or unpacked.

    Raises:
        InputError: it cannot be read, is damaged, or is of another kind, which is named.
        DiskError: no room to unpack it.
    """
    try:
        content = _unpacked(path) if is_packed(path) else _mapped(path)
    except OSError as error:
        _fail(path, error)
    first = content[:_FIRST].tobytes()
    what = next((what for begin, what in _FOREIGN if first.startswith(begin)), None)
    if what is None and (found := foreign_kind(first)) is not None:
        what = "; ".join(found)
    if what is not None:
        message = f"{path}: no ARPA file but {what}"
        raise InputError(message)
    return content[len(_MARK) :] if first.startswith(_MARK) else content


def _fail(path: Path, error: OSError) -> NoReturn:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        message = f"{tempfile.gettempdir()}: no room to unpack {path}; set TMPDIR to a larger disk"
        raise DiskError(message) from error
    message = f"{path}: cannot be read: {error.strerror or error}"
    raise InputError(message) from error


def _mapped(path: Path) -> Bytes:
    if not path.stat().st_size:
        return np.empty(0, dtype=np.uint8)
    return np.memmap(path, dtype=np.uint8, mode="r").view(np.ndarray)


def _unpacked(path: Path) -> Bytes:
    """Unpack into a file without a name, which is gone when nothing maps it any more."""
    with tempfile.TemporaryFile() as spool:
        for block in unpacked(path):
            spool.write(block)
        spool.flush()
        if not spool.tell():
            return np.empty(0, dtype=np.uint8)
        return np.memmap(spool, dtype=np.uint8, mode="r").view(np.ndarray)
