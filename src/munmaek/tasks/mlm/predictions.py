r"""An encoder on one text or on two: the token in every place, or how alike the texts are.

    with a head for masked words    log p(w_i | x) of every token i; behind a mask the likeliest
    without                         cos(z_a, z_b), or the model's own similarity

z is the vector that ``embed`` gives. One text alone is held against itself, so that what a word is
worth is how far the vector turns without it.

Letters: N rows, B = 1 or 2 texts, T tokens, H heads, D width of a vector.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from munmaek.arrays import Float32s, Floats
from munmaek.data.batches import pad_rows
from munmaek.models.bert.sentence import pool
from munmaek.nn.building import tensor
from munmaek.nn.products import inference
from munmaek.nn.tape import Tape
from munmaek.progress import followed
from munmaek.tasks.framed import FramedText, asked_texts
from munmaek.tasks.inside import Predictions, Question, Side, Words
from munmaek.tasks.mlm.filling import filled
from munmaek.tasks.taping import AT_ONCE, chosen_logprobs, graph_of, one_row, steps_of, taped
from munmaek.text.spaces import ascii_words

if TYPE_CHECKING:
    from munmaek.tasks.mlm.model import Encoder

__all__ = ["masked_predictions", "similarity_predictions"]

Each = TypeVar("Each")
CANDIDATES = 8
"""Gives the number of words that are listed for each mask."""


def masked_predictions(model: "Encoder", question: Question) -> Predictions:
    """Return the log-probability of what stands at every place, and what may fill each mask."""
    framed = model.framed(question.text, question.second)
    mask = model.tokenizer.mask
    with taped(question) as tape:
        logits = model.network.logits(model.hidden([framed.ids], framed.types, tape=tape)[0])
        best = logits.argmax(-1).cpu().tolist()
        chosen = [best[at] if token == mask else token for at, token in enumerate(framed.ids)]
        values = chosen_logprobs(logits.float(), chosen)
        masked = [at for at, token in enumerate(framed.ids) if token == mask]
        asked = masked or [at for at, word in enumerate(framed.words) if word >= 0]
        graph = graph_of(values[asked], tape)
    behind = logits[masked].detach().double().log_softmax(-1).cpu().numpy()
    texts = question.text, question.second
    gaps = [
        {**asdict(each), "candidates": [list(pair) for pair in each.candidates]}
        for each in filled(model.tokenizer, framed, texts, behind, top=CANDIDATES)
    ]

    def without(erased: Sequence[Words]) -> Floats:
        """Predict again with <mask> in the place of the erased words."""
        rows = framed.hidden(erased, mask)
        out = np.concatenate([_masked(model, framed, part, chosen) for part in _parts(rows)])
        gone = [[word >= 0 and word in each for word in framed.words] for each in erased]
        out[np.array(gone)] = np.nan
        return out

    return Predictions(
        source=framed.side,
        owners=framed.words,
        without=without,
        rows="source",
        unseen=tuple(frozenset({word}) if word >= 0 else None for word in framed.words),
        segments=framed.segments,
        tensors=one_row(tape.records),
        steps=steps_of(tape),
        graph=graph,
        answer={"filled": gaps, "outcome": {"text": question.text, "filled": gaps}},
    )


@inference()
def _masked(
    model: "Encoder", framed: FramedText, rows: Sequence[Sequence[int]], chosen: Sequence[int]
) -> Floats:
    logits = model.network.logits(model.hidden(rows, framed.types))
    return chosen_logprobs(logits.double(), chosen).cpu().numpy()


def _parts(rows: Sequence[Each]) -> Iterator[Sequence[Each]]:
    """Yield rows in parts that go through the network together."""
    for at in followed(range(0, len(rows), AT_ONCE), "erasing"):
        yield rows[at : at + AT_ONCE]


def similarity_predictions(model: "Encoder", question: Question) -> Predictions:
    """Return how alike two texts are, each read by itself, or one text and itself."""
    texts = [question.text] if question.second is None else [question.text, question.second]
    framed = [_prompted(model, text) for text in texts]
    with taped(replace(question, steps=len(framed) == 1)) as tape:
        vectors = _vectors(model, [each.ids for each in framed], tape)
        whole = vectors.detach()
        value = _alike(vectors[:1], vectors[-1:], model.sentence.similarity)
        # One text is as like itself as can be, whatever its heads do.
        graph = graph_of(value, tape) if len(framed) == 2 else None
    first = len(framed[0].surface)

    def without(erased: Sequence[Words]) -> Floats:
        """Compare one text without the erased words with what it was as a whole."""
        out: list[Floats] = []
        for part in _parts(erased):
            own = framed[0].rows(part).ids
            other = whole[-1:]
            if len(framed) == 2:
                moved = [frozenset(word - first for word in each) for each in part]
                other = _read(model, framed[1].rows(moved).ids)
            out.append(_numbers(_alike(_read(model, own), other, model.sentence.similarity)))
        return np.concatenate(out)[:, None]

    said = {} if len(framed) == 1 else {"similarity": float(value[0].detach())}
    segments = tuple(at for at, each in enumerate(framed) for _ in each.ids)
    return Predictions(
        source=_side(framed),
        owners=(0,),
        without=without,
        unit=model.sentence.similarity,
        segments=segments if len(framed) == 2 else None,
        tensors=_joined(tape.records, [len(each.ids) for each in framed]),
        steps=steps_of(tape),
        graph=graph,
        answer={"outcome": {**asked_texts(question), **said}},
    )


def _prompted(model: "Encoder", text: str) -> FramedText:
    """Return a text behind the model's default prompt, whose tokens are as special as the frame."""
    prompt = model.sentence.prompt(None)
    framed = model.framed(prompt + text)
    if not prompt:
        return framed
    begin = len(model.tokenizer.frame.before) + len(model.tokenizer.encode(prompt))
    first = next((word for word in framed.words[begin:] if word >= 0), 0)
    words = (-1 if at < begin else max(word - first, -1) for at, word in enumerate(framed.words))
    return replace(framed, words=tuple(words), surface=tuple(ascii_words(text)))


