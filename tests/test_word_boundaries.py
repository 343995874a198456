"""Numbered words end at ASCII white space, the words of a text at white space of any script."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from munmaek.align import MarkedPair, parse_gold, statistical_links
from munmaek.cli.app import app
from munmaek.errors import InputError
from munmaek.tasks.translate.translation import token_words
from munmaek.text.spaces import ascii_words, words
from munmaek.text.tokenizers import KINDS, train_tokenizer

WIDE = ["\u00a0", "\u3000", "\u2003", "\u0085", "\x1f"]
SOURCES, TARGETS = ["10{0}km weit", "weit", "10{0}km"], ["10{0}km far", "far", "10{0}km"]


def with_space(texts: list[str], space: str) -> list[str]:
    return [text.format(space) for text in texts]


@pytest.mark.parametrize("space", WIDE)
def test_wide_spaces_part_the_words_of_a_text_and_not_numbered_ones(space: str) -> None:
    assert words(f"10{space}km weit") == ["10", "km", "weit"]
    assert ascii_words(f" 10{space}km\t\tweit\v\f\r\n") == [f"10{space}km", "weit"]
    assert ascii_words(space) == [space]


@pytest.mark.parametrize("space", WIDE)
def test_links_number_words_between_ascii_white_space(space: str, tmp_path: Path) -> None:
    sources, targets = with_space(SOURCES, space), with_space(TARGETS, space)
    assert statistical_links(sources, targets) == [{(0, 0), (1, 1)}, {(0, 0)}, {(0, 0)}]
    for name, texts in (("src", sources), ("tgt", targets)):
        (tmp_path / name).write_text("\n".join(texts) + "\n", encoding="utf-8")
    files = [str(tmp_path / "src"), str(tmp_path / "tgt")]
    for aligner in ("hmm", "ibm1"):
        result = CliRunner().invoke(app, ["align", "--aligner", aligner, *files, "--json"])
        rows = [json.loads(line) for line in result.stdout.splitlines()]
        assert {tuple(link) for row in rows for link in row["alignment"]} <= {
            (0, 0),
            (1, 1),
            (0, 1),
        }
    gold = tmp_path / "gold"
    gold.write_text("0-0 1-1\n0-0\n1-1\n", encoding="utf-8")
    result = CliRunner().invoke(app, ["align", "--aligner", "hmm", *files, "--gold", str(gold)])
    assert "gold, line 3: link 1-1 points past the pair's 1 source and 1" in str(result.exception)


@pytest.mark.parametrize("space", WIDE)
def test_marks_and_gold_links_are_parted_by_ascii_white_space(space: str) -> None:
    pair = MarkedPair(f"10{space}km weit", "10 far", frozenset({(1, 1)}))
    assert pair.key[0] == f"10{space}km weit"
    with pytest.raises(InputError, match="points past"):
        MarkedPair(f"10{space}km weit", "10 far", frozenset({(2, 1)}))
    with pytest.raises(InputError):
        parse_gold(f"0-0{space}1-1")
    parse_gold("0-0\t1-1 ")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith("morph")])
def test_a_piece_knows_its_numbered_word(kind: str) -> None:
    text = "10\u00a0km\u3000weit weg"
    tokenizer = train_tokenizer([text], kind=kind, vocab_size=400)
    pieces = tokenizer.subwords(text)
    assert {piece.word for piece in pieces if piece.end <= 10} == {0}
    assert pieces[-1].word == 1
    if kind != "words":
        assert token_words(tokenizer, tokenizer.encode(text))[-1] == 1
