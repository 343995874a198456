"""Merges learned in compiled code: those of the ``tokenizers`` library, one by one."""

import random
from collections import Counter

import pytest

from munmaek.text import building, merges
from munmaek.text.building import CONTINUED, SPECIALS, word_borders
from munmaek.text.merges import merges_of_library
from munmaek.text.merging import learn_merges
from munmaek.text.tokenizers import train_tokenizer

TEXTS = [
    "나는 학교에서 공부한다. 나는 학교에 간다, 학교는 멀다!",
    "I study at school; she studies at home (sometimes) ... banana bananas ㅋㅋㅋㅋㅋ",
    "a▁b ▁c ##d <0x41> <s> </s> 1234512345 12 345 각 ᄀ ㄱ 🙂👍🏽 안 해봤는데 정말 재미있었어요",
] * 3


def drawn(rng: random.Random, letters: str) -> Counter[str]:
    """Return few words of few letters, so that most pairs are as frequent as others."""
    counts: Counter[str] = Counter()
    for _ in range(rng.randint(1, 60)):
        word = "".join(rng.choice(letters) for _ in range(rng.randint(1, 12)))
        counts[word] += rng.randint(1, 3)
    return counts


@pytest.mark.parametrize("prefix", ["", CONTINUED])
@pytest.mark.parametrize("seed", range(40))
def test_merges_are_those_of_the_library_where_many_pairs_are_as_frequent(seed, prefix):
    rng = random.Random(seed)
    alphabet = "ab가나cdefgh"[: rng.randint(1, 10)]
    first = [*SPECIALS, *(prefix + letter for letter in alphabet if prefix)]
    options = {
        "first": first,
        "alphabet": alphabet,
        "vocab_size": len(first) + len(alphabet) + rng.randint(0, 80),
        "min_count": rng.randint(1, 4),
        "prefix": prefix,
    }
    counts = drawn(rng, alphabet + "z")  # which is outside the alphabet
    assert learn_merges(counts, **options) == merges_of_library(counts, **options)


def test_a_large_vocabulary_of_long_words_is_that_of_the_library():
    """More pairs and more letters than there is room for at first."""
    rng = random.Random(0)
    letters = [chr(0xAC00 + place) for place in range(400)]
    words = ("".join(rng.choices(letters, k=rng.choice([3, 3, 3, 200]))) for _ in range(3000))
    counts = {word: rng.randint(1, 9) for word in words}
    options = {"first": SPECIALS, "alphabet": letters, "vocab_size": 9000, "min_count": 1}
    assert learn_merges(counts, **options) == merges_of_library(counts, **options)


def test_no_words_and_words_of_one_letter_have_no_merges():
    options = {"first": SPECIALS, "alphabet": "ab", "vocab_size": 20, "min_count": 1}
    for counts in ({}, {"": 3, "a": 5, "z": 1}):
        assert learn_merges(counts, **options) == merges_of_library(counts, **options)
        assert learn_merges(counts, **options).merges == []


@pytest.mark.parametrize("kind", ["bpe", "wordpiece"])
@pytest.mark.parametrize("min_count", [1, 3])
def test_tokenizers_of_either_way_are_the_same_file(kind, min_count, monkeypatch):
    size = {"bpe": 420, "wordpiece": 260}[kind]
    by_library = train_tokenizer(TEXTS, kind=kind, vocab_size=size, min_count=min_count)
    monkeypatch.setattr(merges, "MANY", 0)
    compiled = train_tokenizer(TEXTS, kind=kind, vocab_size=size, min_count=min_count)
    assert compiled.fingerprint == by_library.fingerprint


def test_words_of_a_text_are_merged_as_those_of_the_library():
    alphabet = sorted(set("".join(TEXTS)) - {"\n"} | {"▁"})
    counts = building._pretokens(TEXTS, alphabet, word_borders())
    options = {"first": SPECIALS, "alphabet": alphabet, "vocab_size": 400, "min_count": 1}
    learned = learn_merges(counts, **options)
    assert learned == merges_of_library(counts, **options)
    assert len(learned.merges) > 50
