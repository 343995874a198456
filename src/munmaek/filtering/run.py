"""A corpus read once more than its sample, told apart block by block, and written in its order."""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from munmaek.errors import ConfigError, InputError
from munmaek.filtering.cuts import KEPT, Choice, Cut, read_cut
from munmaek.filtering.duplicates import NearTexts, SeenTexts
from munmaek.filtering.reading import (
    Block,
    Cells,
    Corpus,
    column_names,
    plain_cells,
    scored_cells,
)
from munmaek.filtering.workers import Workers, workers
from munmaek.progress import followed
from munmaek.tasks.measures import Columns, MeasuredBy, TextMeasures
from munmaek.text.columns import TEXT_NAMES, Column
from munmaek.text.files import format_suffix
from munmaek.text.sources import UTF8, check_encoding, encoded, matching
from munmaek.text.unpacking import COMPRESSIONS
from munmaek.text.written import RowWriter, written_rows

__all__ = ["Filtered", "Settings", "filter_corpus"]

SAME, NEAR = "duplicate", "near duplicate"
_SEED = 0
_EVERY = 2.0
"""Seconds between notes of how far all files are."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Options of a run: the corpus, the model and the way to tell texts apart."""

    model: Path
    files: Sequence[str]
    output: Path
    """The file of what is kept; that of a bucket has its name before the suffix."""
    by: MeasuredBy = field(default_factory=MeasuredBy)
    choice: Choice = field(default_factory=Choice)
    thresholds: Path | None = None
    """The file of the limits, instead of ``choice``."""
    text_column: str | int | None = None
    encoding: str = UTF8
    """Encoding of the files."""
    unique: bool = False
    """Leave out texts that stood before."""
    near: float | None = None
    """Leave out texts that are so near to one before, from 0 to 1."""
    write_scores: bool = False
    sample: int = 100_000
    """Texts that percentiles are taken from."""
    jobs: int = 1
    """Processes."""
    skip_damaged: bool = False
    """Leave out rows that cannot be read."""
    force: bool = False
    resume: bool = False


@dataclass(frozen=True, slots=True)
class Filtered:
    """The outcome of a run."""

    cut: Cut
    read: int
    written: Mapping[str, int]
    """Rows in each file, by what its texts are."""
    files: Mapping[str, Path]
    left_out: Mapping[str, int]
    """Rows that are in none, by the reason."""
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "read": self.read,
            "written": dict(self.written),
            "left_out": dict(self.left_out),
            "files": {name: str(path) for name, path in self.files.items()},
            "thresholds": self.cut.to_json(),
            "seconds": self.seconds,
        }


def filter_corpus(settings: Settings) -> Filtered:
    """Tell the texts of a corpus apart and write those that are wanted.

    What comes out does not depend on the number of processes.

    Raises:
        ConfigError: not one way of telling texts apart, or options that do not go together.
        InputError: files that cannot be read, or of different columns.
        UnsupportedError: the model gives texts no number.
    """
    began = time.perf_counter()
    _check(settings)
    size = _size(settings.files)
    with workers(settings.model, settings.by, jobs=settings.jobs, text_bytes=size) as work:
        cut = _cut(settings, work)
        files = _files(settings.output, cut)
        with ExitStack() as stack:
            writers = _writers(settings, work.measures, cut, files, stack)
            read = _run(settings, work, cut, writers)
            first = writers[0].done
            written = {name: each.done.written for name, each in zip(files, writers, strict=True)}
    seconds = time.perf_counter() - began
    return Filtered(cut, read, written, files, dict(first.left_out), seconds)


def _check(settings: Settings) -> None:
    asked = [*settings.choice.asked, *(["--thresholds"] if settings.thresholds else [])]
    duplicates = settings.unique or settings.near is not None
    if len(asked) > 1 or not (asked or duplicates):
        got = " and ".join(asked) or "none"
        message = (
            f"one of --keep, --buckets, --at-most, --at-least and --thresholds is wanted, got {got}"
        )
        raise ConfigError(message)
    shares = settings.choice.buckets
    keep = settings.choice.keep
    if any(not 0 < each < 100 for each in shares) or list(shares) != sorted(set(shares)):
        message = f"--buckets {','.join(map(str, shares))}: rising percentiles are wanted: 30,60"
        raise ConfigError(message)
    if keep is not None and not 0 < keep <= 1:
        message = f"--keep {100 * keep:g}%: more than 0% and at most 100% is wanted"
        raise ConfigError(message)
    if settings.near is not None and not 0 < settings.near <= 1:
        message = f"--near {settings.near:g}: a number above 0 and up to 1 is wanted, such as 0.8"
        raise ConfigError(message)
    if settings.choice.needs_sample and "-" in settings.files:
        raise ConfigError(
            "standard input is read once, so no sample can be taken of it; give --at-most, "
            "--at-least or --thresholds"
        )
    if settings.write_scores and is_plain(settings.output):
        message = f"-o {settings.output}: plain text has no columns for --write-scores; use .tsv"
        raise ConfigError(message)


def _size(patterns: Sequence[str]) -> int:
    """Return the bytes of the files that lie on this machine, packed as they are."""
    paths = [Path(each) for pattern in patterns for each in matching(pattern)]
    return sum(path.stat().st_size for path in paths if path.is_file())


def is_plain(path: Path) -> bool:
    """Return whether a file of that name has lines and no columns."""
    return format_suffix(path) == ".txt"


