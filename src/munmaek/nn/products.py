"""Float32 matrix products by the library that computes them faster on this processor.

Torch gives float32 products to MKL, which uses half the width of AMD's AVX-512 vectors; oneDNN,
which comes with torch as well, uses all of it and is twice as fast and as exact. On Intel's
processors the two are as fast. As they round differently, what decides is the processor and not a
clock, so that every process on a machine multiplies alike.

Torch takes oneDNN for them only where it may also round to bfloat16, which oneDNN does with AMX
alone, so what comes out is held against float64 before it is trusted.
"""

import platform
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

__all__ = [
    "fast_products",
    "inference",
    "onednn_is_better",
    "onednn_is_exact",
    "onednn_is_on",
    "product_seconds",
]

_SIZE = 384
_EXACT = 4.0
"""Largest error beside MKL's: both round to float32, summing in another order."""


class _Switch:
    """On from the first that comes in until the last has gone, in whatever order threads do."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.before = ""

    def enter(self) -> None:
        with self.lock:
            if self.inside == 0:
                self.before = _setting()
                if onednn_is_better():
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
    """Let oneDNN compute this process's float32 products inside where it is faster and as exact.

    It holds for all threads; what was set before is set again when none is inside any more.
    """
    _switch.enter()
    try:
        yield
    finally:
        _switch.leave()


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
    """Return whether oneDNN's products are the faster ones on this processor, and float32's."""
    return (
        torch.backends.mkl.is_available()
        and torch.backends.cpu.get_cpu_capability() == "AVX512"
        and "AuthenticAMD" in _processor()
        and onednn_is_exact()
    )


@cache
def onednn_is_exact() -> bool:
    """Return whether oneDNN is there and rounds products to float32, held against float64's."""
    if not torch.backends.mkldnn.is_available():
        return False
    left, right = _samples()
    exact = left.double() @ right.double()
    before = _setting()
    try:
        _set("none")
        error = _error(left @ right, exact)
        _set("bf16")
        return _error(left @ right, exact) <= _EXACT * error
    finally:
        _set(before)


def _processor() -> str:
    """Return what the system says of the processor, its maker's name included."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()


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
