"""Adjectives as predicates: of people, of things, of the weather; professions and events."""

from phrasebook.korean import Kind, Stem
from phrasebook.verbs import KINDS, Verb

__all__ = [
    "BEGINNING",
    "DESCRIPTIONS",
    "ENDING",
    "EVENTS",
    "QUALITIES",
    "STATES",
    "WEATHER",
    "is_a",
]


def _adjectives(table: str) -> dict[str, Verb]:
    """Rows of English / stem / kind."""
    rows = [[cell.strip() for cell in row.split("/")] for row in table.strip().splitlines()]
    return {
        english: Verb(f"be {english}", Stem(korean, KINDS[kind], adjective=True), flags="s")
        for english, korean, kind in rows
    }


STATES = _adjectives("""
hungry / 배가 고프 /
thirsty / 목이 마르 / 르
tired / 피곤하 / 하다
sick / 아프 /
busy / 바쁘 /
happy / 행복하 / 하다
sad / 슬프 /
bored / 심심하 / 하다
cold / 춥 / ㅂ
hot / 덥 / ㅂ
""")
"""How someone is for a while; the keys are the reasons that verbs name."""

QUALITIES = tuple(
    _adjectives("""
kind / 친절하 / 하다
diligent / 부지런하 / 하다
smart / 똑똑하 / 하다
famous / 유명하 / 하다
young / 젊 /
tall / 키가 크 /
lazy / 게으르 / 르
beautiful / 아름답 / ㅂ
""").values()
)
"""How someone is at all times."""

DESCRIPTIONS = _adjectives("""
hot / 뜨겁 / ㅂ
cold / 차갑 / ㅂ
warm / 따뜻하 / 하다
delicious / 맛있 /
sweet / 달 /
spicy / 맵 / ㅂ
fresh / 신선하 / 하다
interesting / 재미있 /
long / 길 /
short / 짧 /
difficult / 어렵 / ㅂ
easy / 쉽 / ㅂ
small / 작 /
big / 크 /
pretty / 예쁘 /
beautiful / 아름답 / ㅂ
expensive / 비싸 /
cheap / 싸 /
red / 빨갛 / ㅎ
blue / 파랗 / ㅎ
white / 하얗 / ㅎ
black / 까맣 / ㅎ
yellow / 노랗 / ㅎ
heavy / 무겁 / ㅂ
sad / 슬프 /
famous / 유명하 / 하다
fast / 빠르 / 르
quiet / 조용하 / 하다
cute / 귀엽 / ㅂ
smart / 똑똑하 / 하다
""")
"""How a thing is; the keys are the adjectives that nouns call fitting."""

WEATHER = {
    "good": (
        *_adjectives("""
good / 좋 /
warm / 따뜻하 / 하다
""").values(),
    ),
    "bad": (
        *_adjectives("""
bad / 나쁘 /
cold / 춥 / ㅂ
hot / 덥 / ㅂ
""").values(),
        Verb("rain", Stem("비가 오"), flags="s"),
        Verb("snow", Stem("눈이 오"), flags="s"),
    ),
}
"""What the weather is or does; rain and snow have no subject in Korean beyond their own noun."""

ENDING, BEGINNING = Verb("end", Stem("끝나")), Verb("start", Stem("시작되"))
EVENTS = (("수업", "class"), ("영화", "movie"), ("회의", "meeting"), ("시험", "test"))
"""What other things are before or after."""


def is_a(korean: str, english: str) -> Verb:
    """The predicate of being someone: a student, 학생이다."""
    return Verb(english, Stem(korean + "이", Kind.COPULA, adjective=True), flags="s")
