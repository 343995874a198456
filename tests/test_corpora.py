"""Readers: what they give, and one clear line for every bad input."""

import bz2
import gzip
import io
import json
import lzma
import unicodedata
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from munmaek.errors import InputError
from munmaek.text import files
from munmaek.text.corpora import Corpus, LabelledCorpus, read_labelled, read_lines, read_text
from munmaek.text.parallel import ParallelCorpus, read_parallel

Write = Callable[..., Path]

COMPRESSORS = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def _write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return _write


def complaint(read: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        read()
    message = str(caught.value)
    assert "\n" not in message
    return message


def stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))


# Lines


def test_every_line_is_a_sentence_and_empty_lines_are_kept(write: Write) -> None:
    path = write("a.txt", " a b \n\n나는 간다\r\nc\rd")
    assert list(read_lines(path)) == ["a b", "", "나는 간다", "c", "d"]


def test_a_last_line_end_begins_no_line(write: Write) -> None:
    for end in ("\n", "\r\n", "\r"):
        assert list(read_lines(write("a.txt", f"a{end}b{end}"))) == ["a", "b"]


def test_a_byte_order_mark_is_dropped_at_the_start_only(write: Write) -> None:
    path = write("a.txt", b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n")
    assert list(read_lines(path)) == ["a", "\ufeffb"]


def test_text_comes_out_composed(write: Write) -> None:
    path = write("a.txt", unicodedata.normalize("NFD", "학교에서 café\n"))
    assert list(read_lines(path)) == ["학교에서 café"]


def test_control_characters_and_unusual_line_separators_stay(write: Write) -> None:
    text = "a\x00b\x1fc\x0bd\x0ce\x1cf\x85g\u2028h"
    assert list(read_lines(write("a.txt", text + "\n"))) == [text]
    assert list(read_lines(write("b.txt", "\x1fa\x1f\n"))) == ["\x1fa\x1f"]


@given(
    st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(1, 40),
)
def test_lines_do_not_depend_on_where_blocks_are_cut(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str, block: int
) -> None:
    clean = [line.replace("\r", "").replace("\n", "").lstrip("\ufeff") for line in lines]
    path = tmp_path_factory.getbasetemp() / "cut.txt"
    path.write_bytes(("x" + end + end.join(clean) + end).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BLOCK", block)
        found = list(read_lines(path))
    assert found == ["x", *(unicodedata.normalize("NFC", c).strip(" \t\xa0\u3000") for c in clean)]


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_compressed_files_read_like_plain_ones(write: Write, suffix: str) -> None:
    text = "나는 학교에서 공부한다\n\nb\n" * 500
    plain = read_text(write("a.txt", text))
    packed = read_text(write(f"a.txt{suffix}", COMPRESSORS[suffix](text.encode())))
    assert packed.lines == plain.lines
    assert packed.fingerprint == plain.fingerprint


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_streams_laid_end_to_end_are_one_file(write: Write, suffix: str) -> None:
    pack = COMPRESSORS[suffix]
    path = write(f"a{suffix}", pack(b"a\nb") + pack(b"c\nd\n"))
    assert list(read_lines(path)) == ["a", "bc", "d"]


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_a_compressed_file_is_known_by_its_first_bytes(write: Write, suffix: str) -> None:
    assert list(read_lines(write("a.txt", COMPRESSORS[suffix](b"a\n")))) == ["a"]


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_a_truncated_compressed_file_is_said(write: Write, suffix: str) -> None:
    content = COMPRESSORS[suffix](bytes(range(32, 127)) * 200)
    path = write(f"a{suffix}", content[: len(content) // 2])
    assert f"{path}: truncated" in complaint(lambda: read_text(path))


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_a_damaged_compressed_file_is_said(write: Write, suffix: str) -> None:
    content = bytearray(COMPRESSORS[suffix](bytes(range(32, 127)) * 200))
    for place in range(12, min(len(content), 60)):
        content[place] ^= 0xFF
    path = write(f"a{suffix}", bytes(content))
    message = complaint(lambda: read_text(path))
    assert str(path) in message
    assert "damaged" in message or "truncated" in message


@pytest.mark.parametrize("suffix", COMPRESSORS)
def test_a_name_that_promises_compression_is_checked(write: Write, suffix: str) -> None:
    path = write(f"a{suffix}", "plain text\n")
    assert complaint(lambda: read_text(path)).startswith(
        f"{path}: named {suffix} but not compressed"
    )


def test_a_text_may_begin_like_bzip2(write: Write) -> None:
    assert list(read_lines(write("a.txt", "BZhello\n"))) == ["BZhello"]


def test_standard_input_is_a_hyphen(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin(monkeypatch, "가\n나\n".encode())
    assert read_text("-") == Corpus("standard input", ("가", "나"))
    stdin(monkeypatch, gzip.compress(b"a\tx\n"))
    assert read_labelled(["-"]).labels == ("x",)


# Complaints about files


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "none.txt"
    assert complaint(lambda: read_text(path)) == f"{path}: no such file"


def test_a_directory_is_said(tmp_path: Path) -> None:
    message = complaint(lambda: read_text(tmp_path))
    assert message.startswith(f"{tmp_path}: is a directory, a file is wanted, or a folder with")


@pytest.mark.parametrize("read", [read_text, read_labelled, read_parallel])
def test_an_empty_file_is_said(write: Write, read: Callable[..., object]) -> None:
    path = write("a.txt", "")
    assert complaint(lambda: read([path])) == f"{path}: the file is empty"


def test_an_empty_compressed_file_is_said(write: Write) -> None:
    path = write("a.gz", gzip.compress(b""))
    assert complaint(lambda: read_text(path)) == f"{path}: the file is empty"
    path = write("b.gz", b"")
    assert complaint(lambda: read_text(path)) == f"{path}: the file is empty"


def test_only_empty_lines_are_no_corpus(write: Write) -> None:
    path = write("a.txt", "\n \n")
    assert complaint(lambda: read_text(path)) == "a.txt: only empty lines; a corpus needs text"


def test_no_file_at_all_is_said() -> None:
    assert complaint(lambda: read_text([])).startswith("no file given")


@pytest.mark.parametrize("block", [1, 4, 1 << 20])
def test_bytes_that_are_not_utf8_name_file_line_and_byte(
    write: Write, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(files, "BLOCK", block)
    path = write("a.txt", "가\r\n나\n".encode() + "다라\n".encode("cp949"))
    assert complaint(lambda: read_text(path)).startswith(f"{path}, line 3: byte 0xb4 is not UTF-8")


def test_a_character_cut_at_the_end_of_the_file_is_not_utf8(write: Write) -> None:
    path = write("a.txt", "a\n가".encode()[:-1])
    assert complaint(lambda: read_text(path)).startswith(f"{path}, line 2: byte 0xea is not UTF-8")


# Running text


def test_files_are_read_in_order(write: Write) -> None:
    corpus = read_text([write("a.txt", "a\n"), write("b.txt", "b\nc")])
    assert corpus == Corpus("a.txt, b.txt", ("a", "b", "c"))


def test_jsonl_gives_its_texts(write: Write) -> None:
    content = '{"text": "\\u1112\\u1161\\u11ab글"}\n\n{"id": 1, "text": "둘\\n셋"}\n'
    path = write("a.jsonl.gz", gzip.compress(content.encode()))
    assert read_text(path).lines == ("한글", "둘", "셋")


def test_a_table_gives_the_column_of_its_text(write: Write) -> None:
    path = write("a.csv", 'text,label\na,b\n"c\nd",e\n')
    assert read_text(path).lines == ("a", "c", "d")
    path = write("b.csv", "a,b\n")
    assert "2 columns and no header with known names" in complaint(lambda: read_text(path))


def test_the_fingerprint_follows_the_content_alone() -> None:
    assert Corpus("a", ("x", "y")).fingerprint == Corpus("b", ("x", "y")).fingerprint
    assert Corpus("a", ("x", "y")).fingerprint != Corpus("a", ("x", "z")).fingerprint
    one = LabelledCorpus("a", ("x",), ("y",))
    assert one.fingerprint != LabelledCorpus("a", ("y",), ("x",)).fingerprint


# Labels


def test_nsmc_is_read_as_it_is_published(write: Write) -> None:
    path = write("r.txt", 'id\tdocument\tlabel\n1\t굳 ㅋ\t1\n2\t\t0\n3\t"따옴표 하나\t0\n')
    assert read_labelled(path) == LabelledCorpus(
        "r.txt", ("굳 ㅋ", "", '"따옴표 하나'), ("1", "0", "0")
    )


def test_two_columns_without_header_are_text_then_label(write: Write) -> None:
    path = write("a.tsv", "0\t가\n1\t나\n")
    assert read_labelled(path).texts == ("0", "1")
    assert read_labelled(path, label_column=0).texts == ("가", "나")
    assert read_labelled(path, text_column=1).labels == ("0", "1")


def test_columns_are_found_by_name_or_number(write: Write) -> None:
    path = write("a.tsv", "comments\tbias\tHate\na\tb\tc\n")
    found = read_labelled(path, label_column="hate")
    assert (found.texts, found.labels) == (("a",), ("c",))
    found = read_labelled(path, text_column="bias", label_column=2)
    assert (found.texts, found.labels) == (("b",), ("c",))
    path = write("b.tsv", "g\t1\t\tHello\n")
    assert read_labelled(path, text_column=3, label_column=1).texts == ("Hello",)


def test_csv_knows_quotes_and_line_ends_within_them(write: Write) -> None:
    path = write("a.csv", 'text,label\n"a, ""b""\nc",x\nd,y\n')
    assert read_labelled(path).texts == ('a, "b"\nc', "d")


def test_jsonl_labels_may_be_numbers_or_truth(write: Write) -> None:
    records = [{"sentence": "a", "label": 1}, {"sentence": "b", "label": True}]
    path = write("a.jsonl", "\n".join(map(json.dumps, records)))
    assert read_labelled(path) == LabelledCorpus("a.jsonl", ("a", "b"), ("1", "true"))


def test_each_file_has_its_own_header(write: Write) -> None:
    a, b = write("a.tsv", "label\ttext\n0\ta\n"), write("b.tsv", "text\tlabel\nb\t1\n")
    assert read_labelled([a, b]) == LabelledCorpus("a.tsv, b.tsv", ("a", "b"), ("0", "1"))


BAD_TABLES = {
    "too few columns": (
        "a.tsv", "text\tlabel\na\tx\n\nb\n", {},
        "line 4: 1 column, 2 wanted (text and label among them); got 'b'",
    ),
    "too many columns": (
        "a.tsv", "a\tx\nb\tc\tx\n", {}, "line 2: 3 columns, 2 wanted; a separator inside the text?",
    ),
    "a plain text": (
        "a.txt", "hello there\n", {},
        "line 1: 1 column, 2 wanted: text and label separated by a tab; got 'hello there'",
    ),
    "a plain CSV": (
        "a.csv", "hello\n", {},
        "line 1: 1 column, 2 wanted: text and label separated by a comma; got 'hello'",
    ),
    "unknown names": (
        "a.tsv", "x\ty\tz\n1\t2\t3\n", {},
        "line 1: 3 columns and no header with known names; say which hold the text and label; "
        "the first row has 'x', 'y', 'z'",
    ),
    "a name that is not there": (
        "a.tsv", "text\tlabel\na\tb\n", {"label_column": "mood"},
        "line 1: no column 'mood'; the first row has 'text', 'label'",
    ),
    "a number out of range": (
        "a.tsv", "a\tb\n", {"text_column": 2},
        "line 1: no column 2 for the text; the row has 2, counted from 0",
    ),
    "an empty label": ("a.tsv", "a\tx\nb\t \n", {}, "line 2: the label is empty"),
    "not JSON": ("a.jsonl", '{"text": "a", "label": "x"}\n{oops\n', {}, "line 2: not JSON"),
    "no object": ("a.jsonl", "[1]\n", {}, "line 1: a JSON list, an object is wanted"),
    "a missing key": (
        "a.jsonl", '{"text": "a", "mood": 1}\n', {"label_column": "feeling"},
        "line 1: no key 'feeling'; keys there: 'text', 'mood'",
    ),
    "no string": (
        "a.jsonl", '{"text": ["a"], "label": 1}\n', {},
        "line 1: 'text' is [\"a\"], a string is wanted",
    ),
    "half a character": (
        "a.jsonl", '{"text": "\\ud83d", "label": 1}\n', {}, "line 1: 'text' holds half a surrogate",
    ),
    "a column number for keys": (
        "a.jsonl", '{"text": "a", "label": 1}\n', {"text_column": 0},
        "line 1: JSONL has keys, no columns: give the text's key",
    ),
    "an open quote": ("a.csv", 'text,label\n"a,x\n', {}, "line 2: not CSV"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_TABLES)
def test_a_bad_table_names_file_line_and_what_is_wrong(write: Write, case: str) -> None:
    name, content, options, wanted = BAD_TABLES[case]
    path = write(name, content)
    assert complaint(lambda: read_labelled(path, **options)).startswith(f"{path}, {wanted}")


def test_a_header_alone_is_no_data(write: Write) -> None:
    path = write("a.tsv", "text\tlabel\n")
    assert complaint(lambda: read_labelled(path)) == "a.tsv: a header and no rows"
    path = write("b.tsv", "\n\n")
    assert complaint(lambda: read_labelled(path)).startswith(f"{path}: no rows")


# Pairs


def test_pairs_come_from_two_files_or_one_table(write: Write) -> None:
    wanted = (("가", "나"), ("a", "b"))
    ko, en = write("p.ko", "가\n나\n"), write("p.en", "a\nb")
    jsonl = '{"source":"가","target":"a"}\n{"src":"나","target":"b"}\n'
    sources = [
        read_parallel([ko, en]),
        read_parallel(write("p.tsv", "가\ta\n나\tb\n")),
        read_parallel(write("h.tsv", "target\tid\tsource\na\t1\t가\nb\t2\t나\n")),
        read_parallel(write("p.jsonl", jsonl)),
    ]
    assert all((corpus.sources, corpus.targets) == wanted for corpus in sources)
    assert len({corpus.fingerprint for corpus in sources}) == 1
    assert sources[0] == ParallelCorpus("p.ko, p.en", *wanted)


def test_files_of_different_lengths_are_said_with_both_counts(write: Write) -> None:
    ko, en = write("p.ko", "가\n나\n다\n"), write("p.en", "a\nb\n")
    message = complaint(lambda: read_parallel([ko, en]))
    assert message.startswith(f"{ko} has 3 lines and {en} has 2;")


def test_pairs_without_text_or_with_too_many_files_are_refused(write: Write) -> None:
    ko, en = write("p.ko", "가\n"), write("p.en", "\n")
    assert complaint(lambda: read_parallel([ko, en])) == "p.ko, p.en: no text on one side"
    assert complaint(lambda: read_parallel([ko, en, en])).endswith("got 3")


@pytest.mark.data
def test_nsmc_has_its_published_size(data_dir: Path) -> None:
    corpus = read_labelled(data_dir / "classify/nsmc/ratings_test.txt.gz")
    assert len(corpus.texts) == 50_000
    # 24,827 negative and 25,173 positive reviews in the published test file.
    assert (corpus.labels.count("0"), corpus.labels.count("1")) == (24_827, 25_173)
