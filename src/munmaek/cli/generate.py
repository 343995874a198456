"""``munmaek generate``."""

from typing import Annotated, Any, Final

import typer

from munmaek.cli.console import write_json, write_line
from munmaek.cli.options import SERVED, Json, ServedModel, place_of
from munmaek.cli.parameters import Declared, Given, Parameters, class_parameters, given_of
from munmaek.errors import ConfigError

__all__ = ["GENERATE", "generate"]

ASKED: Final = "munmaek.tasks.lm.generating:AskedContinuations"


def _parameters() -> Parameters:
    prompt = typer.Argument(metavar="PROMPT", help="Beginning of the text.", show_default=False)
    count = typer.Option("--count", "-n", min=1, metavar="N", help="Texts to make.")
    return {
        "model": (ServedModel, ...),
        "prompt": (Annotated[str, prompt], ""),
        "count": (Annotated[int, count], 1),
        **class_parameters(ASKED),
        **SERVED,
        "json": (Json, False),
    }


def generate(given: Given) -> None:
    """Continue a text, one line for each continuation."""
    temperature, top_p = given["temperature"], given["top_p"]
    if temperature is not None and not temperature > 0:
        message = (
            f"--temperature {temperature}: must be above 0; small values keep to the likeliest"
        )
        raise ConfigError(message)
    if top_p is not None and not 0 < top_p <= 1:
        message = f"--top-p {top_p}: must be above 0 and at most 1"
        raise ConfigError(message)

    from munmaek.tasks.lm.generating import AskedContinuations
    from munmaek.tasks.loading import load_for

    asked = AskedContinuations.of(given_of(ASKED, given), where="the command line")
    trained: Any = load_for(place_of(given), "lm", what="generate")
    options = asked.model_dump(exclude={"seed"})
    prompt = given["prompt"]
    for text in trained.generate(prompt, rng=asked.seed, count=given["count"], **options):
        if given["json"]:
            write_json({"prompt": prompt, "text": text})
        else:
            write_line(text)


GENERATE = Declared(generate, _parameters)
