"""Counting, smoothing, tables, queries and ARPA files: NumPy and Numba, never torch.

The way through: ``flatten`` sequences, ``estimate`` a model from them, ask its ``NgramTables`` with
``score``, ``trace``, ``distribution`` and ``top``, make it small with ``compress`` or ``quantise``,
and exchange it with ``write_arpa`` and ``read_arpa``.
"""

from munmaek.ngram.arpa import write_arpa
from munmaek.ngram.arpa_reading import ArpaModel, read_arpa
from munmaek.ngram.compact import CompactTables, compress, fast, quantise, tables_from
from munmaek.ngram.discounts import FALLBACK, discounts_of
from munmaek.ngram.estimation import Estimate, estimate
from munmaek.ngram.queries import Tables, Top, Trace, distribution, score, top, trace
from munmaek.ngram.sequences import flatten
from munmaek.ngram.tables import MAX_ORDER, NgramTables
from munmaek.ngram.textscore import TextScore, score_text
from munmaek.ngram.wordtable import WordTable

__all__ = [
    "FALLBACK",
    "MAX_ORDER",
    "ArpaModel",
    "CompactTables",
    "Estimate",
    "NgramTables",
    "Tables",
    "TextScore",
    "Top",
    "Trace",
    "WordTable",
    "compress",
    "discounts_of",
    "distribution",
    "estimate",
    "fast",
    "flatten",
    "quantise",
    "read_arpa",
    "score",
    "score_text",
    "tables_from",
    "top",
    "trace",
    "write_arpa",
]
