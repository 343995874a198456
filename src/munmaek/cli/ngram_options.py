"""Options of ``munmaek train`` that n-gram models alone have."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from munmaek.errors import ConfigError

__all__ = [
    "KeepText",
    "KenlmCompatible",
    "MinCount",
    "Order",
    "Prune",
    "PruneEntropy",
    "SmoothingName",
    "refuse_for",
    "thresholds",
]

Order = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="N", show_default=False, help="Longest n-gram counted (ngram only)."
    ),
]

SmoothingName = Annotated[
    str | None,
    typer.Option(
        "--smoothing",
        metavar="NAME[:X]",
        show_default="modified-kneser-ney",
        help="modified-kneser-ney, kneser-ney[:D], absolute[:D], witten-bell, add-k[:K], "
        "maximum-likelihood or stupid-backoff[:FACTOR] (ngram only).",
    ),
]

Prune = Annotated[
    str | None,
    typer.Option(
        metavar="'0 0 1'",
        show_default=False,
        help="Leave out n-grams with at most so many occurrences, a number for each order, the "
        "last for longer ones too (ngram only).",
    ),
]

PruneEntropy = Annotated[
    float | None,
    typer.Option(
        metavar="X",
        show_default=False,
        help="Leave out n-grams that improve the perplexity by less than this share, such as "
        "1e-8 (ngram only).",
    ),
]

KenlmCompatible = Annotated[
    bool | None,
    typer.Option(
        "--kenlm-compatible",
        show_default=False,
        help="Estimate discounts as lmplz does (ngram only).",
    ),
]

KeepText = Annotated[
    bool | None,
    typer.Option(
        "--keep-text/--no-keep-text",
        show_default="where it is smaller than the tables",
        help="Keep the training text with the model, for lookup and add (ngram only).",
    ),
]

MinCount = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        show_default="1",
        help="Rarer words are <unk> (words), or spelled in smaller pieces.",
    ),
]


def thresholds(written: str | None) -> tuple[int, ...] | None:
    """The numbers of ``--prune``.

    Raises:
        ConfigError: something else than numbers.
    """
    if written is None:
        return None
    parts = written.replace(",", " ").split()
    if not parts or not all(part.isascii() and part.isdigit() for part in parts):
        message = f"--prune '{written}': wanted whole numbers with spaces between, such as '0 0 1'"
        raise ConfigError(message)
    return tuple(map(int, parts))


def refuse_for(stage: str, given: Mapping[str, Any]) -> None:
    """Refuse n-gram options for a network.

    Raises:
        ConfigError: an option is given and the stage is not ``ngram``.
    """
    for name, value in given.items():
        if value is not None and stage != "ngram":
            message = f"{name} is for ngram; '{stage}' has no use for it"
            raise ConfigError(message)
