import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from jaxtyping import TypeCheckError
from torch import Tensor, nn

from munmaek.errors import InputError
from munmaek.nn.attention import (
    KeyValues,
    MultiHeadCrossAttention,
    MultiHeadSelfAttention,
    append,
    scaled_dot_product,
)
from munmaek.nn.embeddings import (
    LearnedPositions,
    OutputLayer,
    SinusoidalPositions,
    TokenEmbedding,
    sinusoids,
)
from munmaek.nn.masks import causal_mask, key_mask, masked_mean, padding_mask
from munmaek.nn.state import select_rows
from munmaek.nn.tape import Tape


def randn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def close(one: Tensor, two: Tensor, within: float = 1e-5) -> None:
    torch.testing.assert_close(one, two, atol=within, rtol=1e-5)


# --- masks ---


def test_a_padding_mask_is_true_at_the_real_tokens() -> None:
    mask = padding_mask(torch.tensor([3, 1, 0]), 3)
    assert mask.tolist() == [[True, True, True], [True, False, False], [False, False, False]]


def test_no_key_mask_is_made_when_no_row_is_padded() -> None:
    assert key_mask(torch.tensor([3, 3]), 3) is None
    mask = key_mask(torch.tensor([3, 2]), 3)
    assert mask is not None
    assert mask.shape == (2, 1, 1, 3)


def test_a_causal_mask_lets_every_query_see_the_whole_past() -> None:
    assert causal_mask(2, 3).tolist() == [[True, True, False], [True, True, True]]
    assert causal_mask(1, 4).all()


def test_a_masked_mean_leaves_padding_out_even_where_it_is_not_a_number() -> None:
    hidden = torch.tensor([[[1.0], [3.0], [math.nan]], [[5.0], [math.nan], [math.nan]]])
    assert masked_mean(hidden, torch.tensor([2, 1])).tolist() == [[2.0], [5.0]]
    assert masked_mean(hidden, torch.tensor([2, 0]))[1].tolist() == [0.0]


# --- positions and embeddings ---


@given(position=st.integers(0, 5000), dimension=st.integers(1, 17), data=st.data())
@settings(max_examples=50)
def test_sinusoids_follow_the_formula(position: int, dimension: int, data: st.DataObject) -> None:
    column = data.draw(st.integers(0, dimension - 1))
    angle = position / 10000 ** ((column - column % 2) / dimension)
    wanted = math.cos(angle) if column % 2 else math.sin(angle)
    assert sinusoids(position, 1, dimension)[0, column].item() == pytest.approx(wanted, abs=1e-6)


def test_positions_beyond_the_ready_table_go_on_as_before() -> None:
    short, long = SinusoidalPositions(6, ready=4), SinusoidalPositions(6, ready=40)
    assert torch.equal(short(0, 40), long(0, 40))
    assert torch.equal(short(2, 5), long(2, 5))
    assert not short.state_dict()


def test_learned_positions_refuse_a_text_longer_than_they_are() -> None:
    positions = LearnedPositions(4, 2)
    assert positions(1, 3).shape == (3, 2)
    with pytest.raises(InputError, match="text of 5 tokens is longer than the model's 4 positions"):
        positions(0, 5)


def test_a_token_embedding_is_scaled_by_the_root_of_its_width() -> None:
    embedding, ids, tape = TokenEmbedding(5, 9), torch.tensor([[1, 4]]), Tape()
    close(embedding(ids, tape=tape), embedding.weight[ids] * 3.0)
    close(tape["embedding"], embedding(ids))


def test_a_tied_output_layer_holds_no_weight_of_its_own() -> None:
    hidden, embedding = randn(3, 4), randn(7, 4, seed=1)
    tied, own = OutputLayer(4, 7, tied=True), OutputLayer(4, 7, tied=False)
    assert set(tied.state_dict()) == {"bias"}
    close(tied(hidden, embedding), hidden @ embedding.T)
    assert own.weight is not None
    close(own(hidden, embedding), hidden @ own.weight.T)


# --- scaled dot-product attention ---


def by_hand(queries: list[list[float]], keys: list[list[float]], values: list[list[float]]) -> ...:
    """softmax(Q Kᵀ / √K) V with plain floats."""
    contexts, weights = [], []
    for query in queries:
        scores = [
            sum(q * k for q, k in zip(query, key, strict=True)) / math.sqrt(len(query))
            for key in keys
        ]
        total = sum(math.exp(score) for score in scores)
        row = [math.exp(score) / total for score in scores]
        weights.append(row)
        contexts.append(
            [sum(w * value[c] for w, value in zip(row, values, strict=True)) for c in range(2)]
        )
    return contexts, weights


