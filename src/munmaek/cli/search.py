"""``munmaek search``."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from munmaek.cli.console import write_json, write_line, write_message
from munmaek.cli.options import SERVED, Json, ServedModel, place_of
from munmaek.cli.parameters import Declared, Given, Parameters, class_parameters, given_of
from munmaek.errors import ConfigError
from munmaek.tasks import tasks

__all__ = ["SEARCH", "search"]

ASKED: Final = "munmaek.tasks.embed.searching:AskedSearch"


def _parameters() -> Parameters:
    file = typer.Argument(
        metavar="[FILE]",
        show_default=False,
        help="Text, a sentence a line; a server may have an index instead.",
    )
    query = typer.Argument(
        metavar="QUERY", show_default=False, help="Text that the lines are to be near."
    )
    return {
        "model": (ServedModel, ...),
        "file": (Annotated[str, file], ...),
        "query": (Annotated[str | None, query], None),
        **class_parameters(ASKED),
        **SERVED,
        "json": (Json, False),
    }


def search(given: Given) -> None:
    """Print the lines of a file nearest in meaning to a query.

    A line holds the cosine to the query, the line's number and its text; a model that compares by
    another similarity gives that instead, distances as negative numbers. --prompt is put before
    the query alone. Without it the query has the model's prompt "query" and the lines have
    "document" or "passage", where it has them, else its default one.
    """
    place = place_of(given)
    if str(place) in tasks() and not Path(str(place)).exists():
        message = (
            "search looks for lines of a file by their meaning; the options that train the best "
            f"model are searched by 'munmaek tune {given['model']}'"
        )
        raise ConfigError(message)
    from munmaek.tasks.embed.searching import AskedSearch
    from munmaek.tasks.loading import load_for

    asked = AskedSearch.of(given_of(ASKED, given), where="the command line")
    trained: Any = load_for(place, "embed", what="search")
    if given["query"] is None:
        _search_there(trained, given["file"], asked, json=given["json"])
    else:
        _search_file(trained, given["file"], given["query"], asked, json=given["json"])


def _search_there(trained: Any, query: str, asked: Any, *, json: bool) -> None:
    """Write the texts of a server's index that are nearest to a query."""
    if not hasattr(trained, "search"):
        raise ConfigError("search needs FILE and QUERY; an index without FILE is a server's")
    sent = asked.sent()
    if sent.pop("window", False):
        raise ConfigError("--window is of texts that are read now; the server's index is there")
    for each in trained.search(query, **sent):
        if json:
            write_json(each)
        else:
            similarity = next(iter(each.values()))
            write_line(f"{similarity:.4f}\t{each['line']}\t{each['text']}")


def _search_file(trained: Any, file: str, query: str, asked: Any, *, json: bool) -> None:
    """Write the lines of a file that are nearest to a query."""
    from munmaek.progress import followed
    from munmaek.tasks.answering import text_columns
    from munmaek.tasks.embed.searching import Nearest
    from munmaek.text.files import count_lines
    from munmaek.text.rows import open_rows
    from munmaek.text.sources import encoded

    nearest = Nearest(trained, query, asked)
    columns = text_columns(asked, trained.info.columns)
    texts = (text for (text,) in open_rows(encoded([file], asked.encoding)[0], columns).texts())
    counted = nearest.gone_through(texts)
    for _ in followed(counted, "lines", total=lambda: count_lines(file), size=float):
        pass
    if nearest.longer and not asked.window:
        cut = f"{nearest.longer:,} lines were cut at {trained.limit} tokens"
        write_message(f"{cut}; --window reads them whole")
    for each in nearest.found():
        if json:
            write_json({nearest.name: each.similarity, "line": each.line, "text": each.text})
        else:
            write_line(f"{each.similarity:.4f}\t{each.line}\t{each.text}")


SEARCH = Declared(search, _parameters)
