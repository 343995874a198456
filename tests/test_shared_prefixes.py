"""Prefixes that share their past, against whole targets read at once."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor

from munmaek.models.transformer import TransformerConfig, TransformerTranslatorNetwork
from munmaek.nn.state import select_rows
from munmaek.nn.tape import Tape

V = 19
CONFIG = TransformerConfig(dimension=8, heads=2, layers=2, feed_forward=16)
MODES: dict[str, Callable[[], Any]] = {"inference": torch.inference_mode, "graph": nullcontext}


def draw(*shape: int, below: int = V, seed: int) -> Tensor:
    return torch.randint(below, shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def network() -> TransformerTranslatorNetwork:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = TransformerTranslatorNetwork(CONFIG, source_vocab=V, target_vocab=V)
        with torch.no_grad():
            for weight in made.parameters():
                weight += 0.05 * torch.randn_like(weight)
    return made.double().eval()


def read(network: TransformerTranslatorNetwork, target: Tensor, owner: Tensor) -> Tensor:
    """The last hidden states, each target with its own source and read as a whole."""
    return network.decode(select_rows(encoded(network), owner), target)[:, -1]


def encoded(network: TransformerTranslatorNetwork) -> Any:
    return network.encode(draw(4, 5, seed=1), torch.tensor([5, 2, 4, 3]))


def choices(step: int, owner: Tensor) -> Tensor:
    """Rows as a search chooses them: all sources widen, rows change places, sources end."""
    if step == 0:
        return torch.arange(len(owner)).repeat_interleave(3)
    if step == 9:
        return (owner < 3).nonzero()[:, 0].flip(0)
    if step == 14:
        return (owner == 1).nonzero()[:1, 0]
    within = [(owner == source).nonzero()[:, 0] for source in owner.unique().tolist()]
    return torch.cat(
        [rows[draw(len(rows), below=len(rows), seed=10 * step + len(rows))] for rows in within]
    )


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_a_search_over_shared_pasts_reads_what_whole_targets_read(
    network: TransformerTranslatorNetwork, mode: Callable[[], Any]
) -> None:
    with mode():
        memory = encoded(network)
        state, owner, target = network.begin(memory), torch.arange(4), draw(4, 0, seed=0)
        # Long enough that entries without heirs are taken out and that room runs out twice.
        for step in range(24):
            tokens = draw(len(owner), seed=step)
            target = torch.cat([target, tokens[:, None]], 1)
            hidden, state = network.step(memory, state, tokens)
            torch.testing.assert_close(hidden, read(network, target, owner))
            rows = choices(step, owner)
            memory, state = select_rows(memory, rows), select_rows(state, rows)
            owner, target = owner[rows], target[rows]


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_a_state_can_be_gone_on_from_more_than_once(
    network: TransformerTranslatorNetwork, mode: Callable[[], Any]
) -> None:
    with mode():
        memory, owner, target = encoded(network), torch.arange(4), draw(4, 5, seed=2)
        _, state = network.step(memory, network.begin(memory), target[:, 0])
        one, first = network.step(memory, state, target[:, 1])
        two, second = network.step(memory, state, target[:, 2])
        torch.testing.assert_close(one, read(network, target[:, [0, 1]], owner))
        torch.testing.assert_close(two, read(network, target[:, [0, 2]], owner))
        three, _ = network.step(memory, first, target[:, 3])
        four, _ = network.step(memory, second, target[:, 4])
        torch.testing.assert_close(three, read(network, target[:, [0, 1, 3]], owner))
        torch.testing.assert_close(four, read(network, target[:, [0, 2, 4]], owner))


def test_a_state_of_inference_mode_goes_on_outside_of_it(
    network: TransformerTranslatorNetwork,
) -> None:
    target = draw(4, 2, seed=3)
    with torch.inference_mode():
        memory = encoded(network)
        _, state = network.step(memory, network.begin(memory), target[:, 0])
    with torch.no_grad():
        hidden, _ = network.step(memory, state, target[:, 1])
        torch.testing.assert_close(hidden, read(network, target, torch.arange(4)))


def test_gradients_pass_through_steps_as_through_the_whole(
    network: TransformerTranslatorNetwork,
) -> None:
    target = draw(4, 3, seed=4)
    weight = network.decoder.embedding.tokens.weight
    memory = encoded(network)
    state, total = network.begin(memory), torch.zeros((), dtype=torch.float64)
    for column in range(3):
        hidden, state = network.step(memory, state, target[:, column])
        total = total + hidden.square().sum()
    (stepped,) = torch.autograd.grad(total, weight)
    whole = network.decode(encoded(network), target).square().sum()
    torch.testing.assert_close(stepped, torch.autograd.grad(whole, weight)[0])


@torch.no_grad()
def test_a_step_records_what_the_column_of_a_decode_records(
    network: TransformerTranslatorNetwork,
) -> None:
    memory, rows = encoded(network), torch.tensor([0, 0, 1, 2, 2, 2, 3])
    target = draw(4, 3, seed=5)
    state = network.begin(memory)
    for column in range(2):
        _, state = network.step(memory, state, target[:, column])
    memory, state = select_rows(memory, rows), select_rows(state, rows)
    # Once more without a tape, so that rows of one source have parted.
    tokens = draw(len(rows), 2, seed=6)
    _, state = network.step(memory, state, tokens[:, 0])
    target = torch.cat([target[rows, :2], tokens], 1)
    stepped, whole = Tape(), Tape()
    hidden, _ = network.step(memory, state, tokens[:, 1], tape=stepped)
    torch.testing.assert_close(hidden, network.decode(memory, target, tape=whole)[:, -1])
    assert stepped.names() == whole.names()
    for name in whole.names():
        wanted = whole[name]
        if name.endswith(("keys", "values")):
            torch.testing.assert_close(stepped[name], wanted)
        else:
            torch.testing.assert_close(stepped[name], wanted[..., -1:, :])
    again, _, weights = network.step_with_alignment(memory, state, tokens[:, 1])
    torch.testing.assert_close(again, hidden)
    torch.testing.assert_close(weights, network.alignment(stepped)[:, 0])


@torch.inference_mode()
def test_pasts_are_kept_once_for_all_prefixes_of_a_source(
    network: TransformerTranslatorNetwork,
) -> None:
    memory = encoded(network)
    state = network.begin(memory)
    for step in range(30):
        _, state = network.step(memory, state, draw(len(memory.rows), seed=step))
        # Five prefixes a source, all of them children of its first.
        first = torch.arange(4) * (1 if step == 0 else 5)
        chosen = first.repeat_interleave(5)
        memory, state = select_rows(memory, chosen), select_rows(state, chosen)
    # 150 entries have been written for each source; those without heirs make room.
    assert state.seen.shape[1] < 150
    assert state.seen.sum(1).tolist() == [30] * 20
