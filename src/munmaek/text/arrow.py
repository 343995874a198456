"""Rows of Parquet, Arrow and Feather files, and of folders that ``datasets`` has saved."""

import datetime
import decimal
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

from munmaek.errors import ArtefactError, InputError
from munmaek.text.json_files import parse_json, read_json_object
from munmaek.text.libraries import Reading, data_library
from munmaek.text.memory import TableRow
from munmaek.text.unpacking import FREE, RATIO

__all__ = ["arrow_rows", "is_saved_dataset", "parquet_rows", "plain_value", "saved_rows"]

ROWS = 1024
"""Rows that are turned into values of Python together."""
ONE, SEVERAL = "state.json", "dataset_dict.json"
"""The files by which a folder of ``datasets`` is known: of one split, and of several."""
Spell = Callable[[Any], Any]


def parquet_rows(file: BinaryIO, name: str) -> Iterator[TableRow]:
    """Yield the rows of a Parquet file, a few at a time.

    Raises:
        InputError: it is damaged, or unpacks to far more than text does.
        UnsupportedError: pyarrow is not installed.
    """
    kind = "a Parquet file"
    with file, Reading(name, kind):
        library = data_library("pyarrow.parquet", name, kind)
        opened = library.ParquetFile(file)
        _check_size(name, file, opened.metadata)
        yield from _rows(opened.iter_batches(batch_size=ROWS), opened.schema_arrow, name)


def _check_size(name: str, file: BinaryIO, metadata: Any) -> None:
    groups = (metadata.row_group(place) for place in range(metadata.num_row_groups))
    size = sum(group.total_byte_size for group in groups)
    packed = file.seek(0, 2)
    if size > FREE and size > RATIO * packed:
        message = (
            f"{name}: this Parquet file unpacks to {size:,} bytes of {packed:,}, over {RATIO} "
            "times its size, which text hardly does; if it is meant, write it uncompressed"
        )
        raise InputError(message)


def arrow_rows(file: BinaryIO, name: str) -> Iterator[TableRow]:
    """Yield the rows of an Arrow file or stream, or of a Feather file, batch by batch.

    Raises:
        InputError: it is damaged.
        UnsupportedError: pyarrow is not installed.
    """
    kind = "an Arrow file"
    with file, Reading(name, kind):
        library = data_library("pyarrow.ipc", name, kind)
        begins = file.read(6)
        file.seek(0)
        if begins.startswith(b"FEA1"):
            table = data_library("pyarrow.feather", name, kind).read_table(file)
            yield from _rows(table.to_batches(max_chunksize=ROWS), table.schema, name)
        elif begins == b"ARROW1":
            opened = library.open_file(file)
            batches = map(opened.get_batch, range(opened.num_record_batches))
            yield from _rows(batches, opened.schema, name)
        else:
            stream = library.open_stream(file)
            yield from _rows(stream, stream.schema, name)


def _rows(
    batches: Iterator[Any], schema: Any, name: str, features: Mapping[str, Any] | None = None
) -> Iterator[TableRow]:
    names: list[str] = schema.names
    twice = next((each for each in names if names.count(each) > 1), None)
    if twice is not None:
        message = f"{name}: two columns are called {twice!r}; give each a name of its own"
        raise InputError(message)
    given = _features_of(schema) if features is None else features
    spellings = {key: spell for key in names if (spell := _spelling(given.get(key))) is not None}
    for batch in batches:
        batch.validate(full=True)  # or what is damaged might be read as anything
        for begin in range(0, batch.num_rows, ROWS):
            for row in batch.slice(begin, ROWS).to_pylist():
                yield _row(row, spellings)


def _row(row: Mapping[str, Any], spellings: Mapping[str, Spell]) -> TableRow:
    plain = TableRow((key, plain_value(value)) for key, value in row.items())
    for key, spell in spellings.items():
        plain[key] = spell(plain[key])
    return plain


