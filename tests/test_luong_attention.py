"""Luong's decoders worked by hand: scores, windows, LSTM, with feeding and without; ablation."""

import math

import pytest
import torch
from torch import Tensor

from munmaek.errors import ConfigError
from munmaek.models.attention import AttentionConfig, AttentionMemory, AttentionTranslatorNetwork
from munmaek.models.attention.decoders import LuongState
from munmaek.models.attention.scores import AdditiveScore, PredictedCentre, Window, attend
from munmaek.nn.tape import Tape

STATES = [0.5, 1.5, -1.0, 2.0]
"""h of four real source positions; a fifth is padding."""


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def softmax(scores: list[float]) -> list[float]:
    shares = [math.exp(score) for score in scores]
    return [share / sum(shares) for share in shares]


def fill(parameter: Tensor, *values: float) -> None:
    with torch.no_grad():
        parameter.copy_(torch.tensor(values).view(parameter.shape))


def of_width_one(**options: object) -> AttentionTranslatorNetwork:
    """Embedding, decoder and an encoder of one direction, all of width one; y = 0.7 is token 1."""
    config = AttentionConfig(
        embedding=1, hidden=1, encoder_hidden=1, bidirectional=False, dropout=0.0, **options
    )
    network = AttentionTranslatorNetwork(config, source_vocab=5, target_vocab=3).eval()
    fill(network.target_embedding.weight, 0.0, 0.7, 0.0)
    fill(network.decoder.combine.weight, 0.4, 0.2)
    return network


def memory_of(network: AttentionTranslatorNetwork, *initial: float) -> AttentionMemory:
    states = torch.tensor([[*STATES, 9.0]])[:, :, None]
    return AttentionMemory(
        states=states,
        keys=network.decoder.score.keys(states),
        mask=torch.tensor([[True] * 4 + [False]]),
        initial=tuple(torch.tensor([[[value]]]) for value in initial),
    )


def read_one(network: AttentionTranslatorNetwork, memory: AttentionMemory, state: LuongState):
    tape = Tape()
    hidden, after = network.step(memory, state, torch.tensor([1]), tape=tape)
    return hidden.item(), after, tape


def test_an_lstm_step_with_feeding_and_the_concat_score_worked_by_hand():
    """h = 0.3, c = −0.2, fed h̃ = −0.5; gates in the order i, f, g, o."""
    network = of_width_one(score="concat", cell="lstm")
    cell, score = network.decoder.cell, network.decoder.score
    fill(cell.token.weight, 0.9, -0.3, 0.5, 0.1)
    fill(cell.token.bias, 0.1, 1.0, -0.2, 0.0)
    fill(cell.context.weight, 0.2, 0.4, 0.7, -0.6)
    fill(cell.recurrent.weight, 0.5, -0.7, 1.1, 0.3)
    fill(cell.recurrent.bias, 0.0, 0.2, 0.3, -0.1)
    fill(score.query.weight, 0.8)
    fill(score.key.weight, 0.6)
    fill(score.energy, 1.2)

    h, c, fed, y = 0.3, -0.2, -0.5, 0.7
    i = sigmoid(0.9 * y + 0.1 + 0.2 * fed + 0.5 * h)
    f = sigmoid(-0.3 * y + 1.0 + 0.4 * fed - 0.7 * h + 0.2)
    g = math.tanh(0.5 * y - 0.2 + 0.7 * fed + 1.1 * h + 0.3)
    o = sigmoid(0.1 * y - 0.6 * fed + 0.3 * h - 0.1)
    c = f * c + i * g
    h = o * math.tanh(c)
    # v tanh(W_a [h_t; h_s]) with W_a = [0.8, 0.6] and v = 1.2
    alpha = softmax([1.2 * math.tanh(0.8 * h + 0.6 * each) for each in STATES])
    context = sum(share * each for share, each in zip(alpha, STATES, strict=True))
    attentional = math.tanh(0.4 * context + 0.2 * h)

    memory = memory_of(network, 0.3, -0.2)
    state = LuongState(memory.initial, torch.tensor([[fed]]), torch.tensor([[0.0]]))
    hidden, after, tape = read_one(network, memory, state)
    assert [part.item() for part in after.layers] == pytest.approx([h, c], abs=1e-6)
    assert network.alignment(tape)[0, 0].tolist() == pytest.approx([*alpha, 0.0], abs=1e-6)
    assert hidden == after.fed.item() == pytest.approx(attentional, abs=1e-6)


