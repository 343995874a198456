"""A text laid in rows of equal length that are read side by side.

Letters: R rows, T tokens of each.
"""

from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Int64s
from munmaek.errors import ConfigError

__all__ = ["Laid"]


@final
class Laid:
    """Rows of a stream of tokens, each with the token before it in front, copied as asked for.

    What is left over at the end of the stream is dropped.
    """

    def __init__(self, stream: NDArray[np.integer[Any]], rows: int, before: int) -> None:
        """Hold the stream, which may be mapped.

        Args:
            stream: the tokens.
            rows: R.
            before: the token in front of the first row.

        Raises:
            ConfigError: fewer tokens than rows.
        """
        self._stream, self._rows, self._before = stream, rows, before
        self.length = len(stream) // rows
        """T."""
        if self.length == 0:
            message = f"rows: a text of {len(stream)} tokens cannot be laid in {rows} rows"
            raise ConfigError(message)

    def columns(self, begin: int, end: int, share: slice = slice(None)) -> Int64s:
        """Return columns ``begin`` up to ``end`` of all T + 1, of a share of the rows."""
        rows = range(self._rows)[share]
        found = np.empty((len(rows), end - begin), dtype=np.int64)
        for place, row in zip(found, rows, strict=True):
            at = row * self.length - 1 + begin
            if at < 0:
                place[0], place[1:] = self._before, self._stream[: end - 1]
            else:
                place[:] = self._stream[at : at + end - begin]
        return found
