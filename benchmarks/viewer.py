"""How fast the viewer draws: 12 layers × 12 heads × 128 tokens, 100 × 100 words, 512 tokens.

    python benchmarks/viewer.py

Needs Chromium and playwright (the dev extra). Weights are made up (softmax of random scores): what
is timed is the page, not a model. Prints one JSON object: sizes in bytes, times in milliseconds.

    page            size of the file, and from navigation to two frames after the first drawing
    grid            from asking for the part to the last of its 144 heads on the screen
    hover           the handler's own time for a move to another cell, and frames a second
    long            512 tokens: the longest task of the main thread while all is scrolled past
"""

import gzip
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

import munmaek
from munmaek.look.packing import pack_float16, pack_uint8
from munmaek.look.page import page

RNG = np.random.default_rng(0)


class Written:
    def __init__(self, record: dict[str, Any]) -> None:
        self._text = json.dumps(record, ensure_ascii=False)

    def to_json(self) -> str:
        return self._text


def weights(heads: int, tokens: int) -> Any:
    scores = np.exp(3 * RNG.standard_normal((heads, tokens, tokens)))
    return (scores / scores.sum(-1, keepdims=True)).astype(np.float32)


def record(layers: int, heads: int, tokens: int, *, small: bool) -> Written:
    names = [f"낱말{at}" for at in range(tokens)]
    side = {
        "pieces": names,
        "words": list(range(tokens)),
        "special": [False] * tokens,
        "surface": names,
    }
    pack = pack_uint8 if small else pack_float16
    tensors = {f"{at}": pack(weights(heads, tokens)).to_json() for at in range(layers)}
    attentions = [
        {
            "name": f"layer.{at}.self",
            "part": "self",
            "layer": at,
            "heads": heads,
            "tensor": f"{at}",
            "rows": "source",
            "columns": "source",
            "causal": False,
            "reading": None,
            "stepper": None,
            "summary": {"entropy": [2.0] * heads, "roles": ["broad"] * heads},
        }
        for at in range(layers)
    ]
    about = {"munmaek_record": 2, "id": f"{layers}x{heads}x{tokens}", "model": "m", "label": "BERT"}
    task = {"task": "mlm", "stage": "bert", "text": " ".join(names), "source": side, "output": None}
    empty = {"logprobs": [], "filled": [], "gates": [], "measures": {}, "outcome": {}}
    parts = {"target": None, "tensors": tensors, "attentions": attentions}
    return Written({**about, **task, **empty, **parts})


GRID = """async () => {
  const began = performance.now();
  const parts = [...document.querySelectorAll("section.part")];
  parts.find((each) => each.id.includes("heads")).scrollIntoView();
  const frame = () => new Promise(requestAnimationFrame);
  const blank = () =>
    [...document.querySelectorAll(".heads canvas")].some((each) => each.width === 300);
  while (!document.querySelector(".heads")) await frame();
  const rows = [...document.querySelectorAll(".heads button:nth-child(48n)")];
  for (let turn = 0; turn < 600 && blank(); turn++) {
    rows[turn % rows.length].scrollIntoView();
    await frame();
  }
  return blank() ? null : performance.now() - began;
}"""

HOVER = """async () => {
  const stack = document.querySelector("figure .stack");
  stack.scrollIntoView({ block: "start" });
  await new Promise(requestAnimationFrame);
  const box = stack.getBoundingClientRect();
  const times = [];
  let frames = 0;
  const began = performance.now();
  for (let at = 0; at < 300; at++) {
    const clientX = box.left + 80 + ((at * 37) % (box.width - 90));
    const clientY = box.top + 80 + ((at * 53) % (Math.min(box.height, 700) - 90));
    const before = performance.now();
    stack.dispatchEvent(new PointerEvent("pointermove", { clientX, clientY, bubbles: true }));
    times.push(performance.now() - before);
    await new Promise(requestAnimationFrame);
    frames += 1;
  }
  return [times, (1000 * frames) / (performance.now() - began)];
}"""

LONG = """async () => {
  let longest = 0;
  new PerformanceObserver((list) => {
    for (const each of list.getEntries()) longest = Math.max(longest, each.duration);
  }).observe({ type: "longtask", buffered: true });
  for (let y = 0; y < document.body.scrollHeight; y += 300) {
    scrollTo(0, y);
    await new Promise(requestAnimationFrame);
  }
  await new Promise((done) => setTimeout(done, 500));
  return longest;
}"""


def opened(browser: Any, folder: Path, shown: Written) -> tuple[Any, int, float]:
    path = folder / "page.html"
    path.write_text(page([shown], title="speed"), encoding="utf-8")  # pyright: ignore
    tab = browser.new_page(viewport={"width": 1280, "height": 900}, locale="en")
    tab.goto(path.as_uri())
    tab.wait_for_function("() => performance.getEntriesByName('munmaek:drawn').length")
    first = tab.evaluate("() => performance.getEntriesByName('munmaek:drawn')[0].startTime")
    return tab, path.stat().st_size, first


def bundle() -> int:
    static = Path(munmaek.__file__).parent / "web" / "static"
    return sum(
        len(gzip.compress((static / each).read_bytes(), 9)) for each in ("viewer.js", "viewer.css")
    )


def main() -> None:
    chromium = shutil.which("chromium") or sys.exit("chromium is not installed")
    found: dict[str, Any] = {"bundle_gzip_bytes": bundle()}
    with sync_playwright() as engine, tempfile.TemporaryDirectory() as place:
        browser = engine.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        folder = Path(place)
        tab, size, first = opened(browser, folder, record(12, 12, 128, small=True))
        grid = tab.evaluate(GRID)
        found["12x12x128"] = {"page_bytes": size, "first_drawn_ms": first, "grid_ms": grid}
        tab.close()
        tab, size, _ = opened(browser, folder, record(1, 1, 100, small=False))
        tab.wait_for_selector("figure .stack")
        times, rate = tab.evaluate(HOVER)
        found["hover_100x100"] = {
            "handler_median_ms": statistics.median(times),
            "handler_worst_ms": max(times),
            "frames_a_second": rate,
        }
        tab.close()
        tab, size, first = opened(browser, folder, record(4, 4, 512, small=True))
        found["4x4x512"] = {
            "page_bytes": size,
            "first_drawn_ms": first,
            "longest_task_ms": tab.evaluate(LONG),
        }
        browser.close()
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
