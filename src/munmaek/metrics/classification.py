"""Scores of classifiers: shares of right labels, and the labels that are mistaken."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from munmaek.metrics.measures import LABEL_F1, Measure, label_codes, mean_measure
from munmaek.metrics.score import Score, Signature
from munmaek.metrics.significance import Sums, bootstrap_interval

__all__ = [
    "accuracy",
    "classification_measures",
    "classification_scores",
    "confusion",
    "f1",
    "macro_f1",
    "macro_from_sums",
    "several_measures",
    "several_scores",
    "wilson_interval",
]

Z95 = 1.959963984540054
"""Normal quantile of 0.975."""


def wilson_interval(right: int, total: int, *, z: float = Z95) -> tuple[float, float]:
    r"""Return the interval of a share ``p = right / total`` (Wilson 1927); never leaves 0 to 1.

        (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n)

    Raises:
        ValueError: ``total`` is not positive or ``right`` lies outside 0 to ``total``.
    """
    if not 0 <= right <= total or total == 0:
        message = f"a share needs 0 ≤ right ≤ total and total > 0, got {right} of {total}"
        raise ValueError(message)
    share = right / total
    middle = share + z * z / (2 * total)
    half = z * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    low, high = max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)
    # Rounding must not push the estimate out of its own interval at 0 and 1.
    return min(low, share), max(high, share)


def _paired(predicted: Sequence[str], gold: Sequence[str]) -> int:
    if len(predicted) != len(gold) or not gold:
        message = f"need a prediction for every label, got {len(predicted)} for {len(gold)}"
        raise ValueError(message)
    return len(gold)


def accuracy(predicted: Sequence[str], gold: Sequence[str], *, signature: Signature) -> Score:
    """Return the share of labels predicted right, with Wilson's interval.

    Raises:
        ValueError: the sequences differ in length or are empty.
    """
    total = _paired(predicted, gold)
    right = sum(guess == label for guess, label in zip(predicted, gold, strict=True))
    score = Score("accuracy", right / total, "share", signature.extended(("unit", "text")))
    return score.within(*wilson_interval(right, total))


def confusion(
    predicted: Sequence[str], gold: Sequence[str], labels: Sequence[str]
) -> NDArray[np.int64]:
    """Count by gold label (rows) and predicted label (columns), in the order of ``labels``.

    Raises:
        ValueError: the sequences differ in length or are empty.
        KeyError: a label is not among ``labels``.
    """
    _paired(predicted, gold)
    index = {label: number for number, label in enumerate(labels)}
    table = np.zeros((len(labels), len(labels)), dtype=np.int64)
    rows = np.array([index[label] for label in gold])
    columns = np.array([index[label] for label in predicted])
    np.add.at(table, (rows, columns), 1)
    return table


def macro_f1(predicted: Sequence[str], gold: Sequence[str], *, signature: Signature) -> Score:
    """Return the mean over labels of 2·hits / (predicted + gold), each label counting the same.

    Labels are those that occur among the gold ones or the predictions.

    Raises:
        ValueError: the sequences differ in length or are empty.
    """
    table = confusion(predicted, gold, sorted({*predicted, *gold}))
    both = table.sum(0) + table.sum(1)
    value = float((2 * table.diagonal() / both).mean())
    return Score("macro_f1", value, "share", signature.extended(("unit", "label")))


def classification_scores(
    predicted: Sequence[str], gold: Sequence[str], *, signature: Signature
) -> dict[str, Score]:
    """Return the accuracy and macro F1 by name."""
    scores = (
        accuracy(predicted, gold, signature=signature),
        macro_f1(predicted, gold, signature=signature),
    )
    return {score.name: score for score in scores}


def classification_measures(predicted: Sequence[str], gold: Sequence[str]) -> dict[str, Measure]:
    """Return what accuracy and macro F1 are computed of, a row a text, by name.

    Raises:
        ValueError: the sequences differ in length or are empty.
    """
    _paired(predicted, gold)
    hits = np.array([guess == own for guess, own in zip(predicted, gold, strict=True)])
    table = np.stack([label_codes(predicted), label_codes(gold)], axis=1)
    return {
        "accuracy": mean_measure("accuracy", hits, "share", of="text"),
        "macro_f1": Measure("macro_f1", "share", table, LABEL_F1, (("unit", "label"),)),
    }


def several_measures(
    predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]]
) -> dict[str, Measure]:
    """Return what the scores of texts with several labels are computed of, a row a text, by name.

    Samples F1 is the mean over texts of each one's own, 0 of a text with no label on either side;
    the Hamming loss the share of labels, of all that occur, that are wrong (Tsoumakas & Katakis
    2007).
    """
    rows = [(set(guess), set(own)) for guess, own in zip(predicted, gold, strict=True)]
    labels = sorted({label for pair in rows for side in pair for label in side})
    own = np.array([[[each in side for each in labels] for side in pair] for pair in rows])
    own = own.reshape(len(rows), 2, len(labels))
    guessed, true = own[:, 0], own[:, 1]
    sums = np.stack([guessed & true, guessed, true], axis=2).astype(np.float64)
    whole = sums.sum(1)
    wrong = (guessed != true).sum(1) / max(len(labels), 1)
    named, kinds = (("unit", "label"),), ",".join(labels)
    macro = Measure(
        "macro_f1", "share", sums.reshape(len(rows), -1), Sums(macro_from_sums), named, basis=kinds
    )
    found = (
        mean_measure("exact_match", (guessed == true).all(1), "share", of="text"),
        Measure("micro_f1", "share", whole, Sums(f1), named),
        macro,
        mean_measure("samples_f1", f1(whole), "share", of="text"),
        mean_measure("hamming_loss", wrong, "share", of="label", higher_is_better=False),
    )
    return {each.name: each for each in found}


def macro_from_sums(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean F1 of the labels that occur: sums [B, 3C] → [B]."""
    by_label = sums.reshape(len(sums), -1, 3)
    whole = by_label[..., 1] + by_label[..., 2]
    each = np.divide(2 * by_label[..., 0], whole, out=np.zeros(whole.shape), where=whole > 0)
    return each.sum(1) / np.maximum((whole > 0).sum(1), 1)


