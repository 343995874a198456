"""Lines of a derivation, as a tape keeps them and records have them; loading it loads no torch."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Each", "Line"]

Each = Literal["row", "column", "pair", "score", "all"]
"""One value of a line belongs to a row [R K], a column [C K], a row and a column as a vector
[R C K] or as a number [R C], or to all of them: a weight [M N] or [N]. Heads may come first."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a derivation: a symbol, what it is computed by, and the tensor of its numbers."""

    what: str
    """The catalogue's name of what it is: ``query``."""
    symbol: str
    """``q_i``."""
    formula: str
    """``W_a s_{i−1}``; empty where it is given rather than computed."""
    tensor: str
    """The name of its record."""
    each: Each
