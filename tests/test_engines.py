"""N-grams that DuckDB adds up are those that one process counts, to the bit."""

import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import Run
from engines_support import write_corpus
from munmaek.engines import open_engine, train_on
from munmaek.errors import ConfigError, InputError, MunmaekWarning, OrderError, UnsupportedError
from munmaek.fit.extra import Extra
from munmaek.fit.running import Running
from munmaek.ngram.counting import bound, count
from munmaek.ngram.windows import Packing, TrieBuilder, windows_of
from munmaek.pipeline import train_recipe
from munmaek.tasks import task_named

pytest.importorskip("duckdb", reason="duckdb is not installed")

BOS, EOS = 2, 3


def recipe(**options: Any) -> Any:
    values = {"task": "lm", "stage": "ngram", "tokenizer": "words", **options}
    return task_named("lm").recipe_class().of(values)


def tables(folder: Path) -> str:
    return sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def both(tmp_path: Path, paths: list[str], made: Any, **extra: Any) -> tuple[str, str]:
    """Return the hashes of the tables counted here and by DuckDB."""
    here, there = tmp_path / "here", tmp_path / "there"
    train_recipe(made, paths, folder=here, extra=Extra(**extra), running=Running(force=True))
    train_on("duckdb", made, paths, folder=there, extra=Extra(**extra), running=Running(force=True))
    return tables(here), tables(there)


@pytest.mark.parametrize("order", range(1, 11))
@pytest.mark.parametrize("size", [9, 300, 70_000])
def test_sums_of_windows_make_the_trie_of_the_text(order: int, size: int) -> None:
    rng = np.random.default_rng(order)
    lengths = rng.integers(0, 14, 60)
    lengths[0] = 12
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    ids = np.minimum(4 + rng.zipf(1.3, int(offsets[-1])), size - 1).astype(np.int32)
    text = bound(ids, offsets, bos=BOS, eos=EOS)
    packing = Packing.of(order, size)
    middle = int(np.flatnonzero(text == EOS)[29]) + 1
    parts = [np.append(text[:middle], np.int32(BOS)), text[middle:]]
    found = [windows_of(part, packing, vocab_size=size, bos=BOS, eos=EOS) for part in parts]
    sums: dict[tuple[int, ...], int] = {}
    for keys, counts in found:
        for key, n in zip(keys.T.tolist(), counts.tolist(), strict=True):
            sums[tuple(key)] = sums.get(tuple(key), 0) + n
    ordered = sorted(sums)
    builder = TrieBuilder(packing, vocab_size=size)
    for begin in range(0, len(ordered), 37):
        keys = np.array(ordered[begin : begin + 37], dtype=np.int64).T.copy()
        builder.add(keys, np.array([sums[key] for key in ordered[begin : begin + 37]]))
    made = builder.finish(order, eos=EOS)
    wanted = count(text, order=order, vocab_size=size, bos=BOS, eos=EOS)
    for name in ("starts", "words", "links", "first", "counts"):
        assert np.array_equal(getattr(made, name), getattr(wanted, name)), name
        assert getattr(made, name).dtype == getattr(wanted, name).dtype


def test_buckets_of_windows_are_in_their_order_and_of_like_size() -> None:
    from munmaek.engines.cluster import cuts_of
    from munmaek.engines.work import bucket_of, summed_windows

    rng = np.random.default_rng(3)
    offsets = np.arange(0, 40_001, 20)
    ids = np.minimum(4 + rng.zipf(1.2, 40_000), 999).astype(np.int32)
    text = bound(ids, offsets, bos=BOS, eos=EOS)
    packing = Packing.of(4, 1000)
    keys, counts = windows_of(text, packing, vocab_size=1000, bos=BOS, eos=EOS)
    cuts = cuts_of(np.bincount(text, minlength=1000), packing, 16)
    assert list(cuts) == sorted({*cuts})
    sizes = np.bincount(bucket_of(keys[0].copy(), cuts), weights=counts, minlength=len(cuts) + 1)
    assert sizes.max() < 4 * sizes.mean()
    whole = np.concatenate([keys, counts[None]])
    twice = summed_windows(np.concatenate([whole, whole[:, ::-1]], axis=1))
    assert np.array_equal(twice[-1], 2 * summed_windows(whole)[-1])
    parts = bucket_of(keys[0].copy(), cuts)
    by_bucket = [summed_windows(whole[:, parts == each]) for each in np.unique(parts)]
    assert np.array_equal(np.concatenate(by_bucket, axis=1), summed_windows(whole))


SMOOTHINGS = (
    "kneser-ney",
    "witten-bell",
    "absolute:0.7",
    "add-k:0.1",
    "maximum-likelihood",
    "stupid-backoff",
)
CASES: list[dict[str, Any]] = [
    *({"model": {"order": order}} for order in range(1, 11)),
    *({"model": {"order": 3, "smoothing": each}} for each in SMOOTHINGS),
    {"model": {"order": 4, "prune": "0 0 1"}},
    {"model": {"order": 3, "prune_entropy": 1e-4}},
    {"model": {"order": 3}, "min_count": 3},
    {"model": {"order": 3}, "vocab_size": 9},
    {"model": {"order": 3}, "hold_out": "20"},
    {"model": {"order": 3}, "tokenizer": "bpe", "vocab_size": 300},
    {"model": {"order": 6}, "tokenizer": "characters", "vocab_size": 30},
    {"model": {"order": 2}, "tokenizer": "morphemes"},
]


@pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_duckdb_counts_what_one_process_counts(tmp_path: Path, case: dict[str, Any]) -> None:
    if case.get("tokenizer") == "morphemes":
        pytest.importorskip("kiwipiepy")
    here, there = both(tmp_path, write_corpus(tmp_path), recipe(**case))
    assert here == there


@pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")
def test_little_memory_and_reserved_words_change_nothing(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("a <s> b\nb a </s> a\n", encoding="utf-8")
    paths = [*write_corpus(tmp_path), str(tmp_path / "c.txt")]
    made = recipe(model={"order": 3})
    assert len({*both(tmp_path, paths, made, memory="256M", reserved="space")}) == 1
    assert len({*both(tmp_path, paths, made, reserved="word")}) == 1
    with pytest.raises(InputError, match=r"c\.txt, line 1: one of the reserved words"):
        train_on("duckdb", made, paths, folder=tmp_path / "refused")


@pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")
def test_a_file_keeps_counts_and_begins_anew_with_another_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from munmaek.engines import duck

    monkeypatch.setattr(duck, "_PART", 300)
    paths, made = write_corpus(tmp_path), recipe(model={"order": 4})
    train_recipe(made, paths, folder=tmp_path / "here")
    counted = list[int]()

    def counting(*given: Any, **sizes: Any) -> Any:
        if len(counted) == 2:
            raise KeyboardInterrupt
        counted.append(len(given[0]))
        return windows_of(*given, **sizes)

    engine = f"duckdb:{tmp_path / 'counts.db'}"
    monkeypatch.setattr(duck, "windows_of", counting)
    with pytest.raises(KeyboardInterrupt):
        train_on(engine, made, paths, folder=tmp_path / "there")
    counted[:] = [0] * 3
    train_on(engine, made, paths, folder=tmp_path / "there")
    again = len(counted)
    assert tables(tmp_path / "here") == tables(tmp_path / "there")
    counted[:] = [0] * 3
    train_on(engine, made, paths, folder=tmp_path / "all of it")
    assert len(counted) == 3, "nothing is counted again"
    train_on(engine, recipe(model={"order": 3}), paths, folder=tmp_path / "other")
    assert len(counted) == again + 2, "another order is counted from the first part on"


def test_what_an_engine_cannot_do_is_one_line(tmp_path: Path) -> None:
    paths = write_corpus(tmp_path)
    new = tmp_path / "new"
    with pytest.raises(ConfigError, match="--engine presto: unknown; there are duckdb"):
        open_engine("presto")
    with pytest.raises(ConfigError, match="the name of a file is wanted"):
        open_engine("duckdb:")
    with pytest.raises(ConfigError, match="--memory: is for DuckDB"):
        open_engine("local[2]", memory=1 << 30)
    for options, named in (
        ({"model": {"kenlm_compatible": True}}, "--kenlm-compatible"),
        ({"keep_text": True}, "--keep-text"),
        ({"train_rows": 9}, "--train-rows"),
    ):
        with pytest.raises(ConfigError, match=named):
            train_on("duckdb", recipe(**options), paths, folder=new)
    (tmp_path / "short.txt").write_text("a b\nb a\n", encoding="utf-8")
    with pytest.raises(OrderError, match="order 9 is too high: the longest of 2 sequences"):
        train_on("duckdb", recipe(model={"order": 9}), [str(tmp_path / "short.txt")], folder=new)
    network = task_named("lm").recipe_class().of({"task": "lm", "stage": "rnn"})
    with pytest.raises(
        UnsupportedError, match=r"counts n-grams \(lm\); rnn \(lm\) is trained here"
    ):
        train_on("duckdb", network, paths, folder=new)
    (tmp_path / "no.db").write_text("this is no database\n" * 900, encoding="utf-8")
    with pytest.raises(InputError, match=r"no\.db: cannot be opened as a database of DuckDB"):
        train_on(f"duckdb:{tmp_path / 'no.db'}", recipe(), paths, folder=new)
    new.mkdir()
    (new / "something").touch()
    with pytest.raises(InputError, match="new"):
        train_on("duckdb", recipe(), paths, folder=new)


@pytest.mark.filterwarnings("ignore:discounts of order")
def test_an_order_that_nobody_asked_for_is_lowered(tmp_path: Path) -> None:
    (tmp_path / "short.txt").write_text("a b\nb a\n", encoding="utf-8")
    with pytest.warns(MunmaekWarning, match="so the order is 4 instead of 5"):
        train_on("duckdb", recipe(), [str(tmp_path / "short.txt")], folder=tmp_path / "m")
    with pytest.warns(MunmaekWarning, match="so the order is 4 instead of 5"):
        train_recipe(recipe(), [str(tmp_path / "short.txt")], folder=tmp_path / "n")
    assert tables(tmp_path / "m") == tables(tmp_path / "n")


def test_the_command_counts_on_an_engine(tmp_path: Path, run: Run) -> None:
    paths = write_corpus(tmp_path)
    begin = ["train", "lm", *paths, "--model", "ngram", "--order", "2", "--tokenizer", "words"]
    assert run(*begin, "-o", tmp_path / "m", "--engine", "duckdb").code == 0
    refused = run(*begin, "-o", tmp_path / "n", "--engine", "duckdb", "--resume")
    assert refused.code == 2
    assert "--engine and --resume do not go together" in refused.err
    assert run("verify", tmp_path / "m").code == 0


def test_engines_load_without_their_libraries() -> None:
    program = "import sys, munmaek.engines; print({'pyspark', 'duckdb', 'torch'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout.strip() == b"set()"
