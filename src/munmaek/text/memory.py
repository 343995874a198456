"""Data that a program holds: a table in memory, which stands wherever the path of a file does.

Lists, pairs, dicts of columns, data frames (pandas, Polars), Arrow tables and ``datasets.Dataset``
become one; none of these packages is imported, for what they can do tells them apart. The readers
of files then read it as they read JSON lines, with the same checks.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeAlias, cast, final

from munmaek.errors import InputError
from munmaek.text.columns import SECOND_NAMES, Layout
from munmaek.text.files import MEMORY
from munmaek.text.sources import File

__all__ = [
    "Source",
    "Sources",
    "Table",
    "TableRow",
    "UnnamedRow",
    "are_paired",
    "given_columns",
    "paired_texts",
    "sources_of",
]


@final
class TableRow(dict[str, Any]):
    """A row of a table whose columns have an order, so that they have numbers too."""

    number: int | None = None
    """The row's number in its file, where that is not its place among the rows."""


@final
class UnnamedRow(dict[str, Any]):
    """A row whose columns came without names and have those of the task's layout."""


def paired_texts(record: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the texts of ``{"translation": {"ko": …, "en": …}}`` as its columns."""
    texts = record.get("translation")
    if not isinstance(texts, dict):
        return record
    others = {key: value for key, value in record.items() if key != "translation"}
    return {**cast("dict[str, Any]", texts), **others}


@final
class Table:
    """Rows with named columns that a program holds."""

    def __init__(
        self,
        records: Callable[[], Iterator[dict[str, Any]]],
        *,
        paired: bool = False,
        named: bool = True,
    ) -> None:
        """Take what gives the rows from the first on, each time it is called.

        Args:
            records: gives the rows.
            paired: the columns came without names, and are those of two texts a row.
            named: the columns came with names.
        """
        self._records = records
        self._kind: type[dict[str, Any]] = dict if named else UnnamedRow
        self.paired = paired

    def __str__(self) -> str:
        return MEMORY

    def records(self) -> Iterator[dict[str, Any]]:
        """Yield the rows by their columns' names, with plain values of Python."""
        for row in self._records():
            yield self._kind((str(name), _plain(value)) for name, value in row.items())


Source: TypeAlias = str | Path | File | Table
"""The origin of data: a file, or memory."""
Sources: TypeAlias = Sequence[Source]


def sources_of(data: Sequence[Any], layouts: Sequence[Layout], *, what: str) -> Sources:
    """Return files as they are, and what is in memory as a table.

    Args:
        data: names of files (a string or a path each, or lists of ``pathlib.Path``); or a table of
            any kind, rows, or one column after the other.
        layouts: the columns that a task reads where they have no names.
        what: how messages call what wants the data.

    Raises:
        InputError: it is none of these; columns of different lengths, or other than any layout has.
    """
    if data and all(isinstance(each, str | Path) for each in data):
        return cast("Sources", data)
    if len(data) == 1 and isinstance(data[0], list | tuple) and data[0]:
        listed = cast("Sequence[Any]", data[0])
        if all(isinstance(each, Path | Table) for each in listed):
            return listed
        _refuse_names(listed)
    if any(isinstance(each, str | bytes | Path | Table) or each is None for each in data):
        if len(data) == 1 and isinstance(data[0], Table):
            return [data[0]]
        given = ", ".join(type(each).__name__ for each in data)
        message = f"{what} takes files or data in memory, not both; got {given}"
        raise InputError(message)
    return [_table(data, layouts, what)]


def given_columns(data: Any) -> tuple[Any, ...]:
    """Return one column after the other, of a tuple of them or of a single one or a table."""
    return cast("tuple[Any, ...]", data) if isinstance(data, tuple) else (data,)


def are_paired(sources: Sources) -> bool:
    """Return true of columns without names that are two texts a row, with or without a label."""
    return any(isinstance(each, Table) and each.paired for each in sources)


def _refuse_names(listed: Sequence[Any]) -> None:
    """Refuse a list of names of files, which would be taken for texts."""
    few = len(listed) <= 16 and all(isinstance(each, str) and len(each) < 250 for each in listed)
    if few and all("\n" not in each and Path(each).is_file() for each in listed):
        message = (
            f"a list of strings is texts, and {listed[0]!r} is the name of a file; give names one "
            "after the other, or as pathlib.Path"
        )
        raise InputError(message)


def _table(data: Sequence[Any], layouts: Sequence[Layout], what: str) -> Table:
    if len(data) != 1:
        return _positional([_values(each, what) for each in data], layouts, what)
    if named := _named_columns(data[0]):
        return _positional([*named.values()], layouts, what) if _numbered(named) else _of(named)
    rows = list[Any]() if named is not None else _values(data[0], what)
    if not rows:
        message = f"{what}: no rows; the data is empty"
        raise InputError(message)
    if isinstance(rows[0], Mapping):
        _check_rows(rows, Mapping, "a dict")
        records = cast("Sequence[dict[str, Any]]", rows)
        return Table(lambda: iter(records))
    if isinstance(rows[0], list | tuple):
        return _positional(_turned(rows), layouts, what)
    return _positional([rows], layouts, what)


def _check_rows(rows: Sequence[Any], kind: Any, wanted: str) -> None:
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, kind):
            message = (
                f"{MEMORY}, row {number}: {wanted} is wanted as in the rows before, got "
                f"{type(row).__name__}"
            )
            raise InputError(message)


