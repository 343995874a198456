"""The verbs that answer rows: what all of them share, from the options to the last word."""

import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from munmaek.cli.console import write, write_json, write_message
from munmaek.cli.options import SERVED, Force, InputFile, Json, ServedModel, place_of
from munmaek.cli.parameters import Given, Parameters, class_parameters, given_of
from munmaek.declared import class_value
from munmaek.tasks import tasks

__all__ = ["ANSWERING", "FAULTS_SHOWN", "OUTPUT", "asked_of", "class_at", "parameters", "predict"]

Source = Any
FAULTS_SHOWN, ROWS = 5, "Rows"
"""Rows that were left out because of a fault and are named one by one."""
ANSWERING: Final[Mapping[str, str]] = {
    verb: path for task in tasks().values() for verb, path in task.verbs.items()
}
"""By verb: the class that answers rows, ``module:name``."""
OUTPUT: Final[Parameters] = {
    "output": (
        Annotated[
            str | None,
            typer.Option(
                "--output",
                "-o",
                metavar="FILE",
                show_default=False,
                help="Write the rows of the input with the answers as new columns, in the form "
                "that the name tells: .txt, .tsv, .csv, .jsonl, .json, .parquet, .arrow, .xlsx; "
                "text also as .gz, .xz, .bz2 or .zst.",
                rich_help_panel=ROWS,
            ),
        ],
        None,
    ),
    "resume": (
        Annotated[
            bool,
            typer.Option(
                "--resume",
                help="Go on with an interrupted -o of this command.",
                rich_help_panel=ROWS,
            ),
        ],
        False,
    ),
    "skip_empty": (
        Annotated[
            bool,
            typer.Option(
                "--skip-empty",
                help="Leave out rows without text, which else have empty answers.",
                rich_help_panel=ROWS,
            ),
        ],
        False,
    ),
    "on_error": (
        Annotated[
            str,
            typer.Option(
                metavar="stop|skip",
                help="At a row that cannot be read or answered: stop, or leave it out and count "
                "it.",
                rich_help_panel=ROWS,
            ),
        ],
        "stop",
    ),
    "engine": (
        Annotated[
            str | None,
            typer.Option(
                metavar="MASTER",
                show_default=False,
                help="Answer rows of text, JSON lines or Parquet on Spark, from an address to the "
                "folder -o: local[N], spark://HOST:PORT, yarn, k8s://ADDRESS, sc://HOST:PORT.",
                rich_help_panel=ROWS,
            ),
        ],
        None,
    ),
    "force": (Force, False),
    "json": (Json, False),
}
"""Options of every verb that answers rows."""


def _options(verb: str) -> str:
    """Return the class of a verb's options, ``module:name``."""
    module, _, name = ANSWERING[verb].partition(":")
    return f"{module}:{class_value(f'{module}:{name}', 'options') or 'Asked'}"


def parameters(verb: str, **arguments: Any) -> Parameters:
    """Return what a verb takes: its arguments, by default a model and a file, and its options."""
    usual = {"model": (ServedModel, ...), "file": (InputFile, "-")}
    own = class_parameters(_options(verb), panel=ROWS)
    return {**(arguments or usual), **own, **SERVED, **OUTPUT}


def class_at(verb: str) -> Any:
    """Return the class that answers rows for a verb."""
    module, _, name = ANSWERING[verb].partition(":")
    return getattr(import_module(module), name)


def asked_of(verb: str, given: Given) -> Any:
    """Return the options of a verb, checked.

    Raises:
        ConfigError: a value out of range.
    """
    return class_at(verb).options.of(given_of(_options(verb), given), where="the command line")


def predict(verb: str, given: Given, *, source: Source = None, folder: Any = None) -> None:
    """Answer the rows of a source: into a file, or on standard output as they come.

    Args:
        verb: its name.
        given: its arguments and options.
        source: where the rows come from; None is the argument ``file``.
        folder: of the model, or its address; None is the argument ``model``.
    """
    from munmaek.tasks.predicting import Leaving
    from munmaek.text.sources import encoded

    asked = asked_of(verb, given)
    source = encoded([given["file"] if source is None else source], asked.encoding)[0]
    folder = place_of(given) if folder is None and "model" in given else folder
    if given["engine"] is not None:
        _on_engine(verb, folder, source, asked, given)
        return
    faults = _Faults()
    leaving = Leaving(given["skip_empty"], _on_error(given["on_error"]), faults.tell)
    if given["output"] is None:
        _to_output(class_at(verb).opened(folder, asked), source, leaving, json=given["json"])
        return
    _to_file(verb, folder, source, asked, leaving, given)


