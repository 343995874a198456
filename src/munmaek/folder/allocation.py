"""A bound on the tensors that a network is made of, before it is known to be the right one.

A configuration that was damaged, or written to do harm, may ask for a billion layers. Its weights
cannot: they are as large as their file. So a network that is to take them is stopped when it asks
for far more than they have.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, cast, final

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

__all__ = ["Bounded", "TooLargeError"]

_TIMES = 4
"""A weight that is tied to another is made and thrown away, and drawing may need room besides."""
_SPARE_NUMBERS, _SPARE_TENSORS = 1 << 24, 1 << 10
"""For tables that are computed, not stored, such as those of positions."""


class TooLargeError(Exception):
    """A network asked for more than its weights have."""


@final
class Bounded(TorchFunctionMode):
    """While it is entered, no more is made than ``weights`` can fill, with room to spare."""

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self._numbers = _TIMES * sum(each.numel() for each in weights.values()) + _SPARE_NUMBERS
        self._tensors = _TIMES * len(weights) + _SPARE_TENSORS

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Call ``func``, unless it makes a tensor for which there is no room.

        Raises:
            TooLargeError: that is so.
        """
        count = _MAKERS.get(func)
        if count is not None:
            self._numbers -= count(args)
            self._tensors -= 1
            if min(self._numbers, self._tensors) < 0:
                raise TooLargeError
        return func(*args, **(kwargs or {}))


def _of_shape(args: tuple[Any, ...]) -> int:
    """Return the numbers of a tensor whose axes are given one by one or as a sequence."""
    together = bool(args) and isinstance(args[0], tuple | list)
    shape = cast("tuple[Any, ...]", args[0] if together else args)
    return math.prod(each for each in shape if isinstance(each, int))


def _of_range(args: tuple[Any, ...]) -> int:
    return int(max((abs(each) for each in args if isinstance(each, int | float)), default=0))


_MAKERS: dict[Any, Callable[[tuple[Any, ...]], int]] = {
    **dict.fromkeys((torch.empty, torch.zeros, torch.ones, torch.full, torch.randn), _of_shape),
    torch.arange: _of_range,
}
