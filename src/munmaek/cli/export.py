"""``munmaek export``."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.console import write_json, write_message
from munmaek.cli.options import Force, Json, ModelFolder
from munmaek.cli.outputs import claimed_file, claimed_folder, is_arpa, is_graph, write_aside
from munmaek.errors import ConfigError
from munmaek.progress import in_turn
from munmaek.writing import move_into_place, place_of, sync_all, temporary_beside, writing

__all__ = ["export"]


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
            "huggingface, a folder for transformers, and of those that embed "
            "sentence-transformers, one for that. For networks: onnx, a folder with a graph, its "
            "tokenizer and a program that runs it; the graph alone for a name in .onnx. For "
            "Transformer translators: ctranslate2, a folder with a program that translates.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="PATH", show_default=False, help="File or folder to write."
        ),
    ],
    int8: Annotated[
        bool,
        typer.Option(
            "--int8",
            help="Make the matrices of a graph (--to onnx) 8-bit integers; how far its outputs "
            "are from those of float32 is said.",
        ),
    ] = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Write a trained model in another form.

    Compact and quantised models do all that fast ones do, more slowly, and lie in memory as they
    lie on disk. Training text that is kept beside a model is left behind.
    """
    from munmaek.tasks.exporting import FORMS

    if to not in FORMS:
        message = f"--to {to}: there are {', '.join(FORMS)}"
        raise ConfigError(message)
    if int8 and to != "onnx":
        message = f"--int8: is for --to onnx, not for {to}"
        raise ConfigError(message)
    apart: dict[str, float] = {}
    if to == "onnx":
        apart = _export_onnx(model, to, output, force=force, int8=int8)
    else:
        _WRITERS.get(to, _export_form)(model, to, output, force=force)
    if json:
        said = {"from_float32": apart} if int8 else {}
        write_json({"model": str(model), "to": to, "output": str(output), **said})
        return
    write_message(f"wrote {output}")
    for name, value in apart.items():
        write_message(f"int8: {name} {100 * value:.2g} % of its spread from float32's")


def _export_arpa(model: Path, to: str, output: Path, *, force: bool) -> None:
    def write(trained: Any) -> None:
        from munmaek.ngram.parallel import available
        from munmaek.tasks.lm.exchange import export_arpa

        export_arpa(trained, output, threads=available())

    with claimed_file(output, force=force, written=is_arpa):
        _opened_and_written(model, to, (write, 4))


def _export_form(model: Path, to: str, output: Path, *, force: bool) -> None:
    made: list[Any] = []

    def form(trained: Any) -> None:
        from munmaek.ngram.parallel import available
        from munmaek.tasks.lm.exchange import in_form

        made.append(in_form(trained, to, threads=available()))

    def save(_: Any) -> None:
        made[0].save(output, force=force)

    with claimed_folder(output, force=force):
        _opened_and_written(model, to, (form, 3), (save, 2))


def _export_onnx(
    model: Path, to: str, output: Path, *, force: bool, int8: bool
) -> dict[str, float]:
    """Write the graph, and return how far an int8 one is from float32's, by output."""
    apart: dict[str, float] = {}

    def write(trained: Any) -> None:
        from munmaek.tasks.publishing import export_onnx

        write_aside(output, lambda path: apart.update(export_onnx(trained, path, int8=int8)))

    def write_folder(trained: Any) -> None:
        from munmaek.tasks.publishing import export_graph_folder

        _folder_aside(
            output, lambda path: apart.update(export_graph_folder(trained, path, int8=int8))
        )

    if output.suffix == ".onnx":
        with claimed_file(output, force=force, written=is_graph):
            _opened_and_written(model, to, (write, 4))
    else:
        with claimed_folder(output, force=force):
            _opened_and_written(model, to, (write_folder, 4))
    return apart


def _export_ctranslate2(model: Path, to: str, output: Path, *, force: bool) -> None:
    def write(trained: Any) -> None:
        from munmaek.tasks.publishing import export_ctranslate2

        _folder_aside(output, lambda path: export_ctranslate2(trained, path))

    with claimed_folder(output, force=force):
        _opened_and_written(model, to, (write, 1))


def _export_huggingface(model: Path, to: str, output: Path, *, force: bool) -> None:
    def write(trained: Any) -> None:
        from munmaek.tasks.publishing import export_huggingface, export_sentences

        export = export_huggingface if to == "huggingface" else export_sentences
        _folder_aside(output, lambda path: export(trained, path))

    with claimed_folder(output, force=force):
        _opened_and_written(model, to, (write, 1))


def _opened_and_written(
    model: Path,
    to: str,
    *acts: tuple[Callable[[Any], None], float],
) -> None:
    """Open a model and do what is to be done with it, and tell how far that is.

    Args:
        model: its folder.
        to: the form, which it must have.
        acts: what to do, each with how many times as long it takes as opening.
    """
    found: list[Any] = []

    def open_it() -> None:
        from munmaek.tasks.exporting import check_form
        from munmaek.tasks.loading import load

        found.append(load(model))
        check_form(found[0], to)

    def do(act: Callable[[Any], None]) -> None:
        act(found[0])

    in_turn("exporting", (open_it, 1), *((partial(do, act), share) for act, share in acts))


def _folder_aside(folder: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` make a folder aside, which takes the whole place of what there is."""
    place = place_of(folder)
    aside = temporary_beside(place)
    try:
        with writing(folder):
            in_turn("exporting", (lambda: write(aside), 3), (lambda: sync_all(aside), 1))
            move_into_place(aside, place)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


_WRITERS = {
    "arpa": _export_arpa,
    "ctranslate2": _export_ctranslate2,
    "huggingface": _export_huggingface,
    "sentence-transformers": _export_huggingface,
}
"""Functions that write a form; the others are folders of ours."""
