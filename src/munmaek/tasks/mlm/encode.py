"""Vectors of many texts, fast: sorted by length, without padding, in the caller's order again.

A block of texts is sorted and cut into groups under a token budget; the texts of a group stand end
to end. Letters: N texts, D model width.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal, cast, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from munmaek.data.batches import pick
from munmaek.errors import UnsupportedError
from munmaek.models.bert import BertEncoder
from munmaek.models.bert.sentence import pool
from munmaek.models.bert.unpadded import Unpadded
from munmaek.nn.building import device_of
from munmaek.nn.products import inference

__all__ = ["Precision", "Texts", "encode_rows", "prepare"]

Precision = Literal["float32", "bfloat16", "int8"]
Ids = Sequence[int]


@final
@dataclass(frozen=True, slots=True)
class Texts:
    """An encoder made ready to read many texts."""

    flat: Any
    """A function like ``BertEncoder.flat``."""
    device: torch.device


def prepare(encoder: BertEncoder, *, precision: Precision = "float32") -> Texts:
    """Return the encoder with weights of that precision; ``encoder`` stays as it is.

    Raises:
        UnsupportedError: int8 for another form than the classic one, or away from the processor.
    """
    device = device_of(encoder)
    if precision == "bfloat16":
        half = copy.deepcopy(encoder).to(torch.bfloat16).eval()
        return Texts(half.flat, device)
    if precision == "int8":
        from munmaek.models.bert.int8 import Int8Encoder, supports

        if not supports(encoder.config) or device.type != "cpu":
            message = "int8 is for classic BERTs with GELU, on the processor; use bfloat16"
            raise UnsupportedError(message)
        return Texts(Int8Encoder(encoder).flat, device)
    return Texts(encoder.flat, device)


@inference()
def encode_rows(
    texts: Texts,
    rows: Sequence[Ids],
    *,
    pooling: str = "mean",
    before: int = 0,
    max_tokens: int = 1024,
) -> NDArray[np.float32]:
    """Return a vector for each framed row, in the rows' order: [N, D].

    Args:
        texts: what ``prepare`` gave.
        rows: framed token ids; none is empty.
        pooling: names of ``models.bert.sentence.POOLINGS``, with ``+`` between them.
        before: first tokens of every row that are not pooled, fewer than it has.
        max_tokens: that go through together; a longer row goes alone.
    """
    lengths = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    order = np.argsort(lengths, kind="stable")
    ends = np.cumsum(lengths[order])
    out: NDArray[np.float32] | None = None
    start = 0
    while start < len(rows):
        used = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, used + max_tokens, side="right")))
        chosen = order[start:stop]
        part = _group(texts, pick(rows, chosen), pooling, before)
        vectors: NDArray[np.float32] = part.float().cpu().numpy()
        if out is None:
            out = np.empty((len(rows), vectors.shape[1]), dtype=np.float32)
        out[chosen] = vectors
        start = stop
    return np.empty((0, 0), dtype=np.float32) if out is None else out


def _steps(length: int) -> Tensor:
    return torch.arange(length)


def _group(texts: Texts, rows: Sequence[Ids], pooling: str, before: int) -> Tensor:
    """Encode rows of rising length together, without padding: [N, D]."""
    spans: list[tuple[int, int, int]] = []
    start = 0
    for length, run in groupby([len(row) for row in rows]):
        count = len(list(run))
        spans.append((start, count, length))
        start += count * length
    ids = torch.tensor([number for row in rows for number in row], dtype=torch.int64)
    places = torch.cat([_steps(length).repeat(count) for _, count, length in spans])
    laid = Unpadded(torch.arange(len(ids)), places.to(texts.device), spans)
    hidden = cast("Tensor", texts.flat(ids.to(texts.device), laid))
    parts: list[Tensor] = []
    for first, count, length in spans:
        own = hidden[first : first + count * length].reshape(count, length, -1)
        parts.append(pool(own, pooling, before=before))
    return torch.cat(parts)
