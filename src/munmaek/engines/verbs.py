"""Verbs that answer or filter rows, on a cluster: from an address to an address."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from munmaek.engines.asking import AnswerLines, KeepLines, TextLines, opened_rows
from munmaek.engines.cluster import Cluster
from munmaek.engines.inputs import Frame, frames_of, parquet_of, raw_sample, spark_path
from munmaek.engines.sessions import explaining, mapped
from munmaek.engines.tables import answer_columns, asking_of, ship
from munmaek.errors import ConfigError, InputError
from munmaek.filtering.cuts import Choice, Cut, read_cut
from munmaek.filtering.run import Settings
from munmaek.filtering.workers import opened_measures
from munmaek.text.files import format_suffix
from munmaek.text.forms import Form
from munmaek.text.sources import is_address

__all__ = ["Place", "filter_on", "predict_on"]

_LINES = (".jsonl", ".txt")
_NO_SAMPLE = np.empty(0)
_MARK = "_SUCCESS"
"""The file that Spark leaves beside what it wrote."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place where Spark writes a folder of parts; its suffix says the form."""

    path: str
    force: bool = False

    @property
    def form(self) -> str:
        """Return the suffix.

        Raises:
            ConfigError: a form that Spark does not write.
        """
        found = format_suffix(self.path)
        if found not in (*_LINES, ".parquet"):
            message = f"-o {self.path}: with --engine a name in .jsonl, .txt or .parquet is wanted"
            raise ConfigError(message)
        return found

    def check(self) -> None:
        """Make sure that the place is free.

        Raises:
            InputError: something is there that may not be replaced.
            ConfigError: it is an address, where nothing is replaced.
        """
        _ = self.form
        if is_address(self.path):
            if self.force:
                message = f"-o {self.path}: --force replaces nothing at an address; remove it first"
                raise ConfigError(message)
            return
        place = Path(self.path)
        if place.exists() and not self.force:
            message = f"{place}: already exists; choose another -o, or --force to replace it"
            raise InputError(message)
        if place.exists() and not (place / _MARK).is_file():
            message = f"{place}: Spark did not write it, so --force does not replace it; move it"
            raise InputError(message)

    def write(self, frame: Any) -> None:
        """Write a frame: lines of text, or a table."""
        place = self.path if is_address(self.path) else f"file://{Path(self.path).absolute()}"
        writer = frame.write.mode("overwrite" if self.force else "error")
        if self.form == ".parquet":
            writer.parquet(place)
        else:
            writer.text(place)


def predict_on(
    engine: str,
    kind: Any,
    folder: Path,
    source: Any,
    asked: Any,
    place: Place,
    *,
    skip_empty: bool = False,
    on_error: Literal["stop", "skip"] = "stop",
) -> None:
    """Answer the rows at an address, and write them with their answers to another.

    Args:
        engine: a master of Spark.
        kind: the verb's class.
        folder: of the model.
        source: the address: text, JSON lines or Parquet.
        asked: the verb's options.
        place: where the rows are to be.
        skip_empty: leave out rows without text.
        on_error: leave out rows that cannot be read or answered, or stop.

    Raises:
        InputError: rows that cannot be read or answered, or the place is not free.
        ConfigError: forms that do not go together.
        UnsupportedError: PySpark or Java is missing, or the model gives other answers.
    """
    place.check()
    spark_path(source)
    answering = kind.opened(folder, asked)
    options = asked.model_dump(mode="json", exclude_unset=True)
    cluster = _cluster(engine)
    try:
        with explaining(f"--engine {engine}"):
            archive = ship(cluster.session, folder)
            if place.form == ".parquet":
                frame = _table(cluster.session, source, answering, skip_empty=skip_empty)
                made = answer_columns(answering, options, archive, frame, on_error=on_error)
            else:
                answering.whole = place.form == ".jsonl"
                asking = asking_of(answering, options, archive, whole=answering.whole)
                column = answering.columns[0].asked
                frame = _lines(cluster.session, [source], place, column)[0]
                taken = _names(frame, answering)
                work = AnswerLines(frame.reading, asking, taken, skip_empty, on_error)
                made = mapped(frame.rows, work, "value string")
            place.write(made)
    finally:
        cluster.close()


