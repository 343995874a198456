"""Attention of a decoder over encoder states: worked by hand, and fast = slow."""

import math

import pytest
import torch
from torch import Tensor

from munmaek.models.attention import AttentionConfig, AttentionMemory, AttentionTranslatorNetwork
from munmaek.models.attention.additive_decoder import AdditiveDecoderWeights, decode_additive
from munmaek.models.attention.decoders import LuongState
from munmaek.models.attention.scores import (
    AdditiveScore,
    AttentionPooling,
    DotScore,
    GeneralScore,
    attend,
    masked_softmax,
)
from munmaek.nn.readout import MaxoutReadout
from munmaek.nn.tape import Tape


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def fill(parameter: Tensor, *values: float) -> None:
    with torch.no_grad():
        parameter.copy_(torch.tensor(values).view(parameter.shape))


def hand_sized(**options: object) -> AttentionTranslatorNetwork:
    """Decoder, embedding and encoder state of width one, but for the two encoder directions."""
    config = AttentionConfig(embedding=1, hidden=1, encoder_hidden=1, dropout=0.0, **options)
    return AttentionTranslatorNetwork(config, source_vocab=5, target_vocab=3).eval()


MEMORY_STATES = [[0.5, -1.0], [1.5, 0.25]]


def memory_of(network: AttentionTranslatorNetwork, initial: float) -> AttentionMemory:
    """Two real source positions with the states above, and one of padding."""
    states = torch.tensor([[*MEMORY_STATES, [9.0, 9.0]]])
    return AttentionMemory(
        states=states,
        keys=network.decoder.score.keys(states),
        mask=torch.tensor([[True, True, False]]),
        initial=(torch.tensor([[[initial]]]),),
    )


def test_one_bahdanau_step_worked_by_hand():
    """s_0 = 0.3, y = 0.7, h_1 = (0.5, −1), h_2 = (1.5, 0.25); gates in the order r, z, n."""
    network = hand_sized()
    decoder = network.decoder
    fill(network.target_embedding.weight, 0.0, 0.7, 0.0)
    fill(decoder.score.query.weight, 0.8)
    fill(decoder.score.key.weight, 0.6, -0.4)
    fill(decoder.score.energy, 1.2)
    fill(decoder.cell.token.weight, 0.9, -0.3, 0.5)
    fill(decoder.cell.token.bias, 0.1, 0.0, -0.2)
    fill(decoder.cell.context.weight, 0.2, 0.1, 0.4, -0.6, 0.7, 0.3)
    fill(decoder.cell.recurrent.weight, 0.5, -0.7, 1.1)
    fill(decoder.cell.recurrent.bias, 0.0, 0.2, 0.3)
    fill(decoder.readout.linear.weight, 0.4, 0.3, 0.2, 0.1, -0.5, 0.6, 0.7, -0.8)
    fill(decoder.readout.linear.bias, 0.05, -0.05)

    (a1, b1), (a2, b2) = MEMORY_STATES
    s, y = 0.3, 0.7
    e1 = 1.2 * math.tanh(0.8 * s + 0.6 * a1 - 0.4 * b1)
    e2 = 1.2 * math.tanh(0.8 * s + 0.6 * a2 - 0.4 * b2)
    alpha1 = math.exp(e1) / (math.exp(e1) + math.exp(e2))
    alpha2 = 1 - alpha1
    c1, c2 = alpha1 * a1 + alpha2 * a2, alpha1 * b1 + alpha2 * b2
    r = sigmoid(0.9 * y + 0.1 + 0.2 * c1 + 0.1 * c2 + 0.5 * s)
    z = sigmoid(-0.3 * y + 0.4 * c1 - 0.6 * c2 - 0.7 * s + 0.2)
    n = math.tanh(0.5 * y - 0.2 + 0.7 * c1 + 0.3 * c2 + r * (1.1 * s + 0.3))
    after = (1 - z) * n + z * s
    t = max(
        0.4 * after + 0.3 * y + 0.2 * c1 + 0.1 * c2 + 0.05,
        -0.5 * after + 0.6 * y + 0.7 * c1 - 0.8 * c2 - 0.05,
    )

    memory, tape = memory_of(network, s), Tape()
    hidden, (state,) = network.step(memory, network.begin(memory), torch.tensor([1]), tape=tape)
    fast = network.decode(memory, torch.tensor([[1]]))

    assert tape["attention.scores"][0, 0, :2].tolist() == pytest.approx([e1, e2], abs=1e-6)
    weights = network.alignment(tape)
    assert weights[0, 0].tolist() == pytest.approx([alpha1, alpha2, 0.0], abs=1e-6)
    assert state.item() == pytest.approx(after, abs=1e-6)
    assert hidden.item() == pytest.approx(t, abs=1e-6)
    assert fast.item() == pytest.approx(t, abs=1e-6)


