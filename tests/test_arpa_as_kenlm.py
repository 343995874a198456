r"""ARPA files of other makers have KenLM's perplexity, or are refused by what they are.

Golden numbers are those of KenLM (commit 4cb443e): ``query -v summary FILE < TEXT``, with and
without unknown words.
"""

import bz2
import gzip
import lzma
import math
import unicodedata
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from munmaek.errors import InputError, MunmaekWarning
from munmaek.ngram import read_arpa
from munmaek.ngram.arpa_words import settled
from munmaek.tasks.lm.exchange import import_ngrams, in_form
from munmaek.tasks.loading import load
from munmaek.text.corpora import read_lines

CASES = Path(__file__).resolve().parents[1].parent / "shared" / "cases" / "arpa"

SMALL = """\\data\\
ngram 1=5
ngram 2=4

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.3
-0.9\t</s>
-0.5\tred\t-0.2
-0.7\tsea\t-0.1

\\2-grams:
-0.2\t<s> red
-0.3\tred sea
-0.4\tsea </s>
-0.6\tsea red

\\end\\
"""
TEXT = ["red sea", "red fox sea", "sea red", "", "sea sea red red"]
PLAIN = (5.232991595690371, 4.860340585118069, 1)
"""Perplexity, that without unknown words, and how many there are."""


def told(path: Path, lines: list[str] = TEXT) -> tuple[float, float, int]:
    total = import_ngrams(path).total(lines)
    return total.perplexity, total.perplexity_known, total.unknown


