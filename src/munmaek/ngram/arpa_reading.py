"""Reading ARPA files with the probabilities that KenLM reads from them, or refusing them.

Source: lm/read_arpa.cc and lm/model.cc of KenLM, commit 4cb443e. As there, blank lines may stand
anywhere, an order may be empty, a backoff weight of 0 may stand at the highest order, ``<UNK>`` is
``<unk>``, and where a file has neither, an unknown word has log10 probability -100.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Bytes
from munmaek.errors import InputError
from munmaek.ngram.arpa import BOS, EOS, UNK
from munmaek.ngram.arpa_lines import NOT_UTF8, Lines
from munmaek.ngram.arpa_parsing import line_places, parse_grams, parse_unigrams
from munmaek.ngram.arpa_rendering import LN10
from munmaek.ngram.arpa_source import arpa_bytes
from munmaek.ngram.arpa_words import SettledWords, settled
from munmaek.ngram.grams import Grams, MisplacedError, reserve, tables_of_grams
from munmaek.ngram.parallel import in_threads
from munmaek.ngram.tables import MAX_ORDER, NgramTables
from munmaek.ngram.wordtable import WordTable
from munmaek.progress import followed

__all__ = ["ArpaModel", "read_arpa"]

_DIGITS = 18
"""Digits of a count, at most."""
_LINES = 1 << 16
"""Lines of a file that one thread reads at a time."""
_PREFACE = 1 << 20
"""Bytes that may stand before the line that says that counts follow."""
UNKNOWN_LOGPROB = -100.0 * LN10
"""Log-probability of unknown words where the file says nothing of them, as KenLM has it."""


@dataclass(frozen=True, slots=True, eq=False)
class ArpaModel:
    """A model with the words that its ids stand for."""

    tables: NgramTables
    words: tuple[str, ...]
    """[V]: the unigrams in the order of the file, in NFC."""
    bos: int
    eos: int
    unk: int | None
    """The id of ``<unk>``, or None where neither the file nor the reserved words have it."""
    reserved: tuple[str, ...]
    """The reserved words that the file has."""
    collided: tuple[str, ...]
    """Words that stand in ``words`` as they were, for another one has their form in NFC."""


def read_arpa(path: Path, *, reserved: Sequence[str] = (), threads: int = 1) -> ArpaModel:
    """Read and check an ARPA file, packed in gzip, xz, bzip2 or Zstandard or as it is.

    Args:
        path: the file; ``-`` is standard input.
        reserved: words that get the first ids, in this order; of those that the file lacks,
            ``<unk>`` has 10^-100 and the others probability 0. The file's others follow in order.
        threads: how many work at once.

    Raises:
        InputError: another kind of file, truncated, miscounted, out of order, a positive or
            unreadable number, a word that is not among the unigrams, a duplicate n-gram, a missing
            context, no ``<s>`` or ``</s>``; names the file, the line and the reason.
        DiskError: no room to unpack it.
    """
    return _Reader(path, arpa_bytes(path), reserved, threads).model()


@dataclass(slots=True)
class _Section(Grams):
    """The n-grams of one order as they stand in the file."""

    begin: int
    """The place of the first entry."""


class _Reader:
    """One walk over the file."""

    def __init__(self, path: Path, text: Bytes, reserved: Sequence[str], threads: int) -> None:
        self.lines = Lines(path, text)
        self._reserved = tuple(reserved)
        self._threads = threads
        self._table = WordTable.of([])
        self._raw: tuple[str, ...] = ()
        self._own = SettledWords(())
        self._shown: tuple[str, ...] = ()

    def model(self) -> ArpaModel:
        counts = self._header()
        sections = [self._unigrams(counts[0], len(counts))]
        orders = list(enumerate(counts[1:], start=2))
        reading = followed(orders, "n-grams", total=sum(counts[1:]), size=lambda each: each[1])
        for order, count in reading:
            sections.append(self._section(order, count, len(counts)))
        self._end(len(counts))
        words = self._shown = reserve(sections, self._own.words, self._reserved)
        bos, eos, unk = (_place(words, name) for name in (BOS, EOS, UNK))
        own = self._own.words
        if bos is None or eos is None or BOS not in own or EOS not in own:
            self.lines.fail(f"no {BOS if BOS not in own else EOS} among the 1-grams")
        unigrams = sections[0].logprobs
        unigrams[bos] = -np.inf
        if unk is not None and UNK not in own:
            unigrams[unk] = UNKNOWN_LOGPROB
        tables = self._tables(sections)
        reserved = tuple(word for word in self._reserved if word in own)
        return ArpaModel(tables, words, bos, eos, unk, reserved, self._own.collided)

    def _end(self, highest: int) -> None:
        if (line := self.lines.next_filled("'\\end\\'")) != "\\end\\":
            self.lines.fail(f"wanted '\\end\\' after the {highest}-grams, found {line[:40]!r}")
        while self.lines.at < len(self.lines.text):
            if line := self.lines.next("the file's end").strip():
                self.lines.fail(f"wanted nothing after '\\end\\', found {line[:40]!r}")

    def _words(self) -> tuple[str, ...]:
        whole, limits = self._table.blob.tobytes(), self._table.limits.tolist()
        return tuple(whole[a:b].decode() for a, b in pairwise(limits))

    def _header(self) -> list[int]:
        self._find_data()
        counts: list[int] = []
        while line := self.lines.next("'ngram 1=…' or an empty line").strip(" \t"):
            name, _, number = line.partition("=")
            number = number.strip()
            if name.split() != ["ngram", str(len(counts) + 1)] or not (
                number.isascii() and number.isdecimal() and len(number) <= _DIGITS
            ):
                self.lines.fail(f"wanted 'ngram {len(counts) + 1}=COUNT', found {line[:40]!r}")
            counts.append(int(number))
            if not counts[0] or (len(counts) > 2 and counts[-1] and not counts[-2]):
                lower = max(len(counts) - 1, 1)
                self.lines.fail(f"0 {lower}-grams; without them there are no longer ones")
            # No n-gram takes fewer bytes: a number, a blank, a word, a line's end.
            if counts[-1] > len(self.lines.text) // 4 + 1:
                self.lines.fail(f"{counts[-1]} {len(counts)}-grams cannot be in so short a file")
        if not 1 <= len(counts) <= MAX_ORDER:
            self.lines.fail(f"order {len(counts)}, wanted 1 to {MAX_ORDER}")
        if sum(counts) > np.iinfo(np.int32).max:
            self.lines.fail(f"{sum(counts)} n-grams are too many for one table")
        return counts

    def _find_data(self) -> None:
        r"""Go on to the line after ``\data\``, before which there may be remarks."""
        end = min(len(self.lines.text), _PREFACE)
        while self.lines.at < end:
            if self.lines.next("'\\data\\'").strip(" \t") == "\\data\\":
                return
        first = self.lines.line_at(0)[0][:40].decode(errors="replace")
        message = (
            f"{self.lines.path}: no ARPA file: no line '\\data\\' in it; it begins with {first!r}"
        )
        raise InputError(message)

    def _title(self, order: int, count: int) -> bool:
        """Go past the title of a section; an empty one need not be there."""
        title, before = f"\\{order}-grams:", self.lines.at
        line = self.lines.next_filled(f"'{title}'")
        if line != title and not count:
            self.lines.at = before
        elif line != title:
            self.lines.fail(
                f"wanted '{title}', found {line[:40]!r}; is the count above it too small?"
            )
        return line == title

    def _unigrams(self, count: int, highest: int) -> _Section:
        self._title(1, count)
        begins, lengths = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
        section = _Section(
            begin=self.lines.at,
            ids=np.arange(count, dtype=np.int32).reshape(-1, 1),
            logprobs=np.empty(count, dtype=np.float32),
            backoffs=np.empty(count if highest > 1 else 0, dtype=np.float32),
        )
        done, at = parse_unigrams(
            self.lines.text, self.lines.at, begins, lengths, section.logprobs, section.backoffs
        )
        limits = np.zeros(done + 1, dtype=np.int64)
        np.cumsum(lengths[:done], out=limits[1:])
        blob = b"".join(
            self.lines.text[begin : begin + length].tobytes()
            for begin, length in zip(begins[:done].tolist(), lengths[:done].tolist(), strict=True)
        )
        self._check_utf8(blob, limits, section)
        self._table = WordTable.of_bytes(np.frombuffer(blob, dtype=np.uint8), limits)
        if (row := self._table.first_repeated()) >= 0:
            word = blob[limits[row] : limits[row + 1]].decode()
            self.lines.fail(f"duplicate or empty 1-gram {word!r}", at=self._place_of(section, row))
        if done < count:
            self._fail_entry(at, order=1, done=done, count=count, highest=highest)
        self._raw = self._words()
        self._own = settled(self._raw)
        if "<UNK>" in self._own.collided:
            row = self._raw.index("<UNK>")
            self.lines.fail("'<UNK>' beside '<unk>'; take one out", at=self._place_of(section, row))
        self.lines.at = at
        return section

    def _check_utf8(self, blob: bytes, limits: NDArray[np.int64], section: _Section) -> None:
        """Check each word by itself: a border may lie between two halves of a character."""
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
            self.lines.fail(NOT_UTF8, at=self._place_of(section, min(rows)))

    def _place_of(self, section: _Section, row: int) -> int:
        """Return where an entry's line begins."""
        places = np.empty(row + 1, dtype=np.int64)
        line_places(self.lines.text, section.begin, row + 1, 1, places)
        return int(places[row])

    def _section(self, order: int, count: int, highest: int) -> _Section:
        self._title(order, count)
        places = np.empty(-(-count // _LINES), dtype=np.int64)
        lines, after = line_places(self.lines.text, self.lines.at, count, _LINES, places)
        section = _Section(
            begin=self.lines.at,
            ids=np.empty((lines, order), dtype=np.int32),
            logprobs=np.empty(lines, dtype=np.float32),
            backoffs=np.empty(lines if order < highest else 0, dtype=np.float32),
        )

        def work(part: int) -> tuple[int, int, bool]:
            rows = (part * _LINES, min((part + 1) * _LINES, lines))
            row, at = parse_grams(
                self.lines.text,
                int(places[part]),
                rows,
                (self._table.blob, self._table.limits, self._table.slots),
                (section.ids, section.logprobs, section.backoffs),
            )
            return row, at, row == rows[1]

        for row, at, right in in_threads(self._threads, work, range(-(-lines // _LINES))):
            if not right:
                self._fail_entry(at, order=order, done=row, count=count, highest=highest)
        if lines < count:
            self.lines.at = len(self.lines.text)
            self.lines.next(f"{order}-gram {lines + 1} of {count}")
        self.lines.at = after
        return section

    def _fail_entry(self, at: int, *, order: int, done: int, count: int, highest: int) -> NoReturn:
        """Say what is wrong with the line that begins there."""
        self.lines.latest = at
        if at >= len(self.lines.text):
            self.lines.fail(
                f"the file ends where {order}-gram {done + 1} of {count} should stand; "
                "it is truncated"
            )
        try:
            shown = self.lines.line_at(at)[0].decode()
        except UnicodeDecodeError:
            self.lines.fail(NOT_UTF8)
        if shown.startswith("\\"):
            self.lines.fail(f"only {done} of the {count} {order}-grams that the header declares")
        fields = [field for field in shown.replace("\t", " ").split(" ") if field]
        known = {word.encode() for word in self._words()} if order > 1 else set[bytes]()
        if len(fields) >= 1:
            self.lines.check_number(fields[0], maximum=0.0)
        for word in fields[1 : order + 1]:
            if known and word.encode() not in known:
                self.lines.fail(f"word {word!r} is not among the 1-grams")
        if len(fields) == order + 2:
            self.lines.check_backoff(fields[-1], highest=order == highest)
        self.lines.fail(
            f"wanted a number, {order} words and perhaps a backoff, found {shown[:60]!r}"
        )

    def _tables(self, sections: list[_Section]) -> NgramTables:
        try:
            return tables_of_grams(sections, threads=self._threads)
        except MisplacedError as error:
            self._fail_gram(sections[error.order - 1], error.row, error.reason)

    def _fail_gram(self, section: _Section, row: int, reason: str) -> NoReturn:
        gram = " ".join(self._shown[int(word)] for word in section.ids[row])
        self.lines.fail(f"the n-gram '{gram}': {reason}", at=self._place_of(section, row))


def _place(words: tuple[str, ...], name: str) -> int | None:
    return words.index(name) if name in words else None
