"""Numbers as people read them, always with as many digits as their kind deserves."""

import math

from munmaek.metrics import Score
from munmaek.text.catalogue import Catalogue

__all__ = [
    "count_text",
    "duration_text",
    "hint_text",
    "interval_text",
    "number_text",
    "power_text",
    "rate_text",
    "score_text",
    "share_text",
    "short_text",
    "size_text",
    "spread_text",
]

THIN = "\u2009"
"""Thin space: groups thousands, and sets a unit off its number."""


def _plain(value: float, unit: str) -> str:
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if unit == "share":
        return f"{100 * value:.1f}"
    if unit == "of 100":
        return f"{value:.1f}"
    if unit.startswith("bits/"):
        return f"{value:.3f}"
    return number_text(value)


def number_text(value: float) -> str:
    """Write a number without a unit: ``4.21``, ``57.3``, ``1 204``, ``≈10⁹``."""
    if abs(value) >= 1e7:
        return "≈" + power_text(math.floor(math.log10(abs(value)) + 0.5))
    return _grouped(value, 2 if abs(value) < 10 else 1 if abs(value) < 1000 else 0)


def share_text(value: float) -> str:
    """Write a share as percent: ``0.4 %``, ``37 %``."""
    return f"{100 * value:.{1 if abs(value) < 0.0995 else 0}f}{THIN}%"


def _grouped(value: float, digits: int = 0) -> str:
    return f"{value:,.{digits}f}".replace(",", THIN).replace("-", "−")


def score_text(score: Score) -> str:
    """Write the value alone, shares as percent: ``84.3 %``, ``41.5``, ``1.923``."""
    text = _plain(score.value, score.unit)
    return f"{text}{THIN}%" if score.unit == "share" else text


def interval_text(score: Score) -> str:
    """Write the 95 % interval, ``40.2–42.8``, or nothing."""
    if score.low is None or score.high is None:
        return ""
    return f"{_plain(score.low, score.unit)}–{_plain(score.high, score.unit)}"


def spread_text(score: Score, spread: float) -> str:
    """Write a standard deviation over seeds in the score's own digits: ``± 1.2``."""
    return f"± {_plain(spread, score.unit)}"


_NAMES = {
    "bleu": "BLEU",
    "chrf": "chrF",
    "ter": "TER",
    "bits_per_character": "bits",
    "perplexity": "ppl",
}


def short_text(score: Score) -> str:
    """Write the value with a word for its kind, for places without a heading."""
    name = _NAMES.get(score.name)
    return f"{score_text(score)}{THIN}{name}" if name else score_text(score)


def hint_text(score: Score, catalogue: Catalogue) -> str:
    """Write what hovering over a score shows: unrounded value, interval, unit, data, signature."""
    interval = ""
    if score.low is not None and score.high is not None:
        interval = f" [{score.low:.6g}, {score.high:.6g}]"
    basis = ""
    if score.basis is not None:
        basis = "\n" + catalogue.text("basis.on", basis=score.basis.words(catalogue))
    return f"{score.name} = {score.value:.6g}{interval} {score.unit}{basis}\n{score.signature}"


def count_text(value: float | None) -> str:
    """Write a count: ``842``, ``12 400``, ``1.24 M``."""
    if value is None:
        return "–"
    for size, letter in ((1e9, "G"), (1e6, "M")):
        if value >= size:
            return f"{value / size:.2f}{THIN}{letter}"
    return _grouped(value)


def size_text(value: float | None) -> str:
    """Write bytes: ``812 B``, ``34 kB``, ``4.8 MB`` (powers of 1000)."""
    if value is None:
        return "–"
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if value >= size:
            return f"{value / size:.{1 if value < 100 * size else 0}f}{THIN}{unit}"
    return f"{value:.0f}{THIN}B"


def duration_text(seconds: float | None) -> str:
    """Write a time: ``0.4 s``, ``48 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds is None:
        return "–"
    if seconds < 9.95:
        return f"{seconds:.1f}{THIN}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}{THIN}s"
    if whole < 3600:
        return f"{whole // 60}{THIN}min {whole % 60:02d}{THIN}s"
    return f"{whole // 3600}{THIN}h {whole % 3600 // 60:02d}{THIN}min"


def rate_text(value: float | None) -> str:
    """Write things per second, to three digits: ``8.25``, ``412``, ``12 400``."""
    if value is None:
        return "–"
    if value < 10:
        return f"{value:.2f}"
    digits = max(0, math.floor(math.log10(value)) - 2)
    return _grouped(round(value, -digits))


def power_text(power: int) -> str:
    """Write a power of ten: ``10⁻⁵``."""
    return "10" + str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
