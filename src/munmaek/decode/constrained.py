r"""Beam search whose outputs hold given phrases: dynamic beam allocation (Post & Vilar 2018).

At each step a row's candidates are its likeliest continuations, for each prefix the tokens that
go on with a phrase it still lacks, and each prefix's likeliest token (§3.1). They are put in
banks by how many constraint tokens they lack, and the beam's places are dealt to the banks in equal
parts, those that lack least first (§3.2). An output ends only when it lacks nothing.

A phrase may be spelled in one way at the beginning of an output and in another after it, as the
space before a word belongs to its first subword.

Letters: N hypotheses held over all rows, V vocabulary size.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from munmaek.arrays import Int64s
from munmaek.decode.ending import Ends, ranked
from munmaek.decode.hypothesis import (
    Floats,
    History,
    Hypothesis,
    forbid,
    limits,
)
from munmaek.decode.repeats import closing_tokens
from munmaek.decode.search import Search
from munmaek.lm import BatchedLanguageModel

__all__ = ["Phrase", "constrained_search"]

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tokens that an output must hold, one after the other."""

    tokens: tuple[int, ...]
    """The tokens that spell it within an output."""
    first: tuple[int, ...]
    """The tokens that spell it at the beginning of one."""

    def __post_init__(self) -> None:
        if not self.tokens or not self.first:
            raise ValueError("a phrase that must be in an output needs at least one token")


@dataclass(frozen=True, slots=True)
class _Progress:
    """The phrases of its row that a hypothesis holds, and how far it is with the next."""

    lacking: tuple[int, ...]
    """Numbers of the phrases that are not yet held."""
    rest: tuple[int, ...] = ()
    """Tokens still to come of a phrase that has begun."""
    begun: int = -1

    def missing(self, phrases: Sequence[Phrase]) -> int:
        """Return how many tokens are still to come."""
        others = sum(len(phrases[number].tokens) for number in self.lacking if number != self.begun)
        return others + len(self.rest)

    def wanted(self, phrases: Sequence[Phrase], *, at_start: bool) -> set[int]:
        """Return the tokens that bring it further."""
        if self.rest:
            return {self.rest[0]}
        return {_spelled(phrases[number], at_start)[0] for number in self.lacking}

    def after(self, token: int, phrases: Sequence[Phrase], *, at_start: bool) -> "_Progress":
        """Add one more token; a phrase that is broken off is lacking from its first token on."""
        if self.rest and self.rest[0] == token:
            return self._with(self.begun, self.rest[1:])
        for number in self.lacking:
            spelled = _spelled(phrases[number], at_start)
            if spelled[0] == token:
                return self._with(number, spelled[1:])
        return _Progress(self.lacking)

    def _with(self, number: int, rest: tuple[int, ...]) -> "_Progress":
        if rest:
            return _Progress(self.lacking, rest, number)
        return _Progress(tuple(each for each in self.lacking if each != number))


def _spelled(phrase: Phrase, at_start: bool) -> tuple[int, ...]:
    return phrase.first if at_start else phrase.tokens


@dataclass(frozen=True, slots=True)
class _Candidate:
    parent: int
    token: int
    total: float
    progress: _Progress


def constrained_search(
    model: BatchedLanguageModel[S],
    phrases: Sequence[Sequence[Phrase]],
    search: Search,
) -> list[list[Hypothesis]]:
    """Search the best outputs for each row among those that hold its phrases, best first.

    Where a row's phrases fit its longest length, eos included, an output that ends holds them all;
    else the best that was cut is given. A phrase comes before ``search.min_length``, ``no_repeat``
    and ``banned``.

    Args:
        model: rows of contexts.
        phrases: what the output of each row must hold, in any order.
        search: what is searched for.

    Raises:
        ValueError: a row in which every token is banned.
    """
    longest = limits(search.max_length, len(phrases))
    ends = Ends(model.eos, search.length_penalty, search.coverage)
    outputs: list[list[Hypothesis]] = [[] for _ in phrases]
    history, state = History(), model.start()
    owner = list(range(len(phrases)))
    progress = [_Progress(tuple(range(len(own)))) for own in phrases]
    sums = [0.0] * len(phrases)
    step = 0
    while owner:
        history.attend(model.attention(state))
        logprobs = model.logprobs(state)
        allowed = forbid(logprobs, search.closed(model.eos, step))
        repeats = closing_tokens(history, len(owner), search.no_repeat)
        now = _Now(sums, progress, allowed, logprobs, repeats, model.eos, step == 0)
        kept: list[_Candidate] = []
        owners: list[int] = []
        for row, held in _by_row(owner):
            last = step + 1 == longest[row]
            for each in _step(phrases[row], held, now, search.beam, last=last):
                over = each.token == model.eos or last
                if not over:
                    kept.append(each)
                    owners.append(row)
                    continue
                output = ends.output(history, row, each.parent, each.token, each.total)
                outputs[row].append(output)
        step += 1
        kept, owners = _open(kept, owners, outputs, longest, search)
        owner, sums = owners, [each.total for each in kept]
        progress = [each.progress for each in kept]
        if owner:
            parents = np.array([each.parent for each in kept], dtype=np.int64)
            tokens = np.array([each.token for each in kept], dtype=np.int64)
            history.grow(parents, tokens)
            state = model.advance(model.select(state, parents), tokens)
    return ranked(outputs, search.n_best)


