"""Translation files come out with targets filled, no tag lost, and all else as it stood."""

import gzip
import json
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import munmaek
from munmaek.align.projection import Mark, diagonal, projected
from munmaek.cli import main
from munmaek.errors import InputError
from munmaek.exchange.xliff.document import open_document
from munmaek.tasks.translate.filling import Filled, fill_xliff
from munmaek.tasks.translate.translation import Translation

HEAD = """<?xml version='1.0' encoding="UTF-8"?>
<!-- made by   hand -->
<xliff version="1.2"   xmlns='urn:oasis:names:tc:xliff:document:1.2' xmlns:m="memoq">
<file original="a.txt" source-language="en" target-language='ko' datatype="html"><body>
"""
TAIL = "</body></file></xliff>\n"
STATE = 'state="needs-review-translation" state-qualifier="leveraged-mt"'


def reversed_words(texts: Sequence[str]) -> list[Translation]:
    """Translate a text into its words in capitals, last word first."""
    found: list[Translation] = []
    for text in texts:
        words = tuple(text.split())
        target = " ".join(word.upper() for word in words[::-1])
        weights = np.eye(len(words), dtype=np.float32)[::-1]
        found.append(Translation(text, target, 0.0, None, weights, words, tuple(target.split())))
    return found


def filled(tmp_path: Path, content: str, **options: bool) -> tuple[str, Filled]:
    path, output = tmp_path / "in.xlf", tmp_path / "out.xlf"
    path.write_text(content, encoding="utf-8")
    count = fill_xliff(path, output, reversed_words, **options)
    return output.read_text(encoding="utf-8"), count


def unit(source: str, target: str = "", **attributes: str) -> str:
    written = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f'<trans-unit id="1"{written}><source>{source}</source>{target}</trans-unit>'


def target_of(tmp_path: Path, source: str) -> str:
    content, _ = filled(tmp_path, HEAD + unit(source) + TAIL)
    found = re.search(r"<target [^>]*>(.*)</target>", content, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ('Click <g id="1">Save</g> now', 'NOW <g id="1">SAVE</g> CLICK'),
        ('<g id="1">All of it.</g>', '<g id="1">IT. OF ALL</g>'),
        ('go <g id="1">far <g id="2">home</g></g> x', 'X <g id="1"><g id="2">HOME</g> FAR</g> GO'),
        ('press <g id="1">Save</g>.', '<g id="1">SAVE</g>. PRESS'),
        ('a <bx id="1"/>b c<ex id="1"/> d', 'D <bx id="1"/>C B<ex id="1"/> A'),
        ('<bpt id="1">b</bpt>a<ept id="1"/> b', 'B <bpt id="1">b</bpt>A<ept id="1"/>'),
        ('<bx id="1"/>a <bx id="2"/>b<ex id="1"/> c<ex id="2"/>', None),
        ('from <ph id="1">{0}</ph> to', 'TO <ph id="1">{0}</ph> FROM'),
        ('end here <ph id="1">{0}</ph>', 'HERE END <ph id="1">{0}</ph>'),
        ('a <x id="1"/><x id="2"/>b', '<x id="1"/><x id="2"/>B A'),
        ('one<x id="1" ctype="lb"/>two', 'TWO ONE<x id="1" ctype="lb"/>'),
        ('word<it id="3" pos="open">x</it> b', 'B WORD<it id="3" pos="open">x</it>'),
        ('a <mrk translate="no">KEPT v1</mrk> b', 'B <mrk translate="no">KEPT v1</mrk> A'),
        ('a <mrk mtype="term">b</mrk>', '<mrk mtype="term">B</mrk> A'),
        ('a &amp; b &lt;c', '&lt;C B &amp; A'),
        ('12.5 <x id="1"/>', '12.5 <x id="1"/>'),
        ('\n  <g id="1"> a </g> b\n', '\n  B <g id="1">A</g>\n'),
        ('a <g id="1"></g><g id="2"/> b', None),
        ('가<g id="1">나</g> 다', None),
    ],
)  # fmt: skip
def test_tags_go_with_their_words(tmp_path: Path, source: str, target: str | None) -> None:
    found = target_of(tmp_path, source)
    if target is not None:
        assert found == target
    tags = re.compile(r"<[^>]*>")
    assert sorted(tags.findall(found)) == sorted(tags.findall(source))
    ElementTree.fromstring(f"<a>{found}</a>")


