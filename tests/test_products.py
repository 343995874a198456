"""Float32 products by oneDNN: as exact as MKL's, and nothing stays switched."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from munmaek.nn import attention, products
from munmaek.nn.attention import scaled_dot_product
from munmaek.nn.products import (
    fast_products,
    inference,
    onednn_is_better,
    onednn_is_exact,
    onednn_is_on,
)

HIDDEN = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])[:, None, None]


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "onednn_is_better", lambda: True)


@pytest.mark.usefixtures("onednn")
def test_the_setting_is_as_it_was_afterwards() -> None:
    before = onednn_is_on()
    with fast_products():
        assert onednn_is_on()
        with fast_products():
            pass
        assert onednn_is_on()
    assert onednn_is_on() == before
    with pytest.raises(ValueError, match="within"), fast_products():
        raise ValueError("within")
    assert onednn_is_on() == before


@pytest.mark.usefixtures("onednn")
def test_two_that_overlap_leave_the_setting_as_it_was() -> None:
    before = onednn_is_on()
    first, second = fast_products(), fast_products()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert onednn_is_on()
    second.__exit__(None, None, None)
    assert onednn_is_on() == before


@pytest.mark.usefixtures("onednn")
def test_inference_switches_gradients_off_and_products_on() -> None:
    @inference()
    def states() -> tuple[bool, bool]:
        return torch.is_inference_mode_enabled(), onednn_is_on()

    assert states() == states() == (True, True)
    assert not torch.is_inference_mode_enabled()


def test_where_it_is_not_better_nothing_is_switched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "onednn_is_better", lambda: False)
    before = onednn_is_on()
    with fast_products():
        assert onednn_is_on() == before


@pytest.mark.parametrize(
    ("capability", "processor", "exact", "better"),
    [
        ("AVX512", "vendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC", True, True),
        ("AVX512", "AMD64 Family 25 Model 97 Stepping 2, AuthenticAMD", True, True),
        ("AVX512", "vendor_id\t: AuthenticAMD", False, False),
        ("AVX2", "vendor_id\t: AuthenticAMD", True, False),
        ("AVX512", "vendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R)", True, False),
        ("DEFAULT", "arm", True, False),
    ],
)
def test_the_processor_decides_which_library_multiplies(
    monkeypatch: pytest.MonkeyPatch, capability: str, processor: str, exact: bool, better: bool
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)
    monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: True)
    monkeypatch.setattr(products, "_processor", lambda: processor)
    monkeypatch.setattr(products, "onednn_is_exact", lambda: exact)
    assert onednn_is_better.__wrapped__() == better


@pytest.mark.usefixtures("onednn")
@pytest.mark.skipif(not onednn_is_exact(), reason="oneDNN is absent, or rounds to bfloat16 here")
@pytest.mark.parametrize("shape", [(1, 7, 3), (20, 200, 800), (64, 64, 64), (700, 400, 33)])
def test_products_are_those_of_float64_within_float32s_rounding(
    shape: tuple[int, int, int],
) -> None:
    rows, inner, columns = shape
    left, right = drawn(rows, inner), drawn(inner, columns, seed=1)
    exact = left.double() @ right.double()
    with fast_products():
        for product in (
            left @ right,
            left.T.contiguous().T @ right,
            F.linear(left, right.T.contiguous()),
            torch.baddbmm(left.new_zeros(1, 1, 1), left[None], right[None], beta=0)[0],
        ):
            # Each of ``inner`` sums rounds by 2⁻²⁴; bfloat16 would miss by 2⁻⁹ of each factor.
            assert float((product.double() - exact).abs().max()) < 5e-7 * inner + 1e-6


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("mask", [None, HIDDEN])
@pytest.mark.parametrize("causal", [False, True])
def test_attention_by_products_equals_the_fused_kernel(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, mask: Tensor | None, causal: bool
) -> None:
    def outcome(by_products: bool) -> list[Tensor]:
        monkeypatch.setattr(attention, "_in_parts", lambda *_: by_products)
        parts = [drawn(2, 3, 5, 8, seed=seed).to(dtype).requires_grad_() for seed in range(3)]
        context = scaled_dot_product(*parts, mask=mask, causal=causal)
        context.float().square().sum().backward()
        return [context.detach(), *(part.grad for part in parts if part.grad is not None)]

    tolerance = 1e-5 if dtype == torch.float32 else 0.06
    for ours, kernel in zip(outcome(True), outcome(False), strict=True):
        torch.testing.assert_close(ours, kernel, atol=tolerance, rtol=tolerance)


def test_attention_holds_no_more_scores_than_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "_by_products", None)
    long = drawn(1, 1, 1025, 4).bfloat16()
    assert scaled_dot_product(long, long, long).shape == long.shape
