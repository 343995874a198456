"""Arguments and options that several verbs share, each described once."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "DataFiles",
    "Force",
    "InputFile",
    "Json",
    "LabelColumn",
    "ModelFolder",
    "TextColumn",
    "column",
    "examples",
]

ModelFolder = Annotated[
    Path, typer.Argument(metavar="MODEL", show_default=False, help="Folder of a trained model.")
]

InputFile = Annotated[
    str,
    typer.Argument(
        metavar="FILE|-", help="Text, a sentence a line, maybe compressed; - is standard input."
    ),
]

DataFiles = Annotated[
    list[str],
    typer.Argument(
        metavar="DATA",
        show_default=False,
        help="Text (lm, mlm), a table with labels (classify), two parallel files or a table "
        "(translate); maybe compressed; - is standard input.",
    ),
]

Json = Annotated[
    bool, typer.Option("--json", help="Write results as JSON; everything said goes to stderr.")
]

Force = Annotated[bool, typer.Option("--force", help="Replace what is at the output.")]

TextColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        show_default=False,
        help="Column of the text: its name, or its number from 0.",
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


def column(written: str | None) -> str | int | None:
    """A column's number where one was written, else its name."""
    return (
        int(written) if written is not None and written.isascii() and written.isdigit() else written
    )


def examples(*commands: str) -> str:
    """The end of a help page: commands to copy, kept line by line."""
    return "\b\n" + "\n".join(
        ["Example:" if len(commands) == 1 else "Examples:", *(f"  {each}" for each in commands)]
    )
