"""Living models in a small engine of JavaScript, without a browser."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from munmaek.look.living import living_model
from munmaek.text.living import living_tokenizer

SCRIPT = """
const models = {};
function told(value) {
  return JSON.stringify(value, (key, each) => {
    const number = (one) => (Number.isFinite(one) ? one : null);
    if (ArrayBuffer.isView(each)) return Array.from(each, number);
    if (each instanceof String) return String(each);
    return each instanceof Map ? Object.fromEntries(each) : each;
  });
}
function opened(name, weights) {
  models[name] = munmaekLive.load(JSON.parse(weights));
  return true;
}
function asked(name, method, given) {
  return told(models[name][method](...JSON.parse(given)));
}
function chances(name, context) {
  return Array.from(models[name].inner.chain.distribution(context), Math.exp);
}
function multiplied(given, x, kernel) {
  const { w } = munmaekLive.tensorsOf(JSON.parse(given));
  if (kernel !== Boolean(w.room.run)) w.room.run = null;
  return Array.from(munmaekLive.linear(Float32Array.from(x), x.length / w.columns, w));
}
function tokenizers(name, described) {
  models[name] = new munmaekLive.Tokenizer(JSON.parse(described));
  return true;
}
"""


class Engine:
    """Models that compute in V8."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.opened: dict[str, str] = {}

    def open(self, name: str, model: Any, precision: Any = "float32") -> "Living":
        """Load ``model`` under a name, once."""
        if name not in self.opened:
            made = living_model(model, name=name, precision=precision)
            self.inner.call("opened", name, made.json)
            self.opened[name] = made.json
        return Living(self, name)

    def tokenizer(self, name: str, tokenizer: Any) -> "Living":
        """Load a tokenizer under a name."""
        described = json.dumps(living_tokenizer(tokenizer, name), ensure_ascii=False)
        self.inner.call("tokenizers", name, described)
        return Living(self, name)

    def known(self, name: str) -> "Living":
        """Return what was loaded under a name."""
        return Living(self, name)

    def ask(self, name: str, method: str, *given: Any) -> Any:
        return json.loads(self.inner.call("asked", name, method, json.dumps(given)))


class Living:
    """One of them."""

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.name = name

    def __getattr__(self, method: str) -> Any:
        def ask(*given: Any) -> Any:
            return self.engine.ask(self.name, method, *given)

        return ask


@contextmanager
def engine() -> Generator[Engine]:
    """Start V8 with the page's engine; skips where there is none."""
    racer = pytest.importorskip("py_mini_racer", reason="the extra 'figures' is not installed")
    inner = racer.MiniRacer()
    try:
        path = files("munmaek") / "web" / "static" / "engine.js"
        inner.eval(path.read_text(encoding="utf-8"))
        inner.eval(SCRIPT)
        yield Engine(inner)
    finally:
        inner.close()


def tensor(record: Any, name: str) -> np.ndarray[Any, Any]:
    """Return a tensor of a living model's record."""
    found = record["tensors"][name]
    values = [np.nan if each is None else each for each in found["values"]]
    return np.array(values).reshape(found["shape"])
