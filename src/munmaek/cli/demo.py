"""``munmaek demo``."""

import sys
from itertools import count
from pathlib import Path
from typing import Annotated

import typer

from munmaek.cli.board import board, write_remarks
from munmaek.cli.console import write, write_json, write_message
from munmaek.cli.options import Force, Json
from munmaek.cli.outputs import claimed_folder

__all__ = ["demo"]

USUAL = "munmaek-demo"


def demo(
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            show_default=f"{USUAL}, or the first of {USUAL}-2, -3 … that is free",
            help="Folder of the report, the results and the models.",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer and shorter sentences: all stages in a minute.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random choices.")] = 0,
    force: Force = False,
    json: Json = False,
) -> None:
    """Show the whole lineage, trained and compared.

    Every stage is trained on the built-in Korean–English phrasebook and compared; it ends with a
    table, report.html, results.json and the models. Steps and seeds are fixed: a slow machine
    takes longer and comes to the same scores.
    """
    folder = _free_folder() if output is None else output

    from munmaek import comparison

    with claimed_folder(folder, force=force), board(sys.stderr if json else None) as report:
        results = comparison.demo(folder, quick=quick, seed=seed, force=force, report=report)
    if json:
        write_json(results)
        return
    write_remarks(results)
    write("")
    write(f"report    {folder / 'report.html'}")
    write(f"results   {folder / 'results.json'}")
    write(f"models    {folder / 'models'}")
    write_message(f"next: open {folder / 'report.html'} in a browser, or type")
    write_message(f"  munmaek translate {folder / 'models' / 'translate-attention'}")


def _free_folder() -> Path:
    return next(
        path
        for number in count(1)
        if not (path := Path(USUAL if number == 1 else f"{USUAL}-{number}")).exists()
    )
