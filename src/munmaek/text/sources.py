"""The origin of data: the file, folder or address that a name stands for.

A name may be that of a file or folder, ``-`` for standard input, a pattern such as
``data/*.csv``, an address such as ``s3://bucket/reviews.csv.gz``, each maybe with the part that is
meant after ``#``: the sheet of a workbook, the split of a data set, the language of a memory.
"""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, final

from munmaek.errors import ConfigError, InputError
from munmaek.text.libraries import Reading, data_library

__all__ = [
    "UTF8",
    "File",
    "check_encoding",
    "encoded",
    "encoding_of",
    "is_address",
    "matching",
    "open_address",
    "split_part",
]

UTF8 = "utf-8"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_IN_PARTS = (".xlsx", ".xlsm", ".tmx", ".json")
"""Suffixes of files of which a part can be named."""
_MAGIC = re.compile(r"[*?[]")
_NO_ENCODINGS = ("idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf_7")
T = TypeVar("T")


@final
@dataclass(frozen=True, slots=True)
class File:
    """A file whose text is in another encoding than UTF-8."""

    path: str
    encoding: str

    def __str__(self) -> str:
        return self.path


def encoding_of(path: object) -> str:
    """Return the encoding that a file's text is said to be in."""
    return path.encoding if isinstance(path, File) else UTF8


def encoded(sources: Sequence[T], encoding: str) -> Sequence[T | File]:
    """Return files as those of an encoding; data in memory stays what it is."""
    if encoding == UTF8:
        return sources
    return [File(str(each), encoding) if isinstance(each, str | Path) else each for each in sources]


def check_encoding(name: str) -> str:
    """Return the name of an encoding as Python spells it.

    Raises:
        ConfigError: no encoding of text has that name.
    """
    spelled = _encoding(name)
    if spelled is None:
        message = (
            f"encoding {name!r} is not known; utf-8, cp949, euc-kr, utf-16, latin-1 and all others "
            "of Python are"
        )
        raise ConfigError(message)
    return spelled


def _encoding(name: str) -> str | None:
    try:
        found = codecs.lookup(name.strip()).name
        "a".encode(found)  # refused by what is no encoding of text
    except (LookupError, UnicodeError, ValueError):
        return None
    spelled = UTF8 if found == "utf-8-sig" else found
    return None if spelled.replace("-", "_") in _NO_ENCODINGS else spelled


def split_part(path: object) -> tuple[str, str]:
    """Return the name of a file or folder and of the part after ``#``, which may be empty."""
    name = str(path)
    base, mark, part = name.rpartition("#")
    if not mark or not base or Path(name).exists():
        return name, ""
    parted = base.lower().endswith(_IN_PARTS) or Path(base).is_dir()
    return (base, part) if parted else (name, "")


# Addresses


def is_address(path: object) -> bool:
    """Return whether a name is an address that fsspec reads: ``s3://…``, ``memory://…``."""
    return _ADDRESS.match(str(path)) is not None


def open_address(path: str) -> Any:
    """Open the file at an address for its bytes; it can be read from any place.

    Raises:
        InputError: there is no such file, or it cannot be reached.
        UnsupportedError: fsspec is not installed.
    """
    library = data_library("fsspec", path, "an address")
    try:
        with Reading(path, "a file at an address"):
            return library.open(path, "rb").open()
    except InputError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            message = f"{path}: no such file"
            raise InputError(message) from None
        raise


# Patterns


def matching(path: str) -> list[str]:
    """Return the files that a pattern matches, sorted; any other name alone.

    Raises:
        InputError: a pattern that matches nothing.
    """
    if path == "-" or not _MAGIC.search(path) or Path(path).exists():
        return [path]
    found = _matching_addresses(path) if is_address(path) else _matching_files(path)
    if not found:
        message = f"{path}: no file matches this pattern"
        raise InputError(message)
    return found


def _matching_files(path: str) -> list[str]:
    parts = Path(path).parts
    plain = next(place for place, part in enumerate(parts) if _MAGIC.search(part))
    found = Path(*parts[:plain]).glob(str(Path(*parts[plain:])))
    return sorted(str(each) for each in found if each.is_file() and each.name[0] != ".")


def _matching_addresses(path: str) -> list[str]:
    library = data_library("fsspec", path, "an address")
    with Reading(path, "a pattern of addresses"):
        system, inner = library.core.url_to_fs(path)
        return sorted(system.unstrip_protocol(each) for each in system.glob(inner))
