r"""One set of links from two directions.

A forward model gives each target word at most one source word, a backward model each source word at
most one target word. Och & Ney 2003, §4, and Koehn et al. 2003, §3, join the two:

    intersection       links that both have
    union              links that either has
    grow-diag          the intersection, then links of the union that touch a link found so far,
                       diagonally too, and join a word that has none yet; until nothing is added
    grow-diag-final    then every link of either that joins a word that has none yet
    grow-diag-final-and   then only those that join two such words

The order is that of Moses' symal (mosesdecoder, symal/symal.cpp, commit 3445289): target words
outside, source words inside. A link found in a pass is visited in that pass where it comes later in
this order, else in the next. Neighbours are the target word before, the source word before, the
target word after, the source word after, then the diagonals. The last steps see forward links
before backward ones.
"""

from bisect import bisect_right, insort
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal

from munmaek.metrics.alignment import Link

__all__ = ["SYMMETRISATIONS", "Symmetrisation", "symmetrise"]

Symmetrisation = Literal[
    "intersection", "union", "grow-diag", "grow-diag-final", "grow-diag-final-and"
]

Links = Collection[Link]
NEIGHBOURS = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))
"""Steps from a link (target word, source word)."""


def _intersection(forward: Links, backward: Links) -> set[Link]:
    return set(forward) & set(backward)


def _union(forward: Links, backward: Links) -> set[Link]:
    return set(forward) | set(backward)


def _by_target(links: Iterable[Link]) -> list[Link]:
    """Return the links as (target word, source word), in the order in which they are visited."""
    return sorted((target, source) for source, target in links)


def _grow_diag(forward: Links, backward: Links) -> set[Link]:
    union = set(_by_target(_union(forward, backward)))
    found = _by_target(_intersection(forward, backward))
    targets, sources = {link[0] for link in found}, {link[1] for link in found}
    size = -1
    while size < len(found):  # until a pass adds nothing
        size, at = len(found), 0
        while at < len(found):
            here = found[at]
            for down, right in NEIGHBOURS:
                link = (here[0] + down, here[1] + right)
                if link in union and not (link[0] in targets and link[1] in sources):
                    insort(found, link)
                    targets.add(link[0])
                    sources.add(link[1])
            at = bisect_right(found, here)
    return {(source, target) for target, source in found}


def _final(found: set[Link], ways: Sequence[Links], *, both: bool) -> set[Link]:
    """Add to ``found`` each way's links that join a word that has none; ``both`` words then."""
    sources, targets = {link[0] for link in found}, {link[1] for link in found}
    wanted = 2 if both else 1
    for links in ways:
        for target, source in _by_target(links):
            if (source not in sources) + (target not in targets) >= wanted:
                found.add((source, target))
                sources.add(source)
                targets.add(target)
    return found


def _grow_diag_final(forward: Links, backward: Links) -> set[Link]:
    return _final(_grow_diag(forward, backward), (forward, backward), both=False)


def _grow_diag_final_and(forward: Links, backward: Links) -> set[Link]:
    return _final(_grow_diag(forward, backward), (forward, backward), both=True)


SYMMETRISATIONS: dict[Symmetrisation, Callable[[Links, Links], set[Link]]] = {
    "intersection": _intersection,
    "union": _union,
    "grow-diag": _grow_diag,
    "grow-diag-final": _grow_diag_final,
    "grow-diag-final-and": _grow_diag_final_and,
}


def symmetrise(forward: Links, backward: Links, *, by: Symmetrisation) -> frozenset[Link]:
    """Return the links (source word, target word) of one pair from those of both directions."""
    return frozenset(SYMMETRISATIONS[by](forward, backward))
