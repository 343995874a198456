"""The tensors of a network by which a page's twin of it computes (``frontend/src/live/stages``).

A stage's row names a function such as ``state``: from the network to its tensors by name. Matrices
of float32 may be packed in fewer bits; all else goes as it is.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Arrays", "state"]

Arrays = Mapping[str, NDArray[Any]]


def state(network: Any) -> Arrays:
    """Return the weights of a network of torch, by their names in its state."""
    found: Mapping[str, Any] = network.state_dict()
    return {name: each.detach().cpu().float().numpy() for name, each in found.items()}


def whole_numbers(values: Any) -> NDArray[np.int32]:
    """Return indices as a page takes them."""
    return np.asarray(values, dtype=np.int32)
