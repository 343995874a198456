"""Tensors and work divided among processes; every process takes part."""

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, distributed

from munmaek.errors import TrainingError

__all__ = ["divided_like", "part", "rank_and_size", "shared_out", "together", "whole"]

# Its functions come without complete types.
_distributed = cast("Any", distributed)


def _is_divided(tensor: Tensor) -> bool:
    """Return whether each process has a part; nothing is before the library of that is loaded."""
    library = sys.modules.get("torch.distributed.tensor")
    return library is not None and isinstance(tensor, library.DTensor)


def rank_and_size() -> tuple[int, int]:
    """Return which of the processes that train together this is, and how many they are."""
    if not (_distributed.is_available() and _distributed.is_initialized()):
        return 0, 1
    return _distributed.get_rank(), _distributed.get_world_size()


@contextmanager
def together() -> Generator[None]:
    """Turn the error of a process that is gone into a line for users; a decorator too.

    Raises:
        TrainingError: one of them is gone.
    """
    try:
        yield
    except RuntimeError as error:
        message = (
            "another process of the run is gone; torchrun --max-restarts begins again at the last "
            f"checkpoint by itself, and --resume by hand ({str(error).splitlines()[0][:120]})"
        )
        raise TrainingError(message) from error


def whole(tensor: Tensor) -> Tensor:
    """Return the tensor itself, or all of one that is divided."""
    if _is_divided(tensor):
        return cast("Any", tensor).full_tensor()
    return tensor


def part(tensor: Tensor) -> Tensor:
    """Return the tensor itself, or this process's part of one that is divided."""
    if _is_divided(tensor):
        return cast("Any", tensor).to_local()
    return tensor


def divided_like(tensor: Tensor, model: Tensor) -> Tensor:
    """Return ``tensor`` divided over the processes as ``model`` is; whole where that is."""
    if not _is_divided(model) or tensor.shape != model.shape:
        return tensor
    from torch.distributed.tensor import distribute_tensor

    kind: Any = model
    with torch.no_grad():
        return cast("Any", distribute_tensor)(
            tensor.to(kind.device), kind.device_mesh, kind.placements, src_data_rank=None
        )


def shared_out(matrices: Sequence[Tensor], work: Callable[[Tensor], Tensor]) -> list[Tensor]:
    """Return ``work`` of each matrix: every process does its share, and all of them get all.

    Matrices are the same in every process, and ``work``, which costs as much as a product of the
    matrix with its own transpose, keeps shape and type. Of matrices that are divided themselves
    every process does all of them, with its part of each.
    """
    rank, size = rank_and_size()
    if size == 1 or not matrices or any(map(_is_divided, matrices)):
        return [work(each) for each in matrices]
    shares: list[list[int]] = [[] for _ in range(size)]
    loads = [0] * size
    costs = [each.numel() * min(each.shape) for each in matrices]
    for index in sorted(range(len(matrices)), key=lambda index: -costs[index]):
        idle = loads.index(min(loads))
        shares[idle].append(index)
        loads[idle] += costs[index]
    counts = [sum(matrices[index].numel() for index in share) for share in shares]
    sent = matrices[0].new_empty(max(counts))
    mine = [work(matrices[index]).flatten() for index in shares[rank]]
    if mine:
        torch.cat(mine, out=sent[: counts[rank]])
    received = [torch.empty_like(sent) for _ in range(size)]
    with together():
        _distributed.all_gather(received, sent)
    found: dict[int, Tensor] = {}
    for share, values, count in zip(shares, received, counts, strict=True):
        sizes = [matrices[index].numel() for index in share]
        pieces: Sequence[Tensor] = torch.split(values[:count], sizes)
        found |= dict(zip(share, pieces, strict=True))
    return [found[index].view_as(each) for index, each in enumerate(matrices)]
