"""``munmaek data``."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.catalogue import CATALOGUE, DataSet
from munmaek.cli.console import write, write_json, write_message
from munmaek.cli.options import Json, examples
from munmaek.errors import ConfigError, InputError
from munmaek.writing import new_file

__all__ = ["data"]

data = typer.Typer(
    help="List and fetch known public data sets.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@data.command("list", epilog=examples("munmaek data list"))
def list_all(*, json: Json = False) -> None:
    """List known public data sets: task, language, size, licence and home."""
    if json:
        write_json([_row(each) for each in CATALOGUE])
        return
    wide = max(len(each.name) for each in CATALOGUE)
    for each in CATALOGUE:
        how = "" if each.files else "  (not by 'data get')"
        write(
            f"{each.name:{wide}}  {each.task:9}  {each.language:5}  {each.size:>7}  "
            f"{each.licence:13}  {each.what}"
        )
        write(f"{'':{wide}}  {each.home}{how}")


def _row(each: DataSet) -> dict[str, Any]:
    files = [{"url": file.url, "sha256": file.sha256} for file in each.files]
    return {
        "name": each.name,
        "task": each.task,
        "language": each.language,
        "size": each.size,
        "what": each.what,
        "licence": each.licence,
        "home": each.home,
        "files": files,
    }


@data.command(epilog=examples("munmaek data get tinyshakespeare -o data"))
def get(
    name: Annotated[
        str, typer.Argument(metavar="NAME", show_default=False, help="As 'data list' calls it.")
    ],
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder to put the files in.")
    ] = Path("data"),
    json: Json = False,
) -> None:
    """Fetch a data set, check its hashes and say its licence; files that are there are kept."""
    found = next((each for each in CATALOGUE if each.name == name), None)
    if found is None:
        message = f"unknown data set '{name}'; known: {', '.join(each.name for each in CATALOGUE)}"
        raise ConfigError(message)
    if not found.files:
        message = f"{name} is not fetched by munmaek; its home is {found.home}"
        raise ConfigError(message)
    paths = [_fetch(file.url, file.sha256, output / name / file.name) for file in found.files]
    write_message(f"{name}: {found.licence}; {found.home}")
    if json:
        write_json({"name": name, "licence": found.licence, "files": paths})
    else:
        for path in paths:
            write(path)


def _fetch(url: str, sha256: str, path: Path) -> str:
    pooch: Any = import_module("pooch")
    if path.is_file() and pooch.file_hash(str(path)) == sha256:
        return str(path)
    unreachable: Any = import_module("requests").RequestException
    with new_file(path) as aside:
        try:
            pooch.HTTPDownloader()(url, str(aside), None)
        except unreachable as error:
            message = f"{url}: cannot be fetched ({type(error).__name__}); is there a network?"
            raise InputError(message) from error
        if pooch.file_hash(str(aside)) != sha256:
            message = f"{url}: does not have the known sha256; the file was altered on its way"
            raise InputError(message)
    return str(path)
