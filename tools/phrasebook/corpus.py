"""Distinct pairs in fixed shares, as the grammar makes them.

Style is a matter of context, and the English side always shows it:

* a statement to nobody in particular is plain (한다), as in writing;
* one that says *you* is informal (해) and calls the hearer 너;
* one that calls the hearer by name takes the style due to that hearer: *Minsu,* and *Mom,* informal
  (해), *Sir,* and *Grandmother,* polite (해요) with honorific -시-, *Everyone,* formal (합니다);
* questions and proposals without a name are informal (-니?, -자, -(으)ㄹ까?);
* requests without a name are polite with *please* (-아/어 주세요, -(으)세요), informal without it.

So no English sentence has two Korean ones here, nor the other way round: each text occurs once.

Links follow the meaning: an article goes with its noun, a preposition with the word that bears
the particle, *do* with the verb or its denial, *that* and *because* with the ending that says so,
*please* with 주세요. A pronoun that Korean leaves out goes with the subject it repeats, or, where
the hearer is never named, with nothing.
"""

from collections import Counter
from random import Random

from munmaek.errors import ConfigError
from munmaek.phrases import HELD_OUT, LENGTHS, Keys, Phrase, length_class, quotas
from phrasebook.phrase import Words
from phrasebook.sentence import MAKERS, Draft

__all__ = ["make"]

AIMS = ((3, 5), (8, 13), (14, 22), (25, 34), (37, 44))
"""What length to wish for so that a draft falls into its class: drafts tend to end up shorter."""
PATIENCE = 400
"""Drafts in a row that may fail to fill a cell before it counts as exhausted."""


def make(seed: int, pairs: int, classes: int) -> list[Phrase]:
    """Make a book of so many pairs, without ``HELD_OUT``, in the order in which it is split.

    Args:
        seed: of everything that is drawn.
        pairs: pairs of the book, ``HELD_OUT`` among them.
        classes: of ``LENGTHS`` that it has, from the shortest.

    Raises:
        ConfigError: the grammar has no more distinct pairs.
    """
    rng, keys = Random(seed), Keys()
    quota = quotas(pairs - len(HELD_OUT), classes)
    plan = [cell for cell, left in quota.items() for _ in range(left)]
    rng.shuffle(plan)
    failures: Counter[tuple[str, int]] = Counter()
    phrases: list[Phrase] = []
    while plan:
        wanted = plan[-1]
        if not quota[wanted]:
            plan.pop()
            continue
        draft, cell = _attempt(rng, wanted)
        texts = _texts(draft)
        if quota.get(cell) and keys.add(*texts):
            phrases.append(Phrase(*texts, _links(draft.korean, draft.english), cell[0]))
            quota[cell] -= 1
            failures[cell] = 0
        else:
            failures[wanted] += 1
            if failures[wanted] > PATIENCE:
                _refuse(pairs, wanted, quota[wanted])
    rng.shuffle(phrases)
    return phrases


def _refuse(pairs: int, cell: tuple[str, int], missing: int) -> None:
    low, high = LENGTHS[cell[1]]
    message = (
        f"phrasebook: pairs={pairs} is more than the grammar yields: {missing} distinct {cell[0]}s "
        f"of {low} to {high} words are missing; ask for fewer pairs"
    )
    raise ConfigError(message)


def _attempt(rng: Random, cell: tuple[str, int]) -> tuple[Draft, tuple[str, int]]:
    """One draft aimed at a cell, and the cell that it fell into; no cell is numbered -1."""
    label, index = cell
    low, high = AIMS[index]
    draft = MAKERS[label](rng, low + int(rng.random() * (high - low + 1)))
    return draft, (label, length_class(len(draft.english)))


def _texts(draft: Draft) -> tuple[str, str]:
    """Korean and English spelled out."""
    mark = "?" if draft.asks else ""
    korean = " ".join(word for word, _ in draft.korean) + mark
    english = " ".join(word for word, _ in draft.english) + mark
    return korean, english[0].upper() + english[1:]


def _links(korean: Words, english: Words) -> tuple[tuple[int, int], ...]:
    """A link for every two words that share a unit."""
    where: dict[int, list[int]] = {}
    for index, (_, units) in enumerate(english):
        for unit in units:
            where.setdefault(unit, []).append(index)
    links: list[tuple[int, int]] = []
    for index, (_, units) in enumerate(korean):
        targets = where.get(units[0], []) if units else []
        if len(units) > 1:
            targets = sorted({target for unit in units for target in where.get(unit, ())})
        links += [(index, target) for target in targets]
    return tuple(links)
