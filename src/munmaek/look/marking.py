"""The marks of a person while a model is looked at: read from a file, and appended to it."""

from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

from munmaek.align import MarkedPair, append_marks, format_gold, read_marks, tokenizer_hash
from munmaek.errors import InputError
from munmaek.metrics import Link

if TYPE_CHECKING:
    from munmaek.tasks.translate.model import Translator

__all__ = ["Marks", "links_json", "marked_pair"]

KINDS = ("sure", "possible", "forbidden")


class Marks:
    """A file of marks; what another program appends to it is seen too."""

    def __init__(self, path: Path, model: "Translator") -> None:
        """Read what is there, if anything.

        Raises:
            InputError: lines that are no marks, or marks of another tokenizer; shows both hashes.
        """
        self.path = path
        self.tokenizer = tokenizer_hash(model.source_tokenizer, model.target_tokenizer)
        self._lock = Lock()
        self._seen: tuple[int, int] | None = None
        self._pairs: dict[tuple[str, str], MarkedPair] = {}
        self.pairs()

    def pairs(self) -> list[MarkedPair]:
        """Return all marked pairs, in the order in which each was first marked."""
        with self._lock:
            try:
                stat = self.path.stat()
            except FileNotFoundError:
                return []
            state = (stat.st_mtime_ns, stat.st_size)
            if state != self._seen:
                found = read_marks(self.path, tokenizer=self.tokenizer) if stat.st_size else []
                self._pairs = {pair.key: pair for pair in found if not pair.is_empty}
                self._seen = state
            return list(self._pairs.values())

    def of(self, source: str, target: str) -> MarkedPair | None:
        """Return what is marked of a pair, or None."""
        self.pairs()
        return self._pairs.get(MarkedPair(source, target).key)

    def add(self, pair: MarkedPair) -> int:
        """Append one pair and return the number of pairs then marked.

        Raises:
            DiskError: it cannot be written.
        """
        append_marks(self.path, [pair], tokenizer=self.tokenizer)
        return len(self.pairs())

    def pharaoh(self) -> str:
        """Return source, target and links of each pair, a tab between them, a line a pair."""
        return "".join(
            f"{pair.key[0]}\t{pair.key[1]}\t{format_gold(pair.sure, pair.possible)}\n"
            for pair in self.pairs()
        )

    def to_json(self) -> dict[str, Any]:
        """Return count, hash, file and the marks."""
        pairs = self.pairs()
        marks = [
            {"source": each.source, "target": each.target, **links_json(each)} for each in pairs
        ]
        return {
            "count": len(pairs),
            "tokenizer": self.tokenizer,
            "path": str(self.path),
            "marks": marks,
        }


def links_json(pair: MarkedPair) -> dict[str, list[list[int]]]:
    """Return sure, possible and forbidden links as sorted lists."""
    return {kind: [list(link) for link in sorted(getattr(pair, kind))] for kind in KINDS}


def marked_pair(source: str, target: str, body: Mapping[str, Any]) -> MarkedPair:
    """Read a pair with the links of a request's ``sure``, ``possible`` and ``forbidden``.

    Raises:
        InputError: something that is no link, points past the words or is of two kinds.
    """
    return MarkedPair(source, target, *(_links(body, kind) for kind in KINDS))


def _links(body: Mapping[str, Any], kind: str) -> frozenset[Link]:
    value: Any = body.get(kind) or []
    if not isinstance(value, list):
        message = f"'{kind}' must be a list of links such as [0, 2]"
        raise InputError(message)
    links: set[Link] = set()
    for each in cast("list[Any]", value):
        numbers = cast("list[Any]", each) if isinstance(each, list) else []
        if len(numbers) != 2 or not all(type(number) is int for number in numbers):
            message = f"'{kind}' must hold links such as [0, 2], got {each!r}"
            raise InputError(message)
        links.add((numbers[0], numbers[1]))
    return frozenset(links)
