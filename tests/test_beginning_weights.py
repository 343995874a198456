"""Where a fresh network begins before it has seen anything."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

import munmaek.models
from munmaek.models import stage_named, stages
from munmaek.models.self_attention import SelfAttentionConfig, SelfAttentionLanguageNetwork
from munmaek.pipeline import train_recipe
from munmaek.tasks.recipe import Recipe

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
            **({"label_smoothing": 0.0} if task == "translate" else {}),
            "train": {"steps": 1, "learning_rate": 1e-9},
            **options,
        }
    )
    train_recipe(recipe, files, valid=files, folder=tmp_path / "model")
    counts = Counter(word for line in LINES for word in line.split())
    if task != "mlm":
        counts["</s>"] = len(LINES)
    tensors = load_file(tmp_path / "model" / "model.safetensors")
    (bias,) = (tensors[n] for n in ("output.bias", "cls.predictions.bias") if n in tensors)
    expected = sorted(counts.values(), reverse=True)
    expected += [0] * (len(bias) - len(expected))
    expected = (torch.tensor(expected) + 1) / (counts.total() + len(bias))
    torch.testing.assert_close(bias.exp().sort(descending=True).values, expected)


class Elsewhere(nn.Module):
    """A language network as another package might have it, with no output layer of ours."""

    def __init__(self, config: SelfAttentionConfig, *, vocab_size: int) -> None:
        super().__init__()
        self.inner = SelfAttentionLanguageNetwork(config, vocab_size=vocab_size)
        self.begin, self.logits = self.inner.begin, self.inner.logits
        self.log_likelihood = self.inner.log_likelihood

    def forward(self, ids, state=None, *, tape=None):
        return self.inner(ids, state, tape=tape)


def test_a_stage_of_another_package_needs_no_output_layer_of_ours(tmp_path, monkeypatch):
    ours = stage_named("self_attention")
    other = replace(ours, name="elsewhere", networks={"lm": f"{__name__}:Elsewhere"})
    table = {**stages(), other.name: other}
    monkeypatch.setattr(munmaek.models, "stages", lambda: table)
    text = tmp_path / "text.txt"
    text.write_text("\n".join(LINES) + "\n", encoding="utf-8")
    options = {"dimension": 8, "dropout": 0.0}
    recipe = Recipe.of(
        {
            "task": "lm",
            "stage": "elsewhere",
            "tokenizer": "words",
            "model": options,
            "train": {"steps": 1},
        }
    )
    train_recipe(recipe, [text], valid=[text], folder=tmp_path / "model")
    tensors = load_file(tmp_path / "model" / "model.safetensors")
    assert tensors["inner.output.bias"].abs().max() < 0.1
