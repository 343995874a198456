"""A beam search kept whole: every prefix that was weighed, also those that were dropped.

Letters: N prefixes held, C continuations weighed at one step.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Int64s
from munmaek.decode.hypothesis import Floats, Hypothesis

__all__ = ["BeamNode", "BeamTree"]


@dataclass(frozen=True, slots=True)
class BeamNode:
    """One continuation that was weighed."""

    parent: int | None
    """Its prefix's place among the nodes; None follows the start."""
    token: int
    logprob: float
    """Nats of this token."""
    total: float
    """Nats from the start to it."""
    step: int
    """Tokens before it."""
    kept: bool
    """It went on or ended, rather than being dropped."""
    finished: bool
    """It ends an output, by eos or by being cut."""
    rank: int | None = None
    """The place of its output among those returned, best 0."""


def _start() -> list[int | None]:
    return [None]


@dataclass(slots=True)
class BeamTree:
    """Filled by ``beam_search(..., tree=...)`` for a search of one row."""

    nodes: list[BeamNode] = field(default_factory=list[BeamNode])
    _held: list[int | None] = field(default_factory=_start)
    _latest: list[int] = field(default_factory=list[int])
    _ends: list[tuple[Hypothesis, int]] = field(default_factory=list[tuple[Hypothesis, int]])

    def weigh(
        self, parents: Int64s, tokens: Int64s, totals: Floats, before: Floats, *, kept: int
    ) -> None:
        """Weigh continuations [C], best first, of prefixes held, whose totals are ``before`` [N].

        The first ``kept`` of them stay in the beam.
        """
        step = 0 if self._held[0] is None else self.nodes[self._held[0]].step + 1
        self._latest = list(range(len(self.nodes), len(self.nodes) + kept))
        for place in range(len(parents)):
            parent, total = int(parents[place]), float(totals[place])
            self.nodes.append(
                BeamNode(
                    parent=self._held[parent],
                    token=int(tokens[place]),
                    logprob=total - float(before[parent]),
                    total=total,
                    step=step,
                    kept=place < kept,
                    finished=False,
                )
            )

    def end(self, place: int, output: Hypothesis) -> None:
        """End ``output`` with the kept continuation at ``place``."""
        node = self._latest[place]
        self.nodes[node] = replace(self.nodes[node], finished=True)
        self._ends.append((output, node))

    def go_on(self, going: Int64s, ended: NDArray[np.bool_]) -> None:
        """Hold the kept continuations at ``going`` from now on; others ended or cannot win."""
        held = set(going.tolist())
        for place, node in enumerate(self._latest):
            if place not in held and not ended[place]:
                self.nodes[node] = replace(self.nodes[node], kept=False)
        self._held = [self._latest[place] for place in going.tolist()]

    def rank(self, outputs: Sequence[Hypothesis]) -> None:
        """Say which nodes end the outputs that the search returns, best first."""
        for output, node in self._ends:
            places = [place for place, one in enumerate(outputs) if one is output]
            if places:
                self.nodes[node] = replace(self.nodes[node], rank=places[0])
