"""Whole sentences of the four types, grown until they are about as long as wished.

Statements: plain, or spoken to someone. Questions: yes or no, and with a question word. Requests:
please, could you please, or bare. Proposals: let us, shall we.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from munmaek.text.phrasebook import events, lexicon
from munmaek.text.phrasebook.clause import Clause
from munmaek.text.phrasebook.english import PLURAL, THIRD
from munmaek.text.phrasebook.events import Purpose
from munmaek.text.phrasebook.hangul import particle
from munmaek.text.phrasebook.korean import Kind, Stem
from munmaek.text.phrasebook.lexicon import ADVERBS
from munmaek.text.phrasebook.phrase import (
    Nominal,
    Scene,
    Style,
    Words,
    adverbial,
    i,
    in_place,
    something,
    we,
    you,
)
from munmaek.text.phrasebook.predicate import Form, Modal, Tense
from munmaek.text.phrasebook.structure import (
    Complex,
    Coordinated,
    Reported,
    Structure,
    Subordinate,
)
from munmaek.text.phrasebook.verbs import ACTIVITIES, BACKGROUND, PEOPLE_VERBS, STATES, VERBS, Verb

__all__ = ["LABELS", "MAKERS", "Draft", "proposal", "question", "request", "statement"]

LABELS: tuple[str, ...] = ("statement", "question", "request", "proposal")
"""The sentence types."""

STATEMENT = {
    Style.PLAIN: "ㄴ다",
    Style.INFORMAL: "어",
    Style.POLITE: "어요",
    Style.FORMAL: "ㅂ니다",
}
QUESTION = {Style.INFORMAL: "니", Style.POLITE: "어요", Style.FORMAL: "ㅂ니까"}
COMMAND = {Style.INFORMAL: "어", Style.POLITE: "어요", Style.FORMAL: "(으)ㅂ시오"}
"""Polite and formal commands stand on the honorific stem: 읽으세요, 읽으십시오."""
FAVOUR = {Style.INFORMAL: "어 줘", Style.POLITE: "어 주세요", Style.FORMAL: "어 주십시오"}
COULD_YOU = {
    Style.INFORMAL: "어 줄래",
    Style.POLITE: "어 주시겠어요",
    Style.FORMAL: "어 주시겠습니까",
}
FORBID = {Style.INFORMAL: "지 마", Style.POLITE: "지 마세요", Style.FORMAL: "지 마십시오"}
SHALL_WE = {Style.INFORMAL: "(으)ㄹ까", Style.POLITE: "(으)ㄹ까요", Style.FORMAL: "(으)ㄹ까요"}
LET_US = {Style.INFORMAL: "자", Style.FORMAL: "(으)ㅂ시다"}


@dataclass(frozen=True, slots=True)
class Address:
    """How a hearer is called, and the style that goes with it."""

    korean: str
    english: str
    style: Style
    title: str = ""
    """What stands for you."""
    family: bool = False


FRIENDS = tuple(
    Address(particle(name.korean, "아/야") + ",", f"{name.english},", Style.INFORMAL)
    for name in lexicon.NAMES
)
PARENTS = (
    Address("엄마,", "Mom,", Style.INFORMAL, "엄마", family=True),
    Address("아빠,", "Dad,", Style.INFORMAL, "아빠", family=True),
)
ELDERS = (
    Address("선생님,", "Sir,", Style.POLITE, "선생님"),
    Address("교수님,", "Professor,", Style.POLITE, "교수님"),
    Address("할머니,", "Grandmother,", Style.POLITE, "할머니"),
    Address("할아버지,", "Grandfather,", Style.POLITE, "할아버지"),
)
AUDIENCES = (
    Address("여러분,", "Everyone,", Style.FORMAL, "여러분"),
    Address("학생 여러분,", "Students,", Style.FORMAL, "여러분"),
    Address("손님 여러분,", "Dear guests,", Style.FORMAL, "여러분"),
)
OPENERS = (("하지만", "But"), ("그리고", "And"), ("그래서", "So"))

THINK = Verb("think", Stem("생각하", Kind.HA), flags="s")
SAY = Verb("say", Stem("말하", Kind.HA), flags="s", honorific=Stem("말씀하시", Kind.HONORIFIC))
BELIEVE = Verb("believe", Stem("믿"), flags="s")
HEAR = Verb("hear", Stem("듣", Kind.D), flags="s")
TIMED = {*ACTIVITIES, *events.GOING, *(v for v in PEOPLE_VERBS if "s" not in v.flags)}
"""Verbs of what happens at a time and for a reason."""
YOUTH = {"live", "learn", "study", "work", "love", "like", "play", "swim", "collect", "sell", "grow"}
TIMINGS, REASONS = {"when", "before", "after", "while"}, {"because", "if"}
TELL = Verb("tell", Stem("말하", Kind.HA), case="에게", flags="b")
BE_YOUNG = Verb("be young", Stem("어리", adjective=True), flags="s")
FAVOURS = "b"


@dataclass(slots=True)
class Draft:
    """A finished sentence: words with their units, still without its capital letter."""

    korean: Words
    english: Words
    asks: bool
    """Whether it ends in a question mark."""


def statement(rng: Random, target: int) -> Draft:
    """A statement of about ``target`` English words."""
    address = _address(rng, plain=0.72, spread=(0.45, 0.6, 0.93))
    scene = _scene(rng, address, Style.PLAIN)
    room = target - (len(address.english.split()) if address else 0)
    to_you = address is None and scene.chance(0.12)
    if to_you:
        scene.style = Style.INFORMAL
        structure: Structure = _about_you(scene, room)
    else:
        structure = _told(scene, room)
    draft = _worded(scene, structure, STATEMENT[scene.style], Form.FINITE)
    if address:
        return _called(scene, draft, address)
    return _opened(scene, draft) if target >= 5 and scene.chance(0.1) else draft


def question(rng: Random, target: int) -> Draft:
    """A question."""
    address = _address(rng, plain=0.5, spread=(0.45, 0.55, 0.9))
    scene = _scene(rng, address, Style.INFORMAL)
    room = target - 1
    structure, form = _asked(scene, room)
    ending = "어" if scene.family else QUESTION[scene.style]
    draft = replace(_worded(scene, structure, ending, form), asks=True)
    return _called(scene, draft, address) if address else draft


def request(rng: Random, target: int) -> Draft:
    """A request, a favour asked or something forbidden."""
    address = _address(rng, plain=0.55, spread=(0.45, 0.6, 0.92))
    please = address is not None or rng.random() < 0.7
    scene = _scene(rng, address, Style.POLITE if please and not address else Style.INFORMAL)
    if address is None and scene.style is Style.POLITE:
        scene.address = "선생님"
    room = max(target - 2 * please, 2)
    forbidden = target < 26 and scene.chance(0.14)
    favour = not forbidden and (scene.chance(0.7) or scene.style is Style.INFORMAL) and please
    could = favour and target >= 5 and scene.chance(0.3)
    structure = _demanded(scene, room, Purpose("b" if favour else "rb", definite=True), forbidden=forbidden)
    if forbidden:
        ending = FORBID[scene.style]
    elif favour:
        ending = (COULD_YOU if could else FAVOUR)[scene.style]
    else:
        ending = COMMAND[scene.style]
    draft = _worded(scene, structure, ending, Form.BASE)
    opening = "could you please" if could else "please" if please and _asks_nicely(scene, favour) else ""
    _open(draft, opening, structure.link)
    draft.asks = could
    return _called(scene, draft, address) if address else draft


def proposal(rng: Random, target: int) -> Draft:
    """A proposal."""
    address = _address(rng, plain=0.6, spread=(0.5, 0.62, 0.9))
    scene = _scene(rng, address, Style.INFORMAL)
    shall = scene.style is Style.POLITE or scene.chance(0.4)
    structure = _demanded(scene, max(target - 2, 2), Purpose("p"), forbidden=False)
    ending = (SHALL_WE if shall else LET_US)[scene.style]
    draft = _worded(scene, structure, ending, Form.BASE)
    _open(draft, "shall we" if shall else "let us", structure.link)
    draft.asks = shall
    return _called(scene, draft, address) if address else draft


MAKERS: dict[str, Callable[[Random, int], Draft]] = {
    "statement": statement,
    "question": question,
    "request": request,
    "proposal": proposal,
}


def _address(rng: Random, *, plain: float, spread: tuple[float, float, float]) -> Address | None:
    """Nobody (with probability ``plain``), or a friend, parent, elder or audience."""
    if rng.random() < plain:
        return None
    draw = rng.random()
    groups = (FRIENDS, PARENTS, ELDERS, AUDIENCES)
    group = groups[sum(draw >= limit for limit in spread)]
    return group[int(rng.random() * len(group))]


def _scene(rng: Random, address: Address | None, style: Style) -> Scene:
    if address is None:
        return Scene(rng, style)
    scene = Scene(rng, address.style, address.title, address.family)
    scene.seen.update((address.korean.rstrip(",아야"), address.korean.rstrip(","), address.title))
    return scene


def _asks_nicely(scene: Scene, favour: bool) -> bool:
    """Whether Korean shows please: always but in the bare informal command."""
    return favour or scene.style is not Style.INFORMAL


def _worded(scene: Scene, structure: Structure, ending: str, form: Form) -> Draft:
    korean = structure.korean(ending, scene.style, case="은/는")
    return Draft(korean, structure.english(form), asks=False)


def _open(draft: Draft, words: str, unit: int) -> None:
    draft.english[:0] = [(word, (unit,)) for word in words.split()]


def _called(scene: Scene, draft: Draft, address: Address) -> Draft:
    """Put the hearer's name in front."""
    unit = (scene.unit(),)
    korean = [(word, unit) for word in address.korean.split(" ")]
    english = [(word, unit) for word in address.english.split(" ")]
    return Draft(korean + draft.korean, english + draft.english, draft.asks)