def gru_of(network: AttentionTranslatorNetwork, h: float) -> float:
    """The state after y = 0.7, for a GRU without feeding; gates in the order r, z, n."""
    fused = network.decoder.recurrent.stack[0].fused
    fill(fused.weight_ih_l0, 0.9, -0.3, 0.5)
    fill(fused.bias_ih_l0, 0.1, 0.0, -0.2)
    fill(fused.weight_hh_l0, 0.5, -0.7, 1.1)
    fill(fused.bias_hh_l0, 0.0, 0.2, 0.3)
    r, z = sigmoid(0.9 * 0.7 + 0.1 + 0.5 * h), sigmoid(-0.3 * 0.7 - 0.7 * h + 0.2)
    n = math.tanh(0.5 * 0.7 - 0.2 + r * (1.1 * h + 0.3))
    return (1 - z) * n + z * h


def test_a_dot_step_without_feeding_worked_by_hand():
    network = of_width_one(score="dot", input_feeding=False)
    h = gru_of(network, 0.3)
    alpha = softmax([h * each for each in STATES])
    context = sum(share * each for share, each in zip(alpha, STATES, strict=True))
    memory = memory_of(network, 0.3)
    hidden, after, tape = read_one(network, memory, network.begin(memory))
    assert after.fed is None
    assert network.alignment(tape)[0, 0].tolist() == pytest.approx([*alpha, 0.0], abs=1e-6)
    assert hidden == pytest.approx(math.tanh(0.4 * context + 0.2 * h), abs=1e-6)


@pytest.mark.parametrize(
    ("step", "seen"), [(0, [0, 1]), (1, [0, 1, 2]), (3, [2, 3]), (50, [2, 3])], ids=str
)
def test_local_m_looks_one_place_around_its_own_or_at_the_sources_end(step: int, seen: list[int]):
    """D = 1; the outputs after the source's four tokens stay at its last position, 3."""
    network = of_width_one(score="dot", input_feeding=False, span="local-m", window=1)
    h = gru_of(network, 0.3)
    shares = softmax([h * STATES[place] for place in seen])
    alpha = [shares[seen.index(place)] if place in seen else 0.0 for place in range(5)]
    context = sum(alpha[place] * STATES[place] for place in seen)
    memory = memory_of(network, 0.3)
    state = network.begin(memory)._replace(steps=torch.tensor([[float(step)]]))
    hidden, after, tape = read_one(network, memory, state)
    assert after.steps.item() == step + 1
    assert tape["attention.centre"].item() == min(step, 3)
    assert network.alignment(tape)[0, 0].tolist() == pytest.approx(alpha, abs=1e-6)
    assert hidden == pytest.approx(math.tanh(0.4 * context + 0.2 * h), abs=1e-6)


def test_local_p_predicts_its_place_and_falls_off_around_it_worked_by_hand():
    """D = 2, so σ = 1; p = 4 σ(v tanh(W h)) for the source's four real positions."""
    network = of_width_one(score="dot", input_feeding=False, span="local-p", window=2)
    fill(network.decoder.centre.query.weight, 0.9)
    fill(network.decoder.centre.energy, -1.0)
    h = gru_of(network, 0.3)
    p = 4 * sigmoid(-1.0 * math.tanh(0.9 * h))
    assert 1 < p < 1.9, "the window, p − 2 to p + 2, holds positions 0 to 3"
    alpha = softmax([h * each for each in STATES])
    alpha = [share * math.exp(-((s - p) ** 2) / (2 * 1**2)) for s, share in enumerate(alpha)]
    context = sum(share * each for share, each in zip(alpha, STATES, strict=True))
    memory = memory_of(network, 0.3)
    hidden, _, tape = read_one(network, memory, network.begin(memory))
    assert tape["attention.centre"].item() == pytest.approx(p, abs=1e-6)
    assert hidden == pytest.approx(math.tanh(0.4 * context + 0.2 * h), abs=1e-6)
    shares = [each / sum(alpha) for each in alpha]
    assert network.alignment(tape)[0, 0].tolist() == pytest.approx([*shares, 0.0], abs=1e-6)


def test_a_predicted_place_is_within_each_sources_own_length():
    centre, queries = PredictedCentre(3, 4), 20 * torch.randn(2, 50, 3)
    places = centre(queries, torch.tensor([3, 11]))
    assert (places >= 0).all()
    assert (places <= torch.tensor([[3], [11]])).all()
    far = attend(
        torch.zeros(1, 1, 3), torch.ones(1, 3, 1), torch.ones(1, 3).bool(),
        window=Window(torch.tensor([[3.0]]), 1, falling=True),
    )  # fmt: skip
    assert far.item() == pytest.approx(math.exp(-2.0)), "place 3 of 0 to 2 still sees 2"


