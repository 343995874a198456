"""A model's entry in ``results.json``: what it is, what was measured, how long it took.

N-grams are entered without torch.
"""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any

from munmaek.fit.trained import Trained
from munmaek.folder.info import munmaek_version
from munmaek.metrics.training import TRAINING_FAILURES
from munmaek.models import stage_named
from munmaek.tasks.work import Combined, Measured

__all__ = ["combined_entry", "entry", "machine", "results_header"]

Row = dict[str, Any]


def results_header(*, title: str, command: str) -> dict[str, Any]:
    """Return what every ``results.json`` begins with."""
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
    """Return what the figures were made on."""
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


def entry(model: Trained, measured: Measured, *, name: str, task: str, context: str = "") -> Row:
    """Return a model's entry.

    Args:
        model: trained.
        measured: on the test data.
        name: of its row.
        task: that it was measured at.
        context: what its context is; by default as its stage says.
    """
    info, training = model.info, model.info.training
    faults = [each for each in training.get("diagnosis", ()) if each["name"] in TRAINING_FAILURES]
    return {
        "name": name,
        "task": task,
        "stage": info.stage,
        "label": info.label,
        "context": context or _context(model),
        "parameters": info.parameters,
        "bytes": _size(model),
        "train_seconds": info.seconds,
        "tokens_per_second": training["tokens"] / info.seconds if training.get("tokens") else None,
        "use_per_second": measured.per_second,
        "use_unit": measured.unit,
        "padding": training.get("padding"),
        "stopped": training.get("stopped"),
        "epochs": training.get("epochs"),
        "scores": {score: value.to_json() for score, value in measured.scores.items()},
        "curve": training.get("curve", []),
        **({"shown": [each.to_json() for each in measured.shown]} if measured.shown else {}),
        "diagnosis": [*faults, *(each.to_json() for each in measured.findings or ())],
        **measured.entries,
    }


def combined_entry(made: Combined[Trained], *, name: str) -> Row:
    """Return the entry of a model made of others."""
    task = made.model.info.task
    return entry(made.model, made.measured, name=name, task=task, context=made.context)


def _parts(model: Trained) -> Sequence[Trained]:
    """Return the models of a mixture; none of another."""
    return getattr(model, "parts", ())


def _context(model: Trained) -> str:
    if parts := _parts(model):
        return "; ".join(dict.fromkeys(map(_context, parts)))
    return stage_named(model.info.stage).context


def _size(model: Trained) -> int:
    """Return the bytes of a model's weights or tables."""
    if parts := _parts(model):
        return sum(map(_size, parts))
    inner: Any = getattr(model, "model", model)
    if stage_named(model.info.stage).counted:
        return sum(int(table.nbytes) for table in inner.tensors().values())
    return sum(weight.numel() * weight.element_size() for weight in inner.network.parameters())
