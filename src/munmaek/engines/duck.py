"""DuckDB as an engine: the parts of a text in a table, added up by ``GROUP BY``, in bounded memory.

The text is read and cut on this machine as for one process. Each part's windows go into the table
``munmaek_windows`` as they are counted, with its number in ``munmaek_parts`` in the same
transaction, so that a run on ``duckdb:FILE`` that was killed goes on behind its last whole part.
"""

import hashlib
import json
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import Any, final

import numpy as np

from munmaek.arrays import Int32s, Int64s
from munmaek.errors import DiskError, InputError
from munmaek.ngram.scratch import Scratch, give_back
from munmaek.ngram.windows import Packing, windows_of
from munmaek.tasks.lm.counted_text import CountedText, encode_text, read_text_words
from munmaek.tasks.lm.merged import Asked, Merged
from munmaek.text.libraries import data_library

__all__ = ["Duck"]

_PART = 1 << 22
"""Positions of the text that are counted at a time, about."""
_BATCH = 1 << 20
"""Windows that come back at a time."""


@final
class Duck:
    """DuckDB within this process."""

    def __init__(
        self, file: Path | None, *, memory: int | None = None, place: Path | None = None
    ) -> None:
        """Take the database to count in; None is a temporary one.

        Raises:
            UnsupportedError: DuckDB or Arrow is not installed.
        """
        self._duckdb = data_library("duckdb", "--engine duckdb", "a text")
        self._arrow = data_library("pyarrow", "--engine duckdb", "a text")
        self._file, self._memory = file, memory
        self._place = place or (Path(gettempdir()) if file is None else file.absolute().parent)

    def close(self) -> None:
        """End nothing: the database is closed when its counts are read."""

    @contextmanager
    def counting(self, asked: Asked) -> Generator[Merged]:
        """Count a text part by part, and add the parts up; see ``CountingEngine``."""
        with Scratch(self._place) as scratch:
            given, text = self._read(asked, scratch)
            packing = Packing.of(asked.order, given.sizes["vocab_size"])
            with self._opened(scratch) as base:
                parts = _Parts(base, self._arrow, packing, given)
                parts.begin(_signature(asked, given, packing))
                parts.count(text, lambda done: asked.stages.tell("counting", 0.6 * done))
                give_back()
                yield Merged(given, packing, parts.sums())

    def _read(self, asked: Asked, scratch: Scratch) -> tuple[CountedText, Int32s]:
        """Return the text, and its ids; those of words lie in a file, not in memory."""
        if asked.recipe.tokenizer != "words":
            given = encode_text(asked.recipe, asked.paths, asked.valid)
            return given, given.text
        column = scratch.column("text", np.int32)
        given = read_text_words(
            asked.recipe,
            asked.paths,
            asked.valid,
            reserved=asked.reserved,
            scratch=scratch,
            column=column,
        )
        give_back()
        return given, column.map()

    @contextmanager
    def _opened(self, scratch: Scratch) -> Generator[Any]:
        """Open the database.

        Raises:
            InputError: the file is no database, or another process has it.
            DiskError: the disk is full.
        """
        place = scratch.folder / "counts.duckdb" if self._file is None else self._file
        settings = {"temp_directory": str(scratch.folder / "spilled")}
        if self._memory is not None:
            settings["memory_limit"] = f"{self._memory >> 20}MiB"
        try:
            base = self._duckdb.connect(str(place), config=settings)
        except self._duckdb.Error as error:
            message = f"{place}: cannot be opened as a database of DuckDB ({_reason(error)})"
            raise InputError(message) from None
        try:
            yield base
        except self._duckdb.Error as error:
            message = f"{place}: DuckDB could not go on ({_reason(error)})"
            raise DiskError(message) from None
        finally:
            base.close()


def _reason(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200]


def _signature(asked: Asked, given: CountedText, packing: Packing) -> str:
    """Return what is the same for the same counts: the text, its ids, and how they are packed."""
    sizes = [packing.order, packing.bits, _PART, given.positions]
    words = hashlib.sha256("\n".join(given.words).encode()).hexdigest()
    tokens = words if given.words else given.tokenizer.fingerprint
    facts = [sizes, given.described()["train"], tokens, asked.reserved.value]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


@final
class _Parts:
    """The tables of one text."""

    def __init__(self, base: Any, arrow: Any, packing: Packing, given: CountedText) -> None:
        self._base, self._arrow, self._packing = base, arrow, packing
        self._sizes = {name: given.sizes[name] for name in ("vocab_size", "bos", "eos")}
        self._names = [f"k{column}" for column in range(packing.columns)]

    def begin(self, signature: str) -> None:
        """Make the tables, unless they are there with counts of the same text."""
        base = self._base
        base.execute("CREATE TABLE IF NOT EXISTS munmaek_parts (part BIGINT, text VARCHAR)")
        known = {text for (text,) in base.execute("SELECT text FROM munmaek_parts").fetchall()}
        columns = ", ".join(f"{name} BIGINT" for name in [*self._names, "n"])
        if known == {signature}:
            return
        base.execute("BEGIN")
        base.execute("DELETE FROM munmaek_parts")
        base.execute("DROP TABLE IF EXISTS munmaek_windows")
        base.execute(f"CREATE TABLE munmaek_windows ({columns})")
        base.execute("INSERT INTO munmaek_parts VALUES (-1, ?)", [signature])
        base.execute("COMMIT")

    def count(self, text: Int32s, tell: Callable[[float], None]) -> None:
        """Count the parts that are not there yet."""
        base = self._base
        found = base.execute("SELECT part, text FROM munmaek_parts").fetchall()
        done, signature = {part for part, _ in found}, found[0][1]
        for part, (begin, end) in enumerate(_cuts(text, self._sizes["eos"])):
            if part in done:
                continue
            tell(begin / len(text))
            own = np.append(text[begin:end], np.int32(self._sizes["bos"]))
            keys, counts = windows_of(own, self._packing, **self._sizes)
            columns = dict(zip([*self._names, "n"], [*keys, counts], strict=True))
            table = self._arrow.table(columns)
            base.register("munmaek_part", table)
            base.execute("BEGIN")
            base.execute("INSERT INTO munmaek_windows SELECT * FROM munmaek_part")
            base.execute("INSERT INTO munmaek_parts VALUES (?, ?)", [part, signature])
            base.execute("COMMIT")
            base.unregister("munmaek_part")

    def sums(self) -> Iterator[tuple[Int64s, Int64s]]:
        """Yield the sums of all parts, in the order of their windows."""
        names = ", ".join(self._names)
        query = (
            f"SELECT {names}, CAST(sum(n) AS BIGINT) AS n FROM munmaek_windows "
            f"GROUP BY {names} ORDER BY {names}"
        )
        for batch in self._base.sql(query).to_arrow_reader(_BATCH):
            columns = [column.to_numpy(zero_copy_only=False) for column in batch.columns]
            yield np.stack(columns[:-1]), columns[-1]


def _cuts(text: Int32s, eos: int) -> Iterator[tuple[int, int]]:
    """Yield parts of whole sentences: of ``_PART`` positions, or of one sentence that is longer."""
    begin, last = 0, len(text) - 1
    while begin < last:
        end = min(begin + _PART, last)
        while end < last and text[end - 1] != eos:
            end += 1
        yield begin, end
        begin = end
