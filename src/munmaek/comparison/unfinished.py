"""A comparison while it is made: in ``DIR.partial``, which takes the place of ``DIR`` at its end.

``compare.json`` in it says what was asked and of which data, so that a later call can go on where
this one was interrupted, and only with the same.
"""

import json
import shutil
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from munmaek.errors import InputError
from munmaek.folder.ownership import check_free, check_ours
from munmaek.text.json_files import read_json_object
from munmaek.writing import (
    beside,
    claim,
    move_into_place,
    place_of,
    reading_back,
    remove_whole,
    sweep_within,
    sync_all,
    write_text,
    writing,
)

__all__ = ["made_aside", "same_data"]

_ASKED = "compare.json"


@contextmanager
def made_aside(
    folder: Path, *, asked: Mapping[str, Any] | None, force: bool, resume: bool = False
) -> Generator[Path]:
    """Yield a folder to make a comparison in, which becomes ``folder`` when the block ends well.

    Args:
        folder: where it is to be.
        asked: plain values that say what is compared; None for what cannot go on later.
        force: replace what is there, and what was interrupted.
        resume: go on with what was interrupted.

    Raises:
        InputError: something is there already, there is nothing to go on with, or what was asked
            differs.
        DiskError: it cannot be written; what was there is whole.
    """
    work = beside(folder, ".partial")
    with claim(folder):
        if not resume or not work.exists():
            _begin(folder, work, force=force, resume=resume, lasting=asked is not None)
        if asked is not None:
            _same(work / _ASKED, asked)
        try:
            yield work
        except BaseException:
            if asked is None or not any(work.glob("models/[!.]*")):
                shutil.rmtree(work, ignore_errors=True)
            raise
        with writing(folder):
            (work / _ASKED).unlink(missing_ok=True)
            for run in work.glob("models/*.partial"):  # whose removal failed when it was done
                remove_whole(run)
            sweep_within(work)
            sync_all(work)
            move_into_place(work, place_of(folder))


def _begin(folder: Path, work: Path, *, force: bool, resume: bool, lasting: bool) -> None:
    if resume and folder.exists():
        message = f"{folder}: its comparison is finished, so there is nothing to resume"
        raise InputError(message)
    check_free(folder, force=force)
    if work.exists():
        if lasting and not force and any(work.iterdir()):
            message = (
                f"{work}: an interrupted comparison is there; --resume goes on, --force starts over"
            )
            raise InputError(message)
        check_ours(work)
    with writing(work):
        if work.exists():
            remove_whole(work)
        work.mkdir(parents=True)


def _same(path: Path, asked: Mapping[str, Any]) -> None:
    """Keep what is asked at ``path``, unless something else was asked before."""
    now = cast("dict[str, Any]", json.loads(json.dumps(asked)))
    if path.exists():
        with reading_back("--resume goes on"):
            then = read_json_object(path)
        for name in asked:
            before, after = _given(then.get(name)), _given(now[name])
            if name in then and before != after:
                raise _differs(name, before, after)
        now = {**then, **now}
    write_text(path, json.dumps(now, ensure_ascii=False, indent=1) + "\n")


def _given(value: Any) -> Any:
    """Return plain values without those that are None, which are as good as not given."""
    if not isinstance(value, dict):
        return value
    named = cast("dict[str, Any]", value)
    return {name: _given(each) for name, each in named.items() if each is not None}


def same_data(work: Path, data: Any) -> None:
    """Make sure that a comparison goes on with the data that it began with.

    Raises:
        InputError: the fingerprint of a file differs.
    """
    _same(work / _ASKED, {"data": data})


def _differs(name: str, before: Any, after: Any) -> InputError:
    if isinstance(before, dict) and isinstance(after, dict):
        old, new = cast("dict[str, Any]", before), cast("dict[str, Any]", after)
        key = next(each for each in sorted({*old, *new}) if old.get(each) != new.get(each))
        return _differs(f"{name}.{key}", old.get(key), new.get(key))
    message = (
        f"--resume: the interrupted comparison had {name} = {before!r}, now {after!r}; give the "
        "same command and data, or --force to start over"
    )
    return InputError(" ".join(message.split()))
