"""From tagged sentences to a trained tagger."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from munmaek.fit.examining import (
    EXAMINED,
    with_finding,
)
from munmaek.fit.network import (
    embedded_tokens,
    row_lengths,
    some,
    train_network,
)
from munmaek.fit.running import Run
from munmaek.metrics.diagnosis import Finding
from munmaek.metrics.training import one_label
from munmaek.tasks.classify.training import label_weights
from munmaek.tasks.mlm.fit import within_positions
from munmaek.tasks.tag.data import Tagged
from munmaek.tasks.tag.model import Tagger
from munmaek.tasks.tag.objective import NONE, Tagging
from munmaek.tasks.tag.options import TagRecipe
from munmaek.tasks.tag.words import WordRows, stands_apart, word_rows
from munmaek.text.tagged import TaggedCorpus

__all__ = ["fit_tagger"]


def fit_tagger(texts: Tagged, recipe: TagRecipe, run: Run) -> Tagger:
    """Train the recipe's stage to label the words of ``texts``.

    Raises:
        ConfigError: a class weight that cannot be used.
    """
    tokenizer, recipe = texts.tokenizer, within_positions(recipe, run.init)
    index = {label: number for number, label in enumerate(texts.labels)}
    corpora = (texts.train_corpus, texts.valid_corpus)
    train, valid = (
        word_rows(tokenizer, each.sentences, limit=recipe.max_length) for each in corpora
    )
    train_labels, valid_labels = (
        _token_labels(rows, each.labels, index)
        for rows, each in zip((train, valid), corpora, strict=True)
    )
    counts = np.bincount(
        [label for row in train_labels for label in row if label != NONE],
        minlength=len(texts.labels),
    )
    task = Tagging(
        train=train.ids,
        train_labels=train_labels,
        valid=some(valid.ids),
        valid_labels=some(valid_labels),
        pad=tokenizer.pad,
        max_tokens=recipe.max_tokens,
        seed=recipe.seed,
        weights=label_weights(recipe, texts.labels, counts),
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
    info = replace(info, training={**info.training, "class_weights": task.weights})
    apart = stands_apart(texts.train_corpus.sentences)
    model = Tagger(
        tokenizer, network, texts.labels, info, recipe.max_length, whole_words=True, apart=apart
    )
    return replace(model, info=with_finding(info, _tags_finding(model, texts.valid_corpus)))


def _token_labels(
    rows: WordRows, labels: Sequence[Sequence[str]], index: Mapping[str, int]
) -> list[list[int]]:
    return [
        [NONE if word == NONE else index.get(labels[sentence][word], NONE) for word in words]
        for sentence, words in zip(rows.sentences, rows.words, strict=True)
    ]


def _tags_finding(model: Tagger, corpus: TaggedCorpus) -> Finding | None:
    """Return whether a tagger gives every word of ``corpus`` the same label."""
    found = model.label_words(corpus.sentences[:EXAMINED])
    predicted = [each.label for labelled in found for each in labelled]
    return one_label(predicted, [label for each in corpus.labels[:EXAMINED] for label in each])
