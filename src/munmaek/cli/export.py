"""``munmaek export``."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.console import put_json, say
from munmaek.cli.options import Force, Json, ModelFolder
from munmaek.cli.outputs import claimed_file, claimed_folder, is_arpa, is_graph, write_aside
from munmaek.errors import ConfigError
from munmaek.writing import place_of, put_in_place, sync_all, temporary_beside, writing

__all__ = ["export"]

_FILES = ("arpa",)
_BERT = ("huggingface", "onnx")
_FOLDERS = ("compact", "quantised", "fast")


def export(
    model: ModelFolder,
    *,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="FORM",
            show_default=False,
            help="arpa, a file that other n-gram tools read, gzipped if its name ends in .gz; or "
            "a folder of ours again: compact, a third of the size, without loss; quantised, a "
            "fifth, 256 probabilities an order; fast, the form that training gives. For BERTs: "
            "huggingface, a folder for transformers; onnx, a graph.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="PATH", show_default=False, help="File or folder to write."
        ),
    ],
    force: Force = False,
    json: Json = False,
) -> None:
    """Write a trained model in another form.

    Compact and quantised models do all that fast ones do, more slowly, and lie in memory as they
    lie on disk. Training text that is kept beside a model is left behind.
    """
    if to in _BERT:
        _export_bert(model, to, output, force=force, json=json)
        return
    if to not in (*_FILES, *_FOLDERS):
        message = f"--to {to}: there are {', '.join((*_FILES, *_FOLDERS, *_BERT))}"
        raise ConfigError(message)
    if to in _FILES:
        _export_arpa(model, output, force=force)
    else:
        _export_form(model, to, output, force=force)
    if json:
        put_json({"model": str(model), "to": to, "output": str(output)})
    else:
        say(f"wrote {output}")


def _export_arpa(model: Path, output: Path, *, force: bool) -> None:
    from munmaek.ngram.parallel import available
    from munmaek.tasks.lm.exchange import export_arpa
    from munmaek.tasks.lm.model import TrainedLanguageModel
    from munmaek.tasks.loading import load_as

    with claimed_file(output, force=force, written=is_arpa):
        trained: Any = load_as(model, TrainedLanguageModel, what="export")
        export_arpa(trained, output, threads=available())


def _export_form(model: Path, to: str, output: Path, *, force: bool) -> None:
    from munmaek.ngram.parallel import available
    from munmaek.tasks.lm.exchange import in_form
    from munmaek.tasks.lm.model import TrainedLanguageModel
    from munmaek.tasks.loading import load_as

    with claimed_folder(output, force=force):
        trained: Any = load_as(model, TrainedLanguageModel, what="export")
        in_form(trained, to, threads=available()).save(output, force=force)


def _export_bert(model: Path, to: str, output: Path, *, force: bool, json: bool) -> None:
    from munmaek.tasks.loading import load
    from munmaek.tasks.publishing import export_huggingface, export_onnx

    if to == "onnx":
        with claimed_file(output, force=force, written=is_graph):
            graph: Any = load(model)
            write_aside(output, lambda path: export_onnx(graph, path))
    else:
        with claimed_folder(output, force=force):
            trained: Any = load(model)
            _folder_aside(output, lambda path: export_huggingface(trained, path))
    if json:
        put_json({"model": str(model), "to": to, "output": str(output)})
    else:
        say(f"wrote {output}")


def _folder_aside(folder: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` make a folder aside, which takes the whole place of what there is."""
    place = place_of(folder)
    aside = temporary_beside(place)
    try:
        with writing(folder):
            write(aside)
            sync_all(aside)
            put_in_place(aside, place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
