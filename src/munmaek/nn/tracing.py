"""Whether a network runs in order to be written as a graph, such as one of ONNX."""

from typing import Any, cast

import torch

__all__ = ["is_traced"]


def is_traced() -> bool:
    """Return whether what is computed is being recorded, to be run later on other sizes.

    A choice that rests on sizes would be kept for all of them: then the general way is taken.
    """
    return bool(cast("Any", torch.jit).is_tracing())
