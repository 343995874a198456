"""A network made from a recipe, begun from another where that is wanted, and trained."""

import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from munmaek.data.bucketing import Lengths, bucket, padding_fraction
from munmaek.data.flat import lengths_of
from munmaek.errors import MunmaekWarning, UnsupportedError
from munmaek.fit.examining import examined
from munmaek.fit.fingerprints import fingerprints, unmoved_since
from munmaek.fit.forecast import RehearsedError, rehearse
from munmaek.fit.holding import is_held_out
from munmaek.fit.loop import fit
from munmaek.fit.ranks import leads
from munmaek.fit.recipe import Recipe
from munmaek.fit.record import FitResult
from munmaek.fit.resuming import same_data
from munmaek.fit.running import Run
from munmaek.fit.trained import Trained
from munmaek.folder.borrowing import tokenizers_of
from munmaek.folder.info import Info
from munmaek.folder.weights import make_network, parameter_count
from munmaek.models import stage_named, stages
from munmaek.nn.embeddings import BeginsFromCounts
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.files import MEMORY

__all__ = [
    "embedded_tokens",
    "resolved_stage",
    "row_lengths",
    "some",
    "train_network",
]

Counts = NDArray[np.int64]

VALIDATION_ROWS = 2000
"""Rows of the validation data that are looked at while training; the last word has all."""


def train_network(
    task: Any,
    recipe: Recipe,
    run: Run,
    *,
    sizes: Mapping[str, Any],
    data: Mapping[str, Any],
    lengths: Lengths,
    tokenizers: Sequence[AnyTokenizer],
    counts: Counts | None = None,
) -> tuple[Any, Info]:
    """Fit a fresh network, or one begun from another, to the task; with what is known of it.

    Args:
        task: what ``munmaek.fit.loop.fit`` asks of a task.
        recipe: what is trained.
        run: where, and from what.
        sizes: what the network is made with besides its configuration.
        data: what the data is called.
        lengths: of the training rows, for the share of padding.
        tokenizers: that the data was read with: one, or of a translator source and target.
        counts: of the tokens that a fresh network learns to predict, with which its output layer
            begins where it is one of ours; a stage of another package may have none such.

    Raises:
        UnsupportedError: what it begins from does not fit, or reads with another tokenizer.
        MunmaekWarning: it begins from a model that has read what is held out for validation.
        RehearsedError: its cost alone was wanted.
    """
    if run.init is not None and run.init.info.task == recipe.task:
        _warn_of_read(data, run.init.info.data)
    config, training = resolved_stage(recipe, run.init), recipe.train_config()
    network: Any = make_network(
        stage=recipe.stage,
        task=recipe.task,
        config=config,
        sizes=sizes,
        seed=recipe.seed,
    )
    if run.init is not None:
        _begin_from(network, run.init, recipe, tokenizers)
    elif counts is not None and isinstance(
        output := getattr(network, "output", None), BeginsFromCounts
    ):
        output.begin_with(torch.as_tensor(counts))
    before = fingerprints(network)
    network.to(run.device)
    if run.rehearsal:
        tokens = int(np.asarray(lengths).sum())
        raise RehearsedError(rehearse(network, task, training, run.device, tokens))
    if run.folder is not None and leads():
        same_data(run.folder / "data.json", data, tokenizers)
    result = fit(network, task, config=training, run=run)
    network.to("cpu").eval()
    groups = bucket(lengths, max_tokens=recipe.max_tokens, rng=np.random.default_rng(0))
    info = Info(
        task=recipe.task,
        stage=recipe.stage,
        label=stage_named(recipe.stage).label_of(config),
        config=config.model_dump(),
        sizes=sizes,
        parameters=parameter_count(network),
        seconds=result.seconds,
        training={
            "config": training.model_dump(),
            **_shared_out(result),
            "steps": result.steps,
            "epochs": result.epochs,
            "tokens": result.tokens,
            "stopped": result.stopped,
            "best_validation": result.best_validation,
            "averaged": result.averaged,
            "curve": [list(point) for point in result.curve],
            "padding": padding_fraction(lengths, groups),
            "device": run.device,
            "diagnosis": [
                each.to_json()
                for each in examined(
                    result,
                    unmoved=None if training.sharded else unmoved_since(before, network),
                    tensors=len(before),
                    begun=run.init is not None and run.init.info.task == recipe.task,
                )
            ],
        },
        data=data,
    )
    return network, info


def _shared_out(result: FitResult) -> dict[str, int]:
    """Return what the weights of a run with several shards depend on besides its options."""
    if result.shards == 1:
        return {}
    return {"shards": result.shards, "threads": result.threads}


