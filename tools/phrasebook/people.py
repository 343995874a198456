"""Who: the subjects and the other people of a clause."""

from dataclasses import replace

from phrasebook import lexicon
from phrasebook.clause import Clause
from phrasebook.english import PLURAL, THIRD
from phrasebook.lexicon import Person
from phrasebook.phrase import (
    Nominal,
    Scene,
    i,
    in_place,
    joined,
    someone,
    something,
    we,
    you,
)
from phrasebook.predicate import LINK
from phrasebook.verbs import LIKE, LIVING, WORKING

__all__ = ["any_subject", "in_person", "other_subject", "third_person"]


YOUNG = {"child", "children", "student", "students"}
"""Those who do not work yet."""


def any_subject(scene: Scene, room: int) -> Nominal:
    """A subject of a statement."""
    draw = scene.rng.random()
    if draw < 0.3:
        return in_person(scene, "I" if draw < 0.22 else "we")
    if draw < 0.4:
        return third_person(scene, draw < 0.34)
    return other_subject(scene, room)


def in_person(scene: Scene, pronoun: str) -> Nominal:
    """I, we or you as a subject."""
    if pronoun == "you":
        return you(scene, subject=True)
    return i(scene) if pronoun == "I" else we(scene)


def third_person(scene: Scene, masculine: bool) -> Nominal:
    """He or she; now and then they."""
    unit = (scene.unit(),)
    korean, english, accusative = ("그", "he", "him") if masculine else ("그녀", "she", "her")
    if scene.chance(0.25):
        korean, english, accusative = "그들", "they", "them"
    return Nominal(
        [(korean, unit)],
        [(english, unit)],
        PLURAL if english == "they" else THIRD,
        english,
        object_form=[(accusative, unit)],
    )


def other_subject(scene: Scene, room: int) -> Nominal:
    """A subject that is neither speaker nor hearer: a name, a relative, someone by role."""
    draw = scene.rng.random()
    if draw < 0.4:
        return someone(scene, scene.fresh(lexicon.NAMES))
    if draw < 0.5 and room >= 6:
        first, second = scene.fresh(lexicon.NAMES), scene.fresh(lexicon.NAMES)
        if first is not second:
            return joined(scene, someone(scene, first), someone(scene, second))
    if draw < 0.72 and not (scene.asking and scene.address):
        return someone(scene, scene.fresh(lexicon.KIN), yours=scene.asking)
    pool = lexicon.ROLES if draw < 0.9 else lexicon.PLURAL_PEOPLE[: 3 if scene.asking else 4]
    return _by_role(scene, scene.fresh(pool), room)


def _by_role(scene: Scene, person: Person, room: int) -> Nominal:
    if room >= 11 and scene.chance(0.5):
        return _relative_person(scene, person)
    if room >= 6 and scene.chance(0.3) and not person.possessor:
        adjective = lexicon.ADJECTIVES[scene.fresh(lexicon.FITTING["person"])]
        return someone(scene, person, adjective)
    return someone(scene, person)


def _relative_person(scene: Scene, person: Person) -> Nominal:
    """The student who lives in Busan: 부산에 사는 학생."""
    head = someone(scene, person)
    first = scene.units(4)
    who = Nominal([], [("who", (first + LINK,))], person.agreement, "he", head.honored)
    clause = Clause(LIVING, first, who)
    draw = scene.rng.random()
    verb = LIVING if draw < 0.35 or person.english in YOUNG else WORKING
    if draw > 0.6:
        verb = LIKE
        noun = scene.fresh(verb.objects)
        clause.obj = something(scene, noun, generic=True)
    else:
        clause.place = in_place(scene, scene.fresh(verb.places), verb.where)
    clause.verb = verb
    korean = [*clause.korean("는", scene.style), *head.korean]
    return replace(head, korean=korean, english=[*head.english, *clause.english()])
