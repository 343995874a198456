"""From files to tables: threads, little memory and compiled reading change nothing."""

import errno
import gzip
import mmap
import os
import shutil
import sys
import unicodedata
from concurrent.futures import Future
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from munmaek.cli import counting, main
from munmaek.errors import ArtefactError, ConfigError, DiskError, InputError, MunmaekWarning
from munmaek.fit.holding import hold_out
from munmaek.ngram import estimate
from munmaek.ngram.counting import adjust, bound, count, unbound
from munmaek.ngram.external import estimate_on_disk
from munmaek.ngram.memory_pool import MemoryPool
from munmaek.ngram.parallel import in_threads
from munmaek.ngram.reading import Reserved, WordRules, read_words
from munmaek.ngram.row_bytes import UNSOUND, count_rows
from munmaek.ngram.scratch import Buckets, Scratch
from munmaek.ngram.sequences import TokenIds
from munmaek.ngram.stages import Stages
from munmaek.ngram.words import Rows, Vocabulary
from munmaek.tasks.lm.ngrams import Resources, train_ngrams
from munmaek.tasks.loading import load
from munmaek.tasks.recipe import Recipe
from munmaek.text.building import SPECIALS
from munmaek.text.corpora import Corpus, read_text
from munmaek.text.tokenizers import train_tokenizer

UNK, BOS, EOS = 0, 1, 2
small = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")

sequences = st.lists(st.lists(st.integers(3, 6), max_size=7), min_size=1, max_size=15)


def flat(rows):
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return np.array([word for row in rows for word in row], dtype=np.int32), offsets


