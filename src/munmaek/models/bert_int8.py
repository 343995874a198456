r"""BERT's stack in 8-bit integers, for a processor: weights once, activations as they come.

    W ≈ diag(s) W₈                   one scale for each row of W, |W₈| ≤ 127
    x ≈ r (x₈ − 128)                 one scale for each token, x₈ unsigned
    W x ≈ r · diag(s) · W₈ (x₈ − 128)

    W x = (W diag(c)) (x ⊘ c)        before either is rounded, for what comes out of LayerNorm

A few dimensions of what LayerNorm gives are many times larger than the rest (28 beside a median of
1.7 in MiniLM-L6) and would leave the rest few steps; c, one number for each dimension, moves their
size into the weights (Xiao et al. 2023, eq. 4: c = max|x|^α / max|W|^(1−α)). Their sizes are found
by reading random tokens once.

After GELU, which is never below −0.17, x + 0.17 ≈ r x₈ uses all 256 steps; W times the constant is
in the bias.

The integer product is oneDNN's, where torch has it; what stands between two products is one pass
over memory each (scale, bias, residual, LayerNorm or GELU, and the next rounding). Attention and
LayerNorm stay in float32. A scale for each token rather than each tensor is what keeps the vectors
near those of float32: a few dimensions of trained encoders are many times larger than the rest,
in some tokens only (Dettmers et al. 2022, §3).

Letters: N tokens, D model width, K inputs of a product, O its outputs.
"""

from inspect import unwrap
from typing import Any, cast

import numba
import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from munmaek.arrays import Bytes, Float32s
from munmaek.compiling import kept
from munmaek.models.bert import BertConfig, BertEncoder, BertLayer
from munmaek.nn.attention import flat_attention
from munmaek.nn.unpadded import Unpadded

__all__ = ["Int8Encoder", "Int8Linear", "quantise", "supports"]

ZERO = 128
LOWEST = np.float32(0.17)
"""GELU's minimum is −0.16997."""
# Sums in any order: else they are not computed in vectors.
_options: dict[str, Any] = {"fastmath": True, "error_model": "numpy"}


def _jit(function: Any) -> Any:
    # Type checks that a test run wraps around functions are not for compiled code.
    return kept(parallel=True, **_options)(unwrap(function))


def _inline(function: Any) -> Any:
    return kept(inline="always", **_options)(unwrap(function))


_range: Any = cast("Any", numba).prange
_LIMIT, _ALL, _HALF, _ROOT = (
    np.float32(127.0),
    np.float32(255.0),
    np.float32(0.5),
    np.float32(0.7071067811865476),
)
_STRENGTH = 0.65
"""α: how much of a dimension's size is moved into the weights."""
_SENTENCES, _LONGEST = 16, 64
"""Random sentences that are read for that, and tokens of the longest."""
_ONE, _SHIFT = np.float32(1.0), np.float32(ZERO + 0.5)


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
    x = encoder.embed(_tensor(ids), torch.cat([torch.arange(length) for length in lengths]))
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


class Int8Linear:
    """A linear layer's weight in integers, without its bias."""

    def __init__(
        self,
        layer: nn.Linear,
        *,
        zero: int = ZERO,
        shift: float = 0.0,
        shared: Tensor | None = None,
    ) -> None:
        """Take the layer, the x₈ that is 0, what was added to its input before, and c."""
        weight = layer.weight.detach().float()
        if shared is not None:
            weight = weight * shared
        self.scale = (weight.abs().amax(1) / 127).clamp(min=1e-12)
        self.weight = (weight / self.scale[:, None]).round().to(torch.int8)
        moved = (self.weight.float() * self.scale[:, None]).sum(1) * shift
        self.bias: Float32s = _numpy(layer.bias.detach().float() - moved)
        self.zero = zero
        self.zeros = torch.zeros(len(weight), dtype=torch.int64)
        self.packed = self._pack()

    def _pack(self) -> Any:
        try:
            return torch.ops.onednn.qlinear_prepack(self.weight, None)
        except (AttributeError, RuntimeError):  # a torch or a processor without it
            return None

    def __call__(self, rows: Bytes) -> Float32s:
        """Return diag(s) W₈ (x₈ − 128) for each token: [N, O]."""
        given = _tensor(rows)
        if self.packed is None:
            return self.plain(rows)
        product = torch.ops.onednn.qlinear_pointwise(
            given, 1.0, self.zero, self.packed, self.scale, self.zeros, None, 1.0, 0, torch.float32,
            "none", [], "",
        )  # fmt: skip
        return _numpy(product)

    def plain(self, rows: Bytes) -> Float32s:
        """Do the same without the integer product; whole numbers below 2²⁴ are exact in float32."""
        given = _tensor(rows).float() - self.zero
        return _numpy((given @ self.weight.float().T) * self.scale)


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
        self.begin: Float32s = _numpy(1 / shared[0][0])
        self.layers = [
            _Layer(layer, *own, after=following)
            for layer, own, following in zip(layers, shared, after, strict=True)
        ]

    def flat(
        self, ids: Int[Tensor, " N"], rows: Unpadded, *, types: Int[Tensor, " N"] | None = None
    ) -> Float[Tensor, "N D"]:
        """Compute what ``BertEncoder.flat`` does."""
        x = _numpy(self.encoder.embed(ids, rows.positions, types))
        coded, scales = _quantise_shared(x, self.begin)
        for layer in self.layers:
            x, coded, scales = layer(x, coded, scales, rows)
        return _tensor(x)


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
        self.first = (*_norm(layer.attention_norm), _numpy(1 / second))
        self.second = (*_norm(layer.output_norm), _numpy(1 / after))

    def __call__(
        self, x: Float32s, coded: Bytes, scales: Float32s, rows: Unpadded
    ) -> tuple[Float32s, Bytes, Float32s]:
        parts = self.qkv(coded)
        _rescale(parts, scales, self.qkv.bias)
        heads = _tensor(parts).view(len(x), 3, self.heads, -1)
        context = _numpy(flat_attention(heads, rows.spans))
        coded, scales = quantise(context)
        x, coded, scales = _add_norm(x, self.mixed(coded), scales, self.mixed.bias, *self.first)
        coded, scales = _gelu(self.inner(coded), scales, self.inner.bias)
        return _add_norm(x, self.outer(coded), scales, self.outer.bias, *self.second)


