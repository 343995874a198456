r"""What attention explains, and what it does not: measured by erasing words.

    influence of word s on prediction i    log p(i | x) − log p(i | x without s)
    attended                               the same for the k words that i attends to most
    random                                 and for k other words drawn at random

The words are taken out of the input (comprehensiveness: DeYoung et al. 2020, §4); a masked-word
model, which knows <mask>, gets masks in their place. A prediction that falls more without the
attended words than without random ones rests on them; attention that does not pass this test shows
where the network looked and not why it said what it said (Jain & Wallace 2019; Serrano & Smith
2019; Wiegreffe & Pinter 2019). Values are nats; positive ones say that the words were needed. A
regressor's are of its own value: how much higher it is for the word, and in ``faithfulness`` how
far it moves.

Letters: T predictions, W words, N sets of erased words, H heads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from munmaek.look.attentions import side_of
from munmaek.look.erasing import Eraser
from munmaek.look.records import Attention, Record

__all__ = ["faithfulness", "word_influence", "words_erased"]

Floats = NDArray[np.float64]
Words = frozenset[int]

DRAWS = 4
"""Random sets for each attended one."""

WORDS_MOST = 128
"""Words of which each is erased alone; a longer text gets no such table."""

COST = 2.5e10
"""Weights times tokens that the sets of one sentence may cost: about three seconds on one core."""

SETS_LEAST = 10


def words_erased(words: int) -> int:
    """k: one word of up to nine, two of up to nineteen, and so on."""
    return 1 + words // 10


def _sets_most(parameters: int, length: int) -> int:
    return max(SETS_LEAST, int(COST / max(parameters, 1) / max(length, 1)))


def word_influence(
    record: Record, eraser: Eraser, *, parameters: int
) -> NDArray[np.float32] | None:
    """Nats that each predicted word loses without each word of the input: [words, W].

    Rows are the words of the output (of a text without one: the pieces' own words, or a single row
    for a label). A language model's word has no influence on what stands before it, and none on
    itself: 0. None for a text of no words, or where it would cost too much.

    Args:
        record: what is looked at.
        eraser: of the same text.
        parameters: weights of the model.
    """
    count = len(record.source.surface)
    if not 0 < count <= min(WORDS_MOST, _sets_most(parameters, eraser.length)):
        return None
    base, *each = eraser.scores([frozenset[int](), *(frozenset({word}) for word in range(count))])
    change = np.nan_to_num(base[None, :] - np.array(each))
    owners = _owners(record, change.shape[1])
    rows = max(owners) + 1
    out = np.zeros((rows, count), dtype=np.float32)
    for step, owner in enumerate(owners):
        if owner >= 0:
            out[owner] += change[:, step]
    return out


def _owners(record: Record, predictions: int) -> Sequence[int]:
    """The word that each prediction is of."""
    if record.output is not None:
        return record.output.words
    return [0] if predictions == 1 else record.source.words


@dataclass(frozen=True, slots=True)
class _Question:
    """One prediction (or all, −1) of one attention: the attended words and random ones."""

    attention: str
    step: int
    attended: Words
    random: tuple[Words, ...]


def faithfulness(
    record: Record, eraser: Eraser, *, parameters: int, rng: np.random.Generator
) -> dict[str, dict[str, Any]]:
    """For each attention to the input: the mean loss without attended and without random words.

    An attention inside a translator's encoder or a classifier has no row for a prediction; there
    the words that receive most from all rows count, and all predictions together.

    Args:
        record: with its attentions.
        eraser: of the same text.
        parameters: weights of the model, to keep the cost within bounds.
        rng: draws the random words, and the rows where there are too many.
    """
    words = len(record.source.surface)
    if words < 2:
        return {}
    sets = _sets_most(parameters, eraser.length)
    asked = [_questions(record, each, rng) for each in record.attentions]
    asked = [each for each in asked if each]
    if not asked:
        return {}
    share = max(1, sets // (len(asked) * (1 + DRAWS)))
    chosen = [question for each in asked for question in _some(each, share, rng)]
    # A number has no better side: it may be moved up or down, and both count.
    number = record.task == "regress"
    values = _losses(chosen, eraser, moved=number)
    unit = "value" if number else "nats"
    return {
        each[0].attention: {
            **_summary(each[0].attention, chosen, values, words_erased(words)),
            "unit": unit,
        }
        for each in asked
    }


def _questions(record: Record, each: Attention, rng: np.random.Generator) -> list[_Question]:
    if each.columns != "source":
        return []
    words = np.array(record.source.words)
    table = np.stack([words == word for word in range(len(record.source.surface))], 1)
    mass = record.tensors[each.tensor].mean(0) @ table  # [rows, W]
    k = words_erased(mass.shape[1])
    if each.rows == "output":
        steps = [step for step, word in enumerate(side_of(record, "output").words) if word >= 0]
        return [_question(each.name, step, mass[step], NONE, k, rng) for step in steps]
    if each.rows == "text" or record.task in ("classify", "regress", "translate"):
        return [_question(each.name, -1, mass.mean(0), NONE, k, rng)]
    made: list[_Question] = []
    for row, word in enumerate(record.source.words):
        # A language model cannot see later words; a masked one is not asked about its own word.
        hidden = _unseen(record, row, word)
        if mass.shape[1] - len(hidden) > k and (word >= 0 or record.task == "lm"):
            made.append(_question(each.name, row, mass[row], hidden, k, rng))
    return made


NONE: Words = frozenset()


def _unseen(record: Record, row: int, word: int) -> Words:
    if record.task != "lm":
        return frozenset({word})
    assert record.output is not None
    predicted = record.output.words[row]
    first = predicted if predicted >= 0 else len(record.source.surface)
    return frozenset(range(first, len(record.source.surface)))


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


def _losses(
    questions: Sequence[_Question], eraser: Eraser, *, moved: bool
) -> dict[_Question, tuple[float, float]]:
    """What is lost without the attended and without random words; how far it moved if ``moved``."""
    every = {words for each in questions for words in (each.attended, *each.random)}
    order: dict[Words, int] = {words: place for place, words in enumerate([NONE, *every], 0)}
    scores = eraser.scores(list(order))
    change = scores[0][None, :] - scores
    if moved:
        change = np.abs(change)

    def loss(words: Words, step: int) -> float:
        row = change[order[words]]
        return float(np.nansum(row)) if step < 0 else float(row[step])

    return {
        each: (
            loss(each.attended, each.step),
            float(np.mean([loss(words, each.step) for words in each.random])),
        )
        for each in questions
    }


def _summary(
    name: str,
    questions: Sequence[_Question],
    values: Mapping[_Question, tuple[float, float]],
    k: int,
) -> dict[str, Any]:
    own = [values[each] for each in questions if each.attention == name]
    attended, random = np.nanmean(np.array(own), axis=0).tolist()
    return {
        "attended": attended,
        "random": random,
        "k": k,
        "predictions": len(own),
    }
