r"""Which attentions a network's tape holds, on which axes, and what each head does.

    rollout:  Ã_l = ½ (Ā_l + I),   R = Ã_L ⋯ Ã_1          Abnar & Zuidema 2020, §3, eq. 1

Ā_l is the mean over heads of layer l. Letters: L layers, H heads, T tokens.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.look.records import Attention, Axis, Gates, Record, Side, Stepper, Summary
from munmaek.look.roles import entropies, roles, special_mass
from munmaek.tasks.inside import Inside

__all__ = ["attentions_of", "gates_of", "rollout", "side_of", "summarised"]

Tensors = dict[str, NDArray[np.float32]]

STEPS = ("queries", "keys", "values", "scores", "context")
GATES = ("input", "forget", "output", "reset", "update")


def attentions_of(inside: Inside, tensors: Tensors) -> list[Attention]:
    """Every attention, in the order of recording; its weights go to ``tensors`` as [H R C]."""
    found: list[Attention] = []
    for name, tensor in inside.tensors.items():
        scope, _, last = name.rpartition(".")
        if last != "weights":
            continue
        rows, columns = _axes(scope, inside.task)
        weights = tensor.reshape((1,) * (3 - tensor.ndim) + tensor.shape)
        tensors[name] = np.ascontiguousarray(weights, dtype=np.float32)
        found.append(
            Attention(
                name=scope,
                part=_part(scope),
                layer=_layer(scope),
                heads=len(weights),
                tensor=name,
                rows=rows,
                columns=columns,
                causal=rows == columns and (inside.task == "lm" or rows == "written"),
                reading="output-step" if (rows, columns) == ("output", "source") else None,
                stepper=_stepper(scope, inside.tensors, tensors),
            )
        )
    return [*found, *_alignment(inside, tensors, found)]


def _alignment(inside: Inside, tensors: Tensors, found: Sequence[Attention]) -> list[Attention]:
    """What the network itself gives as its alignment, where it is not already one of the others."""
    weights = inside.tensors.get("alignment")
    if weights is None or any(each.part == "align" for each in found):
        return []
    tensors["alignment"] = np.ascontiguousarray(weights[None], dtype=np.float32)
    axes: tuple[Axis, Axis] = ("output", "source")
    return [Attention("alignment", "align", 0, 1, "alignment", *axes, reading="output-step")]


def _part(scope: str) -> Any:
    if scope == "attention":
        return "align"
    return scope.rpartition(".")[2]


def _axes(scope: str, task: str) -> tuple[Axis, Axis]:
    if scope.endswith("pool"):
        return "text", "source"
    if scope == "attention" or scope.endswith(".cross"):
        return "output", "source"
    if task == "translate" and scope.startswith("decoder"):
        return "written", "written"
    return "source", "source"


def _layer(scope: str) -> int:
    match = re.search(r"layer\.(\d+)", scope)
    return int(match[1]) if match else 0


def _stepper(scope: str, recorded: Mapping[str, Any], tensors: Tensors) -> Stepper | None:
    names = {step: f"{scope}.{step}" for step in STEPS}
    if not all(name in recorded for name in names.values()):
        return None
    for name in names.values():
        tensors[name] = recorded[name]
    return Stepper(**names)


def gates_of(inside: Inside, tensors: Tensors, *, backward: bool = False) -> list[Gates]:
    """The gates of every recurrent layer, their values going to ``tensors``.

    ``backward``: the encoder read the source from its end; its rows are turned to reading order.
    """
    layers: dict[str, dict[str, str]] = {}
    for name, tensor in inside.tensors.items():
        layer, _, gate = name.rpartition(".gates.")
        if layer and gate in GATES:
            turned = backward and layer.startswith("encoder")
            tensors[name] = tensor[::-1].copy() if turned else tensor
            layers.setdefault(layer, {})[gate] = name
    return [
        Gates(layer, names, "output" if layer.startswith("decoder") else "source")
        for layer, names in layers.items()
    ]


def side_of(record: Record, axis: Axis) -> Side:
    """The pieces that rows or columns stand for."""
    sides = {"source": record.source, "output": record.output, "written": record.written}
    return sides.get(axis) or Side((record.text,), (0,), (record.text,))


def summarised(record: Record, importance: Mapping[str, Sequence[float]]) -> Record:
    """The record with the summary of each head.

    Args:
        record: with its attentions and their tensors.
        importance: of the heads of each attention, by its name, where it is known.
    """
    return replace(
        record,
        attentions=tuple(
            replace(each, summary=_summary(record, each, importance.get(each.name)))
            for each in record.attentions
        ),
    )


def _summary(record: Record, each: Attention, importance: Sequence[float] | None) -> Summary:
    weights = record.tensors[each.tensor]
    rows = np.array([word >= 0 for word in side_of(record, each.rows).words])
    special = np.array([word < 0 for word in side_of(record, each.columns).words])
    if not rows.any():
        rows = np.ones_like(rows)
    one_side = each.rows == each.columns
    known = [None] * each.heads if importance is None else list(importance)
    return Summary(
        entropy=entropies(weights, rows),
        roles=roles(weights, rows, special, one_side=one_side),
        importance=tuple(known),
        special=special_mass(weights, rows, special),
    )


def rollout(record: Record) -> NDArray[np.float32] | None:
    """Attention followed through all self-attention layers over the source: [T, T], or None."""
    layers = [
        record.tensors[each.tensor].mean(0)
        for each in record.attentions
        if each.part == "self" and each.rows == "source"
    ]
    if len(layers) < 2:
        return None
    total = np.eye(len(layers[0]))
    for weights in layers:
        total = 0.5 * (weights + np.eye(len(weights))) @ total
    return total.astype(np.float32)
