"""Tokenizers: round trips, places, special tokens, determinism, files."""

import json
import sys
import unicodedata
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Pipeline

from munmaek.errors import ArtefactError, ConfigError, InputError, UnsupportedError
from munmaek.text import morphology
from munmaek.text.building import LONGEST_LEARNED_WORD, STAND_IN
from munmaek.text.corpora import read_labelled
from munmaek.text.places import FIRST_BYTE, Subword, bytes_located
from munmaek.text.spaces import ascii_words, words
from munmaek.text.tokenizers import KINDS, SPECIALS, SPELLED_IN_BYTES, Tokenizer, train_tokenizer

TEXTS = (
    "나는 학교에서 공부한다.",
    "나는 너를 사랑해!  I love you.",
    "안 해봤는데 정말 재미있었어요 ㅋㅋㅋ 🙂👍🏽",
    " 앞에도 뒤에도 빈칸 ",
    "I study at school; she studies at home (sometimes) ...",
    "a▁b ▁c ##d e##f ### <0x41> <s> </s> <mask> <unk> <pad> [MASK]",
    "tab\tand\u3000wide\u00a0space\x1fand\u2028line",
    "e\u0302\u0301 q\u0323\u0307 각 ᄀ ㄱ \u200d\u200b",
    "",
) * 2
CHARACTERS = sorted(set(unicodedata.normalize("NFC", "".join(TEXTS))))
EXACT = tuple(kind for kind in KINDS if kind != "words")
COMPLETE = ("bpe", "unigram", "morphemes+bpe")
MARKED = ("bpe", "unigram", "wordpiece", "morphemes", "morphemes+bpe")

_trained: dict[str, Tokenizer] = {}


def trained(kind: str) -> Tokenizer:
    if kind not in _trained:
        _trained[kind] = train_tokenizer(TEXTS, kind=kind, vocab_size=500)
    return _trained[kind]


@pytest.fixture(params=KINDS)
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    return trained(request.param)


@pytest.fixture(scope="module", autouse=True)
def _trained_beforehand() -> None:
    # Hypothesis times its examples, and the first use of a kind trains it.
    for kind in KINDS:
        trained(kind)


known_text = st.text(st.sampled_from(CHARACTERS), max_size=40)
any_text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters=STAND_IN))
korean = st.text(st.sampled_from("가각힣한글ㅋㅎ한 🙂é\u0301\u3000<>#▁.") | st.characters())


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


# Round trips


@given(known_text, st.sampled_from(EXACT))
def test_known_characters_come_back_exactly(text: str, kind: str) -> None:
    # NFC of known characters may compose an unknown one; only those that stay known count.
    text = "".join(character for character in nfc(text) if character in CHARACTERS)
    if nfc(text) == text:
        assert trained(kind).decode(trained(kind).encode(text)) == text


@given(any_text | korean.filter(lambda text: text.isprintable()), st.sampled_from(COMPLETE))
@settings(max_examples=200)
def test_unseen_characters_come_back_through_their_bytes(text: str, kind: str) -> None:
    text = text.replace(STAND_IN, "")
    ids = trained(kind).encode(text)
    assert trained(kind).unk not in ids
    assert trained(kind).decode(ids) == nfc(text)


@given(known_text)
def test_words_come_back_with_single_spaces(text: str) -> None:
    kept = " ".join(word for word in text.split() if word not in SPECIALS)
    tokenizer = train_tokenizer([kept or "x"], kind="words")
    assert tokenizer.decode(tokenizer.encode(kept)) == " ".join(nfc(kept).split())


def test_the_training_texts_come_back(tokenizer: Tokenizer) -> None:
    for text in TEXTS:
        wanted = nfc(text)
        if tokenizer.kind == "words":
            wanted = " ".join("<unk>" if word in SPECIALS else word for word in text.split())
            wanted = nfc(wanted)
        assert tokenizer.decode(tokenizer.encode(text)) == wanted