def _numpy(tensor: Tensor) -> Any:
    return tensor.detach().contiguous().numpy()


def _tensor(array: Any) -> Tensor:
    return cast("Any", torch).from_numpy(array)


def _norm(layer: nn.LayerNorm) -> tuple[Float32s, Float32s, np.float32]:
    return _numpy(layer.weight), _numpy(layer.bias), np.float32(layer.eps)


@_inline
def _largest(row: Any) -> Any:
    """Return the largest magnitude of a row, at least 1e-30.

    Magnitudes of floats are ordered as the integers of their bits; LLVM computes the maximum of
    integers in vectors, and that of floats one by one.
    """
    bits = row.view(np.int32)
    found = np.int32(0x0DA24260)  # 1e-30
    for place in range(bits.shape[0]):
        found = max(found, bits[place] & np.int32(0x7FFFFFFF))
    out = np.empty(1, np.int32)
    out[0] = found
    return out.view(np.float32)[0]


@_inline
def _round_row(row: Any, coded: Any) -> Any:
    """Write x₈ of one token and give its scale."""
    largest = _largest(row)
    step = _LIMIT / largest
    for place in range(row.shape[0]):
        # Truncation after + ½ rounds, as 128 keeps it positive.
        coded[place] = np.uint8(np.int32(row[place] * step + _SHIFT))
    return largest / _LIMIT


@_jit
def quantise(x: Any) -> Any:
    """Return x₈ [N, K] and r [N] of float32 rows [N, K]."""
    coded = np.empty(x.shape, np.uint8)
    scales = np.empty(x.shape[0], np.float32)
    for token in _range(x.shape[0]):
        scales[token] = _round_row(x[token], coded[token])
    return coded, scales


@_inline
def _round_shared_row(row: Any, factors: Any, scaled: Any, coded: Any) -> Any:
    """Apply ``_round_row`` to the token times ``factors``; ``scaled`` is written over."""
    for place in range(row.shape[0]):
        scaled[place] = row[place] * factors[place]
    return _round_row(scaled, coded)


@_jit
def _quantise_shared(x: Any, factors: Any) -> Any:
    """Apply ``quantise`` to x ⊘ c, whose 1/c are ``factors`` [K]."""
    coded = np.empty(x.shape, np.uint8)
    scales = np.empty(x.shape[0], np.float32)
    for token in _range(x.shape[0]):
        scaled = np.empty(x.shape[1], np.float32)
        scales[token] = _round_shared_row(x[token], factors, scaled, coded[token])
    return coded, scales


@_jit
def _rescale(raw: Any, scales: Any, bias: Any) -> None:
    for token in _range(raw.shape[0]):
        for place in range(raw.shape[1]):
            raw[token, place] = raw[token, place] * scales[token] + bias[place]


@_inline
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


@_jit
def _gelu(raw: Any, scales: Any, bias: Any) -> Any:
    """Return x₈ and r of GELU(r · raw + b) + 0.17; ``raw`` is written over."""
    coded = np.empty(raw.shape, np.uint8)
    out = np.empty(raw.shape[0], np.float32)
    for token in _range(raw.shape[0]):
        scale, row = scales[token], raw[token]
        for place in range(raw.shape[1]):
            value = row[place] * scale + bias[place]
            row[place] = _HALF * value * (_ONE + _erf(value * _ROOT)) + LOWEST
        largest = _largest(row)
        step = _ALL / largest
        for place in range(raw.shape[1]):
            coded[token, place] = np.uint8(np.int32(row[place] * step + _HALF))
        out[token] = largest / _ALL
    return coded, out


@_jit
def _add_norm(
    x: Any, raw: Any, scales: Any, bias: Any, weight: Any, shift: Any, eps: Any, factors: Any
) -> Any:
    """Return LayerNorm(x + r · raw + b), and its x₈ and r after ⊘ c; ``raw`` is written over."""
    coded = np.empty(raw.shape, np.uint8)
    out = np.empty(raw.shape[0], np.float32)
    size = np.float32(raw.shape[1])
    for token in _range(raw.shape[0]):
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
