"""Thresholds of a trained model, chosen on validation data that a program holds or on files."""

from pathlib import Path
from typing import Any

from munmaek.errors import ConfigError
from munmaek.metrics.thresholds import Chosen, Wanted
from munmaek.pipeline import load, sources_for
from munmaek.tasks import task_named
from munmaek.text.memory import are_paired
from munmaek.text.sources import encoded

__all__ = ["choose_thresholds", "wanted_of"]


def choose_thresholds(
    model: Any,
    *data: Any,
    precision: float | None = None,
    recall: float | None = None,
    label: str | None = None,
    **options: Any,
) -> tuple[Any, list[Chosen]]:
    """Return a model that leaves a text without a label where it is not sure enough of one.

    The model given stays as it is. A threshold is the least that has the precision wanted on the
    data, or the greatest that has the recall; what it does on other texts, only other texts say.

    Args:
        model: a trained model, or its folder.
        data: validation data, as ``train`` takes it; better none that chose anything else.
        precision: share, of the texts that are given a label, that have it.
        recall: share, of the texts that have a label, that are given it.
        label: the label that gets a threshold; None gives every label its own.
        options: where the data stands in a table, as ``evaluate`` takes it.

    Returns:
        The model with its thresholds, and what each does on the data.

    Raises:
        InputError: data that cannot be used, or no threshold has what is wanted of ``label``.
        ConfigError: neither precision nor recall or both, or what they cannot be had of.
        UnsupportedError: a model that gives no labels.
    """
    trained: Any = load(model) if isinstance(model, str | Path) else model
    row = task_named(trained.info.task)
    wanted, least = wanted_of(precision, recall)
    sources, kind = sources_for(row, data), row.asked_class()
    if are_paired(sources) and "pairs" in kind.model_fields:
        options.setdefault("pairs", True)
    work, asked = row.loaded(), kind.of(options, where="the options")
    corpus = work.read_test(trained, encoded(sources, asked.encoding), asked)
    return work.thresholded(trained, corpus, wanted=wanted, least=least, label=label)


def wanted_of(precision: float | None, recall: float | None) -> tuple[Wanted, float]:
    """Return what is wanted, and how much of it.

    Raises:
        ConfigError: neither is given, or both.
    """
    if (precision is None) == (recall is None):
        message = "give --precision X or --recall X, one of the two: the share that is wanted"
        raise ConfigError(message)
    if precision is not None:
        return "precision", precision
    assert recall is not None
    return "recall", recall
