r"""Calibration: probabilities that mean what they say, and the one number that mends most of them.

    ECE = Σ_m |B_m|/n · |acc(B_m) − conf(B_m)|                  Guo et al. 2017, eq. 5
    q = softmax(z / T),  T = argmin_T −Σ_i log q_i[label_i]     §4.2, temperature scaling

B_m are the texts whose confidence, the probability of the likeliest label, lies in the m-th of M
equal intervals. T changes no decision. Letters: N texts, C labels.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from munmaek.arrays import Floats, Int64s
from munmaek.metrics.score import Score, Signature
from munmaek.metrics.significance import bootstrap_interval

__all__ = [
    "FEWEST",
    "Calibration",
    "calibrate",
    "calibration_error",
    "calibration_score",
    "fit_temperature",
    "is_certain",
    "reliability",
    "tempered",
]

BINS = 15
FEWEST = 100
"""Texts below which no temperature is fitted: so few may all be right, and then the best one is
that which makes every probability 1."""
_LOW, _HIGH = np.log(0.01), np.log(1000.0)
_GOLDEN = (np.sqrt(5) - 1) / 2


def tempered(logprobs: Floats, temperature: float) -> Floats:
    """Divide log-probabilities [N, C] by the temperature and normalise them again."""
    if temperature == 1.0 or not len(logprobs):
        return logprobs
    scaled = logprobs / temperature
    highest = scaled.max(1, keepdims=True)
    return scaled - highest - np.log(np.exp(scaled - highest).sum(1, keepdims=True))


def fit_temperature(logprobs: Floats, gold: Int64s) -> float:
    """Return the temperature under which the labels are likeliest, within 0.01 to 1000.

    The loss is convex in 1/T, so it has one valley in log T too, and golden sections find it.

    Args:
        logprobs: natural-log probabilities, or any scores before softmax [N, C].
        gold: index of each text's label [N].
    """
    low, high = _LOW, _HIGH
    inner = [high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)]
    loss = [_nats(logprobs, gold, float(np.exp(each))) for each in inner]
    for _ in range(60):
        if loss[0] <= loss[1]:
            high, inner[1], loss[1] = inner[1], inner[0], loss[0]
            inner[0] = high - _GOLDEN * (high - low)
            loss[0] = _nats(logprobs, gold, float(np.exp(inner[0])))
        else:
            low, inner[0], loss[0] = inner[0], inner[1], loss[1]
            inner[1] = low + _GOLDEN * (high - low)
            loss[1] = _nats(logprobs, gold, float(np.exp(inner[1])))
    return float(np.exp((low + high) / 2))


def _nats(logprobs: Floats, gold: Int64s, temperature: float) -> float:
    return -float(tempered(logprobs, temperature)[np.arange(len(gold)), gold].mean())


def calibration_error(logprobs: Floats, gold: Int64s, *, bins: int = BINS) -> float:
    """Return ECE of log-probabilities [N, C] against label indices [N]."""
    return float(_error(_sums(logprobs, gold, bins).sum(0)[None])[0])


def _sums(logprobs: Floats, gold: Int64s, bins: int) -> Floats:
    """Return for each text, right minus confidence in the column of its bin: [N, M]."""
    confidence = np.exp(logprobs.max(1))
    right = logprobs.argmax(1) == gold
    # A confidence on a border belongs to the bin below it, as in the paper's half-open intervals.
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    out = np.zeros((len(gold), bins + 1))
    out[np.arange(len(gold)), place] = right - confidence
    out[:, bins] = 1.0
    return out


def reliability(
    logprobs: Floats, gold: Int64s, *, bins: int = BINS
) -> list[tuple[float, float, int]]:
    """Return mean confidence, share of right ones and number of the texts in each bin that has any.

    Args:
        logprobs: of each label, [N, C].
        gold: index of each text's label, [N].
        bins: how many equal intervals of confidence there are.
    """
    confidence, right = np.exp(logprobs.max(1)), logprobs.argmax(1) == gold
    place = np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)
    return [
        (float(confidence[place == at].mean()), float(right[place == at].mean()), int(count))
        for at, count in enumerate(np.bincount(place, minlength=bins))
        if count
    ]


def _error(sums: Floats) -> Floats:
    return np.abs(sums[:, :-1]).sum(1) / sums[:, -1]


def calibration_score(logprobs: Floats, gold: Int64s, *, signature: Signature) -> Score:
    """Return ECE as a score named ``ece``, with a bootstrap interval."""
    sums = _sums(logprobs, gold, BINS)
    named = signature.extended(("bins", str(BINS)), ("unit", "text"))
    score = Score("ece", float(_error(sums.sum(0)[None])[0]), "share", named)
    if len(gold) < 2:
        return score
    return score.within(*bootstrap_interval(sums, _error, rng=np.random.default_rng(0)))


@dataclass(frozen=True, slots=True)
class Calibration:
    """A fitted temperature and what it does to texts that it was not fitted on."""

    temperature: float
    texts: int
    ece_before: float
    ece_after: float
    nats_before: float
    """Mean negative log-likelihood of a label."""
    nats_after: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values, for a model's record."""
        return {name: getattr(self, name) for name in self.__slots__}


def is_certain(temperature: float) -> bool:
    """Return whether a fitted temperature makes all probabilities 0 or 1, as far as it may.

    That happens where all texts are labelled right: then no temperature is too low.
    """
    return bool(np.log(temperature) < _LOW + 1e-3)


def calibrate(logprobs: Floats, gold: Int64s) -> Calibration:
    """Fit the temperature on all texts.

    What it is said to do is measured crosswise: each half of the texts, every other one, under the
    temperature that was fitted on the other half.
    """
    halves = (np.arange(len(gold)) % 2).astype(bool)
    crossed = logprobs.copy()
    for half in (halves, ~halves):
        if half.any() and not half.all():
            crossed[half] = tempered(logprobs[half], fit_temperature(logprobs[~half], gold[~half]))
    return Calibration(
        temperature=fit_temperature(logprobs, gold),
        texts=len(gold),
        ece_before=calibration_error(logprobs, gold),
        ece_after=calibration_error(crossed, gold),
        nats_before=_nats(logprobs, gold, 1.0),
        nats_after=_nats(crossed, gold, 1.0),
    )
