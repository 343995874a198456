r"""The attentions and gates among a network's tensors, their axes, and what each head does.

    rollout:  Ã_l = ½ (Ā_l + I),   R = Ã_L ⋯ Ã_1          Abnar & Zuidema 2020, §3, eq. 1

Ā_l is the mean over heads of layer l. Letters: L layers, H heads, R rows, C columns, T tokens.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from munmaek.arrays import Float32s
from munmaek.look.records import Attention, Gates, Part, Stepper, Summary
from munmaek.look.roles import entropies, roles, special_mass
from munmaek.tasks.inside import Axis, Predictions, Side

__all__ = ["attentions_of", "gates_of", "rollout", "weights_of"]

STEPS = ("queries", "keys", "values", "scores", "context")
WHOLE = Side(("",), (0,), ("",))
"""The one row of a text that looks as a whole."""


def attentions_of(
    seen: Predictions, importance: Mapping[str, Sequence[float]]
) -> tuple[Attention, ...]:
    """Return every attention, in the order of recording.

    Args:
        seen: what a model computed.
        importance: of the heads of each attention, by its name, where it is known.
    """
    names = [name for name in seen.tensors if name.endswith(".weights")]
    found = [_attention(seen, name, importance) for name in names]
    # What the network itself gives as its alignment, where it is not already one of the others.
    if "alignment" in seen.tensors and not any(each.part == "align" for each in found):
        found.append(_attention(seen, "alignment", importance))
    return tuple(found)


def _attention(
    seen: Predictions, tensor: str, importance: Mapping[str, Sequence[float]]
) -> Attention:
    name = tensor.removesuffix(".weights")
    rows, columns = _axes(name)
    weights = weights_of(seen, tensor)
    return Attention(
        name=name,
        part=_part(name),
        layer=_layer(name),
        heads=len(weights),
        tensor=tensor,
        rows=rows,
        columns=columns,
        causal=rows == columns and (seen.causal or rows == "written"),
        reading="output-step" if (rows, columns) == ("output", "source") else None,
        stepper=_stepper(name, seen),
        summary=_summary(seen, weights, (rows, columns), importance.get(name)),
    )


def weights_of(seen: Predictions, tensor: str) -> Float32s:
    """Return the weights of an attention, [H R C]."""
    found = seen.tensors[tensor]
    return np.ascontiguousarray(found.reshape((1,) * (3 - found.ndim) + found.shape), np.float32)


def _part(name: str) -> Part:
    last = name.rpartition(".")[2]
    parts: tuple[Part, ...] = ("self", "cross", "pool")
    for part in parts:
        if part == last:
            return part
    return "align"


def _axes(name: str) -> tuple[Axis, Axis]:
    if name.endswith("pool"):
        return "text", "source"
    if name.endswith(".cross") or _part(name) == "align":
        return "output", "source"
    return ("written", "written") if name.startswith("decoder") else ("source", "source")


def _layer(name: str) -> int:
    match = re.search(r"layer\.(\d+)", name)
    return int(match[1]) if match else 0


def _stepper(name: str, seen: Predictions) -> Stepper | None:
    names = {step: f"{name}.{step}" for step in STEPS}
    return Stepper(**names) if all(each in seen.tensors for each in names.values()) else None


def _summary(
    seen: Predictions,
    weights: Float32s,
    axes: tuple[Axis, Axis],
    importance: Sequence[float] | None,
) -> Summary:
    rows, special = (np.array([word >= 0 for word in _side(seen, each).words]) for each in axes)
    special = ~special
    if not rows.any():
        rows = np.ones_like(rows)
    return Summary(
        entropy=entropies(weights, rows),
        roles=roles(weights, rows, special, one_side=axes[0] == axes[1]),
        importance=tuple([None] * len(weights) if importance is None else importance),
        special=special_mass(weights, rows, special),
    )


def _side(seen: Predictions, axis: Axis) -> Side:
    """Return the pieces that rows or columns stand for."""
    sides = {"source": seen.source, "output": seen.output, "written": seen.written}
    return sides.get(axis) or WHOLE


def gates_of(seen: Predictions) -> tuple[Gates, ...]:
    """Return the gates of every recurrent layer."""
    layers: dict[str, dict[str, str]] = {}
    for name in seen.tensors:
        layer, _, gate = name.rpartition(".gates.")
        if layer:
            layers.setdefault(layer, {})[gate] = name
    return tuple(
        Gates(layer, names, "output" if layer.startswith("decoder") else "source")
        for layer, names in layers.items()
    )


def rollout(layers: Sequence[Float32s]) -> Float32s | None:
    """Return attention followed through all layers, [T, T]; None of fewer than two.

    Args:
        layers: mean weights over the heads of each, from the lowest.
    """
    if len(layers) < 2:
        return None
    total = np.eye(len(layers[0]))
    for weights in layers:
        total = 0.5 * (weights + np.eye(len(weights))) @ total
    return total.astype(np.float32)
