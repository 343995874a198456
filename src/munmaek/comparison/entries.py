"""A model's entry in ``results.json``: evaluated, timed, and described; n-grams without torch."""

import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from munmaek.fit.trained import Trained
from munmaek.folder.info import munmaek_version
from munmaek.metrics import Score
from munmaek.metrics.training import TRAINING_FAILURES
from munmaek.mixing import Mixture, tune_mixture
from munmaek.models import stage_named
from munmaek.models.ngram import NgramClassifier, NgramModel
from munmaek.tasks.classify.mixed import MixedClassifier
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.scoring import corpus_scores
from munmaek.text.corpora import Corpus, LabelledCorpus, ParallelCorpus

if TYPE_CHECKING:
    from munmaek.tasks.mlm.model import Encoder
    from munmaek.tasks.translate.model import Translator

__all__ = [
    "classifier_row",
    "encoder_row",
    "language_model_row",
    "machine",
    "mixture_row",
    "results_header",
    "translator_row",
]

Row = dict[str, Any]


def results_header(*, title: str, command: str) -> dict[str, Any]:
    """What every ``results.json`` begins with."""
    return {
        "format": 1,
        "munmaek": munmaek_version(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "title": title,
        "command": command,
        "machine": machine(),
        "models": [],
    }


def machine() -> dict[str, Any]:
    """What the figures were made on."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        **_torch(),
        "python": platform.python_version(),
    }


def _torch() -> dict[str, Any]:
    if find_spec("torch") is None:
        return {}
    import torch

    return {"threads": torch.get_num_threads(), "torch": torch.__version__}


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123 - not a user's path
            names = [line.split(":", 1)[1].strip() for line in file if "model name" in line]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def _row(model: Trained, *, name: str, scores: Mapping[str, Score], speed: float, unit: str) -> Row:
    info, training = model.info, model.info.training
    return {
        "name": name,
        "task": info.task,
        "stage": info.stage,
        "label": info.label,
        "context": _context(model),
        "parameters": info.parameters,
        "bytes": _size(model),
        "train_seconds": info.seconds,
        "tokens_per_second": training["tokens"] / info.seconds if training.get("tokens") else None,
        "use_per_second": speed,
        "use_unit": unit,
        "padding": training.get("padding"),
        "stopped": training.get("stopped"),
        "epochs": training.get("epochs"),
        "scores": {score: value.to_json() for score, value in scores.items()},
        "curve": training.get("curve", []),
        "diagnosis": [
            each for each in training.get("diagnosis", ()) if each["name"] in TRAINING_FAILURES
        ],
    }


def _parts(model: Trained) -> Sequence[Trained]:
    """The models of a mixture; none of another."""
    return model.parts if isinstance(model, TrainedLanguageModel | MixedClassifier) else ()


def _context(model: Trained) -> str:
    if parts := _parts(model):
        return "; ".join(dict.fromkeys(map(_context, parts)))
    return stage_named(model.info.stage).context


def _size(model: Trained) -> int:
    if parts := _parts(model):
        return sum(map(_size, parts))
    inner: Any = getattr(model, "model", model)
    if isinstance(inner, NgramModel | NgramClassifier):
        return sum(int(table.nbytes) for table in inner.tensors().values())
    return sum(weight.numel() * weight.element_size() for weight in inner.network.parameters())


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    result = work()
    return result, max(time.perf_counter() - began, 1e-9)


def language_model_row(model: TrainedLanguageModel, test: Corpus, *, name: str) -> Row:
    """Perplexities and bits on the test text, and tokens scored per second."""
    scores, seconds = _timed(lambda: model.evaluate(test))
    tokens = sum(len(ids) + 1 for ids in model.tokenizer.encode_many(test.lines))
    return _row(model, name=name, scores=scores, speed=tokens / seconds, unit="tokens")


def mixture_row(
    first: TrainedLanguageModel,
    second: TrainedLanguageModel,
    *,
    valid: Corpus,
    test: Corpus,
    name: str,
) -> Row:
    """The two models mixed, with the weight that EM finds on the validation text.

    Raises:
        ValueError: their tokenizers differ.
    """
    if first.tokenizer.fingerprint != second.tokenizer.fingerprint:
        message = "a mixture needs both models to have the same tokenizer"
        raise ValueError(message)
    eos = first.tokenizer.eos
    encoded = [[*ids, eos] for ids in first.tokenizer.encode_many(valid.lines)]
    weight, rest = tune_mixture(
        [np.concatenate(each.model.score_many(encoded)) for each in (first, second)]
    )
    mixture = Mixture((first.model, second.model), (weight, rest))
    stage = f"mixture({first.info.stage} {weight:.3f}, {second.info.stage} {1 - weight:.3f})"
    scores, seconds = _timed(lambda: corpus_scores(mixture, first.tokenizer, test, stage=stage))
    return {
        "name": name,
        "task": "lm",
        "stage": "mixture",
        "label": f"{first.info.label} + {second.info.label}",
        "context": f"both: {weight:.0%} {first.info.label}, {1 - weight:.0%} {second.info.label}",
        "parameters": first.info.parameters + second.info.parameters,
        "bytes": _size(first) + _size(second),
        "train_seconds": first.info.seconds + second.info.seconds,
        "tokens_per_second": None,
        "use_per_second": sum(len(ids) for ids in encoded) / seconds,
        "use_unit": "tokens",
        "weight": weight,
        "scores": {score: value.to_json() for score, value in scores.items()},
        "curve": [],
    }


def classifier_row(model: Classifier | MixedClassifier, test: LabelledCorpus, *, name: str) -> Row:
    """Accuracy and macro F1 on the test texts, and texts labelled per second."""
    scores, seconds = _timed(lambda: model.evaluate(test))
    return _row(model, name=name, scores=scores, speed=len(test.texts) / seconds, unit="texts")


def encoder_row(model: "Encoder", test: Corpus, *, name: str) -> Row:
    """Masked-word scores on the test text, and texts embedded per second."""
    scores = model.evaluate(test)
    lines = test.lines[:1000]
    _, seconds = _timed(lambda: model.embed(lines))
    return _row(model, name=name, scores=scores, speed=len(lines) / seconds, unit="texts")


def translator_row(
    model: "Translator",
    test: ParallelCorpus,
    *,
    name: str,
    beam: int,
    edges: Sequence[int],
    with_ter: bool = True,
) -> tuple[Row, list[str]]:
    """Scores in all and by source length, what is wrong, sentences per second; and the outputs.

    Args:
        model: the translator.
        test: pairs that it was not trained on.
        name: of the row.
        beam: hypotheses kept at every step.
        edges: upper bounds of the lengths, in source words.
        with_ter: count TER's edits too; slow on long sentences.
    """
    from munmaek.tasks.translate.quality import judge

    quality = judge(model, test, beam=beam, with_ter=with_ter)
    speed = len(quality.outputs) / max(quality.seconds, 1e-9)
    row = _row(model, name=name, scores=quality.scores, speed=speed, unit="sentences")
    row["by_length"] = [bucket.to_json() for bucket in quality.by_length(edges=edges)]
    row["diagnosis"] += [each.to_json() for each in quality.findings]
    return row, list(quality.outputs)
