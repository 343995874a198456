"""What requests ask for and proposals propose: no subject, and no tense of their own."""

from phrasebook.clause import Clause
from phrasebook.english import PLURAL
from phrasebook.events import Purpose, activity
from phrasebook.growth import REASONS, TIMINGS, another, any_tense, temporal, timeless
from phrasebook.korean import Kind, Stem
from phrasebook.people import other_subject
from phrasebook.phrase import Nominal, Scene, Style, i
from phrasebook.predicate import Tense
from phrasebook.statements import told_in
from phrasebook.states import circumstance, state
from phrasebook.structure import Complex, Reported, Structure, Subordinate
from phrasebook.verbs import VERBS, Verb

__all__ = ["TELL", "demanded"]

TELL = Verb("tell", Stem("말하", Kind.HA), case="에게", flags="b")


def demanded(scene: Scene, target: int, purpose: Purpose, *, forbidden: bool) -> Structure:
    """Return what is asked for or proposed: no subject, and no tense of its own."""
    if target >= 9 and not forbidden and purpose.flag != "rb" and scene.chance(0.25):
        return _told_on(scene, target)
    share = 1.0 if target < 8 else 0.4 + 0.35 * scene.rng.random()
    clause = _demand(scene, max(int(target * share), 2), purpose)
    clause.forbidden = forbidden
    sentence = Complex([clause])
    _prolong(scene, sentence, target, purpose, forbidden=forbidden)
    if purpose.flag == "rb" and scene.style in (Style.POLITE, Style.FORMAL):
        _honor(sentence, forbidden=forbidden)
    return sentence


def _honor(sentence: Complex, *, forbidden: bool) -> None:
    """Commands honour the hearer (읽으세요), favours do not (읽어 주세요).

    Before 고 and 지 only the verbs with an honorific of their own change: 드시고, 읽고.
    """
    for clause in sentence.chain:
        last = clause is sentence.chain[-1] and not forbidden
        clause.honored = last or clause.verb.honorific is not None


def _told_on(scene: Scene, target: int) -> Reported:
    """Tell someone that something is so."""
    hearer = other_subject(scene, 0)
    clause = Clause(TELL, scene.units(4), obj=hearer)
    tense = any_tense(scene)
    return Reported(clause, told_in(scene, tense, target - 2 - len(hearer.english), depth=1))


def _demand(scene: Scene, room: int, purpose: Purpose, *, verb: Verb | None = None) -> Clause:
    clause = activity(scene, None, Tense.FUTURE, room, purpose, verb=verb)
    clause.tense = Tense.PRESENT
    return clause


def _prolong(
    scene: Scene, sentence: Complex, target: int, purpose: Purpose, *, forbidden: bool
) -> None:
    """Add further demands and the clauses around them while there is room."""
    first = sentence.chain[0]
    for limit in (5, 14):
        room = target - sentence.size
        if room >= limit and not forbidden and first.verb in VERBS and scene.chance(0.55):
            verb = another(scene, sentence.chain[-1].verb, purpose.flag)
            demand = _demand(scene, min(room - 1, 12), purpose, verb=verb)
            sentence.chain.append(timeless(demand) if first.time else demand)
    for _ in range(3):
        room = target - sentence.size
        if room < 4:
            return
        _demand_subordinate(scene, sentence, room, purpose)


def _unsaid(scene: Scene, purpose: Purpose) -> Nominal:
    """You or we as a subject that Korean leaves out."""
    english = "we" if purpose.flag == "p" else "you"
    polite = english == "you" and scene.style in (Style.POLITE, Style.FORMAL)
    return Nominal([], [(english, ())], PLURAL, english, honored=polite)


def _demand_subordinate(scene: Scene, sentence: Complex, room: int, purpose: Purpose) -> None:
    """If, because, when, before, after around a demand."""
    taken = {subordinate.conjunction for subordinate in sentence.subordinates}
    timed = bool(taken & TIMINGS)
    main = sentence.chain[0]
    who = _unsaid(scene, purpose)
    if not timed and scene.chance(0.5):
        found = temporal(scene, main, who, Tense.PRESENT, room)
        sentence.subordinates.insert(0, found)
    elif taken & REASONS:
        return
    elif scene.chance(0.45):
        reason = circumstance(scene, main, who, Tense.PRESENT, calm=True)
        reason.tense = Tense.PRESENT
        sentence.subordinates.append(Subordinate(reason, "(으)면", "if"))
    else:
        if purpose.flag != "p":
            who = i(scene)
        reason = _appeal(scene, main, who)
        sentence.subordinates.append(Subordinate(reason, "(으)니까", "because"))


def _appeal(scene: Scene, main: Clause, who: Nominal) -> Clause:
    """Why the hearer should do it."""
    if who.pronoun == "I" and scene.chance(0.6):
        return state(scene, who, Tense.PRESENT, scene.pick(("busy", "tired", "sick")))
    if who.pronoun == "I":
        return circumstance(scene, main, None, Tense.PRESENT, calm=True)
    return circumstance(scene, main, who, Tense.PRESENT, calm=True)