def _turned(rows: Sequence[Any]) -> list[Sequence[Any]]:
    """Return rows of as many cells each as columns."""
    _check_rows(rows, list | tuple, "a row of cells")
    width = len(rows[0])
    for number, row in enumerate(rows, start=1):
        if len(row) != width:
            message = f"{MEMORY}, row {number}: {len(row)} cells, {width} in the rows before"
            raise InputError(message)
    return [[row[place] for row in rows] for place in range(width)]


def _positional(columns: Sequence[Sequence[Any]], layouts: Sequence[Layout], what: str) -> Table:
    """Return columns without names under those of the task's layout that has as many."""
    names = next((each for each in layouts if len(each) == len(columns)), None)
    if names is None:
        wanted = " or ".join(", ".join(each) for each in layouts)
        count = f"{len(columns)} column{'s' if len(columns) != 1 else ''}"
        message = f"{what} reads columns {wanted}, got {count} without names"
        raise InputError(message)
    named = dict(zip(names, columns, strict=True))
    return _of(named, paired=SECOND_NAMES[0] in names, named=False)


def _of(columns: Mapping[str, Sequence[Any]], *, paired: bool = False, named: bool = True) -> Table:
    """Return a table of columns that all have the same length.

    Raises:
        InputError: one is shorter than another; names the first row that lacks it.
    """
    names, values = [*columns], [*columns.values()]
    lengths = {name: len(each) for name, each in columns.items()}
    fewest = min(lengths, key=lambda name: lengths[name])
    most = max(lengths, key=lambda name: lengths[name])
    if lengths[fewest] != lengths[most]:
        message = (
            f"{MEMORY}, row {lengths[fewest] + 1}: no {fewest}; there are {lengths[most]:,} of "
            f"{most} and {lengths[fewest]:,} of {fewest}"
        )
        raise InputError(message)

    def records() -> Iterator[dict[str, Any]]:
        return (dict(zip(names, row, strict=True)) for row in zip(*values, strict=True))

    return Table(records, paired=paired, named=named)


def _named_columns(data: Any) -> dict[Any, Sequence[Any]] | None:
    """Return the columns of a dict or of a table of another package; None of all else.

    Raises:
        InputError: tables by name, a table that is not there yet, or a name that stands twice.
    """
    kind = type(data).__name__
    if hasattr(data, "collect") and hasattr(data, "lazy"):
        message = f"a {kind} is not computed yet; call collect() on it first"
        raise InputError(message)
    if isinstance(data, Mapping):
        given = cast("Mapping[Any, Any]", data)
        if any(hasattr(each, "column_names") for each in given.values()):
            message = f"a {kind} of {', '.join(map(str, given))}; give one, as data['train']"
            raise InputError(message)
        return {name: _values(each, f"column {name!r}") for name, each in given.items()}
    names = getattr(data, "column_names", None)
    if names is None:
        names = getattr(data, "columns", None)
    if names is None or callable(names) or not hasattr(data, "__getitem__"):
        return None
    listed: list[Any] = list(names)
    if len(set(listed)) < len(listed):
        twice = next(name for name in listed if listed.count(name) > 1)
        message = f"a {kind} with two columns {twice!r}; give each a name of its own"
        raise InputError(message)
    return {name: _spelled(data, name, _values(data[name], f"column {name!r}")) for name in listed}


def _numbered(columns: Mapping[Any, Any]) -> bool:
    """Return true of columns that are numbered rather than named, and not empty."""
    return bool(columns) and not any(isinstance(name, str) for name in columns)


def _spelled(data: Any, name: str, values: Sequence[Any]) -> Sequence[Any]:
    """Return numbers that stand for names of classes (``datasets``) as these names."""
    features: Any = getattr(data, "features", None)
    feature = cast("Mapping[str, Any]", features)[name] if isinstance(features, Mapping) else None
    found: Any = getattr(getattr(feature, "feature", feature), "names", None)
    if not isinstance(found, list | tuple):
        return values
    names = cast("Sequence[str]", found)

    def spell(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [spell(each) for each in cast("Sequence[Any]", value)]
        known = isinstance(value, int) and 0 <= value < len(names)
        return names[value] if known else None

    return [spell(each) for each in values]


def _values(data: Any, what: str) -> Sequence[Any]:
    """Return the values of a column, or the rows of a list, of whatever kind.

    Raises:
        InputError: it is none.
    """
    if isinstance(data, list | tuple):
        return cast("Sequence[Any]", data)
    # Arrow, Polars, and NumPy and pandas name it differently.
    for method in ("to_pylist", "to_list", "tolist"):
        if callable(convert := getattr(data, method, None)):
            found: object = convert()
            if isinstance(found, list):
                return cast("list[Any]", found)
    if isinstance(data, str | bytes | bytearray) or not isinstance(data, Iterable):
        shown = repr(data)
        message = (
            f"{what}: a list, an iterable or a table is wanted, got {shown[:40]}"
            f"{'…'[: len(shown) > 40]} ({type(data).__name__})"
        )
        raise InputError(message)
    return list(islice(cast("Iterable[Any]", data), None))


def _plain(value: Any) -> Any:
    """Return a number, a text or a list of another package as Python's own."""
    if value is None or type(value) in (str, int, float, bool):
        return value
    if isinstance(value, list | tuple):
        return [_plain(each) for each in cast("Sequence[Any]", value)]
    if isinstance(value, str):
        return str(value)
    for method in ("as_py", "tolist"):
        if callable(convert := getattr(value, method, None)):
            return convert()
    return value