def _cluster(engine: str) -> Cluster:
    """Open a cluster.

    Raises:
        ConfigError: the engine is none of Spark's.
    """
    from munmaek.engines.address import open_engine

    opened = open_engine(engine)
    if not isinstance(opened, Cluster):
        message = f"--engine {engine}: counts n-grams; tables go through Spark, such as local[2]"
        raise ConfigError(message)
    return opened


def _table(session: Any, source: Any, answering: Any, *, skip_empty: bool) -> Any:
    """Return a table of Parquet, or plain lines as one of one column.

    Raises:
        ConfigError: JSON lines, whose columns are not known beforehand; rows to leave out.
    """
    if skip_empty:
        raise ConfigError("--skip-empty: is for lines; a table of Parquet keeps all rows")
    if format_suffix(str(source)) == ".parquet":
        return parquet_of(session, [source])
    frame = frames_of(session, [source])[0]
    if frame.reading.form is not Form.LINES or len(answering.columns) != 1:
        message = f"{source}: each line names its own columns; write .jsonl instead of .parquet"
        raise ConfigError(message)
    name = answering.columns[0].known[0]
    return mapped(frame.rows, TextLines(frame.reading, name), f"{name} string")


def _lines(
    session: Any, sources: Sequence[Any], place: Place, column: str | int | None = None
) -> list[Frame]:
    """Return frames of lines.

    Raises:
        ConfigError: a table of Parquet, which is written as such.
    """
    if any(format_suffix(str(each)) == ".parquet" for each in sources):
        message = f"-o {place.path}: rows of Parquet are written as .parquet"
        raise ConfigError(message)
    return frames_of(session, sources, column=column)


def _names(frame: Frame, answering: Any) -> frozenset[str]:
    """Return the names of the columns of the first rows."""
    given = {"columns": answering.columns, "extra": answering.extra, "ends": answering.ends}
    rows = opened_rows(frame.reading, raw_sample(frame), **given)
    return frozenset(rows.columns or (name for row in rows.rows for name in row.cells))


def _united(frames: Sequence[Any]) -> Any:
    first, *others = frames
    for other in others:
        first = first.unionAll(other)
    return first


def filter_on(engine: str, settings: Settings, place: Place) -> None:
    """Keep the texts at addresses that a model takes for good.

    Args:
        engine: a master of Spark.
        settings: as for one machine; limits must be given, for a sample is drawn by line numbers.
        place: where they are to be.

    Raises:
        ConfigError: what needs all texts in their order.
        InputError: what cannot be read, or the place is not free.
    """
    _check_filter(settings)
    place.check()
    measures = opened_measures(settings.model, settings.by)
    if settings.thresholds is None:
        cut = settings.choice.cut(measures, _NO_SAMPLE)
    else:
        cut = read_cut(settings.thresholds, measures)
    if cut.in_buckets or place.form == ".parquet":
        message = f"-o {place.path}: one file of .txt or .jsonl is written with --engine"
        raise ConfigError(message)
    cluster = _cluster(engine)
    try:
        with explaining(f"--engine {engine}"):
            archive = ship(cluster.session, settings.model)
            frames = _lines(cluster.session, settings.files, place, settings.text_column)
            keeping = [_keeping(settings, each, archive, cut, place) for each in frames]
            pairs = zip(frames, keeping, strict=True)
            made = [mapped(frame.rows, keep, "value string") for frame, keep in pairs]
            place.write(_united(made))
    finally:
        cluster.close()


def _keeping(settings: Settings, frame: Frame, archive: str, cut: Cut, place: Place) -> KeepLines:
    return KeepLines(
        frame.reading,
        archive,
        settings.by,
        cut,
        settings.text_column,
        settings.write_scores,
        place.form == ".jsonl",
        "skip" if settings.skip_damaged else "stop",
    )


def _check_filter(settings: Settings) -> None:
    """Refuse what cannot be told of one text alone.

    Raises:
        ConfigError: names the option.
    """
    choice: Choice = settings.choice
    for option, given in (
        ("--keep", choice.keep is not None),
        ("--buckets", bool(choice.buckets)),
        ("--unique", settings.unique),
        ("--near", settings.near is not None),
        ("--resume", settings.resume),
        ("--encoding", settings.encoding != "utf-8"),
    ):
        if given:
            message = (
                f"{option} and --engine do not go together; give --at-most, --at-least, or "
                "--thresholds that a run without --engine saved"
            )
            raise ConfigError(message)
