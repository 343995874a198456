"""Graphs of ONNX with matrices of int8, and how far their answers are from those of float32.

The weights of matrix products and of embeddings become 8-bit integers once, their inputs while the
graph runs, each by a scale of its own (onnxruntime's dynamic quantisation). Cells of GRU and Elman
networks have no such operator and stay float32.
"""

import logging
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.arrays import Floats
from munmaek.errors import UnsupportedError
from munmaek.exchange.graphs import Graph

__all__ = ["quantise"]

_TRIED = 32
"""Inputs that both graphs are run on."""
IDS = "input_ids"


def quantise(path: Path, graph: Graph, *, vocab_size: int) -> dict[str, float]:
    """Make the matrices of a graph int8 where it stands.

    Args:
        path: the graph, as ``write_graph`` wrote it.
        graph: what was written.
        vocab_size: ids that rows to try are drawn of.

    Returns:
        By output, the root mean square of the difference from float32's over that of float32's
        own spread, over drawn rows.

    Raises:
        UnsupportedError: the ``onnx`` extra is not installed.
    """
    if find_spec("onnxruntime") is None or find_spec("onnx") is None:
        message = "int8 in ONNX needs the extra 'onnx': pip install 'munmaek[onnx]'"
        raise UnsupportedError(message)
    library: Any = import_module("onnxruntime.quantization")
    inputs = _drawn(graph, vocab_size)
    before = _answers(path, inputs)
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)  # it warns of each graph that it was not prepared
    try:
        library.quantize_dynamic(path, path, weight_type=library.QuantType.QInt8)
    finally:
        root.setLevel(level)
    after = _answers(path, inputs)
    names = [port.name for port in graph.outputs]
    return {name: _apart(one, other) for name, one, other in zip(names, before, after, strict=True)}


def _drawn(graph: Graph, vocab_size: int) -> list[dict[str, NDArray[Any]]]:
    """Return inputs of drawn ids; all else is as in the example of the graph."""
    rng = np.random.default_rng(0)
    examples = {port.name: example.numpy() for port, example in graph.inputs}
    shape = examples[IDS].shape
    return [{**examples, IDS: rng.integers(0, vocab_size, shape)} for _ in range(_TRIED)]


def _answers(path: Path, inputs: list[dict[str, NDArray[Any]]]) -> list[Floats]:
    """Return the values of each output over all inputs: of each [N]."""
    runtime: Any = import_module("onnxruntime")
    session = runtime.InferenceSession(str(path))
    known = {each.name for each in session.get_inputs()}
    found = [
        session.run(None, {name: each for name, each in given.items() if name in known})
        for given in inputs
    ]
    return [
        np.concatenate([np.asarray(each, np.float64).ravel() for each in values])
        for values in zip(*found, strict=True)
    ]


def _apart(one: Floats, other: Floats) -> float:
    """Return the root mean square of the difference over the standard deviation of the first."""
    spread = float(one.std())
    return float(np.sqrt(np.mean((one - other) ** 2))) / (spread if spread > 0 else 1.0)
