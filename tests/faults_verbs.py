"""Every command that writes, on small data, for ``faults_support``."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import faults_acts
import munmaek
from faults_support import Verb
from munmaek.align import MarkedPair, append_marks, read_marks, tokenizer_hash
from munmaek.cli import main
from munmaek.folder.manifest import read_manifest
from munmaek.tasks.loading import load
from munmaek.writing import LEFT

IMPORTS = (
    "munmaek.tasks.lm.exchange",
    "munmaek.tasks.publishing",
    "munmaek.comparison.run",
    "faults_acts",
    "munmaek.look",
    "munmaek.pipeline",
    "munmaek.tasks.loading",
    "munmaek.tasks.lm.ngrams",
    "munmaek.tasks.lm.ngrams_on_disk",
    "torch._dynamo",  # which optimisers load when they first step
)

_STEPS = "[train]\nsteps = 2\nvalidations = 1\n"
_BERT = (
    "[model]\nhidden_size = 16\nnum_hidden_layers = 1\nnum_attention_heads = 2\n"
    "intermediate_size = 16\n"
)
_STACK = "[model]\ndimension = 8\nheads = 2\nlayers = 1\nfeed_forward = 8\n"
_RNN = "[model]\nembedding = 8\nhidden = 8\n"


class Verbs:
    """The data and the models that commands are tried on, each made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        many = munmaek.phrasebook(pairs=300, valid=20, test=20).train[:120]
        book = many[:40]
        self._lines("ko.txt", [each.korean for each in book])
        self._lines("en.txt", [each.english for each in book])
        for name, rows in (("labels.tsv", book), ("many.tsv", many)):
            self._lines(name, ["text\tlabel", *(f"{x.korean}\t{x.label}" for x in rows)])
        sts = [f"{x.korean}\t{x.korean}\t{float(n % 5)}" for n, x in enumerate(book)]
        self._lines("sts.tsv", ["text\tsecond\tlabel", *sts])
        tags = [
            f"{w}\t{'B-A' if n % 5 == 0 else 'O'}" for n in range(20) for w in ("나는", "간다", "")
        ]
        self._lines("tags.tsv", [line if line.split("\t")[0] else "" for line in tags])
        self._lines("many.txt", [each.korean for each in many])
        self._lines("few.txt", [each.korean for each in book[:8]])
        self._lines("few-en.txt", [each.english for each in book[:8]])
        self._lines(
            "soft.jsonl",
            [
                json.dumps({"text": x.korean, "probabilities": {book[0].label: 1.0}})
                for x in book[:8]
            ],
        )
        self._lines(
            "docs.txt",
            [
                line
                for n, x in enumerate(book)
                for line in ([x.korean, ""] if n % 4 == 3 else [x.korean])
            ],
        )
        self._lines("rnn.toml", [_STEPS + _RNN])
        self._lines("bert.toml", [_STEPS + _BERT])
        self._lines("stack.toml", [_STEPS + _STACK])
        self._lines("steps.toml", [_STEPS])

    def _lines(self, name: str, lines: list[str]) -> None:
        path = self.folder / name
        if not path.exists():  # another process may be reading it
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def at(self, name: str) -> str:
        return str(self.folder / name)

    def made(self, name: str, *arguments: str, main: Callable[[list[str]], int] = main) -> Path:
        """What a command writes to ``name``, once."""
        place = self.folder / name
        if not place.exists():
            with redirect_stdout(StringIO()), redirect_stderr(StringIO()) as said:
                code = main([*arguments, "-o", str(place)])
            assert code == 0, said.getvalue()
        return place

    def model(self, name: str, *arguments: str) -> Verb:
        """A command that writes a model's folder over an older one."""
        old = self.made(name, *arguments)
        return Verb(
            name,
            [*arguments, "-o", "out", "--force"],
            "out",
            old,
            _opens,
            ("out.partial", "out.runs"),
        )

    def file(self, name: str, *arguments: str) -> Verb:
        """A command that writes a file, the same each time."""
        old = self.made(name, *arguments)
        return Verb(name, [*arguments, "-o", name, "--force"], name, old, _same_as(old))

    def rows(self, name: str, *arguments: str) -> Verb:
        """A command that writes rows, which ``--resume`` goes on with."""
        return replace(self.file(name, *arguments), beside=(f"{name}.partial",))

    def text(self, name: str, *arguments: str) -> Verb:
        """A command that prints, the same each time."""
        with redirect_stdout(StringIO()) as printed, redirect_stderr(StringIO()) as said:
            code = main(list(arguments))
        assert code == 0, said.getvalue()
        return Verb(f"print {name}", arguments, "printed", printed=printed.getvalue().encode())

    @property
    def ngram(self) -> tuple[str, ...]:
        return ("train", "lm", self.at("ko.txt"), "--model", "ngram", "--tokenizer", "words")

    @property
    def mlm(self) -> tuple[str, ...]:
        config = self.at("bert.toml")
        return ("train", "mlm", self.at("ko.txt"), "--model", "bert", "--config", config)

    def small(self) -> Iterator[Verb]:
        """Those without a network."""
        ngram = str(self.made("ngram", *self.ngram))
        arpa = str(self.made("lm.arpa", "export", ngram, "--to", "arpa"))
        yield self.model("ngram", *self.ngram)
        yield self.model("on-disk", *self.ngram, "--memory", "400M", "--temp-dir", "tmp")
        yield self.model("imported", "import", arpa)
        yield self.file("lm.arpa", "export", ngram, "--to", "arpa")
        yield self.file("lm.arpa.gz", "export", ngram, "--to", "arpa")
        for form in ("compact", "quantised", "fast"):
            yield self.model(form, "export", ngram, "--to", form)
        for form in ("compact", "quantised"):
            yield self.model(f"import {form}", "import", arpa, "--form", form)
        yield self.model("added", "add", ngram, self.at("few.txt"))
        yield self.model("mixed", "mix", ngram, ngram, "--tune", self.at("few.txt"))
        fuse = ("--weights", "0.5,0.5", "--fuse")
        yield self.model("fused", "mix", ngram, str(self.made("imported", "import", arpa)), *fuse)
        binary = Path(__file__).with_name("kenlm_binaries") / "probing.bin"
        yield self.model("import binary", "import", str(binary))
        kept = ("filter", ngram, self.at("many.txt"), "--keep", "50%", "--unique")
        filtered = self.file("kept.tsv", *kept, "--write-scores")
        yield replace(filtered, beside=("kept.tsv.partial",))

    def networks(self) -> Iterator[Verb]:
        """Those that train a network, and those that use one."""
        ko, en, rnn = (self.at(x) for x in ("ko.txt", "en.txt", "rnn.toml"))
        mlm = str(self.made("mlm", *self.mlm))
        begun = ("--model", "bert", "--init", mlm, "--config", self.at("steps.toml"))
        yield self.model("mlm", *self.mlm)
        yield self.model("lm-rnn", "train", "lm", ko, "--model", "rnn", "--config", rnn)
        labels = self.at("labels.tsv")
        yield self.model("classify", "train", "classify", labels, "--model", "rnn", "--config", rnn)
        yield self.model("regress", "train", "regress", self.at("sts.tsv"), "--pairs", *begun)
        yield self.model("tag", "train", "tag", self.at("tags.tsv"), *begun)
        yield self.model("embed", "train", "embed", ko, *begun)
        yield self.model(
            "translate", "train", "translate", ko, en, "--model", "attention", "--config", rnn
        )
        seeds = ("--seeds", "0 1", "--config", rnn)
        yield self.model("seeds", "train", "classify", labels, "--model", "rnn", *seeds)
        yield from self.written(mlm)
        yield self.compared()
        yield from self.variants()
        yield from self.published_tasks()
        yield from self.marked()
        yield from self.resumed()
        yield from self.printed()
        yield from self.others()

    def variants(self) -> Iterator[Verb]:
        """Training with what writes more than a model, or another model."""
        ko, labels, rnn = (self.at(x) for x in ("ko.txt", "labels.tsv", "rnn.toml"))
        classify = ("train", "classify", labels)
        rnns = ("--model", "rnn", "--config", rnn)
        network = (*classify, *rnns)
        yield self.model("classify ngram", *classify, "--model", "ngram")
        stack = ("--model", "transformer", "--config", self.at("stack.toml"))
        yield self.model("lm stack", "train", "lm", ko, *stack)
        if find_spec("tensorboard") is not None:
            board = ("--model", "rnn", "--config", rnn, "--tensorboard")
            yield self.model("board", "train", "lm", ko, *board)
        yield self.model("curve", *network, "--curve", "20,all")
        held = ("--calibrate", "--hold-out", "100")
        yield self.model("calibrated", "train", "classify", self.at("many.tsv"), *rnns, *held)
        yield self.model("soft", *network, "--soft-labels", self.at("soft.jsonl"))
        documents = ("train", "mlm", self.at("docs.txt"), "--model", "bert", "--next-sentence")
        yield self.model("next sentence", *documents, "--config", self.at("bert.toml"))
        one = str(self.made("classify ngram", *classify, "--model", "ngram"))
        two = str(self.made("classify", *network))
        tuned = ("--log-linear", "--tune", labels)
        yield self.model("mixed classifier", "mix", one, two, *tuned)

    @property
    def steps(self) -> tuple[str, ...]:
        return ("--config", self.at("steps.toml"))

    def trained(self) -> dict[str, str]:
        """A small model of each task, by its name."""
        ko, en, rnn = (self.at(x) for x in ("ko.txt", "en.txt", "rnn.toml"))
        mlm = str(self.made("mlm", *self.mlm))
        begun = ("--model", "bert", "--init", mlm, *self.steps)
        made = {
            "bert": ("train", "classify", self.at("labels.tsv"), *begun),
            "regress": ("train", "regress", self.at("sts.tsv"), "--pairs", *begun),
            "tag": ("train", "tag", self.at("tags.tsv"), *begun),
            "embed": ("train", "embed", ko, *begun),
            "translate": ("train", "translate", ko, en, "--model", "attention", "--config", rnn),
            "ngram": self.ngram,
        }
        found = {name: str(self.made(name, *arguments)) for name, arguments in made.items()}
        return {"mlm": mlm, **found}

    def written(self, mlm: str) -> Iterator[Verb]:
        """What is written for others."""
        few = self.at("few.txt")
        yield self.published("huggingface", mlm)
        yield self.file("graph.onnx", "export", mlm, "--to", "onnx")
        yield self.rows("vectors.npy", "embed", mlm, few)
        yield self.rows("vectors.jsonl", "embed", mlm, few)
        yield self.file("page.html", "look", mlm, "나는 학교에 간다")

    def published(self, name: str, model: str) -> Verb:
        """A model as a folder of Hugging Face's."""
        arguments = ["export", model, "--to", "huggingface"]
        old = self.made(name, *arguments)
        return Verb(name, [*arguments, "-o", "out", "--force"], "out", old, _opens)

    def published_tasks(self) -> Iterator[Verb]:
        """Each task's model in the forms that it has for others."""
        trained = self.trained()
        for task in ("bert", "regress", "tag", "embed"):
            yield self.published(f"huggingface {task}", trained[task])
        yield self.file("labels.onnx", "export", trained["bert"], "--to", "onnx")
        int8 = ("--precision", "int8")
        vectors = self.rows("int8.npy", "embed", trained["embed"], self.at("ko.txt"), *int8)
        assert vectors.old is not None
        # Where a matrix lies in memory decides how its products are rounded.
        yield replace(vectors, whole=partial(_is_near, wanted=np.load(vectors.old)), cold=True)

    def marked(self) -> Iterator[Verb]:
        """What the viewer writes, and training on it."""
        translator, ko, en = self.trained()["translate"], self.at("ko.txt"), self.at("en.txt")
        marks = self._marks(Path(translator))
        words = ("나는 간다", "I go")
        yield Verb(
            "mark", [translator, "marks.jsonl", *words], "marks.jsonl", marks,
            lambda path: _have_marks(path, (3, 4)), program="faults_acts:mark",
        )  # fmt: skip
        guided = ["guided", "--guide", str(marks), "--model", "attention"]
        rnn = ("--config", self.at("rnn.toml"), "--init", translator)
        yield self.model(guided[0], "train", "translate", ko, en, *guided[1:], *rnn)
        yield Verb(
            "guide in the viewer", [translator, str(marks), ko, en, "report.txt"], "report.txt",
            program="faults_acts:guide", cold=True,
        )  # fmt: skip
        texts = ("--target", "I go", "-o", "page.html", "--force")
        page = self.made("links.html", "look", translator, "나는 간다", "--target", "I go")
        yield Verb(
            "links page", ["look", translator, "나는 간다", *texts], "page.html", page,
            _same_as(page),
        )  # fmt: skip

    def _marks(self, translator: Path) -> Path:
        model: Any = load(translator)
        path = self.folder / "marks.jsonl"
        if not path.exists():
            rows = zip(*(self._read(name) for name in ("few.txt", "few-en.txt")), strict=True)
            pairs = [MarkedPair(one, two, frozenset({(0, 0)})) for one, two in list(rows)[:3]]
            digest = tokenizer_hash(model.source_tokenizer, model.target_tokenizer)
            append_marks(path, pairs, tokenizer=digest)
        return path

    def _read(self, name: str) -> list[str]:
        return (self.folder / name).read_text(encoding="utf-8").splitlines()

    def printed(self) -> Iterator[Verb]:
        """What is printed, into a file."""
        trained, few, ko = self.trained(), self.at("few.txt"), self.at("many.txt")
        ngram, bert, translator = trained["ngram"], trained["bert"], trained["translate"]
        yield self.text("score", "score", ngram, ko)
        yield self.text("score tokens", "score", ngram, ko, "--tokens", "--json")
        yield self.text("classify", "classify", bert, ko)
        yield self.text("classify json", "classify", bert, ko, "--json")
        yield self.text("rate", "rate", trained["regress"], self.at("sts.tsv"), "--pairs")
        yield self.text("tag", "tag", trained["tag"], ko)
        yield self.text("translate", "translate", translator, few)
        yield self.text("align", "align", translator, few, self.at("few-en.txt"))
        yield self.text(
            "aligner", "align", "--aligner", "hmm", self.at("ko.txt"), self.at("en.txt")
        )
        yield self.text("embed", "embed", trained["embed"], ko)
        yield self.text("search", "search", trained["embed"], ko, "간다")
        yield self.text("fill", "fill", trained["mlm"], "나는 <mask> 간다")
        yield self.text("generate", "generate", ngram, "-n", "5", "--seed", "1")
        yield self.text("next", "next", ngram, "나는")
        yield self.text("lookup", "lookup", ngram)
        yield self.text("evaluate", "evaluate", bert, self.at("labels.tsv"), "--json")
        yield self.text("look", "look", trained["mlm"], "나는 간다", "--json")
        yield self.text("data", "data", "list")

    def resumed(self) -> Iterator[Verb]:
        """What was killed in the middle, and goes on."""
        often = "[train]\nsteps = 4\nvalidations = 4\ncheckpoint_every = 1e-9\n"
        self._lines("often.toml", [often + _RNN])
        rnn = ("--model", "rnn", "--config", self.at("often.toml"))
        saved = "checkpoints/step-*/*"
        train = ("train", "lm", self.at("few.txt"), *rnn)
        yield self.going_on("resume", f"out.partial/{saved}", _opens, *train)
        labels = ("train", "classify", self.at("labels.tsv"), "--seeds", "0 1", *rnn)
        yield self.going_on("resume seeds", f"out.runs/*/{saved}", _opens, *labels)
        both = ("--models", "ngram,rnn", *self.steps)
        compare = ("compare", self.at("few.txt"), *both)
        yield self.going_on("resume comparison", "out.partial/models/*", _is_report, *compare)

    def going_on(
        self, name: str, seen: str, whole: Callable[[Path], None], *arguments: str
    ) -> Verb:
        """A command that goes on with what was killed once that had made ``seen``."""
        place = self.folder / name
        if not place.exists():
            work = self.folder / f"{name}.part"
            work.mkdir()
            act = f"import sys; sys.path[:0] = {sys.path!r}; import faults_acts; faults_acts.killed"
            command = f"{act}({[seen, *arguments, '-o', 'out']!r})"
            ended = subprocess.run([sys.executable, "-c", command], cwd=work, capture_output=True)
            assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()
            work.rename(place)
        around = {each.name: each for each in place.iterdir() if not each.name.startswith(".")}
        return Verb(
            name, [*arguments, "-o", "out", "--resume"], "out", None, whole, tuple(around),
            around=around, again=True,
        )  # fmt: skip

    def fetched(self) -> Verb:
        return Verb(
            "fetched", [self.at("ko.txt"), "-o", "data"], "data",
            whole=partial(_is_fetched, wanted=self.folder / "ko.txt"), program="faults_acts:fetch",
        )  # fmt: skip

    def others(self) -> Iterator[Verb]:
        """A fetched data set, and the demonstration."""
        yield self.fetched()
        folder = self.made("demo", main=faults_acts.demo)
        yield Verb(
            "demo", ["-o", "out", "--force"], "out", folder, _is_demonstration, ("out.partial",),
            program="faults_acts:demo",
        )  # fmt: skip

    def compared(self) -> Verb:
        """Two stages side by side."""
        models = ("--models", "ngram,rnn", "--config", self.at("steps.toml"))
        arguments = ("compare", self.at("few.txt"), *models)
        old = self.made("compared", *arguments)
        return Verb(
            "compare",
            [*arguments, "-o", "out", "--force"],
            "out",
            old,
            _is_report,
            ("out.partial",),
        )


