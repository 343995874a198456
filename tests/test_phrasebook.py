"""The corpus: its size, shares, links, split and determinism."""

import unicodedata
from collections import Counter

import pytest

from munmaek.errors import ConfigError
from munmaek.phrases import HELD_OUT, LABELS, LENGTHS, Phrase, Phrasebook, phrasebook
from phrasebook import corpus
from phrasebook.sentence import Draft
from write_phrasebook import BOOKS

PRONOUNS = {"you", "we", "it", "i", "he", "she", "they"}


@pytest.fixture(scope="module")
def book() -> Phrasebook:
    return phrasebook()


@pytest.fixture(scope="module")
def phrases(book: Phrasebook) -> list[Phrase]:
    return [*book.train, *book.valid, *book.test]


def length_class(phrase: Phrase) -> int:
    size = len(phrase.english.split())
    return next(i for i, (low, high) in enumerate(LENGTHS) if low <= size <= high)


def test_the_parts_have_the_sizes_asked_for(book: Phrasebook):
    assert (len(book.train), len(book.valid), len(book.test)) == (22_400, 600, 1_000)


def test_no_text_of_either_language_occurs_twice_even_but_for_case(phrases: list[Phrase]):
    assert len(phrases) >= 20_000
    assert len({phrase.korean.rstrip("?") for phrase in phrases}) == len(phrases)
    assert len({phrase.english.rstrip("?").casefold() for phrase in phrases}) == len(phrases)


def test_the_two_known_sentences_are_in_test_and_only_there(book: Phrasebook):
    wanted = {
        ("나는 너를 사랑해", "I love you"),
        ("나는 학교에서 공부한다", "I study at school"),
    }
    assert wanted <= {(phrase.korean, phrase.english) for phrase in book.test}
    elsewhere = {*book.train, *book.valid}
    assert not {english.casefold() for _, english in wanted} & {
        phrase.english.casefold() for phrase in elsewhere
    }
    assert not {korean for korean, _ in wanted} & {phrase.korean for phrase in elsewhere}


def test_train_teaches_every_word_of_the_known_sentences(book: Phrasebook):
    korean = Counter(word for phrase in book.train for word in phrase.korean.split())
    for word in ("나는", "너를", "사랑해", "학교에서", "공부한다"):
        assert korean[word] >= 5, word


def test_every_class_of_length_and_every_label_has_a_tenth(phrases: list[Phrase]):
    for shares, kinds in (
        (Counter(map(length_class, phrases)), range(len(LENGTHS))),
        (Counter(phrase.label for phrase in phrases), LABELS),
    ):
        assert set(shares) == set(kinds)
        assert min(shares.values()) >= 0.1 * len(phrases)


def test_no_label_is_told_by_length_alone(phrases: list[Phrase]):
    cells = Counter((phrase.label, length_class(phrase)) for phrase in phrases)
    assert len(cells) == len(LABELS) * len(LENGTHS)


def test_a_question_mark_does_not_give_the_label_away(phrases: list[Phrase]):
    asking = Counter(phrase.label for phrase in phrases if phrase.english.endswith("?"))
    assert asking["question"] > 0
    assert asking["proposal"] > 0.1 * sum(asking.values())
    assert asking["request"] > 0.02 * sum(asking.values())
    assert all(p.korean.endswith("?") == p.english.endswith("?") for p in phrases)


def test_links_are_sorted_distinct_and_in_range(phrases: list[Phrase]):
    for phrase in phrases:
        sizes = len(phrase.korean.split()), len(phrase.english.split())
        assert list(phrase.links) == sorted(set(phrase.links))
        assert all(0 <= k < sizes[0] and 0 <= e < sizes[1] for k, e in phrase.links)


def test_every_word_but_a_pronoun_that_korean_drops_is_linked(phrases: list[Phrase]):
    for phrase in phrases:
        korean, english = phrase.korean.split(), phrase.english.split()
        assert {k for k, _ in phrase.links} == set(range(len(korean))), phrase
        bare = set(range(len(english))) - {e for _, e in phrase.links}
        assert {english[index].casefold().rstrip("?") for index in bare} <= PRONOUNS, phrase


