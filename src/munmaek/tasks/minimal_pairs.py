"""Minimal pairs of sentences: read from tables, and judged by what a model gives each sentence."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from munmaek.errors import InputError
from munmaek.metrics import Signature, resting_on
from munmaek.metrics.minimal_pairs import by_phenomenon, minimal_pairs_measure, points
from munmaek.tasks.asked import AskedSentences
from munmaek.tasks.judged import Judged, Shown
from munmaek.text.columns import Column
from munmaek.text.corpora import content_hash, corpus_name
from munmaek.text.files import at_line
from munmaek.text.memory import Sources
from munmaek.text.rows import open_rows

__all__ = ["MinimalPairs", "judged_pairs", "read_minimal_pairs"]

GOOD = Column("good sentence", ("sentence_good", "good", "good_sentence", "바른문장"))
BAD = Column("bad sentence", ("sentence_bad", "bad", "bad_sentence", "틀린문장"))
PHENOMENA = ("phenomenon", "linguistics_term", "uid", "field", "현상")
"""Names of the column that says what a pair differs in, best first, lower case."""


@dataclass(frozen=True, slots=True)
class MinimalPairs:
    """Sentences that keep to the grammar, each with one that does not."""

    name: str
    good: tuple[str, ...]
    bad: tuple[str, ...]
    phenomena: tuple[str, ...] = ()
    """The phenomenon that each pair differs in; empty where no column says it."""

    @property
    def size(self) -> int:
        """Return the number of pairs."""
        return len(self.good)

    @property
    def fingerprint(self) -> str:
        """sha256 of the content, whatever the files were called or compressed with."""
        return content_hash(self.good, self.bad, self.phenomena)


def read_minimal_pairs(paths: Sources, asked: AskedSentences) -> MinimalPairs:
    """Read pairs of a good and a bad sentence, as the JSON lines of BLiMP have them or a table.

    Raises:
        InputError: no such columns, an empty sentence, no pair, or no column of phenomena where one
            is asked for.
    """
    rows: list[tuple[str, str, str | None]] = []
    for path in paths:
        opened = open_rows(path, (GOOD, BAD))
        for row in opened.rows:
            if row.fault is not None:
                raise row.fault
            if not row.cells:
                continue
            if not all(row.texts):
                message = f"{at_line(opened.name, row.number)}: one sentence of the pair is empty"
                raise InputError(message)
            kind = _phenomenon(row.cells, asked.phenomenon_column)
            if kind is None and asked.phenomenon_column is not None:
                message = (
                    f"{at_line(opened.name, row.number)}: no column {asked.phenomenon_column!r}; "
                    f"there are {', '.join(row.cells)}"
                )
                raise InputError(message)
            rows.append((row.texts[0], row.texts[1], kind))
    if not rows:
        message = (
            f"{corpus_name(paths)}: no pair; columns sentence_good and sentence_bad are wanted"
        )
        raise InputError(message)
    good, bad, kinds = zip(*rows, strict=True)
    named = tuple(each or "" for each in kinds) if any(kinds) else ()
    return MinimalPairs(corpus_name(paths), good, bad, named)


def _phenomenon(cells: dict[str, Any], asked: str | int | None) -> str | None:
    if isinstance(asked, int):
        return str([*cells.values()][asked]) if asked < len(cells) else None
    names = {name.lower(): name for name in cells}
    wanted = PHENOMENA if asked is None else (asked.lower(),)
    found = next((names[each] for each in wanted if each in names), None)
    return None if found is None else str(cells[found])


def judged_pairs(
    corpus: MinimalPairs, score: Callable[[Sequence[str]], Sequence[float]], signature: Signature
) -> Judged:
    """Judge a model by the sentence of each pair that it finds likelier.

    Args:
        corpus: the pairs.
        score: returns the natural-log probability of each sentence, or what stands for it.
        signature: what the model's scores share.
    """
    found = np.array(score([*corpus.good, *corpus.bad]), dtype=np.float64)
    good, bad = found[: corpus.size], found[corpus.size :]
    won = points(good, bad)
    measure = minimal_pairs_measure(won)
    ties = int((won == 0.5).sum())
    signed = signature.extended(*((("ties", str(ties)),) if ties else ()))
    scores = {measure.name: measure.score(signed, rng=np.random.default_rng(0))}
    kinds = by_phenomenon(won, corpus.phenomena) if corpus.phenomena else {}

    def row(at: int) -> dict[str, Any]:
        kind = {"phenomenon": corpus.phenomena[at]} if corpus.phenomena else {}
        return {
            "good": corpus.good[at],
            "bad": corpus.bad[at],
            **kind,
            "difference": float(good[at] - bad[at]),
        }

    entries = {"phenomena": {name: {"value": v, "pairs": n} for name, (v, n) in kinds.items()}}
    shown = Shown(
        "phenomena",
        "table",
        ["", "share", "count"],
        [[name, value, count] for name, (value, count) in kinds.items()],
    )
    return Judged(
        resting_on(scores, corpus.name, corpus.size, "pairs"),
        {measure.name: measure},
        bad - good,
        row,
        entries if kinds else {},
        lambda: [shown] if kinds else [],
        unit="pairs",
    )
