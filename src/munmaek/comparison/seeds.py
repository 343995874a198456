"""Several runs of one model, each with a seed of its own, as one row: mean and spread.

The runs share the data, its split and its tokens, so that nothing differs but the seed: the first
weights, the order of batches, what is dropped out.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from munmaek.metrics import Measure, Score

__all__ = ["NOTE", "over_seeds", "pooled"]

NOTE = "note.seeds"
"""In the catalogue: what ± is in such a row."""


def over_seeds(rows: Sequence[Mapping[str, Any]], seeds: Sequence[int | None]) -> dict[str, Any]:
    """Return one row of ``results.json`` for runs of one model: means, and how far they spread.

    A score has the mean as its value and no interval: that of a run says nothing of other seeds.
    ``spread`` has the standard deviation (of a sample) over seeds, ``seeds`` what each run gave.

    Args:
        rows: of each run, as ``munmaek.comparison.entries.entry`` makes them.
        seeds: theirs; a single one leaves its row as it is.
    """
    first = dict(rows[0])
    if len(rows) == 1:
        return first
    given = {name: [row["scores"].get(name) for row in rows] for name in first["scores"]}
    values = {
        name: [each["value"] for each in found]
        for name, found in given.items()
        if all(each is not None and each["value"] is not None for each in found)
    }
    taken = ("seeds", "+".join(map(str, seeds)))
    scores: dict[str, Any] = {}
    for name, found in values.items():
        score = Score.from_json(name, first["scores"][name])
        signature = score.signature.extended(taken)
        mean = statistics.fmean(found)
        scores[name] = replace(
            score, value=mean, low=None, high=None, signature=signature
        ).to_json()
    runs = [
        {
            "seed": seed,
            "scores": {name: found[at] for name, found in values.items()},
            "train_seconds": row["train_seconds"],
        }
        for at, (seed, row) in enumerate(zip(seeds, rows, strict=True))
    ]
    faults = {each["name"]: each for row in rows for each in row["diagnosis"] if each["found"]}
    return {
        **first,
        "scores": scores,
        "spread": {name: statistics.stdev(found) for name, found in values.items()},
        "seeds": runs,
        "train_seconds": statistics.fmean(row["train_seconds"] for row in rows),
        "diagnosis": [faults.get(each["name"], each) for each in first["diagnosis"]],
    }


def pooled(runs: Sequence[Mapping[str, Measure]]) -> Mapping[str, Measure]:
    """Return what tests compare: for each test row the mean of what its runs gave.

    A measure whose numbers differ in kind from run to run is left out, and its models untested.
    """
    if len(runs) == 1:
        return runs[0]
    found: dict[str, Measure] = {}
    for name, measure in runs[0].items():
        own = [each[name] for each in runs if name in each]
        alike = all(
            each.statistics.shape == measure.statistics.shape and each.basis == measure.basis
            for each in own
        )
        if alike and len(own) == len(runs):
            tables = [np.asarray(each.statistics, dtype=np.float64) for each in own]
            found[name] = replace(measure, statistics=np.mean(tables, axis=0))
    return found
