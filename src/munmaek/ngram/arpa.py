r"""ARPA files, the common text form of n-gram models: written fast, read with suspicion.

    \data\             \1-grams:
    ngram 1=3          -0.9542425	a	-0.3010300
    ngram 2=2          …
    …                  \end\

Each line holds log10 p(last word | the words before), the words, and, below the highest order, the
log10 backoff weight. Numbers are written with seven decimals; reading what was written and writing
it again gives the same bytes. ``<s>`` has log10 probability 0, as lmplz writes it, but is never
predicted.
"""

import gzip
import os
import zlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from math import inf, isnan
from pathlib import Path
from typing import IO, NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import InputError
from munmaek.ngram.arpa_kernels import arrange_order, render_order
from munmaek.ngram.tables import MAX_ORDER, NgramTables

__all__ = ["ArpaModel", "read_arpa", "write_arpa"]

BOS, EOS, UNK = "<s>", "</s>", "<unk>"

_LN10 = float(np.log(10.0))
_CHUNK = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class ArpaModel:
    """A model with the words that its ids stand for."""

    tables: NgramTables
    words: tuple[str, ...]
    """[V]: the unigrams in the order of the file."""
    bos: int
    eos: int
    unk: int | None
    """The id of ``<unk>``, or None where the file has none."""


def write_arpa(
    path: Path,
    tables: NgramTables,
    words: Sequence[str],
    *,
    bos: int,
    eos: int,
    unk: int | None = None,
) -> None:
    """Write ``tables`` to ``path``, gzipped when its name ends in ``.gz``.

    The ids ``bos``, ``eos`` and ``unk`` are written as ``<s>``, ``</s>`` and ``<unk>``; ids with
    probability 0 are left out. The file appears whole or not at all.

    Raises:
        InputError: a word that ARPA cannot hold (white space, empty), or two words alike.
    """
    names = list(words)
    names[bos], names[eos] = BOS, EOS
    if unk is not None:
        names[unk] = UNK
    _check_names(names, tables.vocab_size)
    kept = np.isfinite(tables.logprobs[: tables.vocab_size])
    kept[bos] = True
    with _replacing(path) as stream:
        counts = (int(np.count_nonzero(kept)), *tables.counts[1:])
        lines = "".join(f"ngram {order}={count}\n" for order, count in enumerate(counts, start=1))
        stream.write(f"\\data\\\n{lines}".encode())
        for order in range(1, tables.order + 1):
            stream.write(f"\n\\{order}-grams:\n".encode())
            for block in render_order(tables, names, order=order, kept=kept, bos=bos, size=_CHUNK):
                stream.write(block.data)
        stream.write(b"\n\\end\\\n")


def _check_names(names: list[str], vocab_size: int) -> None:
    if len(names) != vocab_size:
        message = f"{len(names)} words given for a vocabulary of {vocab_size}; give one for each id"
        raise InputError(message)
    seen: set[str] = set()
    for index, name in enumerate(names):
        if not name or set(name) & set(" \t\n\r\v\f\0"):
            message = f"word {index} is {name!r}: ARPA words are not empty and hold no white space"
            raise InputError(message)
        if name in seen:
            message = f"word {index} is {name!r}, which stands twice; ARPA needs distinct words"
            raise InputError(message)
        seen.add(name)


