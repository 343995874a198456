"""``munmaek serve``."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from munmaek.cli.console import write_message
from munmaek.cli.parameters import Declared, Given, Option, Parameters, shown
from munmaek.declared import fields_of
from munmaek.errors import ConfigError, UnsupportedError

__all__ = ["SERVE", "parameters", "serve"]

LIMITS: Final = ("body", "texts", "characters", "waiting", "requests", "batch")
"""Options that say how much is taken."""
ModelNames = Annotated[
    list[str],
    typer.Argument(
        metavar="MODEL|NAME=MODEL",
        show_default=False,
        help="Folder of a trained model, and maybe the name under which clients ask for it; by "
        "default its folder's.",
    ),
]


def serve(given: Given) -> None:
    """Answer requests over HTTP, in forms that clients already speak.

    OpenAI's /v1/embeddings and /v1/completions, text-embeddings-inference's /embed, /predict,
    /rerank and /tokenize, LibreTranslate's /translate, and each verb of a task by its name; /
    shows them all. Ctrl-C ends it after what is under way.
    """
    from munmaek.serve.options import ServerOptions

    named = names_of(given["models"])
    asked = {name: each for name, each in given.items() if name != "models" and each is not None}
    options = ServerOptions.of(asked, where="the options")
    check_open(options)

    if find_spec("prometheus_client") is None:
        raise UnsupportedError("serve needs the extra 'serve': pip install 'munmaek[serve]'")

    from munmaek.serve.running import listen, run

    with listen(options.host, options.port) as listener:
        port = listener.getsockname()[1]
        host = f"[{options.host}]" if ":" in options.host else options.host
        scheme = "http" if options.certificate is None else "https"

        def opened() -> None:
            write_message(f"munmaek: serving {', '.join(name for name, _ in named)}")
            write_message(f"munmaek: {scheme}://{host}:{port}")

        run(named, options.model_copy(update={"port": port}), listener, opened)


def parameters() -> Parameters:
    """Return what the verb takes."""
    options = fields_of("munmaek.serve.options:ServerOptions")
    made = [
        Option(
            name.replace("_", "-"),
            "serve",
            {},
            "Limits" if name in LIMITS else "Server",
            field,
            "" if field.default in (None, False, ()) else shown(field.default),
            repeated=field.is_many,
            metavar="FILE" if field.is_many else "",
        )
        for name, field in options.items()
    ]
    return {
        "models": (ModelNames, ...),
        **{each.identifier: each.parameter for each in made},
    }


SERVE = Declared(serve, parameters)


def names_of(models: Sequence[str]) -> list[tuple[str, Path]]:
    """Return the name and the folder of every model.

    Raises:
        ConfigError: two of one name, or no name.
    """
    named = [_named(each) for each in models]
    names = [name for name, _ in named]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        message = f"two models are called '{twice}'; give one another name, as NAME=MODEL"
        raise ConfigError(message)
    return named


def _named(given: str) -> tuple[str, Path]:
    name, equals, folder = given.partition("=")
    if not equals:
        return Path(given).resolve().name, Path(given)
    if not name or not folder:
        message = f"{given!r}: a model is given as MODEL or NAME=MODEL"
        raise ConfigError(message)
    return name, Path(folder)


def check_open(options: Any) -> None:
    """Check that nobody is let in by oversight.

    Raises:
        ConfigError: another machine's requests come without a token, and nobody said so.
    """
    from munmaek.serve.security import is_loopback

    if options.token_file is not None and options.no_token:
        raise ConfigError("--token-file and --no-token exclude each other")
    if not is_loopback(options.host) and options.token_file is None and not options.no_token:
        message = (
            f"--host {options.host} is reached from other machines: give --token-file FILE, or "
            "--no-token to let anyone ask"
        )
        raise ConfigError(message)
