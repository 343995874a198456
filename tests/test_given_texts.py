"""Texts that a program or a command line gives: one, many, and what is none."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from conftest import Run
from munmaek.errors import InputError
from munmaek.pipeline import train_recipe
from munmaek.tasks.inside import Question
from munmaek.tasks.loading import load
from munmaek.tasks.recipe import Recipe
from munmaek.text.corpora import read_lines
from munmaek.text.given import given_texts, paired_texts
from munmaek.text.tokenizers import train_tokenizer

LINES = [f"{a} {b} {c}" for a in "abcd" for b in "efg" for c in "hi"]
BERT = {
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
}
SEEN = {"embedding": 8, "hidden": 8, "encoder_hidden": 8}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A tiny model of every task."""
    folder = tmp_path_factory.mktemp("given")
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    (folder / "t.txt").write_text("\n".join(LINES), encoding="utf-8")
    tables = {
        "classify": "".join(f"{line}\t{line[0]}\n" for line in LINES),
        "regress": "".join(f"{line}\t{number}\n" for number, line in enumerate(LINES)),
        "tag": "\n".join("".join(f"{w}\t{w in 'ab'}\n" for w in line.split()) for line in LINES),
    }
    for name, content in tables.items():
        (folder / name).write_text(content, encoding="utf-8")
    made: dict[str, Any] = {}
    for task, stage, model in (
        ("lm", "ngram", {"order": 2, "smoothing": "witten-bell"}),
        ("classify", "bert", BERT),
        ("regress", "bert", BERT),
        ("tag", "bert", BERT),
        ("mlm", "bert", BERT),
        ("translate", "attention", SEEN),
    ):
        path = folder / (task if task in tables else "t.txt")
        recipe = Recipe(task=task, stage=stage, tokenizer="words", model=model, train={"steps": 2})
        paths = [path, path] if task == "translate" else [path]
        train_recipe(recipe, paths, folder=folder / f"{task}-model")
        made[task] = load(folder / f"{task}-model")
    torch.set_num_threads(before)
    return made


def _methods(models: dict[str, Any]) -> dict[str, Callable[[Any], Any]]:
    return {
        "predict": models["classify"].predict,
        "logprobs": models["classify"].logprobs,
        "rate": models["regress"].rate,
        "tag": models["tag"].tag,
        "score": models["lm"].score,
        "total": models["lm"].total,
        "pseudo": models["mlm"].score,
        "embed": models["mlm"].embed,
        "translate": models["translate"].translate,
        "align": lambda texts: models["translate"].align(texts, texts),
        "encode_many": models["lm"].tokenizer.encode_many,
    }


METHODS = (
    "predict", "logprobs", "rate", "tag", "score", "total", "pseudo", "embed", "translate", "align",
    "encode_many",
)  # fmt: skip


@pytest.mark.parametrize("name", METHODS)
def test_one_string_is_one_text(models: dict[str, Any], name: str) -> None:
    method = _methods(models)[name]
    one, listed = method("a e h"), method(["a e h"])
    if isinstance(one, np.ndarray):
        assert len(one) == 1
        np.testing.assert_array_equal(one, listed)
    else:
        assert str(one) == str(listed)