@contextmanager
def _replacing(path: Path) -> Generator[IO[bytes]]:
    """A stream whose content becomes ``path`` once all is written."""
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as raw:
            if path.suffix == ".gz":
                # No name and no time inside: the same model gives the same bytes.
                with gzip.GzipFile("", "wb", fileobj=raw, mtime=0, compresslevel=6) as packed:
                    yield cast("IO[bytes]", packed)
            else:
                yield raw
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_arpa(path: Path) -> ArpaModel:
    """Read and check an ARPA file, gzipped when its name ends in ``.gz``.

    Raises:
        InputError: truncated, miscounted, a positive or unreadable number, a word that is not
            among the unigrams, a duplicate n-gram, a missing context, no ``<s>`` or ``</s>``; names
            the file, the line and the reason.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as stream:
            return _Reader(path, cast("BufferedIOBase", stream)).model()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        message = f"{path}: the gzip file is truncated or damaged ({error})"
        raise InputError(message) from error
    except OSError as error:
        message = f"{path}: cannot be read: {os.strerror(error.errno or 0)}"
        raise InputError(message) from error


@dataclass(slots=True)
class _Section:
    """The n-grams of one order as they stand in the file."""

    line: int
    """Of the first entry."""
    ids: NDArray[np.int32]
    """[M, k]."""
    logprobs: NDArray[np.float32]
    backoffs: NDArray[np.float32]


class _Reader:
    """One pass over the lines; ``line`` is the number of the latest, from 1."""

    def __init__(self, path: Path, stream: BufferedIOBase) -> None:
        self.path = path
        self.line = 0
        self._stream = stream
        self._ids: dict[str, int] = {}

    def fail(self, reason: str, *, line: int | None = None) -> NoReturn:
        message = f"{self.path}, line {self.line if line is None else line}: {reason}"
        raise InputError(message)

    def next(self, wanted: str) -> str:
        """The next line; ``wanted`` says in an error what should have stood there."""
        raw = self._stream.readline()
        self.line += 1
        if not raw:
            self.fail(f"the file ends where {wanted} should stand; it is truncated")
        try:
            return raw.rstrip(b"\r\n").decode()
        except UnicodeDecodeError:
            self.fail("bytes that are not UTF-8")

    def next_filled(self, wanted: str) -> str:
        while not (line := self.next(wanted).strip(" \t")):
            pass
        return line

    def model(self) -> ArpaModel:
        counts = self._header()
        sections = [self._section(k + 1, count, len(counts)) for k, count in enumerate(counts)]
        if (line := self.next_filled("'\\end\\'")) != "\\end\\":
            self.fail(f"wanted '\\end\\' after the {len(counts)}-grams, found {line[:40]!r}")
        special = {name: self._ids.get(name) for name in (BOS, EOS, UNK)}
        bos, eos = special[BOS], special[EOS]
        if bos is None or eos is None:
            self.fail(f"no {BOS if bos is None else EOS} among the 1-grams")
        sections[0].logprobs[bos] = -np.inf
        return ArpaModel(
            tables=self._tables(sections),
            words=tuple(self._ids),
            bos=bos,
            eos=eos,
            unk=special[UNK],
        )

    def _header(self) -> list[int]:
        while self.next("'\\data\\'").strip(" \t") != "\\data\\":
            pass
        counts: list[int] = []
        while line := self.next("'ngram 1=…' or an empty line").strip(" \t"):
            name, _, number = line.partition("=")
            if name.split() != ["ngram", str(len(counts) + 1)] or not number.strip().isdecimal():
                self.fail(f"wanted 'ngram {len(counts) + 1}=COUNT', found {line[:40]!r}")
            counts.append(int(number))
            if not counts[-1]:
                self.fail(f"0 {len(counts)}-grams; leave the order out instead")
        if not 1 <= len(counts) <= MAX_ORDER:
            self.fail(f"order {len(counts)}, wanted 1 to {MAX_ORDER}")
        return counts

    def _section(self, order: int, count: int, highest: int) -> _Section:
        title = f"\\{order}-grams:"
        if (line := self.next_filled(f"'{title}'")) != title:
            self.fail(f"wanted '{title}', found {line[:40]!r}; is the count above it too small?")
        first = self.line + 1
        ids: list[int] = []
        logprobs: list[float] = []
        backoffs: list[float] = []
        for done in range(count):
            line = self.next(f"{order}-gram {done + 1} of {count}")
            fields = line.replace("\t", " ").split(" ")
            if not order + 1 <= len(fields) <= order + 1 + (order < highest):
                self._fail_fields(line, order, done=done, count=count)
            logprobs.append(self._number(fields[0], limit=0.0))
            backoffs.append(self._number(fields[-1]) if len(fields) == order + 2 else 0.0)
            ids.extend(self._words(fields[1 : order + 1], order))
        return _Section(
            line=first,
            ids=np.array(ids, dtype=np.int32).reshape(-1, order),
            logprobs=(np.array(logprobs) * _LN10).astype(np.float32),
            backoffs=(np.array(backoffs) * _LN10).astype(np.float32),
        )

    def _fail_fields(self, line: str, order: int, *, done: int, count: int) -> NoReturn:
        if not line.strip() or line.startswith("\\"):
            self.fail(f"only {done} of the {count} {order}-grams that the header declares")
        self.fail(f"wanted a number, {order} words and perhaps a backoff, found {line[:60]!r}")

    def _number(self, text: str, *, limit: float = inf) -> float:
        try:
            value = float(text)
        except ValueError:
            self.fail(f"{text!r} is not a number")
        if isnan(value) or "_" in text or value == inf:
            self.fail(f"{text!r} is not a number below infinity")
        if value > limit:
            self.fail(f"log-probability {text} is positive")
        return value

    def _words(self, words: list[str], order: int) -> list[int]:
        if order == 1:
            if words[0] in self._ids or not words[0]:
                self.fail(f"duplicate or empty 1-gram {words[0]!r}")
            self._ids[words[0]] = len(self._ids)
        try:
            return [self._ids[word] for word in words]
        except KeyError as error:
            self.fail(f"word {error.args[0]!r} is not among the 1-grams")

    def _tables(self, sections: list[_Section]) -> NgramTables:
        starts = np.cumsum([0, *(len(section.ids) for section in sections)], dtype=np.int64)
        nodes, lower, vocab_size = int(starts[-1]), int(starts[-2]), int(starts[1])
        words = np.arange(nodes, dtype=np.int32)
        links = np.full(nodes, -1, dtype=np.int32)
        first = np.full(lower + 1, vocab_size, dtype=np.int32)
        logprobs = np.empty(nodes, dtype=np.float32)
        backoffs = np.concatenate([np.zeros(0, np.float32), *(s.backoffs for s in sections[:-1])])
        logprobs[:vocab_size] = sections[0].logprobs
        for index, section in enumerate(sections[1:], start=1):
            begin, end = int(starts[index]), int(starts[index + 1])
            arranged = arrange_order(section.ids, first, words, links, starts=starts, level=index)
            if arranged.missing >= 0:
                self._fail_entry(section, arranged.missing, "its context is not in the file")
            if arranged.duplicate >= 0:
                self._fail_entry(section, arranged.duplicate, "a duplicate")
            logprobs[begin:end] = section.logprobs[arranged.rows]
            if end <= lower:
                backoffs[begin:end] = section.backoffs[arranged.rows]
        return NgramTables(
            starts=starts,
            words=words,
            links=links,
            first=first,
            logprobs=logprobs,
            backoffs=backoffs,
        )

    def _fail_entry(self, section: _Section, row: int, reason: str) -> NoReturn:
        words = list(self._ids)
        gram = " ".join(words[int(word)] for word in section.ids[row])
        self.fail(f"the n-gram '{gram}': {reason}", line=section.line + row)