def _opened(scene: Scene, draft: Draft) -> Draft:
    """Put a conjunction in front."""
    korean, english = scene.pick(OPENERS)
    unit = (scene.unit(),)
    return Draft([(korean, unit), *draft.korean], [(english, unit), *draft.english], draft.asks)


def _tense(scene: Scene) -> Tense:
    draw = scene.rng.random()
    return Tense.PAST if draw < 0.42 else Tense.PRESENT if draw < 0.8 else Tense.FUTURE


def _told(scene: Scene, target: int) -> Structure:
    """What a statement says."""
    tense = _tense(scene)
    if scene.style is Style.FORMAL:
        tense = Tense.FUTURE if scene.chance(0.7) else Tense.PAST
        return _complex(scene, events.in_person(scene, "we"), tense, target)
    return _told_in(scene, tense, target)


def _told_in(scene: Scene, tense: Tense, target: int, *, depth: int = 0) -> Structure:
    if target >= 12 and depth == 0 and scene.chance(0.22):
        return _reported(scene, tense, target)
    if target >= 24 or (target >= 12 and scene.chance(0.4)):
        half = int(target * (0.4 + 0.2 * scene.rng.random()))
        left = _told_in(scene, tense, half, depth=depth + 1)
        return _coordinated(scene, left, tense, target - half - 1, depth)
    if target < 12 and tense is not Tense.FUTURE and scene.chance(0.3):
        return Complex([_simple(scene, tense, target)])
    return _complex(scene, events.any_subject(scene, target - 4), tense, target)


