"""``munmaek threshold``: from which probability on a classifier gives a label."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from munmaek.cli.console import write, write_json
from munmaek.cli.evaluate import asked_options
from munmaek.cli.options import DataFiles, Force, Json, ModelFolder
from munmaek.cli.outputs import claimed_folder
from munmaek.cli.parameters import DATA, Declared, Given, Parameters
from munmaek.declared import fields_of

__all__ = ["THRESHOLD", "parameters", "threshold"]

ROWS: Final = "munmaek.tasks.asked:AskedRows"
"""The options of where texts and labels stand."""
NO_PLACE: Final = ("report", "worst", "against")
"""The ones among these that say nothing of where they stand."""
SHARE: Final[dict[str, Any]] = {"metavar": "X", "min": 0.0, "max": 1.0, "show_default": False}

OWN: Final[Parameters] = {
    "precision": (
        Annotated[
            float | None,
            typer.Option(
                **SHARE,
                help="Share, of the texts that are given a label, that are to have it; of others "
                "the model says nothing.",
            ),
        ],
        None,
    ),
    "recall": (
        Annotated[
            float | None,
            typer.Option(
                **SHARE,
                help="Share, of the texts that have a label, that are to be given it; where a text "
                "has one label, of --label alone.",
            ),
        ],
        None,
    ),
    "label": (
        Annotated[
            str | None,
            typer.Option(
                metavar="LABEL",
                show_default=False,
                help="Label that gets a threshold; without it every label its own.",
            ),
        ],
        None,
    ),
    "output": (
        Annotated[
            Path,
            typer.Option(
                "--output", "-o", metavar="DIR", show_default=False, help="Folder of the new model."
            ),
        ],
        ...,
    ),
}


def threshold(given: Given) -> None:
    """Choose from which probability on a classifier gives a label.

    It is chosen on validation data. The new model is the old one with thresholds: classify leaves a
    text without a label ("-", null in JSON) where no label reaches its own. The model given is not
    changed.
    """
    from munmaek.thresholds import choose_thresholds

    output, model = given["output"], given["model"]
    options = {name: given[name] for name in _places() if name in given and given[name] is not None}
    wanted = {name: given[name] for name in ("precision", "recall", "label")}
    with claimed_folder(output, force=given["force"]):
        files = [Path(each) if each != "-" else each for each in given["data"]]
        made, chosen = choose_thresholds(model, *files, **wanted, **options)
        made.save(output, force=given["force"])
    if given["json"]:
        rows = [each.to_json() for each in chosen]
        write_json({"model": str(output), "thresholds": rows})
        return
    _write(chosen)
    write(f"\n{output}: a text that reaches no threshold is left without a label")


def _write(chosen: Sequence[Any]) -> None:
    wide = max((len(each.label) for each in chosen), default=0)
    for each in chosen:
        write(
            f"{each.label:{wide}}  from {each.threshold:.4f} on  precision {each.precision:.3f}, "
            f"recall {each.recall:.3f} on {each.support:,} texts that have it"
        )


def _places() -> list[str]:
    return [name for name in fields_of(ROWS) if name not in NO_PLACE]


def parameters() -> Parameters:
    """Return what the verb takes."""
    places = {
        each.identifier: replace(each, group=DATA).parameter
        for each in asked_options()
        if each.identifier in _places()
    }
    head: dict[str, Any] = {"model": (ModelFolder, ...), "data": (DataFiles, ...)}
    return {**head, **OWN, **places, "force": (Force, False), "json": (Json, False)}


THRESHOLD = Declared(threshold, parameters)