def test_all_else_stays_to_the_byte(tmp_path: Path) -> None:
    units = unit("two words", "<note>n &#65;</note>", **{"m:x": "y"}) + "\n <!-- c --><?pi x?>\n"
    content, count = filled(tmp_path, HEAD + units + unit("v1", translate="no") + TAIL)
    target = f"<target {STATE}>WORDS TWO</target>"
    assert content == (HEAD + units + unit("v1", translate="no") + TAIL).replace(
        "</source><note>", f"</source>{target}<note>"
    )
    assert (count.translated, count.kept, count.left) == (1, 0, 1)
    again, count = filled(tmp_path, content)
    assert again == content
    assert (count.translated, count.kept) == (0, 1)


def test_a_target_goes_on_a_line_of_its_own_where_the_source_does(tmp_path: Path) -> None:
    lined = (
        '<trans-unit id="1">\n  <source>a b</source>\n  <alt-trans><target>x</target></alt-trans>'
        "</trans-unit>"
    )
    content, _ = filled(tmp_path, HEAD + lined + TAIL)
    assert f"</source>\n  <target {STATE}>B A</target>\n  <alt-trans>" in content


@pytest.mark.parametrize(
    ("target", "attributes", "kept", "kept_over"),
    [
        ("<target/>", {}, False, False),
        ("<target xml:lang='ko'> </target>", {}, False, False),
        ('<target state="new">a b</target>', {}, False, False),
        ("<target>done</target>", {}, True, False),
        ('<target state="translated">done</target>', {}, True, False),
        ('<target state="final">done</target>', {}, True, True),
        ("<target>done</target>", {"approved": "yes"}, True, True),
    ],
)
def test_translations_that_are_there_are_kept(
    tmp_path: Path, target: str, attributes: dict[str, str], kept: bool, kept_over: bool
) -> None:
    content = HEAD + unit("a b", target, **attributes) + TAIL
    for overwrite, expected in ((False, kept), (True, kept_over)):
        found, count = filled(tmp_path, content, overwrite=overwrite)
        assert (found == content) is expected
        assert count.kept == expected
        if not expected:
            assert f"{STATE}>B A</target>" in found
            assert ("xml:lang='ko'" in found) == ("xml:lang" in target)


def test_segments_that_are_marked_are_translated_one_by_one(tmp_path: Path) -> None:
    parts = (
        '<seg-source><g id="9"><mrk mtype="seg" mid="0">One <x id="1"/>a.</mrk> '
        '<mrk mtype="seg" mid="1">Two b.</mrk></g></seg-source>'
    )
    done = '<target m:y="1"><mrk mtype="seg" mid="1">둘.</mrk></target>'
    content, count = filled(tmp_path, HEAD + unit("One a. Two b.", parts + done) + TAIL)
    assert (
        f'<target m:y="1" {STATE}><g id="9"><mrk mtype="seg" mid="0"><x id="1"/>A. ONE</mrk> '
        '<mrk mtype="seg" mid="1">둘.</mrk></g></target>'
    ) in content
    assert (count.translated, count.kept) == (1, 1)


NEW = """<x:xliff xmlns:x="urn:oasis:names:tc:xliff:document:2.0" version="2.1"
 srcLang="en" trgLang="ko">
<x:file id="f"><x:unit id="1"><x:originalData><x:data id="d">&lt;b></x:data></x:originalData>
<x:segment id="s">
 <x:source>Click <x:pc id="1">Save</x:pc> <x:ph id="2"/></x:source></x:segment>
<x:ignorable><x:source> </x:source></x:ignorable><x:segment state="initial"><x:source>No <x:cp
 hex="0007"/>w <x:sc id="3"/>bold<x:ec startRef="3"/></x:source><x:target>No</x:target></x:segment>
<x:segment state="final"><x:source>a</x:source><x:target>z</x:target></x:segment></x:unit>
<x:unit id="2" translate="no"><x:segment><x:source>v1</x:source></x:segment></x:unit></x:file>
</x:xliff>"""


