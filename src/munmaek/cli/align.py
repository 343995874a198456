"""``munmaek align``."""

import sys
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from munmaek.cli.console import write, write_json
from munmaek.cli.evaluate import write_scores
from munmaek.cli.options import Json
from munmaek.errors import ConfigError, InputError, UnsupportedError

__all__ = ["align"]

BLOCK = 256
"""Pairs that go through the model together."""

MOST_CELLS = 10_000_000
"""Pairings of a source with a target word of one pair."""

Pairs = Sequence[tuple[str, str]]
Links = frozenset[tuple[int, int]]


class Aligner(StrEnum):
    """Statistical aligners."""

    hmm = "hmm"
    ibm1 = "ibm1"


class Symmetrisation(StrEnum):
    """Ways to join two directions of alignment into one."""

    intersection = "intersection"
    union = "union"
    grow_diag = "grow-diag"
    grow_diag_final = "grow-diag-final"
    grow_diag_final_and = "grow-diag-final-and"


class Reading(StrEnum):
    """Which step speaks for a word."""

    output = "output"
    input = "input"


def align(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL] SRC TGT",
            show_default=False,
            help="Folder of a translator with attention (not with --aligner), source sentences "
            "and their translations.",
        ),
    ],
    *,
    aligner: Annotated[
        Aligner | None,
        typer.Option(
            show_default=False,
            help="Align without a model, from these sentences alone: hmm (two hidden Markov "
            "models that agree) or ibm1 (the plain baseline).",
        ),
    ] = None,
    by: Annotated[
        Symmetrisation | None,
        typer.Option(
            "--symmetrise",
            show_default="grow-diag-final-and with --aligner",
            help="Way to join two directions: those of --aligner, or of a model the source "
            "word that each target word attends to most and the target word that attends to each "
            "source word most. Without it a model has the former alone.",
        ),
    ] = None,
    reading: Annotated[
        Reading,
        typer.Option(help="A word's attention: of the step that emits it or that reads it."),
    ] = Reading.output,
    layer: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            show_default="the model's own choice",
            help="Decoder layer whose attention is read, from 0, or -1 for the last.",
        ),
    ] = None,
    head: Annotated[
        int | None,
        typer.Option(
            metavar="N", show_default="the mean of all", help="Head of the layer, from 0."
        ),
    ] = None,
    gold: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="Print the alignment error rate instead: gold links a line, 0-0 sure, 0?0 or "
            "0p0 possible.",
        ),
    ] = None,
    gold_first: Annotated[
        int, typer.Option(min=0, max=1, help="Number of the first word in --gold.")
    ] = 0,
    json: Json = False,
) -> None:
    """Print which words of two texts belong together.

    A line holds the links of a pair in Pharaoh's form, 0-0 1-2. Numbers count the words between
    spaces, from 0, source first; a no-break space is part of a word. There are as many lines as
    pairs; a pair with an empty side gives an empty one.
    """
    from munmaek.text.parallel import read_parallel

    wanted = 2 if aligner else 3
    if len(files) != wanted:
        names = "SRC TGT" if aligner else "MODEL SRC TGT (or --aligner hmm SRC TGT)"
        message = f"align needs {names}, got {len(files)} names"
        raise ConfigError(message)
    if aligner and (layer is not None or head is not None):
        message = f"--layer and --head are of a model's attention, not of --aligner {aligner}"
        raise ConfigError(message)
    trained: Any = None if aligner else _translator(files[0])
    find = (
        _statistical(aligner, (by or Symmetrisation.grow_diag_final_and).value)
        if aligner
        else _attentive(trained, reading.value, None if by is None else by.value, layer, head)
    )
    corpus = read_parallel(files[-2:])
    pairs = list(zip(corpus.sources, corpus.targets, strict=True))
    known = None if gold is None else _gold(gold, pairs, gold_first)
    found = _keeping_place(pairs, find)
    if known is None:
        for pair, links in zip(pairs, found, strict=True):
            _write(pair, links, json=json)
        sys.stdout.flush()
        return
    stage = aligner.value if aligner else str(trained.info.stage)
    how = f"{by or Symmetrisation.grow_diag_final_and}" if aligner else f"{reading} step"
    if by and not aligner:
        how = f"{how}, {by}"
    _write_scores(list(found), known, stage, how, name=corpus.name, json=json)


