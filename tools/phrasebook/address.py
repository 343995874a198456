"""Who is spoken to, and the last endings that go with it."""

from dataclasses import dataclass
from random import Random

from phrasebook import lexicon
from phrasebook.hangul import particle
from phrasebook.phrase import Scene, Style

__all__ = [
    "AUDIENCES",
    "COMMAND",
    "COULD_YOU",
    "ELDERS",
    "FAVOUR",
    "FORBID",
    "FRIENDS",
    "LET_US",
    "PARENTS",
    "QUESTION",
    "SHALL_WE",
    "STATEMENT",
    "Address",
    "draw_address",
    "scene_for",
]

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


PARENT_OF = {"엄마": "어머니", "아빠": "아버지"}
"""What the lexicon calls them."""
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


def draw_address(
    rng: Random, *, plain: float, spread: tuple[float, float, float]
) -> Address | None:
    """Nobody (with probability ``plain``), or a friend, parent, elder or audience."""
    if rng.random() < plain:
        return None
    draw = rng.random()
    groups = (FRIENDS, PARENTS, ELDERS, AUDIENCES)
    group = groups[sum(draw >= limit for limit in spread)]
    return group[int(rng.random() * len(group))]


def scene_for(rng: Random, address: Address | None, style: Style) -> Scene:
    """A new sentence, spoken to ``address`` or else in ``style``."""
    if address is None:
        return Scene(rng, style)
    scene = Scene(rng, address.style, address.title, address.family)
    scene.seen.update((address.korean.rstrip(",아야"), address.title, PARENT_OF.get(address.title)))
    return scene
