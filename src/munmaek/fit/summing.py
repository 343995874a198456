"""Gradients summed over shards, in an order that the number of processes does not change.

Between processes they travel in buckets, each as soon as the last backward pass of a step has made
the gradients in it (Li et al. 2020, §3.2.3), so that the pass goes on while they are under way.
Every bucket ends with one number for each of its parameters, which says whether a shard used it.

Two processes send each other all of a bucket and both add it up, along the tree. Of more, everyone
sends the slices of its branches to the process that owns the slice, which adds them along the tree,
and the sums go back to all. With one branch a process that is 2 (P - 1) / P of the gradient sent by
each of P processes.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast, final

import torch
from torch import Tensor, nn
from torch import distributed as torch_distributed

from munmaek.fit.sharding import together
from munmaek.fit.shards import Shards, tree_sum

__all__ = ["Compute", "GradientSum", "gathered"]

distributed = cast("Any", torch_distributed)
# Torch 2.13 calls it otherwise, and warns of the name that those before it have.
gathered = getattr(distributed, "all_gather_single", distributed.all_gather_into_tensor)

_BUCKET: int = 1 << 20
"""Elements after which a bucket is full."""
_ALIGNED: int = 16
"""Elements from whose multiples gradients begin, so that they lie as in memory of their own."""

_Gradients = list[Tensor | None]
"""One for each parameter; None where no shard of the branch used it."""
Compute = Callable[[int, Callable[[], None]], None]
"""Puts the gradients of a shard into the parameters, which have none when it is called; calls what
it is given before the last backward pass, if it makes one."""


@final
@dataclass(slots=True)
class _Bucket:
    """Neighbouring parameters whose gradients travel together."""

    shards: Shards
    rank: int
    numbers: list[int]
    """Places of the parameters among all."""
    begins: list[int]
    """First elements of their gradients."""
    sent: Tensor
    """Branches of this process: [branches, elements]."""
    received: Tensor
    """Branches of the other process, or this one's slice of all: [processes, branches, slice]."""
    total: Tensor
    """The sum over all shards: [elements]; of two processes it stands in one of the above."""
    waiting: int = 0
    """Gradients that the last backward pass has not made yet."""
    work: list[Any] = field(default_factory=list[Any])

    def put(self, row: int, place: int, gradient: Tensor | None) -> None:
        """Write the gradient of the parameter at ``place`` of the bucket."""
        begin, used = self.begins[place], self.begins[-1] + place
        if gradient is None:
            # Minus zero is what adds nothing, whatever the sign of a zero it is added to.
            self.sent[row, begin : self.begins[place + 1]] = -0.0
        else:
            self.sent[row, begin : begin + gradient.numel()] = gradient.flatten()
        self.sent[row, used] = float(gradient is not None)

    @together()
    def send(self) -> None:
        """Begin to exchange it."""
        size, most = self.shards.size, len(self.sent)
        if size == 2:
            pairs = (distributed.isend, self.sent), (distributed.irecv, self.received)
            both = [distributed.P2POp(way, tensor, 1 - self.rank) for way, tensor in pairs]
            self.work = distributed.batch_isend_irecv(both)
        else:
            outgoing = self.sent.view(most, size, -1).transpose(0, 1).contiguous()
            work = distributed.all_to_all_single(self.received, outgoing, async_op=True)
            self.work = [work]

    @together()
    def add(self) -> None:
        """Add up what has come, along the tree, and begin to send it back where it is a slice."""
        self._wait()
        size = self.shards.size
        come = {self.rank: self.sent, 1 - self.rank: self.received} if size == 2 else self.received
        found = {
            branch: come[rank][number]
            for rank in range(size)
            for number, branch in enumerate(self.shards.branches(rank))
        }
        own = tree_sum(0, self.shards.count, lambda lo, hi: found.get((lo, hi)), Tensor.add_)
        if size == 2:
            self.total = own
        else:
            self.work = [gathered(self.total, own, async_op=True)]

    @together()
    def sums(self) -> list[Tensor | None]:
        """Return the sum of each parameter, flat, with what lies behind it."""
        self._wait()
        used = cast("Any", self.total[self.begins[-1] :]).tolist()
        pairs = zip(self.begins, self.begins[1:], strict=False)
        return [
            self.total[begin:end] if uses else None
            for (begin, end), uses in zip(pairs, used, strict=False)
        ]

    def _wait(self) -> None:
        while self.work:
            self.work.pop().wait()


