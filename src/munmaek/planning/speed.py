"""The speed of this machine: matrix products a second, the best measured kept.

The shortest of many short products is what a processor does when nothing else is on it, so that a
busy machine measures what an idle one does.
"""

import hashlib
import json
import os
import platform
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from munmaek import memory
from munmaek.errors import MunmaekError
from munmaek.nn.products import fast_products
from munmaek.text.json_files import read_json_object

__all__ = ["Speed", "cached_speed", "measured_speed"]

_SHAPE = 1024, 384, 1536
"""Rows, inner width and outer width: a batch through a layer of a small network."""
_REPEATS = 12
_FORM = 1
"""Goes up when speeds are measured otherwise."""


@dataclass(frozen=True, slots=True)
class Speed:
    """The speed and memory of a machine, with the threads that torch has."""

    products: float
    """10⁹ floating-point operations a second in products of float32."""
    half_products: float
    """The same in bfloat16, where the device computes in it."""
    threads: int
    memory: int
    """Bytes that are free, at most those that the process may have."""
    device: str = "cpu"

    @property
    def best(self) -> float:
        """Return the operations a second in the faster precision, in 10⁹."""
        return max(self.products, self.half_products)

    def to_json(self) -> dict[str, Any]:
        """Return plain data for the model's record."""
        return asdict(self)


def cached_speed(device: str = "cpu") -> Speed:
    """Return the speed of this machine: the best that was measured here, now or before.

    What is measured while others compute is too low, so the best is kept in the user's cache.
    """
    found, key = measured_speed(device), _key(device)
    with suppress(MunmaekError, OSError, TypeError, KeyError):
        before = Speed(**read_json_object(_place())[key])
        found = replace(
            found,
            products=max(found.products, before.products),
            half_products=max(found.half_products, before.half_products),
        )
    _keep(key, found)
    return found


def measured_speed(device: str = "cpu") -> Speed:
    """Measure products in float32 and bfloat16, in about half a second."""
    half = _products(device, torch.bfloat16)
    return Speed(
        _products(device, torch.float32),
        half,
        torch.get_num_threads(),
        free_memory(device),
        device,
    )


def _products(device: str, kind: torch.dtype) -> float:
    rows, inner, outer = _SHAPE
    left = torch.ones(rows, inner, device=device, dtype=kind)
    right = torch.ones(inner, outer, device=device, dtype=kind)
    with fast_products():
        seconds = min(_timed(left, right) for _ in range(_REPEATS))
    return 2e-9 * rows * inner * outer / seconds


def _timed(left: Tensor, right: Tensor) -> float:
    on_card = left.device.type == "cuda"
    began = time.perf_counter()
    product = left @ right
    if on_card:
        float(product[0, 0])  # waits for the card
    return max(time.perf_counter() - began, 1e-9)


def free_memory(device: str = "cpu") -> int:
    """Return the bytes that are free: of the card, or of the machine."""
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    return memory.free_memory()


def _key(device: str) -> str:
    name = torch.cuda.get_device_name() if device == "cuda" else _processor()
    parts = (_FORM, name, device, torch.get_num_threads(), torch.__version__)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _processor() -> str:
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return next((line for line in lines if line.startswith("model name")), "")
    return platform.processor() or platform.machine()


def _place() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "munmaek" / "speed.json"


def _keep(key: str, found: Speed) -> None:
    """Keep a speed; where that cannot be done it is measured again."""
    place = _place()
    kept: dict[str, Any] = {}
    with suppress(MunmaekError, OSError, TypeError, KeyError):
        kept = dict(read_json_object(place))
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        aside = place.with_suffix(f".{os.getpid()}")
        aside.write_text(json.dumps({**kept, key: found.to_json()}), encoding="utf-8")
        aside.replace(place)
