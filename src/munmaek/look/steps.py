"""Derivations of a record: what a network wrote line by line, cut to what can be read.

Only numbers that someone can follow are kept: of vectors wider than ``ALL`` the first ``FEW``, of
weights so many rows and columns, and nothing of a text of more than ``LONGEST`` tokens. ``width``
says how many numbers there are.

Letters: R rows, C columns, K numbers of a value.
"""

import numpy as np

from munmaek.arrays import Float32s
from munmaek.look.records import StepLine, Steps
from munmaek.nn.lines import Line
from munmaek.tasks.inside import Axis, Predictions

__all__ = ["ALL", "FEW", "LONGEST", "NOTICE", "axes_of", "is_long", "steps_of"]

ALL = 16
"""Numbers of a vector that are shown whole."""
FEW = 8
"""Numbers that are shown of a wider one."""
LONGEST = 48
"""Tokens of a text whose derivation is kept."""
NOTICE = (
    f"The text is longer than {LONGEST} tokens; the steps of its computation are left out. A "
    "shorter text shows them."
)

_AXES = {"row": 2, "column": 2, "pair": 3, "score": 2, "all": 2}
"""Axes of a line's tensor without heads."""


def steps_of(seen: Predictions) -> tuple[tuple[Steps, ...], dict[str, Float32s]]:
    """Return every derivation of a reading, and its tensors by name; none of a long text.

    Args:
        seen: what a model computed.
    """
    found: list[Steps] = []
    tensors: dict[str, Float32s] = {}
    if is_long(seen):
        return (), {}
    for name, lines in seen.steps.items():
        rows, columns = axes_of(name)
        kept = [_line(line, seen.tensors[line.tensor], tensors) for line in lines]
        found.append(Steps(name, rows, columns, tuple(kept)))
    return tuple(found), tensors


def is_long(seen: Predictions) -> bool:
    """Return true where there are derivations, of a text too long to follow them."""
    sides = (seen.source, seen.output, seen.written)
    longest = max(len(side.pieces) for side in sides if side is not None)
    return bool(seen.steps) and longest > LONGEST


def _line(line: Line, tensor: Float32s, tensors: dict[str, Float32s]) -> StepLine:
    """Return a line for a record, and put its numbers, as many as are kept, among ``tensors``."""
    if line.tensor.endswith(".weights") and tensor.ndim == 2:
        tensor = tensor[None]  # as the record's attentions have it
    heads, name = tensor.ndim > _AXES[line.each], line.tensor
    last = 0 if line.each == "score" else tensor.shape[-1]
    few = FEW if last > ALL else last
    if few < last:
        name = f"{name}.first"
    if last:
        tensor = tensor[..., :few]
        if line.each == "all" and tensor.ndim > 1:
            tensor = tensor[..., : (FEW if tensor.shape[-2] > ALL else tensor.shape[-2]), :]
    # A score of nothing, where a mask hides it, is a number that files can hold.
    tensors[name] = np.ascontiguousarray(np.maximum(tensor, -65504.0), np.float32)
    return StepLine(line.what, line.symbol, line.formula, name, line.each, heads=heads, width=last)


def axes_of(name: str) -> tuple[Axis, Axis]:
    """Return the axes of a part's rows and columns, by its name."""
    last = name.rpartition(".")[2]
    if last == "pool":
        return "text", "source"
    if last.endswith("attention") or last == "cross":
        return "output", "source"
    if name.startswith("decoder"):
        return "written", "written"
    return "source", "source"