def test_hangul_is_decomposed_by_jamo_alone(tokenizer: Tokenizer) -> None:
    tokens = [piece.token for piece in tokenizer.subwords("학교에서")]
    conjoining = any("ᄀ" <= character <= "ᇿ" for token in tokens for character in token)
    assert conjoining == (tokenizer.kind == "jamo")
    decomposed = unicodedata.normalize("NFD", "학교에서")
    assert tokenizer.encode(decomposed) == tokenizer.encode("학교에서")
    assert tokenizer.decode(tokenizer.encode(decomposed)) in {"학교에서", "<unk>"}


def test_jamo_are_the_conjoining_letters_of_a_syllable() -> None:
    pieces = trained("jamo").subwords("학교")
    assert [piece.token for piece in pieces] == ["ᄒ", "ᅡ", "ᆨ", "ᄀ", "ᅭ"]
    assert [piece.text for piece in pieces] == ["학", "학", "학", "교", "교"]


def test_an_unknown_token_shows_and_other_specials_do_not() -> None:
    tokenizer = trained("characters")
    assert tokenizer.decode([2, *tokenizer.encode("나뷁"), 3, 0, 0]) == "나<unk>"


@given(st.lists(known_text, max_size=5), st.sampled_from(KINDS))
@settings(max_examples=40)
def test_many_texts_are_encoded_as_one_by_one(texts: list[str], kind: str) -> None:
    tokenizer = trained(kind)
    many = tokenizer.encode_many(texts)
    assert many == [tokenizer.encode(text) for text in texts]
    assert tokenizer.decode_many(many) == [tokenizer.decode(ids) for ids in many]


# Places


@given(known_text | any_text, st.sampled_from(KINDS))
@settings(max_examples=200)
def test_pieces_cover_the_text_and_stay_within_their_words(text: str, kind: str) -> None:
    tokenizer = trained(kind)
    pieces = tokenizer.subwords(text)
    text = nfc(text)
    ids = tokenizer.encode(text)
    assert [piece.id for piece in pieces] == ids
    assert [piece.token for piece in pieces] == [tokenizer.token(number) for number in ids]
    assert all(piece.text == text[piece.start : piece.end] for piece in pieces)
    starts = [piece.start for piece in pieces]
    assert starts == sorted(starts)
    spans = sorted({(piece.start, piece.end) for piece in pieces})
    rebuilt = "".join(text[start:end] for start, end in spans)
    assert rebuilt == ("".join(text.split()) if kind == "words" else text)
    whole = ascii_words(text)
    for piece in pieces:
        if inner := piece.text.strip(" \t\n\v\f\r"):
            assert inner in whole[piece.word]
            # The word's index is the number of words that ended before the piece.
            assert piece.word == len(ascii_words(text[: piece.end])) - 1
        elif whole:
            assert piece.word == min(len(ascii_words(text[: piece.start])), len(whole) - 1)


@pytest.mark.parametrize("kind", MARKED)
def test_a_space_belongs_to_the_piece_after_it(kind: str) -> None:
    first = next(piece for piece in trained(kind).subwords("나는 학교에서") if piece.word == 1)
    assert first.token.startswith("▁")
    assert (first.text[0], first.start) == (" ", 2)


@pytest.mark.parametrize("kind", COMPLETE)
def test_bytes_have_the_place_of_their_own_character(kind: str) -> None:
    pieces = trained(kind).subwords("뷁é🦀")
    # 뷁 is 3 bytes of UTF-8, é 2, the crab 4.
    wanted = [(0, 1)] * 3 + [(1, 2)] * 2 + [(2, 3)] * 4
    assert [(piece.start, piece.end) for piece in pieces] == wanted


def test_words_are_cut_at_white_space() -> None:
    assert words(" 나는\t학교에서  공부한다\u3000.") == ["나는", "학교에서", "공부한다", "."]
    assert words(unicodedata.normalize("NFD", "학교")) == ["학교"]
    assert words(" ") == []


# Special tokens


