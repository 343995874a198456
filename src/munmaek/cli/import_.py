"""``munmaek import``."""

from pathlib import Path
from typing import Annotated

import typer

from munmaek.cli.console import write_json, write_message
from munmaek.cli.options import Force, Json
from munmaek.cli.outputs import claimed_folder
from munmaek.errors import ConfigError

__all__ = ["import_model"]

_FORMS = ("fast", "compact", "quantised")


def import_model(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            show_default=False,
            help="An ARPA file, also packed in gzip, xz, bzip2 or Zstandard, or a binary that "
            "KenLM's build_binary wrote.",
        ),
    ],
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="DIR", show_default=False, help="Folder of the model."
        ),
    ],
    form: Annotated[
        str,
        typer.Option(
            metavar="FORM",
            help="fast; compact, a third of the size, without loss; or quantised, a fifth.",
        ),
    ] = "fast",
    force: Force = False,
    json: Json = False,
) -> None:
    """Make a model of an ARPA file or of one of KenLM's binaries.

    ARPA files are what KenLM's lmplz or SRILM write. The vocabulary is the words of the file in
    NFC, and text is cut into words at ASCII white space. What text can never reach is said. KenLM's
    tries are read in all their forms. Its hash tables (probing) hold no words of n-grams, which are
    recovered by trying those that can follow one another: seconds for a million n-grams of 30,000
    words, minutes for a vocabulary of 200,000.
    """
    if form not in _FORMS:
        message = f"--form {form}: there are {', '.join(_FORMS)}"
        raise ConfigError(message)
    from munmaek.ngram.parallel import available
    from munmaek.tasks.lm.exchange import import_ngrams, in_form

    with claimed_folder(output, force=force):
        made = import_ngrams(file, threads=available())
        if form != "fast":
            made = in_form(made, form, threads=available())
        made.save(output, force=force)
    if json:
        told = {key: made.info.training[key] for key in ("unreachable", "collided")}
        label, ngrams = made.info.label, made.info.parameters
        write_json({"model": str(output), "label": label, "ngrams": ngrams, **told})
        return
    write_message(
        f"{made.info.label}, {made.info.parameters:,} n-grams\nnext:\n  munmaek score {output}"
    )
