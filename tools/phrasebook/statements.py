"""What statements say, and what may be reported."""

from phrasebook.clause import Clause
from phrasebook.english import PLURAL
from phrasebook.events import Purpose, activity, with_mood
from phrasebook.growth import any_tense, extended
from phrasebook.korean import Kind, Stem
from phrasebook.lexicon import ADVERBS
from phrasebook.people import any_subject, in_person, other_subject
from phrasebook.phrase import Nominal, Scene, Style, adverbial, i, you
from phrasebook.predicate import Modal, Tense
from phrasebook.states import description, existence, identity, quality, state, weather
from phrasebook.structure import Complex, Coordinated, Reported, Structure, Subordinate
from phrasebook.verbs import PEOPLE_VERBS, VERBS, Verb

__all__ = ["BELIEVE", "HEAR", "SAY", "THINK", "about_you", "told", "told_in", "very"]

THINK = Verb("think", Stem("생각하", Kind.HA), flags="s")
SAY = Verb("say", Stem("말하", Kind.HA), flags="s", honorific=Stem("말씀하시", Kind.HONORIFIC))


BELIEVE = Verb("believe", Stem("믿"), flags="s")
HEAR = Verb("hear", Stem("듣", Kind.D), flags="s")


def told(scene: Scene, target: int) -> Structure:
    """Return the main clause of a statement."""
    tense = any_tense(scene)
    if scene.style is Style.FORMAL:
        tense = Tense.FUTURE if scene.chance(0.7) else Tense.PAST
        return _complex(scene, in_person(scene, "we"), tense, target)
    return told_in(scene, tense, target)


def told_in(scene: Scene, tense: Tense, target: int, *, depth: int = 0) -> Structure:
    """A statement of one tense; ``depth`` counts the structures that it is part of."""
    if target >= 12 and depth == 0 and scene.chance(0.22):
        return _reported(scene, tense, target)
    if target >= 24 or (target >= 12 and scene.chance(0.4)):
        half = int(target * (0.4 + 0.2 * scene.rng.random()))
        left = told_in(scene, tense, half, depth=depth + 1)
        return _coordinated(scene, left, tense, target - half - 1, depth)
    if target < 12 and tense is not Tense.FUTURE and scene.chance(0.3):
        return Complex([_simple(scene, tense, target)])
    return _complex(scene, any_subject(scene, target - 4), tense, target)


def _coordinated(scene: Scene, left: Structure, tense: Tense, room: int, depth: int) -> Structure:
    """Go on with and, or with but where a contrast can be made."""
    if isinstance(left, Complex) and len(left.chain) == 1 and scene.chance(0.5):
        right = _contrast(scene, left.chain[0], tense, room)
        if right:
            return Coordinated(left, right, "지만", "but")
    right = told_in(scene, tense, room, depth=depth + 1)
    return Coordinated(left, right, "고", "and")


def _contrast(scene: Scene, left: Clause, tense: Tense, room: int) -> Structure | None:
    """Someone else does the same to something else, or does not do it."""
    if left.verb not in VERBS or left.modal is not Modal.NONE or left.negative:
        return None
    subject = other_subject(scene, room - 5)
    clause = activity(scene, subject, tense, room, Purpose(), verb=left.verb)
    same = clause.noun is left.noun
    if same and (clause.manner or clause.frequency):
        return None
    clause.negative = same
    return extended(scene, Complex([clause]), tense, room)


def _reported(scene: Scene, tense: Tense, target: int) -> Reported:
    """Someone says or thinks something."""
    first = scene.units(4)
    draw = scene.rng.random()
    if draw < 0.45:
        verb = scene.pick((THINK, BELIEVE, HEAR))
        speaker = i(scene)
        when = Tense.PAST if verb is HEAR else Tense.PRESENT
    else:
        verb, speaker = SAY, other_subject(scene, 0)
        when = Tense.PAST if tense is Tense.PAST else Tense.PRESENT
    if verb is HEAR:
        tense = Tense.PAST
    clause = Clause(verb, first, speaker, when)
    return Reported(clause, told_in(scene, tense, target - clause.size - 1, depth=1))


def _simple(scene: Scene, tense: Tense, target: int) -> Clause:
    """A clause about what is, rather than about what is done."""
    draw = scene.rng.random()
    if draw < 0.3:
        clause = description(scene, Tense.PRESENT)
        return very(scene, clause, target)
    if draw < 0.5 and target >= 6:
        return existence(scene, tense, target)
    if draw < 0.65:
        return identity(scene, _named(scene), tense)
    if draw < 0.72 and target >= 4:
        return weather(scene, tense, scene.pick(("good", "bad")))
    clause = state(scene, any_subject(scene, 0), tense)
    return very(scene, clause, target)


def _named(scene: Scene) -> Nominal:
    """A subject of whom a profession is news: no plural, and nobody called by a role."""
    while True:
        subject = any_subject(scene, 0)
        if subject.agreement != PLURAL and subject.english[0][0] != "the":
            return subject


def very(scene: Scene, clause: Clause, target: int) -> Clause:
    """Perhaps add very before the adjective, or deny it."""
    if not scene.chance(0.5):
        return clause
    if scene.chance(0.3):
        clause.negative = True
    elif clause.size < target:
        clause.degree = adverbial(scene, ADVERBS["very"])
    return clause


def _complex(
    scene: Scene,
    subject: Nominal,
    tense: Tense,
    target: int,
    *,
    purpose: Purpose | None = None,
) -> Complex:
    """A main clause of this subject with what else fits into ``target`` words."""
    share = 1.0 if target < 8 else 0.45 + 0.35 * scene.rng.random()
    purpose = purpose or Purpose()
    clause = activity(scene, subject, tense, max(int(target * share), 3), purpose)
    if not purpose.flag:
        clause = with_mood(scene, clause)
    return extended(scene, Complex([clause]), tense, target)


def about_you(scene: Scene, target: int) -> Structure:
    """A statement about the hearer, or to do with the hearer."""
    if scene.chance(0.3):
        hearer = you(scene, subject=True)
        clause = very(scene, state(scene, hearer, Tense.PRESENT), target)
        return extended(scene, Complex([clause]), Tense.PRESENT, target)
    verb = scene.pick(PEOPLE_VERBS)
    tense = any_tense(scene)
    if "s" in verb.flags and tense is Tense.FUTURE:
        tense = Tense.PRESENT
    speaker = i(scene) if scene.chance(0.6) else other_subject(scene, target - 4)
    clause = Clause(verb, scene.units(4), speaker, tense, obj=you(scene, subject=False))
    if verb.english in ("love", "like", "believe") and target >= 6 and scene.chance(0.6):
        reason = quality(scene, you(scene, subject=True))
        return Complex([clause], [Subordinate(reason, "기 때문에", "because")])
    return extended(scene, Complex([clause]), tense, target)
