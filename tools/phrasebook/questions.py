"""What questions ask: yes or no, or for what, where, when, why, who."""

from dataclasses import replace

from phrasebook.clause import Clause
from phrasebook.english import THIRD
from phrasebook.events import Purpose, activity, asked_mood
from phrasebook.growth import any_tense, extended
from phrasebook.people import other_subject
from phrasebook.phrase import Nominal, Scene, Style, you
from phrasebook.predicate import Form, Tense
from phrasebook.statements import BELIEVE, SAY, THINK, told_in
from phrasebook.states import description, existence, state
from phrasebook.structure import Complex, Reported, Structure
from phrasebook.verbs import GOING, PEOPLE_VERBS, VERBS, Verb

__all__ = ["ASKABLE", "asked_for"]

ASKABLE: dict[str, tuple[Verb, ...]] = {
    "what": tuple(v for v in VERBS if v.objects and not v.recipient and v.english != "look for"),
    "where": tuple(v for v in (*VERBS, *GOING[:1]) if v.places),
    "when": tuple(v for v in VERBS if "s" not in v.flags),
    "why": tuple(v for v in (*VERBS, *PEOPLE_VERBS) if "s" not in v.flags),
    "who": VERBS,
    "whom": tuple(v for v in PEOPLE_VERBS if v.english not in ("believe", "know")),
}
"""The verbs of which each question word may ask."""


def asked_for(scene: Scene, target: int) -> tuple[Structure, Form]:
    """Return the main clause of a question."""
    scene.asking = True
    if target >= 9 and scene.chance(0.35):
        return _asked_report(scene, target), Form.QUESTION
    tense = any_tense(scene)
    if scene.chance(0.4):
        return _with_question_word(scene, tense, target)
    if target < 9 and scene.chance(0.2):
        return Complex([_asked_state(scene, target)]), Form.QUESTION
    subject = _asked_subject(scene, target)
    clause = activity(scene, subject, tense, max(int(target * 0.6), 3), Purpose())
    clause = asked_mood(scene, clause)
    return extended(scene, Complex([clause]), tense, target), Form.QUESTION


def _asked_subject(scene: Scene, target: int) -> Nominal:
    if scene.style is Style.FORMAL or scene.chance(0.55):
        return you(scene, subject=True)
    return other_subject(scene, target - 4)


def _asked_state(scene: Scene, target: int) -> Clause:
    draw = scene.rng.random()
    if draw < 0.3:
        return description(scene, Tense.PRESENT)
    if draw < 0.5 and target >= 5:
        return existence(scene, Tense.PRESENT, target)
    tense = scene.pick((Tense.PRESENT, Tense.PAST))
    return state(scene, _asked_subject(scene, 0), tense)


def _asked_report(scene: Scene, target: int) -> Reported:
    """Do you think that; did Minsu say that."""
    tense = any_tense(scene)
    if scene.chance(0.55):
        speaker = Clause(scene.pick((THINK, BELIEVE)), scene.units(4), you(scene, subject=True))
    else:
        who = other_subject(scene, 0)
        when = Tense.PAST if tense is Tense.PAST else Tense.PRESENT
        speaker = Clause(SAY, scene.units(4), who, when)
    return Reported(speaker, told_in(scene, tense, target - speaker.size - 2, depth=1))


def _with_question_word(scene: Scene, tense: Tense, target: int) -> tuple[Structure, Form]:
    """What, where, when, why, who."""
    word = scene.pick(("what", "where", "when", "why", "who", "whom"))
    unit = (scene.unit(),)
    if word == "who":
        subject = Nominal([("누구", unit)], [("who", unit)], THIRD)
    else:
        subject = _asked_subject(scene, target - 6)
    room = max(int(target * 0.6) - 1, 3)
    verb = scene.pick(ASKABLE[word])
    clause = activity(scene, subject, tense, room, Purpose(), verb=verb)
    if word == "who":
        return Complex([replace(clause, frequency=None, case="이/가")]), Form.FINITE
    clause = _ask_for(clause, word, unit)
    return extended(scene, Complex([clause]), tense, target), Form.QUESTION


def _ask_for(clause: Clause, word: str, unit: tuple[int, ...]) -> Clause:
    """Put the question word where Korean has it, and at the front of the English."""
    asked = [("who" if word == "whom" else word, unit)]
    clause = replace(clause, asked=asked, frequency=None)
    if word == "what":
        return replace(clause, obj=Nominal([("무엇", unit)], []), noun=None)
    if word == "whom":
        return replace(clause, obj=Nominal([("누구", unit)], []))
    if word == "where":
        return replace(clause, place=([("어디" + clause.verb.where, unit)], []), purpose=None)
    if word == "when":
        return replace(clause, time=([("언제", unit)], []))
    return replace(clause, frequency=([("왜", unit)], []))
