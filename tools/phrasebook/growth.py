"""How a sentence grows: further verbs, and clauses that say when and why."""

from dataclasses import replace

from phrasebook.clause import Clause
from phrasebook.events import POOLS, Purpose, activity
from phrasebook.korean import Stem
from phrasebook.people import other_subject
from phrasebook.phrase import Nominal, Scene, something
from phrasebook.predicate import Form, Modal, Tense
from phrasebook.qualities import STATES
from phrasebook.states import circumstance, event, weather
from phrasebook.structure import Complex, Subordinate
from phrasebook.verbs import ACTIVITIES, BACKGROUND, GOING, PEOPLE_VERBS, Verb

__all__ = [
    "BE_YOUNG",
    "REASONS",
    "TIMED",
    "TIMINGS",
    "YOUTH",
    "another",
    "any_tense",
    "extended",
    "temporal",
    "timeless",
]

TIMED = {*ACTIVITIES, *GOING, *(v for v in PEOPLE_VERBS if "s" not in v.flags)}
"""Verbs of what happens at a time and for a reason."""
YOUTH = {"live", "learn", "study", "work", "love", "like", "play", "swim", "collect", "grow"}
"""What one did when one was young."""
TIMINGS, REASONS = {"when", "before", "after", "while"}, {"because", "if"}
BE_YOUNG = Verb("be young", Stem("어리", adjective=True), flags="s")


def any_tense(scene: Scene) -> Tense:
    """The tense of a whole sentence."""
    draw = scene.rng.random()
    return Tense.PAST if draw < 0.42 else Tense.PRESENT if draw < 0.8 else Tense.FUTURE


def extended(scene: Scene, sentence: Complex, tense: Tense, target: int) -> Complex:
    """Add verbs and subordinate clauses while there is room."""
    first = sentence.chain[0]
    room = target - sentence.size
    joinable = sentence.simple and first.verb in ACTIVITIES and not first.asked
    if room >= 4 and joinable and scene.chance(0.4):
        _chain(scene, sentence, tense, Purpose("e"), room)
    for _ in range(2):
        room = target - sentence.size
        if room < 4:
            break
        _subordinate(scene, sentence, tense, room)
    return sentence


def _chain(scene: Scene, sentence: Complex, tense: Tense, purpose: Purpose, room: int) -> None:
    """And do something else."""
    first = sentence.chain[0]
    verb = another(scene, first.verb, purpose.flag)
    clause = activity(scene, first.subject, tense, min(room - 1, 12), purpose, verb=verb)
    sentence.chain.append(timeless(clause))


def timeless(clause: Clause) -> Clause:
    """Without time and frequency, which the main clause has said or need not."""
    clause.time = clause.frequency = None
    return clause


def another(scene: Scene, verb: Verb, flag: str) -> Verb:
    """Another thing to do than ``verb``, for a purpose with this flag."""
    while True:
        choice = scene.pick(POOLS[flag][2])
        if choice.english != verb.english:
            return choice


def _subordinate(scene: Scene, sentence: Complex, tense: Tense, room: int) -> None:
    """Add one subordinate clause of a kind that is not there yet."""
    taken = {subordinate.conjunction for subordinate in sentence.subordinates}
    main = sentence.chain[0]
    asked = main.asked[0][0] if main.asked else ""
    who = main.subject if main.subject and main.subject.pronoun else None
    timed = bool(taken & TIMINGS) or asked == "when" or main.verb not in TIMED
    timed = timed or main.negative or main.modal is Modal.PROGRESSIVE
    if who and _youthful(main) and not taken & TIMINGS and scene.chance(0.3):
        young = Clause(BE_YOUNG, scene.units(4), who, tense, same_subject=True)
        sentence.subordinates.insert(0, Subordinate(young, "(으)ㄹ 때", "when"))
        return
    inner = Tense.PAST if tense is Tense.PAST else Tense.PRESENT
    if not timed and scene.chance(0.5):
        found = temporal(scene, main, who, inner, room)
        sentence.subordinates.insert(0, found)
    elif not taken & REASONS and not sentence.cause and asked != "why" and main.verb in TIMED:
        _causal(scene, sentence, who, inner)


def _youthful(clause: Clause) -> bool:
    """Whether it may have been so when its subject was young."""
    past = clause.tense is Tense.PAST and clause.modal is Modal.NONE
    said = clause.time or clause.asked or clause.negative
    return past and not said and clause.verb.english in YOUTH


def _causal(scene: Scene, sentence: Complex, who: Nominal | None, tense: Tense) -> None:
    """Because, if, so."""
    main = sentence.chain[-1]
    reason = circumstance(scene, main, who, tense)
    states = reason.verb in STATES.values()
    draw = scene.rng.random()
    first = reason.same_subject and not sentence.subordinates and not scene.asking
    if draw < 0.35 and states and first:
        sentence.cause = replace(reason, same_subject=False)
        sentence.chain[0] = replace(sentence.chain[0], same_subject=True)
    elif draw < 0.6 and tense is Tense.PRESENT and main.modal is Modal.NONE and not main.negative:
        reason.tense = Tense.PRESENT
        sentence.subordinates.append(Subordinate(reason, "(으)면", "if"))
    else:
        sentence.subordinates.append(Subordinate(reason, "기 때문에", "because"))


def temporal(
    scene: Scene, main: Clause, who: Nominal | None, tense: Tense, room: int
) -> Subordinate:
    """Return a clause of time: when, before, after, while."""
    draw = scene.rng.random()
    if draw < 0.2 and "m" in main.verb.flags and main.modal is Modal.NONE and not main.negative:
        verb, noun = scene.pick(BACKGROUND)
        clause = Clause(verb, scene.units(4), obj=something(scene, noun))
        clause.honored = main.subject is not None and main.subject.honored
        return Subordinate(clause, "(으)면서", "while", Form.GERUND)
    before = scene.chance(0.5)
    ending, conjunction = ("기 전에", "before") if before else ("(으)ㄴ 후에", "after")
    if draw < 0.45:
        return Subordinate(event(scene, tense, starts=before), ending, conjunction)
    if draw < 0.75 and who and room >= 4:
        verb = another(scene, main.verb, "e")
        clause = activity(scene, who, tense, room - 1, Purpose("e"), verb=verb)
        clause.same_subject = True
        return Subordinate(timeless(clause), ending, conjunction)
    if (draw < 0.85 or room < 5) and "날씨" not in scene.seen:
        kind = "good" if "u" in main.verb.flags else "bad"
        return Subordinate(weather(scene, tense, kind), "(으)ㄹ 때", "when")
    other = other_subject(scene, room - 6)
    verb = another(scene, main.verb, "q")
    clause = activity(scene, other, tense, room - 1, Purpose("q"), verb=verb)
    return Subordinate(timeless(clause), "(으)ㄹ 때", "when")
