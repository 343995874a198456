"""Arguments and options that several verbs share, each described once."""

from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.tasks import TASKS

__all__ = [
    "ConfigFile",
    "DataFiles",
    "Device",
    "Force",
    "InputFile",
    "Json",
    "LabelColumn",
    "ModelFolder",
    "PairRows",
    "SecondColumn",
    "Settings",
    "SourceTag",
    "TagColumn",
    "TextColumn",
    "Valid",
    "column",
    "data_argument",
    "examples",
]

ModelFolder = Annotated[
    Path, typer.Argument(metavar="MODEL", show_default=False, help="Folder of a trained model.")
]

InputFile = Annotated[
    str,
    typer.Argument(
        metavar="FILE|-",
        help="Text, a sentence a line, or a table, maybe compressed; - is standard input.",
    ),
]

Json = Annotated[
    bool, typer.Option("--json", help="Write results as JSON; everything said goes to stderr.")
]

Force = Annotated[bool, typer.Option("--force", help="Replace what is at the output.")]

Valid = Annotated[
    list[str] | None,
    typer.Option(
        rich_help_panel="Data",
        metavar="FILE",
        show_default=False,
        help="Validation data, twice for two parallel files; else see --hold-out.",
    ),
]


SourceTag = Annotated[
    str | None,
    typer.Option(
        metavar="TAG",
        show_default=False,
        help="Written before every source, such as <2ko> (translate); to be written so before "
        "what is translated later.",
    ),
]

TagColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        show_default=False,
        help="Column of a table with the tag of each source instead (translate).",
    ),
]


Device = Annotated[
    str, typer.Option(metavar="NAME", help="cpu, cuda, mps, or auto: the fastest there is.")
]

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.toml",
        show_default=False,
        help="File of options, as 'munmaek config' prints one; the command line comes first.",
    ),
]

Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="[SECTION.]KEY=VALUE",
        show_default=False,
        help="Any other option by its key: model.tie_embeddings=false, train.clip=0.5; 'munmaek "
        "config' prints them all.",
    ),
]

TextColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        show_default=False,
        help="Column of a table's text: its name, or its number from 0.",
    ),
]

LabelColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        show_default=False,
        help="Column of the label: its name, or its number from 0.",
    ),
]

PairRows = Annotated[
    bool, typer.Option("--pairs", help="Each row holds two texts (classify, regress, embed).")
]
SecondColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        show_default=False,
        help="Column of the second text of each pair: its name, or its number from 0.",
    ),
]


def data_argument(what: str) -> Any:
    """Return the argument for files of data, described as ``what``."""
    return typer.Argument(
        metavar="DATA",
        show_default=False,
        help=f"{what[:1].upper()}{what[1:]}; maybe compressed; - is standard input.",
    )


DataFiles = Annotated[
    list[str],
    data_argument("by task, " + "; ".join(f"{task.name}: {task.reads}" for task in TASKS)),
]


def column(written: str | None) -> str | int | None:
    """Return a column's number where one was written, else its name."""
    if written is None or not (written.isascii() and written.isdigit() and len(written) < 19):
        return written
    return int(written)


def examples(*commands: str) -> str:
    """Return the end of a help page: commands to copy, kept line by line."""
    title = "Example:" if len(commands) == 1 else "Examples:"
    return "\b\n" + "\n".join([title, *(f"  {each}" for each in commands)])
