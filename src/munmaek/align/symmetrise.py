r"""One set of links from two directions.

A forward model gives each target word at most one source word, a backward model each source word at
most one target word. Och & Ney 2003, §4, and Koehn et al. 2003, §3, join the two:

    intersection       links that both have
    union              links that either has
    grow-diag          the intersection, then links of the union that touch a link found so far,
                       diagonally too, and join a word that has none yet; until nothing is added
    grow-diag-final    then every link of either that joins a word that has none yet
    grow-diag-final-and   then only those that join two such words

Links are visited in the order of Moses: source words outside, target words inside, neighbours left,
up, right, down, then the diagonals; in the last step forward links before backward ones.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Literal

from munmaek.metrics.alignment import Link

__all__ = ["SYMMETRISATIONS", "Symmetrisation", "symmetrise"]

Symmetrisation = Literal[
    "intersection", "union", "grow-diag", "grow-diag-final", "grow-diag-final-and"
]

Links = Collection[Link]
NEIGHBOURS = ((-1, 0), (0, -1), (1, 0), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))


def _intersection(forward: Links, backward: Links) -> set[Link]:
    return set(forward) & set(backward)


def _union(forward: Links, backward: Links) -> set[Link]:
    return set(forward) | set(backward)


def _grow_diag(forward: Links, backward: Links) -> set[Link]:
    union, found = _union(forward, backward), _intersection(forward, backward)
    sources, targets = {link[0] for link in found}, {link[1] for link in found}
    grown = True
    while grown:
        grown = False
        for source, target in sorted(found):
            for right, down in NEIGHBOURS:
                link = (source + right, target + down)
                free = link[0] not in sources or link[1] not in targets
                if free and link in union and link not in found:
                    found.add(link)
                    sources.add(link[0])
                    targets.add(link[1])
                    grown = True
    return found


def _final(found: set[Link], ways: Sequence[Links], *, both: bool) -> set[Link]:
    """``found`` and the links of each way that join a word that has none; ``both`` words then."""
    sources, targets = {link[0] for link in found}, {link[1] for link in found}
    wanted = 2 if both else 1
    for links in ways:
        for link in sorted(links):
            if (link[0] not in sources) + (link[1] not in targets) >= wanted:
                found.add(link)
                sources.add(link[0])
                targets.add(link[1])
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
    """Links (source word, target word) of one pair from those of both directions."""
    return frozenset(SYMMETRISATIONS[by](forward, backward))
