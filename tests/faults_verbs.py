"""Every command that writes, on small data, for ``faults_support``."""

from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import munmaek
from faults_support import Verb
from munmaek.cli import main
from munmaek.folder.manifest import read_manifest
from munmaek.tasks.loading import load

IMPORTS = (
    "munmaek.tasks.lm.exchange",
    "munmaek.tasks.publishing",
    "munmaek.comparison.run",
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
_RNN = "[model]\nembedding = 8\nhidden = 8\n"


class Verbs:
    """The data and the models that commands are tried on, each made when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        book = munmaek.phrasebook(pairs=300, valid=20, test=20).train[:120]
        self._lines("ko.txt", [each.korean for each in book])
        self._lines("en.txt", [each.english for each in book])
        self._lines("labels.tsv", ["text\tlabel", *(f"{x.korean}\t{x.label}" for x in book)])
        sts = [f"{x.korean}\t{x.korean}\t{float(n % 5)}" for n, x in enumerate(book)]
        self._lines("sts.tsv", ["text\tsecond\tlabel", *sts])
        tags = [
            f"{w}\t{'B-A' if n % 5 == 0 else 'O'}" for n in range(60) for w in ("나는", "간다", "")
        ]
        self._lines("tags.tsv", [line if line.split("\t")[0] else "" for line in tags])
        self._lines("few.txt", [each.korean for each in book[:8]])
        self._lines("rnn.toml", [_STEPS + _RNN])
        self._lines("bert.toml", [_STEPS + _BERT])
        self._lines("steps.toml", [_STEPS])

    def _lines(self, name: str, lines: list[str]) -> None:
        (self.folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")

    def at(self, name: str) -> str:
        return str(self.folder / name)

    def made(self, name: str, *arguments: str) -> Path:
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
        yield self.model("compact", "export", ngram, "--to", "compact")
        yield self.model("added", "add", ngram, self.at("few.txt"))
        yield self.model("mixed", "mix", ngram, ngram, "--tune", self.at("few.txt"))

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

    def written(self, mlm: str) -> Iterator[Verb]:
        """What is written for others."""
        few = self.at("few.txt")
        old = self.made("huggingface", "export", mlm, "--to", "huggingface")
        arguments = ["export", mlm, "--to", "huggingface", "-o", "out", "--force"]
        yield Verb("huggingface", arguments, "out", old, _opens)
        yield self.file("graph.onnx", "export", mlm, "--to", "onnx")
        yield self.file("vectors.npy", "embed", mlm, few)
        yield self.file("vectors.jsonl", "embed", mlm, few)
        yield self.file("page.html", "look", mlm, "나는 학교에 간다")

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


def _is_report(folder: Path) -> None:
    assert (folder / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert len(list((folder / "models").iterdir())) == 2
    for model in (folder / "models").iterdir():
        read_manifest(model)
