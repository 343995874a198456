"""``munmaek translate``."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from munmaek.cli.console import write_json, write_line, write_message
from munmaek.cli.inputs import Texts
from munmaek.cli.options import InputFile, Json, ModelFolder, TextColumn, column
from munmaek.errors import ConfigError, InputError

__all__ = ["translate"]

EVERY = 10.0
"""Seconds between lines that say how far it is."""
PRECISIONS = ("float32", "int8")
SEARCH, TOGETHER, WORDS = "Search", "Several models", "Words"


def translate(
    model: ModelFolder,
    file: InputFile = "-",
    *,
    beam: Annotated[
        int,
        typer.Option(
            min=1,
            help="Translations kept at every step; 1 is greedy.",
            rich_help_panel=SEARCH,
        ),
    ] = 5,
    n_best: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Translations of each line, as number, score and text; at most the beam.",
            rich_help_panel=SEARCH,
        ),
    ] = 1,
    min_length: Annotated[
        int, typer.Option(min=0, metavar="N", help="Tokens at least.", rich_help_panel=SEARCH)
    ] = 0,
    max_length: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            show_default=False,
            help="Tokens at most, the end included; by default from the source.",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    length_penalty: Annotated[
        float,
        typer.Option(
            min=0.0,
            metavar="X",
            help="Rank by log-probability / length ^ X.",
            rich_help_panel=SEARCH,
        ),
    ] = 1.0,
    coverage: Annotated[
        float,
        typer.Option(
            min=0.0,
            metavar="X",
            help="Take off X times the logarithms of source words' attention below 1.",
            rich_help_panel=SEARCH,
        ),
    ] = 0.0,
    no_repeat: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="No N tokens in a row come twice.", rich_help_panel=SEARCH
        ),
    ] = 0,
    with_: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            metavar="MODEL",
            show_default=False,
            help="Another translator that decodes together with the first; may come again.",
            rich_help_panel=TOGETHER,
        ),
    ] = None,
    weight: Annotated[
        list[float] | None,
        typer.Option(
            metavar="X",
            show_default=False,
            help="Weight of each model, in their order; by default all alike.",
            rich_help_panel=TOGETHER,
        ),
    ] = None,
    geometric: Annotated[
        bool,
        typer.Option(
            "--geometric",
            help="The mean of log-probabilities rather than of probabilities.",
            rich_help_panel=TOGETHER,
        ),
    ] = False,
    lm: Annotated[
        Path | None,
        typer.Option(
            metavar="MODEL",
            show_default=False,
            help="A language model over the same target vocabulary, added to the scores.",
            rich_help_panel=TOGETHER,
        ),
    ] = None,
    lm_weight: Annotated[
        float,
        typer.Option(metavar="X", help="Weight of the language model.", rich_help_panel=TOGETHER),
    ] = 0.2,
    must: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PHRASE",
            show_default=False,
            help="Must be in every translation; may come again.",
            rich_help_panel=WORDS,
        ),
    ] = None,
    must_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            show_default=False,
            help="For each line of text a line of phrases, with tabs between or as a JSON list.",
            rich_help_panel=WORDS,
        ),
    ] = None,
    replace_unknown: Annotated[
        bool,
        typer.Option(
            "--replace-unknown",
            help="Write the source word attended to for a word that the vocabulary lacks.",
            rich_help_panel=WORDS,
        ),
    ] = False,
    dictionary: Annotated[
        str | None,
        typer.Option(
            metavar="FILE.tsv",
            show_default=False,
            help="With --replace-unknown: source words and what to write for them.",
            rich_help_panel=WORDS,
        ),
    ] = None,
    split: Annotated[
        bool,
        typer.Option("--split", help="Translate a line beyond the limit in parts, not cut."),
    ] = False,
    precision: Annotated[
        str, typer.Option(metavar="NAME", help="float32, or int8: nearly the same and faster.")
    ] = "float32",
    text_column: TextColumn = None,
    json: Json = False,
) -> None:
    """Translate every line, or row of a table; empty ones stay empty."""
    if precision not in PRECISIONS:
        message = f"--precision {precision}: there are {', '.join(PRECISIONS)}"
        raise ConfigError(message)
    if dictionary is not None and not replace_unknown:
        raise ConfigError("--dictionary is for --replace-unknown; give both")

    from munmaek.tasks.translate.translating import Decoding
    from munmaek.tasks.translate.translation import UnknownWords
    from munmaek.text.columns import SOURCE_NAMES, TEXT_NAMES
    from munmaek.text.spaces import ascii_words

    decoding = Decoding(
        beam=beam,
        n_best=n_best,
        length_penalty=length_penalty,
        coverage=coverage,
        min_length=min_length,
        max_length=max_length,
        no_repeat=no_repeat,
        split=split,
        unknown=UnknownWords(_pairs(dictionary)) if replace_unknown else None,
    )
    together = _together(
        [model, *(with_ or ())],
        weight or (),
        lm,
        lm_weight,
        geometric=geometric,
        precision=precision,
    )
    told = _Told()
    phrases = _phrases(must or (), must_file)
    names = (*SOURCE_NAMES, *TEXT_NAMES)
    for lines in Texts(file, column(text_column), names, extra=1).blocks():
        wanted = _as_many(phrases, len(lines), must_file)
        found = together.translate(lines, decoding, must=wanted, links=json)
        for best in found:
            told.count(best[0])
            if json:
                _write_json(best, several=n_best > 1)
            elif n_best == 1:
                write_line(best[0].translation)
            else:
                for each in best:
                    words = " ".join(ascii_words(each.translation))
                    write_line(f"{told.lines}\t{each.score:.4f}\t{words}")
        told.progress()
    if next(phrases, None) is not None and must_file is not None:
        message = f"{must_file}: more lines than the text's {told.lines:,}; give one for each"
        raise InputError(message)
    told.end(min(each.limit for each in together.translators))


@dataclass(slots=True)
class _Told:
    """Counts of what is reported on standard error beside the results."""

    lines: int = 0
    cut: int = 0
    unfinished: int = 0
    latest: float = field(default_factory=time.monotonic)

    def count(self, best: Any) -> None:
        self.lines += 1
        self.cut += best.cut > 0
        self.unfinished += not best.finished
        for phrase in best.unmet:
            write_message(
                f"line {self.lines}: {phrase!r} cannot be in the translation; it is left out"
            )

    def progress(self) -> None:
        if time.monotonic() - self.latest > EVERY:
            self.latest = time.monotonic()
            write_message(f"{self.lines:,} lines")

    def end(self, limit: int) -> None:
        if self.cut:
            write_message(
                f"warning: {self.cut:,} of {self.lines:,} lines are longer than the {limit} tokens "
                "that are read; their ends were cut (--split translates them in parts)"
            )
        if self.unfinished:
            write_message(
                f"warning: {self.unfinished:,} of {self.lines:,} translations were cut at the "
                "longest length (--max-length)"
            )


def _together(
    folders: Sequence[Path],
    weights: Sequence[float],
    lm: Path | None,
    lm_weight: float,
    *,
    geometric: bool,
    precision: str,
) -> Any:
    from munmaek.decode import GeometricEnsemble, MeanEnsemble
    from munmaek.tasks.loading import load_for
    from munmaek.tasks.translate.translating import Ensemble

    models: list[Any] = [load_for(folder, "translate") for folder in folders]
    if precision == "int8":
        models = [each.quantised() for each in models]
    return Ensemble(
        models,
        tuple(weights),
        GeometricEnsemble if geometric else MeanEnsemble,
        None if lm is None else load_for(lm, "lm", what="--lm"),
        lm_weight,
    )


def _write_json(found: Sequence[Any], *, several: bool) -> None:
    best = found[0]
    links = best.alignment
    row: dict[str, Any] = {
        "source": best.source,
        "translation": best.translation,
        "logprob": best.logprob,
        "alignment": None if links is None else [list(link) for link in links],
    }
    if several:
        row["n_best"] = [
            {
                "translation": each.translation,
                "logprob": each.logprob,
                "score": each.score,
                "alignment": None
                if each.alignment is None
                else [list(link) for link in each.alignment],
            }
            for each in found
        ]
    if best.cut:
        row["cut"] = best.cut
    if best.unmet:
        row["unmet"] = list(best.unmet)
    write_json(row)


def _pairs(path: str | None) -> dict[str, str]:
    """Read a dictionary of a TSV file; the first translation of a word counts."""
    from munmaek.text.corpora import read_lines

    found: dict[str, str] = {}
    for number, line in enumerate(read_lines(path) if path else (), start=1):
        word, _, rest = line.partition("\t")
        translation = rest.split("\t")[0].strip()
        if line and not (word.strip() and translation):
            message = f"{path}, line {number}: wanted a word, a tab and its translation"
            raise InputError(message)
        if line:
            found.setdefault(word.strip(), translation)
    return found


def _phrases(always: Sequence[str], path: str | None) -> Iterator[list[str]]:
    """Yield the phrases of each line, of the file and of all; without a file endlessly."""
    from munmaek.text.files import raw_lines

    if path is None:
        while always:
            yield list(always)
        return
    number = 0
    for block in raw_lines(path):
        for line in block:
            number += 1
            yield [*always, *_phrases_of(line, f"{path}, line {number}")]


def _phrases_of(line: str, where: str) -> list[str]:
    from json import loads

    if not line.startswith("["):
        return [each.strip() for each in line.split("\t") if each.strip()]
    try:
        value = loads(line)
    except (ValueError, RecursionError) as error:
        message = f"{where}: not a JSON list: {error}"
        raise InputError(message) from None
    if not all(isinstance(each, str) for each in value):
        message = f"{where}: wanted a JSON list of phrases, got {line[:40]}"
        raise InputError(message)
    return [each for each in cast("list[str]", value) if each.strip()]


def _as_many(phrases: Iterator[list[str]], lines: int, path: str | None) -> list[list[str]]:
    found = list(islice(phrases, lines))
    if path is not None and len(found) < lines:
        message = (
            f"{path}: fewer lines than the text; give one for each, empty where none is wanted"
        )
        raise InputError(message)
    return found
