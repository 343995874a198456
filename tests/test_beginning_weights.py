"""Where a fresh network begins before it has seen anything."""

from collections import Counter

import pytest
import torch
from safetensors.torch import load_file

from munmaek.recipe import Recipe, train

LINES = ["a a a a b", "a a a b", "a a a a a c", "a a b a a d"] * 20


@pytest.mark.parametrize(
    ("task", "stage", "options"),
    [
        ("lm", "rnn", {}),
        ("lm", "rnn", {"context": "document"}),
        ("lm", "transformer", {}),
        ("translate", "attention", {}),
        ("mlm", "bert", {}),
    ],
)
def test_a_network_begins_with_the_frequencies_of_what_it_learns_to_predict(
    tmp_path, task, stage, options
):
    text = tmp_path / "text.txt"
    text.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    files = [text, text] if task == "translate" else [text]
    recipe = Recipe.of(
        {
            "task": task,
            "stage": stage,
            "tokenizer": "words",
            "smoothing": 0.0,
            "train": {"steps": 1, "learning_rate": 1e-9},
            **options,
        }
    )
    train(recipe, files, valid=files, folder=tmp_path / "model")
    counts = Counter(word for line in LINES for word in line.split())
    if task != "mlm":
        counts["</s>"] = len(LINES)
    tensors = load_file(tmp_path / "model" / "model.safetensors")
    (bias,) = (tensors[n] for n in ("output.bias", "cls.predictions.bias") if n in tensors)
    expected = sorted(counts.values(), reverse=True)
    expected += [0] * (len(bias) - len(expected))
    expected = (torch.tensor(expected) + 1) / (counts.total() + len(bias))
    torch.testing.assert_close(bias.exp().sort(descending=True).values, expected)