def test_one_step_worked_by_hand() -> None:
    # One query (2, 0) over the keys (1, 0) and (0, 1), K = 2:
    # scores 2·1/√2 = √2 and 0; weights e^√2 / (e^√2 + 1) and 1 / (e^√2 + 1);
    # context = first weight · (1, 10) + second weight · (3, 30).
    first = math.exp(math.sqrt(2)) / (math.exp(math.sqrt(2)) + 1)
    context = [first * 1 + (1 - first) * 3, first * 10 + (1 - first) * 30]
    queries, keys, values = [[2.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]], [[1.0, 10.0], [3.0, 30.0]]
    assert by_hand(queries, keys, values)[0] == [pytest.approx(context)]
    tensors = [torch.tensor([[part]]) for part in (queries, keys, values)]
    tape = Tape()
    for got in (scaled_dot_product(*tensors), scaled_dot_product(*tensors, tape=tape)):
        assert got[0, 0].tolist() == [pytest.approx(context, rel=1e-6)]
    assert tape["scores"].flatten().tolist() == pytest.approx([math.sqrt(2), 0.0])
    assert tape["weights"].flatten().tolist() == pytest.approx([first, 1 - first])


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 5))
@settings(max_examples=20)
def test_attention_equals_plain_floats(seed: int, asking: int, asked: int) -> None:
    parts = [randn(asking, 2, seed=seed), randn(asked, 2, seed=seed + 1), randn(asked, 2)]
    contexts, weights = by_hand(*(part.tolist() for part in parts))
    tape = Tape()
    got = scaled_dot_product(*(part[None, None] for part in parts), tape=tape)
    close(got[0, 0], torch.tensor(contexts))
    close(tape["weights"][0, 0], torch.tensor(weights))


MASKS = {
    "none": None,
    "padding": padding_mask(torch.tensor([5, 3, 1]), 5)[:, None, None, :],
    "per query": randn(3, 1, 4, 5, seed=9) > -0.8,
}


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("name", MASKS)
def test_the_tape_changes_neither_result_nor_gradient(name: str, causal: bool) -> None:
    parts = [randn(3, 2, size, 6, seed=size).requires_grad_() for size in (4, 5, 5)]
    mask = MASKS[name]
    if mask is not None:
        mask = mask | (torch.arange(5) == 0)
    fused = scaled_dot_product(*parts, mask=mask, causal=causal)
    tape = Tape()
    stepped = scaled_dot_product(*parts, mask=mask, causal=causal, tape=tape)
    assert fused.shape == stepped.shape
    close(fused, stepped, 1e-6)
    close(tape["context"], stepped)
    grads = [torch.autograd.grad(each.square().sum(), parts) for each in (fused, stepped)]
    for one, two in zip(*grads, strict=True):
        close(one, two)


def test_attention_equals_torch_with_the_same_mask() -> None:
    queries, keys, values = randn(2, 3, 4, 8), randn(2, 3, 6, 8, seed=1), randn(2, 3, 6, 8, seed=2)
    mask = (randn(2, 1, 4, 6, seed=3) > 0) | (torch.arange(6) == 2)
    wanted = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask)
    close(scaled_dot_product(queries, keys, values, mask=mask), wanted)
    close(scaled_dot_product(queries, keys, values, mask=mask, tape=Tape()), wanted)
    square = F.scaled_dot_product_attention(keys, keys, values, is_causal=True)
    close(scaled_dot_product(keys, keys, values, causal=True), square)


@pytest.mark.parametrize("causal", [False, True])
def test_weights_sum_to_one_and_are_zero_where_hidden(causal: bool) -> None:
    parts = [randn(3, 2, 5, 6, seed=seed) for seed in range(3)]
    mask, tape = MASKS["padding"], Tape()
    assert mask is not None
    scaled_dot_product(*parts, mask=mask, causal=causal, tape=tape)
    weights = tape["weights"]
    close(weights.sum(-1), torch.ones(3, 2, 5))
    seen = mask & causal_mask(5, 5) if causal else mask
    assert (weights == 0).equal(~seen.expand_as(weights))


def test_a_row_with_nothing_to_see_gives_zeros_and_finite_gradients() -> None:
    for tape in (None, Tape()):
        parts = [randn(1, 1, 2, 4, seed=seed).requires_grad_() for seed in range(3)]
        hidden = torch.zeros(1, 1, 1, 2, dtype=torch.bool)
        got = scaled_dot_product(*parts, mask=hidden, tape=tape)
        assert not got.any()
        grads = torch.autograd.grad(got.sum(), parts)
        assert all(grad.isfinite().all() for grad in grads)


def test_huge_scores_do_not_overflow() -> None:
    queries, keys = torch.full((1, 1, 1, 4), 1e3), torch.full((1, 1, 2, 4), 1e3)
    values = torch.tensor([[[[1.0] * 4, [3.0] * 4]]])
    for tape in (None, Tape()):
        close(scaled_dot_product(queries, keys, values, tape=tape), torch.full((1, 1, 1, 4), 2.0))


