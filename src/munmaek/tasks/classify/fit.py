"""From labelled texts to a trained classifier."""

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import ConfigError, InputError, MunmaekWarning, OrderError
from munmaek.fit.counted import counted_info, excluded_ids, fitted, ngram_sizes
from munmaek.fit.examining import (
    EXAMINED,
    with_finding,
)
from munmaek.fit.network import (
    Run,
    embedded_tokens,
    resolved_stage,
    row_lengths,
    some,
    train_network,
)
from munmaek.fit.recipe import Recipe
from munmaek.folder.info import Info
from munmaek.metrics.calibration import FEWEST, is_certain
from munmaek.metrics.diagnosis import Finding
from munmaek.metrics.training import one_label
from munmaek.models.ngram import NgramClassifier, NgramConfig
from munmaek.tasks.classify.data import Labelled
from munmaek.tasks.classify.model import Classifier, framing_of
from munmaek.tasks.classify.objective import Classification, Framing, NeuralClassifier, Rows
from munmaek.tasks.mlm.fit import within_positions
from munmaek.tasks.regress.data import Valued
from munmaek.text.checkpoint_tokenizer import AnyTokenizer
from munmaek.text.corpora import LabelledCorpus

__all__ = ["fit_classifier", "framed_rows", "framing_for", "label_weights"]


def label_weights(recipe: Recipe, labels: Sequence[str], counts: NDArray[Any]) -> Any:
    """The weight of each label in the loss, its mean over the training data 1; None weighs none.

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


def framing_for(recipe: Recipe, run: Run, tokenizer: AnyTokenizer) -> Framing:
    """Return how the network of a run reads a text: its frame, segments and longest row."""
    config = resolved_stage(recipe, run.init).model_dump()
    info = Info(recipe.task, recipe.stage, "", config, {}, 0)
    return framing_of(info, tokenizer, recipe.limit)


def framed_rows(framing: Framing, texts: Labelled | Valued) -> tuple[Rows, Rows]:
    """Training rows, and the validation rows that are looked at while training."""
    seconds = None if texts.valid_seconds is None else some(texts.valid_seconds)
    return (
        framing.rows(texts.train, texts.train_seconds),
        framing.rows(some(texts.valid), seconds),
    )


def fit_classifier(texts: Labelled, recipe: Recipe, run: Run) -> Classifier:
    """Train the recipe's stage to tell the labels of ``texts`` apart.

    With ``recipe.calibrate`` the validation data fits a temperature besides.

    Raises:
        ConfigError: a class weight that cannot be used.
        InputError: too few validation texts for a temperature.

    Warns:
        MunmaekWarning: no temperature fits, for all labels are right.
    """
    if recipe.calibrate:
        _check_calibration(texts)
    model = _count_classifier(texts, recipe)
    if model is None:
        model = _train_classifier(texts, recipe, run)
    model = replace(
        model, info=with_finding(model.info, _labels_finding(model, texts.valid_corpus))
    )
    if not recipe.calibrate:
        return model
    assert texts.valid_corpus is not None  # the recipe holds some out
    plain, (model, found) = model, model.calibrated(texts.valid_corpus)
    if is_certain(found.temperature):
        message = (
            f"--calibrate: all {found.texts} texts of {texts.valid_corpus.name} are labelled "
            "right, so that no temperature fits; probabilities are left as they are"
        )
        warnings.warn(message, MunmaekWarning, stacklevel=2)
        return plain
    training = {**model.info.training, "calibration": found.to_json()}
    return replace(model, info=replace(model.info, training=training))


def _check_calibration(texts: Labelled) -> None:
    """Make sure that there are texts enough for a temperature, before anything is trained."""
    given = len(texts.valid)
    if given < FEWEST:
        message = (
            f"--calibrate needs {FEWEST} validation texts or more, got {given}; give --valid FILE "
            f"or --hold-out {FEWEST}"
        )
        raise InputError(message)


def _train_classifier(texts: Labelled, recipe: Recipe, run: Run) -> Classifier:
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
    return Classifier(tokenizer, model, texts.labels, info, recipe.limit, pairs=pairs)


def _count_classifier(texts: Labelled, recipe: Recipe) -> Classifier | None:
    if recipe.stage != "ngram":
        return None
    tokenizer, began = texts.tokenizer, time.perf_counter()
    sizes = ngram_sizes(tokenizer)

    def fit(config: NgramConfig) -> NgramClassifier:
        _check_order(texts, config.order)
        return NgramClassifier.fit(
            texts.train,
            texts.train_labels.astype(np.int64),
            config=config,
            label_count=len(texts.labels),
            excluded=excluded_ids(tokenizer),
            **sizes,
        )

    config, model = fitted(recipe, fit)
    info = counted_info(recipe, config, sizes, model.parameters, began, texts.describe())
    return Classifier(tokenizer, model, texts.labels, info, recipe.limit)


def _check_order(texts: Labelled, order: int) -> None:
    """Make sure that each label has a text of so many tokens, before any is counted.

    Raises:
        OrderError: names the label of the shortest texts.
    """
    longest = np.zeros(len(texts.labels), dtype=np.int64)
    lengths = [len(ids) + 2 for ids in texts.train]
    np.maximum.at(longest, texts.train_labels.astype(np.int64), lengths)
    shortest = int(longest.argmin())
    if order > longest[shortest]:
        what = f"the longest text of label '{texts.labels[shortest]}'"
        raise OrderError(order, int(longest[shortest]), what)


def _labels_finding(model: Classifier, corpus: LabelledCorpus | None) -> Finding | None:
    """Return whether a classifier gives every text of ``corpus`` the same label.

    None where there is no text to look at, or none that would tell.
    """
    if corpus is None:
        return None
    seconds = None if corpus.seconds is None else corpus.seconds[:EXAMINED]
    predicted = model.predict(corpus.texts[:EXAMINED], seconds)
    return one_label([each.label for each in predicted], corpus.labels[:EXAMINED])
