"""Output of an evaluation besides scores: tables, the rows judged worst, another model beside."""

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, cast

from munmaek.cli.console import write
from munmaek.terminal import wipe_line

__all__ = ["digits_of", "write_against", "write_shown", "write_worst"]

SHORT = 24
"""Letters up to which a cell is short."""
DRAWN = ("table", "matrix")
"""Kinds of what is shown that a terminal can show."""


def write_shown(shown: Sequence[Any]) -> None:
    """Print tables and matrices, and say what is not in them and why."""
    from munmaek.text.catalogue import Catalogue

    catalogue = Catalogue()
    for each in shown:
        if each.kind not in DRAWN or not each.rows:
            continue
        named = each.kind == "table"
        head = [
            catalogue.known(f"head.{cell}", str(cell)) if named else str(cell) for cell in each.head
        ]
        if not named:
            head[0] = catalogue.text("head.gold_given")
        _write_table(catalogue.known(f"shown.{each.name}", each.name), head, each.rows)
        for note in each.notes:
            write(note)


def write_worst(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the rows that are judged worst, the worst first."""
    if not rows:
        write("\nno rows to list: this task judges all of them together")
        return
    names = dict.fromkeys(name for row in rows for name in row)
    longest = {name: max(len(str(_text(row.get(name)))) for row in rows) for name in names}
    head = sorted(names, key=lambda name: longest[name] > SHORT)  # what is long has what is left
    _write_table("judged worst", head, [[_text(row.get(name)) for name in head] for row in rows])


def _text(value: Any) -> Any:
    if isinstance(value, Mapping):
        pairs = cast("Mapping[str, Any]", value).items()
        return ", ".join(f"{name} {_text(each)}" for name, each in pairs)
    if isinstance(value, list | tuple):
        return " ".join(str(each) for each in cast("list[Any]", value)) or "–"
    return value


def _write_table(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    numeric = [all(not isinstance(row[at], str) for row in rows) for at in range(len(head))]
    made = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name, right in zip(head, numeric, strict=True):
        side = "right" if right else "left"
        made.add_column(Text(name), justify=side, overflow="fold", no_wrap=right)
    for row in rows:
        made.add_row(*(Text(_cell(each)) for each in row))
    wipe_line()
    console = Console(file=sys.stdout, soft_wrap=False, highlight=False)
    write(f"\n{title}")
    console.print(made)


def _cell(value: Any) -> str:
    from munmaek.cli.evaluate import number

    if value is None:
        return "–"
    if isinstance(value, bool | int | str):
        return str(value)
    return number(value) if math.isfinite(value) else str(value)


def digits_of(difference: float) -> int:
    """Return the decimals that show two digits of a difference, two at least and eight at most."""
    if difference == 0 or not math.isfinite(difference):
        return 2
    return min(max(2, 1 - math.floor(math.log10(abs(difference)))), 8)


def write_against(ours: Mapping[str, Any], against: Mapping[str, Any]) -> None:
    """Print both systems' scores, how they differ, and which is better where that is told."""
    names = against["names"]
    write(f"\n{names[0]} against {names[1]}")
    for name, each in against["comparisons"].items():
        digits = digits_of(each["difference"])
        values = [side.get(name, {}).get("value") for side in (ours, against["scores"])]
        shown = [f"{'' if value is None else f'{value:.{digits}f}':>8}" for value in values]
        line = f"  {name:18}  {shown[0]}  {shown[1]}  {each['difference']:+8.{digits}f}"
        write(f"{line}  {_tested(each, digits)}")
    if not against["comparisons"]:
        write("  no score that both have of the same rows and units")


def _tested(each: Mapping[str, Any], digits: int) -> str:
    """Return the interval of a difference, which system is better, and by which tests."""
    if each["low"] is None:
        return "not told apart: one pair cannot be tested"
    interval = f"{each['low']:+.{digits}f} – {each['high']:+.{digits}f}"
    verdict = f"better: {each['better']}" if each["better"] else "not told apart"
    exact = f", {each['p_mcnemar']:.3f} (McNemar)" if "p_mcnemar" in each else ""
    return (
        f"{interval:17}  {verdict}; p = {each['p_bootstrap']:.3f} (paired bootstrap), "
        f"{each['p_randomisation']:.3f} (approximate randomisation){exact}"
    )
