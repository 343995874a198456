"""Outputs and attention of the demonstration's models, shown besides their scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.metrics import alignment_scores, resting_on
from munmaek.phrases import Phrase

__all__ = ["SHOWN", "Made"]

Parts = dict[str, Any]

DRAWN = ("나는 학교에서 공부한다", "I study at school")
"""The sentence of the test data whose alignment is drawn first."""

FILLS = 4
"""Test sentences in which a word is hidden, and that the report shows."""

PROMPT = "나는"


@dataclass(frozen=True, slots=True)
class Made:
    """A model that was trained and measured."""

    name: str
    model: Any
    row: dict[str, Any]
    """Its entry in ``results.json``, which may get further scores."""
    outputs: Sequence[str]
    """Its translations of the test sentences."""
    phrases: Sequence[Phrase]
    """The test data."""
    seed: int


def _samples(made: Made) -> Parts:
    """Return a text that the model writes."""
    rng = np.random.default_rng(made.seed)
    text = made.model.generate(PROMPT, rng=rng, temperature=0.8)[0]
    return {"samples": [{"model": made.name, "prompt": PROMPT, "text": text}]}


def _fills(made: Made) -> Parts:
    """Return short test sentences whose word before the last, one token, is hidden and filled."""
    entries: dict[str, Parts] = {}
    for phrase in made.phrases:
        words = phrase.korean.split()
        if 3 <= len(words) <= 6 and len(entries) < FILLS:
            answer, text = words[-2], " ".join([*words[:-2], "<mask>", words[-1]])
            if answer not in entries and len(made.model.tokenizer.encode(answer)) == 1:
                entries[answer] = _fill(made.model, text, answer)
    return {"fills": list(entries.values())}


def _fill(model: Any, text: str, answer: str) -> Parts:
    found = model.fill(text)[0]
    candidates = [{"token": token, "probability": share} for token, share in found.candidates]
    return {"text": text, "answer": answer, "candidates": candidates}


def _links(made: Made) -> Parts:
    """Add the alignment error rate of the attention; return the weights of the drawn sentences."""
    phrases, model = made.phrases, made.model
    aligned = model.align(
        [phrase.korean for phrase in phrases], [phrase.english for phrase in phrases]
    )
    scores = alignment_scores(
        [each.alignment or () for each in aligned],
        [phrase.links for phrase in phrases],
        signature=model.signature(beam=1).extended(("links", "argmax of attention, words")),
        rng=np.random.default_rng(0),
    )
    scores = resting_on(scores, "phrasebook (test)", len(phrases), "pairs")
    rate = made.row["scores"]["aer"] = scores["aer"].to_json()
    drawn = _drawn(phrases)
    matrices: list[Parts] = [
        {
            "model": made.name,
            "source": list(each.source_words),
            "target": list(each.target_words),
            "weights": _rounded(each.weights),
            "gold": [list(link) for link in phrase.links],
            "scores": {"aer": rate},
        }
        for phrase, each in zip(phrases, aligned, strict=True)
        if phrase in drawn and each.weights is not None
    ]
    return {"alignments": matrices}


def _rounded(weights: NDArray[np.float32]) -> list[list[float]]:
    return np.round(weights, 4).tolist()


def _drawn(phrases: Sequence[Phrase]) -> list[Phrase]:
    """Return the drawn sentences: the fixed one, and one of middle length."""
    fixed = [phrase for phrase in phrases if (phrase.korean, phrase.english) == DRAWN]
    middle = [phrase for phrase in phrases if len(phrase.english.split()) == 12][:1]
    return fixed + middle


def _translations(made: Made) -> Parts:
    """Return five sentences from short to long, with what the model made of them."""
    phrases = made.phrases
    order = sorted(range(len(phrases)), key=lambda index: len(phrases[index].english.split()))
    chosen = [order[int((len(order) - 1) * part)] for part in (0.1, 0.35, 0.6, 0.8, 0.97)]
    rows = [
        {
            "source": phrases[index].korean,
            "reference": phrases[index].english,
            "outputs": {made.name: made.outputs[index]},
        }
        for index in chosen
    ]
    return {"translations": rows}


SHOWN: Mapping[str, Callable[[Made], Parts]] = {
    "samples": _samples,
    "fills": _fills,
    "translations": _translations,
    "alignments": _links,
}
"""By the part of ``results.json`` that it fills."""
