"""Pairs of texts, the head that tells whether one follows the other, and its way to others."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from munmaek.cli import main
from munmaek.errors import InputError, UnsupportedError
from munmaek.exchange.checkpoint import open_checkpoint
from munmaek.fit.holding import hold_out_documents
from munmaek.models.bert import BertConfig, BertMaskedNetwork
from munmaek.models.bert.huggingface import from_huggingface, to_huggingface
from munmaek.pipeline import train_recipe
from munmaek.tasks.loading import load
from munmaek.tasks.mlm.next_sentence import (
    ALONE,
    FOLLOWS,
    RANDOM,
    NextSentenceModelling,
    documents_of,
)
from munmaek.tasks.mlm.objective import MaskedModelling
from munmaek.tasks.publishing import export_huggingface
from munmaek.tasks.recipe import Recipe
from munmaek.text.frames import Frame

TINY = BertConfig(
    hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
    hidden_dropout_prob=0.0, initializer_range=0.1, max_position_embeddings=32,
)  # fmt: skip
BOS, EOS, MASK = 2, 3, 4


def task(documents: Any, *, limit: int = 20, **more: Any) -> NextSentenceModelling:
    masking = MaskedModelling((), (), mask=MASK, first_word=5, vocab_size=40, max_tokens=200)
    return NextSentenceModelling(
        documents, documents, masking, Frame.around(BOS, EOS), limit, **more
    )


def network(config: BertConfig = TINY) -> BertMaskedNetwork:
    torch.manual_seed(0)
    return BertMaskedNetwork(config, vocab_size=40, next_sentence=True)


def counted(seed: int, *, documents: int = 12) -> list[list[list[int]]]:
    """Documents whose lines all differ: line n of document d is d, n and some tokens."""
    rng = np.random.default_rng(seed)
    return [
        [[100 * d + n] * int(rng.integers(1, 6)) for n in range(int(rng.integers(1, 9)))]
        for d in range(1, documents + 1)
    ]


def test_empty_lines_part_documents() -> None:
    assert documents_of([[], [5], [6], [], [], [7], []]) == [[[5], [6]], [[7]]]
    assert documents_of([[5]]) == [[[5]]]


@settings(max_examples=40)
@example(23827, 16)
@given(st.integers(0, 10**6), st.integers(14, 30))
def test_every_line_is_read_and_a_second_text_follows_or_is_of_another_document(
    seed: int, limit: int
) -> None:
    documents = counted(seed)
    pairs = task(documents, limit=limit).pairs(documents, np.random.default_rng(seed))
    seen: set[int] = set()
    for pair in pairs:
        assert len(pair.ids) <= limit
        assert (pair.ids[0], pair.ids[pair.first - 1], pair.ids[-1]) == (BOS, EOS, EOS)
        first, second = pair.ids[1 : pair.first - 1], pair.ids[pair.first : -1]
        seen |= set(first) | (set(second) if pair.relation == FOLLOWS else set())
        if pair.relation == ALONE:
            assert not second
        elif pair.relation == FOLLOWS:
            assert second[0] == first[-1] + 1
        else:
            assert second[0] // 100 != first[0] // 100
    assert seen == {line[0] for document in documents for line in document}


def test_half_of_the_pairs_follow_and_each_pass_draws_anew() -> None:
    documents = counted(0, documents=300)
    some = task(documents)
    relations = np.concatenate([batch.relations for batch in some.epoch(0)])
    labelled = relations[relations != ALONE]
    # Four standard errors of a share of one half.
    assert (labelled == RANDOM).mean() == pytest.approx(0.5, abs=2 / len(labelled) ** 0.5)
    again, other = some.epoch(0), list(some.epoch(1))
    assert np.array_equal(again[0].masked.ids, some.epoch(0)[0].masked.ids)
    assert any(
        not np.array_equal(a.masked.ids, b.masked.ids) for a, b in zip(again, other, strict=False)
    )


def test_segments_and_whole_words_follow_the_pairs() -> None:
    documents = [[[10, 11, 20], [21, 12]], [[13, 22, 23], [14, 24]]] * 4
    begins = np.array([token < 20 for token in range(40)], dtype=np.int64)
    for batch in task(documents, begins=begins).epoch(0):
        ids = batch.masked.ids.copy()
        ids.flat[batch.masked.chosen] = batch.masked.targets
        for row, size, types in zip(ids, batch.masked.lengths, batch.types, strict=True):
            first = row.tolist().index(EOS) + 1
            assert types.tolist() == [0] * first + [1] * (size - first) + [0] * (len(row) - size)
        hidden = np.zeros(ids.shape, bool)
        hidden.flat[batch.masked.chosen] = True
        inside = begins[ids] == 0
        inside[:, 1:] &= ids[:, :-1] >= 5  # the piece before is of the same word
        later = inside[:, 1:] & (ids[:, 1:] >= 5)
        assert (hidden[:, 1:] == hidden[:, :-1])[later].all()


def test_the_loss_is_the_sum_of_both_means_and_unpadded_equals_padded() -> None:
    model, some = network(), task([[[9, 8], [7, 6], [5]], [[11, 12], [13]], [[14] * 3]] * 3)
    batch = next(b for b in some.epoch(0) if (b.relations != ALONE).any())
    found = some.loss(model, batch)
    assert found.penalty is not None
    ids, lengths = torch.tensor(batch.masked.ids), torch.tensor(batch.masked.lengths)
    hidden = model.encoder.padded(ids, lengths, types=torch.tensor(batch.types))
    picked = hidden.flatten(0, 1)[torch.tensor(batch.masked.chosen)]
    words = F.cross_entropy(model.logits(picked), torch.tensor(batch.masked.targets))
    relations = F.cross_entropy(
        model.relations(hidden[:, 0]), torch.tensor(batch.relations), ignore_index=ALONE
    )
    torch.testing.assert_close((found.total + found.penalty) / found.count, words + relations)
    torch.testing.assert_close(found.total / found.count, words)


def test_a_tiny_bert_memorises_which_lines_follow() -> None:
    model, some = network(), task(counted(3, documents=8), limit=24)
    some = task([[[token % 35 + 5 for token in line] for line in d] for d in some.train])
    batch = some.epoch(0)[0]
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(60):
        optimiser.zero_grad()
        found = some.loss(model, batch)
        assert found.penalty is not None
        ((found.total + found.penalty) / found.count).backward()
        optimiser.step()
    assert float(found.total.detach()) / found.count < 0.5
    assert float(found.penalty.detach()) / found.count < 0.1


def test_one_document_gives_no_pairs() -> None:
    with pytest.raises(InputError, match=r"need 2 documents .* got 1 and 1; put an empty line"):
        task([[[5], [6]]])
    with pytest.raises(InputError, match="need 4 documents to hold some out, got 2"):
        hold_out_documents(["a", "b", "", "c"], seed=0)


def test_whole_documents_are_held_out() -> None:
    lines = [line for d in range(9) for line in (f"{d} a", f"{d} b", "")]
    kept, held = hold_out_documents(lines, seed=1)
    assert sorted([*kept.tolist(), *held.tolist()]) == list(range(27))
    of = [{lines[row].split()[0] for row in rows if lines[row]} for rows in (kept, held)]
    assert len(of[1]) == 2
    assert not of[0] & of[1]


TEXT = "\n\n".join(
    f"나는 학교 {number}에 간다\n학교 {number}에서 배운다\n학교 {number}은 크다"
    for number in range(12)
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    (folder / "text.txt").write_text(TEXT + "\n", encoding="utf-8")
    (folder / "short.toml").write_text(
        "[train]\nsteps = 3\n[model]\n"
        + "\n".join(f"{name} = {value}" for name, value in {
            "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
            "intermediate_size": 48, "max_position_embeddings": 64}.items()),
        encoding="utf-8",
    )  # fmt: skip
    command = ["train", "mlm", str(folder / "text.txt"), "--model", "bert", "--next-sentence",
               "--vocab-size", "300", "--config", str(folder / "short.toml")]  # fmt: skip
    assert main([*command, "-o", str(folder / "bert")]) == 0
    return folder


def test_the_head_is_saved_evaluated_and_opens_in_transformers(trained: Path) -> None:
    model: Any = load(trained / "bert")
    assert model.network.relation is not None
    score = model.info.scores["next_sentence_accuracy"]
    assert 0 <= score["low"] <= score["value"] <= score["high"] <= 1
    assert json.loads((trained / "bert" / "config.json").read_text())["architectures"] == [
        "BertForPreTraining"
    ]
    transformers: Any = pytest.importorskip("transformers", reason="transformers is not installed")
    export_huggingface(model, trained / "theirs")
    theirs, said = transformers.BertForPreTraining.from_pretrained(
        trained / "theirs", output_loading_info=True
    )
    assert not said["missing_keys"]
    assert not said["unexpected_keys"]
    row = model.framed("나는 학교에 간다", "학교는 크다").ids
    types = model.framed("나는 학교에 간다", "학교는 크다").types
    with torch.no_grad():
        out = theirs.eval()(input_ids=torch.tensor([row]), token_type_ids=torch.tensor([types]))
        hidden = model.hidden([row], types)
        relations = model.network.relations(hidden[:, 0])
        words = model.network.logits(hidden)
    torch.testing.assert_close(relations, out.seq_relationship_logits, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(words, out.prediction_logits, atol=1e-5, rtol=1e-5)
    again = open_checkpoint(trained / "theirs").network
    for name, tensor in model.network.state_dict().items():
        assert tensor.equal(again.state_dict()[name]), name


def test_heads_that_are_not_read_do_not_keep_a_checkpoint_from_opening() -> None:
    weights = to_huggingface(network().state_dict())
    assert from_huggingface(weights).keys() == network().state_dict().keys()
    masked = {"encoder", "head", "output"}
    for left_out in ("cls.seq_relationship.", "bert.pooler."):
        part = {name: tensor for name, tensor in weights.items() if left_out not in name}
        assert {name.split(".")[0] for name in from_huggingface(part)} == masked
    labels = {"classifier.weight": torch.zeros(2, 32), "classifier.bias": torch.zeros(2)}
    body = {name: tensor for name, tensor in weights.items() if name.startswith("bert.")}
    found = from_huggingface({**body, **labels}, head="tag")
    assert {name.split(".")[0] for name in found} == {"encoder", "classifier"}


def test_a_model_goes_on_with_or_without_the_head(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "steps.toml").write_text("[train]\nsteps = 1\n", encoding="utf-8")
    command = ["train", "mlm", str(trained / "text.txt"), "--model", "bert",
               "--config", str(tmp_path / "steps.toml")]  # fmt: skip
    plain, paired = tmp_path / "plain", tmp_path / "paired"
    assert main([*command, "--init", str(trained / "bert"), "-o", str(plain)]) == 0
    assert "next_sentence_accuracy" not in load(plain).info.scores
    again = [*command, "--next-sentence", "--init", str(plain), "-o", str(paired)]
    assert main(again) == 0
    assert "next_sentence_accuracy" in load(paired).info.scores
    assert main([*again[:-1], str(tmp_path / "none"), "--dry-run"]) == 0


def test_only_masked_words_of_bert_have_pairs(
    trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["train", "lm", str(trained / "text.txt"), "--model", "rnn", "--next-sentence"]
    assert main([*command, "-o", str(trained / "none")]) == 2
    assert "--next-sentence is for 'mlm'" in capsys.readouterr().err
    with pytest.raises(UnsupportedError, match="a roberta has no next-sentence head"):
        network(TINY.model_copy(update={"family": "roberta"}))
    with pytest.raises(UnsupportedError, match="trained without next_sentence"):
        BertMaskedNetwork(TINY, vocab_size=40).relations(torch.zeros(1, 32))


def test_a_file_of_single_lines_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("하나\n둘\n셋\n", encoding="utf-8")
    recipe = Recipe(task="mlm", stage="bert", next_sentence=True, model=TINY.model_dump())
    with pytest.raises(InputError, match="put an empty line between documents"):
        train_recipe(recipe, [tmp_path / "text.txt"], folder=tmp_path / "none")