def test_a_window_as_wide_as_the_source_is_no_window():
    scores, states, mask = torch.randn(2, 3, 5), torch.randn(2, 5, 4), torch.ones(2, 5).bool()
    window = Window(torch.full((2, 3), 2.0), 9, falling=False)
    torch.testing.assert_close(
        attend(scores, states, mask, window=window), attend(scores, states, mask)
    )


@pytest.mark.parametrize("span", ["local-m", "local-p"])
@pytest.mark.parametrize("fed", [True, False], ids=["fed", "not fed"])
def test_a_loss_on_local_weights_reaches_the_scores_and_their_place(span: str, fed: bool):
    config = AttentionConfig(
        embedding=4, hidden=6, encoder_hidden=3, score="general", span=span, window=2,
        input_feeding=fed,
    )  # fmt: skip
    network = AttentionTranslatorNetwork(config, source_vocab=5, target_vocab=3)
    source, target = torch.randint(0, 5, (2, 6)), torch.randint(0, 3, (2, 4))
    memory = network.encode(source, torch.tensor([6, 3]))
    hidden, weights = network.decode_with_alignment(memory, target)
    torch.testing.assert_close(weights.sum(2), torch.ones(2, 4))
    weights[:, 1, 1].clamp_min(1e-9).log().sum().backward(retain_graph=True)
    assert network.decoder.score.key.weight.grad.abs().sum() > 0
    hidden.sum().backward()
    if span == "local-p":
        assert network.decoder.centre.energy.grad.abs().sum() > 0


@pytest.mark.parametrize("score", ["additive", "general"])
def test_attention_switched_off_is_the_mean_or_the_end_of_the_source(score: str):
    source, lengths = torch.randint(0, 5, (2, 6)), torch.tensor([6, 3])
    for weighting in ("uniform", "last"):
        config = AttentionConfig(
            embedding=4, hidden=6, encoder_hidden=3, score=score, weighting=weighting
        )
        network = AttentionTranslatorNetwork(config, source_vocab=5, target_vocab=3).eval()
        memory, tape = network.encode(source, lengths), Tape()
        network.decode(memory, torch.randint(0, 3, (2, 4)), tape=tape)
        weights = network.alignment(tape)
        wanted = {"uniform": [1 / 3] * 3 + [0.0] * 3, "last": [0.0, 0.0, 1.0] + [0.0] * 3}
        torch.testing.assert_close(weights[1], torch.tensor([wanted[weighting]] * 4))
        names = [name for name, _ in network.named_parameters() if "score" in name]
        assert names == []


def test_concat_is_one_matrix_on_query_and_state_side_by_side():
    score, queries, states = AdditiveScore(4, 3, 5), torch.randn(1, 1, 4), torch.randn(1, 1, 3)
    matrix = torch.cat([score.query.weight, score.key.weight], 1)
    joined = torch.cat([queries[0, 0], states[0, 0]])
    wanted = score.energy @ torch.tanh(matrix @ joined)
    torch.testing.assert_close(score(queries, score.keys(states))[0, 0, 0], wanted)


def test_a_paper_fills_in_its_structure_and_leaves_what_is_given():
    luong = AttentionConfig.of({"paper": "luong2015", "hidden": 512, "layers": 2})
    assert (luong.score, luong.span, luong.cell, luong.bridge) == (
        "general", "local-p", "lstm", "copy",
    )  # fmt: skip
    assert (luong.encoder_hidden, luong.encoder_layers, luong.input_feeding) == (512, 2, True)
    assert AttentionConfig.of(luong.model_dump()) == luong
    assert AttentionConfig.of({"paper": "luong2015", "score": "concat"}).score == "concat"
    bahdanau = AttentionConfig.of({"paper": "bahdanau2015"})
    usual = AttentionConfig(tie_embeddings=False)
    assert bahdanau.model_dump(exclude={"paper"}) == usual.model_dump(exclude={"paper"})


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cell": "lstm"}, r"cell = 'lstm': .*Bahdanau's decoder, one GRU"),
        ({"layers": 2}, "layers = 2: .*take another score"),
        ({"span": "local-p"}, "span = 'local-p': .*take another score"),
        ({"score": "general", "bridge": "copy"}, "bridge = 'copy': .*needs bidirectional = false"),
        (
            {"score": "dot", "span": "local-m", "weighting": "uniform"},
            "weighting = 'uniform': .*needs span = 'global'",
        ),
        ({"score": "general", "span": "local-p", "window": 0}, "window = 0: .*greater than"),
        ({"paper": "vaswani2017"}, "paper = 'vaswani2017': .*'bahdanau2015' or 'luong2015'"),
    ],
    ids=str,
)
def test_what_does_not_go_together_is_said(options: dict[str, object], said: str):
    with pytest.raises(ConfigError, match=said):
        AttentionConfig.of(options)
