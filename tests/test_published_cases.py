"""Published folders that once gave other numbers than their makers' libraries."""

import json
from typing import Any

import numpy as np
import pytest
import torch

from conftest import ROOT
from munmaek import load

CASES = ROOT.parent / "shared" / "cases"
CUT = {"limit-in-tokenizer-config": 4}
"""Texts that have more tokens than the folder says are read."""


@pytest.fixture
def wanted() -> dict[str, Any]:
    """What transformers 5.23.0 and sentence-transformers 6.2.0 say."""
    if not CASES.is_dir():
        pytest.skip(f"inputs absent: {CASES}")
    return json.loads((CASES / "expected.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "name", ["default-prompt", "dense", "limit-in-tokenizer-config", "pooling-cls-5.4"]
)
def test_vectors_are_those_of_sentence_transformers(name: str, wanted: dict[str, Any]) -> None:
    told: list[Any] = []
    model = load(CASES / "sentence-transformers" / name)
    vectors = np.concatenate(list(model.embed_blocks(wanted["texts"], report=told.append)))
    np.testing.assert_allclose(vectors, wanted["sentence-transformers"][name], atol=1e-5)
    assert told[-1].longer == CUT.get(name, 0)


def test_several_labels_have_a_sigmoid_each(wanted: dict[str, Any]) -> None:
    case = wanted["huggingface"]["multi-label"]
    found = load(CASES / "huggingface" / "multi-label").predict([case["text"]])[0]
    assert list(found.probabilities.values()) == pytest.approx(case["sigmoids"], abs=1e-5)
    assert found.labels == ("LABEL_0", "LABEL_1")


def test_tied_tensors_under_the_other_name_fill_the_same(wanted: dict[str, Any]) -> None:
    case = wanted["huggingface"]["tied-under-other-name"]
    model = load(CASES / "huggingface" / "tied-under-other-name")
    found = model.fill(case["text"], top=3)[0].candidates
    assert [word for word, _ in found] == [word for word, _ in case["fills"]]
    assert [p for _, p in found] == pytest.approx([p for _, p in case["fills"]], abs=1e-5)


def test_shards_are_one_network(wanted: dict[str, Any]) -> None:
    case = wanted["huggingface"]["sharded"]
    model = load(CASES / "huggingface" / "sharded")
    with torch.no_grad():
        first = model.hidden([model.framed(case["text"]).ids])[0, 0]
    np.testing.assert_allclose(first.numpy(), case["first_token"], atol=1e-5)