def zipfian(rng, *, tokens, vocab_size):
    """Text with a few very frequent words, as text has them."""
    words = np.minimum(rng.zipf(1.3, tokens) + 2, vocab_size - 1).astype(np.int32)
    limits = np.sort(rng.integers(0, tokens, tokens // 12))
    return words, np.concatenate([[0], limits, [tokens]]).astype(np.int64)


def assert_same(one, other):
    for name, array in one.tables.tensors().items():
        assert np.array_equal(array, other.tables.tensors()[name]), name
    assert np.array_equal(one.discounts, other.discounts)


def on_disk(folder, ids, offsets, *, memory=0, kenlm_compatible=False, **options):
    with Scratch(folder) as scratch:
        column = scratch.column("text", np.int32)
        column.append(bound(ids, offsets, bos=BOS, eos=EOS))
        made = estimate_on_disk(
            column,
            scratch=scratch,
            memory=memory,
            kenlm_compatible=kenlm_compatible,
            **options,
        )
    assert not any(folder.iterdir())
    return made.estimate


# Threads.


@small
@settings(max_examples=30)
@given(rows=sequences, order=st.integers(1, 4), threads=st.integers(2, 5))
def test_any_number_of_threads_gives_the_same_tables(rows, order, threads):
    if order > max(map(len, rows)) + 2:
        return
    ids, offsets = flat(rows)
    options = {"order": order, "vocabulary": TokenIds(8, bos=BOS, eos=EOS)}
    assert_same(
        estimate(ids, offsets, threads=1, **options),
        estimate(ids, offsets, threads=threads, **options),
    )


def test_threads_agree_on_more_text_too():
    ids, offsets = zipfian(np.random.default_rng(5), tokens=60_000, vocab_size=3_000)
    options = {"order": 5, "vocabulary": TokenIds(3_000, bos=BOS, eos=EOS)}
    assert_same(
        estimate(ids, offsets, threads=1, **options), estimate(ids, offsets, threads=3, **options)
    )


@settings(max_examples=30)
@given(rows=sequences, order=st.integers(1, 4))
def test_counts_are_those_of_a_plain_dictionary(rows, order):
    if order > max(map(len, rows)) + 2:
        return
    ids, offsets = flat(rows)
    text = bound(ids, offsets, bos=BOS, eos=EOS)
    trie = count(text, order=order, vocab_size=8, bos=BOS, eos=EOS)
    wanted = {}
    for row in rows:
        framed = (BOS, *row, EOS)
        for k in range(1, order + 1):
            for at in range(len(framed) - k + 1):
                gram = framed[at : at + k]
                wanted[gram] = wanted.get(gram, 0) + 1
    grams = {(word,): word for word in range(8)}
    for k in range(2, order + 1):
        for gram, node in [item for item in grams.items() if len(item[0]) == k - 1]:
            for child in range(trie.first[node], trie.first[node + 1]):
                grams[*gram, int(trie.words[child])] = child
    assert len(grams) == trie.starts[-1]
    assert {g: int(trie.counts[n]) for g, n in grams.items() if trie.counts[n]} == wanted
    for gram, node in grams.items():
        assert trie.links[node] == (grams[gram[1:]] if len(gram) > 1 else -1)
    adjust(trie, bos=BOS)
    for gram, node in grams.items():
        before = len({g for g in wanted if len(g) == len(gram) + 1 and g[1:] == gram})
        kept = len(gram) == order or gram[0] == BOS
        adjusted = 0 if gram == (BOS,) else wanted.get(gram, 0) if kept else before
        assert trie.counts[node] == adjusted


@given(rows=sequences)
def test_a_bounded_text_gives_back_what_it_was_made_of(rows):
    ids, offsets = flat(rows)
    again, limits = unbound(bound(ids, offsets, bos=BOS, eos=EOS), bos=BOS, eos=EOS)
    assert np.array_equal(again, ids)
    assert np.array_equal(limits, offsets)


# Little memory.


@small
@settings(max_examples=15)
@given(rows=sequences, order=st.integers(1, 4))
def test_the_way_over_files_gives_the_same_tables(tmp_path_factory, rows, order):
    if order > max(map(len, rows)) + 2:
        return
    ids, offsets = flat(rows)
    options = {"order": order, "vocabulary": TokenIds(8, bos=BOS, eos=EOS)}
    folder = tmp_path_factory.mktemp("files")
    assert_same(estimate(ids, offsets, **options), on_disk(folder, ids, offsets, **options))


@pytest.mark.parametrize("order", [2, 5])
@pytest.mark.parametrize("compatible", [False, True])
def test_text_of_many_pieces_gives_the_same_tables_over_files(tmp_path, order, compatible):
    # A piece has 4,096 rows at least; the most frequent word here stands 25,000 times.
    ids, offsets = zipfian(np.random.default_rng(6), tokens=100_000, vocab_size=5_000)
    options = {"order": order, "vocabulary": TokenIds(5_000, bos=BOS, eos=EOS)}
    options["kenlm_compatible"] = compatible
    assert_same(estimate(ids, offsets, **options), on_disk(tmp_path, ids, offsets, **options))


def test_an_order_too_high_is_refused_over_files_as_in_memory(tmp_path):
    ids, offsets = flat([[3], []])
    options = {"order": 5, "vocabulary": TokenIds(4, bos=BOS, eos=EOS)}
    with pytest.raises(InputError) as in_memory:
        estimate(ids, offsets, **options)
    with pytest.raises(InputError) as over_files:
        on_disk(tmp_path, ids, offsets, **options)
    assert str(in_memory.value) == str(over_files.value)
    assert not any(tmp_path.iterdir())


def test_threads_that_keep_ids_side_by_side_get_their_own_back(tmp_path):
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with Scratch(tmp_path) as scratch:
            ids = [np.full(3, number, dtype=np.int32) for number in range(400)]
            kept = in_threads(4, scratch.keep, ids)
            assert [int(again()[0]) for again in kept] == list(range(400))
    finally:
        sys.setswitchinterval(interval)


def test_a_place_without_room_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(DiskError, match=r"1000000\.0 GB are needed .* choose another --temp-dir"):
        Scratch(tmp_path / "new", needed=10**15)
    assert not any((tmp_path / "new").iterdir())


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_temporary_files_are_gone_whatever_happens(tmp_path, error):
    def fail(scratch):
        scratch.spool(b"content")
        raise error

    with pytest.raises(error), Scratch(tmp_path) as scratch:
        fail(scratch)
    assert not any(tmp_path.iterdir())


def test_buckets_keep_the_order_they_were_given(tmp_path):
    buckets = Buckets(tmp_path, "rows", count=3, columns=2)
    rows = np.array([[0, 1], [2, 2], [0, 3]], dtype=np.int32)
    buckets.add(rows, rows[:, 0].copy())
    buckets.add(rows, rows[:, 0].copy())
    assert buckets.read(0, 0, 9).tolist() == [[0, 1], [0, 3], [0, 1], [0, 3]]
    assert buckets.read(0, 1, 3).tolist() == [[0, 3], [0, 1]]
    assert buckets.read(1, 0, 9).tolist() == []


# Reading.

blanks = " \t\x0b\x0c\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2003\u2028\u202f\u205f\u3000"
characters = st.one_of(
    st.sampled_from(blanks), st.sampled_from("abcdé한국어語ﬁ\u0301\u1100\u1161😀\x00\ufeff"),
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"),
)  # fmt: skip
lines = st.lists(st.text(characters, max_size=12), min_size=1, max_size=12)


def read(path, *, hold_out=None, threads=None, **rules):
    return read_words([path], WordRules(SPECIALS, **rules), hold_out=hold_out, threads=threads)


def expected(path, *, held=()):
    """The same from the tokenizer, string by string."""
    corpus = read_text(path)
    kept = [line for row, line in enumerate(corpus.lines) if row not in held]
    tokenizer = train_tokenizer(kept, kind="words", vocab_size=10**6)
    words = tuple(tokenizer.token(id) for id in range(tokenizer.vocab_size))
    bos, eos = tokenizer.bos, tokenizer.eos
    ids = [id for row in tokenizer.encode_many(kept) for id in (bos, *row, eos)]
    return words, [*ids, bos], Corpus(corpus.name, tuple(kept)).fingerprint


@settings(max_examples=60)
@given(rows=lines, end=st.sampled_from(["", "\n", "\r\n"]), threads=st.integers(1, 3))
def test_reading_is_what_python_makes_of_the_lines(tmp_path_factory, rows, end, threads):
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_bytes(("\n".join(rows) + end).encode())
    if not any(word not in SPECIALS for row in rows for word in row.split()):
        return
    found = read(path, threads=threads, reserved=Reserved.WORD)
    words, ids, sha256 = expected(path)
    assert found.words == words
    assert found.text.tolist() == ids
    assert found.sha256 == sha256


def test_blocks_and_threads_do_not_show(tmp_path, monkeypatch):
    monkeypatch.setattr("munmaek.ngram.reading.SIZE", 256)
    rng = np.random.default_rng(0)
    path = tmp_path / "text.txt"
    rows = [" ".join(f"w{n}é" for n in rng.zipf(1.5, 9)) + "\u0301" * (i % 7 == 0)
            for i in range(300)]  # fmt: skip
    path.write_text("\ufeff" + "\r\n".join(rows), encoding="utf-8")
    held = np.array([0, 5, 6, 299])
    texts = [read(path, threads=n, hold_out=lambda total: held[held < total]) for n in (1, 2, 5)]
    words, ids, sha256 = expected(path, held=held)
    stripped = unicodedata.normalize("NFC", rows[5])
    for text in texts:
        assert text.words == words
        assert text.text.tolist() == ids
        assert text.sha256 == sha256
        assert text.held[1] == stripped
        assert len(text.held) == 4


def test_compressed_files_and_several_of_them_are_read(tmp_path):
    (tmp_path / "a.txt").write_text("a b\n", encoding="utf-8")
    with gzip.open(tmp_path / "b.gz", "wb") as file:
        file.write(b"b b\r\nc")
    (tmp_path / "c.jsonl").write_text('{"text": "c d"}\n', encoding="utf-8")
    paths = [tmp_path / name for name in ("a.txt", "b.gz", "c.jsonl")]
    found = read_words(paths, WordRules(SPECIALS))
    assert found.words[5:] == ("b", "c", "a", "d")
    assert found.rows == 4


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a\nb \xff c\n", "text.txt, line 2: byte 0xff is not UTF-8"),
        (b"", "text.txt: the file is empty"),
        (b"\n \n", "only empty lines"),
        (b"a\n\nb <s> c\n", r"text.txt, line 3: one of the reserved words .* --reserved"),
    ],
)
def test_text_that_cannot_be_read_is_refused_with_its_line(tmp_path, content, message):
    (tmp_path / "text.txt").write_bytes(content)
    with pytest.raises(InputError, match=message):
        read(tmp_path / "text.txt")


