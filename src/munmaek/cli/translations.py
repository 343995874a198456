"""Tables that ``munmaek evaluate`` shows beside the line for each score."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from munmaek.cli.console import write, write_warnings

__all__ = ["digits_of", "write_more"]


def digits_of(difference: float) -> int:
    """Return the decimals that show two digits of a difference, two at least and eight at most."""
    if difference == 0 or not math.isfinite(difference):
        return 2
    return min(max(2, 1 - math.floor(math.log10(abs(difference)))), 8)


def write_more(scores: Mapping[str, Any], found: Mapping[str, Any], *, diagnose: bool) -> None:
    """Print what was asked for besides the scores; warnings in any case."""
    if "by_length" in found:
        _write_by_length(scores, found["by_length"])
    if diagnose:
        write("\ndiagnosis")
        for each in found["diagnosis"]:
            write(f"  {each['message']}")
        if not found["diagnosis"]:
            write("  too few pairs to say anything")
    if "against" in found:
        _write_against(scores, found["against"])
    write_warnings(each["message"] for each in found.get("diagnosis", ()) if each["found"])


def _write_by_length(scores: Mapping[str, Any], buckets: Sequence[Mapping[str, Any]]) -> None:
    from munmaek.cli.evaluate import interval_text, number

    write("\nby source words")
    for bucket in buckets:
        words, count = f"{bucket['low']} – {bucket['high']}", bucket["count"]
        write(f"  {words:9} {count:6} {'sentence' if count == 1 else 'sentences'}")
        for name in scores:
            if name not in bucket:
                write(f"    {name:18}  {'–':>8}  too few sentences")
                continue
            score = bucket[name]
            interval = interval_text(score["low"], score["high"])
            write(f"    {name:18}  {number(score['value']):>8}  {interval}".rstrip())


def _write_against(ours: Mapping[str, Any], against: Mapping[str, Any]) -> None:
    """Write both systems' scores, how they differ, and which is better where that can be said."""
    names = against["names"]
    write(f"\n{names[0]} against {names[1]}")
    for name, each in against["comparisons"].items():
        digits = digits_of(each["difference"])
        values = [f"{side[name]['value']:.{digits}f}" for side in (ours, against["scores"])]
        shown = f"  {name:18}  {values[0]:>8}  {values[1]:>8}  {each['difference']:+8.{digits}f}"
        write(f"{shown}  {_tested(each, digits)}")


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
