"""The runs that ``munmaek.planning`` rests on, as ``planner.py`` writes them into its table.

A run is data, options and what came of it; ``log`` names the note or log that has it. Runs of
``planner.py`` are added from ``logs/planner.jsonl`` by their names.
"""

from typing import Any

__all__ = ["RUNS", "STAGES"]

NOTES = "docs/lab"

# Language models: AdamW under one cycle for a few passes, SGD along a line for many.
CYCLE: dict[str, Any] = {
    "optimizer": "adamw",
    "schedule": "one-cycle",
    "warmup": 0.1,
    "learning_rate": 5e-3,
    "weight_decay": 0.0,
    "clip": 2.0,
    "averaging": "exponential",
    "average_decay": 0.998,
    "validations": 6,
    "precision": "auto",
}
LINE: dict[str, Any] = {
    **CYCLE,
    "optimizer": "sgd",
    "schedule": "linear",
    "warmup": 0.02,
    "learning_rate": 20.0,
    "weight_decay": 1.2e-6,
    "clip": 0.25,
}
DOCUMENT: dict[str, Any] = {
    "context": "document",
    "batch_size": 20,
    "sequence_length": 50,
    "activation_regularisation": 1.0,
    "temporal_activation_regularisation": 0.5,
    "vocab_size": 40_000,
}
TRANSLATION: dict[str, Any] = {
    "validations": 20,
    "averaging": "last",
    "average_over": 5,
    "precision": "auto",
}


def language(dropout: float, sampled: int) -> dict[str, Any]:
    """Return options of the two tied layers of a language model."""
    return {
        "layers": 2,
        "dropout": dropout,
        "embedding_dropout": 0.05,
        "scaled_embeddings": False,
        "sampled": sampled,
    }


def words(name: str, tokens: int, passes: float, width: int, **more: Any) -> dict[str, Any]:
    """Return a run of a language model by words."""
    model = language(more.pop("dropout"), more.pop("sampled"))
    batch = {"batch_size": more.pop("batch", 20), "sequence_length": more.pop("length", 50)}
    return {
        "task": "lm",
        "stage": "rnn",
        "data": name,
        "tokens": tokens,
        "passes": passes,
        "follows": True,
        "tokenizer": "words",
        "size": {"hidden": width, "embedding": width},
        "model": model,
        "recipe": {**DOCUMENT, **batch},
        "train": more.pop("train", CYCLE),
        "vocabulary": 10_003 if tokens < 1_500_000 else 33_281,
        **more,
    }


def pairs(stage: str, name: str, tokens: int, passes: float, **more: Any) -> dict[str, Any]:
    """Return a run of a translator."""
    train = {**TRANSLATION, "learning_rate": more.pop("rate")}
    return {
        "task": "translate",
        "stage": stage,
        "data": name,
        "tokens": tokens,
        "passes": passes,
        "follows": False,
        "vocabulary": 8000,
        **more,
        "train": train,
    }


PTB, WIKITEXT = "Penn Treebank by words", "WikiText-2 by words"
SHORT = "benchmarks/language_model_figures.py, docs/lab/language-models.md"
JOINT = {"vocab_size": 8000, "max_tokens": 4096}
APART = {"vocab_size": 8000, "max_tokens": 2048}
GUIDED = {"alignment_supervision": "statistical"}
CAPTIONS, DOCS, STRINGS = "Multi30k de-en", "documentation ko-en", "interface strings en-ko"
FIGURES = "benchmarks/translation_figures.py, docs/lab/translation.md"
ATTENTION = {"embedding": 256, "hidden": 256, "encoder_hidden": 192}
WIDER = {"embedding": 256, "hidden": 384, "encoder_hidden": 256}
FIXED = {"embedding": 256, "hidden": 512}

