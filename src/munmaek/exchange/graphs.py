"""Trained networks as graphs of ONNX, and the folder in which one is whole without munmaek.

    model.onnx       the graph with its weights
    tokenizer.json   what cuts a text, for the tokenizers library, where that can say it
    graph.json       inputs, outputs, labels, framing
    run.py           a few lines of Python that run it; README.md shows them

Axes that are free have a name, such as ``batch`` and ``tokens``; all others are fixed. The exporter
is that of TorchScript: it writes a recurrent layer as one operator for any number of steps, where
torch's newer exporter unrolls it or refuses it, and needs no further package.
"""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn

from munmaek.errors import UnsupportedError
from munmaek.nn.tracing import unchecked

__all__ = ["Graph", "Port", "graph_files", "write_graph"]

_OPSET = 17


@dataclass(frozen=True, slots=True)
class Port:
    """An input or an output of a graph."""

    name: str
    free: Mapping[int, str]
    """Axes of any size, by their number, with a name."""
    meaning: str
    """One line for people."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A trained model's network, inputs and outputs, as they are written."""

    module: nn.Module
    """Takes the inputs in their order and returns the outputs in theirs."""
    inputs: Sequence[tuple[Port, Tensor]]
    """Each with an example, of no size 1 where the size is free."""
    outputs: Sequence[Port]
    lines: str
    """Python that answers each line of standard input, from ``session`` and ``tokenizer``."""
    tokenizer: str | None
    """The content of ``tokenizer.json``; None where it cannot say how texts are cut."""
    facts: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Further facts of it: labels, framing, maximum length."""


def write_graph(graph: Graph, path: Path) -> None:
    """Write the graph alone, weights included.

    Raises:
        UnsupportedError: the ``onnx`` extra is not installed.
    """
    if find_spec("onnx") is None:  # what torch needs to write
        message = "ONNX needs the extra 'onnx': pip install 'munmaek[onnx]'"
        raise UnsupportedError(message)
    ports = [port for port, _ in graph.inputs]
    # Of the exporter's age, and of sizes that are fixed anyway.
    with warnings.catch_warnings(), unchecked():
        for kind in (DeprecationWarning, UserWarning, cast("Any", torch.jit).TracerWarning):
            warnings.simplefilter("ignore", kind)
        cast("Any", torch.onnx).export(
            graph.module.eval(),
            tuple(example for _, example in graph.inputs),
            path,
            input_names=[port.name for port in ports],
            output_names=[port.name for port in graph.outputs],
            dynamic_axes={port.name: dict(port.free) for port in (*ports, *graph.outputs)},
            opset_version=_OPSET,
            dynamo=False,
        )


def graph_files(graph: Graph, name: str) -> dict[str, str]:
    """Return the texts that stand beside the graph, by the names of their files.

    Args:
        graph: what is written.
        name: what the model is called, for the heading.
    """
    said = {
        "inputs": [_described(port, example.dtype) for port, example in graph.inputs],
        "outputs": [_described(port, torch.float32) for port in graph.outputs],
        **graph.facts,
    }
    files = {"graph.json": json.dumps(said, ensure_ascii=False, indent=2) + "\n"}
    if graph.tokenizer is not None:
        files["tokenizer.json"] = graph.tokenizer
        files["run.py"] = _program(graph)
    files["README.md"] = _readme(graph, name)
    return files


_HEAD = """\
import sys

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

session = onnxruntime.InferenceSession("model.onnx")
tokenizer = Tokenizer.from_file("tokenizer.json")
"""


def _program(graph: Graph) -> str:
    more = "import re\n" if "re.findall" in graph.lines else ""
    return f"{more}{_HEAD}{graph.lines}"


def _described(port: Port, dtype: torch.dtype) -> dict[str, Any]:
    free = {str(axis): name for axis, name in port.free.items()}
    return {
        "name": port.name,
        "type": str(dtype).removeprefix("torch."),
        "free_axes": free,
        "meaning": port.meaning,
    }


def _readme(graph: Graph, name: str) -> str:
    ports = [*(port for port, _ in graph.inputs), *graph.outputs]
    listed = "\n".join(f"- `{port.name}`: {port.meaning}" for port in ports)
    if graph.tokenizer is None:
        cut = str(graph.facts["tokenizer"])
        return f"# {name}\n\n{listed}\n\nTexts are cut by {cut}.\n"
    return (
        f"# {name}\n\nInputs and outputs of `model.onnx` (see `graph.json`):\n\n{listed}\n\n"
        "`run.py` reads lines from standard input. It needs `onnxruntime`, `numpy` and "
        f"`tokenizers`:\n\n```python\n{_program(graph)}```\n"
    )
