"""Taggers judged: words with their right label, and entities by their type."""

from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from munmaek.metrics import resting_on, sign_model
from munmaek.metrics.labels import AVERAGES, LabelReport, label_report
from munmaek.metrics.tagging import entity_report, has_spans, tagging_measures, tagging_scores
from munmaek.tasks.judged import Cell, Judged, Shown
from munmaek.text.labels import LabelIndex
from munmaek.text.tagged import TaggedCorpus

if TYPE_CHECKING:
    from munmaek.tasks.tag.model import Tagger

__all__ = ["judged_tags"]


def judged_tags(model: "Tagger", corpus: TaggedCorpus) -> Judged:
    """Judge the label of every word, and the entities that the labels make by their type.

    A sentence is judged worst whose wrong labels were given most surely: its loss is the sum of
    their probabilities.
    """
    found = model.label_words(corpus.sentences)
    given = [[each.label for each in labelled] for labelled in found]
    unseen = sum(LabelIndex(model.labels).unseen(chain.from_iterable(corpus.labels)).values())
    signature = sign_model(model.tokenizer, task="tag", stage=model.info.stage)
    signature = signature.extended(*((("unseen", str(unseen)),) if unseen else ()))
    scores = tagging_scores(given, corpus.labels, signature=signature)
    losses = [
        sum(each.probability for each, own in zip(labelled, gold, strict=True) if each.label != own)
        for labelled, gold in zip(found, corpus.labels, strict=True)
    ]
    entities = has_spans([*chain.from_iterable(corpus.labels)])
    report = _report(given, corpus, entities=entities)

    def row(at: int) -> dict[str, Any]:
        words, gold = list(corpus.sentences[at]), list(corpus.labels[at])
        return {"words": words, "gold": gold, "prediction": given[at]}

    return Judged(
        resting_on(scores, corpus.name, corpus.size, "sentences"),
        tagging_measures(given, corpus.labels),
        np.array(losses, dtype=np.float64),
        row,
        {"report": report.to_json()},
        lambda: [_by_type(report, "entities" if entities else "word_labels")],
        unit="sentences",
    )


def _report(given: list[list[str]], corpus: TaggedCorpus, *, entities: bool) -> LabelReport:
    """Return the report of entities, or of words where labels mark none."""
    if entities:
        return entity_report(given, corpus.labels)
    guess, gold = ([(each,) for each in chain.from_iterable(s)] for s in (given, corpus.labels))
    return label_report(guess, gold)


def _by_type(report: LabelReport, name: str) -> Shown:
    made, names = report.to_json(), ("precision", "recall", "f1", "support")
    rows: list[list[Cell]] = [
        [label, *(row[each] for each in names)] for label, row in made["labels"].items()
    ]
    rows += [[f"({kind})", *(made[kind][each] for each in names)] for kind in AVERAGES]
    return Shown(name, "table", ["", *names], rows)