def _opens(folder: Path) -> None:
    load(folder)


def _same_as(old: Path) -> Callable[[Path], None]:
    wanted = old.read_bytes()

    def check(path: Path) -> None:
        assert path.read_bytes() == wanted, "other bytes"

    return check


def _is_near(path: Path, *, wanted: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(np.load(path), wanted, atol=1e-5)


def _is_report(folder: Path) -> None:
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert report.rstrip().endswith("</html>"), "the report is not whole"
    # A lock whose removal failed is a hidden file of no bytes.
    models = [each for each in (folder / "models").iterdir() if not each.name.startswith(".")]
    assert len(models) == 2, sorted(each.name for each in models)
    for model in models:
        read_manifest(model)


def _is_demonstration(folder: Path) -> None:
    assert (folder / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    rows = json.loads((folder / "results.json").read_text(encoding="utf-8"))["models"]
    saved = {model.name for model in (folder / "models").iterdir()}
    assert saved == {row["name"] for row in rows} - {"lm-mixture"}
    for name in saved:
        read_manifest(folder / "models" / name)


def _have_marks(path: Path, counts: tuple[int, ...]) -> None:
    assert len(read_marks(path)) in counts


def _is_fetched(folder: Path, *, wanted: Path) -> None:
    for path in folder.rglob("*"):
        if not path.is_dir() and not LEFT.fullmatch(path.name):  # which the next run removes
            assert path.name == wanted.name, f"{path.name} is left"
            assert path.read_bytes() == wanted.read_bytes(), "other bytes"
