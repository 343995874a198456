r"""What can be said of an alignment: entropy, coverage, and its distance from gold links.

    coverage of source word s    Σ_i α_is       over output words i          Tu et al. 2016, §3
    entropy of output word i     −Σ_s α_is ln α_is

α is the attention that the model itself gives as its alignment, folded to words, special tokens
left out and each row summing to 1 again. Letters: T output words, S source words.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.look.records import Attention, Record
from munmaek.metrics import links_from_weights
from munmaek.tasks.inside import fold_weights

__all__ = ["alignment_of", "error_rate", "link_measures", "word_weights"]

Floats = NDArray[np.floating[Any]]
Link = tuple[int, int]


def alignment_of(record: Record) -> Attention | None:
    """The attention that stands for the record's word links."""
    return next((each for each in record.attentions if each.part == "align"), None)


def word_weights(record: Record, *, input_step: bool = False) -> Floats | None:
    """The alignment between words: [T, S], rows summing to 1; None without attention.

    Args:
        record: of a translation.
        input_step: read output i from the step at which it is the decoder's input rather than its
            prediction (Chen et al. 2020, §3.1).
    """
    chosen = alignment_of(record)
    if chosen is None or record.output is None:
        return None
    weights = record.tensors[chosen.tensor].mean(0)
    rows = record.output.words
    if input_step:
        weights, rows = weights[1:], rows[:-1]
    return fold_weights(weights, rows=rows, columns=record.source.words)


def link_measures(record: Record) -> dict[str, Any]:
    """Entropy of each output word, coverage of each source word, and AER where gold is known."""
    weights = word_weights(record)
    if weights is None or not weights.size:
        return {}
    safe = np.where(weights > 0, weights, 1.0)
    made: dict[str, Any] = {
        "coverage": weights.sum(0).tolist(),
        "entropy": (-(weights * np.log(safe)).sum(1)).tolist(),
        "links": sorted([list(link) for link in links_from_weights(weights)]),
    }
    if record.gold is not None:
        made["aer"] = error_rate(weights, record.gold)
        shifted = word_weights(record, input_step=True)
        assert shifted is not None
        made["aer_input_step"] = error_rate(shifted, record.gold)
    return made


def error_rate(weights: Floats, gold: Any) -> float | None:
    """AER of the strongest link of each output word; None where nothing is sure and none found."""
    found = links_from_weights(weights)
    sure = {tuple(link) for link in gold.get("sure", ())}
    allowed = sure | {tuple(link) for link in gold.get("possible", ())}
    size = len(found) + len(sure)
    return 1 - (len(found & sure) + len(found & allowed)) / size if size else None