def _coordinated(
    scene: Scene, left: Structure, tense: Tense, room: int, depth: int
) -> Structure:
    """Go on with and, or with but where a contrast can be made."""
    if isinstance(left, Complex) and len(left.chain) == 1 and scene.chance(0.5):
        right = _contrast(scene, left.chain[0], tense, room)
        if right:
            return Coordinated(left, right, "지만", "but")
    right = _told_in(scene, tense, room, depth=depth + 1)
    return Coordinated(left, right, "고", "and")


def _contrast(scene: Scene, left: Clause, tense: Tense, room: int) -> Structure | None:
    """Someone else does the same to something else, or does not do it."""
    if left.verb not in VERBS or left.modal is not Modal.NONE or left.negative:
        return None
    subject = events.other_subject(scene, room - 5)
    clause = events.activity(scene, subject, tense, room, Purpose(), verb=left.verb)
    same = clause.noun is left.noun
    if same and (clause.manner or clause.frequency):
        return None
    clause.negative = same
    return _extended(scene, Complex([clause]), tense, room)


def _reported(scene: Scene, tense: Tense, target: int) -> Reported:
    """Someone says or thinks something."""
    first = scene.units(4)
    draw = scene.rng.random()
    if draw < 0.45:
        verb = scene.pick((THINK, BELIEVE, HEAR))
        speaker = i(scene)
        when = Tense.PAST if verb is HEAR else Tense.PRESENT
    else:
        verb, speaker = SAY, events.other_subject(scene, 0)
        when = Tense.PAST if tense is Tense.PAST else Tense.PRESENT
    if verb is HEAR:
        tense = Tense.PAST
    clause = Clause(verb, first, speaker, when)
    return Reported(clause, _told_in(scene, tense, target - clause.size - 1, depth=1))


