"""What ``munmaek evaluate`` shows beyond a line for each score."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from munmaek.cli.console import put, say_warnings

__all__ = ["digits_of", "put_more"]


def digits_of(difference: float) -> int:
    """Return the decimals that show two digits of a difference, two at least and eight at most."""
    if difference == 0 or not math.isfinite(difference):
        return 2
    return min(max(2, 1 - math.floor(math.log10(abs(difference)))), 8)


def put_more(scores: Mapping[str, Any], found: Mapping[str, Any], *, diagnose: bool) -> None:
    """Print what was asked for besides the scores; warnings in any case."""
    if "by_length" in found:
        _put_by_length(scores, found["by_length"])
    if diagnose:
        put("\ndiagnosis")
        for each in found["diagnosis"]:
            put(f"  {each['message']}")
        if not found["diagnosis"]:
            put("  too few pairs to say anything")
    if "against" in found:
        _put_against(scores, found["against"])
    say_warnings(each["message"] for each in found.get("diagnosis", ()) if each["found"])


def _put_by_length(scores: Mapping[str, Any], buckets: Sequence[Mapping[str, Any]]) -> None:
    from munmaek.cli.evaluate import interval_text, number

    put("\nby source words")
    for bucket in buckets:
        words, count = f"{bucket['low']} – {bucket['high']}", bucket["count"]
        put(f"  {words:9} {count:6} {'sentence' if count == 1 else 'sentences'}")
        for name in scores:
            if name not in bucket:
                put(f"    {name:18}  {'–':>8}  too few sentences")
                continue
            score = bucket[name]
            interval = interval_text(score["low"], score["high"])
            put(f"    {name:18}  {number(score['value']):>8}  {interval}".rstrip())


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
    """Return the interval of a difference, which system is better, and by which tests."""
    if each["low"] is None:
        return "not told apart: one pair cannot be tested"
    interval = f"{each['low']:+.{digits}f} – {each['high']:+.{digits}f}"
    verdict = f"better: {each['better']}" if each["better"] else "not told apart"
    return (
        f"{interval:17}  {verdict}; p = {each['p_bootstrap']:.3f} (paired bootstrap), "
        f"{each['p_randomisation']:.3f} (approximate randomisation)"
    )
