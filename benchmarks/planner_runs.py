"""Runs of ``planner.py``: short ones, in CPU-seconds of one core, before and after planning.

``before`` has the defaults of the stage, ``plan`` what the budget chooses; the others vary a thing
each. What they come to stands in ``logs/planner.jsonl``.
"""

from typing import Any

__all__ = ["EXPERIMENTS"]


def pair(row: str, stage: str, seconds: float) -> dict[str, dict[str, Any]]:
    """Return a run with the defaults and one with the plan, of the same budget."""
    what = {"row": row, "stage": stage, "train": {"budget": seconds}}
    name = f"{row}-{stage}-{seconds:g}"
    return {f"{name}-before": {**what, "plans": False}, f"{name}-plan": {**what, "plans": True}}


SMALL = {"vocab_size": 2000, "max_tokens": 1024}
CLASSIFIER = {
    "embedding": 128,
    "hidden": 128,
    "pooling": "concat",
    "dropout": 0.4,
    "scaled_embeddings": False,
}
MEAN = {"averaging": "exponential", "precision": "auto"}

EXPERIMENTS: dict[str, dict[str, Any]] = {
    "trec-ngram": {"row": "trec", "stage": "ngram"},
    "trec-ngram-characters": {
        "row": "trec",
        "stage": "ngram",
        "recipe": {"tokenizer": "characters"},
    },
    **pair("trec", "rnn", 60),
    "trec-rnn-60-script": {
        "row": "trec",
        "stage": "rnn",
        "recipe": {"max_tokens": 1536},
        "model": CLASSIFIER,
        "train": {"budget": 60, "learning_rate": 2e-3, **MEAN},
    },
    **pair("trec", "attention", 60),
    "trec-attention-60-small": {
        "row": "trec",
        "stage": "attention",
        "recipe": SMALL,
        "model": {"dropout": 0.4},
        "train": {"budget": 60, **MEAN},
    },
    **pair("multi30k", "attention", 180),
    **pair("multi30k", "transformer", 180),
    **pair("multi30k", "seq2seq", 180),
    **pair("ptb", "rnn", 120),
    **pair("ptb-bpe", "rnn", 120),
    **pair("docs-ko-en", "attention", 300),
    **pair("docs-ko-en", "transformer", 300),
    **pair("docs-en-ko", "transformer", 300),
}
"""Names of runs and what they train."""
