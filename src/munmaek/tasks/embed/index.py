"""Texts with their vectors, to be searched many times.

An index is what ``munmaek embed FILE -o index.parquet`` writes, rows of texts with a vector each,
or a file of texts, which are embedded when it is opened. Letters: N texts, Q queries, D dimensions.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, final

import numpy as np
from pydantic import Field

from munmaek.arrays import Float32s
from munmaek.errors import InputError
from munmaek.metrics.retrieval import similarities, unit
from munmaek.models.configuration import Config
from munmaek.tasks.answering import text_columns
from munmaek.tasks.embed.answering import AskedVectors
from munmaek.tasks.embed.searching import Near
from munmaek.tasks.mlm.encode import Precision
from munmaek.tasks.mlm.model import Encoder
from munmaek.tasks.service import Question, Service
from munmaek.text.files import at_line
from munmaek.text.rows import Row, open_rows

__all__ = ["AskedNearest", "Index", "open_index", "searching_service"]

VECTORS = "embedding"
"""The column that holds vectors."""
CHECKED = 4
"""First texts whose vectors are computed again."""
TOLERANCE = 0.02
"""Difference of vectors of length one that is still the same model, int8 among them."""


class AskedNearest(Config):
    """Options of a search."""

    top: Annotated[int, Field(ge=1, le=1000)] = 5
    """Texts to show."""
    prompt: str | None = None
    """Put before the query: the name of one of the model's, or a text; "" is none."""


@final
@dataclass(frozen=True, slots=True)
class Index:
    """Texts, where they stand, and their vectors."""

    texts: Sequence[str]
    lines: Sequence[int]
    vectors: Float32s
    """[N, D], of length one where cosines compare them."""
    similarity: str

    def nearest(self, queries: Float32s, top: int) -> list[list[Near]]:
        """Return the texts most alike each query [Q, D], best first, of equal ones the earlier."""
        cosine, found = self.similarity == "cosine", list[list[Near]]()
        asked = unit(queries) if cosine else queries
        how = "dot" if cosine else self.similarity
        for values in similarities(asked, self.vectors, name=how):
            most = min(top, len(values))
            least = np.partition(values, len(values) - most)[len(values) - most]
            chosen = np.flatnonzero(values >= least)
            order = chosen[np.argsort(-values[chosen], kind="stable")][:most]
            found.append(
                [Near(float(values[at]), self.lines[at], self.texts[at]) for at in map(int, order)]
            )
        return found


def open_index(path: str, model: Encoder, precision: Precision = "float32") -> Index:
    """Open an index, and make its vectors where it has none.

    Raises:
        InputError: no text in it, a row without a vector, or vectors of another model.
    """
    rows = open_rows(path, text_columns(AskedVectors(), model.info.columns))
    texts, lines, given = list[str](), list[int](), list[Any]()
    for row in _whole(rows.rows):
        texts.append(row.texts[0])
        lines.append(row.number)
        given.append(row.cells.get(VECTORS))
    if not texts:
        message = f"{path}: no text in it to search"
        raise InputError(message)
    if any(each is not None for each in given):
        vectors = _given(path, lines, given)
        _check(path, vectors, texts, model)
    else:
        vectors = model.embed(texts, precision=precision, prompt=model.sentence.answered)
    similarity = model.sentence.similarity
    return Index(texts, lines, unit(vectors) if similarity == "cosine" else vectors, similarity)


def _whole(rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        if row.fault is not None:
            raise row.fault
        yield row


def _given(path: str, lines: Sequence[int], given: Sequence[Any]) -> Float32s:
    """Return the vectors of all rows: [N, D].

    Raises:
        InputError: a row has none, or one of another width.
    """
    width = next(np.size(each) for each in given if each is not None)
    out = np.empty((len(given), width), dtype=np.float32)
    for row, (line, vector) in enumerate(zip(lines, given, strict=True)):
        try:
            out[row] = vector
        except (TypeError, ValueError):
            message = (
                f"{at_line(path, line)}: wanted {width} numbers in '{VECTORS}', as 'munmaek embed' "
                "writes them"
            )
            raise InputError(message) from None
    return out


def _check(path: str, vectors: Float32s, texts: Sequence[str], model: Encoder) -> None:
    """Make sure that vectors are those of a model.

    Raises:
        InputError: they are not.
    """
    some = list(islice(texts, CHECKED))
    own = model.embed(some, prompt=model.sentence.answered)
    same = own.shape[1] == vectors.shape[1]
    if not same or np.abs(unit(own) - unit(vectors[: len(some)])).max() > TOLERANCE:
        prompt = model.sentence.answered
        more = f" --prompt {prompt or repr('')}" if prompt is not None else ""
        message = (
            f"{path}: its vectors are not this model's; make them with: munmaek embed MODEL "
            f"FILE{more} -o index.parquet"
        )
        raise InputError(message)


def searching_service(model: Encoder, index: Index, precision: Precision = "float32") -> Service:
    """Return what finds the texts of an index that are nearest to each query."""
    ready = model.ready(precision)

    def answer(questions: Sequence[Question], options: AskedNearest) -> list[Mapping[str, Any]]:
        prompt = model.sentence.asked if options.prompt is None else options.prompt
        found = model.vectors([text for (text,) in questions], ready, prompt=prompt)
        return [
            {
                "results": [
                    {index.similarity: each.similarity, "line": each.line, "text": each.text}
                    for each in own
                ]
            }
            for own in index.nearest(found.vectors, options.top)
        ]

    return Service("search", answer, ("query",), options=AskedNearest)
