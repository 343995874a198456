"""Tasks: what is masked, what is counted, what is cut."""

import numpy as np
import pytest
import torch
from torch import nn

from munmaek.tasks.lm.objective import LanguageModelling
from munmaek.tasks.mlm.fit import _beginnings
from munmaek.tasks.mlm.framed_rows import WordGroups
from munmaek.tasks.mlm.objective import MaskedModelling
from munmaek.text.tokenizers import train_tokenizer

LINES = ["나는 학교에서 책을 읽는다", "너는 집에서 오래된 노래를 듣는다", "우리는 공원에 간다"] * 40


def framed(tokenizer, lines):
    return [[tokenizer.bos, *ids, tokenizer.eos] for ids in tokenizer.encode_many(lines)]


@pytest.mark.parametrize("kind", ["bpe", "unigram", "wordpiece", "morphemes", "words"])
def test_word_groups_are_the_whitespace_words(kind: str) -> None:
    tokenizer = train_tokenizer(LINES, kind=kind, vocab_size=300)
    rows = framed(tokenizer, LINES[:3])
    words = WordGroups(rows, _beginnings(tokenizer))
    for row, groups, line in zip(rows, words, LINES, strict=False):
        inner = groups[1:-1]
        pieces = tokenizer.subwords(line)
        same = [piece.word for piece in pieces]
        for one in range(len(inner)):
            for other in range(len(inner)):
                assert (inner[one] == inner[other]) == (same[one] == same[other])
        assert len(row) == len(groups)


def masked_task(*, whole: bool) -> tuple[MaskedModelling, list[list[int]]]:
    tokenizer = train_tokenizer(LINES, kind="characters", vocab_size=100)
    rows = framed(tokenizer, LINES)
    words = WordGroups(rows, _beginnings(tokenizer)) if whole else None
    task = MaskedModelling(
        train=rows, valid=rows[:6], mask=tokenizer.mask, first_word=tokenizer.mask + 1,
        vocab_size=tokenizer.vocab_size, words=words, max_tokens=600, seed=1,
    )  # fmt: skip
    return task, rows


@pytest.mark.parametrize("whole", [False, True])
def test_fifteen_per_cent_are_masked_and_the_targets_are_what_stood_there(*, whole: bool) -> None:
    task, rows = masked_task(whole=whole)
    chosen = total = 0
    for epoch in range(6):
        for batch in task.epoch(epoch):
            chosen += len(batch.targets)
            total += int((batch.lengths - 2).sum())
            assert (batch.targets >= task.first_word).all()
    # Standard error of the share: √(0.15·0.85/n) with n the words (at least total / 8).
    assert chosen / total == pytest.approx(0.15, abs=4 * (0.15 * 0.85 / (total / 8)) ** 0.5)
    assert rows == masked_task(whole=whole)[1]


def test_a_word_is_masked_whole_or_not_at_all_and_never_the_whole_sentence_together() -> None:
    task, _ = masked_task(whole=True)
    assert task.words is not None
    shares: list[float] = []
    rng = np.random.default_rng(0)
    for row in range(len(task.train)):
        ids = np.array([task.train[row]])
        words = np.array([task.words[row]])
        batch = task.hide(ids, np.array([ids.shape[1]]), words, rng)
        hidden = np.zeros(ids.shape[1], dtype=bool)
        hidden[batch.chosen] = True
        inner = slice(1, -1)
        shares.append(hidden[inner].mean())
        if len(batch.chosen) > 1:
            for word in set(words[0][inner].tolist()):
                piece = hidden[inner][words[0][inner] == word]
                assert piece.all() or not piece.any()
    assert np.mean([0 < share < 1 for share in shares]) > 0.9


def test_of_the_masked_words_eighty_ten_ten_show_mask_random_and_themselves() -> None:
    task, _ = masked_task(whole=False)
    shown, targets = [], []
    for epoch in range(8):
        for batch in task.epoch(epoch):
            shown.append(batch.ids.flat[batch.chosen])
            targets.append(batch.targets)
    seen, gold = np.concatenate(shown), np.concatenate(targets)
    assert (seen == task.mask).mean() == pytest.approx(0.8, abs=0.04)
    assert (seen == gold).mean() == pytest.approx(0.1, abs=0.04)


class Uniform(nn.Module):
    """Every token equally likely, whatever came before."""

    def __init__(self, vocab_size: int) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(vocab_size))

    def begin(self, batch):
        return torch.zeros(batch, 0)

    def forward(self, ids, state=None, *, tape=None):
        del tape
        return torch.zeros(*ids.shape, 1), state

    def logits(self, hidden):
        return self.scores.expand(*hidden.shape[:-1], -1)

    def log_likelihood(self, hidden, gold):
        return self.logits(hidden).log_softmax(-1).gather(1, gold[:, None]).sum()


def test_a_loss_is_the_sum_over_every_token_and_the_end_of_each_sentence() -> None:
    sentences = [[5, 6, 7], [8], []]
    task = LanguageModelling(train=sentences, valid=sentences, bos=2, eos=3, max_tokens=100)
    network = Uniform(10)
    losses = [task.loss(network, batch) for batch in task.epoch(0)]
    predictions = (3 + 1) + (1 + 1) + (0 + 1)
    assert sum(loss.count for loss in losses) == predictions
    total = sum(float(loss.total.detach()) for loss in losses)
    assert total == pytest.approx(predictions * np.log(10), rel=1e-6)
    assert task.validate(network) == pytest.approx(np.log(10), rel=1e-6)


def test_a_long_sentence_is_cut_into_windows_that_predict_every_token_once() -> None:
    sentence = list(range(5, 25))
    task = LanguageModelling(
        train=[sentence], valid=[], bos=2, eos=3, max_tokens=100, window=8
    )  # fmt: skip
    batches = list(task.epoch(0))
    predicted = sorted(
        int(token)
        for batch in batches
        for row, length in zip(batch.ids, batch.lengths, strict=True)
        for token in row[1:length]
    )
    assert predicted == sorted([*sentence, 3])
