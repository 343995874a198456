"""The cost of a run of masked-word training, measured before it is paid."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from munmaek.errors import UnsupportedError
from munmaek.fit.network import resolved_stage
from munmaek.fit.optimiser import make_optimiser, scale_gradients
from munmaek.fit.precision import autocast, resolve
from munmaek.fit.running import Run
from munmaek.fit.vocabulary import begun_with
from munmaek.folder.weights import make_network, parameter_count
from munmaek.nn.products import fast_products
from munmaek.tasks.lm.data import prepare_text
from munmaek.tasks.loading import load
from munmaek.tasks.mlm.fit import masked_sizes, masked_task, within_positions
from munmaek.tasks.mlm.options import MlmRecipe
from munmaek.text.corpora import read_text
from munmaek.text.sources import encoded

__all__ = ["Estimate", "estimate"]

STEPS = 4
"""Steps that are timed, after one that sets up."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cost of a run."""

    parameters: int
    memory: int
    """Bytes of weights, gradients and the optimiser's moments; what is computed comes on top."""
    tokens: int
    """Tokens of one epoch, <s> and </s> included."""
    tokens_per_second: float
    """Measured on this machine with this recipe."""
    seconds: float
    """Seconds of the whole run, without validation."""
    epochs: float
    """Passes that this makes."""


def estimate(
    recipe: MlmRecipe,
    paths: Sequence[str | Path],
    *,
    init: Path | None = None,
    device: str = "cpu",
) -> Estimate:
    """Take a few steps of the run and say what all of it costs; nothing is kept.

    Raises:
        UnsupportedError: another task than mlm.
    """
    if recipe.task != "mlm":
        message = f"--dry-run is for mlm, not for '{recipe.task}'"
        raise UnsupportedError(message)
    before: Any = None if init is None else load(init)
    run = Run(device, init=before)
    begun = begun_with(recipe, before)
    text = prepare_text(
        read_text(encoded(paths, recipe.encoding), column=recipe.text_column),
        None,
        recipe,
        tokenizer=begun[0] if len(begun) == 1 else None,
    )
    task = masked_task(text, within_positions(recipe, before))
    training = recipe.train_config()
    network = make_network(
        stage=recipe.stage,
        task="mlm",
        config=resolved_stage(recipe, before).model_dump(),
        sizes=masked_sizes(text.tokenizer, recipe, run),
        seed=recipe.seed,
    ).to(device)
    speed = _speed(network, task, training, torch.device(device))
    tokens = sum(map(len, task.train))
    parameters = parameter_count(network)
    limits = [
        training.budget,
        None if training.epochs is None else training.epochs * tokens / speed,
        None if training.steps is None else _steps_seconds(task, training.steps, speed),
    ]
    seconds = min(limit for limit in limits if limit is not None)
    moments = {"adamw": 2, "muon": 2, "sgd": 1}[training.optimizer]
    return Estimate(
        parameters, 4 * parameters * (2 + moments), tokens, speed, seconds, seconds * speed / tokens
    )


def _steps_seconds(task: Any, steps: int, speed: float) -> float:
    batches = task.epoch(0)
    return steps * sum(map(len, task.train)) / len(batches) / speed


@fast_products()
def _speed(network: Any, task: Any, training: Any, device: torch.device) -> float:
    """Measure the training tokens a second."""
    precision, optimiser = resolve(training, device), make_optimiser(network, training)
    batches = task.epoch(0)
    tokens, began = 0, time.perf_counter()
    network.train()
    for step in range(STEPS + 1):
        if step == 1:
            tokens, began = 0, time.perf_counter()
        batch = batches[step % len(batches)]
        network.zero_grad()
        with autocast(precision, device):
            loss = task.loss(network, batch)
        torch.autograd.backward(loss.total)
        scale_gradients(network, count=loss.count, clip=training.clip)
        with autocast(precision, device):
            optimiser.step()
        tokens += batch.tokens
    if device.type == "cuda":
        torch.cuda.synchronize()
    return tokens / (time.perf_counter() - began)
