"""Trained networks as graphs of ONNX: every task and stage, run by onnxruntime alone."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from conftest import Run
from munmaek.errors import MunmaekWarning, UnsupportedError
from munmaek.models.bert.sentence import POOLINGS, pool, pool_padded
from munmaek.pipeline import train_recipe
from munmaek.tasks.publishing import export_graph_folder, export_onnx
from munmaek.tasks.recipe import Recipe

pytest.importorskip("onnx", reason="onnx is not installed")
runtime: Any = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

BERT = {
    "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
}  # fmt: skip
TRANSFORMER = {"dimension": 16, "heads": 2, "layers": 2, "feed_forward": 24}
RNN = {"embedding": 12, "hidden": 10}
WORDS = ("나는", "학교에", "서울", "김", "간다", "좋다,", "책", "the", "<s>", "집")
RNG = np.random.default_rng(3)
LINES = [" ".join(WORDS[int(n)] for n in RNG.integers(0, len(WORDS), 6)) for _ in range(40)]
TEXTS = [*LINES[:5], "", "나는", " ".join(LINES[:4]), "본 적 없는 낱말"]

STAGES: list[tuple[str, dict[str, Any]]] = [
    ("rnn", {**RNN, "cell": "gru", "pooling": "concat", "layers": 2}),
    ("rnn", {**RNN, "cell": "lstm", "bidirectional": False, "pooling": "attention"}),
    ("rnn", {**RNN, "cell": "elman", "pooling": "max"}),
    ("attention", RNN),
    ("self_attention", {"dimension": 16}),
    ("transformer", TRANSFORMER),
    ("transformer", {**TRANSFORMER, "norm_first": False, "learned_positions": 64}),
    ("bert", BERT),
    ("bert", {**BERT, "classifier_pooling": "mean"}),
]
LANGUAGE: list[tuple[str, dict[str, Any]]] = [
    ("rnn", {**RNN, "cell": "gru", "layers": 2}),
    ("rnn", {**RNN, "cell": "lstm"}),
    ("rnn", {**RNN, "cell": "elman", "softmax": "adaptive", "cutoffs": (20, 40)}),
    ("self_attention", {"dimension": 16}),
    ("transformer", {**TRANSFORMER, "learned_positions": 64}),
    ("transformer", {**TRANSFORMER, "norm_first": False}),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("graphs")
    labels = ["a", "b", "다"]
    kept = [text.replace("<s>", "너") for text in LINES]
    rows = [f"{text}\t{labels[at % 3]}" for at, text in enumerate(kept)]
    (folder / "labels.tsv").write_text("\n".join(["text\tlabel", *rows]), "utf-8")
    rows = [f"{text}\t{at % 7}" for at, text in enumerate(kept)]
    (folder / "values.tsv").write_text("\n".join(["text\tscore", *rows]), "utf-8")
    both = list(pairwise(kept))
    rows = [f"{a}\t{b}\t{labels[at % 2]}" for at, (a, b) in enumerate(both)]
    head = "sentence1\tsentence2\tlabel"
    (folder / "pairs.tsv").write_text("\n".join([head, *rows]), "utf-8")
    rows = [json.dumps({"text": t, "labels": labels[: at % 3]}) for at, t in enumerate(kept)]
    (folder / "several.jsonl").write_text("\n".join(rows), "utf-8")
    blocks = ["".join(f"{w}\t{'B-LOC' if w == '서울' else 'O'}\n" for w in t.split()) for t in kept]
    (folder / "names.tsv").write_text("\n".join(blocks), "utf-8")
    (folder / "text.txt").write_text("\n".join(kept), "utf-8")
    return folder


def trained(path: Path, task: str, stage: str, model: dict[str, Any], **more: Any) -> Any:
    options = {
        "task": task, "stage": stage, "model": model, "train": {"steps": 2}, "vocab_size": 300,
        **more,
    }  # fmt: skip
    return train_recipe(Recipe.of(options), [path], folder=None)


class Exported:
    """A model's folder of ONNX, and what it answers."""

    def __init__(self, model: Any, folder: Path) -> None:
        self.folder = folder
        export_graph_folder(model, folder)
        self.session = runtime.InferenceSession(str(folder / "model.onnx"))
        self.said = json.loads((folder / "graph.json").read_text("utf-8"))

    def rows(self, texts: Sequence[Any], *, literal: bool = True) -> dict[str, NDArray[np.int64]]:
        """Cut the texts as the folder's own tokenizer does."""
        from tokenizers import Tokenizer

        tokenizer: Any = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
        tokenizer.encode_special_tokens = literal
        found = tokenizer.encode_batch(list(texts))
        made = {
            "input_ids": np.array([row.ids for row in found]),
            "attention_mask": np.array([row.attention_mask for row in found]),
            "token_type_ids": np.array([row.type_ids for row in found]),
        }
        return {name: made[name] for name in (each["name"] for each in self.said["inputs"])}

    def answers(self, name: str, texts: Sequence[Any], **options: Any) -> NDArray[np.float32]:
        return self.session.run([name], self.rows(texts, **options))[0]

    def program(self, text: str) -> str:
        """What ``run.py`` says; it must load nothing of torch or munmaek."""
        program = (self.folder / "run.py").read_text("utf-8")
        assert program in (self.folder / "README.md").read_text("utf-8")
        assert "munmaek" not in program
        assert "torch" not in program
        done = subprocess.run(
            [sys.executable, "run.py"], cwd=self.folder, input=text, text=True, check=True,
            capture_output=True, encoding="utf-8",
        )  # fmt: skip
        return done.stdout


