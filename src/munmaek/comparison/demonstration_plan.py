"""Amounts that the demonstration trains and tests on: the whole one, or the quick one.

Everything is counted in steps, sentences and words, and nothing in seconds, so that a slow machine
takes longer and gives the same numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["FULL", "QUICK", "SMALL", "TRIALS", "Plan", "Training", "Trial"]

Options = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Trial:
    """One model of the demonstration, whatever is trained of it."""

    name: str
    """Name of its row and folder: the task, and a word that tells its models apart."""
    label: str
    """Name for people."""
    stage: str
    model: Options = field(default_factory=dict[str, Any])
    """Its configuration, beside ``SMALL``."""
    shows: tuple[str, ...] = ()
    """Parts of ``results.json`` that it fills besides its row."""
    begins_from: str = ""
    """The name of the trial whose model it is begun from; empty begins from nothing."""

    @property
    def task(self) -> str:
        """Return the task that it does."""
        return self.name.partition("-")[0]

    @property
    def needs(self) -> tuple[str, ...]:
        """Return the names of the trials that come before."""
        return (self.begins_from,) if self.begins_from else ()


_WRITES = ("samples",)
_TRANSLATES, _ALIGNS = ("translations",), ("translations", "alignments")

TRIALS = (
    Trial("lm-ngram", "5-gram", "ngram", shows=_WRITES),
    Trial("lm-elman", "Elman RNN", "rnn", {"cell": "elman"}, _WRITES),
    Trial("lm-rnn", "LSTM", "rnn", shows=_WRITES),
    Trial("lm-self_attention", "self-attention", "self_attention", shows=_WRITES),
    Trial("lm-transformer", "Transformer", "transformer", shows=_WRITES),
    Trial("mlm-bert", "BERT", "bert", shows=("fills",)),
    Trial("translate-seq2seq", "encoder–decoder", "seq2seq", shows=_TRANSLATES),
    Trial("translate-attention", "attention", "attention", shows=_ALIGNS),
    Trial("translate-transformer", "Transformer", "transformer", shows=_ALIGNS),
    Trial("classify-ngram", "3-gram", "ngram", {"order": 3}),
    Trial("classify-rnn", "LSTM", "rnn"),
    Trial("classify-attention", "attention", "attention"),
    Trial("classify-self_attention", "self-attention", "self_attention"),
    Trial("classify-transformer", "Transformer", "transformer"),
    Trial("classify-bert", "BERT", "bert", begins_from="mlm-bert"),
)
"""In the order of the report."""


@dataclass(frozen=True, slots=True)
class Training:
    """Options and cost of training one model."""

    steps: int
    cost: float
    """Seconds that it takes on one idle core, testing included. It only says how much of the whole
    it is; how long that takes is measured where it runs."""
    train: Options = field(default_factory=dict[str, Any])
    """Options of the training loop."""
    recipe: Options = field(default_factory=dict[str, Any])
    """Options of the recipe."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Amounts of everything: the whole demonstration, or the quick one."""

    pairs: int
    """Sentences that the phrasebook makes, of which those with rare words are left out."""
    valid: int
    test: int
    longest: int | None
    """English words of a sentence; None takes all."""
    words: int | None
    """Only sentences of that many of the commonest English words; None takes all."""
    labelled: int
    """Rows that the classifiers learn from."""
    vocab_size: int
    max_tokens: int
    """Tokens a batch: small ones, for many steps in little time."""
    beam: int
    edges: tuple[int, ...]
    """Upper bounds, in Korean words, of the lengths that translations are scored by."""
    distances: tuple[int, ...]
    """Tokens over which the influence of the first word is measured."""
    validations: int
    trainings: Mapping[str, Training]
    """By the row's name."""


_MUON = {"optimizer": "muon", "learning_rate": 5e-3}

FULL = Plan(
    pairs=20_000,
    valid=600,
    test=600,
    longest=None,
    words=None,
    labelled=8_000,
    vocab_size=1_500,
    max_tokens=640,
    beam=4,
    edges=(4, 8, 12, 16),
    distances=(1, 2, 3, 5, 8, 12, 16, 24),
    validations=4,
    trainings={
        "lm-elman": Training(1_000, 20, {"learning_rate": 4e-3}),
        "lm-rnn": Training(1_600, 40, {"learning_rate": 5e-3}),
        "lm-self_attention": Training(1_200, 24, {"learning_rate": 5e-3}),
        "lm-transformer": Training(1_200, 60, _MUON),
        "mlm-bert": Training(1_500, 105, {"learning_rate": 5e-3}, {"mask_rates": (0.3,)}),
        "translate-seq2seq": Training(2_000, 105, {"learning_rate": 4e-3}),
        "translate-attention": Training(2_000, 145, {"learning_rate": 4e-3}),
        "translate-transformer": Training(1_500, 140, _MUON),
        "classify-rnn": Training(400, 11, {"learning_rate": 2e-3}),
        "classify-attention": Training(400, 13, {"learning_rate": 2e-3}),
        "classify-self_attention": Training(400, 7, {"learning_rate": 2e-3}),
        "classify-transformer": Training(400, 15, {"learning_rate": 1e-3}),
        "classify-bert": Training(400, 19, {"learning_rate": 5e-4}),
    },
)
QUICK = Plan(
    pairs=10_000,
    valid=300,
    test=1_000,
    longest=12,
    words=350,
    labelled=3_000,
    vocab_size=1_500,
    max_tokens=640,
    beam=1,
    edges=(3, 5),
    distances=(1, 2, 3, 5, 8),
    validations=2,
    trainings={
        "lm-elman": Training(200, 3, {"learning_rate": 5e-3}),
        "lm-rnn": Training(240, 4, {"learning_rate": 8e-3}),
        "lm-self_attention": Training(200, 3, {"learning_rate": 8e-3}),
        "lm-transformer": Training(260, 10, _MUON | {"learning_rate": 8e-3}),
        "mlm-bert": Training(220, 14, {"learning_rate": 8e-3}, {"mask_rates": (0.4,)}),
        "translate-seq2seq": Training(420, 16, {"learning_rate": 8e-3}),
        "translate-attention": Training(320, 15, {"learning_rate": 8e-3}),
        "translate-transformer": Training(220, 15, _MUON | {"learning_rate": 1e-2}),
        "classify-rnn": Training(80, 2, {"learning_rate": 3e-3}),
        "classify-attention": Training(80, 2, {"learning_rate": 3e-3}),
        "classify-self_attention": Training(100, 1.5, {"learning_rate": 3e-3}),
        "classify-transformer": Training(80, 2.5, {"learning_rate": 2e-3}),
        "classify-bert": Training(60, 3, {"learning_rate": 1e-3}),
    },
)

SMALL: dict[str, dict[str, Any]] = {
    "rnn": {"embedding": 128, "hidden": 192},
    "seq2seq": {"embedding": 128, "hidden": 256},
    "attention": {"embedding": 128, "hidden": 192},
    "self_attention": {"dimension": 128},
    "transformer": {
        "dimension": 128,
        "heads": 4,
        "layers": 2,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "feed_forward": 384,
    },
    "bert": {
        "hidden_size": 128,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "intermediate_size": 384,
        "max_position_embeddings": 128,
    },
}
"""Sizes of each stage's networks."""
