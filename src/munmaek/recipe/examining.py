"""What is looked for in every model just trained; see ``munmaek.metrics.training``."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from munmaek.artefact import Classifier, Info, Regressor, Tagger
from munmaek.metrics.diagnosis import Finding
from munmaek.metrics.training import (
    loss_stands,
    one_label,
    one_value,
    unmoved_weights,
    unread_data,
)
from munmaek.text.corpora import LabelledCorpus, values_of
from munmaek.text.tagged import TaggedCorpus
from munmaek.train import FitResult

__all__ = [
    "examined",
    "fingerprints",
    "labels_finding",
    "tags_finding",
    "unmoved_since",
    "values_finding",
    "with_finding",
]

ROWS = 1000
"""Validation rows whose answers are looked at."""

_WORDS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
"""Whole numbers as wide as a weight, by bytes."""


def fingerprints(network: nn.Module) -> dict[str, int]:
    """Return a number for each tensor to be trained, which changes when a bit of it does."""
    return {
        name: _fingerprint(weight)
        for name, weight in network.named_parameters()
        if weight.requires_grad
    }


def _fingerprint(weight: Tensor) -> int:
    """Return the sum of the bits read as whole numbers; it costs one pass and no memory."""
    plain = weight.detach().contiguous()
    return int(plain.view(_WORDS[plain.element_size()]).sum(dtype=torch.int64))


def unmoved_since(before: Mapping[str, int], network: nn.Module) -> list[str]:
    """Return the tensors that are as they were, of those that the loss depends on.

    A tensor without a gradient takes no part in the loss, as BERT's pooler in filling words; where
    nothing at all has moved, all are named.
    """
    now = fingerprints(network)
    same = [name for name, value in before.items() if now.get(name) == value]
    if len(same) == len(before):
        return same
    weights = dict(network.named_parameters())
    return [name for name in same if weights[name].grad is not None]


def examined(
    result: FitResult, *, unmoved: list[str] | None, tensors: int, begun: bool
) -> list[Finding]:
    """Return what was looked for in a run of the training loop, found or not.

    Args:
        result: what the run came to.
        unmoved: names of weights that did not change; None where that was not looked at.
        tensors: of all weights.
        begun: whether the weights came from a model of the same task, whose loss need not fall.
    """
    findings = [unread_data(result.epochs, steps=result.steps)]
    if not begun and math.isfinite(result.opening_loss):
        findings.append(loss_stands(result.opening_loss, result.closing_loss, steps=result.steps))
    if unmoved is not None:
        findings.append(unmoved_weights(unmoved, tensors=tensors))
    return findings


def with_finding(info: Info, found: Finding | None) -> Info:
    """Return ``info`` with one more finding in its diagnosis."""
    if found is None:
        return info
    diagnosis = [*info.training.get("diagnosis", ()), found.to_json()]
    return replace(info, training={**info.training, "diagnosis": diagnosis})


def labels_finding(model: Classifier, corpus: LabelledCorpus | None) -> Finding | None:
    """Return whether a classifier gives every text of ``corpus`` the same label.

    None where there is no text to look at, or none that would tell.
    """
    if corpus is None:
        return None
    seconds = None if corpus.seconds is None else corpus.seconds[:ROWS]
    predicted = model.predict(corpus.texts[:ROWS], seconds)
    return one_label([each.label for each in predicted], corpus.labels[:ROWS])


def tags_finding(model: Tagger, corpus: TaggedCorpus) -> Finding | None:
    """Return whether a tagger gives every word of ``corpus`` the same label."""
    found = model.label_words(corpus.sentences[:ROWS])
    predicted = [each.label for labelled in found for each in labelled]
    return one_label(predicted, [label for each in corpus.labels[:ROWS] for label in each])


def values_finding(model: Regressor, corpus: LabelledCorpus) -> Finding | None:
    """Return whether a regressor gives every text of ``corpus`` nearly the same value."""
    seconds = None if corpus.seconds is None else corpus.seconds[:ROWS]
    rated = model.rate(corpus.texts[:ROWS], seconds)
    gold = np.asarray(values_of(corpus)[:ROWS], dtype=np.float64)
    return one_value(np.array([each.value for each in rated]), gold)
