"""The phrasebook itself: distinct pairs in fixed shares, split so that nothing leaks.

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
from dataclasses import dataclass
from random import Random

from munmaek.errors import ConfigError
from munmaek.phrases.phrase import Words
from munmaek.phrases.sentence import LABELS, MAKERS, Draft

__all__ = ["LABELS", "LENGTHS", "Phrase", "Phrasebook", "phrasebook"]

LENGTHS: tuple[tuple[int, int], ...] = ((3, 6), (7, 12), (13, 20), (21, 30), (31, 40))
"""Classes of length in English words, both ends included."""

AIMS = ((3, 5), (8, 13), (14, 22), (25, 34), (37, 44))
"""What length to wish for so that a draft falls into its class: drafts tend to end up shorter."""
LENGTH_SHARES = (0.22, 0.24, 0.22, 0.18, 0.14)
LABEL_SHARES = {"statement": 0.49, "question": 0.19, "request": 0.16, "proposal": 0.16}
PATIENCE = 400
"""Drafts in a row that may fail to fill a cell before it counts as exhausted."""
KEPT = 2
"""How often each English word of valid and test must still occur in train."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence in both languages; words are what whitespace separates."""

    korean: str
    english: str
    links: tuple[tuple[int, int], ...]
    """Pairs of a Korean and an English word index, sorted."""
    label: str
    """One of ``LABELS``."""


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """The corpus; no Korean and no English text is in two of its parts."""

    train: tuple[Phrase, ...]
    valid: tuple[Phrase, ...]
    test: tuple[Phrase, ...]


HELD_OUT = (
    Phrase("나는 너를 사랑해", "I love you", ((0, 0), (1, 2), (2, 1)), "statement"),
    Phrase(
        "나는 학교에서 공부한다", "I study at school", ((0, 0), (1, 2), (1, 3), (2, 1)), "statement"
    ),
)
"""Always in test."""


def phrasebook(
    *,
    seed: int = 0,
    pairs: int = 24_000,
    valid: int = 600,
    test: int = 1_000,
    longest: int | None = None,
) -> Phrasebook:
    """The Korean–English phrasebook.

    Args:
        seed: of everything that is drawn; the same seed gives the same corpus.
        pairs: pairs in all three parts together.
        valid: pairs in the validation part.
        test: pairs in the test part, ``HELD_OUT`` among them.
        longest: English words at most: 12 leaves out the classes of ``LENGTHS`` above the second.

    Raises:
        ConfigError: the parts do not fit into ``pairs``, fewer than two classes are that short, or
            the grammar has no more distinct pairs.
    """
    if valid < 0 or test < len(HELD_OUT) or valid + test >= pairs:
        message = (
            f"phrasebook: pairs={pairs} must exceed valid={valid} (0 or more) plus "
            f"test={test} ({len(HELD_OUT)} or more); ask for more pairs or smaller parts"
        )
        raise ConfigError(message)
    classes = sum(longest is None or most <= longest for _, most in LENGTHS)
    if classes < 2:
        message = f"phrasebook: longest={longest} must be {LENGTHS[1][1]} words or more"
        raise ConfigError(message)
    rng = Random(seed)
    phrases = _collect(rng, pairs, classes)
    return _split(rng, phrases, valid=valid, test=test)


def _collect(rng: Random, pairs: int, classes: int) -> list[Phrase]:
    """``pairs`` phrases without the held-out ones, cell by cell until every quota is met."""
    keys = {key for phrase in HELD_OUT for key in _keys(phrase.korean, phrase.english)}
    quota = _quotas(pairs - len(HELD_OUT), classes)
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
        if quota.get(cell) and _add(*texts, keys):
            phrases.append(Phrase(*texts, _links(draft.korean, draft.english), cell[0]))
            quota[cell] -= 1
            failures[cell] = 0
        else:
            failures[wanted] += 1
            if failures[wanted] > PATIENCE:
                _refuse(pairs, wanted, quota[wanted])
    return phrases


def _refuse(pairs: int, cell: tuple[str, int], missing: int) -> None:
    low, high = LENGTHS[cell[1]]
    message = (
        f"phrasebook: pairs={pairs} is more than the grammar yields: {missing} distinct {cell[0]}s "
        f"of {low} to {high} words are missing; ask for fewer pairs"
    )
    raise ConfigError(message)


def _quotas(pairs: int, classes: int) -> dict[tuple[str, int], int]:
    """How many pairs each label and class of length gets; the largest cell takes the rounding."""
    shares = LENGTH_SHARES[:classes]
    whole = sum(shares) if classes < len(LENGTH_SHARES) else 1.0
    quota = {
        (label, index): int(pairs * share * length / whole)
        for label, share in LABEL_SHARES.items()
        for index, length in enumerate(shares)
    }
    quota["statement", 1] += pairs - sum(quota.values())
    return quota


def _attempt(rng: Random, cell: tuple[str, int]) -> tuple[Draft, tuple[str, int]]:
    """One draft aimed at a cell, and the cell that it fell into; no cell is numbered -1."""
    label, index = cell
    low, high = AIMS[index]
    draft = MAKERS[label](rng, low + int(rng.random() * (high - low + 1)))
    size = len(draft.english)
    for number, (least, most) in enumerate(LENGTHS):
        if least <= size <= most:
            return draft, (label, number)
    return draft, (label, -1)


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


def _keys(korean: str, english: str) -> tuple[str, str]:
    """Two texts are the same to a reader when they differ in case or punctuation only."""
    return korean.rstrip("?"), english.rstrip("?").casefold()


def _add(korean: str, english: str, keys: set[str]) -> bool:
    """Whether neither text was there yet; now both are."""
    korean, english = _keys(korean, english)
    if korean in keys or english in keys:
        return False
    keys.update((korean, english))
    return True


def _split(rng: Random, phrases: list[Phrase], *, valid: int, test: int) -> Phrasebook:
    """Draw test and valid so that train still teaches each of their words."""
    rng.shuffle(phrases)
    vocabularies = [_vocabulary(phrase) for phrase in phrases]
    left = Counter(word for words in vocabularies for word in words)
    wanted = test - len(HELD_OUT) + valid
    drawn: list[Phrase] = []
    kept: list[Phrase] = []
    for phrase, words in zip(phrases, vocabularies, strict=True):
        if len(drawn) < wanted and all(left[word] > KEPT for word in words):
            left.subtract(words)
            drawn.append(phrase)
        else:
            kept.append(phrase)
    if len(drawn) < wanted:
        message = (
            f"phrasebook: only {len(drawn)} of {len(phrases)} pairs can be held out while train "
            f"keeps all their words, wanted {wanted}; ask for more pairs or smaller parts"
        )
        raise ConfigError(message)
    cut = test - len(HELD_OUT)
    return Phrasebook(tuple(kept), tuple(drawn[cut:]), (*HELD_OUT, *drawn[:cut]))


def _vocabulary(phrase: Phrase) -> set[str]:
    """What train must know for this phrase: its English words and its Korean syllables."""
    return {*phrase.english.split(), *phrase.korean}
