"""One typed door to Numba."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

import numpy as np

from munmaek.compiling import cache_folder, kept

__all__ = ["Index", "compiled", "inlined", "is_cached"]

P = ParamSpec("P")
R = TypeVar("R")

Index: TypeAlias = int | np.integer[Any]
"""A number that counts or points within compiled code."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` to machine code on its first call; the code is cached on disk.

    The interpreter's lock is let go while it runs.
    """
    return cast("Callable[P, R]", kept(nogil=True)(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a function into the compiled code that calls it.

    A call hands over each array in seven pieces, which takes longer than a few instructions on it.
    """
    return cast("Callable[P, R]", kept(nogil=True, forceinline=True)(function))


def is_cached(module: str) -> bool:
    """Return whether machine code of every compiled function of a module lies on disk."""
    for name, value in vars(import_module(module)).items():
        if not hasattr(value, "_cache") or value.__module__ != module:
            continue
        folder = cache_folder(value)
        if folder is None or not any(folder.glob(f"*.{name}-*.nbi")):
            return False
    return True
