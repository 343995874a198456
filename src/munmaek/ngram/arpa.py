r"""ARPA files, the common text form of n-gram models: written fast, read with suspicion.

    \data\             \1-grams:
    ngram 1=3          -0.9542425	a	-0.3010300
    ngram 2=2          …
    …                  \end\

Each line holds log10 p(last word | the words before), the words, and, below the highest order, the
log10 backoff weight. Numbers have as many digits as give every stored value back, so reading what
was written gives the same model, and writing it again the same bytes. ``<s>`` has log10 probability
0, as lmplz writes it, but is never predicted; -99 is the logarithm of 0, as in SRILM.
"""

import gzip
import os
import zlib
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isnan
from pathlib import Path
from typing import NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import InputError
from munmaek.ngram.arpa_parsing import (
    find_contexts,
    line_places,
    parse_grams,
    parse_unigrams,
    place_rows,
)
from munmaek.ngram.arpa_rendering import Renderer
from munmaek.ngram.links import fill_links
from munmaek.ngram.output import writer_past_cache
from munmaek.ngram.parallel import in_threads
from munmaek.ngram.tables import MAX_ORDER, NgramTables
from munmaek.ngram.wordtable import WordTable
from munmaek.writing import new_file

__all__ = ["ArpaModel", "read_arpa", "write_arpa"]

BOS, EOS, UNK = "<s>", "</s>", "<unk>"

_BLANKS = frozenset(" \t\n\r\v\f\0")
_LINES = 1 << 16
"""Of a file that one thread reads at a time."""
_MEMBER = 1 << 22
_WAITING = 8

