"""Rows written to a file in the form that its name tells, whole or not there at all, resumable.

While they come, ``FILE.partial`` holds them a line each, and how many rows of the input they are
of; when the last is there, the file is made of these lines, put on the disk and renamed. So rows
need not be known beforehand, and a run that was killed goes on where whole rows ended.
"""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, final

from munmaek.errors import ArtefactError, ConfigError, InputError
from munmaek.text.files import format_suffix
from munmaek.text.json_files import read_json_object
from munmaek.text.unpacking import COMPRESSIONS
from munmaek.text.written_forms import FORMS, Way, WrittenForm, packed_into
from munmaek.text.written_lines import Lines
from munmaek.writing import (
    beside,
    claim,
    is_stream,
    new_file,
    remove_whole,
    scratch_folder,
    write_text,
    writing,
)

__all__ = ["Done", "RowWriter", "form_written", "written_rows"]

EVERY = 10.0
"""Seconds between notes of how far the rows are, each of which waits for the disk."""
ROWS, NOTE, WHOLE = "rows", "done.json", "whole"
KEPT = "what was written before is kept"


@dataclass(slots=True)
class Done:
    """Progress of writing an input."""

    read: int = 0
    """Rows of the input that are gone through."""
    written: int = 0
    """Rows that are in the output."""
    size: int = 0
    """Bytes of the lines that hold them."""
    left_out: dict[str, int] = field(default_factory=dict[str, int])
    """Rows of the input that are not, by the reason."""


@final
class RowWriter:
    """Writes rows, a block at a time."""

    def __init__(self, path: Path, place: Path, lines: Lines, what: Mapping[str, Any]) -> None:
        """Begin to write ``path``, or go on, in the folder ``place``; see ``written_rows``."""
        self._path, self._place, self._lines, self._what = path, place, lines, dict(what)
        self.done = _resumed(place, what) or Done()
        self._latest, self.noted = time.monotonic(), self.done.size > 0
        with writing(path):
            self._file = (place / ROWS).open("r+b" if self.noted else "wb")
            self._file.truncate(self.done.size)
            self._file.seek(self.done.size)
            if not self.noted:
                self._file.write(lines.head())

    def write(
        self,
        rows: Sequence[Mapping[str, Any]],
        *,
        read: int | None = None,
        left_out: Mapping[str, int] | None = None,
    ) -> None:
        """Write rows.

        Args:
            rows: their cells by column.
            read: rows of the input that they are all that is made of; by default as many.
            left_out: how many of those are not among ``rows``, by the reason.
        """
        lines = self._lines.block(rows)
        with writing(self._path, KEPT):
            self._file.write(lines)
        self.done.written += len(rows)
        self.done.read += len(rows) if read is None else read
        for reason, count in (left_out or {}).items():
            self.done.left_out[reason] = self.done.left_out.get(reason, 0) + count
        if time.monotonic() - self._latest >= EVERY:
            self.note()

    def note(self) -> None:
        """Put on the disk what is written so far, and then how far that is."""
        with writing(self._path, KEPT):
            self._file.flush()
            os.fsync(self._file.fileno())
        self.done.size, self.noted = self._file.tell(), True
        note = {"what": self._what, "done": asdict(self.done)}
        write_text(self._place / NOTE, json.dumps(note, ensure_ascii=False, indent=2) + "\n")
        self._latest = time.monotonic()

    def close(self) -> Path:
        """End the writing and return the file of lines."""
        self._file.close()
        return self._place / ROWS


def _resumed(place: Path, what: Mapping[str, Any]) -> Done | None:
    """Return how far an interrupted run came; None where there is nothing to go on with.

    Raises:
        InputError: it was another run than is wanted now.
    """
    found = _noted(place)
    if found is None:
        return None
    then, done = found
    for name, now in json.loads(json.dumps(dict(what))).items():
        if then.get(name) != now:
            message = (
                f"--resume: the interrupted run had {name} = {then.get(name)!r}, now {now!r}; give "
                "the same command, or --force to start over"
            )
            raise InputError(message)
    return done


def _noted(place: Path) -> tuple[dict[str, Any], Done] | None:
    """Return what an interrupted run was, and how far it came; None of a note that is not whole.

    So is one of more lines than there are, which a machine that stopped at once may leave.
    """
    try:
        note = read_json_object(place / NOTE)
        done = Done(**note["done"])
        whole = (place / ROWS).stat().st_size >= done.size
        return (dict(note["what"]), done) if whole else None
    except (ArtefactError, KeyError, TypeError, ValueError, OSError):
        return None


