"""A trained encoder as a graph: scores of masked words, or a vector for each text."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from munmaek.exchange.graphs import Graph, Port
from munmaek.models.bert.sentence import pool_padded
from munmaek.tasks.graphs import BATCH, TOKENS, Lines, scores_graph
from munmaek.tasks.mlm.model import Encoder

__all__ = ["filling_graph", "vector_graph"]

_FILL = """\
mask = tokenizer.token_to_id({mask!r})
for row, own in zip(rows, session.run(["logits"], inputs)[0]):
    for scores in own[np.array(row.ids) == mask]:
        print(*(tokenizer.id_to_token(int(at)) for at in scores.argsort()[:-6:-1]))
"""
_VECTORS = """\
vectors = session.run(["embedding"], inputs)[0]
print(vectors @ vectors.T)
"""


def filling_graph(model: Encoder) -> Graph:
    """Return the graph of an encoder with a head for masked words."""
    network: Any = model.network

    def finish(hidden: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        del lengths
        return (network.logits(hidden),)

    mask = model.tokenizer.token(model.tokenizer.mask)
    return scores_graph(
        network,
        finish,
        model.tokenizer,
        outputs=[
            Port("logits", TOKENS, "the score of each word of the vocabulary, before softmax")
        ],
        lines=Lines(_FILL.format(mask=mask), masks=True),
        facts={"mask_token": mask, "max_tokens": model.limit},
    )


def vector_graph(model: Encoder) -> Graph:
    """Return the graph of an encoder of texts: what ``embed`` gives, with the default prompt."""
    sentence, before = model.sentence, model.left_out()

    def finish(hidden: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        vectors = pool_padded(hidden, lengths, model.pooling, before=before)
        vectors = vectors if sentence.weights is None else sentence.weights(vectors)
        if model.normalised:
            vectors = F.normalize(vectors, dim=-1)
        return hidden, vectors[:, : sentence.width]

    prompt = sentence.prompt(None)
    put = f"texts = [{prompt!r} + text for text in texts]\n" if prompt else ""
    return scores_graph(
        model.network,
        finish,
        model.tokenizer,
        outputs=[
            Port("last_hidden_state", TOKENS, "the vector of each token"),
            Port("embedding", BATCH, "the vector of each text"),
        ],
        lines=Lines(_VECTORS, put),
        facts={"pooling": model.pooling, "prompt": prompt, "max_tokens": model.limit},
    )
