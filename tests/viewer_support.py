"""Small trained models, their records, and a browser that may ask nobody but this machine."""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvicorn

import munmaek
from munmaek.look import Looking, capture, page
from munmaek.look.pairs import Pairs
from munmaek.look.workbench import NamedModel, Workbench
from munmaek.pipeline import train_recipe
from munmaek.tasks.loading import load
from munmaek.tasks.recipe import Recipe
from munmaek.web import app, bind

SENTENCE = "나는 학교에서 친구와 책을 읽는다"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
AXE = Path(__file__).parent.parent / "frontend" / "node_modules" / "axe-core" / "axe.min.js"

BERT = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
}

NETWORKS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "lm-rnn": ("lm", "rnn", {"embedding": 24, "hidden": 24}),
    "lm-transformer": (
        "lm",
        "transformer",
        {"dimension": 32, "heads": 2, "layers": 2, "feed_forward": 48},
    ),
    "translate-seq2seq": ("translate", "seq2seq", {"embedding": 24, "hidden": 24}),
    "translate-attention": (
        "translate",
        "attention",
        {"embedding": 24, "hidden": 24, "encoder_hidden": 16},
    ),
    "translate-transformer": (
        "translate",
        "transformer",
        {"dimension": 32, "heads": 2, "layers": 2, "feed_forward": 48},
    ),
    "mlm-bert": ("mlm", "bert", BERT),
    "classify-attention": ("classify", "attention", {"embedding": 24, "encoder_hidden": 16}),
    "regress-bert": ("regress", "bert", BERT),
    "tag-bert": ("tag", "bert", BERT),
    "embed-bert": ("embed", "bert", BERT),
}


