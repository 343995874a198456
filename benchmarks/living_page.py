"""Measure the living page in Chromium on one core: size, first drawing, time after a key.

    taskset -c 0 python benchmarks/living_page.py

Networks have about six million weights, drawn from a seed, which takes as long as trained ones; the
sentence has 20 words. A key is counted from its event to the second frame after all was drawn. The
products are measured beside it by themselves: the kernel against plain JavaScript, in one run.
"""

import gzip
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import munmaek
from munmaek.folder.info import Info
from munmaek.folder.weights import make_network
from munmaek.look.living import living_model, living_page
from munmaek.models import stage_named
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.classify.objective import NeuralClassifier
from munmaek.tasks.lm.model import TrainedLanguageModel
from munmaek.tasks.lm.objective import NeuralLanguageModel
from munmaek.tasks.translate.model import Translator
from munmaek.text.tokenizers import Tokenizer, train_tokenizer

WORDS = 20
KEYS = 12
WARM = 3
PAUSE = 3000
SIZES: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "lstm": ("lm", "rnn", {"embedding": 512, "hidden": 600}),
    "transformer": (
        "lm",
        "transformer",
        {"dimension": 256, "heads": 8, "layers": 5, "feed_forward": 1024},
    ),
    "bert": (
        "classify",
        "bert",
        {"hidden_size": 256, "num_hidden_layers": 5, "num_attention_heads": 8},
    ),
    "attention": (
        "translate",
        "attention",
        {"embedding": 256, "hidden": 320, "encoder_hidden": 256},
    ),
}


def made(name: str, tokens: Tokenizer) -> Any:
    """Return a network of about six million weights, drawn from a seed."""
    task, stage, options = SIZES[name]
    config = stage_named(stage).config_class().of(options).model_dump()
    size = tokens.vocab_size
    sizes = {
        "lm": {"vocab_size": size},
        "classify": {"vocab_size": size, "label_count": 3},
        "translate": {"source_vocab": size, "target_vocab": size},
    }[task]
    network: Any = make_network(stage=stage, task=task, config=config, sizes=sizes, seed=1)
    network.eval()
    parameters = sum(each.numel() for each in network.parameters())
    info = Info(task, stage, name, config, sizes, parameters)
    makes = {
        "lm": lambda: TrainedLanguageModel(
            tokens, NeuralLanguageModel(network, tokens.bos, tokens.eos, size), info
        ),
        "classify": lambda: Classifier(tokens, NeuralClassifier(network), ("a", "b", "c"), info),
        "translate": lambda: Translator(tokens, tokens, network, info),
    }
    return makes[task]()


TYPED = """async (text) => {
  const area = document.querySelector("form.ask textarea");
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  const computed = new Promise((done) => {
    const watch = new PerformanceObserver((list) => {
      const own = list.getEntriesByName("munmaek:computed");
      if (own.length) { watch.disconnect(); done(own[0].duration); }
    });
    watch.observe({ type: "measure" });
  });
  const began = performance.now();
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(area, text);
  area.dispatchEvent(new Event("input", { bubbles: true }));
  const took = await computed;
  await frame();
  await frame();
  return [took, performance.now() - began];
}"""


def visited(browser: Any, path: Path, text: str) -> dict[str, float]:
    """Return the first drawing and a key, by the clock and in time of the page's threads.

    Their own time does not grow when others share the machine: that of the main thread is what a
    reader waits for, that of the process has also what paints. What is out of sight is drawn in a
    pause, which is measured by itself.
    """
    page = browser.new_page(viewport={"width": 1120, "height": 900})
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def spent(name: str = "ProcessTime") -> float:
        found = session.send("Performance.getMetrics")["metrics"]
        return next(each["value"] for each in found if each["name"] == name) * 1e3

    before = spent()
    page.goto(path.as_uri())
    page.wait_for_function("performance.getEntriesByName('munmaek:drawn').length > 0")
    opened = spent() - before
    first = page.evaluate("performance.getEntriesByName('munmaek:drawn')[0].startTime")
    for _ in range(WARM):
        page.evaluate(TYPED, f"{text} 가")
        page.evaluate(TYPED, text)
    page.wait_for_timeout(PAUSE)
    before, main = spent(), spent("TaskDuration")
    typed = [page.evaluate(TYPED, text + "가나다라"[at % 4] * (at + 1)) for at in range(KEYS)]
    key, main = (spent() - before) / KEYS, (spent("TaskDuration") - main) / KEYS
    paused = spent("TaskDuration")
    page.wait_for_timeout(PAUSE)
    paused = spent("TaskDuration") - paused
    computed, drawn = (statistics.median(each) for each in zip(*typed, strict=True))
    page.close()
    return {
        "first drawing, ms": first,
        "first drawing, CPU ms": opened,
        "key computed, ms": computed,
        "key drawn, ms": drawn,
        "key drawn, CPU ms": key,
        "key drawn, CPU ms of the main thread": main,
        "drawn in the pause after it, CPU ms of the main thread": paused,
    }


PRODUCTS = """(kernel) => {
  const [rows, m, k] = [20, 8000, 256];
  const shape = { shape: [m, k], type: "float32", at: 0 };
  const { tensorsOf, linear } = munmaekLive;
  const weight = tensorsOf({ tensors: { w: shape }, data: btoa("\\0".repeat(4 * m * k)) }).w;
  if (!kernel) weight.room.run = null;
  const x = new Float32Array(rows * k).fill(0.5);
  const times = Array.from({ length: 5 }, () => {
    const began = performance.now();
    linear(x, rows, weight);
    return performance.now() - began;
  });
  return (rows * m * k) / Math.min(...times) / 1e6;
}"""


def sizes() -> dict[str, int]:
    """Return the bytes of the page's script and style, compressed."""
    static = files("munmaek") / "web" / "static"
    names = ("living.js", "living.css", "old.js", "engine.js")
    return {name: len(gzip.compress((static / name).read_bytes(), 9)) for name in names}


def main() -> None:
    """Print one JSON object of all figures."""
    from playwright.sync_api import sync_playwright

    book = munmaek.phrasebook(pairs=1500, valid=20, test=20).train
    texts = [each.korean for each in book]
    tokens = train_tokenizer(texts, kind="bpe", vocab_size=4000)
    text = " ".join(" ".join(texts).split()[:WORDS])
    found: dict[str, Any] = {"compressed": sizes(), "words": WORDS}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as engine:
        browser = engine.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for name in sys.argv[1:] or SIZES:
            model = made(name, tokens)
            packed = living_model(model, name=name, precision="int8")
            path = Path(folder) / f"{name}.html"
            path.write_text(living_page([packed], title=name, example=text), encoding="utf-8")
            found[name] = {
                "weights": model.info.parameters,
                "page, bytes": path.stat().st_size,
                **visited(browser, path, text),
            }
        script = (files("munmaek") / "web" / "static" / "engine.js").read_text(encoding="utf-8")
        page = browser.new_page()
        page.evaluate(script + ";globalThis.munmaekLive = munmaekLive")
        found["products, 10^9 a second"] = {
            kind: page.evaluate(PRODUCTS, kind == "kernel") for kind in ("kernel", "plain")
        }
        browser.close()
    print(json.dumps(found, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
