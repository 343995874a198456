"""``munmaek align``."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from munmaek.cli.console import write_json
from munmaek.cli.evaluate import write_scores
from munmaek.cli.options import place_of
from munmaek.cli.parameters import Declared, Given
from munmaek.cli.predict import asked_of, class_at, parameters, predict
from munmaek.errors import ConfigError, InputError

__all__ = ["ALIGN", "align"]

Pairs = Sequence[tuple[str, str]]
Links = frozenset[tuple[int, int]]
Files = Annotated[
    list[str],
    typer.Argument(
        metavar="[MODEL] SRC TGT|TABLE",
        show_default=False,
        help="Folder of a translator with attention (not with --aligner); source sentences and "
        "their translations in two files, or in a table.",
    ),
]


def align(given: Given) -> None:
    """Print which words of two texts belong together.

    A line holds the links of a pair in Pharaoh's form, 0-0 1-2. Numbers count the words between
    spaces, from 0, source first; a no-break space is part of a word. There are as many lines as
    pairs; a pair with an empty side gives an empty one. --aligner reads all pairs before it aligns
    the first.
    """
    first, data = _parted(given["files"], alone=given["aligner"] is not None)
    folder = None if first is None else place_of({**given, "model": first})
    from munmaek.text.sources import UTF8, encoded

    if given["gold"] is None:
        source = data[0] if len(data) == 1 else _table(encoded(data, given["encoding"] or UTF8))
        predict("align", given, source=source, folder=folder)
        return
    if given["output"] is not None:
        raise ConfigError("--gold prints the error rate, and -o writes rows; leave one of them out")
    _measure(folder, data, given)


def _parted(files: Sequence[str], *, alone: bool) -> tuple[Any, Sequence[str]]:
    """Return the model, None where there is none, and the files.

    Raises:
        ConfigError: too few names, or too many.
    """
    folder, data = (None, files) if alone else (files[0], files[1:])
    if len(data) not in (1, 2):
        names = "SRC TGT" if alone else "MODEL SRC TGT (or --aligner hmm SRC TGT)"
        message = f"align needs {names}, or a table, got {len(files)} names"
        raise ConfigError(message)
    return folder, data


def _table(files: Sequence[Any]) -> Any:
    """Return two parallel files as a table, read when it is gone through."""
    from munmaek.text.memory import Table
    from munmaek.text.parallel import read_parallel

    def rows() -> Iterator[dict[str, Any]]:
        corpus = read_parallel(files)
        for source, target in zip(corpus.sources, corpus.targets, strict=True):
            yield {"source": source, "target": target}

    return Table(rows)


def _measure(folder: Any, data: Sequence[str], given: Given) -> None:
    """Print the alignment error rate against gold links."""
    from munmaek.text.parallel import read_parallel
    from munmaek.text.sources import encoded

    asked = asked_of("align", given)
    aligning = class_at("align").opened(folder, asked)
    corpus = read_parallel(encoded(data, asked.encoding))
    pairs = list(zip(corpus.sources, corpus.targets, strict=True))
    known = _gold(asked.gold, pairs, asked.gold_first)
    _write_scores(aligning, aligning.links(pairs), known, corpus.name, json=given["json"])


def _gold(path: str, pairs: Pairs, first: int) -> list[tuple[Links, Links]]:
    """Read the sure and possible links of each pair."""
    from munmaek.align import MarkedPair, parse_gold
    from munmaek.text.corpora import read_lines

    lines = list(read_lines(path))
    if len(lines) != len(pairs):
        message = f"{path}: need gold links for each of {len(pairs)} pairs, got {len(lines)} lines"
        raise InputError(message)
    known: list[tuple[Links, Links]] = []
    for number, (line, pair) in enumerate(zip(lines, pairs, strict=True), start=1):
        try:
            links = parse_gold(line, first=first)
            MarkedPair(*pair, links.sure, links.possible)
        except InputError as error:
            message = f"{path}, line {number}: {error}"
            raise InputError(message) from None
        known.append((links.sure, links.possible))
    return known


def _write_scores(
    aligning: Any,
    found: Sequence[Links],
    known: Sequence[tuple[Links, Links]],
    name: str,
    *,
    json: bool,
) -> None:
    import numpy as np

    from munmaek.metrics import alignment_scores, remarks, resting_on, sign

    signature = sign(task="align", stage=aligning.stage, tokenizer="words")
    scores = alignment_scores(
        found,
        [sure for sure, _ in known],
        possible=[possible for _, possible in known],
        signature=signature.extended(("links", aligning.how)),
        rng=np.random.default_rng(0),
    )
    scores = resting_on(scores, name, len(found), "pairs")
    told = {each: score.to_json() for each, score in scores.items()}
    if json:
        write_json({"scores": told, "remarks": [each.words() for each in remarks(told)]})
    else:
        write_scores(told)


ALIGN = Declared(align, lambda: parameters("align", files=(Files, ...)))
