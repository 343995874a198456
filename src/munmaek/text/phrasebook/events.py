"""Who does what, where and when: clauses that make sense, and what may surround them."""

from dataclasses import dataclass, replace

from munmaek.text.phrasebook import lexicon
from munmaek.text.phrasebook.clause import Clause
from munmaek.text.phrasebook.english import PLURAL, THIRD
from munmaek.text.phrasebook.korean import Stem
from munmaek.text.phrasebook.lexicon import ADVERBS, Noun, Person, Place, Time
from munmaek.text.phrasebook.phrase import (
    Nominal,
    Pair,
    Scene,
    Style,
    adverbial,
    counted,
    described,
    i,
    in_place,
    joined,
    mark,
    someone,
    something,
    we,
    you,
)
from munmaek.text.phrasebook.predicate import LINK, Form, Modal, Tense
from munmaek.text.phrasebook.verbs import (
    ACTIVITIES,
    DESCRIPTIONS,
    EVENTS,
    GOING,
    LIVING,
    PEOPLE_VERBS,
    QUALITIES,
    STATES,
    VERBS,
    WEATHER,
    Verb,
    is_a,
)

__all__ = [
    "POOLS",
    "Purpose",
    "activity",
    "any_subject",
    "circumstance",
    "description",
    "event",
    "existence",
    "identity",
    "in_person",
    "other_subject",
    "state",
    "weather",
    "with_mood",
]

