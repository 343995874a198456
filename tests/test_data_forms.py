"""Every form that data comes in, as its usual program writes it, is read by every task's reader."""

import bz2
import datetime
import gzip
import io
import json
import sys
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

import munmaek
from munmaek.errors import ConfigError, InputError, MunmaekWarning, UnsupportedError
from munmaek.text.corpora import read_labelled, read_text, read_texts, read_valued
from munmaek.text.rows import open_rows
from munmaek.text.sources import File, check_encoding, encoded, split_part
from munmaek.text.tagged import read_tagged, read_words

ROWS = [
    {"id": 7, "text": "좋은 영화, 정말", "label": "pos"},
    {"id": 8, "text": 'bad "film"\nreally', "label": "neg"},
    {"id": 9, "text": "그저 그렇다", "label": "neg"},
]
TEXTS = tuple(row["text"] for row in ROWS)
LABELS = ("pos", "neg", "neg")
FRAME = pd.DataFrame(ROWS)


def refusal(call: Callable[[], object], kind: type[Exception] = InputError) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def arrow_file(path: Path, *, stream: bool) -> None:
    table = pa.Table.from_pandas(FRAME)
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with new(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=2)


WRITERS: dict[str, Callable[[Path], Any]] = {
    "a.csv": lambda path: FRAME.to_csv(path, index=False),
    "semicolons.csv": lambda path: FRAME.to_csv(path, index=False, sep=";"),
    "excel.csv": lambda path: FRAME.to_csv(path, index=False, encoding="utf-8-sig"),
    "quoted.tsv.csv": lambda path: FRAME.to_csv(path, index=False, sep="\t", quoting=1),
    "records.json": lambda path: FRAME.to_json(path, orient="records", force_ascii=False),
    "indented.json": lambda path: FRAME.to_json(path, orient="records", indent=2),
    "a.jsonl": lambda path: FRAME.to_json(path, orient="records", lines=True),
    "table.json": lambda path: FRAME.to_json(path, orient="table", index=False),
    "a.parquet": lambda path: FRAME.to_parquet(path),
    "groups.parquet": lambda path: pq.write_table(
        pa.Table.from_pandas(FRAME), path, row_group_size=1, compression="zstd"
    ),
    "a.feather": lambda path: FRAME.to_feather(path),
    "lz4.feather": lambda path: pyarrow.feather.write_feather(FRAME, path, compression="lz4"),
    "a.arrow": lambda path: arrow_file(path, stream=False),
    "stream.arrow": lambda path: arrow_file(path, stream=True),
    "no-suffix": lambda path: FRAME.to_parquet(path),
    "a.xlsx": lambda path: FRAME.to_excel(path, index=False),
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("forms")
    for name, write in WRITERS.items():
        write(folder / name)
    return folder


@pytest.mark.parametrize("name", WRITERS)
def test_a_table_is_the_same_whatever_program_wrote_it(written: Path, name: str) -> None:
    corpus = read_labelled(written / name)
    assert (corpus.texts, corpus.labels) == (TEXTS, LABELS)
    assert list(read_texts(written / name)) == list(TEXTS)
    assert read_valued(written / name, label_column="id").labels == ("7", "8", "9")
    rows = list(open_rows(written / name))
    assert [str(row["id"]) for row in rows] == ["7", "8", "9"]
    assert [row["text"] for row in rows] == list(TEXTS)


@pytest.mark.parametrize("name", ["records.json", "a.parquet", "stream.arrow", "a.xlsx"])
def test_a_packed_form_and_one_from_standard_input_are_read(
    written: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = (written / name).read_bytes()
    for suffix, pack in ((".gz", gzip.compress), (".bz2", bz2.compress)):
        (tmp_path / f"{name}{suffix}").write_bytes(pack(content))
        assert read_labelled(tmp_path / f"{name}{suffix}").texts == TEXTS
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert read_labelled("-").texts == TEXTS


def test_columns_of_ordered_tables_have_numbers(written: Path) -> None:
    for name in ("a.parquet", "a.xlsx", "a.csv"):
        assert read_labelled(written / name, text_column=1, label_column=2).texts == TEXTS
    assert "no key 9" in refusal(lambda: read_text(written / "a.parquet", column=9))


def test_a_message_names_file_row_and_column(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pd.DataFrame({"text": ["a", None], "label": ["x", "y"]}).to_parquet(path)
    assert refusal(lambda: read_labelled(path)) == (
        f"{path}, row 2: 'text' is null, a string is wanted"
    )
    (tmp_path / "a.json").write_text('[{"text": "a"},\n {"text": {"b": 1}}]', encoding="utf-8")
    assert "a.json, row 2: 'text' is" in refusal(lambda: read_text(tmp_path / "a.json"))
    (tmp_path / "b.json").write_text('[{"text": "a"},\n {"text" 1}]', encoding="utf-8")
    assert "b.json, line 2: not JSON" in refusal(lambda: read_text(tmp_path / "b.json"))
    (tmp_path / "c.json").write_text('{"text": {"0": "a"}}', encoding="utf-8")
    assert "c.json, row 1: 'text' is" in refusal(lambda: read_text(tmp_path / "c.json"))
    (tmp_path / "d.json").write_text("plain words", encoding="utf-8")
    assert "not JSON" in refusal(lambda: read_text(tmp_path / "d.json"))


def test_the_list_of_a_document_is_found_by_its_key(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    rows = [{"text": "a " * 50_000}, {"text": "나"}]
    for spaces in (None, 1):
        path.write_text(json.dumps({"version": 1.5, "tags": ["x"], "data": rows}, indent=spaces))
        assert read_text(path).lines == (rows[0]["text"].strip(), "나")
    path.write_text(json.dumps({"train": rows, "test": rows[1:]}))
    assert read_text(f"{path}#test").lines == ("나",)
    path.write_text(json.dumps({"a": [1, 2], "b": {"c": []}}, indent=1))
    assert "a list of objects" in refusal(lambda: read_text(path))


def test_sheets_are_chosen_by_name_and_cells_are_text(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    day = datetime.datetime(2024, 5, 1, 12, 30)
    other = pd.DataFrame({"text": [3.0, 2.5, True, day], "label": ["a", "b", "c", "d"]})
    with pd.ExcelWriter(path) as writer:
        FRAME.to_excel(writer, sheet_name="감상", index=False, startrow=2)
        other.to_excel(writer, sheet_name="더", index=False)
    with pytest.warns(MunmaekWarning, match="first sheet '감상'"):
        assert read_labelled(path).texts == TEXTS
    found = read_labelled(f"{path}#더")
    assert found.texts == ("3", "2.5", "true", "2024-05-01T12:30:00")
    assert refusal(lambda: read_text(f"{path}#x")).endswith("no sheet 'x'; there are 감상, 더")
    assert found.place(0) == f"{path}#더, row 2"[-len(found.place(0)) :]


def test_empty_rows_between_others_are_rows_and_those_at_the_end_are_none(tmp_path: Path) -> None:
    openpyxl: Any = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for cells in ([], ["text", "label"], ["a", "x"], [], ["b", "y"], [None, None]):
        book.active.append(cells)
    book.active.append([])
    book.save(tmp_path / "a.xlsx")
    assert list(read_texts(tmp_path / "a.xlsx")) == ["a", "", "b"]
    assert read_labelled(tmp_path / "a.xlsx").labels == ("x", "y")
    book.active.append(["c", "z", "beyond"])
    book.save(tmp_path / "a.xlsx")
    assert "row 8: a cell beyond the 2 columns" in refusal(lambda: read_text(tmp_path / "a.xlsx"))


def test_what_unpacks_to_far_more_than_a_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("[Content_Types].xml", "x")
        packed.writestr("xl/workbook.xml", b" " * (1 << 27))
    assert "unpacks to over 300 times" in refusal(lambda: read_text(path))
    path = tmp_path / "bomb.parquet"
    pq.write_table(
        pa.table({"text": ["a" * (1 << 20)] * 100}), path, compression="zstd", use_dictionary=False
    )
    assert "over 300 times its size" in refusal(lambda: read_text(path))


def test_damaged_files_are_one_line_that_names_them(written: Path, tmp_path: Path) -> None:
    for name in ("a.parquet", "a.arrow", "stream.arrow", "a.xlsx"):
        content = (written / name).read_bytes()
        (tmp_path / name).write_bytes(content[: len(content) // 2])
        assert refusal(lambda name=name: read_labelled(tmp_path / name)).startswith(
            str(tmp_path / name)
        )


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow", "a.xlsx"])
def test_a_missing_library_is_one_line_with_the_command(
    written: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("pyarrow", "pyarrow.parquet", "pyarrow.ipc", "openpyxl", "fsspec"):
        monkeypatch.setitem(sys.modules, module, None)
    message = refusal(lambda: read_text(written / name), UnsupportedError)
    assert message.endswith("which is not installed: pip install 'munmaek[data]'")
    assert "fsspec" in refusal(lambda: read_text("s3://bucket/a.csv"), UnsupportedError)


# Data sets of Hugging Face


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        datasets: Any = pytest.importorskip("datasets")
    folder = tmp_path_factory.mktemp("datasets")
    classes = datasets.ClassLabel(names=["neg", "pos"])
    tags = datasets.ClassLabel(names=["O", "B-PER"])
    features = {
        "text": datasets.Value("string"),
        "label": classes,
        "tokens": datasets.Sequence(datasets.Value("string")),
        "ner_tags": datasets.Sequence(tags),
        "translation": datasets.Translation(languages=["ko", "en"]),
    }
    columns = {
        "text": list(TEXTS),
        "label": [1, 0, 0],
        "tokens": [["철수가", "왔다"], ["Paul"], ["O"]],
        "ner_tags": [[1, 0], [1], [0]],
        "translation": [{"ko": text, "en": f"e{n}"} for n, text in enumerate(TEXTS)],
    }
    data = datasets.Dataset.from_dict(columns, features=datasets.Features(features))
    data.save_to_disk(str(folder / "one"), num_shards=2)
    splits = datasets.DatasetDict(train=data, test=data.select([2]))
    splits.save_to_disk(str(folder / "splits"))
    data.to_parquet(str(folder / "a.parquet"))
    return folder


def test_names_of_classes_become_labels(saved: Path) -> None:
    for name in ("one", "splits#train", "a.parquet"):
        assert read_labelled(saved / name).labels == LABELS
        assert read_labelled(f"{saved}/{name}").texts == TEXTS
        tagged = read_tagged([saved / name])
        assert tagged.labels[0] == ("B-PER", "O")
        assert list(read_words(saved / name))[1] == ("Paul",)
    assert read_text(f"{saved}/splits#test").lines == (TEXTS[2],)
    assert "#SPLIT, of train, test" in refusal(lambda: read_text(saved / "splits"))


def test_a_data_set_leads_to_no_file_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "dataset_info.json").write_text("{}")
    (folder / "state.json").write_text('{"_data_files": [{"filename": "../secret.arrow"}]}')
    assert "no list of the files beside it" in refusal(lambda: read_text(folder))


# Folders, patterns, addresses, encodings


def test_folders_of_classes_are_read_as_labelled_texts(tmp_path: Path) -> None:
    for name, text in {
        "pos/2.txt": "좋다\n아주",
        "pos/10.txt": "good",
        "neg/1.txt": "나쁘다",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "neg" / "empty.txt").write_text("")
    (tmp_path / "README").write_text("not read")
    corpus = read_labelled(tmp_path)
    assert corpus.texts == ("나쁘다", "", "good", "좋다\n아주")
    assert corpus.labels == ("neg", "neg", "pos", "pos")
    (tmp_path / "pos" / "bad.txt").write_bytes("좋다".encode("cp949"))
    assert "pos/bad.txt, line 1: byte" in refusal(lambda: read_labelled(tmp_path))


def test_files_of_a_pattern_are_read_in_order_and_have_the_same_columns(tmp_path: Path) -> None:
    FRAME[1:].to_csv(tmp_path / "b.csv", index=False)
    FRAME[["label", "text", "id"]][:1].to_csv(tmp_path / "a.csv", index=False)
    corpus = read_labelled(f"{tmp_path}/*.csv")
    assert (corpus.texts, corpus.labels, corpus.name) == (TEXTS, LABELS, "a.csv, b.csv")
    assert corpus.place(1) == f"{tmp_path}/b.csv, line 3"  # where its quoted text ends
    assert list(read_texts(f"{tmp_path}/*.csv")) == list(TEXTS)
    rows = open_rows(f"{tmp_path}/*.csv")
    assert [row["id"] for row in rows] == ["7", "8", "9"]
    assert rows.columns == ("label", "text", "id")
    FRAME.drop(columns="id").to_csv(tmp_path / "c.csv", index=False)
    message = refusal(lambda: read_labelled(f"{tmp_path}/*.csv"))
    assert message.startswith(f"{tmp_path}/c.csv: its columns are text, label, and those of")
    assert "no file matches" in refusal(lambda: read_text(f"{tmp_path}/*.tsv"))
    (tmp_path / "[1].txt").write_text("a")
    assert read_text(tmp_path / "[1].txt").lines == ("a",)


def test_addresses_are_read_through_fsspec(written: Path) -> None:
    fsspec: Any = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    for name in ("a.csv", "a.parquet", "a.xlsx"):
        memory.pipe(f"/shelf/{name}", (written / name).read_bytes())
    memory.pipe("/shelf/b.csv.gz", gzip.compress((written / "a.csv").read_bytes()))
    for name in ("a.csv", "b.csv.gz", "a.parquet", "a.xlsx"):
        assert read_labelled(f"memory://shelf/{name}").texts == TEXTS
    assert read_labelled("memory://shelf/*.csv*").texts == TEXTS * 2
    assert refusal(lambda: read_text("memory://shelf/none.csv")) == (
        "memory://shelf/none.csv: no such file"
    )
    assert "cannot be read as" in refusal(lambda: read_text("nonsense://a/b.csv"))


@pytest.mark.parametrize("encoding", ["cp949", "euc-kr", "utf-16", "utf-16-le", "utf-8-sig"])
def test_text_of_other_encodings_is_read_where_it_is_named(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    FRAME.to_csv(path, index=False, encoding=encoding)
    source = encoded([path], check_encoding(encoding))
    assert read_labelled(source).texts == TEXTS
    FRAME.to_json(tmp_path / "a.json", orient="records", force_ascii=False)
    content = (tmp_path / "a.json").read_text(encoding="utf-8")
    (tmp_path / "a.json").write_text(content, encoding=encoding)
    assert read_labelled(encoded([tmp_path / "a.json"], check_encoding(encoding))).texts == TEXTS


def test_a_wrong_encoding_is_said_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("가\n나\n".encode("cp949") + b"\xff\xff\n")
    message = refusal(lambda: read_text(File(str(path), "cp949")))
    assert message.startswith(f"{path}, line 3: is not cp949")
    path.write_bytes("가나다\n".encode("cp949"))
    assert "give --encoding cp949" in refusal(lambda: read_text(path))
    path.write_text("가나다\n", encoding="utf-16")
    assert "give --encoding utf-16" in refusal(lambda: read_text(path))
    for name in ("base64", "nonsense", "idna", ""):
        refusal(lambda name=name: check_encoding(name), ConfigError)


def test_a_name_may_have_a_hash_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx#1"
    path.write_text("text")
    assert split_part(path) == (str(path), "")
    assert read_text(path).lines == ("text",)


@pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")
def test_training_and_evaluation_take_them_all(written: Path, saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    FRAME.to_csv(path, index=False, encoding="cp949")
    options: dict[str, Any] = {"model": "ngram", "order": 2, "hold_out": "0"}
    scores = {}
    for name, more in (
        (path, {"encoding": "cp949"}),
        (written / "a.parquet", {}),
        (f"{saved}/splits#train", {}),
    ):
        model = munmaek.train("classify", name, **options, **more)
        found = munmaek.evaluate(model, name, **more)
        scores[str(name)] = {key: each.value for key, each in found.items()}
    assert len({json.dumps(each) for each in scores.values()}) == 1
