"""Regressors judged: how far each number is from the true one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from munmaek.arrays import Floats
from munmaek.metrics import resting_on, sign_model
from munmaek.metrics.regression import regression_measures, regression_scores
from munmaek.tasks.judged import Cell, Judged, Shown
from munmaek.text.corpora import LabelledCorpus, values_of

if TYPE_CHECKING:
    from munmaek.tasks.regress.model import Regressor

__all__ = ["judged_values"]

MOST_POINTS = 1000
"""Rows that are drawn, evenly taken from all."""


def judged_values(model: "Regressor", corpus: LabelledCorpus, predicted: Sequence[float]) -> Judged:
    """Judge predicted numbers beside the true ones of a corpus.

    Raises:
        InputError: a true value that is no number.
    """
    gold, given = np.array(values_of(corpus)), np.array(predicted, dtype=np.float64)
    signature = sign_model(model.tokenizer, task="regress", stage=model.info.stage)
    scores = regression_scores(given.tolist(), gold.tolist(), signature=signature)
    rows = "texts" if corpus.seconds is None else "pairs"

    def row(at: int) -> dict[str, Any]:
        second = {} if corpus.seconds is None else {"second": corpus.seconds[at]}
        found = {"gold": float(gold[at]), "prediction": float(given[at])}
        return {"text": corpus.texts[at], **second, **found}

    return Judged(
        resting_on(scores, corpus.name, corpus.size, rows),
        regression_measures(given, gold),
        np.abs(given - gold),
        row,
        shown=lambda: [_points(given, gold)],
        unit=rows,
    )


def _points(given: Floats, gold: Floats) -> Shown:
    """Return each row's true value and prediction."""
    chosen = np.unique(np.linspace(0, len(gold) - 1, min(MOST_POINTS, len(gold))).astype(np.int64))
    rows: list[list[Cell]] = [["", float(gold[at]), float(given[at])] for at in chosen]
    return Shown(
        "predictions",
        "points",
        ["", "gold", "prediction"],
        rows,
        label_x="true_value",
        label_y="predicted",
    )
