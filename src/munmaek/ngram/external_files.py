"""Files of ``external`` that a run which was killed leaves, and from which the next one goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import numpy as np

from munmaek.arrays import Int64s
from munmaek.ngram.journal import Journal
from munmaek.ngram.scratch import Buckets, Column, Scratch

__all__ = ["Files", "begun", "note", "rows_of"]


@final
@dataclass(slots=True)
class Files:
    """Arrays of the tables in the making."""

    words: Column
    links: Column
    counts: Column
    starts: list[int]


def begun(scratch: Scratch, found: Mapping[str, Any], histogram: Int64s) -> Files:
    """Return arrays with unigrams in them, or as far as a killed run had come.

    Args:
        scratch: where they are.
        found: the entry of that run; none of no such run.
        histogram: how often each word occurs: [V].
    """
    size, vocab_size = int(found.get("nodes", 0)), len(histogram)
    words, links, counts = (
        scratch.column(name, np.int32, size=size) for name in ("words", "links", "counts")
    )
    if not size:
        words.append(np.arange(vocab_size))
        links.append(np.full(vocab_size, -1))
        counts.append(histogram)
    return Files(words, links, counts, list(found.get("starts", [0, vocab_size])))


def rows_of(
    scratch: Scratch, longest: int, order: int, count: int, sizes: Sequence[int] | None = None
) -> Buckets:
    """Return buckets for the rows of an order, empty or with those of a killed run.

    Args:
        scratch: where they are.
        longest: n.
        order: of the rows.
        count: buckets.
        sizes: rows of each that a killed run left; None begins with none.
    """
    columns = longest if order == 1 else longest - order + 3
    return Buckets(scratch.folder, f"rows-{order}", count=count, columns=columns, sizes=sizes)


def note(
    journal: Journal, done: tuple[int, int], rows: Buckets, longer: Buckets, files: Files
) -> None:
    """Write down that the pass of an order has done with a bucket, and remove that.

    Args:
        journal: takes the entry where one is due.
        done: the order and the bucket.
        rows: of that order.
        longer: rows of the next order.
        files: what has been numbered.
    """
    order, bucket = done

    def entry() -> dict[str, Any]:
        for column in (files.words, files.links, files.counts):
            column.flush()
        return {
            "order": order,
            "bucket": bucket + 1,
            "nodes": files.links.size,
            "starts": files.starts,
            "rows": [0] * (bucket + 1) + rows.sizes[bucket + 1 :],
            "longer": longer.sizes,
        }

    journal.reached(entry, partial(rows.remove, bucket))
