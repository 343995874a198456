"""Tables that ``munmaek evaluate`` shows beside the line for each score."""

from collections.abc import Mapping, Sequence
from typing import Any

from munmaek.cli.console import write, write_warnings

__all__ = ["write_more"]


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
