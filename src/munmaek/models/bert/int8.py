r"""BERT's stack with the 8-bit products of ``munmaek.nn.int8``, for a processor.

    W x = (W diag(c)) (x ⊘ c)        before either is rounded, for what comes out of LayerNorm

A few dimensions of what LayerNorm gives are many times larger than the rest (28 beside a median of
1.7 in MiniLM-L6) and would leave the rest few steps; c, one number for each dimension, moves their
size into the weights (Xiao et al. 2023, eq. 4: c = max|x|^α / max|W|^(1−α)). Their sizes are found
by reading random tokens once.

After GELU, which is never below −0.17, x + 0.17 ≈ r x₈ uses all 256 steps; W times the constant is
in the bias.

What stands between two products is one pass over memory each (scale, bias, residual, LayerNorm or
GELU, and the next rounding). Attention and
LayerNorm stay in float32. A scale for each token rather than each tensor is what keeps the vectors
near those of float32: a few dimensions of trained encoders are many times larger than the rest,
in some tokens only (Dettmers et al. 2022, §3).

Letters: N tokens, D model width, K inputs of a product, O its outputs.
"""

from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from munmaek.arrays import Bytes, Float32s
from munmaek.models.bert.attention import flat_attention
from munmaek.models.bert.config import BertConfig
from munmaek.models.bert.encoder import BertEncoder, BertLayer
from munmaek.models.bert.unpadded import Unpadded
from munmaek.nn.int8 import (
    Int8Linear,
    as_numpy,
    as_tensor,
    compiled,
    inlined,
    largest_of,
    parallel_range,
    quantise,
    round_row,
)

__all__ = ["Int8Encoder", "supports"]

LOWEST = np.float32(0.17)
"""GELU's minimum is −0.16997."""
_ALL, _HALF, _ONE, _ROOT = (
    np.float32(255.0),
    np.float32(0.5),
    np.float32(1.0),
    np.float32(0.7071067811865476),
)
_STRENGTH = 0.65
"""α: how much of a dimension's size is moved into the weights."""
_SENTENCES, _LONGEST = 16, 64
"""Random sentences that are read for that, and tokens of the longest."""


def supports(config: BertConfig) -> bool:
    """Return true where a stack of this form runs in integers: the classic one with exact GELU."""
    return config.classic and config.hidden_act in ("gelu", "gelu_python")


def _seen(encoder: BertEncoder) -> list[tuple[Tensor, Tensor]]:
    """Return the largest magnitudes that each layer's products read of random tokens."""
    longest = min(encoder.config.longest or _LONGEST, _LONGEST)
    rng = np.random.default_rng(0)
    lengths = np.linspace(1, longest, _SENTENCES, dtype=np.int64).tolist()
    spans = [(sum(lengths[:row]), 1, length) for row, length in enumerate(lengths)]
    ids = rng.integers(0, encoder.word_embeddings.num_embeddings, sum(lengths))
    x = encoder.embed(as_tensor(ids), torch.cat([torch.arange(length) for length in lengths]))
    out: list[tuple[Tensor, Tensor]] = []
    for each in encoder.layers:
        layer = cast("BertLayer", each)
        y = layer.attention_norm(x + layer.attention.flat(x, spans))
        out.append((x.abs().amax(0), y.abs().amax(0)))
        inner = layer.activation(layer.intermediate(y))
        x = layer.output_norm(y + layer.output(inner))
    return out


def _shared(seen: Tensor, layer: nn.Linear) -> Tensor:
    """Return the c of the products of ``layer``: [K], of mean 1."""
    weight = layer.weight.detach().abs().amax(0).clamp(min=1e-4)
    found = seen.clamp(min=1e-4) ** _STRENGTH / weight ** (1 - _STRENGTH)
    return found / found.mean()


class Int8Encoder:
    """A ``BertEncoder`` with the products of its stack in integers."""

    def __init__(self, encoder: BertEncoder) -> None:
        training = encoder.training
        with torch.inference_mode():
            seen = _seen(encoder.eval())
        encoder.train(training)
        self.encoder = encoder
        layers = [cast("BertLayer", layer) for layer in encoder.layers]
        shared = [
            (_shared(first, layer.attention.qkv), _shared(second, layer.intermediate))
            for (first, second), layer in zip(seen, layers, strict=True)
        ]
        # What the last layer gives goes into no product.
        after = [*(first for first, _ in shared[1:]), torch.ones_like(shared[0][0])]
        self.begin: Float32s = as_numpy(1 / shared[0][0])
        self.layers = [
            _Layer(layer, *own, after=following)
            for layer, own, following in zip(layers, shared, after, strict=True)
        ]

    def flat(
        self, ids: Int[Tensor, " N"], rows: Unpadded, *, types: Int[Tensor, " N"] | None = None
    ) -> Float[Tensor, "N D"]:
        """Compute what ``BertEncoder.flat`` does."""
        x = as_numpy(self.encoder.embed(ids, rows.positions, types))
        coded, scales = _quantise_shared(x, self.begin)
        for layer in self.layers:
            x, coded, scales = layer(x, coded, scales, rows)
        return as_tensor(x)


