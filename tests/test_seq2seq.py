"""Cho's and Sutskever's translators: against torch.nn, and a step worked by hand."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from munmaek.models import stage_named
from munmaek.models.seq2seq import FixedVectorTranslatorNetwork, Seq2SeqConfig
from munmaek.nn.recurrent import Recurrent
from munmaek.nn.tape import Tape
from munmaek.tasks.translate.objective import Pairs, TranslationTask


@pytest.fixture(autouse=True)
def _seed():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def fill(parameter: Tensor, *values: float) -> None:
    with torch.no_grad():
        parameter.copy_(torch.tensor(values).view(parameter.shape))


def test_sutskevers_translator_is_two_stacks_of_lstms_joined_by_their_states():
    config = Seq2SeqConfig(paper="sutskever2014", embedding=5, hidden=4, layers=3)
    network = FixedVectorTranslatorNetwork(config, source_vocab=9, target_vocab=7).eval()
    encoder, decoder = (nn.LSTM(5, 4, 3, batch_first=True) for _ in range(2))
    for theirs, ours in ((encoder, network.encoder), (decoder, network.decoder)):
        for layer, own in enumerate(ours.stack):
            for name, weight in own.fused.named_parameters():
                getattr(theirs, name.replace("l0", f"l{layer}")).data.copy_(weight.data)
    source, target = torch.randint(0, 9, (2, 6)), torch.randint(0, 7, (2, 3))
    lengths = torch.tensor([6, 4])
    memory = network.encode(source, lengths)
    hidden = network.decode(memory, target)
    for row, length in enumerate(lengths.tolist()):
        turned = source[row : row + 1, :length].flip(1)
        _, state = encoder(network.source_embedding(turned))
        wanted, _ = decoder(network.target_embedding(target[row : row + 1]), state)
        torch.testing.assert_close(hidden[row], wanted[0])
        scores = F.linear(wanted[0], network.output.weight, network.output.bias)
        torch.testing.assert_close(network.logits(hidden[row]), scores)
    assert network.output.weight.shape == (7, 4), "softmax reads the state itself"
    names = {name.split(".")[0] for name, _ in network.named_parameters()}
    assert names == {"source_embedding", "target_embedding", "encoder", "decoder", "output"}


def test_chos_decoder_worked_by_hand():
    """All of width one: c = tanh(V h_S), s_0 = tanh(V' c), y = 0.7; gates r, z, n."""
    config = Seq2SeqConfig(paper="cho2014", embedding=1, hidden=1, dropout=0.0)
    network = FixedVectorTranslatorNetwork(config, source_vocab=3, target_vocab=3).eval()
    fill(network.source_embedding.weight, 0.0, 0.4, 0.0)
    fill(network.target_embedding.weight, 0.0, 0.7, 0.0)
    for recurrent, inputs in ((network.encoder, [0.6, -0.2, 0.8]), (network.decoder, None)):
        fused = recurrent.stack[0].fused
        # The decoder reads [y; c]: a row for each gate, the weight of y and that of c.
        fill(fused.weight_ih_l0, *(inputs or [0.9, 0.2, -0.3, 0.4, 0.5, 0.7]))
        fill(fused.weight_hh_l0, 0.5, -0.7, 1.1)
        fill(fused.bias_ih_l0, 0.1, 0.0, -0.2)
        fill(fused.bias_hh_l0, 0.0, 0.2, 0.3)
    fill(network.context.weight, 1.3)
    fill(network.context.bias, 0.1)
    fill(network.bridge[0].weight, -0.8)
    fill(network.bridge[0].bias, 0.2)
    fill(network.readout.linear.weight, 0.4, 0.3, 0.2, -0.5, 0.6, 0.7)
    fill(network.readout.linear.bias, 0.05, -0.05)

    def gru(reset: float, update: float, candidate: float, h: float) -> float:
        r = 1 / (1 + math.exp(-(reset + 0.1 + 0.5 * h)))
        z = 1 / (1 + math.exp(-(update - 0.7 * h + 0.2)))
        n = math.tanh(candidate - 0.2 + r * (1.1 * h + 0.3))
        return (1 - z) * n + z * h

    h = gru(0.6 * 0.4, -0.2 * 0.4, 0.8 * 0.4, 0.0)
    c = math.tanh(1.3 * h + 0.1)
    start = math.tanh(-0.8 * c + 0.2)
    y = 0.7
    s = gru(0.9 * y + 0.2 * c, -0.3 * y + 0.4 * c, 0.5 * y + 0.7 * c, start)
    t = max(0.4 * s + 0.3 * y + 0.2 * c + 0.05, -0.5 * s + 0.6 * y + 0.7 * c - 0.05)

    memory = network.encode(torch.tensor([[1]]), torch.tensor([1]))
    hidden, (state,) = network.step(memory, network.begin(memory), torch.tensor([1]))
    assert memory.context.item() == pytest.approx(c, abs=1e-6)
    assert memory.initial[0].item() == pytest.approx(start, abs=1e-6)
    assert state.item() == pytest.approx(s, abs=1e-6)
    assert hidden.item() == pytest.approx(t, abs=1e-6)


@pytest.mark.parametrize("cell", ["elman", "gru", "lstm"])
def test_reading_to_each_rows_end_equals_reading_it_alone_and_the_taped_way(cell: str):
    stack = Recurrent(cell, 3, 4, layers=2).double()
    inputs = torch.randn(3, 5, 3, dtype=torch.float64, requires_grad=True)
    lengths = torch.tensor([5, 2, 3])

    def gradients(tape: Tape | None) -> tuple[Tensor, ...]:
        outputs, state = stack.read(inputs, lengths, tape=tape)
        real = torch.arange(5) < lengths[:, None]
        total = (outputs[real] ** 2).sum() + sum(part.sin().sum() for part in state)
        return *state, *torch.autograd.grad(total, [inputs, *stack.parameters()])

    found = gradients(None)
    torch.testing.assert_close(found, gradients(Tape()))
    for row, length in enumerate(lengths.tolist()):
        _, alone = stack(inputs[row : row + 1, :length])
        for part, wanted in zip(found, alone, strict=False):
            torch.testing.assert_close(part[row], wanted[0])


def network_of(stage: str) -> nn.Module:
    small = {"layers": 1, "dropout": 0.0}
    if stage == "transformer":
        small |= {"dimension": 8, "heads": 2, "feed_forward": 8}
    else:
        small |= {"embedding": 8, "hidden": 6}
    config = stage_named(stage).config_class().of(small)
    make = stage_named(stage).network_class("translate")
    return make(config, source_vocab=9, target_vocab=7)


@pytest.mark.parametrize("stage", ["seq2seq", "attention", "transformer"])
def test_the_training_loss_is_the_smoothed_cross_entropy_of_all_scores(stage: str):
    network = network_of(stage)
    pairs = Pairs([[5, 6, 3], [4, 3]], [[2, 4, 5, 6, 3], [2, 5, 3]])
    task = TranslationTask(pairs, pairs, smoothing=0.1)
    (batch,) = task.epoch(0)
    loss = task.loss(network, batch)
    found = torch.autograd.grad(loss.total, list(network.parameters()))

    source, target = torch.from_numpy(batch.source), torch.from_numpy(batch.target)
    memory = network.encode(source, torch.from_numpy(batch.source_lengths))
    logits = network.logits(network.decode(memory, target[:, :-1]))
    wanted = F.cross_entropy(
        logits.flatten(0, 1), target[:, 1:].flatten(), ignore_index=0, reduction="sum",
        label_smoothing=0.1,
    )  # fmt: skip
    torch.testing.assert_close(loss.total, wanted)
    torch.testing.assert_close(found, torch.autograd.grad(wanted, list(network.parameters())))


def test_a_paper_fills_in_its_structure_and_leaves_what_is_given():
    config = Seq2SeqConfig.of({"paper": "sutskever2014", "layers": 2, "hidden": 64})
    assert (config.cell, config.layers, config.hidden, config.bridge) == ("lstm", 2, 64, "copy")
    assert (config.reverse_source, config.context_at_every_step) == (True, False)
    assert Seq2SeqConfig.of(config.model_dump()) == config
    assert Seq2SeqConfig.of({"paper": "sutskever2014", "reverse_source": False}).cell == "lstm"
    cho = Seq2SeqConfig.of({"paper": "cho2014"})
    usual = Seq2SeqConfig(tie_embeddings=False)
    assert cho.model_dump(exclude={"paper"}) == usual.model_dump(exclude={"paper"})
