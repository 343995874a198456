"""The thresholds of a labeller, chosen on validation data for a wanted precision or recall."""

import warnings
from typing import TYPE_CHECKING

import numpy as np

from munmaek.errors import ConfigError, InputError, MunmaekWarning
from munmaek.metrics.thresholds import (
    NEVER,
    Chosen,
    Thresholds,
    Wanted,
    choose_threshold,
    shares_at,
)
from munmaek.text.corpora import LabelledCorpus
from munmaek.text.labels import LabelIndex

if TYPE_CHECKING:
    from munmaek.tasks.labelling import Labeller

__all__ = ["choose_thresholds"]


def choose_thresholds(
    model: "Labeller",
    corpus: LabelledCorpus,
    *,
    wanted: Wanted,
    least: float,
    label: str | None = None,
) -> tuple[Thresholds, list[Chosen]]:
    """Return the thresholds that give what is wanted on ``corpus``, and what each does there.

    See ``Labeller.thresholded``.
    """
    names = _asked(model, wanted, least, label)
    chances = np.exp(model.logprobs(corpus.texts, corpus.seconds))
    index = LabelIndex(model.labels)
    gold = [{index.of(each) for each in own} for own in corpus.label_sets]
    best = chances.argmax(1)
    chosen: list[Chosen] = []
    never: list[str] = []
    for name in names:
        place = model.labels.index(name)
        own = np.array([place in each for each in gold])
        # Where a text has one label and precision is wanted, it is given its likeliest or none.
        likeliest = not model.several and wanted == "precision"
        rows = best == place if likeliest else np.ones(len(own), dtype=np.bool_)
        scores = chances[rows, place]
        found = choose_threshold(scores, own[rows], wanted=wanted, least=least)
        if found is None:
            never.append(name)
            continue
        given = rows & (chances[:, place] >= found)
        precision, recall = shares_at(given.astype(np.float64), own, 0.5)
        chosen.append(Chosen(name, wanted, least, found, precision, recall, int(own.sum())))
    _tell_of_never(never, corpus, wanted, least, label)
    by_label = {each.label: each.threshold for each in chosen} | dict.fromkeys(never, NEVER)
    return Thresholds(by_label, wanted), chosen


def _asked(model: "Labeller", wanted: Wanted, least: float, label: str | None) -> tuple[str, ...]:
    """Return the labels that get a threshold.

    Raises:
        ConfigError: no such label, a share that is none, or recall of every label where a text has
            one.
    """
    if not 0 < least <= 1:
        message = f"--{wanted} {least:g}: a share above 0, and 1 at most, is wanted"
        raise ConfigError(message)
    if label is not None:
        place = LabelIndex(model.labels).of(label)
        if place < 0:
            known = ", ".join(model.labels[:10])
            message = f"--label {label}: the model has no such label; it has {known}"
            raise ConfigError(message)
        return (model.labels[place],)
    if wanted == "recall" and not model.several:
        message = (
            "--recall needs --label: a text has one label here, so that it cannot be given every "
            "label more often"
        )
        raise ConfigError(message)
    return model.labels


def _tell_of_never(
    never: list[str], corpus: LabelledCorpus, wanted: Wanted, least: float, label: str | None
) -> None:
    if not never:
        return
    shown = ", ".join(f"'{each}'" for each in never[:5]) + (", …" if len(never) > 5 else "")
    message = f"{corpus.name}: no threshold gives {shown} a {wanted} of {least:g}"
    if label is not None:
        more = "; ask for less, or give more validation texts that have the label"
        raise InputError(message + more)
    warnings.warn(f"{message}, so that it is never given", MunmaekWarning, stacklevel=4)