def _on_engine(verb: str, folder: Any, source: Source, asked: Any, given: Given) -> None:
    """Answer rows on a cluster.

    Raises:
        ConfigError: no place for them, or options that are for one machine.
    """
    from munmaek.engines.verbs import Place, predict_on
    from munmaek.errors import ConfigError

    if given["output"] is None or given["resume"]:
        raise ConfigError("--engine: writes the folder -o, which is wanted, and resumes nothing")
    if not isinstance(folder, Path):
        message = (
            f"{folder}: --engine ships the folder of a model, so one on this machine is wanted"
        )
        raise ConfigError(message)
    place = Place(given["output"], given["force"])
    predict_on(
        given["engine"],
        class_at(verb),
        folder,
        source,
        asked,
        place,
        skip_empty=given["skip_empty"],
        on_error=_on_error(given["on_error"]),
    )
    write_message(f"{place.path}: written")


def _on_error(written: str) -> Any:
    from munmaek.errors import ConfigError

    if written not in ("stop", "skip"):
        message = f"--on-error {written}: there are stop and skip"
        raise ConfigError(message)
    return written


@dataclass(slots=True)
class _Faults:
    """Names the first rows that are left out because of a fault."""

    told: list[str] = field(default_factory=list[str])

    def tell(self, fault: str) -> None:
        if len(self.told) < FAULTS_SHOWN:
            self.told.append(fault)
            write_message(f"left out: {fault}")


def _to_file(
    verb: str, folder: Any, source: Source, asked: Any, leaving: Any, given: Given
) -> None:
    from munmaek.tasks.predicting import predict_to
    from munmaek.text.written import form_written

    output = Path(given["output"])
    if output.suffix.lower() in class_at(verb).fills:
        _fill(class_at(verb).opened(folder, asked), source, given)
        return
    form_written(output)
    what = {
        "verb": verb,
        "model": _identity(folder),
        "input": _identity(source),
        "options": asked.model_dump(mode="json"),
        "--skip-empty": leaving.skip_empty,
        "--on-error": leaving.on_error,
    }
    answering = class_at(verb).opened(folder, asked)
    done = predict_to(
        output,
        source,
        answering,
        leaving=leaving,
        what=what,
        force=given["force"],
        resume=given["resume"],
    )
    _end(answering, done.read, done.left_out)
    if given["json"]:
        counts = {"read": done.read, "written": done.written, "left_out": done.left_out}
        write_json({"output": str(output), **counts})
    else:
        write_message(f"{output}: {done.written:,} rows")


def _fill(answering: Any, source: Source, given: Given) -> None:
    """Write a file that is not rows again with its answers."""
    from munmaek.errors import ConfigError, InputError

    output = Path(given["output"])
    if given["resume"] or given["skip_empty"] or given["on_error"] != "stop":
        message = f"-o {output}: --resume, --skip-empty and --on-error are for rows; leave them out"
        raise ConfigError(message)
    if output.exists() and not given["force"]:
        message = f"{output}: already exists; choose another -o, or --force to replace it"
        raise InputError(message)
    counts = answering.fill(source, output)
    for remark in answering.remarks(sum(counts.values())):
        write_message(remark)
    if given["json"]:
        write_json({"output": str(output), **counts})
    else:
        shown = ", ".join(f"{count:,} {name}" for name, count in counts.items())
        write_message(f"{output}: {shown}")


def _identity(source: Source) -> str:
    """Return what a model or an input is known by when a run goes on: its name and size."""
    size = ""
    with suppress(OSError):
        place = Path(str(source))
        place = place / "munmaek.json" if place.is_dir() else place
        size = f", {place.stat().st_size} bytes" if place.is_file() else ""
    return f"{source}{size}"


def _to_output(answering: Any, source: Source, leaving: Any, *, json: bool) -> None:
    from munmaek.tasks.predicting import answered, open_asked, row_count
    from munmaek.text.files import is_typed

    if is_typed(source):
        write_message("reading from the terminal, a sentence a line; Ctrl-D ends")
    answering.whole = json
    rows = open_asked(source, answering, live=True)
    left_out: dict[str, int] = {}
    read = 0
    for block in answered(answering, rows, leaving, total=row_count(source)):
        for row, answer in zip(block.rows, block.answers, strict=True):
            if json:
                write_json({**answering.named(row.texts), **answer})
            else:
                write(answering.line(row.texts, answer))
        sys.stdout.flush()
        read += block.read
        for reason, count in block.left_out.items():
            left_out[reason] = left_out.get(reason, 0) + count
    _end(answering, read, left_out)


def _end(answering: Any, rows: int, left_out: Mapping[str, int]) -> None:
    """Say what there is to say at the end."""
    counts = (f"{count:,} {_REASONS.get(why, why)}" for why, count in left_out.items())
    if left_out:
        write_message(f"rows left out: {', '.join(counts)}")
    for remark in answering.remarks(rows):
        write_message(remark)


_REASONS: Final = {"empty": "without text", "errors": "that could not be read or answered"}
