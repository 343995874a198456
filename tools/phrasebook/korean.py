"""Conjugation of Korean verbs and adjectives.

A stem meets an ending in one of three ways (National Institute of Korean Language, Standard Korean
Orthography, articles 15 to 18 and 34 to 40, which name the irregular classes too):

* directly: 고 지 기 자 니, where a final ㄹ falls before ㄴ, ㅂ, ㅅ: 사니;
* over 으 where the stem ends in a consonant: ``(으)면``, ``(으)ㄹ``, ``(으)세요``;
* over 아/어, written ``어`` here, by vowel harmony and with contraction: ``어요``, ``어서``.

Endings are written in that notation; what follows a space in an ending stands as further words
(``기 때문에``, ``어 주세요``).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache

from phrasebook.hangul import final, join, particle, split, with_final

__all__ = ["Kind", "Stem", "attach", "deny_copula", "finish", "honorific", "past"]


class Kind(Enum):
    """How a stem changes. ㄹ and ㅡ stems need no mark: their last syllable shows it."""

    REGULAR = "regular"
    D = "ㄷ"
    B = "ㅂ, with 워"
    B_WA = "ㅂ, with 와"
    S = "ㅅ"
    REU = "르"
    H = "ㅎ"
    HA = "하다"
    COPULA = "이다"
    PAST = "-었-"
    HONORIFIC = "-시-"


@dataclass(frozen=True, slots=True)
class Stem:
    """What precedes 다 in the dictionary form; words before the verb itself may be part of it."""

    text: str
    kind: Kind = Kind.REGULAR
    adjective: bool = False
    """Whether the plain present is -다 (춥다, 있다) rather than -ㄴ다/-는다."""


CONTRACTED = {"ㅗ": "ㅘ", "ㅜ": "ㅝ", "ㅣ": "ㅕ", "ㅚ": "ㅙ"}
UNCHANGED = "ㅏㅓㅕㅐㅔ"
BRIGHT = "ㅏㅑㅗ"
SHORTENED_H = {"ㅏ": "ㅐ", "ㅓ": "ㅐ", "ㅑ": "ㅒ"}


@cache
def attach(stem: Stem, ending: str) -> str:
    """The stem with one ending, as one string: ``attach(Stem("듣", Kind.D), "어요")`` is 들어요."""
    if ending.startswith("어"):
        return _vowel(stem, ending[1:])
    if ending.startswith("(으)"):
        return _loose(stem, ending[3:])
    if ending.startswith("ㄴ다"):
        return _declare(stem, ending[2:])
    if ending.startswith("ㅂ니"):
        closed = final(stem.text) not in " ㄹ"
        return stem.text + "습" + ending[1:] if closed else _loose(stem, ending)
    if ending == "는":
        return _adnominal(stem)
    return _direct(stem, ending)


@cache
def finish(stem: Stem, ending: str) -> tuple[str, ...]:
    """The words that a stem and an ending make: ``기 때문에`` gives two."""
    head, *rest = ending.split(" ")
    return (*attach(stem, head).split(" "), *rest)


def past(stem: Stem) -> Stem:
    """The past stem: 마시 gives 마셨."""
    return Stem(with_final(_infinitive(stem), "ㅆ"), Kind.PAST, adjective=True)


def honorific(stem: Stem) -> Stem:
    """The stem that honours its subject: 읽 gives 읽으시, 의사이 gives 의사시."""
    text = _bare_copula(stem) + "시" if stem.kind is Kind.COPULA else _loose(stem, "시")
    return replace(stem, text=text, kind=Kind.HONORIFIC)


def deny_copula(stem: Stem) -> tuple[str, Stem]:
    """Deny a noun: 학생이다 gives 학생이 and the stem 아니."""
    return particle(stem.text[:-1], "이/가"), Stem("아니", Kind.COPULA, adjective=True)


def _direct(stem: Stem, ending: str) -> str:
    text = stem.text
    if final(text) == "ㄹ" and split(ending[0])[0] in "ㄴㅂㅅ":
        text = with_final(text, " ")
    if stem.kind is Kind.COPULA and ending == "니":
        return _bare_copula(stem) + ending
    return text + ending


def _declare(stem: Stem, rest: str) -> str:
    """-ㄴ다, -는다 or -다, with ``rest`` (고 for the quotation) after it."""
    if stem.kind is Kind.COPULA:
        return _bare_copula(stem) + ("라" + rest if rest else "다")
    if stem.adjective:
        return stem.text + "다" + rest
    if final(stem.text) in " ㄹ":
        return with_final(stem.text, "ㄴ") + "다" + rest
    return stem.text + "는다" + rest


def _adnominal(stem: Stem) -> str:
    """Present form before a noun: 읽는, 사는, 추운, 재미있는."""
    if stem.adjective and stem.text[-1] not in "있없":
        return _loose(stem, "ㄴ")
    return _direct(stem, "는")


def _bare_copula(stem: Stem) -> str:
    """The copula's 이 falls after a vowel: 의사 + 다, 학생이 + 다."""
    return stem.text[:-1] if _opened(stem.text) else stem.text


