"""Files of one JSON value that are read back: records of ``look``, results, what was compared."""

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from munmaek.comparison.lessons import examine
from munmaek.comparison.report import render_report
from munmaek.comparison.unfinished import made_aside, same_data
from munmaek.look import Attention, Gates, Record, Side, Stepper, Summary, page
from munmaek.text.json_files import read_json_object

__all__ = ["VALUES"]


def _record() -> bytes:
    """A sentence through one attention with its numbers, and one layer of gates."""
    side = Side(("▁나", "는", "</s>"), (0, 0, -1), ("나는",))
    tensors = {name: np.full((2, 3, 3), 1 / 3, np.float32) for name in ("w", "q", "k", "v", "s")}
    tensors |= {"c": np.zeros((2, 3, 4), np.float32), "g": np.ones((3, 4), np.float32)}
    attention = Attention(
        "layer.0.self", "self", 0, 2, "w", "source", "source", True, None,
        Stepper("q", "k", "v", "s", "c"), Summary((0.5, 1.0), ("even", ""), (None, 0.1), (0.2, 0)),
    )  # fmt: skip
    record = Record(
        "models/m", "m", "lm", "transformer", "나는", side, output=side, written=side,
        logprobs=(-1.0, -0.5, -2.0), tensors=tensors, attentions=(attention,), rollout="w",
        gates=(Gates("layer.0", {"update": "g"}, "source"),), segments=(0, 0, 1), notices=("cut",),
        off=(("layer.0.self", 1),), outcome={"text": "나는"}, measures={"coverage": 0.5},
    )  # fmt: skip
    return record.to_json().encode()


def _looked_at(path: Path) -> Any:
    return page([Record.from_json(path.read_text(encoding="utf-8", errors="replace"))], title="one")


def _score(value: float) -> dict[str, Any]:
    return {
        "value": value, "unit": "share", "signature": "task:lm|stage:rnn|munmaek:0.1.0",
        "low": value - 0.1, "high": value + 0.1, "rows": 20, "of": "texts", "data": "a.txt",
    }  # fmt: skip


def _model(task: str, stage: str, metrics: dict[str, float]) -> dict[str, Any]:
    scores = {name: _score(value) for name, value in metrics.items()}
    lengths = [{"low": low, "high": low + 4, "count": 9, **scores} for low in (1, 6, 11)]
    evidence = {"perplexity": 4.0, "same_outputs": 0.1, "same_references": 0.1}
    return {
        "name": f"{task}-{stage}", "task": task, "stage": stage, "label": stage, "context": "all",
        "scores": scores, "parameters": 1000, "bytes": 4000, "train_seconds": 1.5,
        "tokens_per_second": 9.5, "use_per_second": 3.0, "use_unit": "sentences",
        "by_length": lengths if task == "translate" else [], "curve": [[0, 5.0], [10, 3.0]],
        "diagnosis": [
            {"name": name, "found": True, "evidence": evidence, "message": "one line"}
            for name in ("ignores_source", "unmoved")
        ],
    }  # fmt: skip


def _results() -> bytes:
    """Results of which every part of the report has something to draw."""
    results: dict[str, Any] = {
        "format": 1, "munmaek": "0.1.0", "created": "2025-01-31T12:00:05+00:00", "title": "all",
        "command": "munmaek demo", "machine": {"processor": "EPYC", "cores": 2, "torch": "2.9"},
        "data": [{
            "name": "a.txt", "task": "lm", "train": 900, "valid": 9, "test": 12,
            "fingerprint": "a", "test_fingerprint": "a", "tested_on": "test", "test_name": "b.txt",
        }],
        "models": [
            _model("lm", "ngram", {"bits_per_character": 2.0, "perplexity": 64.0}),
            _model("lm", "rnn", {"bits_per_character": 1.9, "perplexity": 52.0}),
            _model("classify", "rnn", {"accuracy": 0.8, "macro_f1": 0.7}),
            _model("translate", "seq2seq", {"bleu": 5.0, "chrf": 20.0, "ter": 90.0}),
            _model("translate", "attention", {"bleu": 30.0, "chrf": 50.0, "ter": 50.0}),
            _model("mlm", "bert", {"masked_accuracy": 0.6}),
        ],
        "baselines": [{"task": "classify", "label": "usual", "scores": {"accuracy": _score(0.5)}}],
        "alignments": [{
            "model": "translate-attention", "source": ["나는", "간다"], "target": ["I", "go"],
            "weights": [[0.9, 0.1], [0.8, 0.2]], "gold": [[0, 0], [1, 1]],
            "scores": {"aer": _score(0.2)},
        }],
        "fills": [{
            "text": "나는 <mask> 간다", "answer": "집에",
            "candidates": [{"token": "집에", "probability": 0.6}, {"token": "또"}],
        }],
        "samples": [{"model": "lm-rnn", "prompt": "나는", "text": "나는 간다"}],
        "translations": [{"source": "나는", "reference": "I", "outputs": {"x": "me"}}],
        "influence": [{"model": "lm-rnn", "distance": [1, 4, 16], "norm": [1.0, 0.1, 1e-3]}],
        "work": [{"model": "lm-rnn", "length": [8, 64], "multiplications": [1e4, 1e4]}],
        "notes": ["one note"],
    }  # fmt: skip
    lessons = [each.to_json() for each in examine(results)]
    return json.dumps(results | {"lessons": lessons}, ensure_ascii=False).encode()


def _report(path: Path) -> Any:
    results = read_json_object(path)
    return [render_report(results, language=language) for language in ("en", "ko")]


def _going_on(path: Path) -> Any:
    """A comparison that goes on, of which this is what was asked before."""
    folder = path.parent / "comparison"
    for place in (folder, path.parent / "comparison.partial"):
        shutil.rmtree(place, ignore_errors=True)
    place.mkdir()
    shutil.copyfile(path, place / "compare.json")
    with made_aside(folder, asked=ASKED, force=False, resume=True):
        same_data(folder, DATA)


ASKED: dict[str, Any] = {"task": "lm", "recipe": {"vocab_size": 300, "train": {"steps": 5}}}
DATA = [{"name": "a.txt", "fingerprint": "ab" * 32, "train": 90}]

VALUES: Mapping[str, tuple[bytes, Callable[[Path], Any]]] = {
    "record": (_record(), _looked_at),
    "results": (_results(), _report),
    "comparison": (json.dumps(ASKED | {"data": DATA}).encode(), _going_on),
}
"""An undamaged file of each, and what reads it. Mostly a value is damaged rather than a byte."""
