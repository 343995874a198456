"""A tagger on one sentence: the label of every word, read from the word's first piece."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from munmaek.arrays import Floats
from munmaek.data.batches import pad_rows
from munmaek.metrics.tagging import OUTSIDE
from munmaek.nn.building import tensor
from munmaek.tasks.framed import FramedText
from munmaek.tasks.inside import NOTHING, Predictions, Question, Words
from munmaek.tasks.tag.objective import NONE, NeuralTagger
from munmaek.tasks.tag.words import Entity, WordLabel, first_pieces
from munmaek.tasks.taping import chosen_logprobs, graph_of, one_row, steps_of, taped
from munmaek.text.places import Subword
from munmaek.text.spelling import shown_tokens

if TYPE_CHECKING:
    from munmaek.tasks.tag.model import Tagger

__all__ = ["tagged_predictions"]

CANDIDATES = 5
"""Labels told for each word."""


def tagged_predictions(model: "Tagger", question: Question) -> Predictions:
    """Return the log-probability of each word's label, and all that led to it."""
    words, network = model.split(question.text), model.network
    framed, pieces, owners = _framed(model, words)
    with taped(question) as tape:
        ids, lengths = (tensor(each, network) for each in pad_rows([framed.ids], 0))
        logprobs = network.forward(ids, lengths, tape=tape)[0].double().log_softmax(-1)
        chosen = logprobs.argmax(-1).cpu().tolist()
        values = chosen_logprobs(logprobs, chosen)
        graph = graph_of(values[[at for at, word in enumerate(owners) if word != NONE]], tape)
    found = logprobs.detach().cpu().numpy()
    rows = [found[owners.index(at)] if at in owners else None for at in range(len(words))]
    labelled = [_label(model, *each) for each in zip(words, rows, strict=True)]
    read = found[[at for at, word in enumerate(framed.words) if word >= 0]]
    entities = _entities(model, question.text, labelled, pieces, read)

    def without(erased: Sequence[Words]) -> Floats:
        """Predict again with <mask> in the place of erased words, so that each keeps its label."""
        tokenizer = model.tokenizer
        shown = tokenizer.mask if tokenizer.has_mask else tokenizer.unk
        again = NeuralTagger(network).logprobs(framed.hidden(erased, shown))
        return np.array([row[np.arange(len(chosen)), chosen] for row in again])

    return Predictions(
        source=framed.side,
        owners=owners,
        without=without,
        rows="source",
        unseen=tuple(None if word == NONE else NOTHING for word in owners),
        tensors=one_row(tape.records),
        steps=steps_of(tape),
        graph=graph,
        answer={
            "tags": [_tag(model, *each) for each in zip(labelled, rows, strict=True)],
            "outcome": {
                "text": question.text,
                "words": [asdict(each) for each in labelled],
                "entities": [asdict(each) for each in entities],
            },
        },
    )


def _framed(
    model: "Tagger", words: Sequence[str]
) -> tuple[FramedText, Sequence[Subword], tuple[int, ...]]:
    """Return the words as one row, its pieces, and for each token the word that begins there."""
    tokenizer, frame = model.tokenizer, model.tokenizer.frame
    every, firsts = first_pieces(tokenizer, words)
    pieces, owners = frame.cut(every, model.limit), frame.cut(firsts, model.limit)
    ids = frame.row([piece.id for piece in every], model.limit)
    around = [(NONE,) * len(each) for each in (frame.before, frame.after)]
    return (
        FramedText(
            ids=tuple(ids),
            tokens=shown_tokens(tokenizer, ids),
            words=(*around[0], *(piece.word for piece in pieces), *around[1]),
            split=len(ids),
            paired=False,
            segmented=False,
            surface=tuple(words),
        ),
        pieces,
        (*around[0], *owners, *around[1]),
    )


def _label(model: "Tagger", word: str, row: Floats | None) -> WordLabel:
    if row is None:
        nothing = OUTSIDE if OUTSIDE in model.labels else model.labels[0]
        return WordLabel(word, nothing, 0.0)
    best = int(row.argmax())
    return WordLabel(word, model.labels[best], float(np.exp(row[best])))


def _tag(model: "Tagger", each: WordLabel, row: Floats | None) -> dict[str, Any]:
    """Return a word's label with those that come next, likeliest first."""
    chances: list[list[Any]] = []
    if row is not None:
        order: list[int] = np.argsort(-row, kind="stable")[:CANDIDATES].tolist()
        chances = [[model.labels[at], float(np.exp(row[at]))] for at in order]
    return {**asdict(each), "candidates": chances}


def _entities(
    model: "Tagger",
    text: str,
    labelled: Sequence[WordLabel],
    pieces: Sequence[Subword],
    logprobs: Floats,
) -> list[Entity]:
    """Return the entities; those of a checkpoint that labels every piece come from pieces."""
    if model.whole_words:
        return model.entities(text, labelled)
    return model.joined(" ".join(each.word for each in labelled), pieces, logprobs)
