"""Faults of training that a score alone would not tell.

Four failures are looked for, whatever the model and the task:

- it has not read all of its data once;
- its loss had not fallen when training ended;
- weights stayed what they were before it;
- it answers every text alike, though the texts have several answers.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from munmaek.metrics.diagnosis import Finding

__all__ = [
    "TRAINING_FAILURES",
    "loss_stands",
    "one_label",
    "one_value",
    "unmoved_weights",
    "unread_data",
]

TRAINING_FAILURES = ("unread_data", "loss_stands", "unmoved_weights", "one_label", "one_value")
"""The names of these findings."""

FALLEN = 0.99
"""Share of the loss at the beginning that it must have come below: one batch differs from another
by more, the means of ten batches and of fifty hardly do."""
OTHERS = 3
"""Texts with another label than the commonest that there must be."""
VALUES = 5
"""Texts with values that there must be."""
CONSTANT = 0.01
"""Share of the right values' spread below which values do not differ."""


def unread_data(epochs: float, *, steps: int) -> Finding:
    """Return whether training ended within its first epoch."""
    found = epochs < 1 - 1e-9
    return Finding("unread_data", found, {"epochs": epochs, "steps": float(steps)})


def loss_stands(opening: float, closing: float, *, steps: int) -> Finding:
    """Return whether the training loss did not fall.

    Args:
        opening: mean loss of the first steps.
        closing: mean loss of the last ones.
        steps: of all.
    """
    found = closing > FALLEN * opening > 0
    evidence = {"opening_loss": opening, "closing_loss": closing, "steps": float(steps)}
    return Finding("loss_stands", found, evidence)


def unmoved_weights(unmoved: Sequence[str], *, tensors: int) -> Finding:
    """Return whether weights never moved.

    Args:
        unmoved: names of the tensors that are, to the bit, what they were before training.
        tensors: of all that were to be trained.
    """
    found = bool(unmoved)
    named = ", ".join(unmoved[:3]) + (", …" if len(unmoved) > 3 else "")
    evidence = {"unmoved": float(len(unmoved)), "tensors": float(tensors)}
    return Finding("unmoved_weights", found, evidence, named)


def one_label(predicted: Sequence[str], gold: Sequence[str]) -> Finding | None:
    """Return whether all texts get one label, though theirs differ; None where that says nothing.

    Args:
        predicted: the label that each text got.
        gold: the label that each should have.
    """
    counts = Counter(gold).most_common()
    if sum(count for _, count in counts[1:]) < OTHERS:
        return None
    given, due = len(set(predicted)), len(counts)
    found = given == 1
    evidence = {"labels": float(given), "gold": float(due), "texts": float(len(gold))}
    return Finding("one_label", found, evidence, predicted[0] if found else "")


def one_value(predicted: NDArray[np.float64], gold: NDArray[np.float64]) -> Finding | None:
    """Return whether all texts get nearly one value, though theirs differ; None as above.

    Args:
        predicted: the value that each text got: [N].
        gold: the value that each should have: [N].
    """
    due = float(np.std(gold)) if len(gold) else 0.0
    if len(gold) < VALUES or due == 0:
        return None
    given = float(np.std(predicted))
    found = given < CONSTANT * due
    evidence = {"deviation": given, "gold": due}
    evidence |= {"texts": float(len(gold)), "mean": float(np.mean(predicted))}
    return Finding("one_value", found, evidence)
