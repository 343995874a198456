"""A network made from a recipe, begun from another where that is wanted, and trained."""

import warnings
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from munmaek.data.bucketing import Lengths, bucket, padding_fraction
from munmaek.errors import MunmaekWarning, UnsupportedError
from munmaek.fit.examining import examined
from munmaek.fit.fingerprints import fingerprints, unmoved_since
from munmaek.fit.holding import is_held_out
from munmaek.fit.loop import fit
from munmaek.fit.ranks import leads
from munmaek.fit.recipe import Recipe
from munmaek.fit.resuming import same_data
from munmaek.fit.running import Run
from munmaek.fit.trained import Trained
from munmaek.folder.borrowing import tokenizers_of
from munmaek.folder.info import Info
from munmaek.folder.weights import make_network, parameter_count
from munmaek.models import stage_named
from munmaek.nn.embeddings import BeginsFromCounts
from munmaek.text.checkpoint_tokenizer import AnyTokenizer

__all__ = [
    "embedded_tokens",
    "resolved_stage",
    "row_lengths",
    "some",
    "token_counts",
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
    about: Mapping[str, Any] | None = None,
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
        about: what the record of the training says besides.

    Raises:
        UnsupportedError: what it begins from does not fit, or reads with another tokenizer.
        MunmaekWarning: it begins from a model that has read what is held out for validation.
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
    if run.folder is not None and leads():
        same_data(run.folder / "data.json", data, tokenizers)
    result = fit(
        network,
        task,
        config=training,
        device=run.device,
        folder=run.folder,
        resume=run.resume,
        report=run.report,
        should_stop=run.should_stop,
    )
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
            **(about or {}),
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


def _warn_of_read(data: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    """Warn where the data is that of the model this begins from, with other rows held out."""
    train, held = data["train"], data["valid"]
    if before.get("train", {}).get("name") != train["name"] or not is_held_out(held["name"]):
        return
    if before.get("valid", {}).get("sha256") != held["sha256"]:
        message = (
            f"{train['name']}: what this begins from has been trained on rows that are held out "
            "here, so that validation says too much; give the --seed it had, or --valid FILE"
        )
        warnings.warn(message, MunmaekWarning, stacklevel=2)


_CARRIED = ("cell", "embedding", "hidden", "layers", "scaled_embeddings")
_DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout")


def resolved_stage(recipe: Recipe, init: Trained | None) -> Any:
    """Return the stage's configuration; what begins from a trained model has its sizes.

    What the recipe says comes first.
    """
    config = recipe.stage_config()
    if init is not None and recipe.stage == init.info.stage == "bert":
        sizes = {name: value for name, value in init.info.config.items() if name not in _DROPOUTS}
        return recipe.model_copy(update={"model": {**sizes, **recipe.model}}).stage_config()
    if init is None or not _carries(init, recipe):
        return config
    sizes = {name: init.info.config[name] for name in _CARRIED if name in init.info.config}
    return recipe.model_copy(update={"model": {**sizes, **recipe.model}}).stage_config()


def _carries(init: Trained, recipe: Recipe) -> bool:
    """Return whether a recurrent language model begins a recurrent classifier."""
    before, after = (init.info.stage, init.info.task), (recipe.stage, recipe.task)
    return before == ("rnn", "lm") and after == ("rnn", "classify")


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
    fits = init.info.stage == recipe.stage and hasattr(other, "state_dict")
    if fits and recipe.stage == "bert" and _another_head(network, other, recipe):
        from munmaek.models.bert import load_encoder

        return lambda: load_encoder(network, other.state_dict())
    if fits and recipe.task == init.info.task == "mlm":
        from munmaek.models.bert import same_heads

        return lambda: network.load_state_dict(same_heads(network, other.state_dict()))
    if _carries(init, recipe):
        return lambda: network.begin_from(other)
    if fits and init.info.task == recipe.task:
        return lambda: network.load_state_dict(other.state_dict())
    message = (
        f"--init: a '{init.info.stage}' model for '{init.info.task}' cannot begin a "
        f"'{recipe.stage}' for '{recipe.task}'; give one of the same stage and task, "
        "a bert to begin a bert classifier, regressor or tagger, or an rnn language model "
        "to begin an rnn classifier; --tokenizer takes over the tokenizer alone"
    )
    raise UnsupportedError(message)


def _another_head(network: Any, other: Any, recipe: Recipe) -> bool:
    """Return whether a pre-trained encoder gets a head of its own."""
    if recipe.task in ("mlm", "embed"):
        return recipe.task == "embed"
    same = type(network) is type(other)
    return not (same and network.classifier.weight.shape == other.classifier.weight.shape)


@contextmanager
def _shapes_said() -> Generator[None]:
    """Torch's complaint about weights that do not fit, as an error for users."""
    try:
        yield
    except RuntimeError as error:
        message = f"--init: shapes differ: {str(error).splitlines()[-1].strip()}"
        raise UnsupportedError(message) from error


def embedded_tokens(tokenizer: AnyTokenizer, run: Run) -> int:
    """Rows of the embeddings: a checkpoint may have more than its tokenizer has tokens."""
    if run.init is not None and run.init.info.stage == "bert":
        return int(run.init.info.sizes["vocab_size"])
    return tokenizer.vocab_size


def token_counts(sequences: Iterable[Sequence[int]], size: int) -> Counts:
    """Count how often each of ``size`` tokens occurs: [size]."""
    ids = np.fromiter(chain.from_iterable(sequences), dtype=np.int64)
    return np.bincount(ids, minlength=size)


def some(rows: Sequence[Any]) -> Sequence[Any]:
    """As many rows as are looked at while training."""
    return rows[:VALIDATION_ROWS]


def row_lengths(rows: Sequence[Sequence[int]], *, more: int = 0) -> Any:
    """Tokens of each row, and ``more``."""
    return np.array([len(row) + more for row in rows], dtype=np.int64)
