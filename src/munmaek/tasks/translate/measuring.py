"""An evaluation of a translator: scores, failures, and each sentence's own."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from munmaek.errors import InputError
from munmaek.metrics.translation import chrf_from_sums
from munmaek.tasks.judged import Judged, Shown
from munmaek.tasks.translate.options import AskedBitext
from munmaek.tasks.translate.quality import TranslationQuality, judge
from munmaek.text.corpora import read_texts
from munmaek.text.memory import given_columns, sources_of
from munmaek.text.parallel import ParallelCorpus

if TYPE_CHECKING:
    from munmaek.tasks.translate.model import Translator

__all__ = ["judged_translations", "with_references"]


def judged_translations(model: "Translator", corpus: ParallelCorpus, asked: AskedBitext) -> Judged:
    """Judge translations of sentence pairs, and look for what is wrong with them."""
    quality = judge(
        model,
        corpus,
        beam=asked.beam,
        with_ter=asked.ter,
        bleu_tokenizer=asked.bleu_tokenizer,
    )
    entries: dict[str, Any] = {}
    if asked.by_length or asked.whole:
        buckets = quality.by_length(edges=asked.lengths)
        entries["by_length"] = [bucket.to_json() for bucket in buckets]
    chrf = chrf_from_sums(np.asarray(quality.measures["chrf"].statistics, dtype=np.float64))
    return Judged(
        quality.scores,
        quality.measures,
        100.0 - chrf,
        lambda row: {**_row(quality, row), "chrf": float(chrf[row])},
        entries,
        lambda: [_by_quality(chrf)],
        quality.findings,
        quality.outputs,
        "sentences",
    )


def _row(quality: TranslationQuality, row: int) -> dict[str, Any]:
    corpus = quality.corpus
    references = [side[row] for side in corpus.references]
    return {
        "source": corpus.sources[row],
        "reference": references[0] if len(references) == 1 else references,
        "translation": quality.outputs[row],
    }


def _by_quality(chrf: Any) -> Shown:
    """Return how many sentences have which chrF."""
    counts, edges = np.histogram(chrf, bins=10, range=(0.0, 100.0))
    rows = [
        [f"{low:.0f} – {high:.0f}", int(count)]
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    return Shown("sentence_chrf", "table", ["chrF", "count"], rows)


def with_references(corpus: ParallelCorpus, given: Any) -> ParallelCorpus:
    """Return the pairs with further references of each source.

    Args:
        corpus: the pairs.
        given: files of lines, or columns in memory, of one line for each source.

    Raises:
        InputError: another number of lines.
    """
    sides: list[tuple[str, ...]] = []
    for each in given:
        (source,) = sources_of(given_columns((each,)), (("text",),), what="references")
        lines = tuple(read_texts(source, blanks=False))
        if len(lines) != corpus.size:
            message = (
                f"--reference {source}: {len(lines)} lines, and there are {corpus.size} sources in "
                f"{corpus.name}; line n must translate source n"
            )
            raise InputError(message)
        sides.append(lines)
    return replace(corpus, more=tuple(sides))
