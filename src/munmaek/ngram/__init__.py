"""Counting, smoothing, tables, queries and ARPA files: NumPy and Numba, never torch.

The way through: ``flatten`` sequences, ``estimate`` a model from them, ask its ``NgramTables`` with
``score``, ``trace``, ``distribution`` and ``top``, make it small with ``compress`` or ``quantise``,
and exchange it with ``write_arpa`` and ``read_arpa``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOMES = {
    "FALLBACK": "discounts",
    "MAX_ORDER": "tables",
    "ArpaModel": "arpa_reading",
    "CompactTables": "compact",
    "Estimate": "estimation",
    "NgramTables": "tables",
    "Tables": "queries",
    "TextScore": "textscore",
    "Top": "queries",
    "Trace": "queries",
    "WordTable": "wordtable",
    "compress": "compact",
    "discounts_of": "discounts",
    "distribution": "queries",
    "estimate": "estimation",
    "fast": "compact",
    "flatten": "sequences",
    "quantise": "compact",
    "read_arpa": "arpa_reading",
    "score": "queries",
    "score_text": "textscore",
    "tables_from": "compact",
    "top": "queries",
    "trace": "queries",
    "write_arpa": "arpa",
}
"""Module of each name: who wants one file of the engine, as the aligner does, loads no other."""


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"munmaek.ngram.{_HOMES[name]}"), name)
    message = f"module 'munmaek.ngram' has no attribute '{name}'"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return __all__