@final
class GradientSum:
    """The gradients of some parameters summed over shards, step by step, in memory of its own."""

    def __init__(self, parameters: Sequence[nn.Parameter], shards: Shards, rank: int) -> None:
        """Take the parameters that are trained, in the same order in every process.

        Args:
            parameters: their gradients lie in memory that the next step uses again.
            shards: how many there are, and in how many processes.
            rank: this process.
        """
        self.parameters, self.shards, self.rank = parameters, shards, rank
        self._buckets = _divided(parameters, shards, rank) if shards.size > 1 else []
        self._places = {
            number: (bucket, place)
            for bucket in self._buckets
            for place, number in enumerate(bucket.numbers)
        }
        self._next = 0
        """The bucket that is sent next: in every process they go in one order."""

    def sum(self, compute: Compute) -> None:
        """Leave in every parameter the sum of its gradients over all shards."""
        branches = self.shards.branches(self.rank)

        def single(lo: int, hi: int) -> _Gradients | None:
            return self._of(compute, lo) if hi - lo == 1 else None

        for row, branch in enumerate(branches[:-1]):
            for number, gradient in enumerate(tree_sum(*branch, single, _added)):
                self._put(row, number, gradient)
        # The last branch is its left parts and, at its very end, one shard.
        (lo, hi), lefts = branches[-1], list[_Gradients]()
        while hi - lo > 1:
            middle = (lo + hi) // 2
            lefts.append(tree_sum(lo, middle, single, _added))
            lo = middle
        if self.shards.size == 1:
            last = self._of(compute, lo)
            for left in reversed(lefts):
                last = _added(left, last)
            for parameter, gradient in zip(self.parameters, last, strict=True):
                parameter.grad = gradient
            return
        self._exchange(compute, lo, lefts, len(branches) - 1)

    def _put(self, row: int, number: int, gradient: Tensor | None) -> None:
        bucket, place = self._places[number]
        bucket.put(row, place, gradient)

    def _of(self, compute: Compute, shard: int) -> _Gradients:
        _take(self.parameters)
        compute(shard, lambda: None)
        return _take(self.parameters)

    def _exchange(
        self, compute: Compute, shard: int, lefts: Sequence[_Gradients], row: int
    ) -> None:
        """Compute the last shard of this process and exchange each bucket when it is ready."""
        made, hooks = set[int](), list[Any]()
        self._begin(row)

        def ready(number: int) -> None:
            assert number not in made, "a gradient that comes twice in one backward pass"
            made.add(number)
            self._ready(number, lefts, row)

        def made_of(number: int, parameter: Tensor) -> None:
            del parameter
            ready(number)

        def begin() -> None:
            for number, parameter in enumerate(self.parameters):
                hook = cast("Any", parameter).register_post_accumulate_grad_hook
                hooks.append(hook(partial(made_of, number)))

        _take(self.parameters)
        try:
            compute(shard, begin)
        finally:
            for hook in hooks:
                hook.remove()
        for number in reversed(range(len(self.parameters))):
            if number not in made:
                ready(number)

    def _begin(self, row: int) -> None:
        """Wait for all gradients; the rows after ``row`` are no branches of this process."""
        self._next = 0
        for bucket in self._buckets:
            bucket.waiting = len(bucket.numbers)
            for place in range(len(bucket.numbers)):
                for lacking in range(row + 1, len(bucket.sent)):
                    bucket.put(lacking, place, None)

    def _ready(self, number: int, lefts: Sequence[_Gradients], row: int) -> None:
        """Add a gradient to the left parts of its branch; send the buckets that are full."""
        gradient = self.parameters[number].grad
        self.parameters[number].grad = None
        for left in reversed(lefts):
            gradient = _sum_of(left[number], gradient)
        self._put(row, number, gradient)
        self._places[number][0].waiting -= 1
        while self._next < len(self._buckets) and not self._buckets[self._next].waiting:
            self._buckets[self._next].send()
            self._next += 1

    def collect(self) -> None:
        """Put the sums into the parameters, once they have come from all processes."""
        for bucket in self._buckets:
            bucket.add()
        for bucket in self._buckets:
            for number, found in zip(bucket.numbers, bucket.sums(), strict=True):
                parameter = self.parameters[number]
                if found is not None:
                    found = found[: parameter.numel()].view_as(parameter)
                parameter.grad = found


def _divided(parameters: Sequence[nn.Parameter], shards: Shards, rank: int) -> list[_Bucket]:
    """Cut the parameters into buckets, in the order in which a backward pass makes gradients."""
    buckets, numbers, begins = list[_Bucket](), list[int](), [0]
    for number in reversed(range(len(parameters))):
        numbers.append(number)
        begins.append(begins[-1] + _rounded(parameters[number].numel(), _ALIGNED))
        if begins[-1] >= _BUCKET or number == 0:
            buckets.append(_bucket(numbers, begins, parameters[number], shards, rank))
            numbers, begins = [], [0]
    return buckets


def _rounded(count: int, multiple: int) -> int:
    return -(-count // multiple) * multiple


def _bucket(
    numbers: list[int], begins: list[int], like: Tensor, shards: Shards, rank: int
) -> _Bucket:
    size = shards.size
    elements = _rounded(begins[-1] + len(numbers), size * _ALIGNED)
    most = max(len(shards.branches(each)) for each in range(size))
    sent = torch.full((most, elements), -0.0, dtype=like.dtype, device=like.device)
    if size == 2:
        received = torch.empty_like(sent)
        return _Bucket(shards, rank, numbers, begins, sent, received, sent[0])
    received = sent.new_empty(size, most, elements // size)
    return _Bucket(shards, rank, numbers, begins, sent, received, sent.new_empty(elements))


def _take(parameters: Sequence[nn.Parameter]) -> _Gradients:
    found = [parameter.grad for parameter in parameters]
    for parameter in parameters:
        parameter.grad = None
    return found


def _sum_of(left: Tensor | None, right: Tensor | None) -> Tensor | None:
    """Add the right gradient to the left one, in its memory."""
    if left is not None and right is not None:
        left.add_(right)
    return right if left is None else left


def _added(left: _Gradients, right: _Gradients) -> _Gradients:
    """Add the right branch to the left one, in its memory."""
    return [_sum_of(one, other) for one, other in zip(left, right, strict=True)]
