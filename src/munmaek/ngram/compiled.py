"""One typed door to Numba."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

import numba
import numpy as np

__all__ = ["Index", "compiled"]

P = ParamSpec("P")
R = TypeVar("R")

Index: TypeAlias = int | np.integer[Any]
"""What counts and points within compiled code."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` to machine code on its first call; the code is cached on disk.

    The interpreter's lock is let go while it runs.
    """
    njit = cast("Any", numba.njit)  # pyright: ignore[reportUnknownMemberType] (numba is untyped)
    return cast("Callable[P, R]", njit(cache=True, nogil=True)(function))
