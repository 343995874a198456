"""A beam search as a tree, each of its outputs with its own attention."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.decode import BeamTree
from munmaek.decode.tree import BeamNode
from munmaek.tasks.inside import HeadsOff, word_indices
from munmaek.tasks.translate.model import Found, Translator
from munmaek.text.spelling import part_of_character, shown_tokens
from munmaek.text.tokenizers import Tokenizer

__all__ = ["beam_part"]

NODES_MOST = 1500
"""Nodes that a record keeps; a longer search loses what was dropped, last steps first."""


def beam_part(
    model: Translator,
    text: str,
    *,
    beam: int,
    off: HeadsOff,
    tensors: dict[str, NDArray[Any]],
) -> tuple[dict[str, Any], list[Found]]:
    """The search for ``text`` and its outputs, best first.

    Args:
        model: a translator.
        text: the source sentence.
        beam: hypotheses kept at every step.
        off: heads to switch off.
        tensors: gets the attention of each output as ``beam.0``, ``beam.1``, … [R C].
    """
    tree = BeamTree()
    found = model.search(text, beam=beam, off=off, tree=tree)
    hypotheses = [_hypothesis(model, place, each, tensors) for place, each in enumerate(found)]
    return {"size": beam, "nodes": _nodes(model, tree), "hypotheses": hypotheses}, found


def _nodes(model: Translator, tree: BeamTree) -> list[dict[str, Any]]:
    nodes = list(enumerate(tree.nodes))
    if len(nodes) > NODES_MOST:
        parents = {node.parent for node in tree.nodes}
        nodes = [(at, node) for at, node in nodes if node.kept or node.finished or at in parents]
    return [
        {
            "id": at,
            "parent": node.parent,
            "piece": _shown(model.target_tokenizer, tree, node),
            "logprob": node.logprob,
            "score": node.total / (node.step + 1),
            "step": node.step,
            "kept": node.kept,
            "finished": node.finished,
            "rank": node.rank,
        }
        for at, node in nodes
    ]


def _shown(tokenizer: Tokenizer, tree: BeamTree, node: BeamNode) -> str:
    """A node's token; of bytes, with those before it that spell the same character."""
    ids = [node.token]
    while node.parent is not None and part_of_character(tokenizer, ids[0]) is not None:
        node = tree.nodes[node.parent]
        ids.insert(0, node.token)
    return shown_tokens(tokenizer, ids)[-1]


def _hypothesis(
    model: Translator, place: int, each: Found, tensors: dict[str, NDArray[Any]]
) -> dict[str, Any]:
    tokenizer, best = model.target_tokenizer, each.hypothesis
    ids = (*best.tokens, tokenizer.eos) if best.finished else best.tokens
    words = word_indices(
        [tokenizer.decode(best.tokens[: end + 1]) for end in range(len(best.tokens))]
    )
    name = None
    if best.attention is not None:
        name = f"beam.{place}"
        tensors[name] = np.ascontiguousarray(best.attention[: len(ids)], dtype=np.float32)
    return {
        "text": each.text,
        "pieces": list(shown_tokens(tokenizer, ids)),
        "words": [*words, -1] if best.finished else list(words),
        "logprob": best.logprob,
        "score": best.score,
        "finished": best.finished,
        "tensor": name,
    }
