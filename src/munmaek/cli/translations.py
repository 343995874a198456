"""What ``munmaek evaluate`` says of a translator beyond a line for each score."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from munmaek.cli.console import put, say_warnings
from munmaek.errors import ConfigError

__all__ = [
    "TranslationOptions",
    "compared",
    "digits_of",
    "evaluate_translations",
    "put_translations",
]

UNTESTED = dict.fromkeys(("low", "high", "p_bootstrap", "p_randomisation", "better"))
"""What stands for the tests of a single pair."""

LEVEL = 0.05
"""What p must be below for one system to be called better."""


@dataclass(frozen=True, slots=True)
class TranslationOptions:
    """How translations are measured and what is shown."""

    beam: int = 5
    with_ter: bool = True
    by_length: bool = False
    diagnose: bool = False
    against: Path | None = None
    source_tag: str | None = None
    tag_column: str | int | None = None
    bleu_tokenizer: str | None = None

    def refuse_for(self, task: str) -> None:
        """Complain where something is asked that only translators have.

        Raises:
            ConfigError: names the option.
        """
        asked = {
            "--no-ter": not self.with_ter,
            "--by-length": self.by_length,
            "--diagnose": self.diagnose,
            "--against": self.against is not None,
            "--source-tag": self.source_tag is not None,
            "--tag-column": self.tag_column is not None,
            "--bleu-tokenizer": self.bleu_tokenizer is not None,
        }
        for name, given in asked.items():
            if given:
                message = f"{name} is for models for 'translate', this is one for '{task}'"
                raise ConfigError(message)


def evaluate_translations(
    model: Path, trained: Any, data: Sequence[str], options: TranslationOptions
) -> dict[str, Any]:
    """Scores, diagnosis and what else was asked for, as JSON has them.

    Raises:
        InputError: the data cannot be used, or ``against`` is no translator.
    """
    from munmaek.folder.naming import told_apart, unlike_ends
    from munmaek.tasks.loading import load_as
    from munmaek.tasks.translate.bitexts import tagged
    from munmaek.tasks.translate.model import Translator
    from munmaek.tasks.translate.quality import judge
    from munmaek.text.corpora import read_parallel

    corpus = tagged(read_parallel(data, tag_column=options.tag_column), options.source_tag or "")
    asked: dict[str, Any] = {
        "beam": options.beam,
        "with_ter": options.with_ter,
        "bleu_tokenizer": options.bleu_tokenizer,
    }
    quality = judge(trained, corpus, **asked)
    scores = trained.info.in_view_of(quality.scores, len(corpus.sources), corpus)
    found: dict[str, Any] = {
        "scores": {name: score.to_json() for name, score in scores.items()},
        "diagnosis": [each.to_json() for each in quality.findings],
    }
    if options.by_length:
        found["by_length"] = [bucket.to_json() for bucket in quality.by_length()]
    if options.against is not None:
        other = load_as(options.against, Translator, what="--against")
        one_vocabulary = trained.target_tokenizer.fingerprint == other.target_tokenizer.fingerprint
        theirs = judge(other, corpus, **asked, with_findings=False)
        folders = [model, options.against]
        names = told_apart(unlike_ends(folders), [None, None])
        found["against"] = {
            "model": str(options.against),
            "names": names,
            "scores": {name: score.to_json() for name, score in theirs.scores.items()},
            "comparisons": compared(
                quality.measures, theirs.measures, names, one_vocabulary=one_vocabulary
            ),
        }
    return found


def compared(
    first: Mapping[str, Any],
    second: Mapping[str, Any],
    names: Sequence[str],
    *,
    one_vocabulary: bool,
) -> dict[str, Any]:
    """By score, whether the first system is better than the second, by two tests."""
    import numpy as np

    from munmaek.metrics import approximate_randomisation, paired_bootstrap

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
    """The better system, where both tests and the interval tell the two apart."""
    tested = max(found["p_bootstrap"], found["p_randomisation"]) < LEVEL
    if not tested or found["low"] <= 0 <= found["high"]:
        return None
    return names[0] if (found["difference"] > 0) == found["higher_is_better"] else names[1]


def digits_of(difference: float) -> int:
    """Return the decimals that show two digits of a difference, two at least and eight at most."""
    if difference == 0 or not math.isfinite(difference):
        return 2
    return min(max(2, 1 - math.floor(math.log10(abs(difference)))), 8)


def put_translations(found: Mapping[str, Any], options: TranslationOptions) -> None:
    """What was asked for, for people, after the scores; warnings in any case."""
    from munmaek.cli.evaluate import interval_text, number

    if options.by_length:
        put("\nby source words")
        for bucket in found["by_length"]:
            words, count = f"{bucket['low']} – {bucket['high']}", bucket["count"]
            put(f"  {words:9} {count:6} {'sentence' if count == 1 else 'sentences'}")
            for name in found["scores"]:
                if name not in bucket:
                    put(f"    {name:18}  {'–':>8}  too few sentences")
                    continue
                score = bucket[name]
                interval = interval_text(score["low"], score["high"])
                put(f"    {name:18}  {number(score['value']):>8}  {interval}".rstrip())
    if options.diagnose:
        put("\ndiagnosis")
        for each in found["diagnosis"]:
            put(f"  {each['message']}")
        if not found["diagnosis"]:
            put("  too few pairs to say anything")
    if "against" in found:
        _put_against(found["scores"], found["against"])
    say_warnings(each["message"] for each in found["diagnosis"] if each["found"])


def _put_against(ours: Mapping[str, Any], against: Mapping[str, Any]) -> None:
    """Both systems' scores, how they differ, and which is better where that is told."""
    names = against["names"]
    put(f"\n{names[0]} against {names[1]}")
    for name, each in against["comparisons"].items():
        digits = digits_of(each["difference"])
        values = [f"{side[name]['value']:.{digits}f}" for side in (ours, against["scores"])]
        shown = f"  {name:18}  {values[0]:>8}  {values[1]:>8}  {each['difference']:+8.{digits}f}"
        put(f"{shown}  {_tested(each, digits)}")


def _tested(each: Mapping[str, Any], digits: int) -> str:
    """The interval of a difference, which system is better, and by which tests."""
    if each["low"] is None:
        return "not told apart: one pair cannot be tested"
    interval = f"{each['low']:+.{digits}f} – {each['high']:+.{digits}f}"
    verdict = f"better: {each['better']}" if each["better"] else "not told apart"
    return (
        f"{interval:17}  {verdict}; p = {each['p_bootstrap']:.3f} (paired bootstrap), "
        f"{each['p_randomisation']:.3f} (approximate randomisation)"
    )
