"""Arithmetic on Hangul syllables, and the particle that fits a word.

    code = 0xAC00 + (initial · 21 + vowel) · 28 + final        (The Unicode Standard, section 3.12)

Everything stays in composed syllables (NFC); no text is ever decomposed into conjoining jamo.
"""

from functools import cache

__all__ = ["final", "join", "particle", "split", "with_final"]

INITIALS = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
FINALS = " ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"
FIRST_SYLLABLE = 0xAC00
SYLLABLES = len(INITIALS) * len(VOWELS) * len(FINALS)


def split(syllable: str) -> tuple[str, str, str]:
    """Initial, vowel and final (a space for none) of one composed syllable.

    Raises:
        ValueError: the character is no Hangul syllable.
    """
    code = ord(syllable) - FIRST_SYLLABLE
    if not 0 <= code < SYLLABLES:
        message = f"wanted one Hangul syllable, got {syllable!r}"
        raise ValueError(message)
    rest, last = divmod(code, len(FINALS))
    first, middle = divmod(rest, len(VOWELS))
    return INITIALS[first], VOWELS[middle], FINALS[last]


def join(initial: str, vowel: str, last: str = " ") -> str:
    """The composed syllable of an initial, a vowel and a final (a space for none)."""
    first, middle = INITIALS.index(initial), VOWELS.index(vowel)
    code = (first * len(VOWELS) + middle) * len(FINALS) + FINALS.index(last)
    return chr(FIRST_SYLLABLE + code)


def final(word: str) -> str:
    """The final consonant of a word's last syllable; a space for none."""
    return split(word[-1])[2]


def with_final(word: str, last: str) -> str:
    """The word with the final consonant of its last syllable set (a space removes it)."""
    initial, vowel, _ = split(word[-1])
    return word[:-1] + join(initial, vowel, last)


@cache
def particle(word: str, pair: str) -> str:
    """The word with the particle of ``pair`` (after consonant / after vowel) that fits it.

    ``particle("학생", "은/는")`` is 학생은, ``particle("의사", "은/는")`` 의사는. A pair without a
    slash is attached as it is. For 으로/로 the final ㄹ counts as a vowel (서울로).
    """
    closed, slash, opened = pair.partition("/")
    if not slash:
        return word + closed
    last = final(word)
    if last == " " or (last == "ㄹ" and closed.startswith("으로")):
        return word + opened
    return word + closed
