r"""Marks that a person sets on the links of a pair, kept as JSON lines.

    {"source": "나는 책을 읽는다", "target": "I read a book", "sure": [[0, 0], [2, 1], [1, 3]],
     "possible": [[1, 2]], "forbidden": [[2, 0]], "tokenizer": "9f2c…"}

one line a pair (broken here to fit). Words are what ASCII white space separates, counted from 0. A
later line of the same pair replaces the earlier one, so that a file is only ever appended to. The
hash of the tokenizers says which model was looked at; marks of another one are refused. A last line
that a crash cut short is passed over, and removed before the next is appended.
"""

import hashlib
import json
import os
import unicodedata
import warnings
from collections.abc import Callable, Collection, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, cast

from munmaek.align.pharaoh import parse_gold
from munmaek.errors import DiskError, InputError, MunmaekWarning
from munmaek.metrics.alignment import Link
from munmaek.text.corpora import read_lines
from munmaek.text.forms import Form, named_form
from munmaek.text.json_files import parse_json
from munmaek.text.spaces import SPACES, ascii_words
from munmaek.text.tokenizers import Tokenizer

__all__ = [
    "AlignmentSupervision",
    "MarkedPair",
    "append_marks",
    "read_marks",
    "read_supervision",
    "supervision_of",
    "tokenizer_hash",
]

KINDS = ("sure", "possible", "forbidden")
NOTHING: frozenset[Link] = frozenset()


@dataclass(frozen=True, slots=True)
class MarkedPair:
    """Links of one pair, as a person or a gold file has them; a link is (source, target) word.

    Raises:
        InputError: a link points past the words, or is of two kinds.
    """

    source: str
    target: str
    sure: frozenset[Link] = NOTHING
    possible: frozenset[Link] = NOTHING
    forbidden: frozenset[Link] = NOTHING

    def __post_init__(self) -> None:
        words = len(ascii_words(self.source)), len(ascii_words(self.target))
        links = [link for kind in KINDS for link in getattr(self, kind)]
        for link in sorted(links):
            _check_link(link, words)
        if len(set(links)) < len(links):
            twice = next(link for link in sorted(links) if links.count(link) > 1)
            message = f"link {twice[0]}-{twice[1]} is of two kinds; give it one of {_listed(KINDS)}"
            raise InputError(message)

    @property
    def is_empty(self) -> bool:
        """Return true where no link is marked: whoever looked at the pair said nothing of it."""
        return not (self.sure or self.possible or self.forbidden)

    @property
    def key(self) -> tuple[str, str]:
        """Return what tells pairs apart: both texts in NFC, one space between words."""
        return _key(self.source), _key(self.target)


@dataclass(frozen=True, slots=True)
class AlignmentSupervision:
    """Alignment supervision of one pair: the links that training is given."""

    wanted: frozenset[Link]
    """Links that attention should find; a target word without any is left to itself."""
    forbidden: frozenset[Link] = NOTHING
    """Links that it should not."""


def supervision_of(pair: MarkedPair) -> AlignmentSupervision:
    """Take sure links, and possible ones only of target words that have no sure link."""
    settled = {target for _, target in pair.sure}
    unsettled = {link for link in pair.possible if link[1] not in settled}
    return AlignmentSupervision(pair.sure | unsettled, pair.forbidden)


def tokenizer_hash(source: Tokenizer, target: Tokenizer) -> str:
    """Return the sha256 of a translator's two tokenizers."""
    return hashlib.sha256(f"{source.fingerprint} {target.fingerprint}".encode()).hexdigest()


def read_marks(path: str | Path, *, tokenizer: str | None = None) -> list[MarkedPair]:
    """Read the marked pairs in the order in which each was first marked, with what was said last.

    A pair of which the last line has no link is no longer marked: ``MarkedPair.is_empty``.

    Args:
        path: the JSON lines; blank lines are passed over.
        tokenizer: the hash that every line must carry; None takes any.

    Raises:
        InputError: a file that cannot be read, or a line that is no mark or of another tokenizer;
            says which line and why.
    """
    pairs: dict[tuple[str, str], MarkedPair] = {}
    for number, line in enumerate(_lines(path), start=1):
        if not line:
            continue
        try:
            pair = _parse(line, tokenizer)
        except InputError as error:
            message = f"{path}, line {number}: {error}"
            raise InputError(message) from None
        pairs[pair.key] = pair
    if not pairs:
        message = f"{path}: no marks in it"
        raise InputError(message)
    return list(pairs.values())


