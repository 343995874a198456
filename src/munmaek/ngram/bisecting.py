"""The place of a number among rising ones; NumPy's own search takes a second to compile."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.ngram.compiled import Index, compiled

__all__ = ["below"]


@compiled
def below(numbers: NDArray[Any], limit: Index | np.floating[Any]) -> int:
    """Return how many of the rising ``numbers`` are below ``limit``."""
    low, high = 0, len(numbers)
    while low < high:
        middle = (low + high) >> 1
        if numbers[middle] < limit:
            low = middle + 1
        else:
            high = middle
    return low
