"""Graphs of ONNX with matrices of int8: smaller, near float32's answers, and said how near."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import munmaek
from conftest import Run
from munmaek.tasks.publishing import export_graph_folder, export_onnx

onnx: Any = pytest.importorskip("onnx", reason="onnx is not installed")
runtime: Any = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

BOOK = munmaek.phrasebook(pairs=400, valid=20, test=20)
TEXTS = [pair.korean for pair in BOOK.train]
LABELS = [str(pair.label) for pair in BOOK.train]
LARGE = {
    "attention": {"embedding_size": 96, "hidden_size": 64},
    "rnn": {"embedding_size": 96, "hidden_size": 64, "cell": "lstm"},
    "bert": {"hidden_size": 96, "num_hidden_layers": 1, "num_attention_heads": 2,
             "intermediate_size": 192},
}  # fmt: skip


def trained(task: str, stage: str) -> Any:
    columns = (TEXTS, LABELS) if task == "classify" else (TEXTS,)
    return munmaek.train(
        task, *columns, model=stage, model_options=LARGE[stage], steps=4, vocab_size=600,
        device="cpu",
    )  # fmt: skip


@pytest.fixture(scope="module")
def classifier() -> Any:
    return trained("classify", "attention")


@pytest.mark.parametrize(
    ("task", "stage", "share"),
    [("classify", "attention", 0.75), ("lm", "rnn", 0.55), ("mlm", "bert", 0.55)],
)
def test_an_int8_graph_is_small_and_near_float32s_which_it_says(
    task: str, stage: str, share: float, classifier: Any, tmp_path: Path
) -> None:
    """The cells of a GRU, as attention has them, stay float32."""
    model = classifier if task == "classify" else trained(task, stage)
    plain, small = tmp_path / "plain", tmp_path / "small"
    assert export_graph_folder(model, plain) == {}
    apart = export_graph_folder(model, small, int8=True)
    assert apart
    assert all(0 < each < 0.05 for each in apart.values()), apart
    said = json.loads((small / "graph.json").read_text("utf-8"))
    assert said["int8"]["from_float32"] == apart
    assert "int8" not in json.loads((plain / "graph.json").read_text("utf-8"))
    sizes = [(each / "model.onnx").stat().st_size for each in (plain, small)]
    assert sizes[1] < share * sizes[0]
    kinds = {each.data_type for each in onnx.load(small / "model.onnx").graph.initializer}
    assert onnx.TensorProto.INT8 in kinds
    assert [each.name for each in small.iterdir()].count("run.py") == 1


def test_an_int8_classifier_gives_the_labels_of_the_model(classifier: Any, tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    model = classifier
    export_graph_folder(model, tmp_path / "graph", int8=True)
    cutter: Any = Tokenizer.from_file(str(tmp_path / "graph" / "tokenizer.json"))
    rows = cutter.encode_batch(TEXTS)
    session = runtime.InferenceSession(str(tmp_path / "graph" / "model.onnx"))
    found = session.run(
        ["probabilities"],
        {
            "input_ids": np.array([row.ids for row in rows]),
            "attention_mask": np.array([row.attention_mask for row in rows]),
        },
    )[0]
    wanted = np.array([list(each.probabilities.values()) for each in model.predict(TEXTS)])
    np.testing.assert_allclose(found, wanted, atol=0.03)
    assert (found.argmax(-1) == wanted.argmax(-1)).mean() > 0.97


def test_the_command_tells_how_near_and_refuses_other_forms(
    classifier: Any, tmp_path: Path, run: Run
) -> None:
    model = tmp_path / "model"
    classifier.save(model)
    asked = ("export", model, "--to", "onnx", "--int8", "-o")
    found = run(*asked, tmp_path / "a.onnx")
    assert found.code == 0
    assert "int8: probabilities " in found.err
    assert found.err.count("% of its spread from float32's") == 2
    found = run(*asked, tmp_path / "graph", "--json")
    assert found.rows[0]["from_float32"].keys() == {"logits", "probabilities"}
    assert export_onnx(munmaek.load(model), tmp_path / "b.onnx") == {}
    refused = run("export", model, "--to", "huggingface", "--int8", "-o", tmp_path / "c")
    assert refused.code == 2
    assert "--int8: is for --to onnx, not for huggingface" in refused.err
