"""Word links as a result of their own: aligners, marks, and alignment supervision."""

from munmaek.align.marks import (
    AlignmentSupervision,
    MarkedPair,
    append_marks,
    read_marks,
    read_supervision,
    supervision_of,
    tokenizer_hash,
)
from munmaek.align.pharaoh import GoldLinks, format_gold, parse_gold
from munmaek.align.statistical import HmmAligner, HmmSettings, Posteriors, statistical_links
from munmaek.align.symmetrise import SYMMETRISATIONS, Symmetrisation, symmetrise

__all__ = [
    "SYMMETRISATIONS",
    "AlignmentSupervision",
    "GoldLinks",
    "HmmAligner",
    "HmmSettings",
    "MarkedPair",
    "Posteriors",
    "Symmetrisation",
    "append_marks",
    "format_gold",
    "parse_gold",
    "read_marks",
    "read_supervision",
    "statistical_links",
    "supervision_of",
    "symmetrise",
    "tokenizer_hash",
]
