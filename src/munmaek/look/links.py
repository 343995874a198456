r"""Measures of an alignment: entropy, coverage, and its distance from gold links.

    coverage of source word s    Σ_i α_is       over output words i          Tu et al. 2016, §3
    entropy of output word i     −Σ_s α_is ln α_is

α is the attention that the model itself gives as its alignment, folded to words, special tokens
left out and each row summing to 1 again. Letters: T output words, S source words.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from munmaek.arrays import Float32s
from munmaek.look.attentions import weights_of
from munmaek.look.records import Attention
from munmaek.metrics import links_from_weights
from munmaek.tasks.inside import Predictions, fold_weights

__all__ = ["error_rate", "link_measures"]


def link_measures(
    seen: Predictions, attentions: Sequence[Attention], gold: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return entropy of each output word, coverage of each source word, and AER with ``gold``."""
    chosen = next((each for each in attentions if each.part == "align"), None)
    weights = None if chosen is None else _word_weights(seen, chosen, shift=0)
    if chosen is None or weights is None or not weights.size:
        return {}
    safe = np.where(weights > 0, weights, 1.0)
    made: dict[str, Any] = {
        "coverage": weights.sum(0).tolist(),
        "entropy": (-(weights * np.log(safe)).sum(1)).tolist(),
        "links": sorted([list(link) for link in links_from_weights(weights)]),
    }
    if gold is not None:
        made["aer"] = error_rate(weights, gold)
        made["aer_input_step"] = error_rate(_word_weights(seen, chosen, shift=1), gold)
    return made


def _word_weights(seen: Predictions, chosen: Attention, *, shift: int) -> Float32s:
    """Return the alignment between words: [T, S], rows summing to 1.

    ``shift`` 1 reads output i from the step at which it is the decoder's input rather than its
    prediction (Chen et al. 2020, §3.1).
    """
    assert seen.output is not None
    weights, rows = weights_of(seen, chosen.tensor).mean(0), seen.output.words
    return fold_weights(weights[shift:], rows=rows[: len(rows) - shift], columns=seen.source.words)


def error_rate(weights: Float32s, gold: Mapping[str, Any]) -> float | None:
    """Return AER of each output word's strongest link; None if none is sure and none found."""
    found = links_from_weights(weights)
    sure = {tuple(link) for link in gold.get("sure", ())}
    allowed = sure | {tuple(link) for link in gold.get("possible", ())}
    size = len(found) + len(sure)
    return 1 - (len(found & sure) + len(found & allowed)) / size if size else None
