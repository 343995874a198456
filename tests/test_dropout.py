"""Dropout of single numbers."""

import pytest
import torch

from munmaek.nn.dropout import Dropout, dropout


@pytest.fixture
def _aside():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@pytest.mark.usefixtures("_aside")
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_given_share_is_zeroed_and_the_mean_stays(rate: float) -> None:
    x = torch.ones(1000, 999)
    kept = dropout(x, rate)
    # Standard deviation of the share over 999,000 draws: at most 0.0005.
    assert float((kept == 0).float().mean()) == pytest.approx(rate, abs=0.0025)
    assert float(kept.mean()) == pytest.approx(1.0, abs=0.0025 / (1 - rate))
    assert kept.unique().numel() == 2


@pytest.mark.usefixtures("_aside")
def test_what_is_kept_is_divided_by_the_rounded_share() -> None:
    # 0.9 of 65,536 is 58,982.4, so 58,982 of 65,536 values are kept.
    assert float(dropout(torch.ones(64), 0.1).max()) == pytest.approx(65536 / 58982, rel=1e-6)


@pytest.mark.usefixtures("_aside")
@pytest.mark.parametrize("shape", [(), (0, 4), (3, 5), (2, 3, 7)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_gradient_passes_where_the_number_did(
    shape: tuple[int, ...], dtype: torch.dtype
) -> None:
    x = torch.ones(shape, dtype=dtype, requires_grad=True)
    y = dropout(x, 0.3)
    y.sum().backward()
    assert (y.shape, y.dtype) == (x.shape, dtype)
    assert torch.equal(x.grad, y.detach())


@pytest.mark.usefixtures("_aside")
def test_neighbours_are_dropped_independently() -> None:
    kept = (dropout(torch.ones(400_000), 0.5) > 0).float() - 0.5
    for distance in (1, 2, 3, 4, 8):
        # A product of ±0.25 over 400,000 pairs has a standard error of 0.0004.
        assert abs(float((kept[:-distance] * kept[distance:]).mean())) < 0.002


def test_the_same_seed_drops_the_same_numbers() -> None:
    drawn = []
    for _ in range(2):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            drawn.append(dropout(torch.ones(50), 0.4))
    assert torch.equal(*drawn)


def test_nothing_is_dropped_in_evaluation_or_at_a_rate_of_zero() -> None:
    x, before = torch.randn(4, 4), torch.get_rng_state()
    assert Dropout(0.5).eval()(x) is x
    assert Dropout(0.0).train()(x) is x
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.usefixtures("_aside")
def test_a_rate_next_to_one_or_zero_is_left_to_torch() -> None:
    x = torch.ones(100)
    assert torch.equal(dropout(x, 1e-7), x / (1 - 1e-7))
    assert float(dropout(x, 1.0).abs().sum()) == 0.0
