"""Texts drawn by walking the tables of an n-gram model, beside the slow, obvious way."""

from typing import Any

import numpy as np
import pytest

from munmaek.models.ngram import NgramConfig, NgramModel
from munmaek.ngram.drawing import uniform
from munmaek.ngram.sequences import TokenIds
from munmaek.tasks.lm.completing import CompletionOptions
from munmaek.tasks.lm.lockstep import begun
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.walking import Walk, Walker, drawn_texts, keys_of, walker_of
from test_records import TEXT, model

pytestmark = pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")


@pytest.fixture(scope="module")
def walker() -> Walker:
    """Return a chain over 300 words, some of which many others follow."""
    rng = np.random.default_rng(4)
    rows = [np.minimum(4 + rng.geometric(0.02, 30), 299).tolist() for _ in range(200)]
    vocabulary = TokenIds(300, bos=2, eos=3, unk=1, excluded=(0,))
    chain = NgramModel.fit(rows, config=NgramConfig(order=3), vocabulary=vocabulary)
    trained = model("lm", "ngram")
    plain: Any = _Plain(300)
    made = walker_of(TrainedLanguageModel(plain, chain, trained.info))
    assert made is not None
    return made


class _Plain:
    """A tokenizer of whole words in the place of another."""

    def __init__(self, size: int) -> None:
        self.pad, self.unk, self.bos, self.eos, self.mask = 0, 1, 2, 3, 4
        self.kind, self.vocab_size = "words", size


def slowly(walker: Walker, context: Any, numbers: Any) -> int:
    """Draw one word: from each context's own words, or else from the next shorter context."""
    chain = walker.model
    own = [
        [w for w in range(chain.vocab_size) if chain.find((*context[begin:], w)) is not None]
        for begin in range(len(context) + 1)
    ]
    while True:
        word = _word_of(chain, context, own, numbers)
        if walker.arrays.permitted[0, word]:
            return word


def _word_of(chain: NgramModel, context: Any, own: Any, numbers: Any) -> int:
    if context and chain.find(context) is None:
        return _word_of(chain, context[1:], own[1:], numbers)
    chances = np.exp(chain.logprobs(context))
    aim = next(numbers)
    if not context:
        aim *= chances.sum()
    for word in own[0]:
        aim -= chances[word]
        if aim < 0:
            return word
    while True:
        word = _word_of(chain, context[1:], own[1:], numbers)
        if word not in own[0]:
            return word


def test_a_word_is_that_of_the_slow_way(walker: Walker) -> None:
    keys = keys_of(np.random.default_rng(0), 150)
    prompts = [[5 + place % 60, 5 + place % 7][: place % 3] for place in range(150)]
    walk = Walk.begun(walker, prompts, [9] * 150, keys)
    for key, prompt, (tokens, logprobs) in zip(
        keys, prompts, walk.turn(range(150), 1), strict=True
    ):
        context: Any = walker.model.start()
        for token in prompt:
            context = walker.model.advance(context, token)
        numbers = (float(uniform(key, place)) for place in range(4000))
        assert tokens == [slowly(walker, context, numbers)]
        assert logprobs == [walker.model.logprobs(context)[tokens[0]]]


def test_words_come_as_often_as_they_are_probable(walker: Walker) -> None:
    count = 40_000
    walk = Walk.begun(
        walker, [[6, 7]] * count, [1] * count, keys_of(np.random.default_rng(1), count)
    )
    found = np.bincount([each[0][0] for each in walk.turn(range(count), 1)], minlength=300)
    wanted = np.exp(walker.model.logprobs((6, 7))) * walker.arrays.permitted[0]
    wanted *= count / wanted.sum()
    likely = wanted >= 5
    distance = ((found - wanted)[likely] ** 2 / wanted[likely]).sum()
    assert distance < likely.sum() + 5 * np.sqrt(2 * likely.sum())  # chi-squared
    assert not found[wanted == 0].any()


def test_a_row_depends_on_no_other(walker: Walker) -> None:
    keys = keys_of(np.random.default_rng(2), 20)
    together = Walk.begun(walker, [[5]] * 20, [30] * 20, keys)
    whole = [tokens for tokens, _ in together.turn(range(20), 30)]
    for row in range(20):
        alone, tokens = Walk.begun(walker, [[5]], [30], keys[row : row + 1]), list[int]()
        while alone.going():
            tokens += alone.turn([0], 7)[0][0]
        assert tokens == whole[row]


@pytest.mark.parametrize("stage", ["ngram", "rnn", "transformer"])
def test_completions_that_grow_together_are_those_of_generate(stage: str) -> None:
    trained: TrainedLanguageModel = model("lm", stage)
    asked: list[Any] = []
    for seed, prompt in enumerate(["나는", "", TEXT, "너는 집에서"]):
        for temperature in (1.0, 0.7):
            options = CompletionOptions(max_tokens=3 + seed, temperature=temperature, seed=seed)
            asked.append((trained.tokenizer.encode(prompt), options))
    growing = begun(trained, walker_of(trained), asked)
    texts: list[list[int]] = [[] for _ in asked]
    going = list(range(len(asked)))
    while going:
        for row, drawn in zip(going, growing.turn(going), strict=True):
            texts[row] += drawn.tokens
        going = [
            row
            for row in going
            if len(texts[row]) < asked[row][1].max_tokens and trained.model.eos not in texts[row]
        ]
    for (ids, options), tokens in zip(asked, texts, strict=True):
        wanted = trained.generate(
            trained.tokenizer.decode(ids),
            rng=options.seed,
            max_length=options.max_tokens,
            temperature=options.temperature,
        )
        assert [trained.tokenizer.decode([*ids, *tokens])] == wanted


def test_what_ends_ends(walker: Walker) -> None:
    texts = drawn_texts(walker, [5], np.random.default_rng(3), max_length=500, count=8)
    assert all(walker.model.eos not in text for text in texts)
    assert any(len(text) < 500 for text in texts)
