"""The options of a search for the best outputs, which every kind of search shares."""

from collections.abc import Sequence
from dataclasses import dataclass

from munmaek.decode.coverage import Coverage

__all__ = ["Search"]


@dataclass(frozen=True, slots=True)
class Search:
    """The options of a search for outputs."""

    max_length: int | Sequence[int]
    """Most predictions of every row or of each, eos included; what has not ended by then is cut,
    and ranked after what has."""
    beam: int = 5
    """Prefixes kept for a row; one is greedy decoding."""
    n_best: int = 1
    """Outputs wanted for a row, at most ``beam``."""
    length_penalty: float = 1.0
    """0 ranks by probability, 1 by probability per prediction."""
    coverage: Coverage | None = None
    """Penalty on the scores of outputs that leave source positions unattended."""
    min_length: int = 0
    """Fewest tokens before eos."""
    no_repeat: int = 0
    """No run of this many tokens comes twice in an output (Paulus et al. 2018, §2.5); 0 lets all
    repeat."""
    banned: Sequence[int] = ()
    """Ids that are never chosen."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            ValueError: one is out of range.
        """
        if not 1 <= self.n_best <= self.beam:
            message = (
                f"n_best must be at least 1 and at most the beam of {self.beam}, got {self.n_best}"
            )
            raise ValueError(message)
        if not self.length_penalty >= 0:
            message = f"length_penalty must be at least 0, got {self.length_penalty}"
            raise ValueError(message)
        if self.no_repeat < 0:
            message = f"no_repeat must be at least 0, got {self.no_repeat}"
            raise ValueError(message)

    def closed(self, eos: int, step: int) -> Sequence[int]:
        """Return the ids that cannot be chosen after ``step`` tokens."""
        return [*self.banned, eos] if step < self.min_length else self.banned
