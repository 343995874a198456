"""What is done, to what, where, when, how and with whom: clauses that make sense."""

from dataclasses import dataclass, replace
from itertools import permutations

from phrasebook import lexicon
from phrasebook.clause import Clause
from phrasebook.english import PLURAL
from phrasebook.lexicon import ADVERBS, Noun, Time
from phrasebook.people import other_subject, third_person
from phrasebook.phrase import (
    Nominal,
    Pair,
    Scene,
    Style,
    adverbial,
    counted,
    described,
    i,
    in_place,
    mark,
    something,
    you,
)
from phrasebook.predicate import Form, Modal, Tense
from phrasebook.verbs import (
    ACTIVITIES,
    DESCRIBED_BY,
    GOING,
    LIKE,
    LIVING,
    PEOPLE_VERBS,
    PRODUCED,
    PRODUCING,
    VERBS,
    Verb,
)

__all__ = [
    "ADJECTIVES",
    "DAYPARTS",
    "DESCRIBERS",
    "DOINGS",
    "EARLY",
    "FREQUENCIES",
    "NOW",
    "ORDERS",
    "POOLS",
    "RELATIVE_TIMES",
    "TIMES",
    "Purpose",
    "activity",
    "asked_mood",
    "with_mood",
]

FREQUENCIES = tuple(ADVERBS[name] for name in ("always", "often", "sometimes", "usually"))
EARLY = {"often", "really"}
"""Manners that English puts before the verb."""


TIMES = {
    tense: tuple(time for time in lexicon.TIMES if tense.name.lower() in time.tenses)
    for tense in Tense
}


DAYPARTS = {"morning", "afternoon", "evening", "night", "tonight"}
NOW = next(time for time in lexicon.TIMES if "now" in time.tenses)


DESCRIBERS = {
    (main, noun): tuple(
        verb
        for verb in VERBS
        if "o" in verb.flags
        and noun in verb.objects
        and verb.english in DESCRIBED_BY.get(main.english, ())
    )
    for main in VERBS
    for noun in main.objects
}
"""The verbs that may describe the object of a verb in a relative clause."""


ADJECTIVES = {
    (verb, noun): tuple(
        name for name in noun.fitting if verb.english not in PRODUCING or name in PRODUCED
    )
    for verb in VERBS
    for noun in verb.objects
}
"""The adjectives that may stand before the object of a verb."""


DOINGS = {
    place: tuple(
        verb
        for verb in ACTIVITIES
        if place in verb.places and "w" in verb.flags and verb.english != "stay"
    )
    for place in lexicon.PLACES.values()
}
"""What people go to a place for."""


RELATIVE_TIMES: tuple[Time, ...] = tuple(
    time for time in lexicon.TIMES if time.tenses == frozenset({"past"})
)