def _keeping_place(pairs: Pairs, find: Callable[[Pairs], Iterator[Links]]) -> Iterator[Links]:
    """Find the links of every pair; those with an empty side are not looked at."""
    from munmaek.text.spaces import ascii_words

    filled = [all(ascii_words(text) for text in pair) for pair in pairs]
    found = find([pair for pair, whole in zip(pairs, filled, strict=True) if whole])
    for whole in filled:
        yield next(found) if whole else frozenset()


def _statistical(aligner: Aligner, by: Any) -> Callable[[Pairs], Iterator[Links]]:
    from munmaek.align import statistical_links, symmetrise
    from munmaek.metrics import IbmModel1
    from munmaek.text.spaces import ascii_words

    def hmm(pairs: Pairs) -> Iterator[Links]:
        sources, targets = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        return iter(statistical_links(sources, targets, by=by))

    def ibm1(pairs: Pairs) -> Iterator[Links]:
        sources, targets = ([ascii_words(pair[side]) for pair in pairs] for side in (0, 1))
        _check_sizes(sources, targets)
        there, back = IbmModel1.fit(sources, targets), IbmModel1.fit(targets, sources)
        for source, target in zip(sources, targets, strict=True):
            backward = {(s, t) for t, s in back.align(target, source)}
            yield symmetrise(there.align(source, target), backward, by=by)

    return hmm if aligner is Aligner.hmm else ibm1


def _check_sizes(sources: Sequence[Sequence[str]], targets: Sequence[Sequence[str]]) -> None:
    """Refuse a pair whose every pairing of words would not fit in memory."""
    for number, (source, target) in enumerate(zip(sources, targets, strict=True), start=1):
        if len(source) * len(target) > MOST_CELLS:
            message = (
                f"the {number}. pair with words has {len(source):,} and {len(target):,}: ibm1 "
                f"counts all {len(source) * len(target):,} pairings, {MOST_CELLS:,} at most; "
                "cut it into sentences, or give --aligner hmm"
            )
            raise InputError(message)


def _translator(model: str) -> Any:
    from munmaek.tasks.loading import load_for

    return load_for(model, "translate", what="align")


def _attentive(
    trained: Any, reading: Any, by: Any, layer: int | None, head: int | None
) -> Callable[[Pairs], Iterator[Links]]:
    def find(pairs: Pairs) -> Iterator[Links]:
        for at in range(0, len(pairs), BLOCK):
            part = pairs[at : at + BLOCK]
            sources, targets = [pair[0] for pair in part], [pair[1] for pair in part]
            found = trained.align(sources, targets, reading=reading, by=by, layer=layer, head=head)
            for each in found:
                if each.alignment is None:
                    message = (
                        f"stage '{trained.info.stage}' has no attention, so it cannot align; "
                        "train 'attention' or 'transformer', or give --aligner hmm"
                    )
                    raise UnsupportedError(message)
                yield frozenset(each.alignment)

    return find


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
    found: Sequence[Links],
    known: Sequence[tuple[Links, Links]],
    stage: str,
    how: str,
    *,
    name: str,
    json: bool,
) -> None:
    import numpy as np

    from munmaek.metrics import alignment_scores, remarks, resting_on, sign

    scores = alignment_scores(
        found,
        [sure for sure, _ in known],
        possible=[possible for _, possible in known],
        signature=sign(task="align", stage=stage, tokenizer="words").extended(("links", how)),
        rng=np.random.default_rng(0),
    )
    scores = resting_on(scores, name, len(found), "pairs")
    told = {each: score.to_json() for each, score in scores.items()}
    if json:
        write_json({"scores": told, "remarks": [each.words() for each in remarks(told)]})
    else:
        write_scores(told)


def _write(row: tuple[str, str], links: Links, *, json: bool) -> None:
    from munmaek.align import format_gold

    if json:
        listed = [list(link) for link in sorted(links)]
        write_json({"source": row[0], "target": row[1], "alignment": listed})
    else:
        write(format_gold(links))