def test_the_second_version_is_filled_in_its_own_form(tmp_path: Path) -> None:
    content, count = filled(tmp_path, NEW)
    assert '<x:segment id="s" state="translated">\n <x:source>' in content
    target = '<x:target><x:pc id="1">SAVE</x:pc> CLICK <x:ph id="2"/></x:target>'
    assert f"\n {target}</x:segment>" in content
    assert '<x:segment state="translated"><x:source>No' in content
    target = '<x:sc id="3"/>BOLD<x:ec startRef="3"/> <x:cp\n hex="0007"/>W NO'
    assert f"<x:target>{target}</x:target>" in content
    assert "<x:target>z</x:target>" in content
    assert (count.translated, count.kept, count.left) == (2, 1, 1)


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [("utf-8", "utf-8-sig"), ("utf-16", "utf-16"), ("euc-kr", "euc-kr"), ("latin-1", "latin-1")],
)
def test_the_encoding_of_a_file_is_kept(tmp_path: Path, declared: str, encoding: str) -> None:
    word = "é" if encoding == "latin-1" else "가"
    content = (HEAD + unit(f"a {word}") + TAIL).replace("UTF-8", declared)
    path, output = tmp_path / "in.xlf", tmp_path / "out.xlf"
    path.write_bytes(content.encode(encoding))
    fill_xliff(path, output, reversed_words)
    found = output.read_bytes()
    assert found.decode(encoding) == content.replace(
        "</source>", f"</source><target {STATE}>{word.upper()} A</target>"
    )
    assert found[:2] == content.encode(encoding)[:2]


def test_a_packed_file_and_a_long_one_are_read_in_pieces(tmp_path: Path) -> None:
    many = "".join(unit(f"word{n} b <x id='{n}'/>") + "\n" for n in range(20_000))
    path = tmp_path / "in.xlf.gz"
    path.write_bytes(gzip.compress((HEAD + many + TAIL).encode()))
    pieces = list(open_document(path).units)
    assert b"".join(piece.raw for piece in pieces).decode() == HEAD + many + TAIL
    assert sum(piece.root is not None for piece in pieces) == 20_000
    assert max(len(piece.raw) for piece in pieces) < 2000


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("<tmx/>", "a translation file (XLIFF) is wanted, got <tmx>"),
        ("<xliff><trans-unit>", "not well-formed XML (no element found)"),
        ("plain text", "line 1: not well-formed XML"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><xliff/>', "entities of its own"),
        ("<xliff>" + "<a>" * 300, "nested more than 200 deep"),
        ('<?xml version="1.0" encoding="nonsense"?><xliff/>', "an encoding that is not known"),
    ],
)
def test_what_is_no_translation_file_is_one_line(tmp_path: Path, content: str, wanted: str) -> None:
    with pytest.raises(InputError) as caught:
        filled(tmp_path, content)
    assert wanted in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.xlf").exists()


def test_a_translator_without_attention_places_tags_by_their_place(tmp_path: Path) -> None:
    def plain(texts: Sequence[str]) -> list[Translation]:
        return [Translation(text, text.upper(), 0.0, None, None, (), ()) for text in texts]

    path = tmp_path / "in.xlf"
    path.write_text(HEAD + unit('a b <g id="1">c</g> d') + TAIL, encoding="utf-8")
    count = fill_xliff(path, path, plain)
    assert 'A B <g id="1">C</g> D' in path.read_text(encoding="utf-8")
    assert count.by_place == 1


@pytest.fixture(scope="module")
def translator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    book = munmaek.phrasebook(pairs=300, valid=20, test=20)
    texts = [phrase.korean for phrase in book.train], [phrase.english for phrase in book.train]
    folder = tmp_path_factory.mktemp("models") / "ko-en"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        options: dict[str, Any] = {"steps": 2, "validations": 1, "vocab_size": 300}
        munmaek.train("translate", *texts, model="attention", save=folder, device="cpu", **options)
    return folder


