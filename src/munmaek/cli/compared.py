"""The end of a comparison's output: the differences that are real, and a table of earlier runs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from munmaek.cli.board import headline
from munmaek.cli.console import write
from munmaek.cli.evaluated import digits_of
from munmaek.cli.labelled import parse_numbers
from munmaek.errors import ConfigError
from munmaek.models import stage_named

__all__ = ["check_format", "seeds_of", "write_rows", "write_tests"]

FORMATS: Final = ("latex", "markdown", "csv")


def check_format(form: str | None) -> None:
    """Refuse a form that there is not, before anything is trained.

    Raises:
        ConfigError: there is none of that name.
    """
    if form is not None and form not in FORMATS:
        message = f"--format {form}: one of {', '.join(FORMATS)} is wanted"
        raise ConfigError(message)


def seeds_of(written: Sequence[str] | None, candidates: Sequence[Any]) -> tuple[int, ...]:
    """Return the seeds that each stage is trained with; none is the recipe's own alone.

    Raises:
        ConfigError: what is no number, a seed twice, or no model that a seed changes.
    """
    if written is None:
        return ()
    seeds = tuple(parse_numbers(written, option="--seeds"))
    if len(set(seeds)) < max(len(seeds), 2):
        message = f"--seeds {' '.join(written)}: two different seeds or more are wanted"
        raise ConfigError(message)
    if all(each.stage is None or stage_named(each.stage).counted for each in candidates):
        message = (
            "--seeds: every model here is counted or trained already, so that each seed gives the "
            "same; leave it out, or name a stage that is trained"
        )
        raise ConfigError(message)
    return seeds


def write_rows(results: Mapping[str, Any]) -> None:
    """Print each model with its leading score."""
    rows = results.get("models") or ()
    wide = max((len(str(row.get("label"))) for row in rows), default=0)
    for row in rows:
        value, interval = headline(row)
        write(f"{row.get('label')!s:{wide}}  {value:22}  {interval}".rstrip())


def write_tests(results: Mapping[str, Any]) -> None:
    """Print which models differ beyond chance, and which are not told apart."""
    labels = {str(row.get("name")): str(row.get("label")) for row in results.get("models") or ()}
    for each in results.get("tests") or ():
        write(f"\n{each['metric']}: {_many(len(each['pairs']))}")
        for pair in each["pairs"]:
            first, second = (labels.get(pair[side], pair[side]) for side in ("first", "second"))
            digits = digits_of(pair["difference"])
            difference = f"{pair['difference']:+.{digits}f}"
            if pair["low"] is not None:
                difference += f" ({pair['low']:+.{digits}f} – {pair['high']:+.{digits}f})"
            told = "not told apart"
            if pair["better"]:
                told = f"better: {labels.get(pair['better'], pair['better'])}"
            write(f"  {first} − {second}  {difference}  p = {pair['p_holm']:.3f}  {told}")


def _many(pairs: int) -> str:
    return "one pair" if pairs == 1 else f"{pairs} pairs, p corrected for their number (Holm)"