def test_one_luong_step_with_input_feeding_worked_by_hand():
    """s = 0.3, fed h̃ = −0.5, y = 0.7; general: s (0.6 h¹ − 0.4 h²)."""
    network = hand_sized(score="general")
    decoder = network.decoder
    fill(network.target_embedding.weight, 0.0, 0.7, 0.0)
    fill(decoder.score.key.weight, 0.6, -0.4)
    fill(decoder.cell.token.weight, 0.9, -0.3, 0.5)
    fill(decoder.cell.token.bias, 0.1, 0.0, -0.2)
    fill(decoder.cell.context.weight, 0.2, 0.4, 0.7)
    fill(decoder.cell.recurrent.weight, 0.5, -0.7, 1.1)
    fill(decoder.cell.recurrent.bias, 0.0, 0.2, 0.3)
    fill(decoder.combine.weight, 0.4, 0.3, 0.2)

    (a1, b1), (a2, b2) = MEMORY_STATES
    s, fed, y = 0.3, -0.5, 0.7
    r = sigmoid(0.9 * y + 0.1 + 0.2 * fed + 0.5 * s)
    z = sigmoid(-0.3 * y + 0.4 * fed - 0.7 * s + 0.2)
    n = math.tanh(0.5 * y - 0.2 + 0.7 * fed + r * (1.1 * s + 0.3))
    after = (1 - z) * n + z * s
    e1, e2 = after * (0.6 * a1 - 0.4 * b1), after * (0.6 * a2 - 0.4 * b2)
    alpha = math.exp(e1) / (math.exp(e1) + math.exp(e2))
    c1, c2 = alpha * a1 + (1 - alpha) * a2, alpha * b1 + (1 - alpha) * b2
    attentional = math.tanh(0.4 * c1 + 0.3 * c2 + 0.2 * after)

    memory, tape = memory_of(network, s), Tape()
    state = LuongState((torch.tensor([[[s]]]),), torch.tensor([[fed]]), torch.tensor([[2.0]]))
    hidden, state = network.step(memory, state, torch.tensor([1]), tape=tape)
    (current,), given, steps = state

    assert steps.item() == 3
    assert current.item() == pytest.approx(after, abs=1e-6)
    weights = network.alignment(tape)
    assert weights[0, 0].tolist() == pytest.approx([alpha, 1 - alpha, 0.0], abs=1e-6)
    assert given.item() == hidden.item() == pytest.approx(attentional, abs=1e-6)


def test_the_three_scores_are_their_formulas():
    queries, states = torch.randn(2, 3, 4), torch.randn(2, 5, 4)
    additive, general = AdditiveScore(4, 4, 6), GeneralScore(4, 4)
    fits = {
        additive: lambda q, h: (
            additive.energy @ torch.tanh(additive.query.weight @ q + additive.key.weight @ h)
        ),
        DotScore(): lambda q, h: q @ h,
        general: lambda q, h: q @ (general.key.weight @ h),
    }
    for score, formula in fits.items():
        scores = score(queries, score.keys(states))
        for b, t, s in torch.cartesian_prod(torch.arange(2), torch.arange(3), torch.arange(5)):
            torch.testing.assert_close(scores[b, t, s], formula(queries[b, t], states[b, s]))


def test_weights_sum_to_one_and_are_exactly_zero_on_padding():
    mask = torch.tensor([[True, True, True, True], [True, False, False, False]])
    weights = masked_softmax(50 * torch.randn(2, 3, 4), mask)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 3))
    assert weights[1].tolist() == [[1.0, 0.0, 0.0, 0.0]] * 3


