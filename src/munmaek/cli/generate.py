"""``munmaek generate``."""

from typing import Annotated, Any

import typer

from munmaek.cli.console import write_json, write_line
from munmaek.cli.options import Json, ModelFolder
from munmaek.errors import ConfigError

__all__ = ["generate"]


def generate(
    model: ModelFolder,
    prompt: Annotated[
        str, typer.Argument(metavar="PROMPT", help="Beginning of the text.", show_default=False)
    ] = "",
    *,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Texts to make.")] = 1,
    max_length: Annotated[int, typer.Option(min=1, help="Tokens at most.")] = 60,
    temperature: Annotated[
        float, typer.Option(help="Below 1 keeps closer to the likely, above 1 strays.")
    ] = 1.0,
    top_k: Annotated[
        int | None, typer.Option(min=1, show_default=False, help="Draw among the k likeliest only.")
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(
            show_default=False, help="Draw among the likeliest that hold this share, 0 to 1."
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, show_default=False, help="The same seed gives the same texts."),
    ] = None,
    json: Json = False,
) -> None:
    """Continue a text, one line for each continuation."""
    if not temperature > 0:
        message = (
            f"--temperature {temperature}: must be above 0; small values keep to the likeliest"
        )
        raise ConfigError(message)
    if top_p is not None and not 0 < top_p <= 1:
        message = f"--top-p {top_p}: must be above 0 and at most 1"
        raise ConfigError(message)

    import numpy as np

    from munmaek.tasks.loading import load_for

    trained: Any = load_for(model, "lm", what="generate")
    texts = trained.generate(
        prompt,
        rng=np.random.default_rng(seed),
        max_length=max_length,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        count=count,
    )
    for text in texts:
        if json:
            write_json({"prompt": prompt, "text": text})
        else:
            write_line(text)
