"""Marks: what a person says of word links, kept and read again."""

import errno
import json
import os
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munmaek.align import (
    AlignmentSupervision,
    GoldLinks,
    MarkedPair,
    append_marks,
    format_gold,
    parse_gold,
    read_marks,
    read_supervision,
    supervision_of,
    tokenizer_hash,
)
from munmaek.errors import DiskError, InputError
from munmaek.text.tokenizers import train_tokenizer

HASH = "ab" * 32
PAIR = MarkedPair(
    "나는 책을 읽는다",
    "I read a book",
    sure=frozenset({(0, 0), (2, 1), (1, 3)}),
    possible=frozenset({(1, 2)}),
    forbidden=frozenset({(2, 0)}),
)

texts = st.lists(
    st.text(st.characters(codec="utf-8", exclude_categories=("Z", "C")), min_size=1), min_size=1
).map(" ".join)


@st.composite
def marked_pairs(draw: st.DrawFn) -> MarkedPair:
    source, target = draw(texts), draw(texts)
    cells = [(s, t) for s in range(len(source.split())) for t in range(len(target.split()))]
    kinds = [draw(st.sampled_from(["sure", "possible", "forbidden", ""])) for _ in cells]
    by_kind = {
        name: frozenset(cell for cell, kind in zip(cells, kinds, strict=True) if kind == name)
        for name in ("sure", "possible", "forbidden")
    }
    return MarkedPair(source, target, **by_kind)


@settings(max_examples=30)
@given(pairs=st.lists(marked_pairs(), min_size=1, max_size=3, unique_by=lambda pair: pair.key))
def test_marks_are_read_as_they_were_written(
    pairs: list[MarkedPair], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("marks") / "marks.jsonl"
    append_marks(path, pairs, tokenizer=HASH)
    read = read_marks(path, tokenizer=HASH)
    assert [(p.key, p.sure, p.possible, p.forbidden) for p in read] == [
        (p.key, p.sure, p.possible, p.forbidden) for p in pairs
    ]


def test_a_later_mark_of_the_same_pair_replaces_the_earlier(tmp_path: Path) -> None:
    path = tmp_path / "marks.jsonl"
    other = MarkedPair("a", "b", sure=frozenset({(0, 0)}))
    again = MarkedPair("나는  책을 읽는다", "I read a book", sure=frozenset({(0, 0)}))
    append_marks(path, [PAIR, other], tokenizer=HASH)
    append_marks(path, [again], tokenizer=HASH)
    assert read_marks(path) == [again, other]


def _mark_many(path: Path, name: str) -> None:
    for number in range(40):
        pair = MarkedPair(f"{name} {number} " + "word " * 500, "x", sure=frozenset({(0, 0)}))
        append_marks(path, [pair], tokenizer=HASH)


def test_two_processes_that_mark_the_same_file_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "marks.jsonl"
    spawn = get_context("spawn")
    writers = [spawn.Process(target=_mark_many, args=(path, name)) for name in ("a", "b")]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert [each.exitcode for each in writers] == [0, 0]
    assert len(read_marks(path, tokenizer=HASH)) == 80


def test_many_threads_that_mark_the_same_file_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "marks.jsonl"
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: _mark_many(path, name), "abcd"))
    assert len(read_marks(path, tokenizer=HASH)) == 160


def test_a_line_without_end_is_ended_before_the_next(tmp_path: Path) -> None:
    path = tmp_path / "marks.jsonl"
    append_marks(path, [PAIR], tokenizer=HASH)
    path.write_bytes(path.read_bytes().rstrip())
    append_marks(path, [MarkedPair("a", "b")], tokenizer=HASH)
    assert len(read_marks(path)) == 2


@pytest.mark.filterwarnings("ignore:.*its last line was cut short:munmaek.errors.MunmaekWarning")
def test_a_last_line_cut_short_at_any_byte_is_passed_over_and_then_replaced(tmp_path: Path) -> None:
    path = tmp_path / "marks.jsonl"
    append_marks(path, [PAIR], tokenizer=HASH)
    one = path.read_bytes()
    append_marks(path, [MarkedPair("가 나", "b")], tokenizer=HASH)
    whole = path.read_bytes()
    for end in range(len(one) + 1, len(whole) - 1):
        path.write_bytes(whole[:end])
        assert read_marks(path) == [PAIR]
        append_marks(path, [MarkedPair("다", "c")], tokenizer=HASH)
        assert [pair.source for pair in read_marks(path)] == [PAIR.source, "다"]


def test_a_line_that_is_no_mark_is_still_refused_where_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "marks.jsonl"
    append_marks(path, [PAIR], tokenizer=HASH)
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:-20] + b"\n")
    with pytest.raises(InputError, match="line 2: not JSON"):
        read_marks(path)


def test_marks_that_do_not_fit_on_the_disk_leave_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "marks.jsonl"
    append_marks(path, [PAIR], tokenizer=HASH)
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DiskError, match="No space left"):
        append_marks(path, [MarkedPair("a", "b")], tokenizer=HASH)
    assert path.read_bytes() == before


