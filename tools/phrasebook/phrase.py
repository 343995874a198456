"""Noun phrases and adjuncts: words of both languages that carry the same units of meaning.

A *word* is its text with the units that it realises; two words of a pair are linked when they share
a unit. Articles carry their noun's unit, prepositions the unit of the word with the particle.
"""

from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import TypeVar

from phrasebook.english import FIRST, PLURAL, THIRD, article
from phrasebook.hangul import particle
from phrasebook.lexicon import ADJECTIVES, Adjective, Chunk, Noun, Person, Place

__all__ = [
    "Nominal",
    "Pair",
    "Scene",
    "Style",
    "Word",
    "Words",
    "adverbial",
    "counted",
    "described",
    "i",
    "in_place",
    "joined",
    "mark",
    "someone",
    "something",
    "we",
    "you",
]

T = TypeVar("T")
Word = tuple[str, tuple[int, ...]]
Words = list[Word]
Pair = tuple[Words, Words]
"""Korean and English words of one constituent."""

AFTER_SUBJECT = {"나": "내가", "너": "네가", "저": "제가", "누구": "누가"}
COUNTS = (("두", "two"), ("세", "three"), ("네", "four"), ("다섯", "five"))


class Style(Enum):
    """How a sentence speaks to its hearer; the English always shows which (see ``corpus``)."""

    PLAIN = "-ㄴ다"
    INFORMAL = "-어"
    POLITE = "-어요"
    FORMAL = "-ㅂ니다"


@dataclass(slots=True)
class Scene:
    """What one sentence knows of itself while it is being made."""

    rng: Random
    style: Style
    address: str = ""
    """The Korean title that stands for ``you`` (할머니); empty where it is 너."""
    family: bool = False
    """Whether the hearer is mother or father: informal, but never 너."""
    asking: bool = False
    """Whether relatives are the hearer's: your mother."""
    seen: set[object] = field(default_factory=lambda: set[object]())
    """What the sentence speaks of already, by its Korean word."""
    last: int = -1

    @property
    def spoken(self) -> bool:
        """Return true for a style of conversation."""
        return self.style in (Style.INFORMAL, Style.POLITE)

    def unit(self) -> int:
        """A new unit of meaning."""
        self.last += 1
        return self.last

    def units(self, count: int) -> int:
        """The first of ``count`` new units."""
        first = self.last + 1
        self.last += count
        return first

    def chance(self, probability: float) -> bool:
        """Draw whether something of this probability happens."""
        return self.rng.random() < probability

    def pick(self, pool: tuple[T, ...]) -> T:
        """One of ``pool``."""
        return pool[int(self.rng.random() * len(pool))]

    def fresh(self, pool: tuple[T, ...]) -> T:
        """One of ``pool`` that this sentence does not speak of yet, if there is one."""
        choice = self.pick(pool)
        if _key(choice) in self.seen:
            unseen = tuple(entry for entry in pool if _key(entry) not in self.seen)
            choice = self.pick(unseen or pool)
        self.seen.add(_key(choice))
        return choice


def _key(entry: object) -> object:
    """What makes lexicon entries the same to a reader: the Korean word."""
    return getattr(entry, "korean", entry)


@dataclass(slots=True)
class Nominal:
    """A noun phrase without its particle; ``pronoun`` (he, him) takes its place when it recurs."""

    korean: Words
    english: Words
    agreement: int = THIRD
    pronoun: str = ""
    honored: bool = False
    object_form: Words | None = None
    """The English of a pronoun as object: me, him."""

    @property
    def units(self) -> tuple[int, ...]:
        """The units of the head."""
        return self.korean[-1][1] if self.korean else ()

    @property
    def as_object(self) -> Words:
        """The English where it is an object."""
        return self.object_form or self.english


def mark(nominal: Nominal, pair: str) -> Words:
    """The Korean words with a particle on the last of them."""
    if not nominal.korean:
        return []
    *before, (word, units) = nominal.korean
    if pair == "이/가" and word in AFTER_SUBJECT:
        return [*before, (AFTER_SUBJECT[word], units)]
    if pair == "에게" and nominal.honored:
        pair = "께"
    return [*before, (particle(word, pair), units)]


def _pronoun(scene: Scene, korean: str, english: str, accusative: str, agreement: int) -> Nominal:
    units = (scene.unit(),)
    words = [(korean, units)] if korean else []
    return Nominal(words, [(english, units)], agreement, english, object_form=[(accusative, units)])


def i(scene: Scene) -> Nominal:
    """The speaker: 나, or 저 to those whom one honours."""
    humble = scene.style in (Style.POLITE, Style.FORMAL)
    return _pronoun(scene, "저" if humble else "나", "I", "me", FIRST)


def we(scene: Scene) -> Nominal:
    """The speaker and others."""
    return _pronoun(scene, "우리", "we", "us", PLURAL)


