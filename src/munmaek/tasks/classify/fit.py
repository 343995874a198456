"""From labelled texts to a trained classifier: n-grams are counted, without torch."""

import time
import warnings
from dataclasses import replace

import numpy as np

from munmaek.errors import InputError, MunmaekWarning, OrderError
from munmaek.fit.counted import counted_info, excluded_ids, fitted, ngram_sizes
from munmaek.fit.examining import (
    EXAMINED,
    with_finding,
)
from munmaek.fit.running import Run
from munmaek.metrics.calibration import FEWEST, is_certain
from munmaek.metrics.diagnosis import Finding
from munmaek.metrics.training import one_label
from munmaek.models.ngram import NgramClassifier, NgramConfig
from munmaek.tasks.classify.data import Labelled
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.classify.options import ClassifyRecipe
from munmaek.text.corpora import LabelledCorpus

__all__ = ["fit_classifier"]


def fit_classifier(texts: Labelled, recipe: ClassifyRecipe, run: Run) -> Classifier:
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
        from munmaek.tasks.classify.training import train_classifier

        model = train_classifier(texts, recipe, run)
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


def _count_classifier(texts: Labelled, recipe: ClassifyRecipe) -> Classifier | None:
    if not recipe.is_counted:
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
    return Classifier(tokenizer, model, texts.labels, info, recipe.max_length)


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
