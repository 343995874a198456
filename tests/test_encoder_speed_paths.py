"""Every fast way of encoding gives the vectors of the plain one."""

import numpy as np
import pytest
import torch

from munmaek.errors import UnsupportedError
from munmaek.models.bert import BertBaseNetwork, BertConfig, BertMaskedNetwork
from munmaek.models.bert import int8 as bert_int8
from munmaek.models.bert.unpadded import unpad
from munmaek.tasks.mlm.encode import encode_rows, prepare
from munmaek.tasks.mlm.objective import embed_rows

CLASSIC = BertConfig(
    hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=96,
    max_position_embeddings=40, initializer_range=0.1,
)  # fmt: skip
MODERN = CLASSIC.model_copy(
    update={"norm_first": True, "positions": "rotary", "gated": True, "bias": False}
)
RNG = np.random.default_rng(0)
ROWS = [RNG.integers(0, 50, size).tolist() for size in (5, 31, 9, 5, 1, 17, 31, 2, 40)]


def network(config: BertConfig) -> BertBaseNetwork:
    torch.manual_seed(0)
    return BertBaseNetwork(config, vocab_size=50).eval()


def cosines(one: np.ndarray, two: np.ndarray) -> np.ndarray:
    return (one * two).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(two, axis=1)


@pytest.mark.parametrize("config", [CLASSIC, MODERN], ids=["classic", "modern"])
def test_without_padding_as_with_it_alone_and_in_the_callers_order(config: BertConfig) -> None:
    model = network(config)
    alone = np.concatenate([embed_rows(model, [row]) for row in ROWS])
    with torch.inference_mode():
        for row, vector in zip(ROWS, alone, strict=True):
            ids, length = torch.tensor([[*row, 0, 0][:40]]), torch.tensor([len(row)])
            padded = model.encoder.padded(ids, length)[0, : len(row)].mean(0)
            np.testing.assert_allclose(vector, padded.numpy(), atol=2e-6)
    for budget in (1, 50, 4096):
        got = encode_rows(prepare(model.encoder), ROWS, max_tokens=budget)
        np.testing.assert_allclose(got, alone, atol=2e-6)
    first = encode_rows(prepare(model.encoder), ROWS, pooling="first")
    np.testing.assert_allclose(first, embed_rows(model, ROWS, pooling="first"), atol=2e-6)


def test_gradients_without_padding_are_those_under_a_mask() -> None:
    torch.manual_seed(0)
    model = BertMaskedNetwork(CLASSIC, vocab_size=50)
    model.eval()  # no dropout, gradients all the same
    ids = torch.randint(0, 50, (3, 9))
    lengths = torch.tensor([9, 4, 7])
    weight = torch.randn(3, 9, 64) * (torch.arange(9) < lengths[:, None])[..., None]
    grads = []
    for run in (model.encoder.forward, model.encoder.padded):
        model.zero_grad()
        (run(ids, lengths) * weight).sum().backward()
        grads.append({n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None})
    assert grads[0].keys() == grads[1].keys()
    for name, grad in grads[0].items():
        torch.testing.assert_close(grad, grads[1][name], atol=2e-5, rtol=1e-4)


def test_bfloat16_and_int8_stay_near_float32() -> None:
    model = network(CLASSIC)
    want = encode_rows(prepare(model.encoder), ROWS)
    half = encode_rows(prepare(model.encoder, precision="bfloat16"), ROWS)
    assert cosines(half, want).min() > 0.9995
    whole = encode_rows(prepare(model.encoder, precision="int8"), ROWS)
    assert cosines(whole, want).min() > 0.995
    assert not np.array_equal(whole, want)


def test_int8_refuses_a_form_that_it_does_not_know() -> None:
    with pytest.raises(UnsupportedError, match="classic BERTs"):
        prepare(network(MODERN).encoder, precision="int8")


def test_the_integer_product_is_the_plain_one() -> None:
    torch.manual_seed(1)
    rows = RNG.integers(0, 256, (7, 64)).astype(np.uint8)
    for options in ({}, {"zero": 0, "shift": 0.17}):
        layer = bert_int8.Int8Linear(torch.nn.Linear(64, 48), **options)
        if layer.packed is None:
            pytest.skip("this torch has no integer product")
        np.testing.assert_allclose(layer(rows), layer.plain(rows), rtol=1e-5, atol=1e-5)


def test_rounding_keeps_half_a_step_and_zero_is_exact() -> None:
    x = RNG.normal(size=(5, 64)).astype(np.float32)
    x[2] = 0.0
    x[3, 7] = -50.0
    coded, scales = bert_int8.quantise(x)
    back = (coded.astype(np.float32) - 128) * scales[:, None]
    assert (np.abs(back - x) <= scales[:, None] * 0.5001).all()
    assert (coded[2] == 128).all()


def test_the_fused_passes_are_what_torch_computes() -> None:
    raw = RNG.normal(size=(6, 64)).astype(np.float32) * 3
    scales, bias = RNG.random(6).astype(np.float32), RNG.normal(size=64).astype(np.float32)
    linear = torch.from_numpy(raw * scales[:, None] + bias)
    coded, steps = bert_int8._gelu(raw.copy(), scales, bias)
    want = torch.nn.functional.gelu(linear).numpy()
    got = coded * steps[:, None] - 0.17
    assert (np.abs(got - want) <= steps[:, None] * 0.51 + 1e-5).all()
    x = RNG.normal(size=(6, 64)).astype(np.float32)
    weight, shift = RNG.random(64).astype(np.float32), RNG.random(64).astype(np.float32)
    factors = RNG.random(64).astype(np.float32) + 0.5
    out, coded, steps = bert_int8._add_norm(
        x, raw.copy(), scales, bias, weight, shift, np.float32(1e-12), factors
    )
    back = (coded.astype(np.float32) - 128) * steps[:, None] / factors
    assert (np.abs(back - out) <= steps[:, None] / factors * 0.51 + 1e-5).all()
    norm = torch.nn.functional.layer_norm(
        torch.from_numpy(x) + linear,
        (64,),
        torch.from_numpy(weight),
        torch.from_numpy(shift),
        1e-12,
    )
    np.testing.assert_allclose(out, norm.numpy(), atol=2e-5)


def test_a_batch_laid_end_to_end_has_runs_of_equal_lengths() -> None:
    rows = unpad(torch.tensor([3, 1, 3]), 4)
    assert rows.spans == [(0, 1, 1), (1, 2, 3)]
    assert rows.cells.tolist() == [4, 0, 1, 2, 8, 9, 10]
    assert rows.positions.tolist() == [0, 0, 1, 2, 0, 1, 2]


def test_a_few_large_dimensions_leave_the_others_their_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in trained encoders: some outputs of LayerNorm are many times larger than the rest."""
    model = network(CLASSIC)
    with torch.no_grad():
        for layer in model.encoder.layers:
            for norm in (layer.attention_norm, layer.output_norm):
                norm.weight[:2] = 40.0
            layer.attention.qkv.weight[:, :2] /= 40
            layer.intermediate.weight[:, :2] /= 40
    want = encode_rows(prepare(model.encoder), ROWS)[:, 2:]
    got = encode_rows(prepare(model.encoder, precision="int8"), ROWS)[:, 2:]
    monkeypatch.setattr(bert_int8, "_shared", lambda seen, _: torch.ones_like(seen))
    rough = encode_rows(prepare(model.encoder, precision="int8"), ROWS)[:, 2:]
    assert cosines(got, want).min() > 0.999
    assert 1 - cosines(got, want).min() < 0.3 * (1 - cosines(rough, want).min())