def _opened(text: str) -> bool:
    """Whether a noun that ends in a vowel stands before the copula."""
    return text.endswith("이") and len(text) > 1 and final(text[:-1]) == " "


def _loose(stem: Stem, ending: str) -> str:
    """An ending that takes 으 after a consonant: a jamo in front becomes a final consonant."""
    text, needs = _loose_stem(stem)
    jamo = ending[0] in "ㄴㄹㅂ"
    if needs:
        text += "으"
    elif final(text) == "ㄹ" and ending[0] in "ㄴㄹㅂ니시세십":
        text = with_final(text, " ")
    return with_final(text, ending[0]) + ending[1:] if jamo else text + ending


def _loose_stem(stem: Stem) -> tuple[str, bool]:
    """The stem in front of 으, and whether 으 is heard."""
    text = stem.text
    if stem.kind is Kind.D:
        return with_final(text, "ㄹ"), True
    if stem.kind in (Kind.B, Kind.B_WA):
        return with_final(text, " ") + "우", False
    if stem.kind is Kind.S:
        return with_final(text, " "), True
    if stem.kind is Kind.H:
        return with_final(text, " "), False
    return text, final(text) not in " ㄹ"


def _vowel(stem: Stem, rest: str) -> str:
    """An ending of the 아/어 family; ``rest`` follows the vowel."""
    if stem.kind is Kind.HONORIFIC and rest == "요":
        return stem.text[:-1] + "세요"
    if stem.kind is Kind.COPULA and rest in ("", "요"):
        if not rest:
            return _bare_copula(stem) + "야"
        return _bare_copula(stem) + ("예요" if _opened(stem.text) else "에요")
    return _infinitive(stem) + rest


@cache
def _infinitive(stem: Stem) -> str:
    """The 아/어 form, on which the past, -어요 and -어서 are built."""
    return VOWEL_FORMS.get(stem.kind, _contract)(stem.text)


def _harmony(vowel: str) -> str:
    return "아" if vowel in BRIGHT else "어"


def _contract(text: str) -> str:
    initial, vowel, last = split(text[-1])
    if last != " ":
        return text + _harmony(vowel)
    if vowel == "ㅡ":
        before = text[:-1]
        bright = bool(before) and before[-1] != " " and split(before[-1])[1] in BRIGHT
        return before + join(initial, "ㅏ" if bright else "ㅓ")
    if vowel in UNCHANGED:
        return text
    if vowel in CONTRACTED:
        return text[:-1] + join(initial, CONTRACTED[vowel])
    return text + "어"


def _double_l(text: str) -> str:
    """모르 gives 몰라, 부르 gives 불러."""
    before = with_final(text[:-1], "ㄹ")
    return before + ("라" if split(before[-1])[1] in BRIGHT else "러")


def _shorten_h(text: str) -> str:
    """빨갛 gives 빨개, 하얗 gives 하얘."""
    initial, vowel, _ = split(text[-1])
    return text[:-1] + join(initial, SHORTENED_H[vowel])


def _copula_vowel(text: str) -> str:
    """의사이 gives 의사여, 학생이 gives 학생이어."""
    return text[:-1] + "여" if _opened(text) else text + "어"


VOWEL_FORMS: dict[Kind, Callable[[str], str]] = {
    Kind.PAST: lambda text: text + "어",
    Kind.HA: lambda text: text[:-1] + "해",
    Kind.COPULA: _copula_vowel,
    Kind.REU: _double_l,
    Kind.H: _shorten_h,
    Kind.B: lambda text: with_final(text, " ") + "워",
    Kind.B_WA: lambda text: with_final(text, " ") + "와",
    Kind.D: lambda text: _contract(with_final(text, "ㄹ")),
    Kind.S: lambda text: with_final(text, " ") + _harmony(split(text[-1])[1]),
}
"""How each kind of stem makes its 아/어 form; the rest contract."""
