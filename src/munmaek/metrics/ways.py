"""The ways of measures by name, so that a file can say which one its numbers are to go."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import InputError
from munmaek.metrics.classification import f1, macro_from_sums
from munmaek.metrics.language import bits_from_sums, perplexity_from_sums
from munmaek.metrics.measures import LABEL_F1, MEAN, RANK_CORRELATION, Measure
from munmaek.metrics.regression import determination_from_sums, pearson_from_sums, root_from_sums
from munmaek.metrics.significance import Sums, Way
from munmaek.metrics.tagging import precision_from_sums, recall_from_sums
from munmaek.metrics.translation import bleu_from_sums, chrf_from_sums, ter_from_sums

__all__ = ["described_measure", "measure_of"]

_WAYS: Mapping[str, Way] = {
    "mean": MEAN,
    "label F1": LABEL_F1,
    "rank correlation": RANK_CORRELATION,
    **{
        name: Sums(each)
        for name, each in (
            ("BLEU", bleu_from_sums),
            ("chrF", chrf_from_sums),
            ("TER", ter_from_sums),
            ("perplexity", perplexity_from_sums),
            ("bits", bits_from_sums),
            ("F1", f1),
            ("macro F1", macro_from_sums),
            ("precision", precision_from_sums),
            ("recall", recall_from_sums),
            ("Pearson", pearson_from_sums),
            ("R2", determination_from_sums),
            ("root of the mean", root_from_sums),
        )
    },
}


def described_measure(measure: Measure) -> dict[str, Any] | None:
    """Return what a file says of a measure besides its numbers; None of one of another way."""
    way = next((name for name, each in _WAYS.items() if each == measure.way), None)
    if way is None:
        return None
    return {
        "way": way,
        "unit": measure.unit,
        "how": [list(each) for each in measure.how],
        "higher_is_better": measure.higher_is_better,
        "fewest": measure.fewest,
        "basis": measure.basis,
    }


def measure_of(name: str, table: NDArray[np.generic], said: Mapping[str, Any]) -> Measure:
    """Return the measure whose numbers are ``table`` and of which a file says ``said``.

    Raises:
        InputError: a way that this version has not.
    """
    way = _WAYS.get(str(said.get("way")))
    if way is None:
        message = f"score '{name}' is computed by '{said.get('way')}', which this munmaek has not"
        raise InputError(message)
    return Measure(
        name,
        str(said["unit"]),
        table,
        way,
        tuple((str(key), str(value)) for key, value in said["how"]),
        bool(said["higher_is_better"]),
        int(said["fewest"]),
        str(said["basis"]),
    )