def _simple(scene: Scene, tense: Tense, target: int) -> Clause:
    """A clause about what is, rather than about what is done."""
    draw = scene.rng.random()
    if draw < 0.3:
        clause = events.description(scene, Tense.PRESENT)
        return _very(scene, clause, target)
    if draw < 0.5 and target >= 6:
        return events.existence(scene, tense, target)
    if draw < 0.65:
        return events.identity(scene, _named(scene), tense)
    if draw < 0.72 and target >= 4:
        return events.weather(scene, tense, scene.pick(("good", "bad")))
    clause = events.state(scene, events.any_subject(scene, 0), tense)
    return _very(scene, clause, target)


def _named(scene: Scene) -> Nominal:
    """A subject of whom a profession is news: no plural, and nobody called by a role."""
    while True:
        subject = events.any_subject(scene, 0)
        if subject.agreement != PLURAL and subject.english[0][0] != "the":
            return subject


def _very(scene: Scene, clause: Clause, target: int) -> Clause:
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
    clause = events.activity(scene, subject, tense, max(int(target * share), 3), purpose)
    if not purpose.flag:
        clause = events.with_mood(scene, clause)
    return _extended(scene, Complex([clause]), tense, target)


def _extended(scene: Scene, sentence: Complex, tense: Tense, target: int) -> Complex:
    """Add verbs and subordinate clauses while there is room."""
    first = sentence.chain[0]
    room = target - sentence.size
    if room >= 4 and sentence.simple and first.verb in ACTIVITIES and scene.chance(0.4):
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
    verb = _another(scene, first.verb, purpose.flag)
    clause = events.activity(scene, first.subject, tense, min(room - 1, 12), purpose, verb=verb)
    sentence.chain.append(_timeless(clause))


def _timeless(clause: Clause) -> Clause:
    """Without time and frequency, which the main clause has said or need not."""
    clause.time = clause.frequency = None
    return clause


def _another(scene: Scene, verb: Verb, flag: str) -> Verb:
    while True:
        choice = scene.pick(events.POOLS[flag][2])
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
    if main.verb.english in YOUTH and tense is Tense.PAST and who and not main.time:
        if not timed and scene.chance(0.3):
            young = Clause(BE_YOUNG, scene.units(4), who, tense, same_subject=True)
            sentence.subordinates.insert(0, Subordinate(young, "(으)ㄹ 때", "when"))
            return
    inner = Tense.PAST if tense is Tense.PAST else Tense.PRESENT
    if not timed and scene.chance(0.5):
        found = _temporal(scene, main, who, inner, room)
        sentence.subordinates.insert(0, found)
    elif not taken & REASONS and not sentence.cause and asked != "why" and main.verb in TIMED:
        _causal(scene, sentence, who, inner, room)


def _causal(
    scene: Scene, sentence: Complex, who: Nominal | None, tense: Tense, room: int
) -> None:
    """Because, if, so."""
    main = sentence.chain[-1]
    reason = events.circumstance(scene, main, who, tense)
    states = reason.verb in STATES.values()
    draw = scene.rng.random()
    if draw < 0.35 and states and reason.same_subject and not sentence.subordinates:
        sentence.cause = replace(reason, same_subject=False)
        first = sentence.chain[0]
        sentence.chain[0] = replace(first, same_subject=True)
    elif draw < 0.6 and tense is Tense.PRESENT and main.modal is Modal.NONE and not main.negative:
        reason.tense = Tense.PRESENT
        sentence.subordinates.append(Subordinate(reason, "(으)면", "if"))
    else:
        sentence.subordinates.append(Subordinate(reason, "기 때문에", "because"))


