"""The texts of a file that are nearest to a query in meaning."""

import heapq
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from pydantic import Field

from munmaek.metrics.retrieval import similarities
from munmaek.tasks.embed.answering import AskedVectors, shared_tokens
from munmaek.tasks.mlm.model import Encoded, Encoder

__all__ = ["AskedSearch", "Near", "Nearest"]

BLOCK = 4096


class AskedSearch(AskedVectors):
    """Options of ``munmaek search``."""

    served = ("prompt", "window", "top")

    top: int = Field(default=5, ge=1)
    """Lines to show."""


class Near(NamedTuple):
    """A text and its similarity to the query."""

    similarity: float
    line: int
    text: str


class Nearest:
    """The texts nearest to a query, of all that are gone through."""

    def __init__(self, model: Encoder, query: str, asked: AskedSearch) -> None:
        """Take the query, with the model's own prompt for one where none is asked for."""
        self.model, self._asked, self.longer = model, asked, 0
        self.name = model.sentence.similarity
        prompt = model.sentence.asked if asked.prompt is None else asked.prompt
        self._query = model.embed([query], overlap=self._overlap(prompt), prompt=prompt)
        self._best: list[tuple[float, int, str]] = []

    def _overlap(self, prompt: str | None) -> int | None:
        return shared_tokens(self.model, prompt) if self._asked.window else None

    def _count(self, encoded: Encoded) -> None:
        self.longer = encoded.longer

    def gone_through(self, texts: Iterable[str]) -> Iterator[int]:
        """Compare every text, and yield how many were compared each time."""
        number, answered = 0, self.model.sentence.answered
        kept: list[str] = []

        def read() -> Iterator[str]:
            for text in texts:
                kept.append(text)
                yield text

        options: dict[str, Any] = {"precision": self._asked.precision, "report": self._count}
        options |= {"prompt": answered, "block": BLOCK, "overlap": self._overlap(answered)}
        for vectors in self.model.embed_blocks(read(), **options):
            values = similarities(vectors, self._query, name=self.name)[:, 0].tolist()
            for text, value in zip(kept, values, strict=True):
                number += 1
                self._add((value, -number, text))  # of equal lines the earlier comes first
            kept.clear()
            yield len(values)

    def _add(self, entry: tuple[float, int, str]) -> None:
        if len(self._best) < self._asked.top:
            heapq.heappush(self._best, entry)
        else:
            heapq.heappushpop(self._best, entry)

    def found(self) -> list[Near]:
        """Return the nearest, the best first."""
        return [
            Near(value, -place, text) for value, place, text in sorted(self._best, reverse=True)
        ]
