"""``munmaek look``."""

import re
import unicodedata
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any, Final, cast

import typer

from munmaek.cli.console import write, write_json, write_message
from munmaek.cli.figures import Figures, write_figures
from munmaek.cli.language import LANGUAGE
from munmaek.cli.living import write_living
from munmaek.cli.options import Force, Json, ModelFolder
from munmaek.cli.outputs import claimed_file, is_page
from munmaek.cli.parameters import Declared, Given, Parameters
from munmaek.errors import ConfigError
from munmaek.figures import check_figures
from munmaek.memory import keep_few_products
from munmaek.writing import write_text

__all__ = ["LOOK", "PARAMETERS", "look"]


PARAMETERS: Final[Parameters] = {
    "model": (ModelFolder, ...),
    "text": (
        Annotated[
            list[str] | None,
            typer.Argument(
                metavar="TEXT",
                show_default=False,
                help="Sentences to look into; with --check the file of marks.",
            ),
        ],
        None,
    ),
    "target": (
        Annotated[
            str | None,
            typer.Option(
                metavar="TEXT",
                show_default=False,
                help="Look at this translation of the sentence instead of the model's own.",
            ),
        ],
        None,
    ),
    "pair": (
        Annotated[
            str | None,
            typer.Option(
                metavar="TEXT",
                show_default=False,
                help="A second text, for a model that embeds, fills masks or reads pairs.",
            ),
        ],
        None,
    ),
    "beside": (
        Annotated[
            list[Path] | None,
            typer.Option(
                "--with",
                metavar="MODEL",
                show_default=False,
                help="Another model or checkpoint beside it, on the same sentences; may be "
                "repeated.",
            ),
        ],
        None,
    ),
    "pairs": (
        Annotated[
            list[str] | None,
            typer.Option(
                metavar="FILE",
                show_default=False,
                help="Sentence pairs to look through by suspicion: a table, twice for two files, "
                "or 'phrasebook'.",
            ),
        ],
        None,
    ),
    "links": (
        Annotated[
            Path | None,
            typer.Option(
                metavar="FILE",
                show_default=False,
                help="Gold links of the pairs: 0-0 1-2, a line each.",
            ),
        ],
        None,
    ),
    "marks": (
        Annotated[
            Path | None,
            typer.Option(
                metavar="FILE.jsonl",
                show_default="MODEL.marks.jsonl",
                help="Where marked links are kept; what is there is read.",
            ),
        ],
        None,
    ),
    "check": (
        Annotated[
            list[str] | None,
            typer.Option(
                metavar="CHECK",
                show_default=False,
                help="Leave with 1 unless it holds for the marks: 'aer<0.2', 'coverage>0.8', …",
            ),
        ],
        None,
    ),
    "output": (
        Annotated[
            Path | None,
            typer.Option(
                "--output",
                "-o",
                metavar="FILE.html",
                show_default=False,
                help="Write one page that needs nothing beside itself, instead of serving it.",
            ),
        ],
        None,
    ),
    "living": (
        Annotated[
            bool,
            typer.Option(
                "--live",
                help="Write a page in which the models themselves compute: its reader types other "
                "sentences. More folders after MODEL are models beside it; -o FILE.mjs writes a "
                "module for other pages.",
            ),
        ],
        False,
    ),
    "weights": (
        Annotated[
            str | None,
            typer.Option(
                metavar="float32|float16|int8",
                show_default=False,
                help="Precision of the weights in the page of --live; by itself the most exact "
                "that takes at most 4 MB, else int8.",
            ),
        ],
        None,
    ),
    "figures": (Figures, None),
    "language": (
        Annotated[
            str | None,
            typer.Option(
                metavar="en|ko",
                show_default="that of the messages",
                help="Language of what is written in --figures.",
            ),
        ],
        None,
    ),
    "force": (Force, False),
    "port": (
        Annotated[
            int,
            typer.Option(
                min=0, max=65535, metavar="N", help="Where to serve; the next free one if taken."
            ),
        ],
        8420,
    ),
    "json": (Json, False),
}


