"""Ids of many texts: each distinct run encoded once gives what the library gives of the whole."""

import string
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Regex, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Pipeline

from munmaek.text.building import STAND_IN
from munmaek.text.repeated import flattened
from munmaek.text.tokenizers import (
    KINDS,
    SPECIALS,
    Tokenizer,
    train_tokenizer,
    word_tokenizer,
)

TEXTS = (
    "나는 학교에서 공부한다. 나는 너를 사랑해!  I love you.",
    "안 해봤는데 정말 재미있었어요 ㅋㅋㅋ 🙂👍🏽 x" + "y" * 120,
    "a▁b ▁c ##d e##f <0x41> <s> </s> <mask> <unk> <pad> [MASK]\r\n",
    "tab\tand\u3000wide\u00a0space\x1fand\u2028line e\u0302\u0301 q\u0323\u0307 각 ᄀ ㄱ \u200d",
) * 3
_trained: dict[str, Tokenizer] = {}


def trained(kind: str) -> Tokenizer:
    if kind not in _trained:
        _trained[kind] = train_tokenizer(TEXTS, kind=kind, vocab_size=420)
    return _trained[kind]


@pytest.fixture(scope="module", autouse=True)
def _trained_beforehand() -> None:
    # Hypothesis times its examples, and the first use of a kind trains it.
    for kind in KINDS:
        trained(kind)


near = st.sampled_from(
    [
        *(" ", "  ", "\t", "\r", "\n", "\x00", "\xa0", "\u3000", "\u2028", "\x85", STAND_IN),
        *("\u0301", "\u0323", "\u1100", "\u1161", "\u11a8", "\ud7a3", "\u115f", "\u3164", "ㅋ"),
        *("가", "나", "먹었다", "▁", "##", "<", ">", "<s>", "</s>", "<mask>", "<unk>", "[MASK]"),
        *("🙂", "👍🏽", "👩\u200d👧", "é", "Å", "ﬁ", "½", "ẛ\u0323", "\U00011385", "\U0001d15e"),
        *("a", "love", "LOVE", "1", "...", "!?", "'", "\u2581", "\ufeff", "\U0010fffd", "学校"),
    ]
)
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
mixed = st.lists(near | any_text, max_size=14).map("".join)


@given(st.lists(mixed, max_size=8), st.sampled_from(KINDS))
@settings(max_examples=400)
def test_ids_of_runs_are_those_of_whole_texts(texts: list[str], kind: str) -> None:
    tokenizer = trained(kind)
    runs = tokenizer.runs_of_many()
    assert runs is not None
    wanted = [tokenizer.encode(text) for text in texts]
    for _ in range(2):  # first met, then remembered
        ids, limits = tokenizer.encode_flat(texts, runs)
        assert ids.dtype == np.int32
        assert [ids[a:b].tolist() for a, b in pairwise(limits)] == wanted


@pytest.mark.parametrize("kind", KINDS)
def test_many_texts_have_the_ids_of_each_alone(kind: str) -> None:
    tokenizer = trained(kind)
    texts = [f"{text} {number}" for number in range(150) for text in (*TEXTS[:4], "")]
    few = [ids for at in range(0, len(texts), 50) for ids in tokenizer.encode_many(texts[at:][:50])]
    assert tokenizer.encode_many(texts) == few


def test_no_text_has_no_ids() -> None:
    for kind in KINDS:
        runs = trained(kind).runs_of_many()
        assert runs is not None
        ids, limits = runs.flat([])
        assert (len(ids), limits.tolist()) == (0, [0])


def test_words_parted_at_ascii_spaces_keep_the_others() -> None:
    tokenizer = word_tokenizer(["a", "a\xa0b"], space="[\t-\r ]")
    runs = tokenizer.runs_of_many()
    assert runs is not None
    ids, _ = runs.flat(["a a\xa0b\ta <s>", "b"])
    assert ids.tolist() == [*tokenizer.encode("a a\xa0b\ta <s>"), *tokenizer.encode("b")]


def test_what_was_remembered_is_forgotten_when_it_is_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("munmaek.text.repeated.MOST_CHARACTERS", 10)
    tokenizer = trained("bpe")
    runs = tokenizer.runs_of_many()
    for text in ("I love", "나는 학교에서 공부한다", "I love you", "나는"):
        assert tokenizer.encode_flat([text], runs)[0].tolist() == tokenizer.encode(text)


def _prepended(pipeline: Pipeline) -> None:
    pipeline.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme="always", split=True)


def _whole(pipeline: Pipeline) -> None:
    pipeline.pre_tokenizer = pre_tokenizers.Split(Regex("\n"), "isolated")


def _stripped(pipeline: Pipeline) -> None:
    pipeline.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Strip()])


def _cut_off(pipeline: Pipeline) -> None:
    pipeline.enable_truncation(3)


def _merged(pipeline: Pipeline) -> None:
    letters = [*SPECIALS, *string.ascii_lowercase, "▁", "ab"]
    vocab = {token: number for number, token in enumerate(letters)}
    pipeline.model = models.BPE(vocab, [("a", "b")], unk_token="<unk>")


CASES = [
    *((kind, rule) for kind in ("bpe", "wordpiece", "words") for rule in (_prepended, _whole)),
    *((kind, _stripped) for kind in ("unigram", "jamo", "words")),
    *((kind, _cut_off) for kind in ("bpe", "characters", "morphemes")),
    ("characters", _merged),
]


@pytest.mark.parametrize(("kind", "rule"), CASES)
def test_rules_that_look_across_spaces_go_through_the_library(
    kind: str, rule: Callable[[Pipeline], None]
) -> None:
    pipeline = Pipeline.from_str(trained(kind).content)
    rule(pipeline)
    tokenizer = Tokenizer(pipeline, kind=kind)
    assert tokenizer.runs_of_many() is None
    texts = ["I love  you ", " ab 나는"]
    ids, limits = tokenizer.encode_flat(texts, None)
    wanted = flattened(tokenizer.encode_many(texts))
    assert ids.tolist() == wanted[0].tolist()
    assert limits.tolist() == wanted[1].tolist()
    assert tokenizer.encode_many(texts * 300) == tokenizer.encode_many(texts) * 300
