"""``munmaek export``."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from munmaek.cli.console import put_json, say
from munmaek.cli.options import Force, Json, ModelFolder
from munmaek.cli.outputs import check_file_free, write_aside
from munmaek.errors import ConfigError

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
    from munmaek.artefact import TrainedLanguageModel, load_as
    from munmaek.artefact.exchange import export_arpa, in_form
    from munmaek.artefact.folder import check_free
    from munmaek.ngram.parallel import available

    if to in _FILES:
        check_file_free(output, force=force)
    else:
        check_free(output, force=force)
    trained: Any = load_as(model, TrainedLanguageModel, what="export")
    if to in _FILES:
        write_aside(output, lambda path: export_arpa(trained, path, threads=available()))
    else:
        in_form(trained, to, threads=available()).save(output, force=force)
    if json:
        put_json({"model": str(model), "to": to, "output": str(output)})
    else:
        say(f"wrote {output}")


def _export_bert(model: Path, to: str, output: Path, *, force: bool, json: bool) -> None:
    from munmaek.artefact import load
    from munmaek.artefact.folder import check_free
    from munmaek.artefact.published import export_huggingface, export_onnx

    if to == "onnx":
        check_file_free(output, force=force)
    else:
        check_free(output, force=force)
    trained: Any = load(model)
    if to == "onnx":
        write_aside(output, lambda path: export_onnx(trained, path))
    else:
        _folder_aside(output.absolute(), lambda path: export_huggingface(trained, path))
    if json:
        put_json({"model": str(model), "to": to, "output": str(output)})
    else:
        say(f"wrote {output}")


def _folder_aside(folder: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` make a folder aside, which takes the whole place of what there is."""
    from tempfile import TemporaryDirectory

    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as place:
        made = Path(place) / "new"
        write(made)
        if folder.exists():
            folder.rename(Path(place) / "old")
        made.rename(folder)
