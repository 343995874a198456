"""Yardsticks that the demonstration's models are judged by, none of which is a network."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from munmaek.metrics import (
    IbmModel1,
    Link,
    Score,
    accuracy,
    alignment_scores,
    resting_on,
    sign,
    wilson_interval,
)
from munmaek.phrases import Phrase, Phrasebook
from munmaek.text.tokenizers import Tokenizer

__all__ = ["by_position", "yardsticks"]


def yardsticks(book: Phrasebook, tokenizer: Tokenizer) -> list[dict[str, Any]]:
    """Return the baselines of ``results.json``: of links, of sentence types, of masked words.

    Args:
        book: counted on its training part, measured on its test part.
        tokenizer: cuts words into what is masked.
    """
    model, rows = IbmModel1.fit(*_words(book.train)), len(book.test)
    return [
        _entry(
            "align", "IBM Model 1", _aligned([*map(model.align, *_words(book.test))], book), rows
        ),
        _entry(
            "align", "by position", _aligned([*map(by_position, *_words(book.test))], book), rows
        ),
        _entry("classify", "commonest type", _commonest_label(book), rows),
        _entry("mlm", "commonest token", _commonest_token(book, tokenizer), rows),
    ]


def by_position(source: Sequence[str], target: Sequence[str]) -> frozenset[Link]:
    """Link each target word to the source word in the same place, as a share of the sentence."""
    return frozenset(
        (place * len(source) // len(target), place) for place in range(len(target)) if source
    )


def _entry(task: str, label: str, score: Score, rows: int) -> dict[str, Any]:
    of = "pairs" if task == "align" else "sentences"
    found = resting_on({score.name: score}, "phrasebook (test)", rows, of)
    return {"task": task, "label": label, "scores": {score.name: found[score.name].to_json()}}


def _words(phrases: Sequence[Phrase]) -> tuple[list[list[str]], list[list[str]]]:
    return [each.korean.split() for each in phrases], [each.english.split() for each in phrases]


def _aligned(links: Sequence[frozenset[Link]], book: Phrasebook) -> Score:
    signature = sign(task="align", stage="baseline", tokenizer="words")
    gold = [phrase.links for phrase in book.test]
    rng = np.random.default_rng(0)
    return alignment_scores(links, gold, signature=signature, rng=rng)["aer"]


def _commonest_label(book: Phrasebook) -> Score:
    label = Counter(phrase.label for phrase in book.train).most_common(1)[0][0]
    gold = [phrase.label for phrase in book.test]
    signature = sign(task="classify", stage="baseline", tokenizer="none")
    return accuracy([label] * len(gold), gold, signature=signature)


def _commonest_token(book: Phrasebook, tokenizer: Tokenizer) -> Score:
    """Return the share of the test text's tokens that are the training text's commonest."""
    train, test = (
        Counter(
            token for row in tokenizer.encode_many([each.korean for each in part]) for token in row
        )
        for part in (book.train, book.test)
    )
    hits, total = test[train.most_common(1)[0][0]], test.total()
    signature = sign(task="mlm", stage="baseline", tokenizer="none").extended(("unit", "token"))
    low, high = wilson_interval(hits, total)
    return Score("masked_accuracy", hits / total, "share", signature, low, high)
