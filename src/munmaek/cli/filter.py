"""``munmaek filter``."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from munmaek.cli.console import write, write_json, write_message
from munmaek.cli.evaluate import number
from munmaek.cli.options import Force, Json, ModelFolder, TextColumn, column
from munmaek.cli.parameters import Declared, Given, Parameters
from munmaek.errors import ConfigError

__all__ = ["FILTER", "PARAMETERS", "filter_texts"]

TELL, DUPLICATES = "Telling apart", "Duplicates"


def _option(help: str, *names: str, metavar: str | None = None, panel: str | None = None) -> Any:
    return typer.Option(
        *names, metavar=metavar, show_default=False, rich_help_panel=panel, help=help
    )


PARAMETERS: Final[Parameters] = {
    "model": (ModelFolder, ...),
    "files": (
        Annotated[
            list[str],
            typer.Argument(
                metavar="FILE…|-",
                show_default=False,
                help="Text, a sentence a line, or tables of any form, maybe compressed; patterns "
                "and addresses will do; - is standard input.",
            ),
        ],
        ...,
    ),
    "output": (
        Annotated[
            str,
            _option(
                "File of what is kept; its suffix says the form. Of buckets, out.txt becomes "
                "out.head.txt and so on.",
                "--output",
                "-o",
                metavar="FILE",
            ),
        ],
        ...,
    ),
    "keep": (
        Annotated[
            str | None,
            _option(
                "Keep the best share, 20% or 0.2, by a sample of the corpus.",
                metavar="SHARE",
                panel=TELL,
            ),
        ],
        None,
    ),
    "buckets": (
        Annotated[
            str | None,
            _option(
                "Write all in parts instead, between percentiles of a sample: 30,60 gives head, "
                "middle and tail, as CCNet has them.",
                metavar="P,P,…",
                panel=TELL,
            ),
        ],
        None,
    ),
    "at_most": (
        Annotated[float | None, _option("Keep what has at most this.", metavar="X", panel=TELL)],
        None,
    ),
    "at_least": (
        Annotated[float | None, _option("Keep what has at least this.", metavar="X", panel=TELL)],
        None,
    ),
    "reverse": (
        Annotated[
            bool,
            _option("Take the other end for the better one.", "--reverse", panel=TELL),
        ],
        False,
    ),
    "thresholds": (
        Annotated[
            Path | None,
            _option(
                "Limits that --save-thresholds kept, of another corpus.",
                metavar="FILE.json",
                panel=TELL,
            ),
        ],
        None,
    ),
    "save_thresholds": (
        Annotated[Path | None, _option("Keep the limits there.", metavar="FILE.json", panel=TELL)],
        None,
    ),
    "label": (
        Annotated[
            str | None,
            _option("The label whose probability counts (classify).", metavar="NAME", panel=TELL),
        ],
        None,
    ),
    "like": (
        Annotated[
            str | None,
            _option(
                "What texts are to be like: a text, or a file of texts, of which the nearest "
                "counts (mlm, embed).",
                metavar="TEXT|FILE",
                panel=TELL,
            ),
        ],
        None,
    ),
    "sample": (
        Annotated[
            int,
            typer.Option(
                metavar="N",
                min=1,
                rich_help_panel=TELL,
                help="Texts that --keep and --buckets take percentiles of, drawn from all files.",
            ),
        ],
        100_000,
    ),
    "unique": (
        Annotated[
            bool,
            _option(
                "Leave out texts that stood before, but for case, digits and typographic "
                "punctuation; 16 to 32 bytes of memory for each.",
                "--unique",
                panel=DUPLICATES,
            ),
        ],
        False,
    ),
    "near": (
        Annotated[
            float | None,
            _option(
                "Leave out texts that are so like one before, 0.8: the share of their runs of "
                "five characters that both have; 0.5 to 0.9 kB of memory for each.",
                metavar="X",
                panel=DUPLICATES,
            ),
        ],
        None,
    ),
    "write_scores": (
        Annotated[
            bool, _option("Add the model's numbers as columns of the output.", "--write-scores")
        ],
        False,
    ),
    "text_column": (TextColumn, None),
    "encoding": (
        Annotated[
            str,
            typer.Option(
                metavar="NAME",
                help="Encoding of files of text: utf-8, cp949, euc-kr, utf-16, latin-1 or another "
                "of Python's.",
            ),
        ],
        "utf-8",
    ),
    "jobs": (
        Annotated[
            int,
            typer.Option(
                metavar="N", min=1, help="Processes; the order and what is kept are the same."
            ),
        ],
        1,
    ),
    "engine": (
        Annotated[
            str | None,
            _option(
                "Filter text or JSON lines on Spark, into the folder -o, by limits that are given: "
                "local[N], spark://HOST:PORT, yarn, k8s://ADDRESS, sc://HOST:PORT.",
                metavar="MASTER",
            ),
        ],
        None,
    ),
    "on_error": (
        Annotated[
            str, typer.Option(metavar="stop|skip", help="What to do with rows that are damaged.")
        ],
        "stop",
    ),
    "force": (Force, False),
    "resume": (
        Annotated[bool, _option("Go on with an interrupted run of this command.", "--resume")],
        False,
    ),
    "json": (Json, False),
}


def filter_texts(given: Given) -> None:
    """Keep the texts of a large corpus that a model takes for good.

    With --buckets all texts are written, in parts. What counts is the perplexity under a language
    model, the pseudo-perplexity under one of masked words, the probability of a --label, the number
    of a regressor, or the likeness to --like. Rows stay as they are and in their order. Empty lines
    are left out.
    """
    from munmaek.filtering import filter_corpus, write_cut

    settings = _settings(given)
    if given["engine"] is not None:
        from munmaek.engines.verbs import Place, filter_on

        filter_on(given["engine"], settings, Place(given["output"], settings.force))
        write_message(f"{given['output']}: written")
        return
    found = filter_corpus(settings)
    if given["save_thresholds"] is not None:
        write_cut(given["save_thresholds"], found.cut)
    if given["json"]:
        write_json(found.to_json())
        return
    share = max(found.read, 1)
    for name, count in found.written.items():
        write(f"{name:24}  {count:>12,}  {100 * count / share:5.1f} %  {found.files[name]}")
    for reason, count in found.left_out.items():
        write(f"{reason:24}  {count:>12,}  {100 * count / share:5.1f} %")
    write(f"{'read':24}  {found.read:>12,}  in {found.seconds:.1f} s")
    if found.cut.percentiles:
        limits = ", ".join(number(each) for each in found.cut.limits)
        write_message(f"{found.cut.measure}: limits {limits}, of {found.cut.sample:,} texts")


def _settings(given: Given) -> Any:
    from munmaek.filtering import Choice, Settings
    from munmaek.tasks.measures import MeasuredBy

    if given["on_error"] not in ("stop", "skip"):
        message = f"--on-error {given['on_error']}: there are stop and skip"
        raise ConfigError(message)
    choice = Choice(
        keep=_share(given["keep"]),
        buckets=_numbers(given["buckets"]),
        at_most=given["at_most"],
        at_least=given["at_least"],
        reverse=given["reverse"],
    )
    return Settings(
        model=given["model"],
        files=tuple(given["files"]),
        output=Path(given["output"]),
        by=MeasuredBy(label=given["label"], like=_like(given["like"])),
        choice=choice,
        thresholds=given["thresholds"],
        text_column=column(given["text_column"]),
        encoding=given["encoding"],
        unique=given["unique"],
        near=given["near"],
        write_scores=given["write_scores"],
        sample=given["sample"],
        jobs=given["jobs"],
        skip_damaged=given["on_error"] == "skip",
        force=given["force"],
        resume=given["resume"],
    )


def _share(written: str | None) -> float | None:
    """Return ``20%`` or ``0.2`` as a share.

    Raises:
        ConfigError: it is no number.
    """
    if written is None:
        return None
    try:
        return float(written.removesuffix("%")) / (100.0 if written.endswith("%") else 1.0)
    except ValueError:
        message = f"--keep {written}: a share is wanted, such as 20% or 0.2"
        raise ConfigError(message) from None


def _numbers(written: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(each) for each in (written or "").replace(",", " ").split())
    except ValueError:
        message = f"--buckets {written}: rising percentiles are wanted: 30,60"
        raise ConfigError(message) from None


def _like(written: str | None) -> tuple[str, ...]:
    """Return the texts of a file of that name, else the text itself."""
    if written is None:
        return ()
    from munmaek.text.corpora import read_texts

    if Path(written).is_file():
        return tuple(each for each in read_texts(written) if each)
    return (written,)


FILTER = Declared(filter_texts, lambda: PARAMETERS)
