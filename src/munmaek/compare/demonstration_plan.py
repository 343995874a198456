"""How much of everything the demonstration trains: all of it, or the quick one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["FULL", "QUICK", "SMALL", "Plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of everything: the whole demonstration, or the quick one."""

    pairs: int
    valid: int
    test: int
    vocab_size: int
    max_tokens: int
    """Tokens a batch: small ones, for many steps in little time."""
    beam: int
    validations: int
    note: str | None
    """What a reader of the report must know."""
    seconds: Mapping[str, float]
    """Training time by row name."""


FULL = Plan(
    pairs=24_000,
    valid=600,
    test=600,
    vocab_size=1_500,
    max_tokens=640,
    beam=4,
    validations=4,
    note=None,
    seconds={
        "lm-elman": 12,
        "lm-rnn": 25,
        "lm-self_attention": 18,
        "lm-transformer": 25,
        "classify-rnn": 10,
        "classify-attention": 10,
        "classify-self_attention": 8,
        "classify-transformer": 10,
        "mlm-bert": 60,
        "classify-bert": 10,
        "translate-seq2seq": 60,
        "translate-attention": 70,
        "translate-transformer": 65,
    },
)
QUICK = Plan(
    pairs=3_000,
    valid=60,
    test=120,
    vocab_size=800,
    max_tokens=400,
    beam=1,
    validations=1,
    note=(
        "A quick run: each network was trained for seconds, so its figures say little. "
        "Without --quick the lineage can be seen at work."
    ),
    seconds={
        "lm-elman": 1,
        "lm-rnn": 2,
        "lm-self_attention": 1.5,
        "lm-transformer": 2,
        "classify-rnn": 1,
        "classify-attention": 1,
        "classify-self_attention": 1,
        "classify-transformer": 1,
        "mlm-bert": 3,
        "classify-bert": 1,
        "translate-seq2seq": 4,
        "translate-attention": 5,
        "translate-transformer": 4,
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