def test_special_tokens_have_fixed_ids(tokenizer: Tokenizer) -> None:
    assert [tokenizer.token(number) for number in range(5)] == list(SPECIALS)
    assert SPECIALS == ("<pad>", "<unk>", "<s>", "</s>", "<mask>")
    found = (tokenizer.pad, tokenizer.unk, tokenizer.bos, tokenizer.eos, tokenizer.mask)
    assert found == (0, 1, 2, 3, 4)


@given(st.lists(st.sampled_from([*SPECIALS, "[MASK]", " ", "가", "a"])), st.sampled_from(KINDS))
def test_a_text_never_turns_into_special_tokens_unasked(parts: list[str], kind: str) -> None:
    text = "".join(parts)
    ids = trained(kind).encode(text)
    assert not {0, 2, 3, 4} & set(ids)
    if kind in COMPLETE:
        assert trained(kind).decode(ids) == text


@pytest.mark.parametrize("kind", KINDS)
def test_training_on_special_literals_does_not_teach_them(kind: str) -> None:
    texts = ["<s> a </s>", "<mask>", "<pad><unk>", "x<mask>"] * 50
    tokenizer = train_tokenizer(texts, kind=kind, vocab_size=600)
    for text in texts[:4]:
        assert not {0, 2, 3, 4} & set(tokenizer.encode(text))


def test_a_mask_is_one_where_it_is_allowed(tokenizer: Tokenizer) -> None:
    for literal in ("<mask>", "[MASK]"):
        text = f"나는 {literal}에서 공부한다"
        ids = tokenizer.encode(text, allow=("<mask>",))
        assert ids.count(tokenizer.mask) == 1
        pieces = tokenizer.subwords(text, allow=("<mask>",))
        assert [tokenizer.id(piece.token) for piece in pieces] == ids
        assert all(piece.text == text[piece.start : piece.end] for piece in pieces)
        mask = next(piece for piece in pieces if piece.token == "<mask>")
        assert (mask.text.strip(), mask.word) == (literal, 1)
        after = [piece for piece in pieces if piece.start >= mask.end]
        assert (
            "".join(text[a:b] for a, b in sorted({(p.start, p.end) for p in after})).replace(
                " ", ""
            )
            == "에서공부한다"
        )


@pytest.mark.parametrize("kind", MARKED)
def test_a_mask_stands_for_a_word_with_its_space(kind: str) -> None:
    tokenizer = trained(kind)
    masked = tokenizer.encode("나는 <mask> 공부한다", allow=("<mask>",))
    whole = tokenizer.encode("나는 학교 공부한다")
    place = masked.index(tokenizer.mask)
    assert masked[:place] == whole[:place]
    tail = masked[place + 1 :]
    assert whole[-len(tail) :] == tail


def test_wordpieces_after_a_mask_go_on_with_the_word() -> None:
    pieces = trained("wordpiece").subwords("나는 <mask>에서 공부", allow=("<mask>",))
    after = [piece.token for piece in pieces if piece.start >= 9]
    assert after[0].startswith("##")
    assert next(token for token in after if "공" in token).startswith("▁")


def test_an_unknown_special_token_is_refused() -> None:
    with pytest.raises(ConfigError, match="no special token '<cls>'"):
        trained("bpe").encode("a", allow=("<cls>",))


# Training


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_texts_give_the_same_vocabulary(kind: str) -> None:
    again = train_tokenizer(iter(TEXTS), kind=kind, vocab_size=500)
    assert again.fingerprint == trained(kind).fingerprint
    assert again.signature == f"{kind}-{again.vocab_size}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [264, 300, 400])
def test_a_vocabulary_keeps_its_size(kind: str, size: int) -> None:
    tokenizer = train_tokenizer(TEXTS, kind=kind, vocab_size=size)
    assert tokenizer.vocab_size <= size
    assert len({tokenizer.token(number) for number in range(tokenizer.vocab_size)}) == (
        tokenizer.vocab_size
    )


