"""``munmaek look``."""

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.console import put, say
from munmaek.cli.options import Force, Json, ModelFolder
from munmaek.cli.outputs import check_file_free, write_aside
from munmaek.errors import ConfigError, MunmaekError

__all__ = ["look"]


def look(
    model: ModelFolder,
    text: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", show_default=False, help="Sentences to look into."),
    ] = None,
    *,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            show_default=False,
            help="Look at this translation of the sentence instead of the model's own.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.html",
            show_default=False,
            help="Write one page that needs nothing beside itself, instead of serving it.",
        ),
    ] = None,
    force: Force = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where to serve; the next free one if taken.")
    ] = 8420,
    json: Json = False,
) -> None:
    """See inside: attention, gates and surprisal on a sentence.

    Without -o the page is served on this machine only, with a form for more sentences.
    """
    texts = text or []
    if output is not None:
        check_file_free(output, force=force)
    if not texts and (output is not None or json):
        message = "no sentence to look into; give one after the model"
        raise ConfigError(message)
    if target is not None and len(texts) != 1:
        message = f"--target goes with one sentence, got {len(texts)}"
        raise ConfigError(message)

    from munmaek.artefact import load
    from munmaek.look import capture, page

    trained = load(model)
    records = [capture(trained, each, target, name=model) for each in texts]
    if json:
        for record in records:
            put(record.to_json())
    if output is not None:
        made = page(records, title=str(model))
        write_aside(output, lambda path: _write(path, made))
        say(f"{output}: written; open it in a browser")
    elif not json:
        _serve(trained, model, records, port)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _serve(trained: Any, model: Path, records: list[Any], port: int) -> None:
    from munmaek.web import app, bind, serve

    listener = bind(port)
    bound = listener.getsockname()[1]
    if port not in (0, bound):
        say(f"port {port} is taken; using {bound}")
    put(f"http://127.0.0.1:{bound}/")
    say("Ctrl-C ends")
    try:
        serve(app(_render(trained, model, records)), listener)
    except KeyboardInterrupt:
        say("")


def _render(trained: Any, model: Path, records: list[Any]) -> Callable[[str, str], str]:
    """The page for what the form sent; what the command line named comes first of all."""
    from munmaek.look import capture, page

    translates = trained.info.task == "translate"

    def render(text: str, target: str) -> str:
        shown, error = records if not text else [], ""
        if text:
            try:
                given = target if translates and target else None
                shown = [capture(trained, text, given, name=model)]
            except MunmaekError as problem:
                error = str(problem)
        form = _form(text, target, translates=translates)
        return page(shown, title=str(model), form=form, error=error)

    return render


def _form(text: str, target: str, *, translates: bool) -> str:
    told = "a translation (or leave empty)"
    more = f'<input name="target" placeholder="{told}" value="{escape(target)}">'
    more = more if translates else ""
    return (
        f'<form method="get" action="/"><input name="text" placeholder="a sentence" required '
        f'autofocus value="{escape(text)}">{more}<button>Look</button></form>'
    )