@pytest.mark.parametrize("threads", [1, 2])
def test_reserved_words_are_refused_in_rows_held_out_too(tmp_path, monkeypatch, threads):
    monkeypatch.setattr("munmaek.ngram.reading.SIZE", 16)
    path = tmp_path / "text.txt"
    path.write_text("a b c d e f\na b c d e\nb </s> c\n<s>\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"text.txt, line 3: one of the reserved words"):
        read(path, threads=threads, hold_out=lambda _: np.array([0, 2]))
    held = read(path, hold_out=lambda _: np.array([0, 2]), reserved=Reserved.SPACE).held
    assert held == ("a b c d e f", "b c")


def test_reserved_words_are_left_out_or_unknown_when_asked(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("a <unk> b <s>\n", encoding="utf-8")
    assert read(path, reserved=Reserved.SPACE).text.tolist() == [2, 5, 6, 3, 2]
    assert read(path, reserved=Reserved.WORD).text.tolist() == [2, 5, 1, 6, 1, 3, 2]


def test_a_vocabulary_is_limited_by_size_and_count(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("a a a b b c\n", encoding="utf-8")
    assert read(path, most=7).words[5:] == ("a", "b")
    assert read(path, min_count=3).text.tolist() == [2, 5, 5, 5, 1, 1, 1, 3, 2]


def unstable():
    """Characters that NFC changes, moves or joins to the one before."""
    joined = set(range(0x1161, 0x1176)) | set(range(0x11A8, 0x11C3))
    for point in range(sys.maxunicode + 1):
        character = chr(point)
        parts = unicodedata.decomposition(character).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            joined.add(int(parts[1], 16))
        changed = not 0xD800 <= point < 0xE000 and (
            unicodedata.combining(character) or not unicodedata.is_normalized("NFC", character)
        )
        if changed:
            joined.add(point)
    return joined


def test_only_characters_that_nfc_leaves_alone_are_read_without_python():
    for point in unstable():
        assert count_rows(np.frombuffer(chr(point).encode(), dtype=np.uint8)) == UNSOUND
    usual = "plain ~é ñ ʼ Αβγώ Яя \ufeff“quoted” – … → ☃ かなカナ 漢字 한국어 ＡＢ 😀\n"
    assert count_rows(np.frombuffer(usual.encode(), dtype=np.uint8)) == 1


@given(content=st.binary(max_size=12))
def test_bytes_taken_as_sound_are_utf8(content):
    if count_rows(np.frombuffer(content, dtype=np.uint8)) != UNSOUND:
        text = content.decode()
        assert unicodedata.is_normalized("NFC", text)


def test_a_vocabulary_grows_without_losing_words():
    words = [f"word-{number}" for number in range(20_000)]
    block = np.frombuffer(" ".join(words + words).encode(), dtype=np.uint8)
    vocabulary = Vocabulary((b"<pad>",))
    rows = Rows(0, 1, np.empty(0, dtype=np.int64), -1, -2, -1)
    ids = vocabulary.number(block, rows)
    assert ids.tolist() == [-1, *range(1, 20_001), *range(1, 20_001), -2]
    assert vocabulary.words() == [b"<pad>", *(word.encode() for word in words)]


@pytest.mark.parametrize("size", [4_096, 66_000, 1_000_000])
def test_a_word_of_any_length_is_numbered(size):
    words = [b"a", b"x" * size, b"b", b"y" * (2 * size)]
    block = np.frombuffer(b" ".join([*words, words[1]]), dtype=np.uint8)
    vocabulary = Vocabulary((b"<pad>",))
    rows = Rows(0, 1, np.empty(0, dtype=np.int64), -1, -2, -1)
    assert vocabulary.number(block, rows).tolist() == [-1, 1, 2, 3, 4, 2, -2]
    assert vocabulary.words() == [b"<pad>", *words]


# Stages.


def test_stages_tell_how_far_the_whole_is():
    told = []
    stages = Stages({"a": 1.0, "b": 3.0}, told.append)
    stages.tell("a")
    stages.tell("b", 0.5)
    assert [(stage.name, stage.progress) for stage in told] == [("a", 0.0), ("b", 0.625)]
    assert told[0].seconds_left is None
    assert told[1].seconds_left >= 0


# The whole way.


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    rng = np.random.default_rng(1)
    path = tmp_path_factory.mktemp("corpus") / "text.txt"
    rows = (" ".join(f"w{n}" for n in rng.zipf(1.4, rng.integers(0, 12))) for _ in range(1500))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def recipe(**options):
    return Recipe.of({"task": "lm", "stage": "ngram", "tokenizer": "words", **options})


@small
def test_memory_and_threads_leave_the_model_file_as_it_is(tmp_path, corpus):
    ways = {
        "one": Resources(threads=1),
        "two": Resources(threads=2),
        "disk": Resources(memory=1 << 28),
        "there": Resources(threads=1, memory=1 << 28, temp_dir=tmp_path / "temp"),
    }
    models = {
        name: train_ngrams(recipe(), [corpus], folder=tmp_path / name, resources=resources)
        for name, resources in ways.items()
    }
    for one, other in pairwise(ways):
        same = [(tmp_path / name / "model.safetensors").read_bytes() for name in (one, other)]
        assert same[0] == same[1]
        assert models[one].info.scores == models[other].info.scores
        assert models[one].info.data == models[other].info.data
    assert not any((tmp_path / "temp").iterdir())


def test_an_index_that_outgrows_its_announced_size_is_written_whole(tmp_path, corpus, monkeypatch):
    train_ngrams(recipe(), [corpus], folder=tmp_path / "usual")
    monkeypatch.setattr("munmaek.ngram.estimation.bits_for", lambda _entries: 1)
    train_ngrams(recipe(), [corpus], folder=tmp_path / "outgrown")
    files = [tmp_path / name / "model.safetensors" for name in ("usual", "outgrown")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert (tmp_path / "outgrown" / "munmaek.json").exists()


def test_room_touched_beforehand_changes_nothing(tmp_path, corpus, monkeypatch):
    command = ["train", "lm", str(corpus), "--model", "ngram", "--tokenizer", "words", "-o"]
    assert main([*command, str(tmp_path / "cold")]) == 0
    monkeypatch.setattr(counting, "_WORTH_IT", 1)
    room = counting.room_for([str(corpus)], None)
    assert room is not None
    assert len(room.result()) == counting._SMOOTHED * corpus.stat().st_size
    assert main([*command, str(tmp_path / "warm")]) == 0
    files = [tmp_path / name / "model.safetensors" for name in ("cold", "warm")]
    assert files[0].read_bytes() == files[1].read_bytes()
    packed = corpus.with_suffix(".gz")
    assert counting.room_for([str(corpus), str(packed)], None) is None
    monkeypatch.setattr(counting, "_TOO_MUCH", 2)
    assert counting.room_for([str(corpus)], None) is None


@small
def test_rows_held_out_are_those_of_every_other_way(tmp_path, corpus):
    options = recipe(seed=3, hold_out="5%")
    model = train_ngrams(options, [corpus], folder=tmp_path / "model")
    kept, held = hold_out(1500, seed=3)
    rows = read_text(corpus).lines
    assert model.info.data["train"]["rows"] == len(kept)
    valid = Corpus("held out of text.txt", tuple(rows[row] for row in held.tolist()))
    assert model.info.data["valid"]["sha256"] == valid.fingerprint


@pytest.mark.parametrize(
    "options",
    [{"tokenizer": "bpe"}, {"model": {"smoothing": "witten-bell"}}, {"keep_text": True}],
)
def test_what_little_memory_cannot_do_is_said(tmp_path, corpus, options):
    with pytest.raises(ConfigError, match=r"--memory: .*leave"):
        train_ngrams(
            recipe(**options), [corpus], folder=tmp_path / "m", resources=Resources(memory=1)
        )
    assert not any(tmp_path.iterdir())


@small
def test_the_command_counts_over_files_and_says_what_is_wrong(tmp_path, corpus, capsys):
    command = ["train", "lm", str(corpus), "--model", "ngram", "--tokenizer", "words"]
    model = tmp_path / "model"
    assert main([*command, "-o", str(model), "--memory", "256M", "--threads", "1"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    shutil.rmtree(model)
    capsys.readouterr()
    assert main([*command, "-o", str(model), "--memory", "10M"]) == 2
    assert "--memory 10M: too little" in capsys.readouterr().err
    assert main([*command, "-o", str(model), "--reserved", "maybe"]) == 2
    assert "there are refuse, space, word" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())


@small
def test_a_model_that_cannot_be_opened_once_written_is_there(tmp_path, corpus, monkeypatch):
    def unreadable(_):
        raise ArtefactError("m/tokenizer.json: cannot be read: Too many open files")

    monkeypatch.setattr("munmaek.tasks.lm.ngrams_on_disk.load", unreadable)
    with pytest.raises(DiskError, match="Too many open files; the model was written whole"):
        train_ngrams(
            recipe(),
            [corpus],
            folder=tmp_path / "m",
            resources=Resources(memory=256 << 20, threads=1),
        )
    monkeypatch.undo()
    assert load(tmp_path / "m").score(["a b"])


def test_discounts_that_fall_back_are_said_over_files_too(tmp_path):
    ids, offsets = flat([[3, 3, 3]])
    options = {"order": 2, "vocabulary": TokenIds(4, bos=BOS, eos=EOS)}
    with pytest.warns(MunmaekWarning, match="order 1, 2"):
        on_disk(tmp_path, ids, offsets, **options)


class WithoutHugePages(mmap.mmap):
    """Memory of a kernel that was built without them."""

    def madvise(self, option, *place):
        if option == getattr(mmap, "MADV_HUGEPAGE", None):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        super().madvise(option, *place)


@pytest.mark.parametrize("kind", [mmap.mmap, WithoutHugePages])
def test_memory_that_is_given_back_is_taken_again_and_what_is_in_use_stays(monkeypatch, kind):
    monkeypatch.setattr(mmap, "mmap", kind)
    pool = MemoryPool()
    used, free = (pool.take(1 << 19, np.int32) for _ in range(2))
    used[:] = np.arange(len(used))
    free[:] = 1
    pool.give(free)
    again = pool.take(1 << 18, np.float64)
    assert np.shares_memory(free, again)
    pool.give(again)
    pool.release()
    assert np.array_equal(used, np.arange(len(used)))


def test_memory_comes_out_of_the_room_that_is_given():
    room = Future()
    room.set_result(mmap.mmap(-1, 1 << 22))
    taken = [MemoryPool(room).take(size, np.uint8) for size in (1, 1 << 21)]
    whole = np.frombuffer(room.result(), dtype=np.uint8)
    assert [np.shares_memory(whole, array) for array in taken] == [False, True]