def test_byte_pairs_are_merged_from_the_most_frequent() -> None:
    # aaabdaaabac, the example of Gage 1994: aa occurs 4 times (overlaps counted) and is merged,
    # then aaa or ab, then aaab; no other pair occurs twice.
    tokenizer = train_tokenizer(["aaabdaaabac"], kind="bpe", vocab_size=280, min_count=2)
    assert [piece.token for piece in tokenizer.subwords("aaabdaaabac")] == [
        "aaab", "d", "aaab", "a", "c",
    ]  # fmt: skip
    # 5 special tokens, 256 bytes, a b c d and the space, 3 merges.
    assert tokenizer.vocab_size == 5 + 256 + 5 + 3


def test_words_keep_the_most_frequent_and_break_ties_by_code_point() -> None:
    tokenizer = train_tokenizer(["나 가 가 다 <unk> <s>"], kind="words", vocab_size=7)
    assert [tokenizer.token(number) for number in (5, 6)] == ["가", "나"]
    # The literal <unk> of corpora such as PTB is the unknown word.
    assert tokenizer.encode("가 나 다 <unk> <s>") == [5, 6, 1, 1, 1]
    rare = train_tokenizer(["나 가 가"], kind="words", min_count=2)
    assert rare.vocab_size == 6


@given(known_text)
def test_words_agree_with_a_dictionary(text: str) -> None:
    tokenizer = trained("words")
    slow = [tokenizer.id(word) for word in nfc(text).split()]
    assert tokenizer.encode(text) == [
        1 if number is None or number < 5 else number for number in slow
    ]


def test_wordpieces_continue_with_a_mark() -> None:
    texts = ["학교에서", "학교는", "집에서", "집은"] * 20
    tokenizer = train_tokenizer(texts, kind="wordpiece", vocab_size=40)
    assert tokenizer.encode("학교에서") == [tokenizer.id("학교에서")]
    assert [piece.token for piece in tokenizer.subwords("학교은")] == ["학교", "##은"]
    assert tokenizer.decode(tokenizer.encode("집학교에는은")) == "집학교에는은"
    # A letter seen at the start only still has its continued form.
    assert tokenizer.unk not in tokenizer.encode("은집")


def test_a_run_without_spaces_is_still_spelled() -> None:
    text = "ㅋ" * 5000 + "나"
    for kind in ("bpe", "unigram", "wordpiece", "characters"):
        assert trained(kind).decode(trained(kind).encode(text)) == text


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "unigram"])
def test_a_word_of_many_thousand_letters_is_learned_in_parts(kind: str) -> None:
    word = "가나" * 20_000
    tokenizer = train_tokenizer([word, "가나 다"], kind=kind, vocab_size=300)
    assert tokenizer.decode(tokenizer.encode(word)) == word
    longest = max(len(tokenizer.token(token)) for token in range(tokenizer.vocab_size))
    assert longest <= LONGEST_LEARNED_WORD


def test_long_texts_are_analysed_at_spaces_and_longer_words_in_parts() -> None:
    text = "가나다 " * 3 + "x" * 20 + " 라"
    parts = list(morphology.parts_of(text, longest=7))
    assert "".join(part for _, part in parts) == text
    assert [at for at, _ in parts] == [0, 3, 7, 11, 18, 25, 32]
    assert max(len(part) for _, part in parts) <= 7


def test_morphemes_are_slices_of_the_text() -> None:
    assert morphology.segment(["나는 학교에서 공부했다."]) == [
        ["나", "는", " 학교", "에서", " 공부", "했", "다", "."]
    ]
    assert morphology.segment([]) == []
    assert morphology.segment(["", "  가\t나 "]) == [[], [" ", " 가", "\t", "나", " "]]


@given(any_text | korean)
@settings(max_examples=60)
def test_morphemes_joined_are_the_text(text: str) -> None:
    text = nfc("".join(c for c in text if not 0xD800 <= ord(c) < 0xE000))
    assert "".join(morphology.segment([text])[0]) == text


def test_an_unknown_morpheme_is_spelled_in_characters() -> None:
    tokenizer = trained("morphemes")
    pieces = tokenizer.subwords("교학")
    assert [piece.token for piece in pieces] == ["교", "학"]