def several_scores(
    predicted: Sequence[Sequence[str]], gold: Sequence[Sequence[str]], *, signature: Signature
) -> dict[str, Score]:
    """Return exact matches, F1 of kinds and the Hamming loss, where a text may have several labels.

    Labels are those that occur among the gold ones or the predictions; an F1 of no label at all,
    predicted or gold, is 0.

    Raises:
        ValueError: the sequences differ in length or are empty.
    """
    total = _paired(["" for _ in predicted], ["" for _ in gold])
    rows = [(set(guess), set(own)) for guess, own in zip(predicted, gold, strict=True)]
    right = sum(guess == own for guess, own in rows)
    exact = Score("exact_match", right / total, "share", signature.extended(("unit", "text")))
    counts = np.array(
        [(len(guess & own), len(guess), len(own)) for guess, own in rows], dtype=np.float64
    )
    named = signature.extended(("unit", "label"))
    micro = Score("micro_f1", float(f1(counts.sum(0)[None])[0]), "share", named)
    interval = bootstrap_interval(counts, f1, rng=np.random.default_rng(0))
    labels = sorted({label for guess, own in rows for label in guess | own})
    each = np.array(
        [
            [
                sum(label in guess and label in own for guess, own in rows),
                sum(label in guess for guess, _ in rows),
                sum(label in own for _, own in rows),
            ]
            for label in labels
        ],
        dtype=np.float64,
    )
    value = float(f1(each).mean()) if labels else 0.0
    made = several_measures(predicted, gold)
    return {
        "exact_match": exact.within(*wilson_interval(right, total)),
        "micro_f1": micro.within(*interval),
        "macro_f1": Score("macro_f1", value, "share", named),
        **{
            name: made[name].score(signature, rng=np.random.default_rng(0))
            for name in ("samples_f1", "hamming_loss")
        },
    }


def f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 2·hits / (predicted + gold) of sums [B, 3]."""
    whole = sums[:, 1] + sums[:, 2]
    return np.divide(2 * sums[:, 0], whole, out=np.zeros(len(sums)), where=whole > 0)
