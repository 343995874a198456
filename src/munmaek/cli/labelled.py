"""Options of ``munmaek train`` for labelled data, and several runs in one command."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from munmaek.cli.console import write, write_json, write_message, write_warnings
from munmaek.cli.evaluate import number, write_bases
from munmaek.errors import ConfigError

__all__ = [
    "Curve",
    "Folds",
    "Seeds",
    "SoftLabels",
    "parse_numbers",
    "sizes_and_seeds",
    "sum_up_folds",
    "sum_up_several",
]

SoftLabels = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE",
        show_default=False,
        rich_help_panel="Data",
        help="More texts to train on, with a probability for each label: JSONL, as munmaek "
        "classify --json writes what another model says.",
    ),
]
Seeds = Annotated[
    list[str] | None,
    typer.Option(
        metavar="'N N …'",
        show_default=False,
        help="Train once with each seed, on the same split: mean and spread; DIR is the best on "
        "the validation data, DIR.runs has all.",
    ),
]
Curve = Annotated[
    str | None,
    typer.Option(
        metavar="N,N,…",
        show_default=False,
        help="Learning curve: train on so many rows each time, all is the whole data.",
    ),
]


Folds = Annotated[
    int | None,
    typer.Option(
        min=2,
        metavar="N",
        show_default=False,
        help="Cross-validation: test on each of so many parts a model trained on the others, then "
        "train on all; DIR.folds has the scores.",
    ),
]


def parse_numbers(written: Sequence[str], *, option: str, words: Sequence[str] = ()) -> list[Any]:
    """Parse whole numbers separated by commas or spaces; ``words`` may stand among them.

    Raises:
        ConfigError: what is no number.
    """
    parts = [part for text in written for part in re.split(r"[,\s]+", text) if part]
    for part in parts:
        if part not in words and not (part.isascii() and part.isdigit() and len(part) < 19):
            wanted = " or ".join(["whole numbers", *words])
            message = f"{option} {' '.join(written)}: {wanted} wanted, got '{part}'"
            raise ConfigError(message)
    return [part if part in words else int(part) for part in parts]


def sizes_and_seeds(
    seeds: Sequence[str] | None, curve: str | None, *, recipe: Any, single: Mapping[str, Any]
) -> tuple[list[int | None], list[int]] | None:
    """Return the runs that are asked for; None is a single one.

    Args:
        seeds: as written.
        curve: the same.
        recipe: what is trained.
        single: options that several runs cannot have, by name.

    Raises:
        ConfigError: what is no number, or several runs where there is nothing to vary.
    """
    if seeds is None and curve is None:
        return None
    if seeds is not None and recipe.is_counted:
        raise ConfigError("--seeds: n-grams are counted, so that every seed gives the same model")
    for option, value in single.items():
        if value is not None:
            message = f"{option} goes with a single run, not with --seeds"
            raise ConfigError(message)
    sizes: list[int | None] = [None]
    if curve is not None:
        found = parse_numbers([curve], option="--curve", words=("all",))
        sizes = [None if each == "all" else each for each in found]
    chosen = [recipe.seed] if seeds is None else parse_numbers(seeds, option="--seeds")
    return sizes, chosen


def sum_up_several(found: Any, *, json: bool) -> None:
    """Write a line for each score of each amount of training data."""
    write_warnings(
        f"seed {run.seed}, {run.trained_on:,} rows: {fault}"
        for run in found.runs
        for fault in run.faults
    )
    if json:
        write_json(found.to_json())
        return
    summaries = found.summaries()
    wide = max(len(each.score) for each in summaries)
    write(f"{'rows':>9}  {'score':{wide}}  {'mean':>8}  {'± sd':>8}  least – most        runs")
    for each in summaries:
        spread = "" if each.spread is None else number(each.spread)
        ends = f"{number(each.least)} – {number(each.most)}"
        write(
            f"{each.rows:>9,}  {each.score:{wide}}  {number(each.mean):>8}  {spread:>8}  "
            f"{ends:18}  {each.runs:>4}"
        )
    write_bases(found.runs[0].scores)
    _say_kept(found)


def _say_kept(found: Any) -> None:
    kept = found.kept
    write(f"\n{found.folder}: the run with seed {kept.seed} on {kept.trained_on:,} rows")
    if sum(run.trained_on == kept.trained_on for run in found.runs) > 1:
        write_message(
            "it is the best on the validation data; what to expect of such a model is the mean"
        )
    write_message(f"all runs: {found.runs[0].folder.parent}")


def sum_up_folds(found: Any) -> None:
    """Write a line for each score over the parts of a cross-validation."""
    summaries = found.summaries()
    wide = max((len(each["score"]) for each in summaries), default=0)
    write(f"{'score':{wide}}  {'mean':>8}  {'± sd':>8}  least – most        folds")
    for each in summaries:
        spread = "" if each["spread"] is None else number(each["spread"])
        ends = f"{number(each['least'])} – {number(each['most'])}"
        write(
            f"{each['score']:{wide}}  {number(each['mean']):>8}  {spread:>8}  {ends:18}  "
            f"{each['folds']:>5}"
        )
    rows = sum(each.tested_on for each in found.folds)
    write(f"on {rows:,} rows of {found.data}, each tested once\n")
