"""From labelled texts to a trained classifier: n-grams are counted, without torch."""

import time
import warnings
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from munmaek.errors import InputError, MunmaekWarning, OrderError
from munmaek.fit.counted import counted_info, fitted, ngram_sizes, token_ids
from munmaek.fit.examining import (
    EXAMINED,
    with_finding,
)
from munmaek.fit.running import Run
from munmaek.metrics.calibration import FEWEST, is_certain
from munmaek.metrics.diagnosis import Finding
from munmaek.metrics.training import one_label
from munmaek.models.ngram import (
    CountedClassifier,
    LogLinearNgrams,
    NgramClassifier,
    NgramConfig,
)
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
    sizes = ngram_sizes(tokenizer.vocab_size)

    def fit(config: NgramConfig) -> CountedClassifier:
        labels = texts.train_labels if texts.several else texts.train_labels.astype(np.int64)
        if config.discriminative:
            return LogLinearNgrams.fit(
                texts.train,
                labels,
                config=config,
                label_count=len(texts.labels),
                vocabulary=token_ids(tokenizer.vocab_size),
            )
        _check_order(texts, config.order)
        return NgramClassifier.fit(
            texts.train,
            labels,
            config=config,
            label_count=len(texts.labels),
            vocabulary=token_ids(tokenizer.vocab_size),
        )

    config, model = fitted(recipe, fit)
    info = counted_info(recipe, config, sizes, model.parameters, began, texts.describe())
    return Classifier(tokenizer, model, texts.labels, info, recipe.max_length)


def _check_order(texts: Labelled, order: int) -> None:
    """Make sure that each label has a text of so many tokens, before any is counted.

    Where a text may have several labels, so must the texts without each.

    Raises:
        OrderError: names the label of the shortest texts.
        InputError: names the first of several labels that all texts have, or none.
    """
    lengths = np.array([len(ids) + 2 for ids in texts.train], dtype=np.int64)
    found = [(int(lengths[own].max(initial=0)), *named) for *named, own in _groups(texts)]
    longest, which, label = min(found, key=lambda each: each[0])
    if not longest and texts.several:
        every = "none has it" if which == "with" else "every one has it"
        message = (
            f"{texts.train_corpus.name}: label '{label}': of the texts to count {every}, and "
            "n-grams of several labels need texts with and without each; leave the label out, or "
            "take another --model"
        )
        raise InputError(message)
    if order > longest:
        raise OrderError(order, longest, f"the longest text {which} label '{label}'")


def _groups(texts: Labelled) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Yield the texts that are counted together: ``of``, ``with`` or ``without`` a label."""
    given = texts.train_labels
    for at, label in enumerate(texts.labels):
        if texts.several:
            yield "with", label, given[:, at] > 0
            yield "without", label, given[:, at] == 0
        else:
            yield "of", label, given == at


def _labels_finding(model: Classifier, corpus: LabelledCorpus | None) -> Finding | None:
    """Return whether a classifier gives every text of ``corpus`` the same label.

    None where there is no text to look at, or none that would tell.
    """
    if corpus is None:
        return None
    seconds = None if corpus.seconds is None else corpus.seconds[:EXAMINED]
    predicted = model.predict(corpus.texts[:EXAMINED], seconds)
    return one_label([each.label for each in predicted], corpus.labels[:EXAMINED])
