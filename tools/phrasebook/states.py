"""What is the case: states, descriptions, weather, and what explains an event."""

from phrasebook import lexicon
from phrasebook.clause import Clause
from phrasebook.english import PLURAL
from phrasebook.korean import Kind, Stem
from phrasebook.people import other_subject
from phrasebook.phrase import (
    Nominal,
    Scene,
    Style,
    counted,
    described,
    in_place,
    something,
)
from phrasebook.predicate import Tense
from phrasebook.qualities import (
    BEGINNING,
    DESCRIPTIONS,
    ENDING,
    EVENTS,
    QUALITIES,
    STATES,
    WEATHER,
    is_a,
)
from phrasebook.verbs import ACTIVITIES, LIKE, Verb

__all__ = [
    "ARRIVALS",
    "ASK",
    "BIRTHDAYS",
    "COME",
    "DAYS",
    "GARDENS",
    "GOOD_QUALITIES",
    "HAVE_NO_TIME",
    "HAVE_TIME",
    "IN_ROOMS",
    "PROFESSIONS",
    "ROOMS",
    "THERE",
    "TREATS",
    "circumstance",
    "description",
    "event",
    "existence",
    "identity",
    "quality",
    "state",
    "weather",
]

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
TREATS = {"buy", "bake", "cook", "make"}
"""What is done because someone likes the thing."""


def state(scene: Scene, subject: Nominal, tense: Tense, name: str = "") -> Clause:
    """Say how someone is: tired, kind."""
    if name:
        verb = STATES[name]
    else:
        verb = scene.pick(QUALITIES) if scene.chance(0.5) else scene.pick(tuple(STATES.values()))
    return Clause(verb, scene.units(4), subject, tense)


def quality(scene: Scene, subject: Nominal) -> Clause:
    """Say what someone is like."""
    return Clause(scene.pick(GOOD_QUALITIES), scene.units(4), subject)


def identity(scene: Scene, subject: Nominal, tense: Tense) -> Clause:
    """Say what someone is: a student."""
    return Clause(scene.pick(PROFESSIONS), scene.units(4), subject, tense)


def description(scene: Scene, tense: Tense) -> Clause:
    """Say how a thing is: this coffee is hot."""
    while True:
        noun = scene.fresh(scene.pick(ACTIVITIES).objects or lexicon.DRINKS)
        fitting = tuple(name for name in noun.fitting if name in DESCRIPTIONS)
        if fitting and noun.determiner != "the":
            break
    mine = ("제" if scene.style in (Style.POLITE, Style.FORMAL) else "내", "my")
    words = (("이", "this"), ("그", "that"), mine)
    own = noun in lexicon.CLOTHES or noun in lexicon.GOODS
    subject = described(scene, noun, *scene.pick(words if own else words[:2]))
    return Clause(DESCRIPTIONS[scene.pick(fitting)], scene.units(4), subject, tense)


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
    clause = Clause(
        THERE, first, subject, tense, obj=Nominal([], thing.english), existential=True, case="이/가"
    )
    place = scene.fresh(GARDENS if outdoors else ROOMS)
    clause.place = in_place(scene, place, "에")
    return clause


def weather(scene: Scene, tense: Tense, kind: str) -> Clause:
    """Say what the weather is like."""
    scene.seen.add("날씨")
    verb = scene.pick(WEATHER[kind])
    first = scene.units(4)
    if not verb.english.startswith("be "):
        return Clause(verb, first, Nominal([], [("it", (first,))], pronoun="it"), tense)
    unit = (scene.unit(),)
    subject = Nominal([("날씨", unit)], [("the", unit), ("weather", unit)])
    return Clause(verb, first, subject, tense, case="이/가")


def event(scene: Scene, tense: Tense, *, starts: bool) -> Clause:
    """The class ends; the movie starts."""
    korean, english = scene.fresh(EVENTS)
    unit = (scene.unit(),)
    subject = Nominal([(korean, unit)], [("the", unit), (english, unit)])
    return Clause(BEGINNING if starts else ENDING, scene.units(4), subject, tense)


def circumstance(
    scene: Scene, main: Clause, who: Nominal | None, tense: Tense, *, calm: bool = False
) -> Clause:
    """Give the circumstance that explains the main clause, or that it depends on.

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
    affected = (good or "i" in main.verb.flags) and not main.negative
    if affected and draw < 0.9 and "날씨" not in scene.seen:
        return weather(scene, tense, "good" if good else "bad")
    if who and draw < 0.5 and "시간" not in scene.seen:
        return _again(_time_left(scene, who, tense, HAVE_TIME))
    return _occasion(scene, tense, dated=main.time is not None)


def _again(clause: Clause) -> Clause:
    """The clause with a pronoun for its subject, which Korean leaves out."""
    clause.same_subject = True
    return clause


def _occasion(scene: Scene, tense: Tense, *, dated: bool) -> Clause:
    """What may be a reason for nearly anything: a holiday, guests, a birthday, someone's wish.

    ``dated`` says that the main clause names a day itself.
    """
    draw = scene.rng.random() * (0.7 if dated else 1.0) + (0.3 if dated else 0.0)
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
