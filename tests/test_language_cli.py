"""Documents, adaptation and classifiers that begin from a language model, as commands."""

import json
from pathlib import Path
from typing import Any

import pytest

from munmaek.cli import main

pytestmark = pytest.mark.usefixtures("one_thread")

SUBJECTS = ("나는", "너는", "우리는", "그는")
PLACES = ("학교에서", "집에서", "공원에서")
VERBS = ("책을 읽는다", "노래를 듣는다", "밥을 먹는다")
LINES = [f"{s} {p} {v}" for s in SUBJECTS for p in PLACES for v in VERBS]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("language")
    (folder / "text.txt").write_text("\n".join(LINES * 4) + "\n", encoding="utf-8")
    (folder / "test.txt").write_text("\n".join(LINES[::3]) + "\n", encoding="utf-8")
    labels = "".join(f"{line}\t{'me' if line.startswith('나') else 'other'}\n" for line in LINES)
    (folder / "labels.tsv").write_text(labels, encoding="utf-8")
    (folder / "lm.toml").write_text(
        'context = "document"\nbatch_size = 4\nsequence_length = 10\n'
        "activation_regularisation = 1.0\n"
        "[model]\nembedding = 12\nhidden = 10\nlayers = 2\nweight_dropout = 0.1\nsampled = 8\n"
        '[train]\nsteps = 30\nlearning_rate = 0.02\nschedule = "one-cycle"\n',
        encoding="utf-8",
    )
    (folder / "classifier.toml").write_text(
        '[model]\npooling = "concat"\nbidirectional = false\n'
        "[train]\nsteps = 12\nlayer_decay = 0.385\nunfreeze = 0.5\n",
        encoding="utf-8",
    )
    plain = ["--tokenizer", "words"]
    text, rnn, counted = (str(folder / name) for name in ("text.txt", "rnn", "counted"))
    config = ["--config", str(folder / "lm.toml")]
    assert main(["train", "lm", text, "--model", "rnn", "-o", rnn, *config, *plain]) == 0
    assert main(["train", "lm", text, "--model", "ngram", "-o", counted, "--tokenizer", rnn]) == 0
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def scores(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    code, out, err = run(capsys, "evaluate", *arguments, "--json")
    assert code == 0, err
    return json.loads(out)["scores"]


def test_a_document_and_its_sentences_are_measured_apart(home, capsys):
    whole = scores(capsys, home / "rnn", home / "test.txt")["perplexity"]
    apart = scores(capsys, home / "rnn", home / "test.txt", "--context", "sentence")["perplexity"]
    assert "|context:document|" in whole["signature"]
    assert "context" not in apart["signature"]
    assert whole["value"] != apart["value"]


def test_what_adapts_is_reported_apart_and_says_how_it_was_chosen(home, capsys):
    tune = ("--tune", home / "text.txt")
    found = scores(
        capsys, home / "rnn", home / "test.txt", "--cache", "--dynamic", "--mix",
        home / "counted", *tune,
    )  # fmt: skip
    plain = scores(capsys, home / "rnn", home / "test.txt")
    assert found["perplexity"]["value"] == pytest.approx(plain["perplexity"]["value"], rel=1e-5)
    names = [name for name in found if name.startswith("perplexity, ")]
    assert names == [
        "perplexity, cache",
        "perplexity, dynamic",
        "perplexity, dynamic + cache",
        "perplexity, 5-gram",
        "perplexity, cache + 5-gram",
        "perplexity, dynamic + 5-gram",
        "perplexity, dynamic + cache + 5-gram",
    ]
    for name in names:
        assert "|adapted:" in found[name]["signature"]
    # The 5-gram counted the very text that weights are chosen on.
    assert found["perplexity, 5-gram"]["value"] < found["perplexity"]["value"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--cache",), "need --tune FILE"),
        (("--context", "page"), "context = 'page': input should be 'sentence' or 'document'"),
    ],
)
def test_what_cannot_be_measured_says_why(home, capsys, options, message):
    code, _, err = run(capsys, "evaluate", home / "rnn", home / "test.txt", *options)
    assert code == 2
    assert message in err


def test_only_recurrent_language_models_read_documents(home, capsys, tmp_path):
    config = home / "lm.toml"
    code, _, err = run(
        capsys, "train", "lm", home / "text.txt", "--model", "ngram", "--config", config, "-o",
        tmp_path / "m",
    )  # fmt: skip
    assert code == 2
    assert "context = 'document' is for rnn language models" in err or "unknown option" in err


def test_a_classifier_begins_from_a_language_model_with_its_sizes(home, capsys, tmp_path):
    code, _, err = run(
        capsys, "train", "classify", home / "labels.tsv", "--model", "rnn", "--config",
        home / "classifier.toml", "--init", home / "rnn", "-o", tmp_path / "classifier",
    )  # fmt: skip
    assert code == 0, err
    written = json.loads((tmp_path / "classifier" / "config.json").read_text())
    assert (written["embedding"], written["hidden"], written["layers"]) == (12, 10, 2)
    code, out, _ = run(capsys, "evaluate", tmp_path / "classifier", home / "labels.tsv", "--json")
    assert code == 0
    assert json.loads(out)["scores"]["accuracy"]["value"] > 0