def _by_row(owner: Sequence[int]) -> Iterable[tuple[int, list[int]]]:
    held: dict[int, list[int]] = defaultdict(list)
    for place, row in enumerate(owner):
        held[row].append(place)
    return held.items()


@dataclass(frozen=True, slots=True)
class _Now:
    """The prefixes that are held, N over all rows, and what may follow each."""

    sums: Sequence[float]
    """[N]."""
    progress: Sequence[_Progress]
    """[N]."""
    allowed: Floats
    """Log-probabilities with what is closed at −∞: [N, V]."""
    logprobs: Floats
    """[N, V]."""
    repeats: Sequence[Sequence[int]]
    """Tokens that would repeat a run, of each prefix; none where nothing may repeat."""
    eos: int
    at_start: bool

    def candidate(
        self, place: int, token: int, row: Floats, phrases: Sequence[Phrase]
    ) -> _Candidate | None:
        """Return a prefix with ``token`` behind it; None where that has no probability."""
        total = self.sums[place] + float(row[token])
        if total == -np.inf:
            return None
        after = self.progress[place].after(token, phrases, at_start=self.at_start)
        return _Candidate(place, token, total, after)


def _step(
    phrases: Sequence[Phrase], held: Sequence[int], now: _Now, beam: int, *, last: bool
) -> list[_Candidate]:
    """Return what one row goes on with, from the prefixes ``held``."""
    found: dict[tuple[int, int], _Candidate] = {}

    def add(place: int, token: int, row: Floats) -> None:
        made = now.candidate(place, token, row, phrases)
        if made is not None:
            found[place, token] = made

    for place in held:
        row = now.allowed[place].copy()
        if now.repeats:
            row[now.repeats[place]] = -np.inf
        missing = now.progress[place].missing(phrases)
        if missing:
            row[now.eos] = -np.inf
        elif last:
            add(place, now.eos, row)
        for token in _highest(row, beam):
            add(place, int(token), row)
        wanted = now.progress[place].wanted(phrases, at_start=now.at_start) if missing else ()
        for token in wanted:
            add(place, token, now.logprobs[place])
    if last:
        # Nothing follows: what can end here ends here.
        ends = [each for each in found.values() if each.token == now.eos]
        return sorted(ends or found.values(), key=lambda each: -each.total)[:beam]
    return _dealt(list(found.values()), phrases, beam)


def _highest(row: Floats, count: int) -> Int64s:
    count = min(count, len(row))
    best = np.argpartition(-row, count - 1)[:count]
    return best[np.lexsort((best, -row[best]))]


def _dealt(
    candidates: Sequence[_Candidate], phrases: Sequence[Phrase], beam: int
) -> list[_Candidate]:
    """Return the best of each bank; places that a bank cannot fill go to those that lack least."""
    banks: dict[int, list[_Candidate]] = defaultdict(list)
    for each in sorted(candidates, key=lambda one: (-one.total, one.parent, one.token)):
        banks[each.progress.missing(phrases)].append(each)
    order = sorted(banks)
    share, rest = divmod(beam, len(order))
    places = {bank: share + (place < rest) for place, bank in enumerate(order)}
    unused = sum(max(0, places[bank] - len(banks[bank])) for bank in order)
    chosen: list[_Candidate] = []
    for bank in order:
        more = min(unused, max(0, len(banks[bank]) - places[bank]))
        unused -= more
        chosen += banks[bank][: places[bank] + more]
    return chosen


def _open(
    kept: list[_Candidate],
    owners: list[int],
    outputs: Sequence[Sequence[Hypothesis]],
    longest: Int64s,
    search: Search,
) -> tuple[list[_Candidate], list[int]]:
    """Keep what has places left, of rows whose wanted outputs can still be overtaken."""
    reach: dict[int, float] = {}
    for each, row in zip(kept, owners, strict=True):
        bound = each.total / float(longest[row]) ** search.length_penalty
        reach[row] = max(bound, reach.get(row, -np.inf))
    going = {row for row, bound in reach.items() if bound > _bar(outputs[row], search)}
    pairs = [(each, row) for each, row in zip(kept, owners, strict=True) if row in going]
    return [each for each, _ in pairs], [row for _, row in pairs]


def _bar(outputs: Sequence[Hypothesis], search: Search) -> float:
    scores = sorted((one.score for one in outputs if one.finished), reverse=True)
    if len(scores) >= search.beam:
        return np.inf
    return scores[search.n_best - 1] if len(scores) >= search.n_best else -np.inf