ORDERS = tuple(permutations(("time", "place", "manner", "companion")))


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a clause is for: who may do it, and with which flag its verb must agree."""

    flag: str = ""
    definite: bool = False
    """Whether the hearer knows which thing is meant: the letter rather than a letter."""


def activity(
    scene: Scene,
    subject: Nominal | None,
    tense: Tense,
    room: int,
    purpose: Purpose,
    *,
    verb: Verb | None = None,
) -> Clause:
    """Someone does something; ``room`` is how many English words it may take."""
    people = verb in PEOPLE_VERBS if verb else scene.chance(0.16)
    going = verb in GOING if verb else not people and purpose.flag != "b" and scene.chance(0.12)
    if verb is None:
        verb = _pick_verb(scene, tense, POOLS[purpose.flag][0 if people else 1 if going else 2])
    clause = Clause(verb, scene.units(4), subject, tense)
    if people:
        clause.obj = _person_object(scene, subject, purpose)
    elif going:
        _go(scene, clause, room)
    elif verb is LIVING or verb.english == "stay":
        clause.place = in_place(scene, scene.fresh(verb.places), verb.where)
    elif verb.objects:
        clause.noun = scene.fresh(verb.objects)
        clause.obj = _object(scene, verb, clause.noun, tense, room - 3, purpose)
        clause.heavy = len(clause.obj.english) > 4
        if verb.recipient:
            clause.recipient = _person_object(scene, subject, purpose)
    _surround(scene, clause, room - clause.size, purpose)
    return clause


UNTIMELY = {Tense.PAST: "", Tense.PRESENT: "ny", Tense.FUTURE: "sy"}
"""The flags of verbs that a tense does without."""


def _pick_verb(scene: Scene, tense: Tense, pool: tuple[Verb, ...]) -> Verb:
    """One of the pool; what is done once has no present, what one feels no future."""
    while True:
        verb = scene.pick(pool)
        if not any(flag in verb.flags for flag in UNTIMELY[tense]):
            return verb


def _pools(flag: str) -> tuple[tuple[Verb, ...], ...]:
    """Verbs about people, of going, and of doing, that carry one of the letters of ``flag``."""
    groups = (PEOPLE_VERBS, GOING, (*ACTIVITIES, LIKE, LIKE, LIVING))
    return tuple(
        tuple(v for v in group if not flag or any(letter in v.flags for letter in flag))
        for group in groups
    )


POOLS = {flag: _pools(flag) for flag in ("", "b", "rb", "p", "e", "q")}
"""By the flags of a ``Purpose``."""


def _person_object(scene: Scene, subject: Nominal | None, purpose: Purpose) -> Nominal:
    """The person whom a verb is about: me, you, him, or someone of the lexicon."""
    who = subject.pronoun if subject else "you"
    draw = scene.rng.random()
    if draw < 0.2 and who not in ("I", "we") and purpose.flag != "p":
        return i(scene)
    if draw < 0.3 and who not in ("you", "we") and scene.style is not Style.PLAIN:
        return you(scene, subject=False)
    if draw < 0.42 and who in ("I", "we", "you"):
        return third_person(scene, draw < 0.36)
    return other_subject(scene, 0)


def _go(scene: Scene, clause: Clause, room: int) -> None:
    """To a place, and perhaps what for: 빵을 사러 시장에 간다."""
    place = scene.fresh(clause.verb.places)
    clause.place = in_place(scene, place, "에", to=True)
    clause.outdoors = place.outdoors
    doings = DOINGS[place]
    if room < 7 or not doings or not scene.chance(0.6):
        return
    verb = scene.pick(doings)
    inner = Clause(verb, scene.units(4), _honor_only(clause.subject))
    if verb.objects:
        inner.obj = _object(scene, verb, scene.fresh(verb.objects), Tense.PRESENT, 0, Purpose())
    korean = inner.korean("(으)러", scene.style)
    english = [("to", (inner.link,)), *inner.english(Form.BASE)]
    clause.purpose = korean, english


def _honor_only(subject: Nominal | None) -> Nominal | None:
    """A subject that neither language says, but that Korean honours."""
    return Nominal([], [], honored=True) if subject and subject.honored else None


def _object(
    scene: Scene, verb: Verb, noun: Noun, tense: Tense, room: int, purpose: Purpose
) -> Nominal:
    fits = ADJECTIVES[verb, noun]
    if "f" in verb.flags:
        adjective = scene.pick(fits) if fits and room >= 2 and scene.chance(0.25) else ""
        return something(scene, noun, adjective=adjective, generic=True)
    draw = scene.rng.random()
    describers = DESCRIBERS[verb, noun]
    if room >= 5 and draw < 0.3 and describers and tense is not Tense.PRESENT:
        return _relative_thing(scene, noun, scene.pick(describers), room)
    if room >= 1 and draw < 0.5 and fits:
        return something(
            scene, noun, adjective=scene.pick(fits), determiner=_definite(verb, purpose)
        )
    if room >= 1 and draw < 0.62 and noun.counter:
        return counted(scene, noun)
    if draw < 0.72 and noun.determiner == "a" and verb.english not in ("make", "draw", "bake"):
        word = scene.pick((("이", "this"), ("그", "that")))
        return described(scene, noun, *word)
    return something(scene, noun, determiner=_definite(verb, purpose))


def _definite(verb: Verb, purpose: Purpose) -> str | None:
    return "the" if purpose.definite and "d" in verb.flags else None


def _relative_thing(scene: Scene, noun: Noun, verb: Verb, room: int) -> Nominal:
    """The book that Minsu bought yesterday: 민수가 어제 산 책."""
    subject = i(scene) if scene.chance(0.3) else other_subject(scene, 0)
    clause = Clause(verb, scene.units(4), subject, Tense.PAST)
    if verb.recipient:
        clause.recipient = other_subject(scene, 0)
    if room >= 7 and scene.chance(0.5):
        clause.time = adverbial(scene, scene.fresh(RELATIVE_TIMES).words)
    elif room >= 8 and verb.places and scene.chance(0.5):
        clause.place = in_place(scene, scene.fresh(verb.places), verb.where)
    thing = something(scene, noun, determiner="the")
    english = [*thing.english, ("that", (clause.link,)), *clause.english()]
    korean = [*clause.korean("는", scene.style, case="이/가"), *thing.korean]
    return replace(thing, korean=korean, english=english)


def _surround(scene: Scene, clause: Clause, room: int, purpose: Purpose) -> None:
    """Give the clause a time, a place, a companion, a manner, as far as there is room."""
    for kind in scene.pick(ORDERS):
        if room < 1 or clause.heavy:
            return
        if scene.chance(0.62):
            room -= _adjunct(scene, clause, kind, room, purpose)
    if room >= 1:
        _frequency(scene, clause)


def _adjunct(scene: Scene, clause: Clause, kind: str, room: int, purpose: Purpose) -> int:
    """Add one adjunct; how many English words it took."""
    verb = clause.verb
    pair: Pair | None = None
    if kind == "time" and room >= 2 and _undated(clause):
        pair = clause.time = _time(scene, clause)
    elif kind == "place" and verb.places and clause.place is None and room >= 3:
        place = scene.fresh(verb.places)
        pair = clause.place = in_place(scene, place, verb.where)
        clause.outdoors = place.outdoors
    elif kind == "manner" and verb.manners:
        pair = _manner(scene, clause, purpose)
    elif kind == "companion" and "w" in verb.flags and room >= 3 and _alone(clause):
        who = other_subject(scene, 0)
        english = [("with", who.units), *who.as_object]
        pair = clause.companion = mark(who, "과/와"), english
    return len(pair[1]) if pair else 0


def _undated(clause: Clause) -> bool:
    """Whether it may still be said when it happens."""
    often = clause.frequency is not None
    return "s" not in clause.verb.flags and clause.verb is not LIVING and not often


def _alone(clause: Clause) -> bool:
    """Whether nobody else is in it yet."""
    return clause.manner is None or clause.manner[1][0][0] not in ("alone", "together")


def _time(scene: Scene, clause: Clause) -> Pair:
    """A time; meals are not said to be at other times of the day than their own."""
    pool = TIMES[clause.tense]
    if clause.noun in lexicon.MEALS or clause.verb.english == "get up":
        pool = tuple(time for time in pool if not DAYPARTS & {w for w, _ in time.words.english})
    return adverbial(scene, scene.fresh(pool).words)


def _manner(scene: Scene, clause: Clause, purpose: Purpose) -> Pair | None:
    name = scene.pick(clause.verb.manners)
    plural = clause.subject is None or clause.subject.agreement == PLURAL
    if name == "together" and not (plural and purpose.flag in ("", "p")):
        return None
    if name == "well" and purpose.flag:
        return None
    if name == "alone" and (plural or purpose.flag in ("p", "rb")):
        return None
    if name in ("alone", "together") and clause.companion:
        return None
    pair = adverbial(scene, ADVERBS[name])
    if name in EARLY:
        if purpose.flag or clause.time or clause.tense is Tense.FUTURE:
            return None
        clause.frequency = pair
    else:
        clause.manner = pair
    return pair


def _frequency(scene: Scene, clause: Clause) -> None:
    """Say how often, where that is not said yet."""
    habit = clause.tense is Tense.PRESENT and "s" not in clause.verb.flags and clause.subject
    said = clause.time or clause.frequency or clause.verb is LIVING
    if habit and not said and scene.chance(0.5):
        clause.frequency = adverbial(scene, scene.pick(FREQUENCIES))


def with_mood(scene: Scene, clause: Clause) -> Clause:
    """Perhaps deny the clause, or say that it is possible, wished for, needed or going on."""
    draw = scene.rng.random()
    tense, flags = clause.tense, clause.verb.flags
    stative = "s" in flags or clause.frequency is not None
    if draw < 0.16:
        clause.negative = clause.manner is None and clause.frequency is None
    elif stative or tense is Tense.FUTURE or draw < 0.55:
        pass
    elif draw < 0.65 and tense is Tense.PAST and clause.manner is None:
        clause.modal = Modal.COULD_NOT
    elif draw < 0.75 and tense is Tense.PRESENT and "g" in flags:
        _now(scene, clause)
    elif "r" in flags and not _habitual(clause):
        modals = (Modal.CAN, Modal.WANT, Modal.MUST)
        clause.modal = scene.pick(modals if tense is Tense.PRESENT else modals[1:])
        clause.negative = clause.modal is Modal.CAN and draw > 0.95
    return clause


def asked_mood(scene: Scene, clause: Clause) -> Clause:
    """Perhaps ask whether it is possible, wished for, needed or going on."""
    stative = "s" in clause.verb.flags or clause.frequency is not None
    if stative or clause.tense is not Tense.PRESENT or scene.chance(0.4):
        return clause
    if "g" in clause.verb.flags and scene.chance(0.3):
        _now(scene, clause)
    elif "r" in clause.verb.flags and not _habitual(clause):
        clause.modal = scene.pick((Modal.CAN, Modal.WANT, Modal.MUST))
    return clause


def _now(scene: Scene, clause: Clause) -> None:
    clause.modal = Modal.PROGRESSIVE
    clause.time = adverbial(scene, NOW.words)


def _habitual(clause: Clause) -> bool:
    return clause.time is not None and clause.time[1][0][0] in ("every", "these")
