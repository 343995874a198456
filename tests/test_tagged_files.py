"""Files of a word and its label a line: which lines are words, and which are remarks."""

from pathlib import Path

import pytest

from conftest import ROOT
from munmaek.errors import InputError
from munmaek.text.tagged import read_tagged, read_words

CASES = {
    "KLUE's heading has a tab": (
        "## id-0\t<철수:PS>가 간다\n철\tB-PS\n수\tI-PS\n \tO\n\n## id-1\t#만\n#\tO\n",
        [("철", "수", " "), ("#",)],
        [("B-PS", "I-PS", "O"), ("O",)],
    ),
    "a word may be # or begin with it": (
        "#Vikings\tO\n@a\tB-X\n\n#\tSYM\n##ing\tO\n",
        [("#Vikings", "@a"), ("#", "##ing")],
        [("O", "B-X"), ("SYM", "O")],
    ),
    "a first word of thousands of digits is no index": (
        f"{'9' * 5000}\ta\tO\n",
        [("9" * 5000,)],
        [("O",)],
    ),
    "a remark ends no sentence": ("a\tO\n# seen twice\nb\tX\n", [("a", "b")], [("O", "X")]),
    "columns between spaces": (
        "# sentence 1\nEU NNP B-ORG\n# # O\n\n# sentence two\n#tag NNP O\n",
        [("EU", "#"), ("#tag",)],
        [("B-ORG", "O"), ("O",)],
    ),
    "a document begins": (
        "-DOCSTART- -X- -X- O\n\nEU NNP B-NP O\n-DOCSTART- -X- -X- O\nUS NNP B-NP X\n",
        [("EU",), ("US",)],
        [("O",), ("X",)],
    ),
    "CoNLL-U": (
        "# sent_id = 1\n# text = du chat #\n"
        "1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_\n"
        "1\tde\tde\tADP\t_\t_\t3\tcase\t_\t_\n"
        "2\tle\tle\tDET\t_\t_\t3\tdet\t_\tSpaceAfter=No\n"
        "2.1\tx\tx\tVERB\t_\t_\t_\t_\t_\t_\n"
        "3\t#\t#\tSYM\t_\t_\t0\troot\t_\t_\n",
        [("de", "le", "#")],
        [("ADP", "DET", "SYM")],
    ),
    "GermEval counts its words": (
        "#\thttp://de.example.org [2010-01-01]\n1\tEin\tO\n\n#\tn-tv\n1\tIn\tO\n2\tBonn\tB-LOC\n",
        [("Ein",), ("In", "Bonn")],
        [("O",), ("O", "B-LOC")],
    ),
    "numbers that are words": ("1\tCD\tO\n\nman\tNN\tX\n", [("1",), ("man",)], [("O",), ("X",)]),
}


@pytest.mark.parametrize("case", CASES)
def test_remarks_are_no_words_and_words_are_no_remarks(tmp_path: Path, case: str) -> None:
    text, sentences, labels = CASES[case]
    file = tmp_path / "words.tsv"
    file.write_text(text, encoding="utf-8")
    found = read_tagged([file])
    assert list(found.sentences) == sentences
    assert list(found.labels) == labels
    assert list(read_words(file)) == sentences


def test_a_word_is_placed_on_its_own_line_where_remarks_stand_between(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("# x\na\tO\n# y\nb\tX\n", encoding="utf-8")
    assert read_tagged([tmp_path / "a.tsv"]).place(0, 1).endswith("a.tsv, line 4")


def test_words_without_labels_may_begin_with_a_hash(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("#tag\nfoo\n\n# a remark\n#\n", encoding="utf-8")
    assert list(read_words(tmp_path / "a.txt")) == [("#tag", "foo"), ("#",)]


def test_a_column_that_stops_counting_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("1\ta\tO\n2\tb\tX\n\nc\tO\tO\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"line 4: the first column counts .* holds 'c' here"):
        read_tagged([tmp_path / "a.tsv"])


def test_the_published_form_of_korean_entities_has_its_five_labels() -> None:
    path = ROOT.parent / "shared" / "cases" / "text" / "ner-comment-with-tab.tsv"
    if not path.is_file():
        pytest.skip(f"inputs absent: {path}")
    found = read_tagged([path])
    assert {each for row in found.labels for each in row} == {"O", "B-PS", "I-PS", "B-LC", "I-LC"}
