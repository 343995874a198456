"""Files that are no plain text: called by their names, or used as the tables that they are."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import zstandard

from conftest import Run
from munmaek.errors import InputError
from munmaek.ngram.reading import WordRules, read_words
from munmaek.text.building import SPECIALS
from munmaek.text.corpora import read_labelled, read_lines, read_text, read_texts
from munmaek.text.forms import Form, form_of, open_text
from munmaek.text.parallel import read_parallel
from munmaek.text.tagged import read_tagged

KOREAN = "나는 학교에서 공부한다\n그는 집에서 잔다\n" * 3
ENGLISH = "the cat sat on the mat\n" * 5


def _zip(*members: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("a.txt")
        member.size = 2
        archive.addfile(member, io.BytesIO(b"a\n"))
    return out.getvalue()


def _saved(save: Callable[[io.BytesIO], object]) -> bytes:
    out = io.BytesIO()
    save(out)
    return out.getvalue()


def _safetensors() -> bytes:
    head = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(head)) + head + b"\0" * 4


def _compound(name: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504 + name.encode("utf-16-le")


TYPES = b"[Content_Types].xml"
FOREIGN: dict[str, tuple[bytes, str]] = {
    "Parquet": (b"PAR1\x15\x04\x15\x10\x15\x14L\x15\x02" + b"\0" * 20 + b"PAR1", "Parquet"),
    "Arrow": (b"ARROW1\0\0\xff\xff\xff\xff\x10\0\0\0", "Arrow"),
    "Feather": (b"FEA1\0\0\0\0", "Arrow"),
    "xlsx": (_zip((TYPES.decode(), b"<a/>"), ("xl/workbook.xml", b"<a/>")), "Excel"),
    "docx": (_zip((TYPES.decode(), b"<a/>"), ("word/document.xml", b"<a/>")), "Word"),
    "hwpx": (_zip(("mimetype", b"application/hwp+zip")), "Hangul document"),
    "xls": (_compound("Workbook"), "Excel"),
    "hwp": (_compound("HwpSummaryInformation"), "Hangul document"),
    "zip": (_zip(("a.txt", b"a\n")), "zip"),
    "torch": (_zip(("archive/data.pkl", b"\x80\x02."), ("archive/version", b"3")), "PyTorch"),
    "PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "PDF"),
    "SQLite": (b"SQLite format 3\0" + b"\x10\0" * 50, "SQLite"),
    "PNG": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "PNG"),
    "JPEG": (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "JPEG"),
    "pickle": (pickle.dumps([KOREAN]), "pickle"),
    "npy": (_saved(lambda out: np.save(out, np.zeros(3))), "NumPy"),
    "npz": (_saved(lambda out: np.savez(out, a=np.zeros(3))), "NumPy"),
    "safetensors": (_safetensors(), "safetensors"),
    "tar": (_tar(), "tar"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    "RTF": (rb"{\rtf1\ansi hello}", "RTF"),
    "UTF-16 with a mark": (KOREAN.encode("utf-16"), "UTF-16"),
    "UTF-16 big-endian": (b"\xfe\xff" + KOREAN.encode("utf-16-be"), "UTF-16"),
    "UTF-16 Korean without a mark": (KOREAN.encode("utf-16-le"), "UTF-16LE"),
    "UTF-16 English without a mark": (ENGLISH.encode("utf-16-le"), "UTF-16LE"),
    "UTF-16 big-endian without a mark": (ENGLISH.encode("utf-16-be"), "UTF-16BE"),
    "UTF-32": (KOREAN.encode("utf-32"), "UTF-32"),
    "CP949": (KOREAN.encode("cp949"), "CP949"),
    "Latin-1": ("café, naïve, señor, déjà vu\n".encode("latin-1") * 4, "Latin-1"),
    "gzip twice": (gzip.compress(gzip.compress(ENGLISH.encode())), "gzip"),
    "noise": (bytes(range(1, 256)) + b"\0" * 9, "binary"),
}
PLAIN = {
    "commas": "hello, world\ntext, label\n",
    "tabs": "a\tb\nc\td\te\n",
    "a brace": "{ not JSON\n{x}\n",
    "one object": '{"text": "a"}\nand a line\n',
    "a list": "[1, 2]\n[3]\n",
    "begins like one": "PAR1 is a magic\nORC too, BM, MZ, GIF89a\n",
    "a heading": "text, label\nis, what, a table, might, begin with\n",
    "a control character": "a\x00b\x01c\nd\n",
    "a label's mark": "id of a document\tand more\n",
}
COMPRESS = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


def _message(read: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        read()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("case", FOREIGN)
def test_what_is_no_text_is_called_by_its_name(tmp_path: Path, case: str) -> None:
    content, name = FOREIGN[case]
    path = tmp_path / "data.txt"
    path.write_bytes(content)
    readers: list[Callable[[], object]] = [
        lambda: read_text(path),
        lambda: list(read_lines(path)),
        lambda: read_tagged([path]),
        lambda: read_words([path], WordRules(SPECIALS)),
    ]
    for read in readers:
        assert name in _message(read)
    if case not in ("gzip twice",):
        path.write_bytes(gzip.compress(content))
        assert name in _message(lambda: read_text(path))


@pytest.mark.parametrize("case", PLAIN)
def test_ordinary_text_stays_plain_lines(tmp_path: Path, case: str) -> None:
    path = tmp_path / "plain.txt"
    path.write_text(PLAIN[case], encoding="utf-8")
    lines = PLAIN[case].split("\n")[:-1]
    assert list(read_texts(path)) == lines
    assert form_of(path, path.read_bytes()) is Form.LINES


@pytest.mark.parametrize("kind", COMPRESS)
def test_compressed_text_needs_no_suffix(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "data"
    path.write_bytes(COMPRESS[kind](KOREAN.encode()))
    assert read_text(path).lines == tuple(KOREAN.split("\n")[:-1])


def test_a_database_is_named_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    with sqlite3.connect(path) as database:
        database.execute("create table t (x)")
    assert "SQLite" in _message(lambda: read_text(path))


TABLES: dict[str, tuple[str, str]] = {
    "JSONL by name": ("a.jsonl", '{"text": "a b"}\n{"sentence": "c\\nd"}\n\n{"Text": "e"}\n'),
    "JSONL by content": ("a.txt", '{"text": "a b"}\n{"sentence": "c\\nd"}\n\n{"Text": "e"}\n'),
    "TSV": ("a.tsv", "id\tdocument\tlabel\n1\ta b\tx\n2\tc d\ty\n\n3\te\tz\n"),
    "TSV by content": ("ratings.txt", "id\tdocument\tlabel\n1\ta b\tx\n2\tc d\ty\n3\te\tz\n"),
    "CSV": ("a.csv", 'label,text\nx,a b\ny,"c\nd"\n\nz,e\n'),
    "CSV by content": ("a.txt", 'text,label\na b,x\n"c\nd",y\ne,z\n'),
    "Korean names": ("a.csv", "번호,문장,감정\n1,a b,x\n2,c d,y\n3,e,z\n"),
    "a spreadsheet's semicolons": ("a.csv", 'text;label\na b;x\n"c\nd";y\ne;z\n'),
    "tabs in CSV": ("a.csv", "id\ttext\tlabel\n1\ta b\tx\n2\tc d\ty\n3\te\tz\n"),
    "commas in TSV": ("a.tsv", "text,label\na b,x\nc d,y\ne,z\n"),
    "one column": ("a.csv", "text\na b\nc d\ne\n"),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_is_used_by_the_column_of_its_text(tmp_path: Path, case: str) -> None:
    name, content = TABLES[case]
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    texts = [text.replace("\n", " ") for text in read_texts(path)]
    assert [text for text in texts if text] == ["a b", "c d", "e"]
    assert len(texts) == 3 + ("\n\n" in content)
    words = read_words([path], WordRules(SPECIALS)).words[len(SPECIALS) :]
    assert set(words) == {"a", "b", "c", "d", "e"}


def test_a_table_whose_columns_are_unknown_is_refused_with_what_to_say(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("x\ty\n1\t2\n", encoding="utf-8")
    message = _message(lambda: list(read_texts(tmp_path / "a.tsv")))
    assert "2 columns and no header with known names; say which holds the text" in message
    assert list(read_texts(tmp_path / "a.tsv", column=1)) == ["y", "2"]


def test_a_json_document_is_a_table_whatever_its_name(tmp_path: Path) -> None:
    rows = [{"text": "a"}, {"text": "b"}]
    for name, content in (
        ("a.json", json.dumps(rows)),
        ("a.txt", json.dumps(rows)),
        ("b.txt", json.dumps(rows, indent=2)),
        ("c.txt", json.dumps({"data": rows}, indent=1)),
    ):
        (tmp_path / name).write_text(content, encoding="utf-8")
        assert read_text(tmp_path / name).lines == ("a", "b")
    (tmp_path / "d.json").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert read_text(tmp_path / "d.json").lines == ("a", "b")


def test_words_with_labels_come_as_records_too_and_not_as_csv(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"tokens": ["a"], "ner_tags": ["O"]}\n', encoding="utf-8")
    found = read_tagged([tmp_path / "a.jsonl"])
    assert (found.sentences, found.labels) == ((("a",),), (("O",),))
    (tmp_path / "a.csv").write_text("word,label\na,O\n", encoding="utf-8")
    assert "a word and its label a line" in _message(lambda: read_tagged([tmp_path / "a.csv"]))


def test_two_tables_may_be_the_two_sides_of_parallel_text(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text('{"source": "가"}\n{"text": "나"}\n', encoding="utf-8")
    (tmp_path / "t.tsv").write_text("id\ttarget\n1\ta\n2\tb\n", encoding="utf-8")
    found = read_parallel([tmp_path / "s.jsonl", tmp_path / "t.tsv"])
    assert (found.sources, found.targets) == (("가", "나"), ("a", "b"))
    (tmp_path / "k.csv").write_text("원문,번역문\n가,a\n", encoding="utf-8")
    assert read_parallel(tmp_path / "k.csv").targets == ("a",)


def test_a_table_of_a_thousand_rows_is_told_by_all_that_is_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("text\tlabel\n" + "a\tb\n" * 500 + "a b\n" + "a\tb\n", encoding="utf-8")
    assert open_text(path).form is Form.LINES


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier and a language model of n-grams."""
    from munmaek.pipeline import train_recipe
    from munmaek.tasks.recipe import Recipe

    folder = tmp_path_factory.mktemp("models")
    rows = "".join(f"a {w} b\t{'x' if w in 'cd' else 'y'}\n" for w in "cdefghij" * 2)
    (folder / "train.tsv").write_text(rows, encoding="utf-8")
    (folder / "text.txt").write_text(rows.replace("\t", " "), encoding="utf-8")
    model = {"order": 2, "smoothing": "witten-bell"}
    for task, name in (("classify", "train.tsv"), ("lm", "text.txt")):
        recipe = Recipe(task=task, stage="ngram", tokenizer="words", model=model)
        train_recipe(recipe, [folder / name], folder=folder / task)
    return folder


