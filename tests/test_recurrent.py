"""Recurrent layers: equal to torch.nn's, step by step and at once, and exact on padded rows."""

import math
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from munmaek.nn.dropout import VariationalDropout
from munmaek.nn.recurrent import Bidirectional, Recurrent
from munmaek.nn.row_order import at_last, reading_backward, reorder
from munmaek.nn.tape import Tape

REFERENCE = {"elman": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
GATES = {
    "elman": {"hidden"},
    "gru": {"gates.reset", "gates.update", "candidate", "hidden"},
    "lstm": {"gates.input", "gates.forget", "candidate", "gates.output", "cell", "hidden"},
}
cells = pytest.mark.parametrize("cell", list(REFERENCE))
taped = pytest.mark.parametrize("tape", [None, Tape()], ids=["fused", "taped"])


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def copy_weights(reference: nn.RNNBase, layers: list[nn.RNNBase]) -> None:
    """Give ``reference`` the weights of single layers, listed in the order of ``all_weights``."""
    with torch.no_grad():
        for theirs, ours in zip(reference.all_weights, layers, strict=True):
            for target, source in zip(theirs, ours.all_weights[0], strict=True):
                target.copy_(source + 0.1 * torch.randn_like(source))
                source.copy_(target)


def gradients(outputs: Tensor, parameters: list[Tensor]) -> list[Tensor]:
    weights = torch.linspace(-1, 1, outputs.numel(), dtype=outputs.dtype).view(outputs.shape)
    return list(torch.autograd.grad((outputs * weights).sum(), parameters))


@cells
@taped
def test_outputs_states_and_gradients_are_those_of_torch_nn(cell: str, tape: Tape | None):
    ours = Recurrent(cell, 3, 5, layers=2).double()
    theirs = REFERENCE[cell](3, 5, num_layers=2, batch_first=True).double()
    layers = [layer.fused for layer in ours.stack]
    copy_weights(theirs, layers)
    inputs = torch.randn(4, 6, 3, dtype=torch.float64)
    state = tuple(torch.randn(4, 2, 5, dtype=torch.float64) for _ in ours.begin(4))
    first = tuple(part.transpose(0, 1).contiguous() for part in state)

    outputs, after = ours(inputs, state, tape=tape)
    expected, last = theirs(inputs, first if len(first) > 1 else first[0])

    torch.testing.assert_close(outputs, expected)
    last = last if isinstance(last, tuple) else (last,)
    for part, wanted in zip(after, last, strict=True):
        torch.testing.assert_close(part.transpose(0, 1), wanted)
    mine = [weight for layer in layers for weight in layer.all_weights[0]]
    reference = [weight for weights in theirs.all_weights for weight in weights]
    torch.testing.assert_close(gradients(outputs, mine), gradients(expected, reference))


@cells
@taped
def test_both_directions_are_those_of_torch_nn_on_packed_rows(cell: str, tape: Tape | None):
    ours = Bidirectional(cell, 3, 4, layers=2).double()
    theirs = REFERENCE[cell](3, 4, num_layers=2, batch_first=True, bidirectional=True).double()
    pairs = zip(ours.forward_layers, ours.backward_layers, strict=True)
    layers = [layer.fused for pair in pairs for layer in pair]
    copy_weights(theirs, layers)
    inputs, lengths = torch.randn(3, 6, 3, dtype=torch.float64), torch.tensor([4, 6, 1])

    outputs, last = ours(inputs, lengths, tape=tape)
    packed = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
    packed_outputs, state = theirs(packed)
    expected, _ = pad_packed_sequence(packed_outputs, batch_first=True)

    real = torch.arange(6) < lengths[:, None]
    torch.testing.assert_close(outputs[real], expected[real])
    hidden = state[0] if cell == "lstm" else state
    torch.testing.assert_close(last, torch.cat([hidden[-2], hidden[-1]], 1))
    mine = [weight for layer in layers for weight in layer.all_weights[0]]
    reference = [weight for weights in theirs.all_weights for weight in weights]
    torch.testing.assert_close(gradients(outputs[real], mine), gradients(expected[real], reference))


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def set_weights(layer: nn.RNNBase, *values: list[float]) -> None:
    with torch.no_grad():
        for weight, each in zip(layer.all_weights[0], values, strict=True):
            weight.copy_(torch.tensor(each).view(weight.shape))


@taped
def test_one_lstm_step_worked_by_hand(tape: Tape | None):
    """Width one; x = 0.5, h = 0.2, c = −0.4; gates in the order i, f, g, o."""
    network = Recurrent("lstm", 1, 1)
    set_weights(
        network.stack[0].fused,
        [1.0, -0.5, 2.0, 0.3],  # W
        [0.4, 0.8, -0.6, 1.5],  # U
        [0.1, 1.0, 0.0, -0.2],  # b
        [0.0, 0.2, 0.1, 0.0],  # b'
    )
    i = sigmoid(1.0 * 0.5 + 0.4 * 0.2 + 0.1)
    f = sigmoid(-0.5 * 0.5 + 0.8 * 0.2 + 1.0 + 0.2)
    g = math.tanh(2.0 * 0.5 - 0.6 * 0.2 + 0.1)
    o = sigmoid(0.3 * 0.5 + 1.5 * 0.2 - 0.2)
    c = f * -0.4 + i * g
    h = o * math.tanh(c)

    state = (torch.tensor([[[0.2]]]), torch.tensor([[[-0.4]]]))
    outputs, (hidden, cell) = network(torch.tensor([[[0.5]]]), state, tape=tape)

    assert outputs.item() == pytest.approx(h, abs=1e-6)
    assert hidden.item() == pytest.approx(h, abs=1e-6)
    assert cell.item() == pytest.approx(c, abs=1e-6)
    if tape is not None:
        seen = {"gates.input": i, "gates.forget": f, "candidate": g, "gates.output": o}
        for name, value in seen.items():
            assert tape[f"layer.0.{name}"].item() == pytest.approx(value, abs=1e-6)


@taped
def test_one_gru_step_worked_by_hand(tape: Tape | None):
    """Width one; x = 0.5, h = 0.2; gates in the order r, z, n."""
    network = Recurrent("gru", 1, 1)
    set_weights(
        network.stack[0].fused, [1.0, -0.5, 2.0], [0.4, 0.8, -0.6], [0.1, 0.3, 0.0], [0.0, 0.2, 0.7]
    )
    r = sigmoid(1.0 * 0.5 + 0.1 + 0.4 * 0.2)
    z = sigmoid(-0.5 * 0.5 + 0.3 + 0.8 * 0.2 + 0.2)
    n = math.tanh(2.0 * 0.5 + r * (-0.6 * 0.2 + 0.7))
    h = (1 - z) * n + z * 0.2

    outputs, _ = network(torch.tensor([[[0.5]]]), (torch.tensor([[[0.2]]]),), tape=tape)

    assert outputs.item() == pytest.approx(h, abs=1e-6)
    if tape is not None:
        assert tape["layer.0.gates.update"].item() == pytest.approx(z, abs=1e-6)


@cells
def test_a_tape_gets_every_gate_of_every_layer(cell: str):
    tape, network = Tape(), Recurrent(cell, 3, 5, layers=2)
    network(torch.randn(4, 6, 3), tape=tape)
    wanted = {f"layer.{at}.{name}" for at, name in product(range(2), GATES[cell])}
    assert set(tape.names()) == wanted
    assert {tuple(tensor.shape) for tensor in tape.records.values()} == {(4, 6, 5)}


@cells
def test_a_tape_of_both_directions_is_in_reading_order(cell: str):
    tape, network = Tape(), Bidirectional(cell, 3, 5)
    outputs, _ = network(torch.randn(2, 6, 3), torch.tensor([6, 3]), tape=tape)
    both = torch.cat([tape["layer.0.forward.hidden"], tape["layer.0.backward.hidden"]], 2)
    assert torch.equal(both, outputs)


@cells
def test_a_tape_changes_nothing_in_training_either(cell: str):
    network = Recurrent(cell, 3, 5, layers=3, dropout=0.5).double()
    inputs = torch.randn(4, 6, 3, dtype=torch.float64)
    with torch.random.fork_rng(devices=[]):
        plain, _ = network(inputs)
    looked, _ = network(inputs, tape=Tape())
    torch.testing.assert_close(plain, looked)


@cells
def test_going_on_from_a_state_equals_one_longer_call(cell: str):
    network, inputs = Recurrent(cell, 3, 5, layers=2), torch.randn(4, 7, 3)
    whole, last = network(inputs)
    head, state = network(inputs[:, :3])
    tail, after = network(inputs[:, 3:], state)
    torch.testing.assert_close(torch.cat([head, tail], 1), whole)
    torch.testing.assert_close(after, last)


@cells
def test_what_stands_on_padding_never_changes_a_real_output(cell: str):
    network, lengths = Bidirectional(cell, 3, 5, layers=2), torch.tensor([7, 2, 4])
    inputs = torch.randn(3, 7, 3)
    real = torch.arange(7) < lengths[:, None]
    noise = torch.where(real[:, :, None], inputs, 100 * torch.randn_like(inputs))
    (first, last), (second, other) = network(inputs, lengths), network(noise, lengths)
    assert torch.equal(first[real], second[real])
    assert torch.equal(last, other)


def test_the_forget_gate_is_open_at_first():
    _, _, input_bias, hidden_bias = Recurrent("lstm", 3, 5).stack[0].weights()
    assert (input_bias + hidden_bias).tolist() == [0.0] * 5 + [1.0] * 5 + [0.0] * 10


@settings(max_examples=30)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=5))
def test_reading_backward_reverses_each_row_and_undoes_itself(lengths: list[int]):
    rows = torch.arange(len(lengths) * 6).view(len(lengths), 6)
    order = reading_backward(torch.tensor(lengths), 6)
    turned = reorder(rows, order)
    for row, there, length in zip(rows.tolist(), turned.tolist(), lengths, strict=True):
        assert there == row[:length][::-1] + row[length:]
    assert torch.equal(reorder(turned, order), rows)


def test_the_last_output_is_each_rows_own():
    outputs = torch.arange(6.0).view(2, 3, 1)
    assert at_last(outputs, torch.tensor([2, 3])).tolist() == [[1.0], [5.0]]


def test_variational_dropout_holds_its_mask_over_time():
    dropout = VariationalDropout(0.5)
    out = dropout(torch.ones(3, 10, 40))
    assert torch.equal(out, out[:, :1].expand_as(out))
    assert set(out.unique().tolist()) == {0.0, 2.0}
    assert not torch.equal(out[0], out[1])
    assert torch.equal(dropout.eval()(out), out)