Bytes: TypeAlias = NDArray[np.uint8]


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
    threads: int = 1,
) -> None:
    """Write ``tables`` to ``path``, gzipped when its name ends in ``.gz``.

    The ids ``bos``, ``eos`` and ``unk`` are written as ``<s>``, ``</s>`` and ``<unk>``; ids with
    probability 0 are left out. The file appears whole or not at all, and its bytes do not depend
    on the number of threads.

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
    counts = (int(np.count_nonzero(kept)), *tables.counts[1:])
    lines = "".join(f"ngram {order}={count}\n" for order, count in enumerate(counts, start=1))

    renderer = Renderer(tables, names, kept=kept, bos=bos, threads=threads)

    def pieces() -> Generator[Bytes | bytes]:
        yield f"\\data\\\n{lines}".encode()
        for order in range(1, tables.order + 1):
            yield f"\n\\{order}-grams:\n".encode()
            yield from renderer.order(order)
        yield b"\n\\end\\\n"

    with new_file(path) as aside, aside.open("wb", buffering=0) as stream:
        write = writer_past_cache(stream)
        if path.suffix == ".gz":
            _write_packed(write, pieces(), threads)
        else:
            for piece in pieces():
                write(piece)


def _write_packed(
    write: Callable[[bytes], None], pieces: Iterable[Bytes | bytes], threads: int
) -> None:
    """A gzip file of one member for each so many bytes, which can be packed side by side."""

    def pack(content: bytes) -> bytes:
        # No name and no time inside: the same model gives the same bytes.
        return gzip.compress(content, compresslevel=6, mtime=0)

    def flush(held: list[bytes]) -> None:
        for packed in in_threads(threads, pack, held):
            write(packed)

    held, parts, size = list[bytes](), list[bytes](), 0
    for piece in pieces:
        parts.append(bytes(piece))  # of its own: the next one may lie where it lay
        size += len(piece)
        if size >= _MEMBER:
            held.append(b"".join(parts))
            parts, size = [], 0
        if len(held) == _WAITING:
            flush(held)
            held = []
    flush([*held, b"".join(parts)])


def _check_names(names: list[str], vocab_size: int) -> None:
    if len(names) != vocab_size:
        message = f"{len(names)} words given for a vocabulary of {vocab_size}; give one for each id"
        raise InputError(message)
    # All at once first: there may be millions, and hardly ever is one of them wrong.
    if "" not in names and not _BLANKS & set("".join(names)) and len(set(names)) == len(names):
        return
    seen: set[str] = set()
    for index, name in enumerate(names):
        if not name or set(name) & _BLANKS:
            message = f"word {index} is {name!r}: ARPA words are not empty and hold no white space"
            raise InputError(message)
        if name in seen:
            message = f"word {index} is {name!r}, which stands twice; ARPA needs distinct words"
            raise InputError(message)
        seen.add(name)


def read_arpa(path: Path, *, reserved: Sequence[str] = (), threads: int = 1) -> ArpaModel:
    """Read and check an ARPA file, gzipped when its name ends in ``.gz``.

    Args:
        path: the file.
        reserved: words that get the first ids, in this order; those that the file lacks have
            probability 0. The others follow in the order of the file.
        threads: how many work at once.

    Raises:
        InputError: truncated, miscounted, out of order, a positive or unreadable number, a word
            that is not among the unigrams, a duplicate n-gram, a missing context, no ``<s>`` or
            ``</s>``; names the file, the line and the reason.
    """
    try:
        return _Reader(path, _content(path), reserved, threads).model()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        message = f"{path}: the gzip file is truncated or damaged ({error})"
        raise InputError(message) from error
    except OSError as error:
        message = f"{path}: cannot be read: {os.strerror(error.errno or 0)}"
        raise InputError(message) from error


def _content(path: Path) -> Bytes:
    """The file's bytes, unpacked, or mapped where they lie."""
    if path.suffix == ".gz":
        with gzip.open(path, "rb") as stream:
            return np.frombuffer(stream.read(), dtype=np.uint8)
    if not path.stat().st_size:
        return np.empty(0, dtype=np.uint8)
    return np.memmap(path, dtype=np.uint8, mode="r").view(np.ndarray)


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
    """One pass over the file; ``line`` is the number of the latest line, from 1."""

    def __init__(self, path: Path, text: Bytes, reserved: Sequence[str], threads: int) -> None:
        self.path = path
        self._reserved = tuple(reserved)
        self.line = 0
        self._text = text
        self._threads = threads
        self._at = 0
        self._table = WordTable.of([])
        self._shown: tuple[str, ...] = ()

    def fail(self, reason: str, *, line: int | None = None) -> NoReturn:
        message = f"{self.path}, line {self.line if line is None else line}: {reason}"
        raise InputError(message)

    def next(self, wanted: str) -> str:
        """The next line; ``wanted`` says in an error what should have stood there."""
        self.line += 1
        if self._at >= len(self._text):
            self.fail(f"the file ends where {wanted} should stand; it is truncated")
        raw, self._at = self._line_at(self._at)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self.fail("bytes that are not UTF-8")

    def _line_at(self, begin: int) -> tuple[bytes, int]:
        """The line there without its end, and where the next one begins."""
        end = begin
        while end < len(self._text):
            found = np.flatnonzero(self._text[end : end + _LINES] == ord("\n"))
            if len(found):
                end += int(found[0])
                break
            end = min(end + _LINES, len(self._text))
        return self._text[begin:end].tobytes().rstrip(b"\r"), end + 1

    def next_filled(self, wanted: str) -> str:
        while not (line := self.next(wanted).strip(" \t")):
            pass
        return line

    def model(self) -> ArpaModel:
        counts = self._header()
        sections = [self._unigrams(counts[0], len(counts))]
        for order, count in enumerate(counts[1:], start=2):
            sections.append(self._section(order, count, len(counts)))
        if (line := self.next_filled("'\\end\\'")) != "\\end\\":
            self.fail(f"wanted '\\end\\' after the {len(counts)}-grams, found {line[:40]!r}")
        words = self._shown = self._reserve(sections)
        special = {name: _place(words, name) for name in (BOS, EOS, UNK)}
        bos, eos = special[BOS], special[EOS]
        own = self._words()
        if bos is None or eos is None or BOS not in own or EOS not in own:
            self.fail(f"no {BOS if BOS not in own else EOS} among the 1-grams")
        sections[0].logprobs[bos] = -np.inf
        tables = self._tables(sections)
        return ArpaModel(tables=tables, words=words, bos=bos, eos=eos, unk=special[UNK])

    def _reserve(self, sections: list[_Section]) -> tuple[str, ...]:
        """Give the reserved words the first ids; returns the words of all ids."""
        own = self._words()
        others = [word for word in own if word not in self._reserved]
        words = (*self._reserved, *others)
        if words == own:
            return words
        places = {word: place for place, word in enumerate(words)}
        moved = np.array([places[word] for word in own], dtype=np.int32)
        unigrams = sections[0]
        for section in sections[1:]:
            section.ids = moved[section.ids]
        logprobs = np.full(len(words), -np.inf, dtype=np.float32)
        logprobs[moved] = unigrams.logprobs
        backoffs = np.zeros(len(words) if len(sections) > 1 else 0, dtype=np.float32)
        backoffs[moved[: len(unigrams.backoffs)]] = unigrams.backoffs
        unigrams.logprobs, unigrams.backoffs = logprobs, backoffs
        unigrams.ids = np.arange(len(words), dtype=np.int32).reshape(-1, 1)
        return words

    def _words(self) -> tuple[str, ...]:
        whole, limits = self._table.blob.tobytes(), self._table.limits.tolist()
        return tuple(whole[a:b].decode() for a, b in pairwise(limits))

    def _header(self) -> list[int]:
        while self.next("'\\data\\'").strip(" \t") != "\\data\\":
            pass
        counts: list[int] = []
        while line := self.next("'ngram 1=…' or an empty line").strip(" \t"):
            name, _, number = line.partition("=")
            number = number.strip()
            if name.split() != ["ngram", str(len(counts) + 1)] or not (
                number.isascii() and number.isdecimal()
            ):
                self.fail(f"wanted 'ngram {len(counts) + 1}=COUNT', found {line[:40]!r}")
            counts.append(int(number))
            if not counts[-1]:
                self.fail(f"0 {len(counts)}-grams; leave the order out instead")
            # No n-gram takes fewer bytes: a number, a blank, a word, a line's end.
            if counts[-1] > len(self._text) // 4 + 1:
                self.fail(f"{counts[-1]} {len(counts)}-grams cannot be in so short a file")
        if not 1 <= len(counts) <= MAX_ORDER:
            self.fail(f"order {len(counts)}, wanted 1 to {MAX_ORDER}")
        if sum(counts) > np.iinfo(np.int32).max:
            self.fail(f"{sum(counts)} n-grams are too many for one table")
        return counts

    def _title(self, order: int) -> None:
        title = f"\\{order}-grams:"
        if (line := self.next_filled(f"'{title}'")) != title:
            self.fail(f"wanted '{title}', found {line[:40]!r}; is the count above it too small?")

    def _unigrams(self, count: int, highest: int) -> _Section:
        self._title(1)
        begins, lengths = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
        section = _Section(
            line=self.line + 1,
            ids=np.arange(count, dtype=np.int32).reshape(-1, 1),
            logprobs=np.empty(count, dtype=np.float32),
            backoffs=np.empty(count if highest > 1 else 0, dtype=np.float32),
        )
        done, at = parse_unigrams(
            self._text, self._at, begins, lengths, section.logprobs, section.backoffs
        )
        limits = np.zeros(done + 1, dtype=np.int64)
        np.cumsum(lengths[:done], out=limits[1:])
        blob = b"".join(
            self._text[begin : begin + length].tobytes()
            for begin, length in zip(begins[:done].tolist(), lengths[:done].tolist(), strict=True)
        )
        self._check_utf8(blob, limits, section.line)
        self._table = WordTable.of_bytes(np.frombuffer(blob, dtype=np.uint8), limits)
        if (row := self._table.first_repeated()) >= 0:
            word = blob[limits[row] : limits[row + 1]].decode()
            self.fail(f"duplicate or empty 1-gram {word!r}", line=section.line + row)
        if done < count:
            self._fail_entry_at(at, section.line + done, order=1, done=done, count=count)
        self.line += count
        self._at = at
        return section

    def _check_utf8(self, blob: bytes, limits: NDArray[np.int64], line: int) -> None:
        """Each word by itself: a border may lie between two halves of a character."""
        try:
            blob.decode()
            bad = -1
        except UnicodeDecodeError as error:
            bad = error.start
        continued = np.frombuffer(blob, dtype=np.uint8)[limits[:-1]] & 0xC0 == 0x80
        rows = np.flatnonzero(continued).tolist()
        if bad >= 0:
            rows.append(int(np.searchsorted(limits, bad, side="right")) - 1)
        if rows:
            self.fail("bytes that are not UTF-8", line=line + min(rows))

    def _section(self, order: int, count: int, highest: int) -> _Section:
        self._title(order)
        places = np.empty(-(-count // _LINES), dtype=np.int64)
        lines, after = line_places(self._text, self._at, count, _LINES, places)
        section = _Section(
            line=self.line + 1,
            ids=np.empty((lines, order), dtype=np.int32),
            logprobs=np.empty(lines, dtype=np.float32),
            backoffs=np.empty(lines if order < highest else 0, dtype=np.float32),
        )

        def work(part: int) -> tuple[int, int, bool]:
            rows = (part * _LINES, min((part + 1) * _LINES, lines))
            row, at = parse_grams(
                self._text,
                int(places[part]),
                rows,
                self._table.blob,
                self._table.limits,
                self._table.slots,
                section.ids,
                section.logprobs,
                section.backoffs,
            )
            return row, at, row == rows[1]

        for row, at, right in in_threads(self._threads, work, range(-(-lines // _LINES))):
            if not right:
                self._fail_entry_at(at, section.line + row, order=order, done=row, count=count)
        if lines < count:
            self.line += lines
            self._at = len(self._text)
            self.next(f"{order}-gram {lines + 1} of {count}")
        self.line += count
        self._at = after
        return section

    def _fail_entry_at(self, at: int, line: int, *, order: int, done: int, count: int) -> NoReturn:
        """Say what is wrong with the line that begins there."""
        self.line = line
        if at >= len(self._text):
            self.fail(
                f"the file ends where {order}-gram {done + 1} of {count} should stand; "
                "it is truncated"
            )
        try:
            shown = self._line_at(at)[0].decode()
        except UnicodeDecodeError:
            self.fail("bytes that are not UTF-8")
        if not shown.strip() or shown.startswith("\\"):
            self.fail(f"only {done} of the {count} {order}-grams that the header declares")
        fields = shown.replace("\t", " ").split(" ")
        fields = [field for field in fields if field]
        known = {word.encode() for word in self._words()} if order > 1 else set[bytes]()
        if len(fields) >= 1:
            self._check_number(fields[0], limit=0.0)
        for word in fields[1 : order + 1]:
            if known and word.encode() not in known:
                self.fail(f"word {word!r} is not among the 1-grams")
        if len(fields) == order + 2:
            self._check_number(fields[-1])
        self.fail(f"wanted a number, {order} words and perhaps a backoff, found {shown[:60]!r}")

    def _check_number(self, text: str, *, limit: float = inf) -> None:
        try:
            value = float(text)
        except ValueError:
            self.fail(f"{text!r} is not a number")
        if isnan(value) or "_" in text or value == inf:
            self.fail(f"{text!r} is not a number below infinity")
        if value > limit:
            self.fail(f"log-probability {text} is positive")

    def _tables(self, sections: list[_Section]) -> NgramTables:
        starts = np.cumsum([0, *(len(section.ids) for section in sections)], dtype=np.int64)
        nodes, lower, vocab_size = int(starts[-1]), int(starts[-2]), int(starts[1])
        words = np.arange(nodes, dtype=np.int32)
        first = np.full(lower + 1, vocab_size, dtype=np.int32)
        logprobs = np.empty(nodes, dtype=np.float32)
        none = np.empty(0, dtype=np.float32)
        backoffs = np.concatenate([none, *(section.backoffs for section in sections[:-1])])
        logprobs[:vocab_size] = sections[0].logprobs
        for index, section in enumerate(sections[1:], start=1):
            begin, end = int(starts[index]), int(starts[index + 1])
            rows = self._arrange(section, first, words, begin=int(starts[index - 1]), middle=begin)
            words[begin:end] = section.ids[rows, -1]
            logprobs[begin:end] = section.logprobs[rows]
            if end <= lower:
                backoffs[begin:end] = section.backoffs[rows]
        return NgramTables(
            starts=starts,
            words=words,
            links=fill_links(starts, first, words),
            first=first,
            logprobs=logprobs,
            backoffs=backoffs,
        )

    def _arrange(
        self,
        section: _Section,
        first: NDArray[np.int32],
        words: NDArray[np.int32],
        *,
        begin: int,
        middle: int,
    ) -> NDArray[np.int64]:
        """The row behind each node of the order."""
        count = len(section.ids)
        contexts = np.empty(count, dtype=np.int64)

        def work(row: int) -> None:
            find_contexts(section.ids, (row, min(row + _LINES, count)), first, words, contexts)

        in_threads(self._threads, work, range(0, count, _LINES))
        if contexts.min() < 0:
            missing = int(np.argmax(contexts < 0))
            self._fail_gram(section, missing, "its context is not in the file")
        rows = np.empty(count, dtype=np.int64)
        duplicate = place_rows(section.ids, contexts, begin, middle, first, rows)
        if duplicate >= 0:
            self._fail_gram(section, duplicate, "a duplicate")
        return rows

    def _fail_gram(self, section: _Section, row: int, reason: str) -> NoReturn:
        gram = " ".join(self._shown[int(word)] for word in section.ids[row])
        self.fail(f"the n-gram '{gram}': {reason}", line=section.line + row)


def _place(words: tuple[str, ...], name: str) -> int | None:
    return words.index(name) if name in words else None
