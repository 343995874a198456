"""``munmaek align``."""

import sys
from typing import Annotated, Any

import typer

from munmaek.cli.console import put, put_json
from munmaek.cli.options import Json, ModelFolder
from munmaek.errors import UnsupportedError

__all__ = ["align"]

BLOCK = 256
"""Pairs that go through the model together."""


def align(
    model: ModelFolder,
    source: Annotated[
        str, typer.Argument(metavar="SRC", show_default=False, help="Source sentences.")
    ],
    target: Annotated[
        str, typer.Argument(metavar="TGT", show_default=False, help="Their translations.")
    ],
    *,
    json: Json = False,
) -> None:
    """Print which words of two texts belong together.

    A line holds the links of a pair in Pharaoh's form, 0-0 1-2. Numbers count the words between
    spaces, from 0, source first. A pair with an empty side gives an empty line.
    """
    from munmaek.artefact import Translator, load_as
    from munmaek.text.corpora import read_parallel

    trained: Any = load_as(model, Translator, what="align")
    pairs = read_parallel([source, target])
    for at in range(0, len(pairs.sources), BLOCK):
        sources, targets = pairs.sources[at : at + BLOCK], pairs.targets[at : at + BLOCK]
        full = [row for row in zip(sources, targets, strict=True) if all(row)]
        found = iter(trained.align([row[0] for row in full], [row[1] for row in full]))
        for row in zip(sources, targets, strict=True):
            _put(row, _links(next(found), trained) if all(row) else (), json=json)
        sys.stdout.flush()


def _links(aligned: Any, trained: Any) -> tuple[tuple[int, int], ...]:
    if aligned.alignment is None:
        message = (
            f"stage '{trained.info.stage}' has no attention, so it cannot align; "
            "train 'attention' or 'transformer'"
        )
        raise UnsupportedError(message)
    return aligned.alignment


def _put(row: tuple[str, str], links: tuple[tuple[int, int], ...], *, json: bool) -> None:
    if json:
        listed = [list(link) for link in links]
        put_json({"source": row[0], "target": row[1], "alignment": listed})
    else:
        put(" ".join(f"{source}-{target}" for source, target in links))