def test_morphemes_without_kiwi_say_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kiwipiepy", None)
    # Without its memory, so that the analyser of the other tests stays loaded.
    monkeypatch.setattr(morphology, "_kiwi", morphology._kiwi.__wrapped__)
    monkeypatch.setattr(morphology, "_remembered", {})
    with pytest.raises(UnsupportedError, match=r"pip install 'munmaek\[ko\]'"):
        train_tokenizer(["가"], kind="morphemes")


@pytest.mark.parametrize("text", ["a", "가나", ".", "<s>", "🙂", "\t a"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_tiny_text_makes_a_vocabulary(kind: str, text: str) -> None:
    tokenizer = train_tokenizer([text], kind=kind)
    if kind != "words":
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_a_text_of_hardly_more_than_line_ends_makes_a_vocabulary() -> None:
    for kind in COMPLETE:
        tokenizer = train_tokenizer(["\n\n\na"], kind=kind, vocab_size=263)
        assert tokenizer.decode(tokenizer.encode("\n a")) == "\n a"


@pytest.mark.parametrize("texts", [[], [""], [" ", "\t"]])
def test_no_text_is_refused(texts: list[str]) -> None:
    with pytest.raises(InputError, match="no text to learn a vocabulary from"):
        train_tokenizer(texts, kind="bpe")


def test_bad_options_are_refused() -> None:
    with pytest.raises(ConfigError, match="no tokenizer 'sentencepiece'; there are words, char"):
        train_tokenizer(["a"], kind="sentencepiece")
    with pytest.raises(ConfigError, match="261 are taken by special tokens and bytes"):
        train_tokenizer(["a"], kind="bpe", vocab_size=200)
    with pytest.raises(ConfigError, match="ask for at least 7"):
        train_tokenizer(["a"], kind="words", vocab_size=5)
    with pytest.raises(ConfigError, match="min_count must be at least 1, got 0"):
        train_tokenizer(["a"], kind="words", min_count=0)


def test_ids_out_of_range_are_refused(tokenizer: Tokenizer) -> None:
    for number in (-1, tokenizer.vocab_size):
        with pytest.raises(IndexError, match=f"no token {number}"):
            tokenizer.token(number)
    assert tokenizer.id("no such token") is None


# Files


def test_a_saved_tokenizer_is_the_same_again(tokenizer: Tokenizer, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    record = json.loads(json.dumps(tokenizer.describe()))
    again = Tokenizer.load(path, kind=record["kind"])
    assert (again.kind, again.fingerprint) == (tokenizer.kind, record["fingerprint"])
    assert again.encode_many(TEXTS) == tokenizer.encode_many(TEXTS)
    again.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


def test_a_saved_tokenizer_opens_with_the_library(tokenizer: Tokenizer, tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    pipeline = Pipeline.from_file(str(path))
    assert pipeline.get_vocab_size() == tokenizer.vocab_size
    if "morphemes" not in tokenizer.kind:
        text = "나는 너를 사랑해!  I love you."
        assert pipeline.encode(text, add_special_tokens=False).ids == tokenizer.encode(text)


def test_a_bad_tokenizer_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    with pytest.raises(ArtefactError, match=r"tokenizer\.json: cannot be read: No such file"):
        Tokenizer.load(path, kind="bpe")
    path.write_text('{"model": ', encoding="utf-8")
    with pytest.raises(ArtefactError, match="not a tokenizer of the tokenizers library"):
        Tokenizer.load(path, kind="bpe")
    trained("words").save(path)
    path.write_text(path.read_text(encoding="utf-8").replace("<pad>", "<no>"), encoding="utf-8")
    with pytest.raises(ArtefactError, match="ids 0 to 4 must be <pad> <unk> <s> </s> <mask>"):
        Tokenizer.load(path, kind="words")


@pytest.mark.parametrize("kind", sorted(SPELLED_IN_BYTES))
@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("model", "end_of_word_suffix", "mean"),
        ("model", "continuing_subword_prefix", "##"),
        ("model", "byte_fallback", False),
        (None, "normalizer", {"type": "Lowercase"}),
        (None, "normalizer", {"type": "Prepend", "prepend": "x"}),
        (None, "decoder", None),
        (None, "decoder", {"type": "Fuse"}),
    ],
)
def test_rules_that_do_not_give_a_text_back_are_refused(
    tmp_path: Path, kind: str, part: str | None, field: str, value: Any
) -> None:
    path = tmp_path / "tokenizer.json"
    trained(kind).save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    (content if part is None else content[part])[field] = value
    path.write_text(json.dumps(content), encoding="utf-8")
    with suppress(ArtefactError):
        found = Tokenizer.load(path, kind=kind)  # it has no use for the field, or the texts none
        assert found.encode("나는 너를 A") == trained(kind).encode("나는 너를 A")


def test_a_word_suffix_is_refused_by_what_it_does(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    trained("bpe").save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["model"]["end_of_word_suffix"] = "mean"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ArtefactError, match=r"tokenizer\.json: .* a token at 10 to 11 of 5"):
        Tokenizer.load(path, kind="bpe")
    content["model"]["end_of_word_suffix"] = None
    content["normalizer"] = {"type": "Replace", "pattern": {"String": "가"}, "content": "나"}
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ArtefactError, match=r"its rules are not those of bpe: 'Aa 가, .*' becomes"):
        Tokenizer.load(path, kind="bpe")


def test_a_template_that_names_a_token_which_it_has_not_is_refused_without_a_panic(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tokenizer.json"
    trained("words").save(path)
    content = json.loads(path.read_text(encoding="utf-8"))
    template = {
        "type": "TemplateProcessing",
        "single": [
            {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
        ],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
        "special_tokens": {},
    }
    for processor in (template, {"type": "Sequence", "processors": [template]}):
        path.write_text(json.dumps({**content, "post_processor": processor}), encoding="utf-8")
        with pytest.raises(ArtefactError, match=r"template has '\[CLS\]', which is none of its"):
            Tokenizer.load(path, kind="words")
    assert "panicked" not in capfd.readouterr().err


def test_more_bytes_than_characters_stay_within_the_text() -> None:
    letter = FIRST_BYTE + ord("a")
    assert bytes_located("a", [(letter, 0, 1), (letter, 0, 1)]) == [(letter, 0, 1)] * 2
    assert bytes_located("a", [(letter, 1, 1)]) == [(letter, 1, 2)]


def test_a_piece_is_a_plain_record() -> None:
    tokenizer = trained("words")
    number = tokenizer.encode("나는")[0]
    assert tokenizer.subwords("나는") == [Subword(number, "나는", "나는", 0, 2, 0)]


def test_frequent_words_get_pieces_of_their_own() -> None:
    texts = ["정말 재미있는 영화"] * 50 + ["영화 음악"] * 20
    for kind in ("bpe", "wordpiece", "morphemes+bpe"):
        tokenizer = train_tokenizer(texts, kind=kind, vocab_size=400)
        assert len(tokenizer.encode("정말 재미있는 영화")) <= 5


@pytest.mark.data
@pytest.mark.parametrize("kind", ["bpe", "unigram", "wordpiece", "jamo", "characters"])
def test_real_reviews_come_back(kind: str, data_dir: Path) -> None:
    texts = read_labelled(data_dir / "classify/nsmc/ratings_test.txt.gz").texts[:4000]
    tokenizer = train_tokenizer(texts, kind=kind, vocab_size=4000)
    ids = tokenizer.encode_many(texts)
    assert tokenizer.decode_many(ids) == list(texts)
    assert all(tokenizer.unk not in row for row in ids)


def test_texts_already_analysed_are_cut_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["처음 보는 글입니다", "나는 갔다", "처음 보는 글입니다"]
    first = morphology.segment(texts)
    assert morphology.segment(texts) == first
    monkeypatch.setattr(morphology, "_remembered", {})
    monkeypatch.setattr(morphology, "MOST_REMEMBERED", 1)
    assert morphology.segment(texts) == first
    assert [morphology.segment([text])[0] for text in texts] == first
    assert len(morphology._remembered) <= 1
