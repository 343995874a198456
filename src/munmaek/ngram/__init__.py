"""Counting, smoothing, tables, queries and ARPA files: NumPy and Numba, never torch.

The way through: ``flatten`` sequences, ``estimate`` a model from them, ask its ``NgramTables`` with
``score``, ``trace`` and ``distribution``, and exchange it with ``write_arpa`` and ``read_arpa``.
"""

from munmaek.ngram.arpa import ArpaModel, read_arpa, write_arpa
from munmaek.ngram.discounts import FALLBACK, discounts_of
from munmaek.ngram.estimation import Estimate, estimate
from munmaek.ngram.queries import Trace, distribution, score, trace
from munmaek.ngram.sequences import flatten
from munmaek.ngram.tables import MAX_ORDER, NgramTables

__all__ = [
    "FALLBACK",
    "MAX_ORDER",
    "ArpaModel",
    "Estimate",
    "NgramTables",
    "Trace",
    "discounts_of",
    "distribution",
    "estimate",
    "flatten",
    "read_arpa",
    "score",
    "trace",
    "write_arpa",
]