@pytest.mark.parametrize("case", TABLES)
def test_commands_give_a_row_for_each_row(
    models: Path, tmp_path: Path, run: Run, case: str
) -> None:
    name, content = TABLES[case]
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    rows = 3 + ("\n\n" in content)
    done = run("classify", models / "classify", path, "--json")
    assert (done.code, len(done.rows)) == (0, rows), done.err
    found = [row["text"].replace("\n", " ") for row in done.rows if row["text"]]
    assert found == ["a b", "c d", "e"]
    done = run("score", models / "lm", path)
    assert (done.code, len(done.lines)) == (0, rows), done.err


def test_a_column_may_be_named_on_the_command_line(models: Path, tmp_path: Path, run: Run) -> None:
    path = tmp_path / "a.csv"
    path.write_text("was,noch\na b,1\nc,2\n", encoding="utf-8")
    done = run("classify", models / "classify", path)
    assert done.code == 0  # two columns without known names are text, then label, as in training
    done = run("score", models / "lm", path)
    assert (done.code, "(--text-column)" in done.err) == (2, True)
    done = run("score", models / "lm", path, "--text-column", "was")
    assert [line.split("\t")[1] for line in done.lines] == ["a b", "c"]


def test_training_reads_the_column_that_is_named_for_every_task_of_running_text(
    tmp_path: Path, run: Run
) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("was\tnoch\n" + "a b\tz\n" * 30, encoding="utf-8")
    for kind in ("words", "bpe"):
        command = ("train", "lm", path, "--model", "ngram", "--order", 2, "--tokenizer", kind)
        more = ("--smoothing", "witten-bell", "--text-column", "was", "-o", tmp_path / kind)
        assert run(*command, *more).code == 0
        done = run("evaluate", tmp_path / kind, path, "--text-column", "was")
        assert done.code == 0
        vocabulary = (tmp_path / kind / "tokenizer.json").read_text(encoding="utf-8")
        assert '"z"' not in vocabulary.replace('"<0x7A>"', "")
    done = run("train", "lm", path, "--model", "ngram", "--tokenizer", "words", "-o", "x")
    assert (done.code, "(--text-column)" in done.err) == (2, True)