def _side(framed: Sequence[FramedText]) -> Side:
    """Return both texts one after the other, words of the second counted on."""
    first, *more = framed
    shift = len(first.surface)
    pieces, words, surface = first.tokens, first.words, first.surface
    for each in more:
        pieces, surface = (*pieces, *each.tokens), (*surface, *each.surface)
        words = (*words, *(word + shift if word >= 0 else word for word in each.words))
    return Side(pieces, words, surface)


@inference()
def _read(model: "Encoder", rows: Sequence[Sequence[int]]) -> Tensor:
    return _vectors(model, rows, None)


def _vectors(
    model: "Encoder", rows: Sequence[Sequence[int]], tape: Tape | None
) -> Float[Tensor, "N D"]:
    """Return what ``Encoder.embed`` gives of framed rows, attached to the graph."""
    network, sentence = model.network, model.sentence
    ids, lengths = pad_rows(rows, 0)
    hidden = network.forward(tensor(ids, network), tensor(lengths, network), tape=tape)
    left_out = model.left_out()
    pooled = [
        pool(hidden[at : at + 1, :length], model.pooling, before=min(left_out, length - 1))
        for at, length in enumerate(lengths.tolist())
    ]
    vectors = torch.cat(pooled)
    if sentence.weights is not None:
        vectors = sentence.weights(vectors)
    if model.normalised:
        vectors = F.normalize(vectors, dim=-1)
    return vectors[:, : sentence.width]


def _alike(
    firsts: Float[Tensor, "N D"], seconds: Float[Tensor, "M D"], name: str
) -> Float[Tensor, " N"]:
    """Return ``metrics.retrieval.pair_similarities``, attached to the graph; M is N or 1."""
    if name == "cosine":
        return F.cosine_similarity(firsts.double(), seconds.double())
    if name == "dot":
        return (firsts.double() * seconds).sum(1)
    order = 2.0 if name == "euclidean" else 1.0
    return -F.pairwise_distance(firsts.double(), seconds.double(), order, eps=0.0)


def _numbers(values: Tensor) -> Floats:
    return values.cpu().numpy()


def _joined(records: Mapping[str, Tensor], lengths: Sequence[int]) -> dict[str, Float32s]:
    """Return the tensors of both texts end to end; no text attends to the other.

    Attention weights become two blocks of [H, T_a + T_b, T_a + T_b]; scores, which were never
    computed between the texts, are left out.
    """
    if len(lengths) == 1:
        return one_row(records)
    spans = (slice(0, lengths[0]), slice(lengths[0], sum(lengths)))
    out: dict[str, Float32s] = {}
    for name, both in records.items():
        found = both.detach().float().cpu().numpy()
        parts = [part[..., :size, :] for part, size in zip(found, lengths, strict=True)]
        if name.endswith(".weights"):
            whole = np.zeros((len(parts[0]), sum(lengths), sum(lengths)), dtype=np.float32)
            for part, span in zip(parts, spans, strict=True):
                whole[:, span, span] = part[..., : part.shape[-2]]
            out[name] = whole
        elif not name.endswith(".scores"):
            out[name] = np.concatenate(parts, -2)
    return out
