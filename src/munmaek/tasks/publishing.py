"""Models written for others: a Hugging Face folder without anything of ours, and ONNX."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from munmaek.errors import UnsupportedError
from munmaek.exchange.ctranslate import check_ctranslate, write_ctranslate
from munmaek.exchange.graphs import Graph, graph_files, write_graph
from munmaek.exchange.quantising import quantise
from munmaek.exchange.sums import write_sums
from munmaek.folder.ownership import PUBLISHED
from munmaek.folder.saving import save_config
from munmaek.folder.weights import save_network
from munmaek.models import stages
from munmaek.progress import in_turn
from munmaek.tasks import task_named
from munmaek.tasks.exporting import check_form
from munmaek.tasks.work import Published
from munmaek.text.published_form import published_form
from munmaek.writing import writing

__all__ = [
    "export_ctranslate2",
    "export_graph_folder",
    "export_huggingface",
    "export_onnx",
    "export_sentences",
]

_WRITER = {"format": "pt", "writer": PUBLISHED}
"""In the head of the weights: whose they are (``transformers`` wants the format)."""


def export_huggingface(model: Any, folder: Path) -> None:
    """Write ``config.json``, ``model.safetensors`` and the tokenizer into an empty folder.

    Raises:
        UnsupportedError: not a BERT of the classic form, which is all that ``transformers`` knows.
        DiskError: the folder cannot be written.
    """
    found = _published(model)
    _write(model, folder, found)


def export_sentences(model: Any, folder: Path) -> None:
    """Write what ``export_huggingface`` does, and the way to a vector for sentence-transformers.

    Raises:
        UnsupportedError: no encoder, or one of a form that ``transformers`` does not know.
        DiskError: the folder cannot be written.
    """
    check_form(model, "sentence-transformers")
    found = _published(model)
    _write(model, folder, replace(found, beside=found.sentences))


def _write(model: Any, folder: Path, found: Published) -> None:
    network = found.network
    if not network.config.published:
        form, instead = "of the modern form", "the classic form"
        if network.config.classic:
            form, instead = "labels by the mean of its vectors", "classifier_pooling cls"
        message = (
            f"{model.info.label}: {form}, which transformers does not know; "
            f"export to onnx, or train with {instead}"
        )
        raise UnsupportedError(message)
    pipeline, settings = published_form(
        model.tokenizer, segmented=network.config.type_vocab_size > 1, masks=found.masks
    )
    settings["model_max_length"] = min(model.limit, network.config.longest or model.limit)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tokenizer.json").write_text(pipeline, encoding="utf-8")
        config = folder / "config.json"
        save_config(config, model.info, labels=found.labels, several=found.several)
        text = json.dumps(settings, ensure_ascii=False, indent=2)
        (folder / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")
        if found.beside is not None:
            found.beside(folder)
        weights, scaled = folder / "model.safetensors", _scaled(found)
        in_turn(
            "exporting",
            (lambda: save_network(scaled, weights, stage=model.info.stage, metadata=_WRITER), 2),
            (lambda: write_sums(folder), 1),
        )


def _scaled(found: Published) -> Any:
    """Return the network with what is done to its scores in its last layer, which others read."""
    if (found.scale, found.shift) == (1.0, 0.0):
        return found.network
    made = copy.deepcopy(found.network)
    with torch.no_grad():
        made.classifier.weight.mul_(found.scale)
        made.classifier.bias.mul_(found.scale).add_(found.shift)
    return made


def export_onnx(model: Any, path: Path, *, int8: bool = False) -> dict[str, float]:
    """Write a trained network as a graph of ONNX, weights included.

    Args:
        model: the trained model.
        path: the file to write.
        int8: make its matrices 8-bit integers.

    Returns:
        As ``munmaek.exchange.quantising.quantise``; nothing of float32.

    Raises:
        UnsupportedError: a model without that form, or the ``onnx`` extra is not installed.
    """
    return _write_graph(model, _graph(model), path, int8=int8)


def _write_graph(model: Any, graph: Graph, path: Path, *, int8: bool) -> dict[str, float]:
    write_graph(graph, path)
    if not int8:
        return {}
    return quantise(path, graph, vocab_size=int(model.info.sizes["vocab_size"]))


def export_graph_folder(model: Any, folder: Path, *, int8: bool = False) -> dict[str, float]:
    """Write the graph into an empty folder, with the tokenizer and a program that runs it.

    Args:
        model: the trained model.
        folder: the folder to write.
        int8: make its matrices 8-bit integers.

    Returns:
        As ``export_onnx``; ``graph.json`` has it too.

    Raises:
        UnsupportedError: as ``export_onnx``.
        DiskError: the folder cannot be written.
    """
    found = _graph(model)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        apart = _write_graph(model, found, folder / "model.onnx", int8=int8)
        if int8:
            found = replace(found, facts={**found.facts, "int8": {"from_float32": apart}})
        for name, text in graph_files(found, model.info.label).items():
            (folder / name).write_text(text, encoding="utf-8")
    return apart


def export_ctranslate2(model: Any, folder: Path) -> None:
    """Write a translator into an empty folder, for CTranslate2 to decode with.

    Raises:
        UnsupportedError: a model without that form, or the ``ctranslate2`` extra is not installed.
        DiskError: the folder cannot be written.
    """
    check_form(model, "ctranslate2")
    check_ctranslate()
    from munmaek.tasks.translate.decodable import decodable

    found = decodable(model)
    about = {"writer": PUBLISHED, "model": model.info.label}
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        write_ctranslate(replace(found, facts={**about, **found.facts}), folder, model.info.label)


def _graph(model: Any) -> Graph:
    work = task_named(model.info.task).loaded()
    check_form(model, "onnx")
    found = work.graph(model)
    about = {"writer": PUBLISHED, "task": model.info.task, "model": model.info.label}
    return replace(found, facts={**about, **found.facts})


def _published(model: Any) -> Published:
    row = stages().get(model.info.stage)
    if row is None or not row.published:
        message = f"{model.info.label}: huggingface is for BERTs"
        raise UnsupportedError(message)
    return task_named(model.info.task).loaded().published(model)