def near(found: Any, wanted: Any) -> None:
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize(("stage", "model"), STAGES)
def test_a_classifier_gives_its_calibrated_probabilities(
    stage: str, model: dict[str, Any], data: Path, tmp_path: Path
) -> None:
    ours = trained(data / "labels.tsv", "classify", stage, model).at(0.7)
    graph = Exported(ours, tmp_path / "graph")
    near(graph.answers("probabilities", TEXTS), np.exp(ours.logprobs(TEXTS)))
    for text in TEXTS[-3:]:
        near(graph.answers("probabilities", [text]), np.exp(ours.logprobs([text])))
    logits = graph.answers("logits", TEXTS)
    shifted = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    near(shifted, ours.logprobs(TEXTS))
    assert graph.said["labels"] == list(ours.labels)
    assert graph.said["temperature"] == 0.7
    assert graph.said["frame"] == "<s> TEXT </s>"


@pytest.mark.parametrize(("stage", "model"), STAGES)
def test_a_regressor_gives_values_of_its_range(
    stage: str, model: dict[str, Any], data: Path, tmp_path: Path
) -> None:
    ours = trained(data / "values.tsv", "regress", stage, model)
    graph = Exported(ours, tmp_path / "graph")
    near(graph.answers("values", TEXTS), [each.value for each in ours.rate(TEXTS)])


@pytest.mark.parametrize(("stage", "model"), [STAGES[3], STAGES[7]])
def test_pairs_and_several_labels_go_into_the_graph(
    stage: str, model: dict[str, Any], data: Path, tmp_path: Path
) -> None:
    pairs = trained(data / "pairs.tsv", "classify", stage, model, pairs=True)
    graph = Exported(pairs, tmp_path / "pairs")
    seconds = TEXTS[::-1]
    wanted = np.exp(pairs.logprobs(TEXTS, seconds))
    near(graph.answers("probabilities", list(zip(TEXTS, seconds, strict=True))), wanted)
    assert ("token_type_ids" in graph.rows([("a", "b")])) == (stage == "bert")
    said = graph.program(f"{TEXTS[0]}\t{TEXTS[1]}\n")
    assert said.split("\t")[0] == pairs.predict(TEXTS[:1], TEXTS[1:2])[0].label

    several = trained(data / "several.jsonl", "classify", stage, model)
    assert several.several
    graph = Exported(several, tmp_path / "several")
    near(graph.answers("probabilities", TEXTS), np.exp(several.logprobs(TEXTS)))
    assert graph.said["several_labels"]


@pytest.mark.parametrize("apart", [False, True])
def test_a_tagger_labels_the_same_words(apart: bool, data: Path, tmp_path: Path) -> None:
    ours = replace(trained(data / "names.tsv", "tag", "bert", BERT), apart=apart)
    graph = Exported(ours, tmp_path / "graph")
    given = [text for text in TEXTS if text]
    cut = [" ".join(ours.split(text)) for text in given]
    rows, found = graph.rows(cut), graph.answers("logits", cut)
    assert found.shape == (*rows["input_ids"].shape, len(ours.labels))
    wanted = [
        " ".join(f"{each.word}/{each.label}" for each in labelled)
        for labelled in ours.label_words([ours.split(text) for text in given])
    ]
    assert graph.program("\n".join(given)).splitlines() == wanted


@pytest.mark.parametrize(("stage", "model"), LANGUAGE)
def test_a_language_model_is_one_step_or_many_with_its_state(
    stage: str, model: dict[str, Any], data: Path, tmp_path: Path
) -> None:
    ours = trained(data / "text.txt", "lm", stage, model)
    graph = Exported(ours, tmp_path / "graph")
    begin = {
        name: np.zeros([2, *size[1:]], np.float32)
        for name, size in graph.said["state_at_first"].items()
    }
    ids = [ours.model.bos, *ours.tokenizer.encode(LINES[0])]
    rows = np.array([ids, ids[::-1]])
    whole = graph.session.run(["logprobs"], {"input_ids": rows, **begin})[0]
    state, steps = begin, list[Any]()
    for at in range(len(ids)):
        logprobs, *after = graph.session.run(None, {"input_ids": rows[:, at : at + 1], **state})
        state = dict(zip(state, after, strict=True))
        steps.append(logprobs)
    near(np.concatenate(steps, 1), whole)
    state = ours.model.start()
    for at, token in enumerate(ids[1:]):
        near(whole[0, at], ours.model.logprobs(state))
        state = ours.model.advance(state, token)
    near(np.exp(whole).sum(-1), 1.0)
    given = [text for text in TEXTS if text]
    found = [float(line) for line in graph.program("\n".join(given)).splitlines()]
    np.testing.assert_allclose(found, [each.logprob for each in ours.score(given)], rtol=1e-5)


