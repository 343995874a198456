"""BPE-dropout: other pieces at each pass, the same text, and the same again from the same seed."""

import importlib.util

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munmaek.errors import ConfigError
from munmaek.text.bpe_dropout import LONGEST, MergeDropout
from munmaek.text.tokenizers import Tokenizer, train_tokenizer

KOREAN = "나는 오늘 학교에 갔다. 학교에서 친구를 만났다. 친구는 책을 읽었다."
ENGLISH = "the lowest of the low is lower than the newest of the new, newer than low."


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer([KOREAN, ENGLISH] * 3, kind="bpe", vocab_size=420)


@settings(max_examples=60)  # compiling takes its time
@given(
    st.lists(
        st.one_of(
            st.text(max_size=30), st.text("lowernst 학교에서<>▁.", max_size=40), st.just(ENGLISH)
        ),
        max_size=5,
    )
)
def test_without_dropout_the_pieces_are_the_tokenizer_s_own(
    tokenizer: Tokenizer, texts: list[str]
) -> None:
    made = MergeDropout(tokenizer, texts, rate=0.0, seed=1).encode(0)
    assert list(made) == tokenizer.encode_many(texts)


@settings(max_examples=30)
@given(st.text(max_size=40), st.integers(0, 1000), st.floats(0, 0.99))
def test_whatever_is_left_out_the_text_is_the_same(
    tokenizer: Tokenizer, text: str, number: int, rate: float
) -> None:
    (ids,) = MergeDropout(tokenizer, [text], rate=rate, seed=3).encode(number)
    assert tokenizer.decode(ids) == tokenizer.decode(tokenizer.encode(text))


def test_passes_differ_and_each_can_be_had_again(tokenizer: Tokenizer) -> None:
    texts = [ENGLISH, KOREAN, ENGLISH]
    made = MergeDropout(tokenizer, texts, rate=0.3, seed=5)
    first, second = list(made.encode(0)), list(made.encode(1))
    assert first != second
    assert first[0] != first[2], "the place of a text counts too"
    again = MergeDropout(tokenizer, texts, rate=0.3, seed=5)
    assert list(again.encode(1)) == second
    assert list(again.encode(0)) == first
    assert list(MergeDropout(tokenizer, texts, rate=0.3, seed=6).encode(0)) != first
    longer = MergeDropout(tokenizer, [*texts, KOREAN], rate=0.3, seed=5).encode(0)
    assert longer[:3] == first, "a text's pieces do not depend on those after it"


def test_a_merge_is_left_out_as_often_as_was_said() -> None:
    # The one merge is l+o; each of 4,000 words "lo" keeps it with probability 0.75. Three standard
    # deviations of the share are 3 · √(0.75 · 0.25 / 4000) = 0.021.
    tokenizer = train_tokenizer(["lo"], kind="bpe", vocab_size=5 + 256 + 3 + 1)
    assert len(tokenizer.encode("lo")) == 1
    rows = MergeDropout(tokenizer, ["lo"] * 4000, rate=0.25, seed=0).encode(0)
    whole = sum(len(ids) == 1 for ids in rows)
    assert abs(whole / 4000 - 0.75) < 0.021


def test_a_word_too_long_to_scan_keeps_its_own_pieces(tokenizer: Tokenizer) -> None:
    text = "low" * LONGEST
    made = MergeDropout(tokenizer, [text], rate=0.5, seed=0)
    assert list(made.encode(7)) == [tokenizer.encode(text)]


@pytest.mark.skipif(importlib.util.find_spec("kiwipiepy") is None, reason="needs Kiwi")
def test_morphemes_are_cut_within_their_borders() -> None:
    tokenizer = train_tokenizer([KOREAN] * 3, kind="morphemes+bpe", vocab_size=330)
    assert list(MergeDropout(tokenizer, [KOREAN], rate=0.0, seed=0).encode(0)) == [
        tokenizer.encode(KOREAN)
    ]
    (ids,) = MergeDropout(tokenizer, [KOREAN], rate=0.5, seed=0).encode(0)
    assert tokenizer.decode(ids) == KOREAN


@pytest.mark.parametrize(("kind", "rate"), [("words", 0.1), ("bpe", 1.0), ("bpe", -0.1)])
def test_what_has_no_merges_and_what_is_no_rate_is_refused(kind: str, rate: float) -> None:
    tokenizer = train_tokenizer([ENGLISH], kind=kind, vocab_size=300)
    with pytest.raises(ConfigError, match="BPE-dropout"):
        MergeDropout(tokenizer, [ENGLISH], rate=rate, seed=0)
