"""Gradients summed over shards, in an order that the number of processes does not change.

Between P processes each element travels as in a ring: everyone sends its branches' slices to the
process that owns the slice, which adds them along the tree, and the sums go back to all. With one
branch a process that is 2 (P - 1) / P of the gradient sent by each.
"""

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch import distributed as torch_distributed

from munmaek.fit.sharding import together
from munmaek.fit.shards import Shards, tree_sum

__all__ = ["sum_gradients"]

distributed = cast("Any", torch_distributed)

_Gradients = list[Tensor | None]
"""One for each parameter; None where no shard of the branch used it."""


def sum_gradients(
    parameters: Sequence[nn.Parameter],
    shards: Shards,
    rank: int,
    compute: Callable[[int], None],
) -> None:
    """Leave in every parameter the sum of its gradients over all shards.

    Args:
        parameters: those that are trained, in the same order in every process.
        shards: how many there are, and in how many processes.
        rank: this process.
        compute: puts one shard's gradients into the parameters, which have none when it is called.
    """

    def single(lo: int, hi: int) -> _Gradients | None:
        if hi - lo > 1:
            return None
        _take(parameters)
        compute(lo)
        return _take(parameters)

    sums = [tree_sum(*branch, single, _added) for branch in shards.branches(rank)]
    total = sums[0] if shards.size == 1 else _exchanged(sums, parameters, shards)
    for parameter, gradient in zip(parameters, total, strict=True):
        parameter.grad = gradient


def _take(parameters: Sequence[nn.Parameter]) -> _Gradients:
    found = [parameter.grad for parameter in parameters]
    for parameter in parameters:
        parameter.grad = None
    return found


def _added(left: _Gradients, right: _Gradients) -> _Gradients:
    """Add the right branch to the left one, in its memory."""
    out: _Gradients = []
    for one, other in zip(left, right, strict=True):
        if one is not None and other is not None:
            one.add_(other)
        out.append(other if one is None else one)
    return out


@together()
def _exchanged(
    sums: Sequence[_Gradients], parameters: Sequence[nn.Parameter], shards: Shards
) -> _Gradients:
    """Return the sum over all processes' branches: [parameters]."""
    used = _anywhere(sums, parameters)
    places = [number for number, uses in enumerate(used) if uses]
    length = sum(parameters[place].numel() for place in places)
    every = -(-length // shards.size)  # elements of a slice
    most = max(len(shards.branches(each)) for each in range(shards.size))
    # Minus zero is what adds nothing, whatever the sign of a zero that it is added to.
    sent = parameters[0].new_full((most, every * shards.size), -0.0)
    for row, branch in zip(sent, sums, strict=False):
        at = 0
        for place in places:
            gradient, size = branch[place], parameters[place].numel()
            if gradient is not None:
                row[at : at + size] = gradient.flatten()
            at += size
    own = _sum_of_slice(sent.view(most, shards.size, every), shards)
    whole = [torch.empty_like(own) for _ in range(shards.size)]
    distributed.all_gather(whole, own)
    return _unflattened(torch.cat(whole), parameters, places)


def _anywhere(sums: Sequence[_Gradients], parameters: Sequence[nn.Parameter]) -> list[bool]:
    """Return for each parameter whether any shard of any process used it."""
    used = [any(branch[number] is not None for branch in sums) for number in range(len(parameters))]
    told = torch.tensor(used, dtype=torch.int32, device=parameters[0].device)
    distributed.all_reduce(told)
    return [each > 0 for each in cast("Any", told).tolist()]


def _sum_of_slice(sent: Tensor, shards: Shards) -> Tensor:
    """Return the sum over all shards of the slice that this process owns: [slice].

    Args:
        sent: this process's branches, cut into a slice for each: [branches, processes, slice].
        shards: which branches each process has.
    """
    outgoing = sent.transpose(0, 1).contiguous()
    received = torch.empty_like(outgoing)
    distributed.all_to_all_single(received, outgoing)
    found = {
        branch: received[rank, number]
        for rank in range(shards.size)
        for number, branch in enumerate(shards.branches(rank))
    }
    return tree_sum(0, shards.count, lambda lo, hi: found.get((lo, hi)), Tensor.add_).contiguous()


def _unflattened(
    flat: Tensor, parameters: Sequence[nn.Parameter], places: Sequence[int]
) -> _Gradients:
    """Cut the sum into gradients with memory of their own, as one process would have them."""
    out: _Gradients = [None] * len(parameters)
    sizes = [parameters[place].numel() for place in places]
    parts = torch.split(flat[: sum(sizes)], sizes)
    for place, part in zip(places, parts, strict=True):
        out[place] = part.view_as(parameters[place]).clone()
    return out
