"""Matrix products and attention on this processor: each way that torch has, side by side.

    python benchmarks/products.py [--threads 1]

Products: GFLOP/s of float32 by torch's own choice of library, of float32 by oneDNN and of
bfloat16, with the largest error against float64 as a share of the mean magnitude. Attention,
forward and backward over sentences of one length (4 heads of 64): milliseconds of CPU of torch's
fused kernel and of two products for the whole batch, in bfloat16 and in float32 by oneDNN.
"""

import argparse
import time
from collections.abc import Callable
from contextlib import nullcontext

import torch
import torch.nn.functional as F

from munmaek.nn import attention, products

SHAPES = [(4096, 256, 1024), (1024, 768, 768), (1000, 400, 1600), (64, 200, 800), (20, 200, 200)]
SENTENCES = [(256, 8), (128, 16), (64, 32), (34, 60), (16, 128), (4, 512)]
SECONDS = 0.4
"""That each figure is measured for."""


def seconds(work: Callable[[], object]) -> float:
    """CPU-seconds of one call."""
    for _ in range(2):
        work()
    began, calls = time.process_time(), 0
    while time.process_time() - began < SECONDS:
        work()
        calls += 1
    return (time.process_time() - began) / calls


def product(rows: int, inner: int, columns: int) -> None:
    left, weight = torch.randn(rows, inner), torch.randn(columns, inner)
    exact = left.double() @ weight.double().t()
    cells: list[str] = []
    for setting, dtype in (
        ("none", torch.float32),
        ("bf16", torch.float32),
        ("none", torch.bfloat16),
    ):
        torch.backends.mkldnn.matmul.fp32_precision = setting
        one, two = left.to(dtype), weight.to(dtype)
        speed = 2e-9 * rows * inner * columns / seconds(lambda a=one, b=two: F.linear(a, b))
        error = (F.linear(one, two).double() - exact).abs().max() / exact.abs().mean()
        cells.append(f"{speed:5.0f} ({float(error):.0e})")
    torch.backends.mkldnn.matmul.fp32_precision = "none"
    print(f"{f'{rows} x {inner} x {columns}':<20}", *(f"{cell:>18}" for cell in cells))


def attend(rows: int, length: int, dtype: torch.dtype, *, by_products: bool) -> float:
    parts = [torch.randn(rows, 4, length, 64, dtype=dtype, requires_grad=True) for _ in range(3)]

    def work() -> None:
        context = (
            attention._by_products(*parts)
            if by_products
            else F.scaled_dot_product_attention(*parts)
        )
        torch.autograd.grad(context, parts, torch.ones_like(context))

    with products.fast_products() if by_products else nullcontext():
        return 1e3 * seconds(work)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    torch.set_num_threads(parser.parse_args().threads)
    torch.manual_seed(0)
    print(f"float32 products are better by oneDNN here: {products.onednn_is_better()}")
    names = ("float32, torch's", "float32, oneDNN", "bfloat16")
    print(f"{'GFLOP/s (error)':<20}", *(f"{name:>18}" for name in names))
    for shape in SHAPES:
        product(*shape)
    for dtype in (torch.bfloat16, torch.float32):
        print(f"attention in {str(dtype).removeprefix('torch.')}, ms: fused kernel, by products")
        for rows, length in SENTENCES:
            fused = attend(rows, length, dtype, by_products=False)
            whole = attend(rows, length, dtype, by_products=True)
            print(
                f"  {rows:4} sentences of {length:3}: {fused:6.2f} {whole:6.2f}  "
                f"{fused / whole:5.2f} times"
            )


if __name__ == "__main__":
    main()