def _cut(settings: Settings, work: Workers) -> Cut:
    if settings.thresholds is not None:
        return read_cut(settings.thresholds, work.measures)
    if not settings.choice.asked:  # duplicates alone are left out
        return Choice(at_most=float("inf")).cut(work.measures, np.empty(0))
    values = [np.empty(0)]
    if settings.choice.needs_sample:
        texts = _sample(settings, work.measures)
        if not texts:
            names = ", ".join(settings.files)
            message = f"{names}: no texts to take percentiles of; all are empty"
            raise InputError(message)
        block = work.measures.block
        parts = [texts[at : at + block] for at in range(0, len(texts), block)]
        measuring = followed(parts, "sample", total=len(texts), size=len)
        values += [found[work.measures.lead] for _, found in work.measured(measuring, list)]
    return settings.choice.cut(work.measures, np.concatenate(values))


def _corpus(settings: Settings, measures: TextMeasures) -> Corpus:
    files = [each for pattern in settings.files for each in matching(pattern)]
    return Corpus(
        encoded(files, check_encoding(settings.encoding)),
        Column("text", TEXT_NAMES, settings.text_column, measures.column),
        size=measures.block,
        ends=measures.ends,
        skip_damaged=settings.skip_damaged,
    )


def _sample(settings: Settings, measures: TextMeasures) -> list[str]:
    """Return texts drawn evenly from the whole corpus, the same ones each time (Vitter 1985)."""
    draw = np.random.default_rng(_SEED)
    held: list[str] = []
    count = 0
    for block in _corpus(settings, measures).blocks("drawing the sample"):
        free = settings.sample - len(held)
        held += block.texts[:free]
        count += len(block.texts[:free])
        rest = block.texts[free:] if free > 0 else block.texts
        places = draw.integers(0, np.arange(count + 1, count + len(rest) + 1))
        for place in np.flatnonzero(places < settings.sample).tolist():
            held[int(places[place])] = rest[place]
        count += len(rest)
    return held


def _files(output: Path, cut: Cut) -> dict[str, Path]:
    """Return the file of each part that is written."""
    if not cut.in_buckets:
        return {KEPT: output}
    stem, ending = output.name, ""
    if output.suffix.lower() in COMPRESSIONS:
        stem, ending = output.stem, output.suffix
    name = Path(stem)
    return {
        each: output.with_name(f"{name.stem}.{each}{name.suffix}{ending}") for each in cut.names
    }


def _writers(
    settings: Settings,
    measures: TextMeasures,
    cut: Cut,
    files: Mapping[str, Path],
    stack: ExitStack,
) -> list[RowWriter]:
    """Open all files that are written."""
    columns = column_names(_corpus(settings, measures))
    scores = measures.names if settings.write_scores else ()
    if taken := [name for name in scores if name in columns]:
        message = f"{settings.files[0]}: has a column {taken[0]}, which --write-scores would add"
        raise InputError(message)
    what = {
        "the model": str(settings.model),
        "files": list(settings.files),
        "thresholds": cut.to_json(),
        "--unique": settings.unique,
        "--near": settings.near,
        "--write-scores": settings.write_scores,
        "--text-column": settings.text_column,
        "--encoding": settings.encoding,
        "--label": settings.by.label,
        "--like": list(settings.by.like),
    }
    names = (*columns, *scores) if columns else ()
    line = itemgetter("text") if is_plain(settings.output) else None
    force, resume = settings.force, settings.resume
    return [
        stack.enter_context(
            written_rows(each, names, line=line, what=what, force=force, resume=resume)
        )
        for each in files.values()
    ]


class _Duplicates:
    """Leaves out texts that stood before, as is asked for."""

    def __init__(self, settings: Settings) -> None:
        self._seen = SeenTexts() if settings.unique else None
        self._near = None if settings.near is None else NearTexts(settings.near)

    def leave_out(self, block: Block) -> Block:
        if self._seen is not None and block.texts:
            block.keep(self._seen.new(self._seen.keys(block.texts)), SAME)
        if self._near is not None and block.texts:
            block.keep(self._near.new(self._near.keys(block.texts)), NEAR)
        return block


def _run(settings: Settings, work: Workers, cut: Cut, writers: Sequence[RowWriter]) -> int:
    """Write every block; returns the rows read."""
    duplicates = _Duplicates(settings)
    done = min(each.done.read for each in writers)
    blocks = map(duplicates.leave_out, _corpus(settings, work.measures).blocks("lines"))
    needed = (block for block in blocks if block.begin >= done)
    latest, read = time.monotonic(), done
    for block, columns in work.measured(needed, lambda each: each.texts):
        _write(settings, block, columns, cut, writers)
        read = block.begin + block.size
        if time.monotonic() - latest >= _EVERY:
            latest = time.monotonic()
            for each in writers:
                each.note()
    return read


def _write(
    settings: Settings, block: Block, columns: Columns, cut: Cut, writers: Sequence[RowWriter]
) -> None:
    """Write each row to the file of its part; those that a file has already are passed over."""
    places = cut.places(columns[cut.measure]) if columns else np.empty(0, dtype=np.int64)
    left_out = dict(block.left_out)
    if not cut.in_buckets and (dropped := int(np.count_nonzero(places))):
        left_out[f"{cut.measure} beyond the limit"] = dropped
    for number, writer in enumerate(writers):
        if writer.done.read <= block.begin:
            chosen = np.flatnonzero(places == number).tolist()
            cells = _cells(settings, block, chosen, columns)
            writer.write(cells, read=block.size, left_out=None if number else left_out)


def _cells(settings: Settings, block: Block, chosen: Sequence[int], columns: Columns) -> Cells:
    if settings.write_scores:
        return scored_cells(block, chosen, columns)
    return plain_cells(block, chosen) if is_plain(settings.output) else block.cells(chosen)
