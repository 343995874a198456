"""Tokenizers of living pages: the tokens of JavaScript are those of Python, whatever the text."""

import random
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import pre_tokenizers

import munmaek
from living_support import Engine, engine
from munmaek.errors import UnsupportedError
from munmaek.text.living import living_tokenizer
from munmaek.text.spelling import shown_tokens
from munmaek.text.tokenizers import MORPHEMIC, SURFACE, Tokenizer, train_tokenizer

HARD = [
    "",
    " ",
    "   ",
    "a",
    "나는 학교에서 책을 읽는다.",
    "  앞뒤  빈칸  ",
    "줄\n바꿈\t탭\r\n",
    "한글▁밑줄 ▁▁",
    "<s> </s> <mask> <unk> <pad>",
    "[MASK] <0x41>",
    "…“따옴표” ‘작은’ (괄호) [대] {중}",
    "!!?!..,,--__",
    "naïve café Ångström ﬁ Ⅳ ½ ²",
    "e\u0301\u0316 가\u0301 ᄒᆞᆫ글 ᄀ",
    "שלום עולם مرحبا بالعالم",
    "日本語 中文 ไทย",
    "👩‍👩‍👧‍👦 🇰🇷 👍🏽 ❤️",
    "\u200b\u200d\ufeff\xa0\u3000\u2028\x85",
    "\U000f2581 \U0010fffd \ue000",
    "a\x00b\x7f\x1c",
    "ㅋㅋㅋㅋㅋㅋ ㅠㅠ ㅎㅎ",
    "1,234.56% $5 €7 ₩8 №9 §",
    "x" * 150 + " " + "가" * 120,
    "https://a.b/c?d=e&f#g a_b-c",
    "ؐ ؛ ؟ ।",
    "\u0b8e\u2e52\u1b7d\U00011f43",
    "가나\u1160다 \u11a8",
    "a\u0300b\u0301 \u0344 \u212b \u2126",
]


@pytest.fixture(scope="module")
def living() -> Iterator[Engine]:
    with engine() as found:
        yield found


@cache
def tokenizer(kind: str) -> Tokenizer:
    book = munmaek.phrasebook(pairs=300, valid=20, test=20).train
    texts = [each.korean for each in book] + [each.english for each in book]
    size = 700 if kind != "jamo" else 90
    return train_tokenizer(texts, kind=kind, vocab_size=size)


def check(living: Engine, kind: str, text: str, *, masks: bool) -> None:
    mine = tokenizer(kind)
    if kind not in living.opened:
        living.opened[kind] = living.tokenizer(kind, mine).name
    twin = living.known(kind)
    found = twin.subwords(text, {"masks": masks})
    wanted = mine.subwords(text, allow=("<mask>",) if masks else ())
    ids = [each.id for each in wanted]
    assert [each["id"] for each in found] == ids, (kind, text)
    assert [each["word"] for each in found] == [each.word for each in wanted], (kind, text)
    assert twin.shown(ids) == list(shown_tokens(mine, ids)), (kind, text)
    assert twin.decode(ids) == mine.decode(ids), (kind, text)


@pytest.mark.parametrize("kind", SURFACE)
@pytest.mark.parametrize("masks", [False, True])
def test_hard_texts_are_cut_alike(kind: str, masks: bool, living: Engine) -> None:
    for text in HARD:
        check(living, kind, text, masks=masks)


KNOWN = st.characters(codec="utf-8").filter(lambda each: unicodedata.category(each) != "Cn")
WORDS = st.sampled_from(
    ["학교", "에서", " ", "나는", "the ", "<mask>", "[MASK]", "??", "\n", "e\u0301"]
)


@pytest.mark.parametrize("kind", SURFACE)
def test_any_text_is_cut_alike(kind: str, living: Engine) -> None:
    @settings(max_examples=60, suppress_health_check=list(HealthCheck), database=None)
    @given(st.lists(st.one_of(WORDS, KNOWN), max_size=30).map("".join), st.booleans())
    def cut(text: str, masks: bool) -> None:
        check(living, kind, text, masks=masks)

    cut()


@pytest.mark.parametrize("kind", SURFACE)
def test_any_tokens_are_decoded_and_shown_alike(kind: str, living: Engine) -> None:
    mine, rng = tokenizer(kind), random.Random(0)
    twin = living.tokenizer(f"{kind}-ids", mine)
    for _ in range(60):
        ids = [rng.randrange(min(mine.vocab_size, 300)) for _ in range(rng.randrange(12))]
        assert twin.decode(ids) == mine.decode(ids), ids
        assert twin.shown(ids) == list(shown_tokens(mine, ids)), ids


def test_punctuation_is_what_the_library_takes_for_it(living: Engine) -> None:
    border: Any = pre_tokenizers.Punctuation("isolated")
    points = [chr(at) for at in range(32, 0x20000) if not 0xD800 <= at < 0xE000]
    wanted = [each for each in points if len(border.pre_tokenize_str(f"a{each}a")) == 3]
    script = "(text) => Array.from(text).filter(munmaekLive.isMark).join('')"
    living.inner.eval(f"const marks = {script}")
    assert living.inner.call("marks", "".join(points)) == "".join(wanted)


@pytest.mark.parametrize("kind", MORPHEMIC)
def test_morphemes_are_refused_in_one_line(kind: str) -> None:
    plain = train_tokenizer(["나는 학교에 간다"], kind="bpe", vocab_size=300)
    with pytest.raises(UnsupportedError, match="needs Kiwi") as caught:
        living_tokenizer(Tokenizer(plain._pipeline, kind=kind), "models/a")
    assert "\n" not in str(caught.value)
