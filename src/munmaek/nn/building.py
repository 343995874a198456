"""Networks made from a seed, and arrays put beside their weights."""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from jaxtyping import Bool, Int
from numpy.typing import NDArray
from torch import Tensor, nn

__all__ = ["build_network", "device_of", "real_positions", "tensor"]


def build_network(make: Callable[[], Any], *, seed: int) -> Any:
    """Call ``make`` with the global torch generator seeded aside: same seed, same weights."""
    # Torch leaves these two without complete types.
    random = cast("Any", torch.random)
    with random.fork_rng(devices=[]):
        random.manual_seed(seed)
        return make()


def device_of(network: Any) -> torch.device:
    """Return the device of the network's weights."""
    module: nn.Module = network
    return next(module.parameters()).device


def tensor(array: NDArray[np.generic], network: Any) -> Tensor:
    """Return ``array`` as a tensor beside the network's weights."""
    return torch.as_tensor(array, device=device_of(network))


def real_positions(lengths: Int[Tensor, " B"], size: int) -> Bool[Tensor, "B T"]:
    """Return a mask, true where a row still has tokens: [B, size]."""
    return torch.arange(size, device=lengths.device)[None, :] < lengths[:, None]
