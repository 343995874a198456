"""Whole sentences of the four types.

Statements: plain, or spoken to someone. Questions: yes or no, and with a question word. Requests:
please, could you please, or bare. Proposals: let us, shall we. Each maker takes the length in
English words that is wished for, and meets it roughly.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from phrasebook.address import (
    COMMAND,
    COULD_YOU,
    FAVOUR,
    FORBID,
    LET_US,
    QUESTION,
    SHALL_WE,
    STATEMENT,
    Address,
    draw_address,
    scene_for,
)
from phrasebook.demands import demanded
from phrasebook.events import Purpose
from phrasebook.phrase import Scene, Style, Words
from phrasebook.predicate import Form
from phrasebook.questions import asked_for
from phrasebook.statements import about_you, told
from phrasebook.structure import Structure

__all__ = ["LABELS", "MAKERS", "OPENERS", "Draft", "proposal", "question", "request", "statement"]

LABELS: tuple[str, ...] = ("statement", "question", "request", "proposal")
"""The sentence types."""
OPENERS = (("하지만", "But"), ("그리고", "And"), ("그래서", "So"))


@dataclass(slots=True)
class Draft:
    """A finished sentence: words with their units, still without its capital letter."""

    korean: Words
    english: Words
    asks: bool
    """Whether it ends in a question mark."""


def statement(rng: Random, target: int) -> Draft:
    """A statement of about ``target`` English words."""
    address = draw_address(rng, plain=0.72, spread=(0.45, 0.6, 0.93))
    scene = scene_for(rng, address, Style.PLAIN)
    room = target - (len(address.english.split()) if address else 0)
    to_you = address is None and target <= 20 and scene.chance(0.14)
    if to_you:
        scene.style = Style.INFORMAL
        structure: Structure = about_you(scene, room)
    else:
        structure = told(scene, room)
    draft = _worded(scene, structure, STATEMENT[scene.style], Form.FINITE)
    if address:
        return _called(scene, draft, address)
    return _opened(scene, draft) if target >= 5 and scene.chance(0.1) else draft


def question(rng: Random, target: int) -> Draft:
    """A question."""
    address = draw_address(rng, plain=0.5, spread=(0.45, 0.55, 0.9))
    scene = scene_for(rng, address, Style.INFORMAL)
    room = target - 1
    structure, form = asked_for(scene, room)
    ending = "어" if scene.family else QUESTION[scene.style]
    draft = replace(_worded(scene, structure, ending, form), asks=True)
    return _called(scene, draft, address) if address else draft


def request(rng: Random, target: int) -> Draft:
    """A request, a favour asked or something forbidden."""
    address = draw_address(rng, plain=0.55, spread=(0.45, 0.6, 0.92))
    please = address is not None or rng.random() < 0.7
    scene = scene_for(rng, address, Style.POLITE if please and not address else Style.INFORMAL)
    if address is None and scene.style is Style.POLITE:
        scene.address = "선생님"
    room = max(target - 2 * please, 2)
    forbidden = target < 26 and scene.chance(0.14)
    favour = not forbidden and (scene.chance(0.7) or scene.style is Style.INFORMAL) and please
    could = favour and target >= 5 and scene.chance(0.3)
    structure = demanded(
        scene, room, Purpose("b" if favour else "rb", definite=True), forbidden=forbidden
    )
    if forbidden:
        ending = FORBID[scene.style]
    elif favour:
        ending = (COULD_YOU if could else FAVOUR)[scene.style]
    else:
        ending = COMMAND[scene.style]
    draft = _worded(scene, structure, ending, Form.BASE)
    opening = (
        "could you please" if could else "please" if please and _asks_nicely(scene, favour) else ""
    )
    _open(draft, opening, structure.link)
    draft.asks = could
    return _called(scene, draft, address) if address else draft


def proposal(rng: Random, target: int) -> Draft:
    """A proposal."""
    address = draw_address(rng, plain=0.6, spread=(0.5, 0.62, 0.9))
    scene = scene_for(rng, address, Style.INFORMAL)
    shall = scene.style is Style.POLITE or scene.chance(0.4)
    structure = demanded(scene, max(target - 2, 2), Purpose("p"), forbidden=False)
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