def append_marks(path: str | Path, pairs: Sequence[MarkedPair], *, tokenizer: str) -> None:
    """Add marks at the end of the file, making it where there is none.

    The file is locked while it is written and on the disk when this returns, so that of two writers
    neither loses anything. A last line without an end is ended first, or removed where a crash cut
    it short.

    Raises:
        DiskError: it cannot be written; the file is as it was.
    """
    content = b"".join(_line(pair, tokenizer) for pair in pairs)
    if not content:
        return
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b", buffering=0) as file, _locked(file):
            _append(file, content)
    except OSError as error:
        message = f"{path}: cannot write the marks: {error.strerror}"
        raise DiskError(message) from error


def read_supervision(
    path: str | Path,
    sources: Sequence[str],
    targets: Sequence[str],
    *,
    tokenizer: str | None = None,
) -> list[AlignmentSupervision | None]:
    """Return the marks of each of the given pairs; None where the file has none.

    Args:
        path: marks (``.jsonl``), found by their texts, or Pharaoh links with a line for every pair.
        sources: source texts.
        targets: target texts, as many.
        tokenizer: the hash that marks must carry; None takes any.

    Raises:
        InputError: a bad line, a link past the words, marks of none of the pairs, or another number
            of lines than pairs.
    """
    if named_form(path) is Form.JSONL:
        return _supervision_of_marks(path, sources, targets, tokenizer)
    lines = list(read_lines(path))
    if len(lines) != len(sources):
        message = f"{path}: need a line of links for each of {len(sources)} pairs, got {len(lines)}"
        raise InputError(message)
    if not any(lines):
        message = f"{path}: no links in it, so that there is nothing to learn from; align the pairs"
        raise InputError(message)
    return [
        _supervision_of_line(path, number, line, source, target)
        for number, (line, source, target) in enumerate(
            zip(lines, sources, targets, strict=True), start=1
        )
    ]


def _supervision_of_marks(
    path: str | Path, sources: Sequence[str], targets: Sequence[str], tokenizer: str | None
) -> list[AlignmentSupervision | None]:
    read = read_marks(path, tokenizer=tokenizer)
    marked = {pair.key: supervision_of(pair) for pair in read if not pair.is_empty}
    if not marked:
        message = f"{path}: no link is marked in it; mark some (munmaek look MODEL)"
        raise InputError(message)
    found = [
        marked.get((_key(source), _key(target)))
        for source, target in zip(sources, targets, strict=True)
    ]
    if not any(found):
        message = (
            f"{path}: none of its {len(marked)} pairs is in the training data; add them to it, or "
            "mark pairs of it (munmaek look MODEL --pairs SOURCE --pairs TARGET)"
        )
        raise InputError(message)
    return found


def _supervision_of_line(
    path: str | Path, number: int, line: str, source: str, target: str
) -> AlignmentSupervision | None:
    try:
        links = parse_gold(line)
        pair = MarkedPair(source, target, links.sure, links.possible)
    except InputError as error:
        message = f"{path}, line {number}: {error}"
        raise InputError(message) from None
    return supervision_of(pair) if line else None


def _lines(path: str | Path) -> list[str]:
    """Return the lines, but for a last one that was cut short, which may end within a character."""
    content, _, last = _content(path).rpartition(b"\n")
    if content and last and not _is_whole(last):
        with suppress(UnicodeDecodeError):
            lines = [line.strip(SPACES) for line in content.decode().split("\n")]
            message = f"{path}: its last line was cut short and is passed over"
            warnings.warn(message, MunmaekWarning, stacklevel=3)
            return lines
    return list(read_lines(path))


