"""Tokens to batches: frozen NumPy arrays, bucketed by length under a token budget, or packed."""

from munmaek.data.batches import LabelledBatch, PairBatch, SentenceBatch, pad_rows
from munmaek.data.bucketing import bucket, padding_fraction
from munmaek.data.packing import PackedRow, pack, split_long

__all__ = [
    "LabelledBatch",
    "PackedRow",
    "PairBatch",
    "SentenceBatch",
    "bucket",
    "pack",
    "pad_rows",
    "padding_fraction",
    "split_long",
]
