"""ARPA files: out and in again, and every way of being wrong."""

import errno
import gzip
import math
import os

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from munmaek.errors import InputError
from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.ngram import NgramTables, arpa, arpa_reading, arpa_rendering, read_arpa, write_arpa
from munmaek.ngram.output import writer_past_cache
from munmaek.ngram.sequences import TokenIds

UNK, BOS, EOS, PAD = 0, 1, 2, 3
WORDS = ["[UNK]", "[BOS]", "[EOS]", "[PAD]", "나", "는", "좋아", "dog"]
TEXT = [[4, 5, 6], [4, 5, 6, 7], [7, 4], [], [6, 6]]
SPECIAL = {"bos": BOS, "eos": EOS, "unk": UNK}

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")


def model_of(order, excluded=(PAD,)):
    return NgramModel.fit(
        TEXT,
        config=NgramConfig(order=order),
        vocabulary=TokenIds(vocab_size=8, excluded=excluded, **SPECIAL),
    )


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("name", ["model.arpa", "model.arpa.gz"])
def test_what_was_written_is_read_back(tmp_path, order, name):
    model = model_of(order)
    write_arpa(tmp_path / name, model.tables, WORDS, **SPECIAL)
    found = read_arpa(tmp_path / name)
    found.tables.verify()
    assert found.words == ("<unk>", "<s>", "</s>", "나", "는", "좋아", "dog")
    assert (found.bos, found.eos, found.unk) == (0 + 1, 2, 0)
    kept = np.delete(np.arange(len(model.tables.words)), PAD)
    assert np.array_equal(found.tables.logprobs, model.tables.logprobs[kept])
    kept = kept[kept < len(model.tables.backoffs)]
    assert np.array_equal(found.tables.backoffs, model.tables.backoffs[kept])
    write_arpa(tmp_path / f"again-{name}", found.tables, found.words, bos=1, eos=2, unk=0)
    assert (tmp_path / f"again-{name}").read_bytes() == (tmp_path / name).read_bytes()
    assert not list(tmp_path.glob("*.partial"))


def test_a_model_read_from_arpa_scores_as_the_one_written(tmp_path):
    model = model_of(3)
    write_arpa(tmp_path / "m.arpa", model.tables, WORDS, **SPECIAL)
    found = read_arpa(tmp_path / "m.arpa")
    again = NgramModel(
        found.tables, config=model.config, bos=found.bos, eos=found.eos, unk=found.unk
    )
    ids = [4, 5, 7, 6, EOS]
    moved = [found.words.index(WORDS[i]) if i != EOS else found.eos for i in ids]
    np.testing.assert_allclose(again.score(moved), model.score(ids), atol=1e-6)


def test_the_lines_are_what_arpa_asks_for(tmp_path):
    write_arpa(tmp_path / "m.arpa", model_of(2).tables, WORDS, **SPECIAL)
    lines = (tmp_path / "m.arpa").read_text(encoding="utf-8").split("\n")
    assert lines[:5] == ["\\data\\", "ngram 1=7", "ngram 2=12", "", "\\1-grams:"]
    assert lines[6].startswith("0\t<s>\t-")
    assert lines[-3:] == ["", "\\end\\", ""]
    number, gram = lines[lines.index("\\2-grams:") + 1].split("\t")
    assert gram == "<s> </s>"
    assert float(number) == pytest.approx(
        model_of(2).logprobs((BOS,))[EOS] / math.log(10), abs=5.1e-8
    )


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([*WORDS[:7], "a b"], "word 7 is 'a b'"),
        ([*WORDS[:7], ""], "word 7 is ''"),
        ([*WORDS[:7], "나"], "stands twice"),
        ([*WORDS[:7], "<s>"], "stands twice"),
        (WORDS[:7], "7 words given for a vocabulary of 8"),
    ],
)
def test_words_that_arpa_cannot_hold_are_refused_and_nothing_is_left(tmp_path, words, reason):
    with pytest.raises(InputError, match=reason):
        write_arpa(tmp_path / "m.arpa", model_of(2).tables, words, **SPECIAL)
    assert not list(tmp_path.iterdir())


GOOD = """\\data\\
ngram 1=4
ngram 2=3

\\1-grams:
-1\t<unk>\t0
0\t<s>\t-0.3
-0.5\t</s>
-0.7\ta\t-0.2

\\2-grams:
-0.4\t<s> a
-0.3\ta a
-0.2\ta </s>

\\end\\
"""


def read(tmp_path, text):
    path = tmp_path / "m.arpa"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_arpa(path)


