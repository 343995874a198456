"""Whole rows: every column of every form comes through, and a bad row does not end the reading."""

from pathlib import Path

import pytest

from munmaek.errors import InputError
from munmaek.text.columns import FIRST_NAMES, SECOND_NAMES, TEXT_NAMES, Column
from munmaek.text.memory import sources_of
from munmaek.text.rows import open_rows, unlike

PAIR = (Column("first text", FIRST_NAMES), Column("second text", SECOND_NAMES))


def opened(tmp_path: Path, name: str, content: str, *columns: Column, extra: int = 0):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return open_rows(path, columns or (Column("text", TEXT_NAMES),), extra=extra)


def test_all_columns_of_a_table_are_kept_in_their_order(tmp_path: Path) -> None:
    rows = opened(tmp_path, "a.csv", 'id,Review,when\n1," 좋다, 정말 ",2024\n\n2,나쁘다,2025\n')
    assert rows.columns == ("id", "Review", "when")
    found = list(rows.rows)
    assert [row.number for row in found] == [2, 3, 4]
    assert found[0].cells == {"id": "1", "Review": " 좋다, 정말 ", "when": "2024"}
    assert [row.texts for row in found] == [("좋다, 정말",), ("",), ("나쁘다",)]
    assert found[1].cells == {"id": "", "Review": "", "when": ""}


def test_a_table_without_header_has_names_all_the_same(tmp_path: Path) -> None:
    rows = opened(tmp_path, "a.tsv", "좋다\tgood\n나쁘다\tbad\n", extra=1)
    assert rows.columns == ("text", "column1")
    assert [row["column1"] for row in rows] == ["good", "bad"]


def test_plain_lines_are_rows_of_one_column_and_pairs_of_two(tmp_path: Path) -> None:
    rows = opened(tmp_path, "a.txt", " 가, 나\t \n\n다\n")
    assert list(rows) == [{"text": "가, 나"}, {"text": ""}, {"text": "다"}]
    rows = opened(tmp_path, "b.txt", "가\t나\n다\n\n", *PAIR)
    first, second, third = rows.rows
    assert first.cells == {"sentence1": "가", "sentence2": "나"}
    assert (
        str(second.fault) == f"{tmp_path}/b.txt, line 2: two texts with a tab between are "
        "wanted, got 1 text"
    )
    assert third.texts == ("", "")


def test_json_lines_keep_what_stands_in_each(tmp_path: Path) -> None:
    rows = opened(
        tmp_path, "a.jsonl", '{"text": "가", "n": [1, 2]}\n\n{"Text": "나", "ok": true}\n'
    )
    assert [(row.cells, row.texts) for row in rows.rows] == [
        ({"text": "가", "n": [1, 2]}, ("가",)),
        ({}, ("",)),
        ({"Text": "나", "ok": True}, ("나",)),
    ]


def test_rows_of_a_program_come_the_same_way() -> None:
    (source,) = sources_of([{"text": ["가", "나"], "n": [1, 2]}], [("text",)], what="it")
    rows = open_rows(source)
    assert list(rows) == [{"text": "가", "n": 1}, {"text": "나", "n": 2}]


def test_marked_labels_are_a_column(tmp_path: Path) -> None:
    rows = opened(tmp_path, "a.txt", "__label__a __label__b 가 나\n__label__b 다\n")
    assert list(rows) == [{"label": "a,b", "text": "가 나"}, {"label": "b", "text": "다"}]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        (
            "a.csv",
            "text,n\n가,1\n나\n다,3\n",
            "line 3: 1 column, 2 wanted (text among them); got '나'",
        ),
        (
            "a.csv",
            "text,n\n가,1\n나,2,3\n다,3\n",
            "line 3: 3 columns, 2 wanted; a separator inside",
        ),
        ("a.csv", 'text,n\n가,1\n나 "",2\n"a"b,2\n다,3\n', "line 4: not CSV: "),
        ("a.jsonl", '{"text": "가"}\n{"text"\n{"text": "다"}\n', "line 2: not JSON ("),
        ("a.jsonl", '{"text": "가"}\n[1]\n{"text": "다"}\n', "line 2: a JSON list, an object is"),
        ("a.jsonl", '{"text": "가"}\n{"n": 1}\n{"text": "다"}\n', "line 2: no key 'text' or"),
    ],
)
def test_a_row_that_cannot_be_read_says_so_and_the_next_is_read(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    found = list(opened(tmp_path, name, content).rows)
    faults = [str(row.fault) for row in found if row.fault is not None]
    assert len(faults) == 1
    assert faults[0].startswith(f"{tmp_path / name}, {reason}")
    assert found[0].texts == ("가",)
    assert found[-1].texts == ("다",)
    with pytest.raises(InputError):
        list(opened(tmp_path, name, content))


def test_names_that_stand_twice_get_a_number() -> None:
    assert unlike(["a", "b", "a", "a_2", "a"]) == ("a", "b", "a_2", "a_2_2", "a_3")