def _warn_of_read(data: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """Warn where the data is that of the model this begins from, with other rows held out."""
    train, held = data["train"], data["valid"]
    trained, checked = before.get("train", {}), before.get("valid", {})
    if trained.get("name") != train["name"] or not is_held_out(held["name"]):
        return
    same = trained.get("rows", 0) + checked.get("rows", 0) == train["rows"] + held["rows"]
    if train["name"] == MEMORY and not same:
        return  # as all data in memory have that name
    if checked.get("sha256") != held["sha256"]:
        message = (
            f"{train['name']}: what this begins from has been trained on rows that are held out "
            "here, so that validation says too much; give the --seed it had, or --valid FILE"
        )
        warnings.warn(message, MunmaekWarning, stacklevel=2)


def resolved_stage(recipe: Recipe, init: Trained | None) -> Any:
    """Return the stage's configuration; what begins from a trained model has its sizes.

    What the recipe says comes first.
    """
    if init is None or init.info.stage != recipe.stage:
        return recipe.stage_config()
    begun = stage_named(recipe.stage).begun()
    sizes = begun.carried(init.info.config, before=init.info.task, task=recipe.task)
    if not sizes:
        return recipe.stage_config()
    return recipe.model_copy(update={"model": {**sizes, **recipe.model}}).stage_config()


def _same_tokenizers(init: Trained, tokenizers: Sequence[AnyTokenizer]) -> None:
    """Make sure that every id means to the weights what it means in the data.

    Raises:
        UnsupportedError: ``init`` reads with another tokenizer.
    """
    for own, given in zip(tokenizers_of(init), tokenizers, strict=True):
        if own.fingerprint != given.fingerprint:
            message = (
                f"--init: its tokenizer is {own.signature} ({own.fingerprint[:8]}), and the data "
                f"is read with {given.signature} ({given.fingerprint[:8]}), so that its weights "
                "would stand for other tokens; leave --tokenizer out to take its own"
            )
            raise UnsupportedError(message)


def _begin_from(
    network: Any, init: Trained, recipe: Recipe, tokenizers: Sequence[AnyTokenizer]
) -> None:
    """Copy the weights of ``init``: the same network, or the encoder that was pre-trained.

    Raises:
        UnsupportedError: the two do not fit, or ``init`` reads with other than ``tokenizers``.
    """
    copy = _copying(network, init, recipe)
    _same_tokenizers(init, tokenizers)
    with _shapes_said():
        copy()


def _copying(network: Any, init: Trained, recipe: Recipe) -> Callable[[], object]:
    """Return what copies the weights of ``init`` into ``network``.

    Raises:
        UnsupportedError: a model of that stage and task cannot begin this one.
    """
    other: Any = getattr(init, "network", None) or getattr(
        getattr(init, "model", None), "network", None
    )
    row, before = stage_named(recipe.stage), init.info.task
    copy = None
    if init.info.stage == row.name and hasattr(other, "state_dict"):
        copy = row.begun().weights(network, other, before=before, task=recipe.task)
    if copy is not None:
        return copy
    hints = [hint for each in stages().values() if (hint := each.begun().hint)]
    message = (
        f"--init: a '{init.info.stage}' model for '{before}' cannot begin a '{recipe.stage}' for "
        f"'{recipe.task}'; give one of the same stage and task, {', or '.join(hints)}; --tokenizer "
        "takes over the tokenizer alone"
    )
    raise UnsupportedError(message)


@contextmanager
def _shapes_said() -> Generator[None]:
    """Raise torch's error about weights that do not fit as one for users."""
    try:
        yield
    except RuntimeError as error:
        message = f"--init: shapes differ: {str(error).splitlines()[-1].strip()}"
        raise UnsupportedError(message) from error


def embedded_tokens(tokenizer: AnyTokenizer, run: Run) -> int:
    """Count the rows of the embeddings: a checkpoint may have more than its tokenizer needs."""
    row = None if run.init is None else stages().get(run.init.info.stage)
    if run.init is not None and row is not None and row.begun().keeps_vocabulary:
        return int(run.init.info.sizes["vocab_size"])
    return tokenizer.vocab_size


def some(rows: Sequence[Any]) -> Sequence[Any]:
    """Return the first ``VALIDATION_ROWS`` rows: as many as are looked at while training."""
    return rows[:VALIDATION_ROWS]


def row_lengths(rows: Sequence[Sequence[int]], *, more: int = 0) -> Any:
    """Return the tokens of each row, ``more`` added: whole numbers [N]."""
    return lengths_of(rows) + more
