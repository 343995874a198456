"""A trained classifier as a graph: scores and probabilities of labels, calibrated."""

from typing import Any

from torch import Tensor

from munmaek.exchange.graphs import Graph, Port
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.graphs import BATCH, Lines, scores_graph

__all__ = ["classifier_graph"]

_BEST = """\
labels = {labels}
for row in session.run(["probabilities"], inputs)[0]:
    print(labels[row.argmax()], row.max(), sep="\\t")
"""
_SEVERAL = """\
labels = {labels}
for row in session.run(["probabilities"], inputs)[0]:
    print(*(label for label, chance in zip(labels, row) if chance >= 0.5), sep="\\t")
"""


def classifier_graph(model: Classifier, network: Any) -> Graph:
    """Return the graph of a classifier whose model is ``network``."""
    several, temperature, labels = model.several, model.temperature, list(model.labels)

    def finish(scores: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        del lengths
        scores = scores / temperature
        return scores, scores.sigmoid() if several else scores.softmax(-1)

    chance = "of each label by itself" if several else "of each label; they sum to 1"
    return scores_graph(
        network,
        finish,
        model.tokenizer,
        outputs=[
            Port("logits", BATCH, "the score of each label over the temperature, before softmax"),
            Port("probabilities", BATCH, f"the probability {chance}, in the order of `labels`"),
        ],
        lines=Lines((_SEVERAL if several else _BEST).format(labels=labels)),
        facts={
            "labels": labels,
            "several_labels": several,
            "temperature": temperature,
            "max_tokens": model.limit,
        },
        pairs=bool(model.pairs),
    )
