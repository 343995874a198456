"""KenLM's binary files.

Those in ``kenlm_binaries`` are ``build_binary`` of KenLM, commit 4cb443e, on an ARPA file of the
tests: ``probing``, ``-v probing`` (without_words), ``-r "1.arpa 2.arpa" probing`` (rest, of its own
lower orders), ``trie``, ``-q 6 -b 5 trie`` (quantised), ``-a 22 trie`` (compressed) and
``-a 255 -q 8 trie`` (both). The two of ``gaps`` are of that file without ``<unk>`` and without four
2-grams in which 3-grams end, which KenLM fills in. Golden numbers are those of its package.
"""

import json
import math
import random
import struct
from pathlib import Path

import pytest

from munmaek import kenlm
from munmaek.cli import main
from munmaek.errors import InputError, UnsupportedError
from munmaek.ngram import kenlm_probing
from munmaek.ngram.kenlm_file import is_kenlm, open_kenlm
from munmaek.tasks.lm.exchange import import_ngrams

HERE = Path(__file__).with_name("kenlm_binaries")
ARPA = Path(__file__).with_name("test_ngram_golden.arpa")
TEXT = ARPA.with_suffix(".txt")
EXACT = ("probing", "rest", "trie", "compressed")
GOLDEN = {
    "quantised": {
        "bird likes and": [(-1.047054, 2), (-1.194972, 3), (-0.462298, 3), (-0.873772, 3)],
        "the unseen dog": [(-0.563882, 2), (-2.641312, 1), (-1.167263, 1), (-0.810149, 2)],
    },
    "both": {
        "bird likes and": [(-1.040754, 2), (-1.190983, 3), (-0.459353, 3), (-0.87318, 3)],
        "the unseen dog": [(-0.565116, 2), (-2.641732, 1), (-1.167263, 1), (-0.798248, 2)],
    },
    "gaps_trie": {
        "a bird": [(-1.176394, 2), (-0.659397, 3), (-0.674675, 3)],
        "the bird likes a": [
            *[(-0.565116, 2), (-1.1744, 3), (-1.413412, 2), (-1.50694, 1), (-1.352968, 2)]
        ],
        "the unseen dog": [(-0.565116, 2), (-100.546753, 1), (-1.167263, 1), (-0.798248, 2)],
    },
}


def binary(name: str) -> Path:
    return HERE / f"{name}.bin"


def sentences() -> list[str]:
    draw = random.Random(0)
    lines = [line for line in TEXT.read_text(encoding="utf-8").split("\n") if line]
    words = sorted({word for line in lines for word in line.split()})
    drawn = [" ".join(draw.choices([*words, "unseen"], k=draw.randrange(7))) for _ in range(200)]
    return [*lines[:50], *drawn]


@pytest.mark.parametrize("name", EXACT)
def test_scores_are_those_of_the_arpa_file_state_by_state(name: str) -> None:
    own, wanted = kenlm.Model(binary(name)), kenlm.Model(ARPA)
    assert own.order == wanted.order
    for sentence in sentences():
        mine, theirs, after = kenlm.State(), kenlm.State(), kenlm.State()
        own.BeginSentenceWrite(mine)
        wanted.BeginSentenceWrite(theirs)
        for word in [*sentence.split(), "</s>"]:
            found = own.BaseFullScore(mine, word, after)
            mine, after = after, kenlm.State()
            expected = wanted.BaseFullScore(theirs, word, after)
            theirs, after = after, kenlm.State()
            assert found[1:] == expected[1:]
            assert found.log_prob == pytest.approx(expected.log_prob, rel=1e-6)
        assert own.score(sentence, bos=False) == pytest.approx(
            wanted.score(sentence, bos=False), rel=1e-6
        )


@pytest.mark.parametrize("name", GOLDEN)
def test_quantised_values_and_n_grams_filled_in_are_those_of_kenlm(name: str) -> None:
    model = kenlm.Model(binary(name))
    for sentence, wanted in GOLDEN[name].items():
        found = list(model.full_scores(sentence))
        assert [each.ngram_length for each in found] == [length for _, length in wanted]
        assert [each.log_prob for each in found] == pytest.approx(
            [logprob for logprob, _ in wanted], rel=1e-6, abs=1e-6
        )