BAD = {
    "None": (["a", None], r"text 1 \(from 0\): a string is wanted, got None"),
    "a number": (["a", "b", 3], r"text 2 \(from 0\): a string is wanted, got 3 \(int\)"),
    "nan": ([float("nan")], r"text 0 \(from 0\): a string is wanted, got nan \(float\)"),
    "bytes": (["a", b"b"], r"text 1 \(from 0\): a string is wanted, got b'b' \(bytes\)"),
    "a surrogate": (["a", "b\ud800"], r"text 1 \(from 0\): holds '\\ud800', half a surrogate"),
    "a single surrogate": ("\udcff", r"text: holds '\\udcff', half a surrogate"),
    "bytes alone": (b"abc", r"a text or a list of them is wanted, got b'abc' \(bytes\)"),
    "nothing": (None, r"a text or a list of them is wanted, got None"),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("name", METHODS)
def test_what_is_no_text_is_named(models: dict[str, Any], name: str, case: str) -> None:
    given, said = BAD[case]
    with pytest.raises(InputError, match=said) as caught:
        _methods(models)[name](given)
    assert "\n" not in str(caught.value)


def test_single_texts_are_checked_too(models: dict[str, Any]) -> None:
    for method in (
        models["mlm"].fill,
        models["lm"].next_tokens,
        models["lm"].explain,
        lambda text: models["classify"].predictions(Question(text)),
        models["lm"].tokenizer.encode,
        models["lm"].tokenizer.subwords,
    ):
        for given in (None, 3, b"a", ["a"], "a \ud83d"):
            with pytest.raises(InputError):
                method(given)


def test_words_are_lists_and_no_text(models: dict[str, Any]) -> None:
    for given in ("a e", ["a e"], [["a", None]]):
        with pytest.raises(InputError, match="sentence 0"):
            models["tag"].label_words(given)


def test_any_sequence_of_texts_will_do() -> None:
    assert given_texts(np.array(["a", "b"])) == ["a", "b"]
    assert given_texts(text for text in "ab") == ["a", "b"]
    assert given_texts([]) == []
    with pytest.raises(InputError, match="a second text is wanted for each of 2 texts, got 1"):
        paired_texts(["a", "b"], "c")


def test_a_vocabulary_is_learned_of_texts_and_not_of_characters() -> None:
    assert train_tokenizer("hello there", kind="words").id("hello") is not None
    with pytest.raises(InputError, match=r"text 1 \(from 0\)"):
        train_tokenizer(["a", None], kind="words")


def test_half_a_surrogate_pair_in_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"a\n\xed\xa0\x80 b\n")
    with pytest.raises(InputError, match=r"line 2: byte 0xed is not UTF-8; .* surrogate pairs"):
        list(read_lines(tmp_path / "a.txt"))


@pytest.mark.parametrize("command", ["next", "generate", "classify", "fill", "look", "train"])
def test_an_argument_that_is_not_utf8_is_named(run: Run, command: str) -> None:
    done = run(command, "model", "\udcbe\udcc8")
    assert (done.code, len(done.err.splitlines())) == (2, 1)
    assert "argument 3 is not UTF-8: '\\udcbe\\udcc8'" in done.err


def test_bytes_on_the_command_line_are_named() -> None:
    command = [sys.executable.encode(), b"-m", b"munmaek", b"next", b"m", "안녕".encode("cp949")]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(b"munmaek: argument 3 is not UTF-8")
    assert len(done.stderr.splitlines()) == 1


def test_look_takes_no_folder_for_a_sentence_and_no_sentence_for_a_folder(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "a").mkdir(parents=True)
    (tmp_path / "models" / "b").mkdir()
    for text, said in (
        (
            "models/b",
            "models/b: a folder, where a sentence is wanted; another model goes with --with",
        ),
        ("models/typo", "models/typo: no such folder"),
        ("./typo", "./typo: no such folder"),
        ("elsewhere/typo", "elsewhere/typo: no such folder"),
        ("/nowhere/at/all", "/nowhere/at/all: no such folder"),
    ):
        done = run("look", "models/a", text, "he said and/or wrote", "--json")
        assert (done.code, said in done.err) == (2, True), done.err
    # What merely has a slash is a sentence; the missing model is what is wrong here.
    for text in ("and/or", "24/7", "http://example.org", "나는 집에/학교에 간다", "x" * 5000):
        done = run("look", "models/nothing", text, "--json")
        assert done.code == 2
        assert done.err.startswith("munmaek: models/nothing"), done.err
    done = run("look", "typo", "a sentence of words")
    assert (done.code, done.err.startswith("munmaek: typo")) == (2, True)
