"""From labelled texts to a classifier that is a network."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import ConfigError
from munmaek.fit.network import (
    embedded_tokens,
    resolved_stage,
    row_lengths,
    some,
    train_network,
)
from munmaek.fit.running import Run
from munmaek.folder.info import Info
from munmaek.tasks.classify.data import Labelled
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.classify.objective import Classification, NeuralClassifier
from munmaek.tasks.classify.options import ClassifyRecipe, Weighted
from munmaek.tasks.framing import Framing, Rows, framing_of
from munmaek.tasks.mlm.fit import within_positions
from munmaek.tasks.recipe import Bounded
from munmaek.tasks.regress.data import Valued
from munmaek.text.checkpoint_tokenizer import AnyTokenizer

__all__ = ["framed_rows", "framing_for", "label_weights", "train_classifier"]


def label_weights(recipe: Weighted, labels: Sequence[str], counts: NDArray[Any]) -> Any:
    """Return the weight of each label in the loss, their mean over the training data 1.

    None weighs all alike.

    Args:
        recipe: says which: ``balanced`` is 1 / count.
        labels: in the order of the network's scores.
        counts: how often each occurs in the training data.

    Raises:
        ConfigError: a weight for no label, or one that is not positive.
    """
    asked = recipe.class_weights
    if asked is None:
        return None
    if asked == "balanced":
        weights = 1.0 / np.maximum(counts, 1)
    else:
        _check_weights(asked, labels)
        weights = np.array([asked.get(label, 1.0) for label in labels])
    return tuple((weights * counts.sum() / (weights * counts).sum()).tolist())


def _check_weights(weights: Mapping[str, float], labels: Sequence[str]) -> None:
    for label, weight in weights.items():
        if label not in labels:
            message = f"class weights: no label '{label}'; labels are {', '.join(labels[:10])}"
            raise ConfigError(message)
        if not (weight > 0 and np.isfinite(weight)):
            message = f"class weights: '{label}' = {weight}; a weight above 0 is wanted"
            raise ConfigError(message)


def framing_for(recipe: Bounded, run: Run, tokenizer: AnyTokenizer) -> Framing:
    """Return how the network of a run reads a text: its frame, segments and longest row."""
    config = resolved_stage(recipe, run.init).model_dump()
    info = Info(recipe.task, recipe.stage, "", config, {}, 0)
    return framing_of(info, tokenizer, recipe.max_length)


def framed_rows(framing: Framing, texts: Labelled | Valued) -> tuple[Rows, Rows]:
    """Frame the training rows, and the validation rows that are looked at while training."""
    seconds = None if texts.valid_seconds is None else some(texts.valid_seconds)
    return (
        framing.rows(texts.train, texts.train_seconds),
        framing.rows(some(texts.valid), seconds),
    )


def train_classifier(texts: Labelled, recipe: ClassifyRecipe, run: Run) -> Classifier:
    """Train the recipe's network to tell the labels of ``texts`` apart."""
    tokenizer, recipe = texts.tokenizer, within_positions(recipe, run.init)
    train, valid = framed_rows(framing_for(recipe, run, tokenizer), texts)
    task = Classification(
        train=train,
        train_labels=texts.targets,
        valid=valid,
        valid_labels=texts.valid_labels[: len(valid.ids)],
        pad=tokenizer.pad,
        max_tokens=recipe.max_tokens,
        seed=recipe.seed,
        weights=label_weights(recipe, texts.labels, texts.counts),
        several=texts.several,
        word_dropout=recipe.word_dropout,
        mask=tokenizer.mask if recipe.word_dropout else 0,
        special=tokenizer.special_ids,
    )
    sizes = {"vocab_size": embedded_tokens(tokenizer, run), "label_count": len(texts.labels)}
    network, info = train_network(
        task,
        recipe,
        run,
        sizes=sizes,
        data=texts.describe(),
        lengths=row_lengths(train.ids),
        tokenizers=(tokenizer,),
    )
    pairs = texts.train_seconds is not None
    info = replace(info, training={**info.training, "class_weights": task.weights})
    model = NeuralClassifier(network, several=texts.several)
    return Classifier(tokenizer, model, texts.labels, info, recipe.max_length, pairs=pairs)