def test_the_sides_of_parallel_text_are_called_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "s.tsv").write_text("a\tb\n", encoding="utf-8")
    (tmp_path / "t.txt").write_text("c\n", encoding="utf-8")
    message = _message(lambda: read_parallel([tmp_path / "s.tsv", tmp_path / "t.txt"]))
    assert "which holds the source" in message
    assert "--text-column" not in message


@pytest.mark.parametrize("first", ["sep=;", "SEP=;", '"sep=;"'])
def test_a_first_line_that_tells_the_separator_is_no_row(tmp_path: Path, first: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f'{first}\r\ntext;label\r\na, b;x\r\n"c;d";y\r\n', encoding="utf-8-sig")
    corpus = read_labelled([path])
    assert (corpus.texts, corpus.labels) == (("a, b", "c;d"), ("x", "y"))
    path.write_text(f"{first}\na, b;x\nc;y\n", encoding="utf-8")
    assert read_labelled([path]).texts == ("a, b", "c")
    path.write_text(f"{first}\ntext;label\na;x\nb\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.csv, line 4: 1 column, 2 wanted"):
        read_labelled([path])
    path.write_text("sep=\t\ntext\tlabel\na\tx\n", encoding="utf-8")
    assert read_labelled([path]).texts == ("a",)


def test_semicolons_without_a_header_part_cells_where_every_line_has_as_many(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.csv").write_text("good film;1\nbad film;0\n", encoding="utf-8")
    found = read_labelled(tmp_path / "a.csv")
    assert (found.texts, found.labels) == (("good film", "bad film"), ("1", "0"))
    (tmp_path / "b.csv").write_text("text\nwell; so be it\nno\n", encoding="utf-8")
    assert list(read_texts(tmp_path / "b.csv")) == ["well; so be it", "no"]
