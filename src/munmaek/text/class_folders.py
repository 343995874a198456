"""Folders of one folder for each label, in which every file is a text."""

import warnings
from collections.abc import Iterator
from pathlib import Path

from munmaek.errors import InputError, MunmaekWarning
from munmaek.text.files import LONGEST, lines_of, unpacked
from munmaek.text.memory import TableRow

__all__ = ["folder_rows"]

TOLD = ("readme", "license")
"""Beginnings of the names of files that say what the folder is."""


def folder_rows(folder: Path, encoding: str) -> Iterator[TableRow]:
    """Yield each file's text and path, with the name of the folder that it lies in as its label.

    Labels and files come in the order of their names; those that begin with a dot are passed over.

    Raises:
        InputError: no folder with files in it, or a file that is no text, by its name.
    """
    if (folder / "munmaek.json").exists():
        message = f"{folder}: a model's folder, where data is wanted"
        raise InputError(message)
    empty = True
    seen = sorted(_seen(folder))
    beside = [each for each in seen if each.is_file() and not each.name.lower().startswith(TOLD)]
    for each in seen:
        for path in sorted(_seen(each)) if each.is_dir() else ():
            if path.is_file():
                empty = False
                yield TableRow(text=_text(path, encoding), label=each.name, file=str(path))
    if beside and not empty:
        message = (
            f"{folder}: of a folder the files in its folders are read; {len(beside):,} beside them "
            f"are not, such as {beside[0].name}"
        )
        warnings.warn(message, MunmaekWarning, stacklevel=2)
    if empty:
        message = (
            f"{folder}: is a directory, a file is wanted, or a folder with one folder of files for "
            "each label, or one that 'datasets' saved"
        )
        raise InputError(message)


def _seen(folder: Path) -> Iterator[Path]:
    return (each for each in folder.iterdir() if not each.name.startswith("."))


def _text(path: Path, encoding: str) -> str:
    size = path.stat().st_size
    if size > LONGEST:
        message = f"{path}: {size:,} bytes, over {LONGEST:,} of one text; is this text?"
        raise InputError(message)
    if not size:
        return ""
    blocks = lines_of(unpacked(path), str(path), encoding)
    return "\n".join(line for block in blocks for line in block)
