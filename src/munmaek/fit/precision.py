"""The precision of matrix products."""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from typing import Literal

import torch

from munmaek.fit.config import TrainConfig
from munmaek.nn.products import fast_products, product_seconds

__all__ = ["Precision", "autocast", "flushing_subnormals", "has_fast_bfloat16", "resolve"]

Precision = Literal["float32", "bfloat16"]

_SIZE = 512
_WORTH = 1.25
"""Speed-up of bfloat16 products that makes up for the conversions around them."""


@cache
def has_fast_bfloat16(device: torch.device) -> bool:
    """Return whether bfloat16 matrix products are clearly faster than float32 ones.

    On a processor this is measured, in some 20 ms: of those that have the instructions
    (``avx512_bf16``), some compute with them at one and a half times the speed of float32 and some
    at half of it.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    full = torch.ones(_SIZE, _SIZE)
    half = full.bfloat16()
    with fast_products():  # as training multiplies, wherever it is asked
        return product_seconds(full, full) > _WORTH * product_seconds(half, half)


def resolve(config: TrainConfig, device: torch.device) -> Precision:
    """Return what ``auto`` comes to on this device."""
    if config.precision == "auto":
        return "bfloat16" if has_fast_bfloat16(device) else "float32"
    return config.precision


def autocast(precision: Precision, device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which a training loss is computed."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


@contextmanager
def flushing_subnormals() -> Generator[None]:
    """Count numbers below 1e-38 as zero inside; after it they count as they did before.

    Gradients that vanish over a long sequence end there, and with such numbers a processor
    calculates more than ten times slower. It holds for this thread and for those that torch starts
    inside: begin it before torch's first parallel work. Other devices are left alone.
    """
    before = bool((torch.tensor(1e-39) * 1.0 == 0).item())
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