def look(given: Given) -> None:
    """Look inside: attention, gates, surprisal and what decides them.

    Without -o or --figures the page is served on this machine only, for more sentences, for marking
    links that are wrong, and for training on the marks.
    """
    given = {**given, "language": given["language"] or LANGUAGE.get()}
    model, output = cast("Path", given["model"]), cast("Path | None", given["output"])
    texts = cast("list[str]", given["text"] or [])
    if given["check"]:
        _check(model, texts, given["check"], json=given["json"])
        return
    if given["living"] or given["weights"] is not None:
        write_living(model, texts, given)
        return
    _check_usable(texts, given)
    for one in texts:
        _check_sentence(one, model, alone=len(texts) == 1)

    served = output is None and given["figures"] is None and not given["json"]
    if served:
        keep_few_products()
    claimed = (
        nullcontext()
        if output is None
        else claimed_file(output, force=given["force"], written=is_page)
    )
    with claimed:
        names = [model, *cast("list[Path]", given["beside"] or [])]
        models = _opened(names)
        records = _records(models, texts, given)
        if given["json"]:
            for record in records:
                write(record.to_json(room=None))
        if output is not None:
            _write_page(output, records, title=_title(names))
        if given["figures"] is not None:
            kept = [record.to_json(room=None) for record in records]
            write_figures(kept, given["figures"], given["language"])
        if served:
            _serve(models, records, given)


def _opened(names: Sequence[Path]) -> list[Any]:
    """Return the models, each with what tells it from the others."""
    from munmaek.folder.naming import told_apart
    from munmaek.look.workbench import NamedModel
    from munmaek.tasks.loading import load

    loaded = [load(each) for each in names]
    labels = told_apart([each.info.label for each in loaded], names)
    called = _called(names)
    return [
        NamedModel(name, each, folder, label)
        for name, folder, each, label in zip(called, names, loaded, labels, strict=True)
    ]


def _called(names: Sequence[Path]) -> list[str]:
    """Return what pages call the models: the names of their folders, which tell no path.

    Folders of one name have that of the folder above before it, and so on up to the whole path.
    """
    paths = [unicodedata.normalize("NFC", str(name.absolute())).split("/") for name in names]
    deepest = max(map(len, paths))
    for depth in range(1, deepest + 1):
        called = ["/".join(parts[-depth:]) for parts in paths]
        if len(set(called)) == len(set(map(tuple, paths))):
            return called
    return [str(name) for name in names]


def _records(models: Sequence[Any], texts: Sequence[str], given: Given) -> list[Any]:
    from munmaek.look import Looking, capture

    return [
        capture(
            each.model,
            one,
            given["target"],
            name=each.name,
            pair=given["pair"],
            how=Looking(label=each.label),
        )
        for one in texts
        for each in models
    ]


_PATH = re.compile(r"[^\s/]*(?:/[^\s/]+)+/?|[^\s/]+/")
"""A name with slashes and without spaces."""
_ROOTED = ("/", "./", "../", "~/")


def _check_sentence(text: str, model: Path, *, alone: bool) -> None:
    """Refuse the name of a folder or a file where a sentence is wanted.

    Args:
        text: what was given for a sentence.
        model: the folder before it.
        alone: it is the only one, so that it is no folder before a sentence.

    Raises:
        ConfigError: a folder or file of that name is there, or it looks like the name of one.
    """
    if not any(map(str.isspace, text.strip())) and _is_there(text):
        message = (
            f"{text}: a {'folder' if Path(text).is_dir() else 'file'}, where a sentence is wanted; "
            "another model goes with --with"
        )
        raise ConfigError(message)
    if _PATH.fullmatch(text) and (not alone or text.startswith(_ROOTED) or _beside(model, text)):
        message = (
            f"{text}: no such folder; a sentence is wanted, and another model goes with --with"
        )
        raise ConfigError(message)


def _is_there(name: str) -> bool:
    try:
        return bool(name) and Path(name).exists()
    except (OSError, ValueError):  # a sentence too long for a name, or with a NUL
        return False


def _beside(model: Path, text: str) -> bool:
    """Return whether a name begins with a folder that is there, or the model's own."""
    first = Path(text).parts[0]
    return _is_there(first) or first in model.parts[:-1]