def form_written(path: Path) -> WrittenForm:
    """Return the form that the name of a file tells.

    Raises:
        ConfigError: none is written under that name; lists those that are.
        UnsupportedError: the form needs a package that is not installed.
    """
    form, packed = FORMS.get(format_suffix(path)), path.suffix.lower() in COMPRESSIONS
    if form is None or (packed and not form.packs):
        names = ", ".join(name for name, each in FORMS.items() if each.packs or not packed)
        message = f"-o {path}: a name that ends in {names} is wanted, which says the form"
        raise ConfigError(message)
    form.check()
    return form


@contextmanager
def written_rows(
    path: Path,
    columns: Sequence[str],
    *,
    line: Callable[[Mapping[str, Any]], str] | None = None,
    what: Mapping[str, Any] | None = None,
    force: bool = False,
    resume: bool = False,
) -> Generator[RowWriter]:
    """Open what writes rows to ``path``, which is there, whole, when the block ends well.

    When it does not, what was written stays in ``FILE.partial`` for ``resume``, where a note of it
    has been put on the disk.

    Args:
        path: the file; its suffix tells the form.
        columns: of the rows, in their order; none where each row has its own.
        line: returns a row as plain text has it; by default its first cell.
        what: what must be the same when the writing goes on later, by what messages call it.
        force: replace what is there, and an interrupted run.
        resume: go on with an interrupted run.

    Raises:
        ConfigError: a name that tells no form.
        InputError: something is there that may not be replaced, or another run is writing there.
        DiskError: the place cannot be written; what was there is whole.
    """
    form = form_written(path)
    with ExitStack() as stack:
        if is_stream(path):
            place = stack.enter_context(scratch_folder(Path(tempfile.gettempdir())))
        else:
            stack.enter_context(claim(path))
            place = _partial(path, form, force=force, resume=resume)
        way = form.way(columns, line)
        writer = RowWriter(path, place, way.lines, what or {})
        try:
            yield writer
        except BaseException:
            _abandon(writer, place)
            raise
        _finish(writer, path, way)
        if not is_stream(path):
            remove_whole(place)


def _partial(path: Path, form: WrittenForm, *, force: bool, resume: bool) -> Path:
    """Return the folder of what is written so far, made or taken up again.

    Raises:
        InputError: something is in the way.
    """
    place = beside(path, ".partial")
    going_on = resume and (place / NOTE).exists()
    if not going_on:
        _check_free(path, form, force=force, resume=resume)
    if place.exists() and not (force or resume):
        message = f"{place}: an interrupted run is there; --resume goes on, --force starts over"
        raise InputError(message)
    with writing(place):
        if place.exists() and not going_on:
            _check_ours(place)
            remove_whole(place)
        place.mkdir(parents=True, exist_ok=True)
    return place


def _check_free(path: Path, form: WrittenForm, *, force: bool, resume: bool) -> None:
    if path.is_dir():
        message = f"{path}: is a directory; give -o the name of a file"
        raise InputError(message)
    if not path.exists():
        return
    if not force:
        then = "there is nothing to resume" if resume else "choose another -o, or --force"
        message = f"{path}: already exists; {then}{'' if resume else ' to replace it'}"
        raise InputError(message)
    with writing(path), path.open("rb") as file:
        head = file.read(1 << 16)
    if head and not form.wrote(head):
        message = (
            f"{path}: is not {form.name}, so --force does not replace it; move it away, or choose "
            "another -o"
        )
        raise InputError(message)


def _check_ours(place: Path) -> None:
    """Refuse to remove a folder that holds anything else than interrupted rows."""
    others = {each.name for each in place.iterdir()} - {ROWS, NOTE, WHOLE}
    if others and not all(name.startswith(".munmaek-") for name in others):
        message = f"{place}: holds files of another kind; move it away, or choose another -o"
        raise InputError(message)


def _abandon(writer: RowWriter, place: Path) -> None:
    """Keep what was written of a run that failed, where it is worth going on with."""
    if writer.noted:
        writer.note()
    writer.close()
    if not writer.noted:
        shutil.rmtree(place, ignore_errors=True)


def _finish(writer: RowWriter, path: Path, way: Way) -> None:
    """Make the file of the lines; if that fails, all of them are there to go on with."""
    writer.note()
    lines, packed = writer.close(), path.suffix.lower()
    with new_file(path) as aside:
        if packed not in COMPRESSIONS:
            way.finish(lines, aside, writer.done.written)
            return
        whole = lines.with_name(WHOLE)
        way.finish(lines, whole, writer.done.written)
        packed_into(whole, aside, packed)
