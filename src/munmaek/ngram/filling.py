"""Arrays of known size that are still being filled, for whoever writes them meanwhile."""

import math
from collections.abc import Callable, Mapping
from threading import Condition
from typing import Any, final

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["LAST", "OnCounted", "PendingArray", "UnfilledError"]

LAST = ("discounts", "ranked", "logprobs", "backoffs", "index")
"""Arrays of tables that are computed last, in that order."""


class UnfilledError(Exception):
    """An array will not be filled as it was announced."""


@final
class PendingArray:
    """An array whose elements become final from its begin on."""

    def __init__(self, shape: tuple[int, ...], dtype: DTypeLike) -> None:
        """Announce an array none of whose elements is final."""
        self.shape = shape
        self.size = math.prod(shape)
        self.dtype = np.dtype(dtype)
        self.nbytes = self.size * self.dtype.itemsize
        self._condition = Condition()
        self._array = np.empty(0, dtype=self.dtype)
        self._final = 0
        self._stopped = False

    def reach(self, array: NDArray[Any], end: int | None = None) -> None:
        """Announce that the first ``end`` elements of ``array``, or all, are final."""
        with self._condition:
            self._array, self._final = array.reshape(-1), self.size if end is None else end
            self._condition.notify_all()

    def stop(self) -> None:
        """Announce that nothing more will come."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    def beyond(self, begin: int) -> NDArray[Any]:
        """Return what is final from the element ``begin`` on, once there is anything.

        Raises:
            UnfilledError: there will never be.
        """
        with self._condition:
            self._condition.wait_for(lambda: self._stopped or self._final > begin)
            if self._final <= begin:
                raise UnfilledError
            return self._array[begin : self._final]


OnCounted = Callable[[Mapping[str, NDArray[Any] | PendingArray]], None]
"""Called with a model's arrays by name; what it starts may go on beside and waits for them."""