def _check_usable(texts: Sequence[str], given: Given) -> None:
    """Check that what is given goes together.

    Raises:
        ConfigError: no sentence where a file is to be written, or several where one is wanted.
        UnsupportedError: figures are wanted, and their extra is not installed.
    """
    if not texts and (given["json"] or any(given[name] for name in ("output", "figures"))):
        message = "no sentence to look into; give one after the model"
        raise ConfigError(message)
    for option in ("target", "pair"):
        if given[option] is not None and len(texts) != 1:
            message = f"--{option} goes with one sentence, got {len(texts)}"
            raise ConfigError(message)
    if given["links"] is not None and not given["pairs"]:
        message = "--links are of sentence pairs; give these with --pairs"
        raise ConfigError(message)
    from munmaek.text.catalogue import LANGUAGES

    if given["language"] not in LANGUAGES:
        message = f"--language {given['language']}: one of {', '.join(LANGUAGES)} is wanted"
        raise ConfigError(message)
    if given["figures"] is not None:
        check_figures()


def _check(model: Path, texts: Sequence[str], checks: Sequence[str], *, json: bool) -> None:
    from munmaek.look.checks import parse_check

    wanted = [parse_check(each) for each in checks]
    if len(texts) != 1:
        message = f"--check wants MODEL and one file of marks, got {len(texts)} files"
        raise ConfigError(message)

    from munmaek.align import read_marks, tokenizer_hash
    from munmaek.look.checks import measured
    from munmaek.tasks.loading import load_for

    translator = load_for(model, "translate", what="--check")
    digest = tokenizer_hash(translator.source_tokenizer, translator.target_tokenizer)
    marked = [each for each in read_marks(texts[0], tokenizer=digest) if not each.is_empty]
    if not marked:
        message = f"{texts[0]}: no link is marked in it; mark some (munmaek look MODEL)"
        raise ConfigError(message)
    found = measured(translator, marked, wanted)
    if json:
        write_json({"model": str(model), "marks": texts[0], "checks": [x.to_json() for x in found]})
    else:
        for each in found:
            write(str(each))
    if not all(each.met for each in found):
        raise typer.Exit(1)


def _title(names: Sequence[Path]) -> str:
    return " · ".join(dict.fromkeys(_called(names)))


def _training_lines(records: Sequence[Any]) -> int:
    """Count the lines of the training text that records hold."""
    numbers = set[int]()
    for record in records:
        found: Any = record.ngram or {}
        tokens: list[Any] = found.get("tokens", [])
        numbers |= {int(line["number"]) for token in tokens for line in token["lines"]}
    return len(numbers)


def _write_page(output: Path, records: Sequence[Any], *, title: str) -> None:
    from munmaek.look import page

    held = _training_lines(records)
    if held:
        write_message(
            f"{output}: holds {held} lines of the training text, which whoever opens it can read"
        )
    made = page(records, title=title)
    write_text(output, made)
    write_message(f"{output}: written; open it in a browser")


def _serve(models: Sequence[Any], records: Sequence[Any], given: Given) -> None:
    from munmaek.look import page
    from munmaek.look.pairs import read_pairs
    from munmaek.look.workbench import Workbench
    from munmaek.web import app, bind, serve

    first = models[0]
    bench = Workbench(
        models,
        pairs=read_pairs(given["pairs"], given["links"]) if given["pairs"] else None,
        marks=_marks(first, given["marks"]),
        example=records[0].text if records else None,
        example_pair=given["pair"],
    )
    boot = {"live": True, "api": "/api", "example": bench.example}
    title = _title([each.folder for each in models])
    port = given["port"]
    listener = bind(port)
    bound = listener.getsockname()[1]
    if port not in (0, bound):
        write_message(f"port {port} is taken; using {bound}")
    write(f"http://127.0.0.1:{bound}/")
    write_message("Ctrl-C ends")
    try:
        serve(app(bench, lambda: page(records, title=title, boot=boot), port=bound), listener)
    except KeyboardInterrupt:
        write_message("")
    finally:
        bench.close()


def _marks(first: Any, marks: Path | None) -> Path | None:
    if marks is not None or first.accepts.writer is None:
        return marks
    return Path(first.folder).with_name(f"{Path(first.folder).name}.marks.jsonl")


LOOK = Declared(look, lambda: PARAMETERS)
