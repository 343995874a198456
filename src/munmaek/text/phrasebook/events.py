"""Who does what, where and when: clauses that make sense, and what may surround them."""

from dataclasses import dataclass, replace

from munmaek.text.phrasebook import lexicon
from munmaek.text.phrasebook.clause import Clause
from munmaek.text.phrasebook.english import PLURAL, THIRD
from munmaek.text.phrasebook.korean import Kind, Stem
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
    DESCRIBED_BY,
    DESCRIPTIONS,
    EVENTS,
    GOING,
    LIVING,
    PEOPLE_VERBS,
    PRODUCED,
    PRODUCING,
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
    "asked_mood",
    "circumstance",
    "description",
    "event",
    "existence",
    "identity",
    "in_person",
    "other_subject",
    "quality",
    "state",
    "weather",
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
    place: tuple(verb for verb in ACTIVITIES if place in verb.places and "w" in verb.flags)
    for place in lexicon.PLACES.values()
}
"""What people go to a place for."""
LIKE = next(verb for verb in VERBS if verb.english == "like")
HAVE_TIME = Verb("have time", Stem("시간이 있", adjective=True), flags="s")
HAVE_NO_TIME = Verb("have no time", Stem("시간이 없", adjective=True), flags="s")
DAYS = (is_a("주말", "be the weekend"), is_a("휴일", "be a holiday"))
ASK = Verb("ask", Stem("부탁하", Kind.HA), flags="s")
COME = Verb("come", Stem("오"), flags="s")
ARRIVALS = (("손님들", "guests", COME), ("아이들", "children", COME))
BIRTHDAYS = {
    name: is_a(f"{name.korean}의 생일", f"be {name.english}'s birthday") for name in lexicon.NAMES
}
GOOD_QUALITIES = tuple(verb for verb in QUALITIES if verb.english not in ("be lazy", "be tall"))
THERE = Verb("be", Stem("있", adjective=True), case="", flags="s")
PROFESSIONS = tuple(
    is_a(korean, f"be {'an' if english[0] in 'aeiou' else 'a'} {english}")
    for korean, english in lexicon.PROFESSIONS
)
IN_ROOMS = (*lexicon.FURNITURE, *lexicon.GOODS[:6], lexicon.GIFT, *lexicon.ANIMALS[:2])
ROOMS = tuple(lexicon.PLACES[name] for name in ("room", "classroom", "living room", "office"))
GARDENS = tuple(lexicon.PLACES[name] for name in ("park", "garden", "village"))
WORKING = next(verb for verb in VERBS if verb.english == "work")
TREATS = {"buy", "bake", "cook", "make"}
"""What is done because someone likes the thing."""


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
        verb = _pick_verb(scene, tense, POOLS[purpose.flag][0 if people else 1 if going else 2])
    clause = Clause(verb, scene.units(4), subject, tense)
    if people:
        clause.obj = _person_object(scene, subject, purpose)
    elif going:
        _go(scene, clause, room)
    elif verb is LIVING:
        clause.place = in_place(scene, scene.fresh(verb.places), verb.where)
    elif verb.objects:
        clause.noun = scene.fresh(verb.objects)
        clause.obj = _object(scene, verb, clause.noun, tense, room - 3, purpose)
        clause.heavy = len(clause.obj.english) > 4
        if verb.recipient:
            clause.recipient = _person_object(scene, subject, purpose)
    _surround(scene, clause, room - clause.size, purpose)
    return clause


def _pick_verb(scene: Scene, tense: Tense, pool: tuple[Verb, ...]) -> Verb:
    """One of the pool; what is done once has no present."""
    while True:
        verb = scene.pick(pool)
        if not ("y" in verb.flags and tense is not Tense.PAST) and not (
            "n" in verb.flags and tense is Tense.PRESENT
        ):
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
        pair = clause.time = _time(scene, clause)
    elif clause.heavy and kind in ("place", "companion"):
        return 0
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


def quality(scene: Scene, subject: Nominal) -> Clause:
    """What someone is like."""
    return Clause(scene.pick(GOOD_QUALITIES), scene.units(4), subject)


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
    mine = ("제" if scene.style in (Style.POLITE, Style.FORMAL) else "내", "my")
    words = (("이", "this"), ("그", "that"), mine)
    own = noun in lexicon.CLOTHES or noun in lexicon.GOODS
    subject = described(scene, noun, *scene.pick(words if own else words[:2]))
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
    scene.seen.add("날씨")
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


def circumstance(
    scene: Scene, main: Clause, who: Nominal | None, tense: Tense, *, calm: bool = False
) -> Clause:
    """What explains the main clause, or what it depends on.

    Args:
        scene: the sentence.
        main: the main clause.
        who: its subject, if a pronoun can name it again; its Korean is then left out.
        tense: of the clause to be made.
        calm: whether feelings are no reason (in a request or proposal).
    """
    reasons = main.verb.reasons
    if calm:
        reasons = tuple(name for name in reasons if name not in ("happy", "sad"))
    draw = scene.rng.random()
    treat = main.verb.english in TREATS and not main.negative
    if treat and main.noun and main.noun in LIKE.objects and draw < 0.5:
        clause = Clause(LIKE, scene.units(4), other_subject(scene, 0), Tense.PRESENT)
        clause.obj = something(scene, main.noun, generic=True)
        return clause
    if who and main.negative:
        name = scene.pick(("busy", "sick", "tired", ""))
        return _again(
            state(scene, who, tense, name) if name else _time_left(scene, who, tense, HAVE_NO_TIME)
        )
    if who and reasons and draw < 0.75:
        return _again(state(scene, who, tense, scene.pick(reasons)))
    good = "u" in main.verb.flags or main.outdoors
    if (good or "i" in main.verb.flags) and draw < 0.9 and not main.negative:
        if "날씨" not in scene.seen:
            return weather(scene, tense, "good" if good else "bad")
    if who and draw < 0.5 and "시간" not in scene.seen:
        return _again(_time_left(scene, who, tense, HAVE_TIME))
    return _occasion(scene, tense)


def _again(clause: Clause) -> Clause:
    """The clause with a pronoun for its subject, which Korean leaves out."""
    clause.same_subject = True
    return clause


def _occasion(scene: Scene, tense: Tense) -> Clause:
    """What may be a reason for nearly anything: a holiday, guests, a birthday, someone's wish."""
    draw = scene.rng.random()
    first = scene.units(4)
    if draw < 0.3:
        subject = Nominal([], [("it", (first,))], pronoun="it")
        return Clause(scene.fresh(DAYS), first, subject, tense)
    if draw < 0.5:
        unit = (scene.unit(),)
        korean, english, verb = scene.fresh(ARRIVALS)
        guests = Nominal([(korean, unit)], [("the", unit), (english, unit)], PLURAL, "they")
        return Clause(verb, first, guests, tense)
    if draw < 0.75:
        return Clause(ASK, first, other_subject(scene, 0), Tense.PAST)
    name = scene.fresh(lexicon.NAMES)
    subject = Nominal([], [("it", (first,))], pronoun="it")
    return Clause(BIRTHDAYS[name], first, subject, tense)


def _time_left(scene: Scene, who: Nominal, tense: Tense, verb: Verb) -> Clause:
    scene.seen.add("시간")
    return Clause(verb, scene.units(4), who, tense)


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