def test_dropped_weights_are_those_of_training_only() -> None:
    attention = MultiHeadSelfAttention(8, 2, dropout=0.5)
    x = randn(2, 5, 8)
    torch.manual_seed(0)
    one, two = attention(x)[0], attention(x)[0]
    assert not torch.equal(one, two)
    tape = Tape()
    attention(x, tape=tape)
    close(tape["weights"].sum(-1), torch.ones(2, 2, 5))
    attention.eval()
    assert torch.equal(attention(x)[0], attention(x)[0])


# --- many heads, against torch.nn.MultiheadAttention ---


def torch_twin(attention: MultiHeadSelfAttention | MultiHeadCrossAttention) -> nn.Module:
    weight = attention.output.weight
    twin = nn.MultiheadAttention(weight.shape[0], attention.heads, batch_first=True)
    if isinstance(attention, MultiHeadSelfAttention):
        projections = (attention.qkv.weight, attention.qkv.bias)
    else:
        first, second = attention.query, attention.key_value
        weights = torch.cat([first.weight, second.weight])
        projections = (weights, torch.cat([first.bias, second.bias]))
    with torch.no_grad():
        twin.in_proj_weight.copy_(projections[0])
        twin.in_proj_bias.copy_(projections[1])
        twin.out_proj.weight.copy_(weight)
        twin.out_proj.bias.copy_(attention.output.bias)
    return twin


def shaken(module: nn.Module, seed: int = 0) -> nn.Module:
    """Biases away from zero, so that a forgotten one shows."""
    with torch.no_grad():
        for number, weight in enumerate(module.parameters()):
            weight += 0.1 * randn(*weight.shape, seed=seed + number)
    return module


@pytest.mark.parametrize("tape", [None, Tape()])
def test_self_attention_equals_torch_in_output_weights_and_gradients(tape: Tape | None) -> None:
    attention = shaken(MultiHeadSelfAttention(12, 3))
    assert isinstance(attention, MultiHeadSelfAttention)
    twin, x, lengths = torch_twin(attention), randn(3, 5, 12), torch.tensor([5, 2, 4])
    hidden = ~padding_mask(lengths, 5)
    wanted, weights = twin(x, x, x, key_padding_mask=hidden, average_attn_weights=False)
    got, _ = attention(x, mask=key_mask(lengths, 5), tape=tape)
    close(got, wanted)
    if tape is not None:
        close(tape["weights"], weights)
    wanted.square().sum().backward()
    got.square().sum().backward()
    close(attention.qkv.weight.grad, twin.in_proj_weight.grad, 1e-4)
    close(attention.qkv.bias.grad, twin.in_proj_bias.grad, 1e-4)
    close(attention.output.weight.grad, twin.out_proj.weight.grad, 1e-4)


@pytest.mark.parametrize("tape", [None, Tape()])
def test_cross_attention_equals_torch_in_output_weights_and_gradients(tape: Tape | None) -> None:
    attention = shaken(MultiHeadCrossAttention(12, 3))
    assert isinstance(attention, MultiHeadCrossAttention)
    twin, lengths = torch_twin(attention), torch.tensor([6, 1])
    x, memory = randn(2, 4, 12), randn(2, 6, 12, seed=1)
    hidden = ~padding_mask(lengths, 6)
    wanted, weights = twin(x, memory, memory, key_padding_mask=hidden, average_attn_weights=False)
    got = attention(x, attention.remember(memory), mask=key_mask(lengths, 6), tape=tape)
    close(got, wanted)
    if tape is not None:
        close(tape["weights"], weights)
    wanted.square().sum().backward()
    got.square().sum().backward()
    ours = torch.cat([attention.query.weight.grad, attention.key_value.weight.grad])
    close(ours, twin.in_proj_weight.grad, 1e-4)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
@settings(max_examples=15)
def test_going_on_from_the_past_equals_one_longer_call(cuts: list[int]) -> None:
    attention = MultiHeadSelfAttention(8, 2).eval()
    x = randn(2, sum(cuts), 8)
    whole, _ = attention(x, causal=True)
    past, parts = attention.nothing(2), []
    for part in x.split(cuts, dim=1):
        got, past = attention(part, causal=True, past=past)
        parts.append(got)
    close(torch.cat(parts, dim=1), whole)
    assert past.length == sum(cuts)


def test_a_past_is_a_state_whose_rows_can_be_chosen() -> None:
    past = KeyValues(randn(3, 2, 4, 5), randn(3, 2, 4, 5, seed=1))
    chosen = select_rows(past, torch.tensor([2, 0, 2]))
    assert isinstance(chosen, KeyValues)
    assert torch.equal(chosen.keys, past.keys[[2, 0, 2]])
    assert append(None, past) is past


def test_a_misshapen_input_is_refused_under_test() -> None:
    with pytest.raises(TypeCheckError, match="Type-check error"):
        MultiHeadSelfAttention(8, 2)(torch.zeros(3, 8))