class _Layer:
    def __init__(self, layer: BertLayer, first: Tensor, second: Tensor, *, after: Tensor) -> None:
        """Take the layer, c of its two products after LayerNorm, and of the next layer's first."""
        attention = layer.attention
        self.heads = attention.heads
        self.qkv = Int8Linear(attention.qkv, shared=first)
        self.mixed = Int8Linear(attention.output)
        self.inner, self.outer = (
            Int8Linear(layer.intermediate, shared=second),
            Int8Linear(layer.output, zero=0, shift=float(LOWEST)),
        )
        self.first = (*_norm(layer.attention_norm), as_numpy(1 / second))
        self.second = (*_norm(layer.output_norm), as_numpy(1 / after))

    def __call__(
        self, x: Float32s, coded: Bytes, scales: Float32s, rows: Unpadded
    ) -> tuple[Float32s, Bytes, Float32s]:
        parts = self.qkv(coded)
        _rescale(parts, scales, self.qkv.bias)
        heads = as_tensor(parts).view(len(x), 3, self.heads, -1)
        context = as_numpy(flat_attention(heads, rows.spans))
        coded, scales = quantise(context)
        x, coded, scales = _add_norm(x, self.mixed(coded), scales, self.mixed.bias, *self.first)
        coded, scales = _gelu(self.inner(coded), scales, self.inner.bias)
        return _add_norm(x, self.outer(coded), scales, self.outer.bias, *self.second)


def _norm(layer: nn.LayerNorm) -> tuple[Float32s, Float32s, np.float32]:
    return as_numpy(layer.weight), as_numpy(layer.bias), np.float32(layer.eps)


@inlined
def _round_shared_row(row: Any, factors: Any, scaled: Any, coded: Any) -> Any:
    """Apply ``round_row`` to the token times ``factors``; ``scaled`` is written over."""
    for place in range(row.shape[0]):
        scaled[place] = row[place] * factors[place]
    return round_row(scaled, coded)


@compiled
def _quantise_shared(x: Any, factors: Any) -> Any:
    """Apply ``quantise`` to x ⊘ c, whose 1/c are ``factors`` [K]."""
    coded = np.empty(x.shape, np.uint8)
    scales = np.empty(x.shape[0], np.float32)
    for token in parallel_range(x.shape[0]):
        scaled = np.empty(x.shape[1], np.float32)
        scales[token] = _round_shared_row(x[token], factors, scaled, coded[token])
    return coded, scales


@compiled
def _rescale(raw: Any, scales: Any, bias: Any) -> None:
    for token in parallel_range(raw.shape[0]):
        for place in range(raw.shape[1]):
            raw[token, place] = raw[token, place] * scales[token] + bias[place]


@inlined
def _erf(x: Any) -> Any:
    """Return erf within 3e-7 by Eigen's ``generic_fast_erf_float``, a rational function on ±4."""
    x = min(max(x, np.float32(-4.0)), np.float32(4.0))
    square = x * x
    above = np.float32(-2.72614225801306e-10)
    above = above * square + np.float32(2.77068142495902e-08)
    above = above * square + np.float32(-2.10102402082508e-06)
    above = above * square + np.float32(-5.69250639462346e-05)
    above = above * square + np.float32(-7.34990630326855e-04)
    above = above * square + np.float32(-2.95459980854025e-03)
    above = above * square + np.float32(-1.60960333262415e-02)
    below = np.float32(-1.45660718464996e-05)
    below = below * square + np.float32(-2.13374055278905e-04)
    below = below * square + np.float32(-1.68282697438203e-03)
    below = below * square + np.float32(-7.37332916720468e-03)
    below = below * square + np.float32(-1.42647390514189e-02)
    return x * above / below


@compiled
def _gelu(raw: Any, scales: Any, bias: Any) -> Any:
    """Return x₈ and r of GELU(r · raw + b) + 0.17; ``raw`` is written over."""
    coded = np.empty(raw.shape, np.uint8)
    out = np.empty(raw.shape[0], np.float32)
    for token in parallel_range(raw.shape[0]):
        scale, row = scales[token], raw[token]
        for place in range(raw.shape[1]):
            value = row[place] * scale + bias[place]
            row[place] = _HALF * value * (_ONE + _erf(value * _ROOT)) + LOWEST
        largest = largest_of(row)
        step = _ALL / largest
        for place in range(raw.shape[1]):
            coded[token, place] = np.uint8(np.int32(row[place] * step + _HALF))
        out[token] = largest / _ALL
    return coded, out


@compiled
def _add_norm(
    x: Any, raw: Any, scales: Any, bias: Any, weight: Any, shift: Any, eps: Any, factors: Any
) -> Any:
    """Return LayerNorm(x + r · raw + b), and its x₈ and r after ⊘ c; ``raw`` is written over."""
    coded = np.empty(raw.shape, np.uint8)
    out = np.empty(raw.shape[0], np.float32)
    size = np.float32(raw.shape[1])
    for token in parallel_range(raw.shape[0]):
        scale, row = scales[token], raw[token]
        total = np.float32(0.0)
        for place in range(raw.shape[1]):
            row[place] = x[token, place] + row[place] * scale + bias[place]
            total += row[place]
        mean = total / size
        spread = np.float32(0.0)
        for place in range(raw.shape[1]):
            spread += (row[place] - mean) * (row[place] - mean)
        factor = _ONE / np.sqrt(spread / size + eps)
        for place in range(raw.shape[1]):
            row[place] = (row[place] - mean) * factor * weight[place] + shift[place]
        scaled = np.empty(raw.shape[1], np.float32)
        out[token] = _round_shared_row(row, factors, scaled, coded[token])
    return raw, coded, out