def _temporal(
    scene: Scene, main: Clause, who: Nominal | None, tense: Tense, room: int
) -> Subordinate:
    """When, before, after, while."""
    draw = scene.rng.random()
    if draw < 0.2 and "m" in main.verb.flags and main.modal is Modal.NONE and not main.negative:
        verb, noun = scene.pick(BACKGROUND)
        clause = Clause(verb, scene.units(4), obj=something(scene, noun))
        clause.honored = main.subject is not None and main.subject.honored
        return Subordinate(clause, "(으)면서", "while", Form.GERUND)
    before = scene.chance(0.5)
    ending, conjunction = ("기 전에", "before") if before else ("(으)ㄴ 후에", "after")
    if draw < 0.45:
        return Subordinate(events.event(scene, tense, starts=before), ending, conjunction)
    if draw < 0.75 and who and room >= 4:
        verb = _another(scene, main.verb, "e")
        clause = events.activity(scene, who, tense, room - 1, Purpose("e"), verb=verb)
        clause.same_subject = True
        return Subordinate(_timeless(clause), ending, conjunction)
    if (draw < 0.85 or room < 5) and "날씨" not in scene.seen:
        kind = "good" if "u" in main.verb.flags else "bad"
        return Subordinate(events.weather(scene, tense, kind), "(으)ㄹ 때", "when")
    other = events.other_subject(scene, room - 6)
    verb = _another(scene, main.verb, "q")
    clause = events.activity(scene, other, tense, room - 1, Purpose("q"), verb=verb)
    return Subordinate(_timeless(clause), "(으)ㄹ 때", "when")


def _about_you(scene: Scene, target: int) -> Structure:
    """A statement about the hearer, or to do with the hearer."""
    if scene.chance(0.3):
        hearer = you(scene, subject=True)
        clause = _very(scene, events.state(scene, hearer, Tense.PRESENT), target)
        return _extended(scene, Complex([clause]), Tense.PRESENT, target)
    tense = _tense(scene)
    verb = scene.pick(PEOPLE_VERBS)
    speaker = i(scene) if scene.chance(0.6) else events.other_subject(scene, target - 4)
    clause = Clause(verb, scene.units(4), speaker, tense, obj=you(scene, subject=False))
    if verb.english in ("love", "like", "believe") and target >= 6 and scene.chance(0.6):
        reason = events.quality(scene, you(scene, subject=True))
        return Complex([clause], [Subordinate(reason, "기 때문에", "because")])
    return _extended(scene, Complex([clause]), tense, target)


def _demanded(scene: Scene, target: int, purpose: Purpose, *, forbidden: bool) -> Structure:
    """What is asked for or proposed: no subject, and no tense of its own."""
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
    hearer = events.other_subject(scene, 0)
    clause = Clause(TELL, scene.units(4), obj=hearer)
    tense = _tense(scene)
    return Reported(clause, _told_in(scene, tense, target - 2 - len(hearer.english), depth=1))


def _demand(
    scene: Scene, room: int, purpose: Purpose, *, verb: Verb | None = None
) -> Clause:
    clause = events.activity(scene, None, Tense.FUTURE, room, purpose, verb=verb)
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
            verb = _another(scene, sentence.chain[-1].verb, purpose.flag)
            demand = _demand(scene, min(room - 1, 12), purpose, verb=verb)
            sentence.chain.append(_timeless(demand) if first.time else demand)
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


