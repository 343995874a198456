"""A trained regressor as a graph: a number for each text."""

from typing import Any

from torch import Tensor

from munmaek.exchange.graphs import Graph, Port
from munmaek.tasks.graphs import BATCH, Lines, scores_graph
from munmaek.tasks.regress.model import Regressor

__all__ = ["regressor_graph"]

_LINES = """\
print(*session.run(["values"], inputs)[0], sep="\\n")
"""


def regressor_graph(model: Regressor) -> Graph:
    """Return the graph of a regressor; its values are those of the training data's range."""
    low, size = model.low, model.high - model.low
    network: Any = model.model.network

    def finish(scores: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        del lengths
        return (low + size * scores[:, 0],)

    return scores_graph(
        network,
        finish,
        model.tokenizer,
        outputs=[Port("values", BATCH, "the number of each text")],
        lines=Lines(_LINES),
        facts={"range": [model.low, model.high], "max_tokens": model.limit},
        pairs=bool(model.pairs),
    )
