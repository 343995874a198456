"""Languages as tables and files name them: by code, maybe with a region, or in words."""

import re

from munmaek.text.columns import KNOWN_NAMES

__all__ = ["language_code", "names_language", "same_language"]

_NAMED = """
ar ara arabic 아랍어 | bg bul bulgarian 불가리아어 | bn ben bengali 벵골어 | cs ces cze czech 체코어
da dan danish 덴마크어 | de deu ger german 독일어 deutsch | el ell gre greek 그리스어
en eng english 영어 영문 | es spa spanish 스페인어 español | et est estonian 에스토니아어
fa fas per persian 페르시아어 | fi fin finnish 핀란드어 | fr fra fre french 프랑스어 불어 français
he heb hebrew 히브리어 | hi hin hindi 힌디어 | hr hrv croatian 크로아티아어
hu hun hungarian 헝가리어 | id ind indonesian 인도네시아어 | it ita italian 이탈리아어
ja jpn japanese 일본어 일어 日本語 | ko kor korean 한국어 한글 국문 | lt lit lithuanian 리투아니아어
lv lav latvian 라트비아어 | mn mon mongolian 몽골어 | ms msa may malay 말레이어
my mya bur burmese 미얀마어 | nb nob | nl nld dut dutch 네덜란드어 | no nor norwegian 노르웨이어
pl pol polish 폴란드어 | pt por portuguese 포르투갈어 | ro ron rum romanian 루마니아어
ru rus russian 러시아어 | sk slk slo slovak 슬로바키아어 | sl slv slovenian 슬로베니아어
sr srp serbian 세르비아어 | sv swe swedish 스웨덴어 | th tha thai 태국어
tl tgl fil filipino tagalog 필리핀어 | tr tur turkish 튀르키예어 터키어
uk ukr ukrainian 우크라이나어 | ur urd urdu 우르두어 | uz uzb uzbek 우즈베크어
vi vie vietnamese 베트남어 | zh zho chi cmn chinese 중국어 中文
"""
_CODES = {
    name: names.split()[0] for names in re.split(r"[|\n]", _NAMED.strip()) for name in names.split()
}
_BEFORE = re.compile(r"^(?:sentence|text|source|target|src|tgt|trg|문장)[ _.-]+")
_AFTER = re.compile(r"[ _.-]+(?:sentence|text|문장|원문|번역문|번역)$")


def language_code(name: str) -> str | None:
    """Return the code of the language that a column's name names; None where it names none.

    ``Korean``, ``ko-KR``, ``kor_Hang``, ``한국어`` and ``sentence_ko`` name Korean. Names that
    columns have for something else (``id``, ``no``) name no language.
    """
    lower = name.strip().lower()
    if lower in KNOWN_NAMES:
        return None
    return _code(_AFTER.sub("", _BEFORE.sub("", lower)))


def _code(lower: str) -> str | None:
    return _CODES.get(lower) or _CODES.get(re.split("[-_]", lower, maxsplit=1)[0])


def same_language(one: str, other: str) -> bool:
    """Return whether two names are of one language, whatever their regions."""
    first, second = one.strip().lower(), other.strip().lower()
    if not first or not second:
        return False
    plain = [_code(each) or re.split("[-_]", each, maxsplit=1)[0] for each in (first, second)]
    return plain[0] == plain[1]


def names_language(column: str, language: str) -> bool:
    """Return whether a column's name names that language."""
    code = language_code(column)
    return same_language(column if code is None else code, language)