FREQUENCIES = tuple(ADVERBS[name] for name in ("always", "often", "sometimes", "usually"))
EARLY = {"often", "really"}
"""Manners that English puts before the verb."""
TIMES = {
    tense: tuple(time for time in lexicon.TIMES if tense.value in time.tenses) for tense in Tense
}
NOW = next(time for time in lexicon.TIMES if "now" in time.tenses)
DESCRIBERS = {
    noun: tuple(verb for verb in VERBS if "o" in verb.flags and noun in verb.objects)
    for verb in VERBS
    for noun in verb.objects
}
"""The verbs that may describe a noun in a relative clause."""
DOINGS = {
    place: tuple(verb for verb in ACTIVITIES if place in verb.places and "w" in verb.flags)
    for place in lexicon.PLACES.values()
}
"""What people go to a place for."""
LIKE = next(verb for verb in VERBS if verb.english == "like")
HAVE_TIME = Verb("have time", Stem("시간이 있", adjective=True), flags="s")
HAVE_NO_TIME = Verb("have no time", Stem("시간이 없", adjective=True), flags="s")
DAYS = (is_a("주말", "be the weekend"), is_a("휴일", "be a holiday"))
THERE = Verb("be", Stem("있", adjective=True), case="", flags="s")
PROFESSIONS = tuple(
    is_a(korean, f"be {'an' if english[0] in 'aeiou' else 'a'} {english}")
    for korean, english in lexicon.PROFESSIONS
)
IN_ROOMS = (*lexicon.FURNITURE, *lexicon.GOODS[:9], *lexicon.ANIMALS[:2])
ROOMS = tuple(lexicon.PLACES[name] for name in ("room", "classroom", "living room", "office"))
GARDENS = tuple(lexicon.PLACES[name] for name in ("park", "garden", "village"))
WORKING = next(verb for verb in VERBS if verb.english == "work")
GIFTS = {"buy", "bake", "cook", "make", "prepare"}


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a clause is for: who may do it, and with which flag its verb must agree."""

    flag: str = ""
    definite: bool = False
    """Whether the hearer knows which thing is meant: the letter rather than a letter."""


def any_subject(scene: Scene, room: int) -> Nominal:
    """A subject of a statement."""
    draw = scene.rng.random()
    if draw < 0.3:
        return in_person(scene, "I" if draw < 0.22 else "we")
    if draw < 0.4:
        return _third(scene, draw < 0.34)
    return other_subject(scene, room)


def in_person(scene: Scene, pronoun: str) -> Nominal:
    """I, we or you as a subject."""
    if pronoun == "you":
        return you(scene, subject=True)
    return i(scene) if pronoun == "I" else we(scene)


def _third(scene: Scene, masculine: bool) -> Nominal:
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
    verb = LIVING if draw < 0.35 else WORKING
    if draw > 0.6:
        verb = LIKE
        noun = scene.fresh(verb.objects)
        clause.obj = something(scene, noun, generic=True)
    else:
        clause.place = in_place(scene, scene.fresh(verb.places), verb.where)
    clause.verb = verb
    korean = [*clause.korean("는", scene.style), *head.korean]
    return replace(head, korean=korean, english=[*head.english, *clause.english()])


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
        verb = scene.pick(POOLS[purpose.flag][0 if people else 1 if going else 2])
    clause = Clause(verb, scene.units(4), subject, tense)
    if people:
        clause.obj = _person_object(scene, subject, purpose)
    elif going:
        _go(scene, clause, room)
    elif verb.objects:
        clause.noun = scene.fresh(verb.objects)
        clause.obj = _object(scene, verb, clause.noun, tense, room - 3, purpose)
        if verb.recipient:
            clause.recipient = _person_object(scene, subject, purpose)
    _surround(scene, clause, room - len(clause.english()), purpose)
    return clause


def _pools(flag: str) -> tuple[tuple[Verb, ...], ...]:
    """Verbs about people, of going, and of doing, that carry one of the letters of ``flag``."""
    groups = (PEOPLE_VERBS, GOING, (*ACTIVITIES, LIKE, LIVING))
    return tuple(
        tuple(v for v in group if not flag or any(letter in v.flags for letter in flag))
        for group in groups
    )


POOLS = {flag: _pools(flag) for flag in ("", "b", "rb", "p", "w")}
"""By the flags of a ``Purpose``."""


def _person_object(scene: Scene, subject: Nominal | None, purpose: Purpose) -> Nominal:
    """The person whom a verb is about: me, you, him, or someone of the lexicon."""
    who = subject.pronoun if subject else "you"
    draw = scene.rng.random()
    if draw < 0.2 and who not in ("I", "we") and purpose.flag != "p":
        return i(scene)
    if draw < 0.3 and who not in ("you", "we") and scene.style is not Style.PLAIN:
        return you(scene, subject=False)
    if draw < 0.42:
        return _third(scene, draw < 0.36)
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
    fits = noun.fitting
    if "f" in verb.flags:
        adjective = scene.pick(fits) if fits and room >= 2 and scene.chance(0.25) else ""
        return something(scene, noun, adjective=adjective, generic=True)
    draw = scene.rng.random()
    describers = DESCRIBERS.get(noun, ())
    if room >= 5 and draw < 0.3 and describers and tense is not Tense.PRESENT:
        return _relative_thing(scene, noun, scene.pick(describers), verb, room)
    if room >= 1 and draw < 0.5 and fits:
        return something(
            scene, noun, adjective=scene.pick(fits), determiner=_definite(noun, verb, purpose)
        )
    if room >= 1 and draw < 0.62 and noun.counter:
        return counted(scene, noun)
    if draw < 0.72 and noun.determiner == "a" and verb.english not in ("make", "draw", "bake"):
        word = scene.pick((("이", "this"), ("그", "that")))
        return described(scene, noun, *word)
    return something(scene, noun, determiner=_definite(noun, verb, purpose))


def _definite(noun: Noun, verb: Verb, purpose: Purpose) -> str | None:
    return "the" if purpose.definite and "d" in verb.flags else None


def _relative_thing(scene: Scene, noun: Noun, verb: Verb, main: Verb, room: int) -> Nominal:
    """The book that Minsu bought yesterday: 민수가 어제 산 책."""
    if verb is main:
        return something(scene, noun)
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


RELATIVE_TIMES: tuple[Time, ...] = tuple(
    time for time in lexicon.TIMES if time.tenses == frozenset({"past"})
)


def _surround(scene: Scene, clause: Clause, room: int, purpose: Purpose) -> None:
    """Give the clause a time, a place, a companion, a manner, as far as there is room."""
    order = ["time", "place", "manner", "companion"]
    scene.rng.shuffle(order)
    for kind in order:
        if room < 1:
            return
        if scene.chance(0.62):
            room -= _adjunct(scene, clause, kind, room, purpose)
    if room >= 1:
        _frequency(scene, clause)


def _adjunct(scene: Scene, clause: Clause, kind: str, room: int, purpose: Purpose) -> int:
    """Add one adjunct; how many English words it took."""
    verb = clause.verb
    pair: Pair | None = None
    if kind == "time" and "s" not in verb.flags and verb is not LIVING and room >= 2:
        pair = clause.time = _time(scene, clause.tense)
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


def _alone(clause: Clause) -> bool:
    """Whether nobody else is in it yet."""
    return clause.manner is None or clause.manner[1][0][0] not in ("alone", "together")


def _time(scene: Scene, tense: Tense) -> Pair:
    return adverbial(scene, scene.fresh(TIMES[tense]).words)


def _manner(scene: Scene, clause: Clause, purpose: Purpose) -> Pair | None:
    name = scene.pick(clause.verb.manners)
    plural = clause.subject is None or clause.subject.agreement == PLURAL
    if name == "together" and not (plural and purpose.flag in ("", "p")):
        return None
    if name == "alone" and (plural or purpose.flag in ("p", "rb")):
        return None
    if name in ("alone", "together") and clause.companion:
        return None
    pair = adverbial(scene, ADVERBS[name])
    if name in EARLY:
        if purpose.flag:
            return None
        clause.frequency = pair
    else:
        clause.manner = pair
    return pair


def _frequency(scene: Scene, clause: Clause) -> None:
    habit = clause.tense is Tense.PRESENT and "s" not in clause.verb.flags
    if habit and clause.time is None and clause.frequency is None and clause.subject:
        if clause.verb is not LIVING and scene.chance(0.5):
            clause.frequency = adverbial(scene, scene.pick(FREQUENCIES))


def state(scene: Scene, subject: Nominal, tense: Tense, name: str = "") -> Clause:
    """How someone is: tired, kind."""
    if name:
        verb = STATES[name]
    else:
        verb = scene.pick(QUALITIES) if scene.chance(0.5) else scene.pick(tuple(STATES.values()))
    return Clause(verb, scene.units(4), subject, tense)


def identity(scene: Scene, subject: Nominal, tense: Tense) -> Clause:
    """What someone is: a student."""
    return Clause(scene.pick(PROFESSIONS), scene.units(4), subject, tense)


def description(scene: Scene, tense: Tense) -> Clause:
    """How a thing is: this coffee is hot."""
    while True:
        noun = scene.fresh(scene.pick(ACTIVITIES).objects or lexicon.DRINKS)
        fitting = tuple(name for name in noun.fitting if name in DESCRIPTIONS)
        if fitting and noun.determiner != "the":
            break
    words = (("이", "this"), ("그", "that"), ("우리", "our"))
    subject = described(scene, noun, *scene.pick(words[:2] if noun in lexicon.DRINKS else words))
    clause = Clause(DESCRIPTIONS[scene.pick(fitting)], scene.units(4), subject, tense)
    return clause


def existence(scene: Scene, tense: Tense, room: int) -> Clause:
    """There is a cat in the room: 방에 고양이가 있다."""
    outdoors = scene.chance(0.3)
    noun = scene.fresh(lexicon.VISIBLE if outdoors else IN_ROOMS)
    if noun.counter and room >= 7 and scene.chance(0.4):
        thing = counted(scene, noun)
    else:
        adjective = scene.pick(noun.fitting) if room >= 8 and scene.chance(0.5) else ""
        thing = something(scene, noun, adjective=adjective, determiner="a")
    first = scene.units(4)
    subject = Nominal(thing.korean, [("there", (first,))], thing.agreement)
    clause = Clause(THERE, first, subject, tense, obj=Nominal([], thing.english), existential=True)
    place: Place = scene.fresh(GARDENS if outdoors else ROOMS)
    clause.place = in_place(scene, place, "에")
    return clause


def weather(scene: Scene, tense: Tense, kind: str) -> Clause:
    """What the weather is like."""
    verb = scene.pick(WEATHER[kind])
    first = scene.units(4)
    if not verb.english.startswith("be "):
        return Clause(verb, first, Nominal([], [("it", (first,))], pronoun="it"), tense)
    unit = (scene.unit(),)
    subject = Nominal([("날씨", unit)], [("the", unit), ("weather", unit)])
    return Clause(verb, first, subject, tense)


def event(scene: Scene, tense: Tense, *, starts: bool) -> Clause:
    """The class ends; the movie starts."""
    korean, english, ends, begins = scene.fresh(EVENTS)
    unit = (scene.unit(),)
    subject = Nominal([(korean, unit)], [("the", unit), (english, unit)])
    return Clause(begins if starts else ends, scene.units(4), subject, tense)


def circumstance(scene: Scene, main: Clause, who: Nominal | None, tense: Tense) -> Clause:
    """What explains the main clause, or what it depends on.

    ``who`` is its subject if a pronoun can name it again; its Korean is then left out.
    """
    draw = scene.rng.random()
    if main.noun and main.verb.english in GIFTS and main.noun in LIKE.objects and draw < 0.5:
        clause = Clause(LIKE, scene.units(4), other_subject(scene, 0), Tense.PRESENT)
        clause.obj = something(scene, main.noun, generic=True)
        return clause
    if who and main.negative:
        name = scene.pick(("busy", "sick", "tired", ""))
        clause = state(scene, who, tense, name) if name else _time_left(scene, who, tense, HAVE_NO_TIME)
        return replace(clause, same_subject=True)
    if who and main.verb.reasons and draw < 0.75:
        return replace(state(scene, who, tense, scene.pick(main.verb.reasons)), same_subject=True)
    good = "u" in main.verb.flags or main.outdoors
    if (good or "i" in main.verb.flags) and draw < 0.9 and not main.negative:
        return weather(scene, tense, "good" if good else "bad")
    if who and scene.chance(0.5):
        return replace(_time_left(scene, who, tense, HAVE_TIME), same_subject=True)
    first = scene.units(4)
    return Clause(scene.pick(DAYS), first, Nominal([], [("it", (first,))], pronoun="it"), tense)


def _time_left(scene: Scene, who: Nominal, tense: Tense, verb: Verb) -> Clause:
    return Clause(verb, scene.units(4), who, tense)


def with_mood(scene: Scene, clause: Clause) -> Clause:
    """Perhaps deny the clause, or say that it is possible, wished for, needed or going on."""
    draw = scene.rng.random()
    tense, flags = clause.tense, clause.verb.flags
    stative = "s" in flags or clause.frequency is not None
    if draw < 0.16:
        return _denied(clause)
    if stative or tense is Tense.FUTURE or draw < 0.55:
        return clause
    if draw < 0.65 and tense is Tense.PAST and clause.manner is None:
        return replace(clause, modal=Modal.COULD_NOT)
    if draw < 0.75 and tense is Tense.PRESENT and "g" in flags:
        return replace(clause, modal=Modal.PROGRESSIVE, time=adverbial(scene, NOW.words))
    if tense is Tense.PRESENT and "r" in flags and not _habitual(clause):
        modal = scene.pick((Modal.CAN, Modal.WANT, Modal.MUST))
        return replace(clause, modal=modal, negative=modal is Modal.CAN and draw > 0.95)
    return clause


def _denied(clause: Clause) -> Clause:
    return replace(clause, negative=clause.manner is None and clause.frequency is None)


def _habitual(clause: Clause) -> bool:
    return clause.time is not None and clause.time[1][0][0] in ("every", "these")

