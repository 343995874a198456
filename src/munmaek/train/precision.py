"""What matrix products are computed in."""

from contextlib import AbstractContextManager, nullcontext

import torch

from munmaek.train.config import TrainConfig

__all__ = ["autocast", "has_fast_bfloat16"]


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies bfloat16 matrices natively."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False


def autocast(config: TrainConfig, device: torch.device) -> AbstractContextManager[object]:
    """The context in which a training loss is computed; ``auto`` means what is faster."""
    lower = config.precision == "bfloat16" or (
        config.precision == "auto" and has_fast_bfloat16(device)
    )
    return torch.autocast(device.type, dtype=torch.bfloat16) if lower else nullcontext()