def you(scene: Scene, *, subject: bool) -> Nominal:
    """The hearer: 너, the title of one who is honoured, or nothing where Korean drops it."""
    if not scene.address:
        return _pronoun(scene, "너", "you", "you", PLURAL)
    nominal = _pronoun(scene, "" if subject else scene.address, "you", "you", PLURAL)
    nominal.honored = not scene.family
    return nominal


def someone(
    scene: Scene, person: Person, adjective: Adjective | None = None, *, yours: bool = False
) -> Nominal:
    """A person of the lexicon; ``yours`` says your instead of my."""
    unit = scene.unit()
    korean: Words = []
    english: Words = []
    if person.possessor:
        owner = scene.unit()
        korean.append((_possessor(scene, person, yours=yours), (owner,)))
        english.append(("your" if yours else "my", (owner,)))
    if person.determiner:
        english.append((person.determiner, (unit,)))
    if adjective:
        quality = scene.unit()
        korean.append((adjective.korean, (quality,)))
        english.append((adjective.english, (quality,)))
    korean.append((person.korean, (unit,)))
    english += [(word, (unit,)) for word in person.english.split(" ")]
    return Nominal(korean, english, person.agreement, person.pronoun, person.honored)


def _possessor(scene: Scene, person: Person, *, yours: bool) -> str:
    if person.possessor == "우리":
        return "너희" if yours else "우리"
    if yours:
        return "네"
    return "제" if scene.style in (Style.POLITE, Style.FORMAL) else "내"


def joined(scene: Scene, first: Nominal, second: Nominal) -> Nominal:
    """Both: 민수와 수지, Minsu and Suji."""
    link = scene.unit()
    *before, (word, units) = first.korean
    korean = [*before, (particle(word, "과/와"), (*units, link)), *second.korean]
    english = [*first.as_object, ("and", (link,)), *second.as_object]
    return Nominal(korean, english, PLURAL, "they", second.honored)


def something(
    scene: Scene,
    noun: Noun,
    *,
    adjective: str = "",
    determiner: str | None = None,
    generic: bool = False,
) -> Nominal:
    """A thing of the lexicon: a book, an old book, the book; in general, books."""
    unit = scene.unit()
    korean: Words = []
    english: Words = []
    if adjective:
        quality = scene.unit()
        korean.append((ADJECTIVES[adjective].korean, (quality,)))
        english.append((adjective, (quality,)))
    korean += [(word, (unit,)) for word in noun.korean.split(" ")]
    name = noun.several if generic else noun.english
    english += [(word, (unit,)) for word in name.split(" ")]
    chosen = noun.determiner if determiner is None else determiner
    if chosen == "a":
        chosen = "" if generic or noun.plural else article(english[0][0])
    if chosen:
        english.insert(0, (chosen, (unit,)))
    agreement = PLURAL if noun.plural or (generic and noun.determiner == "a") else THIRD
    return Nominal(korean, english, agreement)


def described(scene: Scene, noun: Noun, korean: str, english: str, adjective: str = "") -> Nominal:
    """A thing with a word that points at it or owns it: 이 책, this book; 내 책, my book."""
    unit = scene.unit()
    thing = something(scene, noun, adjective=adjective, determiner="")
    if noun.plural and english in ("this", "that"):
        english = {"this": "these", "that": "those"}[english]
    thing.korean.insert(0, (korean, (unit,)))
    thing.english.insert(0, (english, (unit,)))
    return thing


def counted(scene: Scene, noun: Noun) -> Nominal:
    """Several of a thing: 책 두 권, two books; 차 두 잔, two cups of tea."""
    unit, number = scene.unit(), scene.unit()
    korean, english = scene.pick(COUNTS)
    words = [(noun.korean, (unit,)), (korean, (number,))]
    if noun.cup:
        measure = scene.unit()
        cups = [
            (english, (number,)),
            (noun.cup + ("es" if noun.cup == "glass" else "s"), (measure,)),
        ]
        return Nominal(
            [*words, (noun.counter, (measure,))],
            [*cups, ("of", (measure,)), (noun.english, (unit,))],
            PLURAL,
        )
    things = [(word, (unit,)) for word in noun.several.split(" ")]
    return Nominal([*words, (noun.counter, (number,))], [(english, (number,)), *things], PLURAL)


def adverbial(scene: Scene, chunk: Chunk) -> Pair:
    """A fixed expression, such as a time or a manner."""
    first = scene.units(chunk.pieces)
    korean = [(word, (first + piece,)) for word, piece in chunk.korean]
    return korean, [(word, (first + piece,)) for word, piece in chunk.english]


def in_place(scene: Scene, place: Place, case: str, *, to: bool = False) -> Pair:
    """At, in or to a place: 공원에서, in the park; 학교에, to school; 집에, home."""
    unit = (scene.unit(),)
    korean = place.korean.split(" ")
    korean[-1] = particle(korean[-1], case)
    preposition = place.at
    if to:
        preposition = "to the" if place.at.endswith("the") else "to"
    if to and place.english == "home":
        preposition = ""
    english = f"{preposition} {place.english}".split()
    return [(word, unit) for word in korean], [(word, unit) for word in english]