def plain_value(value: Any) -> Any:
    """Return a value of a table as JSON has it: times as ISO 8601 writes them."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, list):
        return [plain_value(each) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        given = cast("dict[Any, Any]", value)
        return {str(key): plain_value(each) for key, each in given.items()}
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return int(value) if isinstance(value, decimal.Decimal) and value % 1 == 0 else str(value)


# Names of classes, as ``datasets`` keeps them


def _features_of(schema: Any) -> Mapping[str, Any]:
    """Return what ``datasets`` says of the columns in a schema's metadata; nothing of others."""
    kept: Mapping[bytes, bytes] = schema.metadata or {}
    try:
        found: Any = parse_json(kept.get(b"huggingface", b"{}").decode())["info"]["features"]
    except (ValueError, KeyError, TypeError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _spelling(feature: Any) -> Spell | None:
    """Return what turns numbers of classes into their names; None where there are none."""
    if isinstance(feature, list):
        listed = cast("list[Any]", feature)
        feature = {"feature": listed[0]} if len(listed) == 1 else None
    if not isinstance(feature, dict):
        return None
    given = cast("dict[str, Any]", feature)
    names = given.get("names")
    if given.get("_type") == "ClassLabel" and isinstance(names, list):
        return _named(cast("list[Any]", names))
    inner = _spelling(given.get("feature"))
    return None if inner is None else lambda values: _each(values, inner)


def _named(names: Sequence[Any]) -> Spell:
    def name(value: Any) -> Any:
        known = isinstance(value, int) and 0 <= value < len(names)
        return str(names[value]) if known else None

    return name


def _each(values: Any, spell: Spell) -> Any:
    if not isinstance(values, list):
        return spell(values)
    return [spell(value) for value in cast("list[Any]", values)]


# Folders


def is_saved_dataset(folder: Path) -> bool:
    """Return whether ``datasets`` has saved this folder."""
    return (folder / ONE).is_file() or (folder / SEVERAL).is_file()


def saved_rows(folder: Path, split: str) -> Iterator[TableRow]:
    """Yield the rows of a data set that ``save_to_disk`` of ``datasets`` wrote.

    Args:
        folder: the data set, or several splits of one.
        split: the one that is meant; empty where there is but one.

    Raises:
        InputError: another split is wanted, or a file is missing or damaged.
        UnsupportedError: pyarrow is not installed.
    """
    folder = _split_of(folder, split)
    state, info = _described(folder, ONE), _described(folder, "dataset_info.json")
    features = cast("dict[str, Any]", info.get("features") or {})
    for file in _files_of(folder, state):
        yield from _saved(folder / file, features)


def _split_of(folder: Path, split: str) -> Path:
    if not (folder / SEVERAL).is_file():
        if split:
            message = f"{folder}: has no splits, and {split!r} is wanted; leave #{split} out"
            raise InputError(message)
        return folder
    found: Any = _described(folder, SEVERAL).get("splits")
    splits = [str(each) for each in cast("list[Any]", found)] if isinstance(found, list) else []
    chosen = splits[0] if len(splits) == 1 and not split else split
    if chosen not in splits or Path(chosen).name != chosen:
        wanted = f"no split {split!r}" if split else "several splits"
        message = f"{folder}: {wanted}; give one as {folder}#SPLIT, of {', '.join(splits)}"
        raise InputError(message)
    return folder / chosen


def _described(folder: Path, file: str) -> dict[str, Any]:
    try:
        return read_json_object(folder / file)
    except ArtefactError as error:
        message = f"{folder}: not a data set saved whole: {error}"
        raise InputError(message) from None


def _files_of(folder: Path, state: Mapping[str, Any]) -> Iterator[str]:
    files: Any = state.get("_data_files")
    for each in cast("list[Any]", files) if isinstance(files, list) else [None]:
        found = cast("dict[str, Any]", each).get("filename") if isinstance(each, dict) else None
        if not isinstance(found, str) or Path(found).name != found or state.get("_indices_files"):
            message = f"{folder / ONE}: no list of the files beside it; save the data set again"
            raise InputError(message)
        yield found


def _saved(path: Path, features: Mapping[str, Any]) -> Iterator[TableRow]:
    kind = "a data set of Hugging Face"
    library = data_library("pyarrow.ipc", str(path), kind)
    with Reading(str(path), kind), path.open("rb") as file:
        stream = library.open_stream(file)
        yield from _rows(stream, stream.schema, str(path), features)