def test_links_of_a_translated_word_point_at_its_translation(phrases: list[Phrase]):
    dictionary = {
        "coffee": ("커피",),
        "school": ("학교",),
        "Minsu": ("민수",),
        "books": ("책", "권"),
        "reads": ("읽",),
        "because": ("때문에", "니까"),
        "not": ("안", "않", "못", "아니", "마"),
    }
    for phrase in phrases:
        korean, english = phrase.korean.split(), phrase.english.split()
        for source, target in phrase.links:
            wanted = dictionary.get(english[target])
            assert wanted is None or any(part in korean[source] for part in wanted), phrase


def test_valid_and_test_hold_no_english_word_and_no_syllable_unseen_in_train(book: Phrasebook):
    words = {word for phrase in book.train for word in phrase.english.split()}
    syllables = {character for phrase in book.train for character in phrase.korean}
    for phrase in (*book.valid, *book.test):
        assert set(phrase.english.split()) <= words, phrase
        assert set(phrase.korean) <= syllables, phrase


def test_texts_are_composed_single_spaced_and_free_of_stops(phrases: list[Phrase]):
    for phrase in phrases:
        for text in (phrase.korean, phrase.english):
            assert text == unicodedata.normalize("NFC", text) == " ".join(text.split())
            assert not text.endswith((".", ","))
        assert phrase.english[0].isupper()
        assert phrase.korean.rstrip("?").replace(" ", "").replace(",", "").isalpha()


def test_the_same_seed_gives_the_same_book_and_another_seed_another():
    small = {"pairs": 500, "valid": 20, "test": 20}
    assert phrasebook(seed=3, **small) == phrasebook(seed=3, **small)
    assert phrasebook(seed=3, **small) != phrasebook(seed=4, **small)


@pytest.mark.parametrize("seed", [0, 7])
def test_a_small_book_keeps_every_class_of_length(seed: int):
    book = phrasebook(seed=seed, pairs=2_000, valid=100, test=100)
    phrases = [*book.train, *book.valid, *book.test]
    assert len(phrases) == len({p.korean for p in phrases}) == 2_000
    assert len({p.english.casefold() for p in phrases}) == 2_000
    assert min(Counter(map(length_class, phrases)).values()) >= 200


@pytest.mark.parametrize(
    "sizes",
    [
        {"pairs": 100, "valid": 50, "test": 50},
        {"pairs": 100, "valid": -1, "test": 50},
        {"pairs": 100, "valid": 10, "test": 1},
    ],
)
def test_parts_that_do_not_fit_are_refused(sizes: dict[str, int]):
    with pytest.raises(ConfigError, match="phrasebook: pairs=100 must exceed"):
        phrasebook(**sizes)


def test_holding_out_words_that_train_would_lose_is_refused():
    with pytest.raises(ConfigError, match="can be held out"):
        phrasebook(pairs=60, valid=20, test=35)


def test_more_pairs_than_are_shipped_are_refused():
    with pytest.raises(ConfigError, match="pairs=60000 is more than are shipped"):
        phrasebook(pairs=60_000)


def test_more_pairs_than_the_grammar_yields_are_refused(monkeypatch: pytest.MonkeyPatch):
    known = Draft([("안녕", (0,))], [("hello", (0,)), ("my", (0,)), ("friend", (0,))], asks=False)
    monkeypatch.setitem(corpus.MAKERS, "statement", lambda _rng, _target: known)
    with pytest.raises(ConfigError, match="pairs=1000 is more than the grammar yields"):
        corpus.make(0, 1_000, len(LENGTHS))


@pytest.mark.parametrize("book", BOOKS, ids=str)
def test_the_grammar_still_makes_what_is_shipped(book: tuple[int, int, int]):
    seed, pairs, classes = book
    longest = LENGTHS[classes - 1][1]
    shipped = phrasebook(seed=seed, pairs=pairs, valid=0, test=2, longest=longest)
    assert shipped.test == HELD_OUT
    assert list(shipped.train) == corpus.make(seed, pairs, classes)
