r"""The words that a prediction rests on, and whether attention shows them: measured by erasing.

    influence of word s on prediction i    log p(i | x) − log p(i | x without s)
    attended                               the same for the k words that i attends to most
    random                                 and for k other words drawn at random

The words are taken out of the input (comprehensiveness: DeYoung et al. 2020, §4); a model that
knows <mask> and answers in every place gets masks instead. A prediction that falls more without the
attended words than without random ones rests on them; attention that does not pass this test shows
where the network looked and not why it said what it said (Jain & Wallace 2019; Serrano & Smith
2019; Wiegreffe & Pinter 2019). Values are nats; positive ones say that the words were needed. Those
of a number are in its own unit: how much higher it is for the word, and in ``faithfulness`` how far
it moves.

Letters: T predictions, W words, N sets of erased words, H heads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from munmaek.arrays import Float32s, Floats
from munmaek.look.attentions import weights_of
from munmaek.look.records import IMPOSSIBLE, Attention
from munmaek.tasks.inside import NOTHING, Predictions, Words

__all__ = ["Evidence", "evidence", "words_erased"]

DRAWS = 4
"""Random sets for each attended one."""

WORDS_MOST = 128
"""Words of which each is erased alone; a longer text gets no such table."""

COST = 2.5e10
"""Weights times tokens that the sets of one sentence may cost: about three seconds on one core."""

SETS_LEAST = 10


@dataclass(frozen=True, slots=True)
class Evidence:
    """Losses of the predictions without words."""

    influence: Float32s | None
    """[words, W]: what each predicted word loses without each word of the input; None where that
    would cost too much.

    Rows are the words of the output (of a text without one: the pieces' own words, or a single row
    for the text as a whole). A language model's word has no influence on what stands before it, and
    none on itself: 0.
    """
    faithfulness: Mapping[str, Mapping[str, Any]]
    """For each attention to the input the mean loss without attended and without random words."""


@dataclass(frozen=True, slots=True)
class _Question:
    """One prediction (or all, −1) of one attention: the attended words and random ones."""

    attention: str
    step: int
    attended: Words
    random: tuple[Words, ...]


def words_erased(words: int) -> int:
    """Return k: one word of up to nine, two of up to nineteen, and so on."""
    return 1 + words // 10


def evidence(
    seen: Predictions,
    attentions: Sequence[Attention],
    *,
    parameters: int,
    rng: np.random.Generator,
) -> Evidence:
    """Return what erasing words shows; everything is read again together, each set once.

    An attention inside a translator's encoder or a classifier has no row for a prediction; there
    the words that receive most from all rows count, and all predictions together.

    Args:
        seen: what is looked at.
        attentions: of it.
        parameters: weights of the model, to keep the cost within bounds.
        rng: draws the random words, and the rows where there are too many.
    """
    words, most = len(seen.source.surface), _sets_most(seen, parameters)
    alone = range(words) if words <= min(WORDS_MOST, most) else ()
    singles = [frozenset({word}) for word in alone]
    asked = _asked(seen, attentions, most, rng) if words > 1 else []
    erased = [words for each in asked for words in (each.attended, *each.random)]
    order = {each: at for at, each in enumerate(dict.fromkeys([NOTHING, *singles, *erased]))}
    scores = seen.without(list(order))
    with np.errstate(invalid="ignore"):  # of what is impossible with and without nothing is lost
        change = scores[0][None, :] - scores
    losses = {each: change[at] for each, at in order.items()}
    influence = _by_word(seen, [losses[each] for each in singles]) if singles else None
    return Evidence(influence, _faithfulness(asked, losses, words_erased(words), seen.unit))


def _sets_most(seen: Predictions, parameters: int) -> int:
    length = len(seen.source.pieces)
    if seen.written is not None:
        length += len(seen.written.pieces) + 1
    return max(SETS_LEAST, int(COST / max(parameters, 1) / max(length, 1)))


def _by_word(seen: Predictions, changes: Sequence[Floats]) -> Float32s:
    """Return the loss without each word, summed over the predictions of each word: [words, W]."""
    change = np.nan_to_num(np.array(changes), posinf=IMPOSSIBLE, neginf=-IMPOSSIBLE)
    out = np.zeros((max(seen.owners) + 1, len(changes)), dtype=np.float32)
    for step, owner in enumerate(seen.owners):
        if owner >= 0:
            out[owner] += change[:, step]
    return out


def _asked(
    seen: Predictions, attentions: Sequence[Attention], most: int, rng: np.random.Generator
) -> list[_Question]:
    """Return the questions of every attention to the input, as many as ``most`` sets allow."""
    asked = [_questions(seen, each, rng) for each in attentions if each.columns == "source"]
    asked = [each for each in asked if each]
    share = max(1, most // (max(len(asked), 1) * (1 + DRAWS)))
    return [question for each in asked for question in _some(each, share, rng)]


def _questions(seen: Predictions, each: Attention, rng: np.random.Generator) -> list[_Question]:
    words = np.array(seen.source.words)
    table = np.stack([words == word for word in range(len(seen.source.surface))], 1)
    mass = weights_of(seen, each.tensor).mean(0) @ table  # [rows, W]
    k = words_erased(mass.shape[1])
    if each.rows != seen.rows or each.rows == "text":
        return [_question(each.name, -1, mass.mean(0), NOTHING, k, rng)]
    return [
        _question(each.name, step, mass[step], hidden, k, rng)
        for step, hidden in enumerate(seen.unseen)
        if hidden is not None and mass.shape[1] - len(hidden) > k
    ]


def _question(
    name: str, step: int, mass: Floats, hidden: Words, k: int, rng: np.random.Generator
) -> _Question:
    seen = [word for word in np.argsort(-mass, kind="stable").tolist() if word not in hidden]
    others = np.array(seen[k:])
    draws = tuple(
        frozenset(rng.choice(others, size=min(k, len(others)), replace=False).tolist())
        for _ in range(DRAWS)
    )
    return _Question(name, step, frozenset(seen[:k]), draws)


def _some(
    questions: Sequence[_Question], most: int, rng: np.random.Generator
) -> Sequence[_Question]:
    if len(questions) <= most:
        return questions
    chosen = np.sort(rng.choice(len(questions), size=most, replace=False))
    return [questions[int(index)] for index in chosen]


def _faithfulness(
    asked: Sequence[_Question], losses: Mapping[Words, Floats], k: int, unit: str
) -> dict[str, dict[str, Any]]:
    """Return for each attention the mean loss without attended and without random words."""
    # A number has no better side: it may be moved up or down, and both count.
    moved = unit != "nats"

    def loss(words: Words, step: int) -> float:
        row = np.abs(losses[words]) if moved else losses[words]
        return float(np.nansum(row)) if step < 0 else float(row[step])

    made: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(each.attention for each in asked):
        own = [each for each in asked if each.attention == name]
        pairs = [
            (
                loss(each.attended, each.step),
                float(np.mean([loss(words, each.step) for words in each.random])),
            )
            for each in own
        ]
        attended, random = np.nanmean(np.array(pairs), axis=0).tolist()
        made[name] = {
            "attended": attended,
            "random": random,
            "k": k,
            "predictions": len(own),
            "unit": unit,
        }
    return made
