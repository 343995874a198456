r"""Beam search: the likeliest outputs, by keeping a few prefixes at a time.

    score(w) = log p(w, eos) / (length of w, eos included) ^ penalty

As in the search of Bahdanau et al. (2015), an output that ends takes a place in the beam, so that a
row searches on with one prefix fewer and ends when the beam is used up. It ends earlier once no
beginning can overtake the outputs that are wanted: a sum of log-probabilities only falls, so
``sum / longest ^ penalty`` bounds what a prefix can still reach, and a coverage penalty only
lowers it. Neither loses an output that a wide enough beam would find.

Letters: R rows, N prefixes held over all rows, K beam, V vocabulary size, T tokens, S source.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Int64s
from munmaek.decode.ending import Ends, ranked
from munmaek.decode.hypothesis import Floats, History, Hypothesis, limits
from munmaek.decode.ranking import likeliest, row_count
from munmaek.decode.repeats import closing_tokens
from munmaek.decode.search import Search
from munmaek.decode.tree import BeamTree
from munmaek.lm import BatchedLanguageModel

__all__ = ["beam_search"]

S = TypeVar("S")


@dataclass(slots=True)
class _Results:
    """Outputs of each of R rows, and what the search asks about them."""

    longest: Int64s
    search: Search
    outputs: list[list[Hypothesis]] = field(init=False)
    places: Int64s = field(init=False)
    """Places left in the beam: [R]."""
    bar: NDArray[np.float64] = field(init=False)
    """Score of the last wanted output, −∞ before there are as many: [R]."""

    def __post_init__(self) -> None:
        rows = len(self.longest)
        self.outputs = [[] for _ in range(rows)]
        self.places = np.full(rows, self.search.beam, dtype=np.int64)
        self.bar = np.full(rows, -np.inf)

    def add(self, row: int, output: Hypothesis) -> None:
        self.outputs[row].append(output)
        self.places[row] -= 1
        scores = sorted((one.score for one in self.outputs[row] if one.finished), reverse=True)
        if len(scores) >= self.search.n_best:
            self.bar[row] = scores[self.search.n_best - 1]

    def open(self, owner: Int64s, sums: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which hypotheses may still matter: [N]; a row's best comes first."""
        if not owner.size:
            return np.empty(0, dtype=np.bool_)
        rows, first = np.unique(owner, return_index=True)
        lengths = self.longest[rows].astype(np.float64)
        reach = sums[first] / lengths**self.search.length_penalty
        going = np.zeros(len(self.longest), dtype=np.bool_)
        going[rows] = reach > self.bar[rows]
        return going[owner]


def beam_search(
    model: BatchedLanguageModel[S],
    search: Search,
    *,
    tree: BeamTree | None = None,
) -> list[list[Hypothesis]]:
    """Search the best outputs for each row of ``model.start()``, best first.

    Args:
        model: rows of contexts.
        search: what is searched for.
        tree: where to keep every step of the search of a single row.

    Returns:
        Up to ``search.n_best`` hypotheses for each row.

    Raises:
        ValueError: a row in which every token is banned, a tree for more than one row, or coverage
            of a model without attention.
    """
    state = model.start()
    attention = model.attention(state)
    rows = row_count(model, state)
    _check_tree(tree, rows=rows)
    ends = Ends(model.eos, search.length_penalty, search.coverage)
    results = _Results(limits(search.max_length, rows), search)
    history = History()
    owner: Int64s = np.arange(rows)
    sums: NDArray[np.float64] = np.zeros(rows)
    step = 0
    while owner.size:
        history.attend(attention)
        wanted = int(results.places[owner].max()) + (search.beam if tree else 0)
        repeats = closing_tokens(history, len(owner), search.no_repeat)
        closed = search.closed(model.eos, step)
        values, ids = _without(repeats, model, state, wanted, closed)
        parents, tokens, totals = _widen(values, ids, sums, owner, results.places)
        if tree is not None:
            weighed = _widen(values, ids, sums, owner, results.places + search.beam)
            tree.weigh(*weighed, sums, kept=len(parents))
        sums = totals
        owner = owner[parents]
        step += 1
        ended = (tokens == model.eos) | (results.longest[owner] <= step)
        for place in np.flatnonzero(ended).tolist():
            row, total = int(owner[place]), float(sums[place])
            output = ends.output(history, row, int(parents[place]), int(tokens[place]), total)
            results.add(row, output)
            if tree is not None:
                tree.end(place, output)
        going = np.flatnonzero(~ended)
        going = going[results.open(owner[going], sums[going])]
        if tree is not None:
            tree.go_on(going, ended)
        parents, tokens, sums, owner = parents[going], tokens[going], sums[going], owner[going]
        if owner.size:
            history.grow(parents, tokens)
            state = model.advance(model.select(state, parents), tokens)
            attention = model.attention(state)
    best = ranked(results.outputs, search.n_best)
    if tree is not None:
        tree.rank(best[0])
    return best


def _without(
    repeats: Sequence[Sequence[int]],
    model: BatchedLanguageModel[S],
    state: S,
    count: int,
    closed: Sequence[int],
) -> tuple[Floats, Int64s]:
    """Return the likeliest tokens of each row but those ``closed`` to all or of its ``repeats``."""
    more = max(map(len, repeats), default=0)
    values, tokens = likeliest(model, state, count + more, closed=closed)
    for row, own in enumerate(repeats):
        if own:
            values[row, np.isin(tokens[row], own)] = -np.inf
    return values, tokens


def _widen(
    values: Floats,
    tokens: Int64s,
    sums: NDArray[np.float64],
    owner: Int64s,
    places: Int64s,
) -> tuple[Int64s, Int64s, NDArray[np.float64]]:
    """Return the best continuations of each row, as many as it has places.

    Args:
        values: log-probabilities of the likeliest next tokens, [N, C].
        tokens: these tokens, [N, C].
        sums: log-probability of each prefix, [N].
        owner: the row of each prefix, rising, [N].
        places: how many to keep for each row, [R].

    Returns:
        The prefix, the token and the sum of each that is kept, row by row, best first. Equal
        ones rank by prefix and id, so that nothing depends on what else is in the batch.
    """
    rows, first, slot_row = np.unique(owner, return_index=True, return_inverse=True)
    width = int(places[rows].max())
    slot = np.arange(len(owner)) - first[slot_row]
    # A table with one line a row: [rows, slots, candidates of a slot], empty slots at −∞.
    table = np.full((len(rows), int(slot.max()) + 1, values.shape[1]), -np.inf)
    table[slot_row, slot] = sums[:, None] + values
    flat = table.reshape(len(rows), -1)
    order = np.argsort(-flat, axis=1, kind="stable")[:, :width]
    best = np.take_along_axis(flat, order, axis=1)
    rank = np.arange(width)
    free = np.less(rank, places[rows].reshape(-1, 1))[:, : order.shape[1]]
    kept = np.logical_and(free, best > -np.inf)
    line, _ = np.nonzero(kept)
    parents = first[line] + order[kept] // values.shape[1]
    return parents, tokens[parents, order[kept] % values.shape[1]], best[kept]


def _check_tree(tree: BeamTree | None, *, rows: int) -> None:
    if tree is not None and rows != 1:
        message = f"a tree keeps the search of one row, got {rows}; search them one by one"
        raise ValueError(message)
