"""Encoders judged: by the words that they fill in, and by the texts that they find alike."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from munmaek.arrays import Floats
from munmaek.metrics import (
    Measure,
    Score,
    Signature,
    masked_scores,
    next_sentence_scores,
    resting_on,
    sign_model,
)
from munmaek.metrics.language import perplexity_from_sums
from munmaek.metrics.measures import MEAN, mean_measure
from munmaek.metrics.regression import ranks as ranked
from munmaek.metrics.regression import spearman, spearman_measure
from munmaek.metrics.retrieval import pair_similarities, retrieval_ranks, retrieval_scores
from munmaek.metrics.significance import Sums
from munmaek.models.bert import BertMaskedNetwork
from munmaek.tasks.judged import Cell, Judged, Shown
from munmaek.tasks.minimal_pairs import MinimalPairs, judged_pairs
from munmaek.tasks.mlm.next_sentence import NextSentenceModelling, documents_of
from munmaek.tasks.mlm.objective import MaskedModelling
from munmaek.text.corpora import Corpus
from munmaek.text.pairs import PairCorpus

if TYPE_CHECKING:
    from munmaek.tasks.mlm.model import Encoder
    from munmaek.tasks.mlm.vectors import Embeds

__all__ = ["judged_masks", "judged_minimal_pairs", "judged_similarities"]


def judged_masks(model: "Encoder", corpus: Corpus) -> Judged:
    """Judge what an encoder fills into masks that a seed fixes, text by text."""
    tokenizer = model.tokenizer
    lines = tokenizer.encode_many(corpus.lines)
    texts = [line for line, ids in zip(corpus.lines, lines, strict=True) if ids]
    rows = tokenizer.frame.rows([ids for ids in lines if ids], model.limit)
    task = MaskedModelling(
        train=(),
        valid=rows,
        mask=tokenizer.mask,
        first_word=0,
        special=tokenizer.special_ids,
        vocab_size=tokenizer.vocab_size,
    )
    model.check_head()
    logprobs, hits, owners = task.masked_words(model.network)
    signature = sign_model(tokenizer, task="mlm", stage=model.info.stage, more=(("masked", "15%"),))
    scores = {
        **masked_scores(logprobs, hits, signature=signature),
        **_relation_scores(model, documents_of(lines), task, signature),
    }
    sums = [
        np.bincount(owners, weights=each, minlength=len(rows)).astype(np.float64)
        for each in (logprobs, hits)
    ]
    counts = np.bincount(owners, minlength=len(rows)).astype(np.float64)
    losses = np.where(counts > 0, -sums[0] / np.maximum(counts, 1), 0.0)

    def row(at: int) -> dict[str, Any]:
        found = {"masked": int(counts[at]), "right": int(sums[1][at])}
        return {"text": texts[at], **found, "nats_per_masked_word": float(losses[at])}

    return Judged(
        resting_on(scores, corpus.name, len(rows), "texts"),
        _masked_measures(sums, counts, tokenizer.fingerprint),
        losses,
        row,
    )


def _masked_measures(sums: Sequence[Floats], counts: Floats, tokens: str) -> dict[str, Measure]:
    """Return the measures of masked words, which are the same of models with the same tokens."""
    how, tables = (("unit", "masked word"),), [np.stack([each, counts], axis=1) for each in sums]
    unit = "per masked word"
    found = (
        Measure(
            "masked_perplexity", unit, tables[0], Sums(perplexity_from_sums), how,
            higher_is_better=False, basis=tokens,
        ),
        Measure("masked_accuracy", "share", tables[1], MEAN, how, basis=tokens),
    )  # fmt: skip
    return {each.name: each for each in found}


def _relation_scores(
    model: "Encoder",
    documents: Sequence[Sequence[Sequence[int]]],
    masking: MaskedModelling,
    signed: Signature,
) -> dict[str, Score]:
    network, tokenizer = model.network, model.tokenizer
    paired = isinstance(network, BertMaskedNetwork) and network.relation is not None
    if not paired or len(documents) < 2:
        return {}
    task = NextSentenceModelling(documents, documents, masking, tokenizer.frame, model.limit)
    hits = task.predictions(network)[3]
    return next_sentence_scores(hits, signature=signed)


def judged_similarities(model: "Embeds", pairs: PairCorpus) -> Judged:
    """Judge how well similarities tell texts of the same meaning, pair by pair.

    A pair with a number is judged worst whose place among the similarities is farthest from its
    place among the numbers; one without, whose second text has the most others before it.
    """
    firsts, seconds = np.split(model.embed([*pairs.firsts, *pairs.seconds]), 2)
    name = model.sentence.similarity
    more = (("pooling", model.pooling), ("limit", str(model.limit)))
    if name != "cosine":
        more = (*more, ("similarity", name))
    signature = sign_model(model.tokenizer, task="embed", stage=model.info.stage, more=more)
    alike = pair_similarities(firsts, seconds, name=name)

    def row(at: int) -> dict[str, Any]:
        gold = {} if pairs.values is None else {"gold": pairs.values[at]}
        texts = {"text": pairs.firsts[at], "second": pairs.seconds[at]}
        return {**texts, **gold, "similarity": float(alike[at])}

    if pairs.values is not None:
        gold = np.array(pairs.values)
        score = spearman(alike.tolist(), pairs.values, signature=signature)
        return Judged(
            resting_on({score.name: score}, pairs.name, len(firsts), "pairs"),
            {"spearman": spearman_measure(alike, gold, of="text")},
            np.abs(ranked(alike) - ranked(gold)),
            row,
            shown=lambda: [_points(alike, gold)],
            unit="pairs",
        )
    kinds = np.unique(np.array(pairs.seconds), return_inverse=True)[1]
    found = retrieval_ranks(firsts, seconds, kinds, name=name)
    measures = (
        mean_measure("retrieval_accuracy", found == 1, "share", of="query"),
        mean_measure("mean_reciprocal_rank", 1 / found, "reciprocal rank", of="query"),
    )
    return Judged(
        resting_on(retrieval_scores(found, signature=signature), pairs.name, len(firsts), "pairs"),
        {each.name: each for each in measures},
        found.astype(np.float64),
        row,
        unit="pairs",
    )


def _points(alike: Floats, gold: Floats) -> Shown:
    chosen = np.unique(np.linspace(0, len(gold) - 1, min(1000, len(gold))).astype(np.int64))
    rows: list[list[Cell]] = [["", float(gold[at]), float(alike[at])] for at in chosen]
    head = ["", "gold", "similarity"]
    return Shown("similarities", "points", head, rows, label_x="true_value", label_y="similarity")


def judged_minimal_pairs(model: "Encoder", pairs: MinimalPairs) -> Judged:
    """Judge by the pseudo-log-likelihood which sentence of each pair is the likelier one."""
    signature = sign_model(
        model.tokenizer,
        task="mlm",
        stage=model.info.stage,
        more=(("score", "pseudo-log-likelihood"),),
    )
    return judged_pairs(pairs, model.score, signature)
