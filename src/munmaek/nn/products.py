"""Float32 matrix products by the library that computes them faster here.

Torch gives float32 products to MKL, which on some processors uses half the width of their vectors;
oneDNN, which comes with torch as well, uses all of it there and is twice as fast and as exact.
Torch takes oneDNN for them only where it may also round to bfloat16, which oneDNN does with AMX
alone, so what comes out is held against float64 before it is trusted.
"""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import Any, cast

import torch
from torch import Tensor

__all__ = [
    "fast_products",
    "inference",
    "onednn_is_better",
    "onednn_is_on",
    "product_seconds",
    "unmeasured_products",
]

_SIZE = 384
_WORTH = 1.3
"""The speed-up of whole products that makes up for small ones, which are called slower."""
_EXACT = 4.0
"""Largest error beside MKL's: both round to float32, summing in another order."""


class _Switch:
    """On from the first that comes in until the last has gone, in whatever order threads do."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.unmeasured = 0
        self.before = ""

    def enter(self) -> None:
        with self.lock:
            if self.inside == 0:
                self.before = _setting()
                if not self.unmeasured and onednn_is_better():
                    _set("bf16")
            self.inside += 1

    def leave(self) -> None:
        with self.lock:
            self.inside -= 1
            if self.inside == 0:
                _set(self.before)


_switch = _Switch()


@contextmanager
def fast_products() -> Generator[None]:
    """Let oneDNN compute this process's float32 products inside if it is faster and as exact.

    It holds for all threads; what was set before is set again when none is inside any more.
    """
    _switch.enter()
    try:
        yield
    finally:
        _switch.leave()


@contextmanager
def unmeasured_products() -> Generator[None]:
    """Let ``fast_products`` inside keep torch's own choice.

    Which library is faster is measured, and a busy machine may measure otherwise; the two round
    differently, so where numbers are to be the same in every run nothing may depend on it.
    """
    _switch.unmeasured += 1
    try:
        yield
    finally:
        _switch.unmeasured -= 1


@contextmanager
def inference() -> Generator[None]:
    """Compute no gradients inside, and products as in ``fast_products``; a decorator too."""
    with torch.inference_mode(), fast_products():
        yield


def onednn_is_on() -> bool:
    """Return true where float32 products are oneDNN's now."""
    return _setting() == "bf16"


@cache
def onednn_is_better() -> bool:
    """Measure whether oneDNN's products are clearly faster than torch's own choice, and float32's.

    Measured once a process, in some 15 ms.
    """
    if not torch.backends.mkldnn.is_available():
        return False
    left, right = _samples()
    exact = left.double() @ right.double()
    before = _setting()
    try:
        _set("none")
        slow, error = product_seconds(left, right), _error(left @ right, exact)
        _set("bf16")
        fast, other = product_seconds(left, right), _error(left @ right, exact)
    finally:
        _set(before)
    return slow > _WORTH * fast and other <= _EXACT * error


def _samples() -> tuple[Tensor, Tensor]:
    drawn = torch.Generator().manual_seed(0)
    return torch.randn(_SIZE, _SIZE, generator=drawn), torch.randn(_SIZE, _SIZE, generator=drawn)


def _error(product: Tensor, exact: Tensor) -> float:
    return float((product.double() - exact).abs().max())


def product_seconds(left: Tensor, right: Tensor) -> float:
    """Return the shortest of a few products; the first, which also sets up, is among them."""
    times: list[float] = []
    for _ in range(5):
        began = time.perf_counter()
        torch.mm(left, right)
        times.append(time.perf_counter() - began)
    return min(times)


# Torch leaves these without types.
def _setting() -> str:
    return cast("Any", torch.backends.mkldnn).matmul.fp32_precision


def _set(value: str) -> None:
    cast("Any", torch.backends.mkldnn).matmul.fp32_precision = value