def test_a_small_file_is_read_with_spaces_and_missing_backoffs(tmp_path):
    found = read(tmp_path, "made by hand\n" + GOOD.replace("\t", " "))
    assert found.words == ("<unk>", "<s>", "</s>", "a")
    model = NgramModel(found.tables, config=NgramConfig(order=2), bos=1, eos=2, unk=0)
    wanted = np.array([-0.4, -0.3, -0.2]) * math.log(10)
    np.testing.assert_allclose(model.score([3, 3, 2]), wanted, rtol=1e-7)
    np.testing.assert_allclose(
        model.score([0, 2]), np.array([-0.3 - 1, 0 - 0.5]) * math.log(10), rtol=1e-7
    )


def test_a_suffix_that_pruning_took_is_passed_over_without_a_cost(tmp_path):
    text = GOOD.replace("ngram 2=3\n", "ngram 2=2\nngram 3=1\n").replace("-0.3\ta a\n", "")
    text = text.replace("\n\\end", "\n\\3-grams:\n-0.1\t<s> a a\n\n\\end")
    found = read(tmp_path, text)
    found.tables.verify()
    model = NgramModel(found.tables, config=NgramConfig(order=3), bos=1, eos=2, unk=0)
    # After "<s> a a" the longest context there is is "a": "a </s>" matches at once.
    wanted = np.array([-0.4, -0.1, -0.2]) * math.log(10)
    np.testing.assert_allclose(model.score([3, 3, 2]), wanted, rtol=1e-7)


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("-0.7\ta", "0.7\ta", 9, "log-probability 0.7 is positive"),
        ("-0.7\ta", "x\ta", 9, "'x' is not a number"),
        ("-0.7\ta", "nan\ta", 9, "not a number below infinity"),
        ("-0.7\ta", "-0_7\ta", 9, "not a number below infinity"),
        ("-0.2\n", "inf\n", 9, "not a number below infinity"),
        ("-0.7\ta", "-0.7\t<s>", 9, "duplicate or empty 1-gram '<s>'"),
        ("<s> a\n", "<s> b\n", 12, "word 'b' is not among the 1-grams"),
        ("<s> a\n", "<s>\n", 12, "wanted a number, 2 words"),
        ("<s> a\n", "<s> a\t-1\n", 12, "backoff weight -1 at the highest order"),
        ("a </s>", "a a", 14, "the n-gram 'a a': a duplicate"),
        ("1=4", "1=5", 11, "only 4 of the 5 1-grams"),
        ("1=4", "1=3", 9, "is the count above it too small"),
        ("2=3", "2=2", 14, "wanted '\\\\end\\\\'"),
        ("2=3", "2=4", 16, "only 3 of the 4 2-grams"),
        ("2=3", "3=3", 3, "wanted 'ngram 2=COUNT'"),
        ("2=3", "2=", 3, "wanted 'ngram 2=COUNT'"),
        ("2=3", "2=0", 12, "wanted '\\\\end\\\\' after the 2-grams"),
        ("\\2-grams", "\\3-grams", 11, "wanted '\\\\2-grams:'"),
        ("<s>", "<S>", 16, "no <s> among the 1-grams"),
        ("\\end\\\n", "", 16, "it is truncated"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line_and_the_reason(tmp_path, old, new, line, reason):
    assert old in GOOD
    with pytest.raises(InputError, match=f"m.arpa, line {line}: .*{reason}"):
        read(tmp_path, GOOD.replace(old, new))


def test_an_n_gram_without_its_context_is_refused_with_its_line(tmp_path):
    text = GOOD.replace("2=3", "2=3\nngram 3=1")
    text = text.replace("\n\\end", "\n\\3-grams:\n-0.1\t</s> a a\n\n\\end")
    with pytest.raises(InputError, match="line 18: the n-gram '</s> a a': its context is not"):
        read(tmp_path, text)


def test_bytes_that_are_not_utf8_are_refused_with_their_line(tmp_path):
    with pytest.raises(InputError, match="line 9: bytes that are not UTF-8"):
        read(tmp_path, GOOD.encode().replace(b"\ta\t-0.2", b"\t\xff\t-0.2"))


def test_a_missing_and_a_cut_gzip_file_are_refused(tmp_path):
    path = tmp_path / "m.arpa.gz"
    with pytest.raises(InputError, match="cannot be read"):
        read_arpa(path)
    path.write_bytes(gzip.compress(GOOD.encode())[:-12])
    with pytest.raises(InputError, match="truncated gzip"):
        read_arpa(path)


def two_grams(logprobs, backoffs):
    """Tables of order 2 with these values for the words after "a"."""
    count = len(logprobs)
    return NgramTables(
        starts=np.array([0, count, 2 * count]),
        words=np.tile(np.arange(count, dtype=np.int32), 2),
        links=np.concatenate([np.full(count, -1), np.arange(count)]).astype(np.int32),
        first=np.array([count] + [2 * count] * count, dtype=np.int32),
        logprobs=np.array([-1, -np.inf, -1] + [-1] * (count - 3) + list(logprobs), np.float32),
        backoffs=np.array(backoffs, np.float32),
    )


@settings(max_examples=200)
@given(data=st.data())
def test_every_float_is_given_back_to_the_bit(tmp_path_factory, data):
    count = 12
    below = st.floats(-(2.0**99), 0, width=32) | st.just(-np.inf)
    weights = st.floats(-(2.0**99), 100, width=32) | st.just(-np.inf)
    logprobs = data.draw(st.lists(below, min_size=count, max_size=count))
    backoffs = data.draw(st.lists(weights, min_size=count, max_size=count))
    # Minus zero is written as 0.
    tables = two_grams([x + 0.0 for x in logprobs], [x + 0.0 for x in backoffs])
    path = tmp_path_factory.getbasetemp() / "floats.arpa"
    write_arpa(path, tables, [f"w{i}" for i in range(count)], bos=1, eos=2)
    found = read_arpa(path).tables
    # 0 is written as 10 ** -99, as SRILM does, and that is what it is read as.
    zero = np.float32(-99 * math.log(10))
    for one, other in ((found.logprobs, tables.logprobs), (found.backoffs, tables.backoffs)):
        written = np.where(np.isinf(other), zero, other)
        written[1] = one[1]  # <s>, which is never predicted
        assert one.tobytes() == written.tobytes()


@settings(max_examples=200)
@given(
    number=st.floats(-400, 0).map(repr)
    | st.from_regex(r"\A-[0-9]{1,20}(\.[0-9]{0,20})?(e[+-]?[0-9]{1,2})?\Z")
)
def test_numbers_are_read_as_python_reads_them(tmp_path_factory, number):
    path = tmp_path_factory.getbasetemp() / "number.arpa"
    path.write_bytes(GOOD.replace("-0.4\t", f"{number}\t").encode())
    with np.errstate(over="ignore"):
        wanted = np.float32(float(number) * math.log(10))
    found = read_arpa(path).tables.logprobs[4]
    assert found == wanted or abs(found - wanted) <= np.spacing(abs(wanted))


def test_reserved_words_come_first_and_nothing_else_changes(tmp_path):
    plain = read(tmp_path, GOOD)
    found = read_arpa(tmp_path / "m.arpa", reserved=("<pad>", "<unk>", "<s>", "</s>", "<mask>"))
    found.tables.verify()
    assert found.words == ("<pad>", "<unk>", "<s>", "</s>", "<mask>", "a")
    assert found.tables.counts == (6, 3)
    moved = [found.words.index(name) for name in plain.words]
    one = NgramModel(plain.tables, config=NgramConfig(order=2), bos=1, eos=2, unk=0)
    other = NgramModel(found.tables, config=NgramConfig(order=2), bos=2, eos=3, unk=1)
    for ids in ([3, 3, 2], [0, 3, 2], [2]):
        assert np.array_equal(one.score(ids), other.score([moved[i] for i in ids]))
    assert other.logprobs(())[[0, 4]].tolist() == [-np.inf, -np.inf]


def test_sections_in_another_order_than_the_vocabulary_are_sorted(tmp_path):
    rows = ["-0.4\t<s> a", "-0.3\ta a", "-0.2\ta </s>"]
    shuffled = GOOD.replace("\n".join(rows), "\n".join(reversed(rows)))
    one, other = read(tmp_path, GOOD).tables, read(tmp_path, shuffled).tables
    for name, array in one.tensors().items():
        assert np.array_equal(array, other.tensors()[name])


def test_lines_may_end_as_on_windows(tmp_path):
    one = read(tmp_path, GOOD).tables
    other = read(tmp_path, GOOD.replace("\n", "\r\n")).tables
    assert np.array_equal(one.logprobs, other.logprobs)


@given(number=st.floats(-1e3, 1e3, width=32) | st.floats(-9, 0.5, width=32) | st.just(-np.inf))
@example(number=-math.log(10))
@example(number=np.float32(-math.log(10) * 0.1))
@example(number=np.nextafter(np.float32(-math.log(10)), np.float32(0)))
def test_the_short_way_to_a_number_writes_what_the_long_one_does(number):
    written = []
    for put in (arpa_rendering.write_number, arpa_rendering.write_number_slowly):
        out = np.zeros(64, dtype=np.uint8)
        written.append(out[: put(np.float32(number), out, 0)].tobytes())
    assert written[0] == written[1]


def test_words_of_any_length_are_written_whole(tmp_path):
    words = [*WORDS[:4], *("é" * (length + 1) for length in (3, 7, 8, 40))]
    write_arpa(tmp_path / "m.arpa", model_of(3).tables, words, **SPECIAL)
    found = read_arpa(tmp_path / "m.arpa")
    assert found.words[3:] == tuple(words[4:])
    write_arpa(tmp_path / "x.arpa", model_of(3).tables, WORDS, **SPECIAL)
    long = (tmp_path / "m.arpa").read_text(encoding="utf-8").translate({233: None})
    short = (tmp_path / "x.arpa").read_text(encoding="utf-8")
    for word in WORDS[4:]:
        short = short.replace(word, "")
    assert long == short


@pytest.mark.parametrize("refused", [errno.EOPNOTSUPP, errno.ENOSPC, None])
def test_a_system_that_cannot_write_past_its_cache_writes_as_always(tmp_path, monkeypatch, refused):
    calls = []

    def pwritev(*given):
        calls.append(given)
        if refused is None:  # as Python does where the C library has no such flags
            raise NotImplementedError
        raise OSError(refused, os.strerror(refused))

    monkeypatch.setattr(os, "pwritev", pwritev, raising=False)
    written = (tmp_path / "out").open("wb", buffering=0)
    with written as stream:
        write = writer_past_cache(stream)
        if refused == errno.ENOSPC:
            with pytest.raises(OSError, match="space"):
                write(b"first")
            return
        write(b"first")
        write(np.frombuffer(b" second", dtype=np.uint8))
    assert (tmp_path / "out").read_bytes() == b"first second"
    assert len(calls) == 1


@pytest.mark.parametrize("name", ["model.arpa", "model.arpa.gz"])
def test_a_system_that_writes_less_than_it_was_given_is_given_the_rest(tmp_path, monkeypatch, name):
    model = model_of(3)
    write_arpa(tmp_path / name, model.tables, WORDS, **SPECIAL)
    whole, write = (tmp_path / name).read_bytes(), os.write
    monkeypatch.delattr(os, "pwritev", raising=False)
    monkeypatch.setattr(os, "write", lambda file, content: write(file, content[:7]))
    write_arpa(tmp_path / name, model.tables, WORDS, **SPECIAL)
    assert (tmp_path / name).read_bytes() == whole


@pytest.mark.parametrize("name", ["model.arpa", "model.arpa.gz"])
def test_threads_change_neither_the_bytes_nor_what_is_read(tmp_path, monkeypatch, name):
    monkeypatch.setattr(arpa_rendering, "_NODES", 3)
    monkeypatch.setattr(arpa, "_MEMBER", 64)
    monkeypatch.setattr(arpa_reading, "_LINES", 2)
    model = model_of(4)
    for threads in (1, 3):
        write_arpa(tmp_path / f"{threads}{name}", model.tables, WORDS, **SPECIAL, threads=threads)
    written = (tmp_path / f"1{name}").read_bytes()
    assert written == (tmp_path / f"3{name}").read_bytes()
    one, other = (read_arpa(tmp_path / f"1{name}", threads=threads) for threads in (1, 3))
    for key, array in one.tables.tensors().items():
        assert np.array_equal(array, other.tables.tensors()[key])
    assert one.words == other.words
    assert one.tables.counts == (7, *model.tables.counts[1:])


def test_a_count_that_the_file_cannot_hold_is_refused_before_room_is_made(tmp_path):
    with pytest.raises(InputError, match="line 3: 99999999999 2-grams cannot be in so short"):
        read(tmp_path, GOOD.replace("2=3", "2=99999999999"))


@settings(max_examples=200)
@given(
    at=st.integers(0, len(GOOD) - 1),
    length=st.integers(0, 12),
    new=st.binary(max_size=6) | st.sampled_from([b"\t", b"\n", b"-inf", b"1e999", b"a"]),
)
def test_any_damage_is_refused_or_leaves_sound_tables(tmp_path_factory, at, length, new):
    text = GOOD.encode()
    path = tmp_path_factory.getbasetemp() / "damaged.arpa"
    path.write_bytes(text[:at] + new + text[at + length :])
    try:
        found = read_arpa(path)
    except InputError:
        return
    found.tables.verify()
