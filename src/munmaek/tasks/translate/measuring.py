"""An evaluation of a translator: scores, failures, and whether another is better."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from munmaek.folder.naming import told_apart, unlike_ends
from munmaek.metrics import approximate_randomisation, paired_bootstrap
from munmaek.tasks.translate.options import AskedBitext
from munmaek.tasks.translate.quality import TranslationQuality, judge
from munmaek.tasks.work import Measured
from munmaek.text.parallel import ParallelCorpus

if TYPE_CHECKING:
    from munmaek.tasks.translate.model import Translator

__all__ = ["compared", "measured"]

UNTESTED = dict.fromkeys(("low", "high", "p_bootstrap", "p_randomisation", "better"))
"""Values in place of the tests of a single pair."""
LEVEL = 0.05
"""Significance level: p must be below for one system to be called better."""


def measured(model: "Translator", corpus: ParallelCorpus, asked: AskedBitext) -> Measured:
    """Measure translations of sentence pairs, and look for what is wrong with them."""
    quality = _judged(model, corpus, asked)
    entries: dict[str, Any] = {}
    if asked.by_length or asked.whole:
        entries["by_length"] = [bucket.to_json() for bucket in quality.by_length()]
    if asked.against is not None:
        entries["against"] = _against(model, quality, asked, asked.against)
    scores = model.info.in_view_of(quality.scores, corpus.size, corpus)
    return Measured(scores, quality.findings, entries=entries)


def _judged(
    model: "Translator", corpus: ParallelCorpus, asked: AskedBitext, *, findings: bool = True
) -> TranslationQuality:
    return judge(
        model,
        corpus,
        beam=asked.beam,
        with_ter=asked.ter,
        with_findings=findings,
        bleu_tokenizer=asked.bleu_tokenizer,
    )


def _against(
    model: "Translator", quality: TranslationQuality, asked: AskedBitext, folder: Path
) -> dict[str, Any]:
    from munmaek.tasks.loading import load_for

    other: Translator = load_for(folder, "translate", what="--against")
    one_vocabulary = model.target_tokenizer.fingerprint == other.target_tokenizer.fingerprint
    theirs = _judged(other, quality.corpus, asked, findings=False)
    names = ["this model", str(folder)]
    if asked.place is not None:
        names = told_apart(unlike_ends([asked.place, folder]), [None, None])
    return {
        "model": str(folder),
        "names": names,
        "scores": {name: score.to_json() for name, score in theirs.scores.items()},
        "comparisons": compared(
            quality.measures, theirs.measures, names, one_vocabulary=one_vocabulary
        ),
    }


def compared(
    first: Mapping[str, Any],
    second: Mapping[str, Any],
    names: Sequence[str],
    *,
    one_vocabulary: bool,
) -> dict[str, Any]:
    """Return by score whether the first system is better than the second, by two tests."""
    out: dict[str, Any] = {}
    for name, measure in first.items():
        if name == "perplexity" and not one_vocabulary:
            continue  # of different tokens
        if not measure.given(len(measure.statistics)):
            continue
        tables = (measure.statistics, second[name].statistics, measure.from_sums)
        if len(measure.statistics) < 2:
            sums = [np.asarray(each, dtype=np.float64).sum(0)[None] for each in tables[:2]]
            one, other = (float(measure.from_sums(each)[0]) for each in sums)
            out[name] = {"difference": one - other, **UNTESTED}
            out[name]["higher_is_better"] = measure.higher_is_better
            continue
        paired = paired_bootstrap(*tables, rng=np.random.default_rng(0))
        found = {
            "difference": paired.difference,
            "low": paired.low,
            "high": paired.high,
            "p_bootstrap": paired.p_value,
            "p_randomisation": approximate_randomisation(*tables, rng=np.random.default_rng(0)),
            "higher_is_better": measure.higher_is_better,
        }
        out[name] = {**found, "better": _better(found, names)}
    return out


def _better(found: Mapping[str, Any], names: Sequence[str]) -> str | None:
    """Return the better system, where both tests and the interval tell the two apart."""
    tested = max(found["p_bootstrap"], found["p_randomisation"]) < LEVEL
    if not tested or found["low"] <= 0 <= found["high"]:
        return None
    return names[0] if (found["difference"] > 0) == found["higher_is_better"] else names[1]
