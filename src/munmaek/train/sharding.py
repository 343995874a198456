"""Tensors that are divided among processes, to and from whole ones; every process takes part."""

from typing import Any, cast

import torch
from torch import Tensor
from torch.distributed import tensor as distributed_tensor

__all__ = ["divided_like", "part", "whole"]

_library = cast("Any", distributed_tensor)


def whole(tensor: Tensor) -> Tensor:
    """The tensor itself, or all of one that is divided."""
    if isinstance(tensor, _library.DTensor):
        return cast("Any", tensor).full_tensor()
    return tensor


def part(tensor: Tensor) -> Tensor:
    """The tensor itself, or this process's part of one that is divided."""
    if isinstance(tensor, _library.DTensor):
        return cast("Any", tensor).to_local()
    return tensor


def divided_like(tensor: Tensor, model: Tensor) -> Tensor:
    """``tensor``, divided as ``model`` is if it is."""
    if not isinstance(model, _library.DTensor) or tensor.shape != model.shape:
        return tensor
    kind: Any = model
    with torch.no_grad():
        return _library.distribute_tensor(
            tensor.to(kind.device), kind.device_mesh, kind.placements, src_data_rank=None
        )