def _demand_subordinate(
    scene: Scene, sentence: Complex, room: int, purpose: Purpose
) -> None:
    """If, because, when, before, after around a demand."""
    taken = {subordinate.conjunction for subordinate in sentence.subordinates}
    timed = bool(taken & TIMINGS)
    main = sentence.chain[0]
    who = _unsaid(scene, purpose)
    if not timed and scene.chance(0.5):
        found = _temporal(scene, main, who, Tense.PRESENT, room)
        sentence.subordinates.insert(0, found)
    elif taken & REASONS:
        return
    elif scene.chance(0.45):
        reason = events.circumstance(scene, main, who, Tense.PRESENT, calm=True)
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
        return events.state(scene, who, Tense.PRESENT, scene.pick(("busy", "tired", "sick")))
    if who.pronoun == "I":
        return events.circumstance(scene, main, None, Tense.PRESENT, calm=True)
    return events.circumstance(scene, main, who, Tense.PRESENT, calm=True)


def _asked(scene: Scene, target: int) -> tuple[Structure, Form]:
    """What a question asks."""
    scene.asking = True
    if target >= 9 and scene.chance(0.35):
        return _asked_report(scene, target), Form.QUESTION
    tense = _tense(scene)
    if scene.chance(0.4):
        return _with_question_word(scene, tense, target)
    if target < 9 and scene.chance(0.2):
        return Complex([_asked_state(scene, target)]), Form.QUESTION
    subject = _asked_subject(scene, target)
    clause = events.activity(scene, subject, tense, max(int(target * 0.6), 3), Purpose())
    clause = events.asked_mood(scene, clause)
    return _extended(scene, Complex([clause]), tense, target), Form.QUESTION


def _asked_subject(scene: Scene, target: int) -> Nominal:
    if scene.style is Style.FORMAL or scene.chance(0.55):
        return you(scene, subject=True)
    return events.other_subject(scene, target - 4)


def _asked_state(scene: Scene, target: int) -> Clause:
    draw = scene.rng.random()
    if draw < 0.3:
        return events.description(scene, Tense.PRESENT)
    if draw < 0.5 and target >= 5:
        return events.existence(scene, Tense.PRESENT, target)
    tense = scene.pick((Tense.PRESENT, Tense.PAST))
    return events.state(scene, _asked_subject(scene, 0), tense)


def _asked_report(scene: Scene, target: int) -> Reported:
    """Do you think that; did Minsu say that."""
    tense = _tense(scene)
    if scene.chance(0.55):
        speaker = Clause(scene.pick((THINK, BELIEVE)), scene.units(4), you(scene, subject=True))
    else:
        who = events.other_subject(scene, 0)
        when = Tense.PAST if tense is Tense.PAST else Tense.PRESENT
        speaker = Clause(SAY, scene.units(4), who, when)
    return Reported(speaker, _told_in(scene, tense, target - speaker.size - 2, depth=1))


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
    clause = events.activity(scene, subject, tense, room, Purpose(), verb=verb)
    if word == "who":
        return Complex([replace(clause, frequency=None)]), Form.FINITE
    clause = _ask_for(scene, clause, word, unit)
    return _extended(scene, Complex([clause]), tense, target), Form.QUESTION


ASKABLE: dict[str, tuple[Verb, ...]] = {
    "what": tuple(v for v in VERBS if v.objects and not v.recipient and v.english != "look for"),
    "where": tuple(v for v in (*VERBS, *events.GOING[:1]) if v.places),
    "when": tuple(v for v in VERBS if "s" not in v.flags),
    "why": tuple(v for v in (*VERBS, *PEOPLE_VERBS) if "s" not in v.flags),
    "who": VERBS,
    "whom": tuple(v for v in PEOPLE_VERBS if v.english not in ("believe", "know")),
}
"""The verbs of which each question word may ask."""


def _ask_for(scene: Scene, clause: Clause, word: str, unit: tuple[int, ...]) -> Clause:
    """Put the question word where Korean has it, and at the front of the English."""
    asked = [("who" if word == "whom" else word, unit)]
    clause = replace(clause, asked=asked, frequency=None)
    if word == "what":
        return replace(clause, obj=Nominal([("무엇", unit)], []), noun=None)
    if word == "whom":
        return replace(clause, obj=Nominal([("누구", unit)], []))
    if word == "where":
        case = "에" if clause.verb in events.GOING else clause.verb.where
        return replace(clause, place=([("어디" + case, unit)], []), purpose=None)
    if word == "when":
        return replace(clause, time=([("언제", unit)], []))
    return replace(clause, frequency=([("왜", unit)], []))
