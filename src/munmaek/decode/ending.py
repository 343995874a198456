"""Scores and ranks of the outputs of a search.

Letters: T tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from munmaek.decode.coverage import Coverage
from munmaek.decode.hypothesis import History, Hypothesis, normalised
from munmaek.errors import InputError

__all__ = ["Ends", "ranked"]


@dataclass(frozen=True, slots=True)
class Ends:
    """The way in which an output that ends is scored."""

    eos: int
    length_penalty: float
    coverage: Coverage | None

    def output(
        self, history: History, row: int, parent: int, token: int, total: float
    ) -> Hypothesis:
        """Return the prefix ``parent`` ended by ``token``, which is cut where that is not eos.

        Args:
            history: how the prefixes held came about.
            row: whose output it is.
            parent: its prefix among those held.
            token: the last prediction.
            total: nats of all predictions.
        """
        before = history.tokens(parent)
        attention = history.attention(parent)
        score = normalised(total, len(before) + 1, self.length_penalty)
        if self.coverage is not None:
            score += self.coverage.penalty(row, attention)
        return Hypothesis(
            tokens=before if token == self.eos else (*before, token),
            logprob=total,
            score=score,
            finished=token == self.eos,
            attention=attention,
        )


def ranked(outputs: Sequence[Sequence[Hypothesis]], n_best: int) -> list[list[Hypothesis]]:
    """Return the ``n_best`` outputs of each row, finished ones first, best first.

    Raises:
        InputError: a row has none.
    """
    for row, own in enumerate(outputs):
        if not own:
            message = f"row {row}: no token left to choose; all are banned or have no probability"
            raise InputError(message)
    return [sorted(own, key=lambda one: (not one.finished, -one.score))[:n_best] for own in outputs]
