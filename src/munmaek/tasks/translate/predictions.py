"""A translator on one sentence and a translation of it: one search, one encoding, one decoding.

Letters: T target tokens with </s>, S source tokens with </s>, N sets of words left out.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from munmaek.arrays import Float32s, Floats
from munmaek.data.batches import pad_rows
from munmaek.decode import BeamTree
from munmaek.decode.tree import BeamNode
from munmaek.nn.building import tensor
from munmaek.nn.products import inference
from munmaek.nn.state import map_tensors
from munmaek.progress import followed
from munmaek.tasks.inside import (
    NOTHING,
    Predictions,
    Question,
    Side,
    Words,
    piece_words,
    word_indices,
)
from munmaek.tasks.taping import (
    AT_ONCE,
    chosen_logprobs,
    graph_of,
    likeliest,
    nats,
    one_row,
    steps_of,
    taped,
)
from munmaek.text.spaces import ascii_words
from munmaek.text.spelling import part_of_character, shown_tokens
from munmaek.text.tokenizers import Tokenizer

if TYPE_CHECKING:
    from munmaek.tasks.translate.model import Found, Translator

__all__ = ["translation_predictions"]

NODES_MOST = 1500
"""Nodes of a search that are kept; a longer one loses what was dropped, last steps first."""
BEAM = 5
"""Hypotheses of the search for a translation where none is to be shown."""


def translation_predictions(model: "Translator", question: Question) -> Predictions:
    """Return the log-probability of each token of the model's own translation, or of the given."""
    reading, writing, network = model.source_tokenizer, model.target_tokenizer, model.network
    ids, pieces, words = piece_words(reading, question.text)
    ids, inner = model.source_ids(ids), model.limit - 1
    with taped(question) as tape:
        rows, lengths = (tensor(each, network) for each in pad_rows([ids], 0))
        memory = network.encode(rows, lengths, tape=tape)
        beam, searched, tensors = _search(model, question, ids, map_tensors(memory, Tensor.detach))
        target = question.target if question.target is not None else searched[0].text
        chosen, target_pieces, target_words = piece_words(writing, target)
        chosen = [*chosen, writing.eos]
        read = tensor(np.array([[writing.bos, *chosen[:-1]]], dtype=np.int64), network)
        hidden = network.decode(memory, read, tape=tape)
        logits = network.logits(hidden[0]).float()
        values = chosen_logprobs(logits, chosen)
        alignment = network.alignment(tape)
    recorded = one_row(tape.records)
    if alignment is not None:
        recorded["alignment"] = alignment[0].detach().float().cpu().numpy()
    source = Side(
        (*pieces[:inner], reading.token(reading.eos)),
        (*words[:inner], -1),
        tuple(ascii_words(question.text)),
    )
    surface, owners, logprobs = tuple(ascii_words(target)), (*target_words, -1), nats(values)

    def without(erased: Sequence[Words]) -> Floats:
        """Score the same translation again, after the source without the erased words."""
        kept = [
            [token for token, word in zip(ids, source.words, strict=True) if word not in each]
            for each in erased
        ]
        starts = followed(range(0, len(kept), AT_ONCE), "erasing")
        return np.concatenate([_forced(model, kept[at : at + AT_ONCE], chosen) for at in starts])

    said = {"source": question.text, "translation": target, "logprob": float(sum(logprobs))}
    return Predictions(
        source=source,
        output=Side((*target_pieces, writing.token(writing.eos)), owners, surface),
        written=Side(("<s>", *target_pieces), (-1, *target_words), surface),
        owners=owners,
        without=without,
        rows="output",
        unseen=tuple(NOTHING if word >= 0 else None for word in owners),
        logprobs=logprobs,
        tensors={**recorded, **tensors},
        steps=steps_of(tape),
        graph=graph_of(values, tape),
        answer={
            "outcome": said,
            "target": target,
            "beam": beam,
            "next": likeliest(logits, writing.token),
        },
    )


@inference()
def _forced(model: "Translator", rows: Sequence[Sequence[int]], chosen: Sequence[int]) -> Floats:
    """Return the log-probability of each token of ``chosen`` after each source: [N, T]."""
    network = model.network
    ids, lengths = (tensor(each, network) for each in pad_rows(rows, 0))
    read = np.array([[model.target_tokenizer.bos, *chosen[:-1]]] * len(rows), dtype=np.int64)
    hidden = network.decode(network.encode(ids, lengths), tensor(read, network))
    return chosen_logprobs(network.logits(hidden).double(), chosen).cpu().numpy()


# The search


def _search(
    model: "Translator", question: Question, ids: Sequence[int], memory: Any
) -> tuple[dict[str, Any] | None, Sequence["Found"], dict[str, Float32s]]:
    """Return the search as a record shows it, its outputs, and the attention of each of them.

    None where no search is to be shown; no output either where a translation is given as well.
    """
    shown = question.beam > 0 and question.measures
    if not shown and question.target is not None:
        return None, (), {}
    tree = BeamTree() if shown else None
    beam = question.beam or BEAM
    found = model.search_ids(ids, beam=beam, off=question.off, tree=tree, memory=memory)
    if tree is None:
        return None, found, {}
    tensors = {
        f"beam.{place}": np.ascontiguousarray(
            each.hypothesis.attention[: len(_ids(model, each))], dtype=np.float32
        )
        for place, each in enumerate(found)
        if each.hypothesis.attention is not None
    }
    hypotheses = [_hypothesis(model, place, each) for place, each in enumerate(found)]
    part = {"size": beam, "nodes": _nodes(model.target_tokenizer, tree), "hypotheses": hypotheses}
    return part, found, tensors


def _nodes(tokenizer: Tokenizer, tree: BeamTree) -> list[dict[str, Any]]:
    nodes = list(enumerate(tree.nodes))
    if len(nodes) > NODES_MOST:
        parents = {node.parent for node in tree.nodes}
        nodes = [(at, node) for at, node in nodes if node.kept or node.finished or at in parents]
    return [
        {
            "id": at,
            "parent": node.parent,
            "piece": _shown(tokenizer, tree, node),
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
    """Return a node's token; of bytes, with those before it that spell the same character."""
    ids = [node.token]
    while node.parent is not None and part_of_character(tokenizer, ids[0]) is not None:
        node = tree.nodes[node.parent]
        ids.insert(0, node.token)
    return shown_tokens(tokenizer, ids)[-1]


def _ids(model: "Translator", each: "Found") -> Sequence[int]:
    """Return the tokens of an output, </s> included where it came to its end."""
    best = each.hypothesis
    return (*best.tokens, model.target_tokenizer.eos) if best.finished else best.tokens


def _hypothesis(model: "Translator", place: int, each: "Found") -> dict[str, Any]:
    tokenizer, best = model.target_tokenizer, each.hypothesis
    words = word_indices(
        [tokenizer.decode(best.tokens[: end + 1]) for end in range(len(best.tokens))]
    )
    return {
        "text": each.text,
        "pieces": list(shown_tokens(tokenizer, _ids(model, each))),
        "words": [*words, -1] if best.finished else list(words),
        "logprob": best.logprob,
        "score": best.score,
        "finished": best.finished,
        "tensor": None if best.attention is None else f"beam.{place}",
    }