def test_a_translator_fills_a_file_from_the_command_line_and_from_python(
    translator: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, output = tmp_path / "in.xlf", tmp_path / "out.xlf"
    units = unit('나는 <g id="1">학교에</g> 간다') + unit("너", "<target>you</target>")
    path.write_text(HEAD + units + unit("v1", translate="no") + TAIL, encoding="utf-8")
    command = ["translate", str(translator), str(path), "-o", str(output), "--beam", "2"]
    assert main(command) == 0
    assert f"{output}: 1 translated, 1 kept, 1 left" in capsys.readouterr().err
    found = output.read_text(encoding="utf-8")
    target = re.search(rf"<target {STATE}>(.*?)</target>", found)
    assert target is not None
    assert re.findall("<.*?>", target[1]) == ['<g id="1">', "</g>"]
    count = munmaek.load(translator).fill_xliff(path, tmp_path / "again.xlf", beam=2)
    assert (tmp_path / "again.xlf").read_text(encoding="utf-8") == found
    assert count.kept == 1
    assert main(command) == 2
    assert "already exists" in capsys.readouterr().err
    for more, wanted in (("--resume", "are for rows"), ("--must-file=a", "--must-file out")):
        assert main([*command, "--force", more]) == 2
        assert wanted in capsys.readouterr().err
    assert main([*command, "--force", "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["translated"] == 2


# Whatever the alignment says, markup is whole.


def marks(depth: int) -> st.SearchStrategy[list[tuple[float, float, bool, list[object]]]]:
    inner = st.just([]) if depth == 0 else st.deferred(lambda: marks(depth - 1))
    return st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.booleans(), inner), max_size=3)


def made(
    drawn: list[tuple[float, float, bool, list[object]]], low: int, high: int, name: str
) -> list[Mark]:
    """Turn shares into marks beside one another within a range of characters."""
    out: list[Mark] = []
    for at, (one, two, alone, inner) in enumerate(drawn):
        begin = low + round(min(one, two) * (high - low))
        end = begin if alone else low + round(max(one, two) * (high - low))
        own = f"{name}{at}"
        found = [] if alone else made(inner, begin, end, f"{own}.")
        opening, closing = (f'<x id="{own}"/>', "") if alone else (f'<g id="{own}">', "</g>")
        out.append(Mark(opening, closing, begin, end, found))
        low = end
    return out


def ids(found: Sequence[Mark]) -> list[str]:
    return [each for mark in found for each in (mark.opening, *ids(mark.inner))]


@settings(max_examples=300, deadline=None)
@given(
    source=st.text("ab. ,", max_size=20),
    target=st.text("xy. ,", max_size=20),
    drawn=marks(2),
    seed=st.integers(0, 999),
)
def test_no_alignment_loses_invents_or_crosses_tags(
    source: str, target: str, drawn: list[tuple[float, float, bool, list[object]]], seed: int
) -> None:
    shape = len(target.split()), len(source.split())
    weights = np.random.default_rng(seed).dirichlet(np.full(max(shape[1], 1), 0.3), shape[0])
    weights = weights[:, : shape[1]] if seed % 5 else diagonal(*shape)
    found = made(drawn, 0, len(source), "t")
    text = projected(source, found, target, weights)
    root = ElementTree.fromstring(f"<a>{text}</a>")
    assert sorted(re.findall(r"<[xg][^>]*>", text)) == sorted(ids(found))
    assert "".join(root.itertext()) == target
    inside = {each.get("id"): [inner.get("id") for inner in each] for each in root.iter()}
    for mark in _all(found):
        name = re.findall(r'id="(.*?)"', mark.opening)[0]
        assert sorted(inside[name]) == sorted(
            re.findall(r'id="(.*?)"', "".join(m.opening for m in mark.inner))
        )


def _all(found: Sequence[Mark]) -> list[Mark]:
    return [each for mark in found for each in (mark, *_all(mark.inner))]
