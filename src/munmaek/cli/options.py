"""Arguments and options that several verbs share, each described once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.tasks import TASKS

__all__ = [
    "SERVED",
    "ConfigFile",
    "DataFiles",
    "Device",
    "Force",
    "InputFile",
    "Json",
    "LabelColumn",
    "LogTo",
    "ModelFolder",
    "PairRows",
    "SecondColumn",
    "ServedModel",
    "Server",
    "Settings",
    "SourceTag",
    "TagColumn",
    "TextColumn",
    "Token",
    "Valid",
    "column",
    "data_argument",
    "examples",
    "place_of",
]

SERVER = "Server"

ModelFolder = Annotated[
    Path, typer.Argument(metavar="MODEL", show_default=False, help="Folder of a trained model.")
]

ServedModel = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        show_default=False,
        help="Folder of a trained model, or its address on a server.",
    ),
]

Server = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        show_default=False,
        rich_help_panel=SERVER,
        help="Ask a server instead of a MODEL, which is then left out: http://127.0.0.1:8000, or "
        "with a model's name behind it, http://127.0.0.1:8000/NAME.",
    ),
]

Token = Annotated[
    str | None,
    typer.Option(
        metavar="TOKEN",
        show_default=False,
        rich_help_panel=SERVER,
        help="Token that the server lets in by; by default the variable MUNMAEK_TOKEN's.",
    ),
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

LogTo = Annotated[
    list[str] | None,
    typer.Option(
        metavar="tensorboard|mlflow|wandb",
        show_default=False,
        help="Let the run be followed there too; again for more.",
    ),
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


SERVED: Mapping[str, tuple[Any, Any]] = {"server": (Server, None), "token": (Token, None)}
"""Options of every verb that a server answers, too."""


def place_of(given: Mapping[str, Any], name: str = "model") -> Any:
    """Return the folder of a model, or its address with the token that was given."""
    from munmaek.tasks.connection import Address, is_address

    place = given[name]
    return Address(place, given["token"]) if is_address(place) else Path(place)


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