def trained(folder: Path) -> dict[str, Path]:
    """Models of every kind that the viewer shows, each a few steps from its beginning."""
    book = munmaek.phrasebook(pairs=300, valid=20, test=20).train
    files = {"ko": folder / "ko.txt", "en": folder / "en.txt"}
    files["ko"].write_text("".join(f"{each.korean}\n" for each in book), encoding="utf-8")
    files["en"].write_text("".join(f"{each.english}\n" for each in book), encoding="utf-8")
    rows = {
        "labels.tsv": ["text\tlabel", *(f"{each.korean}\t{each.label}" for each in book)],
        "values.tsv": ["text\tlabel", *(f"{each.korean}\t{len(each.korean)}" for each in book)],
        "tags.tsv": [
            line
            for each in book
            for line in (
                *(f"{w}\t{'PLACE' if '에' in w else 'O'}" for w in each.korean.split()),
                "",
            )
        ],
    }
    for name, lines in rows.items():
        (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    data = {
        "translate": [files["ko"], files["en"]],
        "classify": [folder / "labels.tsv"],
        "regress": [folder / "values.tsv"],
        "tag": [folder / "tags.tsv"],
    }
    made = {"lm-ngram": folder / "lm-ngram"}
    counted = Recipe(task="lm", stage="ngram", vocab_size=400, keep_text=True)
    train_recipe(counted, [files["ko"]], folder=made["lm-ngram"])
    for name, (task, stage, config) in NETWORKS.items():
        recipe = Recipe(
            task=task,
            stage=stage,
            vocab_size=400,
            model=config,
            train={"steps": 8, "validations": 1},
        )
        train_recipe(recipe, data.get(task, [files["ko"]]), folder=folder / name)
        made[name] = folder / name
    return made


def records(folders: dict[str, Path]) -> dict[str, Any]:
    """A record of every model on one sentence, and BERT on pairs."""
    models = {name: load(folder) for name, folder in folders.items()}
    texts = dict.fromkeys(models, SENTENCE)
    texts["mlm-bert"] = SENTENCE.replace("친구와", "<mask>")
    made = {
        name: capture(models[name], texts[name], name=name, how=Looking(beam=3, gold=_gold(name)))
        for name in models
    }
    made["pair"] = capture(models["mlm-bert"], "나는 <mask> 간다", name="pair", pair="너는 온다")
    made["alike"] = capture(models["embed-bert"], "나는 집에 간다", name="alike", pair="너는 온다")
    return made


def _gold(name: str) -> Any:
    links = {"sure": [[0, 0]], "possible": [[1, 0]], "forbidden": []}
    return links if name in ("translate-attention", "translate-transformer") else None


def write_page(path: Path, *shown: Any, title: str = "models/ko-en") -> str:
    """The page of ``shown`` as a file; its address."""
    path.write_text(page(shown, title=title), encoding="utf-8")
    return path.as_uri()


class Raw:
    """A record given as its JSON, for what no small model computes."""

    def __init__(self, text: str) -> None:
        self._text = text

    def to_json(self) -> str:
        return self._text


@contextmanager
def served(folder: Path, marks: Path, *, count: int = 4) -> Iterator[str]:
    """A viewer of the translator in ``folder`` behind a server; its address."""
    book = munmaek.phrasebook(pairs=300, valid=20, test=20 if count <= 20 else count).test
    pairs = Pairs(
        "phrasebook",
        tuple(each.korean for each in book[:count]),
        tuple(each.english for each in book[:count]),
    )
    bench = Workbench(
        [NamedModel("ko-en", load(folder), folder)], pairs=pairs, marks=marks, example=SENTENCE
    )
    with _answering(bench) as address:
        yield address


@contextmanager
def served_alone(folder: Path) -> Iterator[str]:
    """A viewer of any one model; its address."""
    with _answering(
        Workbench([NamedModel(folder.name, load(folder), folder)], example=SENTENCE)
    ) as at:
        yield at


@contextmanager
def served_model(model: Any) -> Iterator[str]:
    """A viewer of a model without a folder, with the example that suits it; its address."""
    with _answering(Workbench([NamedModel("model", model)])) as at:
        yield at


@contextmanager
def _answering(bench: Workbench) -> Iterator[str]:
    boot = {"live": True, "api": "/api"}
    try:
        with serving(
            lambda port: app(bench, lambda: page([], title="ko-en", boot=boot), port=port)
        ) as at:
            yield at
    finally:
        bench.close()


@contextmanager
def serving(application: Callable[[int], Any]) -> Iterator[str]:
    """The address of an application, which is made for its port and answers meanwhile."""
    listener = bind(0)
    port = listener.getsockname()[1]
    config = uvicorn.Config(application(port), log_level="error", access_log=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.should_exit = True
        thread.join()


class Visit:
    """A page that is open, with all that went wrong and all that it asked for."""

    def __init__(self, browser: Any, *, width: int = 1120, **options: Any) -> None:
        options = {"locale": "en", "viewport": {"width": width, "height": 900}, **options}
        self.context = browser.new_context(accept_downloads=True, **options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)  # a machine may be busy
        self.outside: list[str] = []
        self.problems: list[str] = []
        self.context.route("**/*", self._route)
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("dialog", lambda dialog: self.problems.append(f"dialog {dialog.message}"))
        self.page.on(
            "console",
            lambda said: self.problems.append(said.text) if said.type == "error" else None,
        )

    def _route(self, route: Any) -> None:
        at = urlsplit(route.request.url)
        if at.scheme in ("file", "data", "blob") or at.hostname == "127.0.0.1":
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()

    def open(self, address: str) -> "Visit":
        self.page.goto(address)
        self.page.wait_for_selector("#app main")
        return self

    def all_drawn(self) -> "Visit":
        """Everything drawn, also what is far down: as for a printer, then as the eye would."""
        self.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        self.page.evaluate(
            """async () => {
              for (let turn = 0; turn < 6 && document.querySelector(".waiting"); turn++) {
                await new Promise((done) => setTimeout(done, 30));
                window.dispatchEvent(new Event("beforeprint"));
              }
              for (let y = 0; y < document.body.scrollHeight; y += 1500) {
                window.scrollTo(0, y);
                await new Promise((done) => requestAnimationFrame(done));
              }
              await new Promise((done) => setTimeout(done, 120));
              window.scrollTo(0, 0);
            }"""
        )
        return self

    def download(self, click: Any, folder: Path) -> Path:
        with self.page.expect_download() as expected:
            click()
        path = folder / expected.value.suggested_filename
        expected.value.save_as(path)
        return path

    def close(self) -> None:
        self.context.close()
        assert self.outside == [], self.outside
        assert self.problems == [], self.problems


@contextmanager
def chromium() -> Iterator[Any]:
    """Debian's Chromium; the reason is said where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt-get install chromium fonts-nanum")
    with playwright.sync_playwright() as engine:
        # Root, as in a container, has no sandbox of its own to drop to.
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()
