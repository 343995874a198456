"""Networks that run in order to be written as a graph, such as one of ONNX."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import jaxtyping
import torch

__all__ = ["is_traced", "unchecked"]


def is_traced() -> bool:
    """Return whether what is computed is being recorded, to be run later on other sizes.

    A choice that rests on sizes would be kept for all of them: then the general way is taken.
    """
    return bool(cast("Any", torch.jit).is_tracing())


@contextmanager
def unchecked() -> Generator[None]:
    """Leave annotations unchecked: a size that is traced is a tensor, and no plain number."""
    config: Any = jaxtyping.config
    before = config.jaxtyping_disable
    config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        config.update("jaxtyping_disable", before)