@pytest.mark.parametrize("name", [*EXACT, "gaps_probing"])
def test_what_is_imported_scores_as_the_file_does(name: str) -> None:
    made, asked = import_ngrams(binary(name)), kenlm.Model(binary(name))
    lines = sentences()
    for line, found in zip(lines, made.score(lines), strict=True):
        assert found.logprob / math.log(10.0) == pytest.approx(asked.score(line), rel=1e-6)


def test_the_same_n_grams_come_from_tables_and_from_a_trie() -> None:
    tables = [import_ngrams(binary(f"gaps_{kind}")).model for kind in ("probing", "trie")]
    assert tables[0].counts == tables[1].counts == (17, 175, 356)


def test_the_command_imports_a_binary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = tmp_path / "model"
    assert main(["import", str(binary("both")), "-o", str(made), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ngrams"] == 17 + 175 + 356
    assert kenlm.Model(made).score("the dog") == pytest.approx(
        kenlm.Model(binary("both")).score("the dog"), rel=1e-6
    )


def test_a_binary_without_its_words_is_refused_by_that_name() -> None:
    with pytest.raises(InputError, match="hashes of its words and not the words; build it without"):
        kenlm.Model(binary("without_words"))


def test_too_many_pairs_are_refused_before_they_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kenlm_probing, "_MOST_PAIRS", 100)
    with pytest.raises(UnsupportedError, match=r"munmaek\.kenlm\.Model opens it as it is"):
        import_ngrams(binary("probing"))


DAMAGED = {
    "format version 4": (48, b" 4"),
    "not built to its end": (0, b"mmap lm http://kheafield.com/code incomplete\n"),
    "another kind of machine": (56, struct.pack("<f", 1.0)),
    "order 77, wanted 2 to 10": (88, bytes([77])),
    "kind 9 in version 0": (96, struct.pack("<I", 9)),
    "buckets for each n-gram": (92, struct.pack("<f", 0.5)),
    "n-grams of each order: 0": (108, bytes(8)),
    "of which the header wants": (116, struct.pack("<Q", 1 << 29)),
}


@pytest.mark.parametrize("reason", DAMAGED)
def test_a_header_is_checked_before_anything_is_made_of_it(tmp_path: Path, reason: str) -> None:
    at, content = DAMAGED[reason]
    path = tmp_path / "damaged.bin"
    whole = bytearray(binary("probing").read_bytes())
    whole[at : at + len(content)] = content
    path.write_bytes(whole)
    assert is_kenlm(path)
    with pytest.raises(
        InputError, match=f"^{path}: a KenLM binary that cannot be read: .*{reason}"
    ):
        kenlm.Model(path)


@pytest.mark.parametrize("name", ["probing", "trie", "both"])
def test_a_file_that_ends_too_soon_or_goes_on_is_refused(tmp_path: Path, name: str) -> None:
    path, whole = tmp_path / "cut.bin", binary(name).read_bytes()
    for length in [*range(60, len(whole), 97), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="KenLM binary"):
            kenlm.Model(path)
    path.write_bytes(whole + b"word\0")
    with pytest.raises(InputError, match="words at its end"):
        kenlm.Model(path)


@pytest.mark.parametrize("name", ["probing", "trie", "both", "compressed"])
def test_damage_anywhere_is_refused_or_harmless(tmp_path: Path, name: str) -> None:
    path, whole = tmp_path / "damaged.bin", binary(name).read_bytes()
    draw = random.Random(name)
    refused: list[str] = []
    for _ in range(60):
        content = bytearray(whole)
        content[draw.randrange(88, len(whole))] ^= 1 << draw.randrange(8)
        path.write_bytes(content)
        try:
            import_ngrams(path).total(["the bird likes a dog"])
        except InputError as error:
            refused.append(str(error))
    assert refused
    assert not any("\n" in each for each in refused)


def test_only_files_that_begin_so_are_taken_for_kenlms(tmp_path: Path) -> None:
    assert is_kenlm(binary("trie"))
    assert open_kenlm(binary("trie")).counts == (17, 175, 356)
    assert not is_kenlm(ARPA)
    assert not is_kenlm(tmp_path)
    assert not is_kenlm(Path("-"))
