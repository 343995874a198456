"""Rows in files of every form: whole or not there, the same after an interruption."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from munmaek.errors import ConfigError, InputError, UnsupportedError
from munmaek.text import written, written_forms, written_lines
from munmaek.text.rows import open_rows
from munmaek.text.written import written_rows

ROWS: Sequence[dict[str, Any]] = (
    {"text": "가,\t나", "n": 1, "p": 0.5, "ok": True, "list": ["x", "y"]},
    {"text": '둘째 "줄"\n끝', "n": None, "p": float("nan"), "ok": False, "list": []},
    {"text": "=1+1", "n": 3, "p": 1e-09, "ok": None, "list": None},
)
COLUMNS = ("text", "n", "p", "ok", "list")
FORMS = [".tsv", ".csv", ".csv.gz", ".jsonl", ".jsonl.zst", ".json", ".json.xz", ".tsv.bz2"]


def write(path: Path, rows: Sequence[dict[str, Any]] = ROWS, **options: Any) -> None:
    with written_rows(path, COLUMNS, **options) as writer:
        for row in rows:
            writer.write([row])


def interrupted(path: Path, error: BaseException, **options: Any) -> None:
    """Write one row, leave one out, and fail."""
    with written_rows(path, COLUMNS, **options) as writer:
        writer.write(ROWS[:1], read=2, left_out={"empty": 1})
        raise error


@pytest.mark.parametrize("suffix", FORMS)
def test_rows_are_read_back_from_what_was_written(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    write(path)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    if suffix.startswith(".json") and not suffix.startswith(".jsonl"):
        return
    found = list(open_rows(path))
    assert [list(row) for row in found] == [[*COLUMNS]] * 3
    assert [str(row["n"] or "") for row in found] == ["1", "", "3"]
    texts = [row["text"] for row in found]
    apart = suffix.startswith(".tsv")
    assert texts == (["가, 나", '둘째 "줄" 끝', "=1+1"] if apart else [row["text"] for row in ROWS])


def test_json_is_a_list_of_the_rows_and_no_number_is_wrong(tmp_path: Path) -> None:
    write(tmp_path / "a.json")
    found = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert found == [ROWS[0], {**ROWS[1], "p": None}, ROWS[2]]
    write(tmp_path / "empty.json", ())
    assert json.loads((tmp_path / "empty.json").read_text(encoding="utf-8")) == []


def test_cells_of_a_table_are_numbers_names_of_truth_and_json(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", ROWS[:1])
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[1] == (
        '"가,\t나",1,0.5,true,"[""x"", ""y""]"'
    )


def test_parquet_and_arrow_have_the_types_of_the_columns(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import ipc, parquet

    write(tmp_path / "a.parquet")
    write(tmp_path / "a.arrow")
    one = parquet.read_table(tmp_path / "a.parquet")
    with ipc.open_file(tmp_path / "a.arrow") as file:
        assert file.read_all().equals(one)
    kinds = [arrow.string(), arrow.int64(), arrow.float64(), arrow.bool_()]
    assert one.schema.types[:4] == kinds
    assert one.to_pylist() == [ROWS[0], {**ROWS[1], "p": None}, ROWS[2]]


def test_a_column_of_several_kinds_is_text_in_parquet(tmp_path: Path, monkeypatch: Any) -> None:
    pytest.importorskip("pyarrow")
    from pyarrow import parquet

    monkeypatch.setattr(written_lines, "BLOCK", 2)
    rows = [{"a": 1, "b": 1}, {"a": 2, "b": 0.5}, {"a": "x", "b": None}, {"c": [1]}]
    with written_rows(tmp_path / "a.parquet", ()) as writer:
        writer.write(rows)
    assert parquet.read_table(tmp_path / "a.parquet").to_pylist() == [
        {"a": "1", "b": 1.0, "c": None},
        {"a": "2", "b": 0.5, "c": None},
        {"a": "x", "b": None, "c": None},
        {"a": None, "b": None, "c": [1]},
    ]


def test_excel_has_texts_that_are_no_formulas(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    write(tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx", read_only=True).active
    found = list(sheet.values)
    assert found[0] == COLUMNS
    assert found[1][:3] == ("가,\t나", 1, 0.5)
    assert found[3][0] == "=1+1"
    long = [{"text": "a" * 40_000}]
    with pytest.raises(InputError, match=r"row 1: 40,000 characters, .* write .csv"):
        write(tmp_path / "b.xlsx", long)
    assert not (tmp_path / "b.xlsx").exists()


def test_a_table_of_rows_with_names_of_their_own_has_them_all(tmp_path: Path) -> None:
    with written_rows(tmp_path / "a.csv", ()) as writer:
        writer.write([{"text": "가"}, {"label": "x", "text": "나"}])
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == "text,label\n가,\n나,x\n"


def test_plain_lines_are_what_the_caller_says(tmp_path: Path) -> None:
    with written_rows(tmp_path / "a.txt", COLUMNS, line=lambda row: f"{row['n']}!") as writer:
        writer.write(ROWS)
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "1!\nNone!\n3!\n"


@pytest.mark.parametrize("suffix", [*FORMS, ".txt", ".parquet", ".xlsx"])
def test_a_run_that_was_killed_goes_on_to_the_same_file(
    tmp_path: Path, suffix: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(written, "EVERY", 0.0)
    path, whole = tmp_path / f"a{suffix}", tmp_path / f"whole{suffix}"
    write(whole)
    with pytest.raises(KeyboardInterrupt):
        interrupted(path, KeyboardInterrupt(), what={"model": "m"})
    assert not path.exists()
    with (tmp_path / f"a{suffix}.partial/rows").open("ab") as file:
        file.write(b"half a ro")  # what a killed process leaves
    with pytest.raises(InputError, match="an interrupted run is there; --resume goes on"):
        write(path)
    with pytest.raises(InputError, match="had model = 'm', now 'n'; give the same"):
        write(path, what={"model": "n"}, resume=True)
    with written_rows(path, COLUMNS, what={"model": "m"}, resume=True) as writer:
        assert (writer.done.read, writer.done.written, writer.done.left_out) == (2, 1, {"empty": 1})
        writer.write(ROWS[1:])
    assert {each.name for each in tmp_path.iterdir()} == {path.name, whole.name}
    if suffix != ".xlsx":  # which has the time in it
        assert path.read_bytes() == whole.read_bytes()


def test_nothing_is_left_of_a_run_that_failed_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no"):
        interrupted(tmp_path / "a.csv", InputError("no"))
    assert not list(tmp_path.iterdir())


def test_no_file_is_replaced_unasked_and_none_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write(path, ROWS[:1])
    with pytest.raises(InputError, match=r"a.csv: already exists; choose another -o, or --force"):
        write(path)
    with pytest.raises(InputError, match=r"a.csv: already exists; there is nothing to resume"):
        write(path, resume=True)
    write(path, ROWS, force=True)
    assert len(list(open_rows(path))) == 3
    path.write_bytes(b"\x7fELF\0\0")
    with pytest.raises(InputError, match=r"is not a table \(CSV\), so --force does not replace"):
        write(path, force=True)
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(InputError, match="is a directory"):
        write(tmp_path / "b.csv", force=True)
    (tmp_path / "c.csv.partial").mkdir()
    (tmp_path / "c.csv.partial/mine").write_text("mine")
    with pytest.raises(InputError, match="holds files of another kind"):
        write(tmp_path / "c.csv", force=True)


def test_a_name_tells_the_form_and_a_missing_package_its_extra(
    tmp_path: Path, monkeypatch: Any
) -> None:
    with pytest.raises(ConfigError, match=r"a.doc: a name that ends in .txt, .tsv, .*npy is"):
        write(tmp_path / "a.doc")
    with pytest.raises(ConfigError, match=r"ends in .txt, .*, .json is wanted"):
        write(tmp_path / "a.parquet.gz")
    monkeypatch.setattr(written_forms, "find_spec", lambda _: None)
    with pytest.raises(UnsupportedError, match=r"Parquet needs pyarrow, .*'munmaek\[data\]'"):
        write(tmp_path / "a.parquet")


@pytest.mark.parametrize("note", ["{", "{}", '{"what": {}, "done": {"read": 9, "size": 999}}'])
def test_rows_of_which_no_whole_note_was_left_begin_anew(
    tmp_path: Path, note: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(written, "EVERY", 0.0)
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "a.csv", KeyboardInterrupt())
    (tmp_path / "a.csv.partial/done.json").write_text(note, encoding="utf-8")
    write(tmp_path / "a.csv", resume=True)
    write(tmp_path / "whole.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