def test_a_tape_holds_weights_that_make_the_context():
    states, mask, tape = (
        torch.randn(2, 4, 6),
        torch.tensor([[True] * 4, [True, True] + 2 * [False]]),
        Tape(),
    )
    context = attend(torch.randn(2, 3, 4), states, mask, tape=tape)
    torch.testing.assert_close(tape["attention.weights"] @ states, context)
    torch.testing.assert_close(tape["attention.scores"].softmax(-1), tape["attention.weights"])


def test_pooling_is_the_weighted_sum_of_real_states():
    pooling, states, tape = AttentionPooling(4, 3), torch.randn(2, 5, 4), Tape()
    mask = torch.arange(5) < torch.tensor([[5], [2]])
    pooled = pooling(states, mask, tape=tape)
    for row, length in enumerate([5, 2]):
        real = states[row, :length]
        scores = [pooling.energy @ torch.tanh(pooling.linear(state)) for state in real]
        weights = torch.stack(scores).softmax(0)
        torch.testing.assert_close(tape["pool.weights"][row, :length], weights)
        torch.testing.assert_close(pooled[row], weights @ real)
    assert tape["pool.weights"][1, 2:].tolist() == [0.0] * 3


def test_maxout_takes_the_larger_of_each_pair():
    readout = MaxoutReadout(2, 2)
    fill(readout.linear.weight, 1, 0, 0, 1, -1, 0, 0, -1)
    fill(readout.linear.bias, 0, 0, 0, 0)
    out = readout(torch.tensor([[-3.0]]), torch.tensor([[2.0]]))
    assert out.tolist() == [[3.0, 2.0]]


def loop_arguments() -> tuple[list[Tensor], Tensor, AdditiveDecoderWeights]:
    """Two steps, two rows, three source positions of which row 0 has two; widths 2, 3 and 4."""

    def draw(*shape: int) -> Tensor:
        return (0.6 * torch.randn(*shape, dtype=torch.float64)).requires_grad_()

    weights = AdditiveDecoderWeights(draw(3, 2), draw(3), draw(6, 4), draw(6, 2), draw(6))
    mask = torch.tensor([[True, True, False], [True, True, True]])
    return [draw(2, 2, 6), draw(2, 2), draw(2, 3, 3), draw(2, 3, 4)], mask, weights


def test_the_fast_decoders_gradients_are_those_of_finite_differences():
    inputs, mask, weights = loop_arguments()

    def run(*values: Tensor) -> tuple[Tensor, Tensor]:
        return decode_additive(*values[:4], mask, AdditiveDecoderWeights(*values[4:]))

    assert torch.autograd.gradcheck(run, (*inputs, *weights))


def gradients_of(network: AttentionTranslatorNetwork, tape: Tape | None) -> list[Tensor]:
    source, target = torch.randint(0, 5, (3, 6)), torch.randint(0, 3, (3, 4))
    memory = network.encode(source, torch.tensor([6, 2, 5]))
    hidden = network.decode(memory, target, tape=tape)
    loss = (hidden * torch.linspace(-1, 1, hidden.numel()).double().view(hidden.shape)).sum()
    used = [weight for name, weight in network.named_parameters() if "output" not in name]
    return [hidden, *torch.autograd.grad(loss, used)]


@pytest.mark.parametrize("options", [{}, {"score": "dot"}, {"score": "general"}], ids=str)
def test_fast_and_taped_decoding_agree_in_values_and_gradients(options: dict[str, str]):
    config = AttentionConfig(embedding=7, hidden=6, encoder_hidden=3, **options)
    network = AttentionTranslatorNetwork(config, source_vocab=5, target_vocab=3).double().eval()
    torch.manual_seed(1)
    fast = gradients_of(network, None)
    torch.manual_seed(1)
    torch.testing.assert_close(fast, gradients_of(network, Tape()))


def test_a_loss_on_taped_weights_reaches_the_score():
    config = AttentionConfig(embedding=7, hidden=6, encoder_hidden=3)
    network = AttentionTranslatorNetwork(config, source_vocab=5, target_vocab=3)
    memory, tape = network.encode(torch.ones(1, 4, dtype=torch.long), torch.tensor([4])), Tape()
    network.decode(memory, torch.ones(1, 2, dtype=torch.long), tape=tape)
    network.alignment(tape)[0, :, 1].log().sum().backward()
    assert network.decoder.score.energy.grad is not None