def test_an_encoder_fills_masks(data: Path, tmp_path: Path) -> None:
    ours = trained(data / "text.txt", "mlm", "bert", BERT)
    graph = Exported(ours, tmp_path / "graph")
    rows = graph.rows([LINES[0], "나는 <mask> 간다"], literal=False)
    found = graph.session.run(["logits"], rows)[0]
    real = rows["attention_mask"].astype(bool)
    with torch.no_grad():
        ids, lengths = torch.tensor(rows["input_ids"]), torch.tensor(real.sum(1))
        wanted = ours.network.logits(ours.network(ids, lengths)).numpy()
    near(found[real], wanted[real])
    best = [word for word, _ in ours.fill("나는 <mask> 간다", top=3)[0].candidates]
    assert [word.strip() for word in graph.program("나는 <mask> 간다").split()[:3]] == best


@pytest.mark.parametrize("pooling", ["mean", "first+max", "weighted_mean"])
def test_an_embedder_gives_the_vectors_of_embed(pooling: str, data: Path, tmp_path: Path) -> None:
    ours = trained(data / "text.txt", "embed", "bert", BERT)
    for unit in (False, True):
        model = replace(ours, pooling=pooling, normalised=unit)
        graph = Exported(model, tmp_path / f"graph{unit}")
        near(graph.answers("embedding", TEXTS), model.embed(TEXTS))
        vectors = model.embed(LINES[:2])
        said = graph.program("\n".join(LINES[:2])).replace("[", " ").replace("]", " ").split()
        np.testing.assert_allclose(
            [float(x) for x in said], (vectors @ vectors.T).ravel(), rtol=1e-4
        )


@pytest.mark.parametrize("before", [0, 2])
def test_padded_rows_are_pooled_as_rows_of_one_length_are(before: int) -> None:
    names = "+".join(POOLINGS)
    hidden, lengths = torch.randn(4, 7, 5), torch.tensor([7, 4, 3, 5])
    found = pool_padded(hidden, lengths, names, before=before)
    for row, length, vector in zip(hidden, lengths.tolist(), found, strict=True):
        wanted = pool(row[None, :length], names, before=before)[0]
        torch.testing.assert_close(vector, wanted, rtol=1e-5, atol=1e-6)


def test_what_no_graph_says_is_refused_with_the_form_that_does(data: Path, tmp_path: Path) -> None:
    with pytest.warns(MunmaekWarning, match="discounts"):
        counted = trained(data / "text.txt", "lm", "ngram", {"order": 2})
    with pytest.raises(UnsupportedError, match="this one has arpa"):
        export_onnx(counted, tmp_path / "a.onnx")
    assert not (tmp_path / "a.onnx").exists()


def test_the_command_writes_a_folder_or_the_graph_alone(
    data: Path, tmp_path: Path, run: Run
) -> None:
    model, out = tmp_path / "model", tmp_path / "graph"
    trained(data / "labels.tsv", "classify", "attention", RNN).save(model)
    assert run("export", model, "--to", "onnx", "-o", out).code == 0
    names = {"README.md", "graph.json", "model.onnx", "run.py", "tokenizer.json"}
    assert {each.name for each in out.iterdir()} == names
    assert run("export", model, "--to", "onnx", "-o", out).code == 2
    assert run("export", model, "--to", "onnx", "-o", out, "--force").code == 0
    assert run("export", model, "--to", "onnx", "-o", tmp_path / "a.onnx").code == 0
    assert (tmp_path / "a.onnx").read_bytes() == (out / "model.onnx").read_bytes()


def test_texts_that_kiwi_cuts_are_said_to_be_cut_by_munmaek(data: Path, tmp_path: Path) -> None:
    pytest.importorskip("kiwipiepy", reason="kiwipiepy is not installed")
    ours = trained(data / "labels.tsv", "classify", "attention", RNN, tokenizer="morphemes")
    export_graph_folder(ours, tmp_path / "graph")
    names = {each.name for each in (tmp_path / "graph").iterdir()}
    assert names == {"README.md", "graph.json", "model.onnx"}
    assert "cut by munmaek's own tokenizer" in (tmp_path / "graph" / "README.md").read_text("utf-8")
