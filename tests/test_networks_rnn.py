"""What every recurrent network holds: language models, classifiers and translators."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munmaek.errors import ConfigError
from munmaek.models.attention import (
    AttentionClassifierNetwork,
    AttentionConfig,
    AttentionTranslatorNetwork,
)
from munmaek.models.rnn import RnnClassifierNetwork, RnnConfig, RnnLanguageNetwork
from munmaek.models.seq2seq import FixedVectorTranslatorNetwork, Seq2SeqConfig
from munmaek.nn.state import select_rows
from munmaek.nn.tape import Tape

pytestmark = pytest.mark.usefixtures("seeded")

V = 23

RNN = RnnConfig(embedding=12, hidden=10)
SEQ = Seq2SeqConfig(embedding=12, hidden=10)
ATT = AttentionConfig(embedding=12, hidden=10, encoder_hidden=5)


def having(config: Any, **options: Any) -> Any:
    return type(config).of(config.model_dump() | options)


LANGUAGE = {
    "elman": having(RNN, cell="elman"),
    "gru": having(RNN, cell="gru", embedding=10),
    "lstm": RNN,
    "two layers": having(RNN, layers=2),
    "own output": having(RNN, tie_embeddings=False),
}
CLASSIFY = {
    "elman": having(RNN, cell="elman"),
    "gru": having(RNN, cell="gru", layers=2),
    "lstm": RNN,
    "one direction": having(RNN, bidirectional=False, layers=2),
    "attention": ATT,
    "deep attention": having(ATT, encoder_layers=2),
}
TRANSLATE = {
    "fixed gru": SEQ,
    "fixed lstm": having(SEQ, cell="lstm", layers=2, tie_embeddings=False),
    "fixed elman": having(SEQ, cell="elman"),
    "fixed reversed": having(SEQ, reverse_source=True),
    "additive": ATT,
    "dot": having(ATT, score="dot"),
    "general": having(ATT, score="general", hidden=8, tie_embeddings=False),
    "not fed": having(ATT, score="general", input_feeding=False),
    "cho": Seq2SeqConfig(paper="cho2014", embedding=12, hidden=10),
    "sutskever": Seq2SeqConfig(paper="sutskever2014", embedding=12, hidden=10, layers=2),
    "copied and seen": having(SEQ, cell="lstm", bridge="copy", readout="state"),
    "luong": AttentionConfig(
        paper="luong2015", embedding=12, hidden=10, layers=2, window=2, tie_embeddings=True
    ),
    "local-m": having(ATT, score="general", span="local-m", window=1),
    "deep concat, not fed": having(
        ATT, score="concat", span="local-p", input_feeding=False, cell="lstm", layers=2
    ),
    "uniform": having(ATT, weighting="uniform"),
    "last": having(ATT, score="concat", weighting="last"),
}


def language_network(config: RnnConfig) -> RnnLanguageNetwork:
    return RnnLanguageNetwork(config, vocab_size=V)


def classifier_network(config: RnnConfig | AttentionConfig) -> Any:
    fixed = isinstance(config, RnnConfig)
    make = RnnClassifierNetwork if fixed else AttentionClassifierNetwork
    return make(config, vocab_size=V, label_count=3)


def translator_network(config: Seq2SeqConfig | AttentionConfig) -> Any:
    fixed = isinstance(config, Seq2SeqConfig)
    make = FixedVectorTranslatorNetwork if fixed else AttentionTranslatorNetwork
    return make(config, source_vocab=V, target_vocab=V + 2)


language = pytest.mark.parametrize("config", LANGUAGE.values(), ids=LANGUAGE)
classify = pytest.mark.parametrize("config", CLASSIFY.values(), ids=CLASSIFY)
translate = pytest.mark.parametrize("config", TRANSLATE.values(), ids=TRANSLATE)
every = pytest.mark.parametrize(
    "make",
    [
        *(lambda config=config: language_network(config) for config in LANGUAGE.values()),
        *(lambda config=config: classifier_network(config) for config in CLASSIFY.values()),
        *(lambda config=config: translator_network(config) for config in TRANSLATE.values()),
    ],
    ids=[
        *(f"lm {name}" for name in LANGUAGE),
        *(f"classify {name}" for name in CLASSIFY),
        *TRANSLATE,
    ],
)


def ids(*shape: int) -> Tensor:
    return torch.randint(0, V, shape)


def close(one: Any, two: Any) -> None:
    torch.testing.assert_close(one, two, atol=1e-5, rtol=1e-5)


SOURCE_LENGTHS = torch.tensor([6, 2, 4])


# Language models


@language
def test_a_language_network_gives_a_score_to_every_token(config: RnnConfig):
    network = language_network(config).eval()
    hidden, _ = network(ids(3, 5))
    assert network.logits(hidden).shape == (3, 5, V)
    assert network.logits(hidden[0, 0]).shape == (V,)
    assert ("output.weight" in dict(network.named_parameters())) is not config.tie_embeddings


@language
def test_reading_token_by_token_equals_one_call(config: RnnConfig):
    network, words = language_network(config).eval(), ids(3, 5)
    whole, last = network(words)
    state, columns = network.begin(3), []
    for column in words.unbind(1):
        hidden, state = network(column[:, None], state)
        columns.append(hidden)
    close(torch.cat(columns, 1), whole)
    close(state, last)


@language
def test_the_past_of_a_language_network_does_not_depend_on_its_future(config: RnnConfig):
    network, words = language_network(config).eval(), ids(2, 8)
    changed = torch.cat([words[:, :5], (words[:, 5:] + 1) % V], 1)
    close(network(words)[0][:, :5], network(changed)[0][:, :5])
    assert not torch.allclose(network(words)[0][:, 5:], network(changed)[0][:, 5:])


@language
def test_chosen_rows_of_a_state_go_on_as_themselves(config: RnnConfig):
    network, words = language_network(config).eval(), ids(3, 5)
    _, state = network(words)
    rows, after = torch.tensor([2, 0, 2]), ids(3, 1)
    chosen, _ = network(after, select_rows(state, rows))
    whole, _ = network(torch.cat([words[rows], after], 1))
    close(chosen, whole[:, -1:])


@language
def test_a_tape_changes_no_hidden_state(config: RnnConfig):
    network, words, tape = language_network(config).eval(), ids(3, 5), Tape()
    close(network(words)[0], network(words, tape=tape)[0])
    assert tape["layer.0.hidden"].shape == (3, 5, config.hidden)


# Classifiers


@classify
def test_padding_changes_no_label(config: Any):
    network, words = classifier_network(config).eval(), ids(3, 6)
    whole = network(words, SOURCE_LENGTHS)
    noise = torch.where(torch.arange(6) < SOURCE_LENGTHS[:, None], words, ids(3, 6))
    close(network(noise, SOURCE_LENGTHS), whole)
    close(network(F.pad(words, (0, 4)), SOURCE_LENGTHS), whole)
    for row, length in enumerate(SOURCE_LENGTHS.tolist()):
        alone = network(words[row : row + 1, :length], torch.tensor([length]))
        close(alone, whole[row : row + 1])


@classify
def test_a_tape_changes_no_label(config: Any):
    network, words, tape = classifier_network(config).eval(), ids(3, 6), Tape()
    close(network(words, SOURCE_LENGTHS), network(words, SOURCE_LENGTHS, tape=tape))
    if isinstance(config, AttentionConfig):
        close(tape["pool.weights"].sum(1), torch.ones(3))


# Translators


@translate
def test_steps_equal_the_columns_of_decode(config: Any):
    network, target = translator_network(config).eval(), ids(3, 5)
    memory = network.encode(ids(3, 6), SOURCE_LENGTHS)
    whole, state = network.decode(memory, target), network.begin(memory)
    for at, column in enumerate(target.unbind(1)):
        hidden, state = network.step(memory, state, column)
        close(hidden, whole[:, at])
    assert network.logits(whole).shape == (3, 5, V + 2)


@translate
def test_source_padding_changes_no_prediction(config: Any):
    network, source, target = translator_network(config).eval(), ids(3, 6), ids(3, 5)
    whole = network.decode(network.encode(source, SOURCE_LENGTHS), target)
    padded = network.decode(network.encode(F.pad(source, (0, 3)), SOURCE_LENGTHS), target)
    close(padded, whole)
    for row, length in enumerate(SOURCE_LENGTHS.tolist()):
        memory = network.encode(source[row : row + 1, :length], torch.tensor([length]))
        close(network.decode(memory, target[row : row + 1]), whole[row : row + 1])


@translate
def test_a_prediction_does_not_depend_on_later_target_tokens(config: Any):
    network, target = translator_network(config).eval(), ids(3, 6)
    memory = network.encode(ids(3, 6), SOURCE_LENGTHS)
    changed = torch.cat([target[:, :4], (target[:, 4:] + 1) % V], 1)
    close(network.decode(memory, target)[:, :4], network.decode(memory, changed)[:, :4])


@translate
def test_chosen_rows_of_memory_and_state_go_on_as_themselves(config: Any):
    network, target = translator_network(config).eval(), ids(3, 2)
    memory = network.encode(ids(3, 6), SOURCE_LENGTHS)
    _, state = network.step(memory, network.begin(memory), target[:, 0])
    rows = torch.tensor([1, 1, 2, 0])
    kept, state = select_rows(memory, rows), select_rows(state, rows)
    hidden, _ = network.step(kept, state, target[rows, 1])
    close(hidden, network.decode(memory, target)[rows, 1])


@translate
def test_a_tape_changes_no_prediction_and_shows_the_alignment(config: Any):
    network, source, target = translator_network(config).eval(), ids(3, 6), ids(3, 5)
    tape, one = Tape(), Tape()
    memory = network.encode(source, SOURCE_LENGTHS, tape=tape)
    close(network.encode(source, SOURCE_LENGTHS), memory)
    close(network.decode(memory, target, tape=tape), network.decode(memory, target))
    network.step(memory, network.begin(memory), target[:, 0], tape=one)
    weights = network.alignment(tape)
    if isinstance(config, Seq2SeqConfig):
        assert weights is None
        assert torch.equal(tape["context"], memory.context)
        return
    assert weights.shape == (3, 5, 6)
    close(weights.sum(2), torch.ones(3, 5))
    assert (weights.transpose(1, 2)[torch.arange(6) >= SOURCE_LENGTHS[:, None]] == 0).all()
    close(network.alignment(one), weights[:, :1])


def test_a_reversed_source_is_read_from_its_last_token():
    straight, turned = (
        translator_network(SEQ).eval(),
        translator_network(TRANSLATE["fixed reversed"]),
    )
    turned.load_state_dict(straight.state_dict())
    source = ids(1, 6)
    close(
        turned.eval().encode(source, torch.tensor([6])),
        straight.encode(source.flip(1), torch.tensor([6])),
    )


# All


@every
def test_the_same_seed_makes_the_same_weights(make: Callable[[], nn.Module]):
    torch.manual_seed(7)
    first = make().state_dict()
    torch.manual_seed(7)
    second = make().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@every
def test_every_weight_is_trained(make: Callable[[], Any]):
    network = make()
    words = ids(3, 6)
    if hasattr(network, "decode"):
        memory = network.encode(words, SOURCE_LENGTHS)
        out = network.logits(network.decode(memory, words))
    elif hasattr(network, "logits"):
        out = network.logits(network(words)[0])
    else:
        out = network(words, SOURCE_LENGTHS)
    out.log_softmax(-1)[..., 0].sum().backward()
    without = [name for name, weight in network.named_parameters() if weight.grad is None]
    assert without == []


def test_dot_attention_says_which_widths_it_needs():
    with pytest.raises(ConfigError, match=r"encoder_hidden = 256: .* needs hidden = 512"):
        AttentionConfig.of({"score": "dot", "encoder_hidden": 256})
    with pytest.raises(ConfigError, match=r"encoder_hidden = 128: .* needs hidden = 256"):
        AttentionConfig.of({"score": "dot", "hidden": 512})


# Learning


def accuracy_on_reversal(network: Any) -> float:
    """Train on reversing 14 random tokens of 10 kinds; the share right under teacher forcing."""
    generator = torch.Generator().manual_seed(0)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    lengths, shares = torch.full((64,), 14), []
    for _ in range(170):
        source = torch.randint(1, 11, (64, 14), generator=generator)
        target = F.pad(source.flip(1), (1, 0))
        hidden = network.decode(network.encode(source, lengths), target[:, :-1])
        logits = network.logits(hidden)
        shares.append((logits.argmax(2) == target[:, 1:]).float().mean().item())
        optimiser.zero_grad()
        F.cross_entropy(logits.flatten(0, 1), target[:, 1:].flatten()).backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
    return sum(shares[-5:]) / 5


def test_attention_learns_to_reverse_where_one_fixed_vector_does_not():
    """One token in ten is right by chance."""
    attention = AttentionConfig(embedding=32, hidden=64, encoder_hidden=32, dropout=0.0)
    fixed = Seq2SeqConfig(embedding=32, hidden=64, dropout=0.0)
    assert accuracy_on_reversal(translator_network(attention)) > 0.9
    assert accuracy_on_reversal(translator_network(fixed)) < 0.7
