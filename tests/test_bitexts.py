"""Sentence pairs of memories, translation files and tables whose columns are named by language."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from munmaek.errors import InputError, MunmaekWarning
from munmaek.text.columns import Column, noting_columns, remembering
from munmaek.text.corpora import read_text, read_texts
from munmaek.text.languages import language_code, same_language
from munmaek.text.parallel import Sides, read_parallel
from munmaek.text.rows import open_rows

# As Okapi's tools write a memory, with markup of every kind in it.
TMX = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header creationtool="x" segtype="sentence" adminlang="en" srclang="en-US"
 datatype="html" o-tmf="x"/><body>
<tu tuid="1"><note>n</note>
 <tuv xml:lang="ko-KR"><seg><bpt i="1" type="bold">&lt;b></bpt>저장<ept i="1">&lt;/b></ept>하세요.
 </seg></tuv>
 <tuv
 xml:lang="en-US"><seg>Click <bpt i="1">&lt;b><sub>alt text</sub></bpt>Save<ept i="1"/>.</seg></tuv>
</tu>
<tu><tuv
 xml:lang="en-GB"><seg>a <hi type="x">marked <ph/>word</hi><it pos="begin">x</it></seg></tuv>
 <tuv xml:lang="KO"><seg>표시된 말 &amp; &#44032;</seg></tuv></tu>
<tu><tuv xml:lang="en"><seg>only English</seg></tuv></tu>
</body></tmx>"""
PAIRS = (("Click Save.", "저장하세요."), ("a marked word", "표시된 말 & 가"))