def test_marks_of_another_tokenizer_are_refused_with_both_hashes(tmp_path: Path) -> None:
    path = tmp_path / "marks.jsonl"
    append_marks(path, [PAIR], tokenizer=HASH)
    with pytest.raises(InputError, match=f"line 1: .*{HASH}.*{'cd' * 32}"):
        read_marks(path, tokenizer="cd" * 32)


def test_the_hash_tells_either_tokenizer_from_another() -> None:
    one = train_tokenizer(["a b c"], kind="words", vocab_size=10)
    other = train_tokenizer(["a b d"], kind="words", vocab_size=10)
    hashes = {tokenizer_hash(one, one), tokenizer_hash(one, other), tokenizer_hash(other, one)}
    assert len(hashes) == 3
    assert all(len(each) == 64 for each in hashes)


GOOD = {"source": "a b", "target": "x", "sure": [[0, 0]], "tokenizer": HASH}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "a mark is an object"),
        (json.dumps(GOOD | {"source": 3}), "'source' must be a text, got 3"),
        (json.dumps({**GOOD, "tokenizer": None}), "'tokenizer' must be a text"),
        (json.dumps(GOOD | {"sure": 1}), "'sure' must be a list of links"),
        (json.dumps(GOOD | {"sure": [[0]]}), r"'sure' must hold links such as \[0, 2\], got \[0\]"),
        (json.dumps(GOOD | {"sure": [[0, True]]}), "'sure' must hold links"),
        (json.dumps(GOOD | {"sure": [[0, 1]]}), "link 0-1 points past the pair's 2 source and 1"),
        (json.dumps(GOOD | {"sure": [[-1, 0]]}), "link -1-0 points past"),
        (json.dumps(GOOD | {"forbidden": [[0, 0]]}), "link 0-0 is of two kinds"),
    ],
)
def test_a_bad_mark_is_refused_with_its_line_and_the_reason(
    line: str, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "marks.jsonl"
    path.write_text(json.dumps(GOOD) + "\n\n" + line + "\n", encoding="utf-8")
    with pytest.raises(InputError, match=f"marks.jsonl, line 3: {reason}") as caught:
        read_marks(path)
    assert "\n" not in str(caught.value)


def test_a_file_without_marks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "marks.jsonl"
    path.write_text("\n\n", encoding="utf-8")
    with pytest.raises(InputError, match="no marks"):
        read_marks(path)


def test_marks_that_cannot_be_written_are_an_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="cannot write the marks"):
        append_marks(tmp_path, [PAIR], tokenizer=HASH)


def test_gold_links_may_count_from_one_and_write_p_for_possible() -> None:
    links = parse_gold("1-1 2p3 4?1", first=1)
    assert links == GoldLinks(frozenset({(0, 0)}), frozenset({(1, 2), (3, 0)}))
    assert format_gold(links.sure, links.possible) == "0-0 1?2 3?0"


@pytest.mark.parametrize("part", ["0", "0-", "-1-0", "0x0", "0-0-0", "a-b", "٣-٤"])
def test_what_is_no_link_is_refused(part: str) -> None:
    with pytest.raises(InputError, match="a link looks like"):
        parse_gold(f"0-0 {part}")


def test_a_link_before_the_first_word_is_refused() -> None:
    with pytest.raises(InputError, match="counted from 1"):
        parse_gold("0-1", first=1)


def test_possible_links_guide_only_words_without_a_sure_one() -> None:
    pair = MarkedPair("a b c", "x y", frozenset({(0, 0)}), frozenset({(1, 0), (1, 1), (2, 1)}))
    assert supervision_of(pair) == AlignmentSupervision(frozenset({(0, 0), (1, 1), (2, 1)}))


def test_supervision_by_marks_finds_its_pairs_by_their_texts(tmp_path: Path) -> None:
    path = tmp_path / "marks.jsonl"
    append_marks(path, [PAIR], tokenizer=HASH)
    found = read_supervision(path, ["other", PAIR.source], ["pair", PAIR.target], tokenizer=HASH)
    assert found == [None, AlignmentSupervision(PAIR.sure | PAIR.possible, PAIR.forbidden)]
    with pytest.raises(InputError, match="none of its 1 pairs is in the training data"):
        read_supervision(path, ["other"], ["pair"])


def test_a_guide_in_pharaoh_has_a_line_for_every_pair(tmp_path: Path) -> None:
    path = tmp_path / "links"
    path.write_text("0-0 1?1\n\n", encoding="utf-8")
    found = read_supervision(path, ["a b", "c"], ["x y", "z"])
    assert found == [AlignmentSupervision(frozenset({(0, 0), (1, 1)})), None]
    with pytest.raises(InputError, match="a line of links for each of 1 pairs, got 2"):
        read_supervision(path, ["a b"], ["x y"])
    with pytest.raises(InputError, match="links, line 1: link 1-1 points past"):
        read_supervision(path, ["a", "c"], ["x y", "z"])
