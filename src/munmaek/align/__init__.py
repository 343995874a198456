"""Word links as a result of their own: aligners, marks, and what training is told of links."""

from munmaek.align.marks import (
    Guide,
    MarkedPair,
    append_marks,
    guide_of,
    read_guide,
    read_marks,
    tokenizer_hash,
)
from munmaek.align.pharaoh import GoldLinks, format_gold, parse_gold
from munmaek.align.statistical import HmmAligner, HmmSettings, Posteriors, statistical_links
from munmaek.align.symmetrise import SYMMETRISATIONS, Symmetrisation, symmetrise

__all__ = [
    "SYMMETRISATIONS",
    "GoldLinks",
    "Guide",
    "HmmAligner",
    "HmmSettings",
    "MarkedPair",
    "Posteriors",
    "Symmetrisation",
    "append_marks",
    "format_gold",
    "guide_of",
    "parse_gold",
    "read_guide",
    "read_marks",
    "statistical_links",
    "symmetrise",
    "tokenizer_hash",
]