RUNS: list[dict[str, Any]] = [
    words(
        PTB, 929_589, 5, 300, dropout=0.2, sampled=2000, result="98.7 test perplexity", run=SHORT
    ),
    words(
        PTB, 929_589, 16, 400, dropout=0.35, sampled=2000, result="91.3 test perplexity", run=SHORT
    ),
    words(
        PTB,
        929_589,
        33,
        512,
        dropout=0.45,
        sampled=2000,
        train=LINE,
        length=35,
        result="72.6 test perplexity",
        run="benchmarks/logs/ptb-60.jsonl",
    ),
    words(
        WIKITEXT,
        2_088_628,
        5,
        400,
        dropout=0.2,
        sampled=3000,
        batch=30,
        result="114.2 test perplexity",
        run=SHORT,
    ),
    words(
        WIKITEXT,
        2_088_628,
        12.7,
        400,
        dropout=0.25,
        sampled=3000,
        batch=30,
        result="109.8 test perplexity",
        run="benchmarks/logs/wikitext-2-60.jsonl",
    ),
    pairs(
        "attention",
        CAPTIONS,
        818_609,
        15.1,
        size=ATTENTION,
        model={"dropout": 0.4},
        recipe=JOINT,
        rate=2e-3,
        result="40.7 BLEU",
        run=FIGURES,
    ),
    pairs(
        "attention",
        DOCS,
        2_741_690,
        1.5,
        size=WIDER,
        model={"dropout": 0.2},
        recipe=APART,
        extra=GUIDED,
        rate=2e-3,
        result="16.8 BLEU",
        run=FIGURES,
    ),
    pairs(
        "attention",
        STRINGS,
        7_045_303,
        2.04,
        size=WIDER,
        model={"dropout": 0.2},
        recipe=APART,
        extra=GUIDED,
        rate=2e-3,
        result="40.3 BLEU",
        run=FIGURES,
    ),
    pairs(
        "attention",
        STRINGS,
        7_045_303,
        7.43,
        size=WIDER,
        model={"dropout": 0.2},
        recipe=APART,
        extra=GUIDED,
        rate=2e-3,
        result="43.6 BLEU",
        run=FIGURES,
    ),
    pairs(
        "seq2seq",
        CAPTIONS,
        818_609,
        10.8,
        size=FIXED,
        model={"dropout": 0.4, "reverse_source": True},
        recipe=JOINT,
        rate=2e-3,
        result="30.3 BLEU",
        run=FIGURES,
    ),
    pairs(
        "seq2seq",
        DOCS,
        2_741_690,
        2.9,
        size=FIXED,
        model={"dropout": 0.2, "reverse_source": True},
        recipe=APART,
        rate=2e-3,
        result="9.0 BLEU",
        run=FIGURES,
    ),
    pairs(
        "seq2seq",
        STRINGS,
        7_045_303,
        10.7,
        size=FIXED,
        model={"dropout": 0.2, "reverse_source": True},
        recipe=APART,
        rate=2e-3,
        result="30.9 BLEU",
        run=FIGURES,
    ),
    pairs(
        "transformer",
        CAPTIONS,
        818_609,
        19.0,
        size={"dimension": 128, "feed_forward": 256},
        model={"layers": 4, "dropout": 0.3},
        recipe=JOINT,
        rate=4e-3,
        result="40.5 BLEU",
        run=FIGURES,
    ),
    pairs(
        "transformer",
        DOCS,
        2_741_690,
        2.0,
        size={"dimension": 256, "feed_forward": 1024},
        model={"layers": 3, "dropout": 0.1},
        recipe=APART,
        extra=GUIDED,
        rate=2e-3,
        result="9.3 BLEU",
        run=FIGURES,
    ),
]
"""Runs that notes in ``docs/lab`` tell of."""

HANGUL = "morphemes+bpe"
STAGES: list[dict[str, Any]] = [
    {
        "task": "lm",
        "stage": "rnn",
        "share": 0.5,
        "enough": 40,
        "simpler": "ngram",
        "worth": 2.0,
        "requires": {"cell": ["lstm", "gru"]},
    },
    {
        "task": "translate",
        "stage": "attention",
        "extra_unless": ["bpe_dropout"],
        "weights_a_token": 2.4,
        "one_vocabulary": True,
        "share": 0.6,
        "enough": 24,
        "hangul": HANGUL,
    },
    {
        "task": "translate",
        "stage": "seq2seq",
        "weights_a_token": 5.0,
        "one_vocabulary": True,
        "share": 0.5,
        "enough": 24,
        "hangul": HANGUL,
    },
    {
        "task": "translate",
        "stage": "transformer",
        "extra_unless": ["bpe_dropout"],
        "weights_a_token": 1.7,
        "one_vocabulary": True,
        "share": 0.5,
        "enough": 32,
        "hangul": HANGUL,
    },
]
"""What is known of stages besides: shares are those of docs/lab/speed.md and translation.md."""
