"""Machine code by Numba, kept on disk where that can be written and read, and else made anew.

A folder that cannot be written, a full disk or a damaged file of the cache costs time, never the
result: code is then compiled in every process.
"""

import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import numba

from munmaek.errors import MunmaekWarning

__all__ = ["cache_folder", "kept"]


def kept(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return ``numba.njit`` with these options and a cache that never fails.

    Warns:
        MunmaekWarning: once, that code cannot be kept.
    """

    def compile_later(function: Callable[..., Any]) -> Any:
        compiled = cast("Any", numba).njit(**options)(function)
        try:
            compiled.enable_caching()
        except (RuntimeError, OSError) as error:  # there is no folder that can be written
            _warn_once(error)
        else:
            compiled._cache = _Forgiving(compiled._cache)
        return compiled

    return compile_later


def cache_folder(compiled: Any) -> Path | None:
    """Return the folder that the machine code of a function is kept in, None for none."""
    cache = getattr(compiled, "_cache", None)
    return Path(cache.cache_path) if isinstance(cache, _Forgiving) else None


class _Forgiving:
    """A cache of Numba whose failures are a file that is not there."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def load_overload(self, signature: Any, context: Any) -> Any:
        try:
            return self._inner.load_overload(signature, context)
        except OSError as error:
            _warn_once(error)
        except Exception:  # noqa: BLE001 - what a damaged pickle raises has no bounds
            with suppress(OSError):
                self._inner.flush()  # forgotten, so that the next process finds it mended
        return None

    def save_overload(self, signature: Any, data: Any) -> None:
        try:
            self._inner.save_overload(signature, data)
        except Exception as error:  # noqa: BLE001 - the index, which may be damaged, is read first
            _warn_once(error)


_warned: set[str] = set()


def _warn_once(error: Exception) -> None:
    if not _warned:
        _warned.add("once")
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        message = (
            f"compiled code cannot be kept ({reason}), so that every run compiles anew; let "
            "NUMBA_CACHE_DIR name a folder that can be written"
        )
        warnings.warn(message, MunmaekWarning, stacklevel=2)
