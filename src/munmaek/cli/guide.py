"""``munmaek guide`` and ``munmaek teach``."""

import os
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from munmaek.cli.console import write, write_message
from munmaek.errors import ConfigError, InputError

__all__ = ["guide", "teach"]

Language = Annotated[
    str | None,
    typer.Option(
        metavar="en|ko", show_default="that of the environment", help="Language of the guide."
    ),
]
Browser = Annotated[
    bool,
    typer.Option("--browser/--no-browser", help="Open a browser, or only print the address."),
]
Port = Annotated[
    int,
    typer.Option(min=0, max=65535, metavar="N", help="Where to serve; the next free one if taken."),
]
Chapter = typer.Argument(metavar="CHAPTER", show_default=False, help="Name or number of a chapter.")


def guide(
    chapter: Annotated[str | None, Chapter] = None,
    *,
    language: Language = None,
    files: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            show_default=False,
            help="Write the example files that the guide uses into this folder, and end.",
        ),
    ] = None,
    browser: Browser = True,
    port: Port = 8430,
) -> None:
    """Read the guide: from the Markov chain to BERT, offline."""
    from munmaek.guide import page_file, site_folder, write_examples

    language = _language(language)
    page = page_file(chapter, language)
    if files is not None:
        for path in write_examples(files, language=language):
            write(str(path))
        return
    _open(site_folder(), page, browser=browser, port=port)


def teach(
    chapter: Annotated[str, Chapter],
    *,
    text: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE",
            show_default="the guide's examples",
            help="Your own file to learn from, twice for two parallel ones.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            show_default="taught-CHAPTER",
            help="Folder of the models and the pages; it must not be there.",
        ),
    ] = None,
    language: Language = None,
    browser: Browser = True,
    port: Port = 8430,
) -> None:
    """Train a chapter's models on your own file, and open it."""
    from munmaek.cli.entry import main
    from munmaek.guide import page_file, teach

    language = _language(language)
    name = page_file(chapter, language).stem
    folder = Path(f"taught-{name[3:]}") if output is None else output
    if folder.exists():
        message = f"{folder}: already exists; choose another -o"
        raise InputError(message)
    write_message(f"training the models of chapter {name}")
    done = teach(chapter, text or [], folder, language=language, command=main)
    write(f"models    {done.models}")
    write(f"page      {done.page}")
    _open(done.site, done.page.relative_to(done.site), browser=browser, port=port)


def _language(given: str | None) -> str:
    """Return the language asked for, or that of the environment where it is one of the guide's.

    Raises:
        ConfigError: it is none of the guide's.
    """
    from munmaek.guide import LANGUAGES

    if given is None:
        names = (os.environ.get(each, "") for each in ("LC_ALL", "LC_MESSAGES", "LANG"))
        return "ko" if next(filter(None, names), "").startswith("ko") else "en"
    if given not in LANGUAGES:
        message = f"--language {given}: one of {', '.join(LANGUAGES)} is wanted"
        raise ConfigError(message)
    return given


def _open(site: Path, page: Path, *, browser: bool, port: int) -> None:
    """Serve a site until Ctrl-C, and open a page of it."""
    from munmaek.guide.serving import bind, serve, site_app

    listener = bind(port)
    bound = listener.getsockname()[1]
    address = f"http://127.0.0.1:{bound}/{page.as_posix()}"
    write(address)
    write_message("Ctrl-C ends")
    if browser:
        webbrowser.open(address)
    try:
        serve(site_app(site, port=bound), listener)
    except KeyboardInterrupt:
        write_message("")
