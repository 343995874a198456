"""Word links as a result of their own: aligners, marks, and what training is told of links."""

from munmaek.align.marks import (
    Guide,
    MarkedPair,
    append_marks,
    guide_of,
    read_guide,
    read_marks,
    tokenizer_hash,
    write_pharaoh,
)
from munmaek.align.pharaoh import GoldLinks, format_gold, parse_gold

__all__ = [
    "GoldLinks",
    "Guide",
    "MarkedPair",
    "append_marks",
    "format_gold",
    "guide_of",
    "parse_gold",
    "read_guide",
    "read_marks",
    "tokenizer_hash",
    "write_pharaoh",
]