def _content(path: str | Path) -> bytes:
    """Return what a file holds; nothing where that is not a file or cannot be read."""
    with suppress(OSError):
        return Path(path).read_bytes() if Path(path).is_file() else b""
    return b""


# One line of marks


def _line(pair: MarkedPair, tokenizer: str) -> bytes:
    record: dict[str, Any] = {"source": pair.source, "target": pair.target}
    record |= {kind: [list(link) for link in sorted(getattr(pair, kind))] for kind in KINDS}
    record["tokenizer"] = tokenizer
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def _parse(line: str, tokenizer: str | None) -> MarkedPair:
    try:
        record: Any = parse_json(line)
    except ValueError as error:
        message = f"not JSON: {error}"
        raise InputError(message) from None
    if not isinstance(record, dict):
        message = f"a mark is an object with the keys {_listed(('source', 'target', *KINDS))}"
        raise InputError(message)
    record = cast("dict[str, Any]", record)
    found = _text(record, "tokenizer")
    if tokenizer is not None and found != tokenizer:
        message = (
            f"marks were made with tokenizer {found}, the model has {tokenizer}; "
            "mark again with this model"
        )
        raise InputError(message)
    texts = _text(record, "source"), _text(record, "target")
    return MarkedPair(*texts, *(_links(record, kind) for kind in KINDS))


def _text(record: dict[str, Any], key: str) -> str:
    value = record.get(key)
    if not isinstance(value, str):
        message = f"{key!r} must be a text, got {value!r}"
        raise InputError(message)
    return value


def _links(record: dict[str, Any], kind: str) -> frozenset[Link]:
    value = record.get(kind, [])
    if not isinstance(value, list):
        message = f"{kind!r} must be a list of links such as [0, 2], got {value!r}"
        raise InputError(message)
    return frozenset(_link(each, kind) for each in cast("list[Any]", value))


def _link(value: Any, kind: str) -> Link:
    numbers = cast("list[Any]", value) if isinstance(value, list) else []
    if len(numbers) != 2 or not all(type(number) is int for number in numbers):
        message = f"{kind!r} must hold links such as [0, 2], got {value!r}"
        raise InputError(message)
    return numbers[0], numbers[1]


def _check_link(link: Link, words: tuple[int, int]) -> None:
    if not (0 <= link[0] < words[0] and 0 <= link[1] < words[1]):
        message = (
            f"link {link[0]}-{link[1]} points past the pair's {words[0]} source and "
            f"{words[1]} target words (counted from 0)"
        )
        raise InputError(message)


def _key(text: str) -> str:
    return " ".join(ascii_words(unicodedata.normalize("NFC", text)))


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)


# One locked append


def _append(file: FileIO, content: bytes) -> None:
    last = _last_line(file)
    size = file.seek(0, os.SEEK_END)
    if last and _is_whole(last):
        content = b"\n" + content
    elif last:
        size = file.truncate(size - len(last))
    try:
        _write_whole(file, content)
        os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            file.truncate(size)
        raise


def _last_line(file: FileIO) -> bytes:
    """Return what stands after the last line end."""
    if file.seek(0, os.SEEK_END) == 0:
        return b""
    file.seek(-1, os.SEEK_END)
    if file.read(1) == b"\n":
        return b""
    file.seek(0)
    return file.readall().rpartition(b"\n")[2]


def _write_whole(file: FileIO, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[file.write(rest) :]


def _is_whole(line: bytes) -> bool:
    try:
        parse_json(line.decode())
    except ValueError:
        return False
    return True


@contextmanager
def _locked(file: FileIO) -> Generator[None]:
    """Hold the file against other writers, where the system has such locks (not on Windows)."""
    lock = _lock_call()
    if lock is None:
        yield
        return
    hold, release = lock
    hold(file.fileno())
    try:
        yield
    finally:
        release(file.fileno())


def _lock_call() -> tuple[Callable[[int], None], Callable[[int], None]] | None:
    try:
        import fcntl
    except ImportError:
        return None
    return (
        lambda file: fcntl.flock(file, fcntl.LOCK_EX),
        lambda file: fcntl.flock(file, fcntl.LOCK_UN),
    )