def written(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "model.arpa"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


AS_IT_IS = {
    "as lmplz writes it": SMALL,
    "lines of Windows": SMALL.replace("\n", "\r\n"),
    "tabs between words": SMALL.replace("red sea", "red\tsea"),
    "spaces alone": SMALL.replace("\t", " "),
    "blanks at ends of lines": SMALL.replace("-0.1\n", "-0.1 \t\n"),
    "blank lines anywhere": SMALL.replace("\n-0.", "\n \n\n-0.").replace("\\end", "\n\n\\end"),
    "an empty order": SMALL.replace("=4\n", "=4\nngram 3=0\n").replace(
        "\\end", "\\3-grams:\n\n\\end"
    ),
    "two empty orders, untitled": SMALL.replace("=4\n", "=4\nngram 3=0\nngram 4=0\n"),
    "0 as a backoff at the highest order": SMALL.replace("</s>\n-0.6", "</s>\t0\n-0.6"),
    "remarks before": "# by hand\n\n" + SMALL,
    "capital unknown": SMALL.replace("<unk>", "<UNK>"),
    "a byte order mark": "\ufeff" + SMALL,
    "no line end at the end": SMALL.rstrip("\n"),
    "blank lines after": SMALL + "\n \n",
    "gzip": gzip.compress(SMALL.encode()),
    "bzip2": bz2.compress(SMALL.encode()),
    "xz": lzma.compress(SMALL.encode()),
    "Zstandard": zstandard.compress(SMALL.encode()),
}


@pytest.mark.parametrize("name", AS_IT_IS)
def test_what_kenlm_reads_has_its_perplexity(tmp_path: Path, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert told(written(tmp_path, AS_IT_IS[name])) == pytest.approx(PLAIN, rel=1e-6)


OTHERWISE = {
    "-99 is 10 ** -99": (SMALL.replace("-0.7\tsea", "-99\tsea"), (1.96675554e25, 7.94328976e26, 1)),
    "<Unk> is a word": (SMALL.replace("<unk>", "<Unk>"), (8058413.444550483, 4.860337027485725, 1)),
    "no unknown word is needed": (SMALL.replace("<unk>", "fox"), (PLAIN[0], PLAIN[0], 0)),
}


@pytest.mark.parametrize("name", OTHERWISE)
@pytest.mark.filterwarnings("ignore:.*no <unk>")
def test_a_probability_is_the_one_that_kenlm_reads(tmp_path: Path, name: str) -> None:
    content, wanted = OTHERWISE[name]
    assert told(written(tmp_path, content)) == pytest.approx(wanted, rel=2e-5)


@pytest.mark.parametrize("form", ["fast", "compact", "quantised"])
def test_backoffs_before_an_empty_order_are_paid_in_every_form(tmp_path: Path, form: str) -> None:
    a, b = SMALL.index("\n-0.2\t<s> red"), SMALL.index("\n\n\\end")
    made = import_ngrams(written(tmp_path, (SMALL[:a] + SMALL[b:]).replace("2=4", "2=0")))
    in_form(made, form).save(tmp_path / form)

    total = load(tmp_path / form).total(TEXT)
    wanted = sum(UNIGRAM[word] for line in TEXT for word in [*line.split(), "</s>"])
    paid = sum(BACKOFF[word] for line in TEXT for word in ["<s>", *line.split()])
    assert total.logprob == pytest.approx((wanted + paid) * math.log(10), rel=1e-6)


UNIGRAM = {"red": -0.5, "sea": -0.7, "fox": -1.0, "</s>": -0.9}
BACKOFF = {"<s>": -0.3, "red": -0.2, "sea": -0.1, "fox": 0.0}


def test_a_missing_unknown_word_is_said(tmp_path: Path) -> None:
    with pytest.warns(MunmaekWarning, match="no <unk>, so an unknown word has log10 .* -100"):
        import_ngrams(written(tmp_path, SMALL.replace("<unk>", "fox")))


@pytest.mark.parametrize("space", ["\u00a0", "\u3000", "\u0085", "\x1c"])
def test_words_of_an_arpa_end_at_ascii_white_space_alone(tmp_path: Path, space: str) -> None:
    word = f"s{space}a"
    lines = [line.replace("sea", word) for line in TEXT]
    path = written(tmp_path, SMALL.replace("sea", word))
    assert told(path, lines) == pytest.approx(PLAIN, rel=1e-6)
    import_ngrams(path).save(tmp_path / "saved")
    saved = load(tmp_path / "saved")
    assert saved.total(lines).perplexity == pytest.approx(PLAIN[0], rel=1e-6)
    assert [token.token for token in saved.score([f"red {word}"])[0].tokens] == [
        "red",
        word,
        "</s>",
    ]


def test_words_are_brought_to_the_form_of_text(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", SMALL.replace("sea", "바다").replace("red", "é"))
    lines = [line.replace("sea", "바다").replace("red", "é") for line in TEXT]
    path = written(tmp_path, decomposed)
    assert told(path, lines) == pytest.approx(PLAIN, rel=1e-6)
    assert read_arpa(path).words == ("<unk>", "<s>", "</s>", "é", "바다")


def test_of_words_with_one_form_the_one_that_has_it_is_met(tmp_path: Path) -> None:
    text = SMALL.replace("1=5", "1=6").replace("-0.5\tred", "-2.5\te\u0301\n-0.5\té")
    text = text.replace("red", "é")
    with pytest.warns(MunmaekWarning) as said:
        made = import_ngrams(written(tmp_path, text))
    assert [str(each.message).partition(": ")[2] for each in said] == [
        "1 word ('e\\u0301') in the same form (NFC) as other words of the file",
        "1 word ('e\\u0301') that no text can reach",
    ]
    assert made.info.training["unreachable"] == made.info.training["collided"] == 1
    lines = [line.replace("red", "é") for line in TEXT]
    assert made.total(lines).perplexity == pytest.approx(PLAIN[0], rel=1e-6)


def test_settled_words_are_distinct_and_the_first_of_equals_has_the_form() -> None:
    found = settled(["e\u0301", "\u212b", "A\u030a", "plain", "<UNK>"])
    assert found.words == ("é", "Å", "A\u030a", "plain", "<unk>")
    assert found.collided == ("A\u030a",)


def test_words_with_white_space_within_and_reserved_ones_cannot_be_reached(tmp_path: Path) -> None:
    text = SMALL.replace("1=5", "1=7").replace("-0.9\t</s>", "-0.9\t</s>\n-3\ta\vb\n-3\t<mask>")
    with pytest.warns(MunmaekWarning, match=r"2 words \('<mask>', 'a\\x0bb'\) that no text"):
        assert import_ngrams(written(tmp_path, text)).info.training["unreachable"] == 2


NO_ARPA = {
    "a KenLM binary": b"mmap lm http://kheafield.com/code format version 5\n\0",
    "an IRSTLM binary": b"blmt 3 5 4\n",
    "an iARPA file of IRSTLM": b"iARPA\n\\data\\\n",
    "an SRILM binary": b"SRILM_BINARY_NGRAM_002\n",
    "a Sphinx binary": b"Trie Language Model\0",
    "UTF-16 text": SMALL.encode("utf-16"),
    "UTF-32 text": SMALL.encode("utf-32"),
    "a zip archive": b"PK\x03\x04",
    "no line": b"1\t0\tred sea\n",
}


@pytest.mark.parametrize("name", NO_ARPA)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_another_kind_of_file_is_called_by_its_name(
    tmp_path: Path, name: str, pack: Callable[[bytes], bytes]
) -> None:
    content = pack(NO_ARPA[name])
    with pytest.raises(InputError, match=f"model.arpa: no ARPA file.*{name}"):
        read_arpa(written(tmp_path, content))


REFUSED = {
    "backoff weight -0.2 at the highest order": SMALL.replace("red sea", "red sea\t-0.2"),
    "backoff weight -inf is not finite": SMALL.replace("red\t-0.2", "red\t-inf"),
    "log-probability 0.5 is positive": SMALL.replace("-0.5", "0.5"),
    "wanted nothing after '.end.', found 'more'": SMALL + "\nmore\n",
    "'<UNK>' beside '<unk>'": SMALL.replace("1=5", "1=6").replace("-0.9", "-2\t<UNK>\n-0.9"),
    "0 2-grams; without them": SMALL.replace("2=4", "2=0\nngram 3=4"),
    "iconv -f CP949": SMALL.encode().replace(b"sea", b"\xb9\xd9"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_kenlm_refuses_is_refused_with_its_line(tmp_path: Path, reason: str) -> None:
    with pytest.raises(InputError, match=f"model.arpa, line [0-9]+: .*{reason}"):
        read_arpa(written(tmp_path, REFUSED[reason]))


@pytest.mark.parametrize(
    ("model", "text", "wanted"),
    [
        ("capital-unk.arpa", "capital-unk.txt", (3.0599, 2.3263, 1)),
        ("nfd.arpa", "nfd.txt", (11.1795, 6.7204, 28)),
        ("no-trigrams.arpa", "small.txt", (5.2330, 4.8603, 1)),
        ("backoff-at-highest-order.arpa", "small.txt", (5.2330, 4.8603, 1)),
        ("byte-order-mark.arpa", "small.txt", (5.2330, 4.8603, 1)),
        ("gzip-without-suffix.arpa", "small.txt", (143.8140, 38.8602, 11)),
    ],
)
def test_shared_files_have_the_perplexity_of_kenlm(
    model: str, text: str, wanted: tuple[float, float, int]
) -> None:
    if not CASES.is_dir():
        pytest.skip(f"no {CASES}")
    assert told(CASES / model, list(read_lines(CASES / text))) == pytest.approx(wanted, rel=2e-5)