XLIFF12 = """<?xml version="1.0" encoding="UTF-8"?>
<xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2" xmlns:m="memoq">
<file original="a.txt" source-language="en" target-language="ko" datatype="html"><body>
<trans-unit id="1"><source>Click <g id="1">Save</g><x id="2"/> now</source><target>지금
 <g id="1">저장</g><x id="2"/></target></trans-unit>
<trans-unit id="2" translate="no"><source>v1.0</source></trans-unit>
<group translate="no"><trans-unit id="3"><source>kept</source></trans-unit>
<trans-unit id="4"
 translate="yes"><source>not kept <ph id="1">&lt;br/></ph></source></trans-unit></group>
<trans-unit id="5"><source>One. Two.</source><seg-source><mrk mtype="seg" mid="0">One.</mrk>
<mrk mtype="seg" mid="1">Two.</mrk></seg-source><target><mrk mtype="seg" mid="1">둘.</mrk></target>
</trans-unit></body></file></xliff>"""
XLIFF20 = """<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.0"
 srcLang="en" trgLang="ko">
<file id="f"><unit id="1"><originalData><data id="d">&lt;b></data></originalData>
<segment
 id="s1"><source>Click <pc id="1">Save</pc> <ph id="2"/></source><target>저장</target></segment>
<ignorable><source> </source></ignorable>
<segment><source>No <cp hex="0007"/>w</source></segment></unit>
<unit id="2" translate="no"><segment><source>v1</source></segment></unit></file></xliff>"""


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def pairs(*paths: object, **sides: str) -> tuple[tuple[str, str], ...]:
    found = read_parallel([str(path) for path in paths], sides=Sides(**sides))
    return tuple(zip(found.sources, found.targets, strict=True))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_memory_gives_its_pairs_without_markup(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.tmx"
    path.write_text(TMX.replace("UTF-8", encoding), encoding=encoding)
    with pytest.warns(MunmaekWarning) as said:
        assert pairs(path) == PAIRS
    assert "'en-US' is the source and 'ko-KR' the target" in str(said[0].message)
    assert "1 of 3 units lack one of the two texts" in str(said[1].message)


@pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")
def test_languages_say_the_direction_whatever_their_region(tmp_path: Path) -> None:
    path = tmp_path / "a.tmx"
    path.write_text(TMX, encoding="utf-8")
    back = tuple((target, source) for source, target in PAIRS)
    assert pairs(path, source_language="en", target_language="ko") == PAIRS
    assert pairs(path, source_language="Korean", target_language="영어") == back
    assert pairs(path, target_language="en") == back
    assert read_text(f"{path}#ko").lines == tuple(target for _, target in PAIRS)
    message = refusal(lambda: pairs(path, source_language="de", target_language="ko"))
    assert "has texts in en-US, ko-KR, and de and ko wanted" in message
    several = TMX.replace("</tu>", '<tuv xml:lang="de"><seg>d</seg></tuv></tu>')
    path.write_text(several, encoding="utf-8")
    assert "has texts in en-US, ko-KR, de" in refusal(lambda: pairs(path))
    assert pairs(path, source_language="de", target_language="ko") == (
        ("d", PAIRS[0][1]), ("d", PAIRS[1][1]),
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")
def test_translation_files_give_segments_that_are_to_be_translated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = tmp_path / "a.xlf", tmp_path / "b.xliff"
    old.write_text(XLIFF12, encoding="utf-8")
    new.write_text(XLIFF20, encoding="utf-8")
    assert pairs(old) == (("Click Save now", "지금 저장"), ("Two.", "둘."))
    assert pairs(new) == (("Click Save", "저장"),)
    assert pairs(old, new) == (*pairs(old), *pairs(new))
    assert pairs(new, source_language="ko", target_language="en") == (("저장", "Click Save"),)
    assert "is from en to ko" in refusal(lambda: pairs(new, source_language="ja"))
    assert list(read_texts(old, ("source",))) == ["Click Save now", "not kept", "One.", "Two."]
    assert [row["id"] for row in open_rows(old, (), extra=0)] == ["1", "4", "5/0", "5/1"]
    assert list(read_texts(new, ("source",))) == ["Click Save", "No w"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(XLIFF12.encode())))
    assert pairs("-") == pairs(old)


@pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")
def test_a_model_remembers_which_language_was_the_source(tmp_path: Path) -> None:
    memory, table = tmp_path / "a.tmx", tmp_path / "a.csv"
    memory.write_text(TMX, encoding="utf-8")
    table.write_text("English,Korean\na,가\n", encoding="utf-8")
    with noting_columns() as noted:
        back = pairs(memory, source_language="ko", target_language="en")
    assert noted == {"source": "ko", "target": "en"}
    with remembering(noted):
        assert pairs(memory) == back
        assert pairs(table) == (("가", "a"),)
        assert pairs(table, source_language="en") == (("a", "가"),)
        rows = list(open_rows(memory, [Column("source", ("source",))]).rows)
    texts = [row.texts[0] for row in rows if row.fault is None]
    assert len(rows) == 3
    assert texts == [source for source, _ in back]
    with noting_columns() as noted:
        assert pairs(table) == (("a", "가"),)
    assert noted == {"source": "English", "target": "Korean"}


LAUGHS = """<!DOCTYPE tmx [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>"""
OUTSIDE = """<!DOCTYPE tmx [<!ENTITY a SYSTEM "file:///etc/passwd">]>"""
PARAMETER = """<!DOCTYPE tmx [<!ENTITY % a SYSTEM "http://x/y"> %a;]>"""


@pytest.mark.parametrize("begin", [LAUGHS, OUTSIDE, PARAMETER])
def test_entities_of_its_own_are_refused(tmp_path: Path, begin: str) -> None:
    path = tmp_path / "a.tmx"
    unit = '<tmx><body><tu><tuv xml:lang="en"><seg>&a;</seg></tuv></tu></body></tmx>'
    path.write_text(f"{begin}{unit}")
    assert "line 1: XML with entities of its own" in refusal(lambda: pairs(path))
    path.write_text(f'<!DOCTYPE tmx SYSTEM "x">{unit}')
    assert "entities" in refusal(lambda: pairs(path))


def test_damaged_memories_are_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.tmx"
    for content, wanted in (
        ("<tmx><body><tu>", "line 1: not well-formed XML (no element found)"),
        ("<tmx><body/></tmx>", "no unit (tu)"),
        ("<tmx><body><tu></body></tmx>", "not well-formed XML (mismatched tag)"),
        ("<tmx>" + "<a>" * 300, "nested more than 200 deep"),
    ):
        path.write_text(content)
        assert wanted in refusal(lambda: pairs(path))


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.json", "a.txt"])
def test_columns_named_by_language_are_a_pair_in_their_order(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    rows = [{"id": 1, "Korean": "가", "English": "a"}, {"id": 2, "Korean": "나", "English": "b"}]
    mark = "," if name == "a.csv" else "\t"
    table = [list(rows[0]), *(list(row.values()) for row in rows)]
    content = "".join(mark.join(map(str, cells)) + "\n" for cells in table)
    if name == "a.json":
        content = json.dumps(rows)
    elif name == "a.jsonl":
        content = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_text(content, encoding="utf-8")
    with pytest.warns(MunmaekWarning, match="'Korean' is the source and 'English' the target"):
        assert pairs(path) == (("가", "a"), ("나", "b"))
    assert pairs(path, source_language="en") == (("a", "가"), ("b", "나"))
    assert pairs(path, source_column="English", target_column="Korean")[0] == ("a", "가")
    assert pairs(path, source_column="English")[0] == ("a", "가")


def test_rows_of_translations_are_pairs(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = [{"id": n, "translation": {"ko": f"가{n}", "en": f"a{n}"}} for n in range(3)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert pairs(path, source_language="en", target_language="ko")[2] == ("a2", "가2")
    rows = [{"translation": {"ko": "가", "en": "a", "ja": "あ"}}]
    path.write_text(json.dumps(rows[0]))
    assert "has texts in ko, en, ja, and two wanted" in refusal(lambda: pairs(path))
    assert pairs(path, source_language="ja", target_language="ko") == (("あ", "가"),)


def test_languages_are_known_by_code_and_in_words() -> None:
    for name in ("ko", "KO-kr", "kor_Hang", "Korean", "한국어", "sentence_ko", "한국어 문장"):
        assert language_code(name) == "ko", name
    for name in ("id", "no", "text", "kosher", "label", "번호", "e", ""):
        assert language_code(name) is None, name
    assert same_language("zh-Hans", "중국어")
    assert not same_language("", "")
