"""How far work is: told by its loops, fitted into one line, shown where a person watches."""

import io
import itertools
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import munmaek
from conftest import Run
from munmaek import terminal
from munmaek.cli.board import _Rows, _Running
from munmaek.comparison.events import StageProgress, StageStarted, TimeLeft
from munmaek.progress import Step, followed, listening_to
from munmaek.terminal import fitted

LABELS = ("lines", "bert (mlm)", "한국어 이름의 모델 (translate)", "x" * 200)
PARTS = (
    [],
    ["3.2 s left"],
    ["1 h 03 min left", "loss 12.345", "validation 12.345 nats", "1,234,567 tokens/s"],
    ["1,234,567"],
)


@pytest.mark.parametrize("width", [20, 30, 40, 59, 60, 79, 120, 200])
def test_a_line_never_wraps_nor_cuts_a_number(width: int) -> None:
    for label, parts, fraction in itertools.product(LABELS, PARTS, [None, 0.0, 0.37, 1.0]):
        line = fitted(label, fraction, parts, width)
        if width >= 30:
            assert terminal._wide(line) <= width, line
            if fraction is not None:
                assert f"{100 * fraction:3.0f} %" in line
            if parts:
                assert parts[0] in line
        for part in parts:
            number = part.split(" ")[0]
            assert number in line or not re.search(rf"{re.escape(number[:3])}\S*…", line)


def test_at_sixty_columns_the_time_left_stays_and_less_wanted_numbers_go() -> None:
    line = fitted("transformer (translate)", 0.5, PARTS[2], 60)
    assert line.endswith(" 50 %  1 h 03 min left, loss 12.345")
    assert "━━━" in fitted("rnn (lm)", 0.5, PARTS[1], 60)


def test_nobody_listens_at_no_cost() -> None:
    rows = [1, 2]
    assert followed(rows, "rows") is rows


def test_a_loop_within_refines_the_one_around_it() -> None:
    told: list[Step] = []
    with listening_to(told.append):
        for _ in followed([1, 3], "lines", total=4, size=float):
            for _ in followed(range(2), "texts"):
                pass
    # Halves of the item of 1, the whole, halves of the item of 3, the whole.
    assert [step.done for step in told] == [0.5, 1.0, 1.0, 2.5, 4.0, 4.0]
    assert {step.name for step in told} == {"lines"}
    assert [step.fraction for step in told][-1] == 1.0


def test_the_time_left_is_that_of_the_pace_so_far() -> None:
    assert Step("lines", 25, 100, 10.0).seconds_left == pytest.approx(30.0)
    assert Step("lines", 25, None, 10.0).seconds_left is None
    assert Step("lines", 0, 100, 10.0).seconds_left is None


def test_a_loop_that_is_left_early_is_forgotten() -> None:
    told: list[Step] = []
    with listening_to(told.append):
        for each in followed(range(10), "first"):
            if each == 2:
                break
        for _ in followed(range(2), "second"):
            pass
    assert [step.name for step in told[-2:]] == ["second", "second"]
    assert told[-1].fraction == 1.0


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _watched(monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    """Standard error of 60 columns that a person watches, from the first moment on."""
    screen = _Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(terminal, "PATIENCE", 0.0)
    monkeypatch.setattr(terminal, "OFTEN", 0.0)
    return screen


BERT: dict[str, Any] = {
    "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8
}  # fmt: skip


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model and a classifier, tiny."""
    from munmaek.pipeline import train_recipe
    from munmaek.tasks.recipe import Recipe

    folder = tmp_path_factory.mktemp("progress")
    lines = [f"{a} {b} {c}" for a in "abcd" for b in "efg" for c in "hi"]
    (folder / "t.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "t.tsv").write_text("".join(f"{x}\t{x[0]}\n" for x in lines), encoding="utf-8")
    tiny: dict[str, Any] = {"embedding": 8, "hidden": 8}
    for task, file, stage in (
        ("lm", "t.txt", "rnn"),
        ("classify", "t.tsv", "rnn"),
        ("translate", "t.txt", "attention"),
        ("mlm", "t.txt", "bert"),
    ):
        model = {**tiny, "encoder_hidden": 8} if stage == "attention" else tiny
        kind = "words"
        if stage == "bert":
            model, kind = BERT, "bpe"
        recipe = Recipe(
            task=task, stage=stage, tokenizer=kind, vocab_size=300, model=model, train={"steps": 2}
        )
        paths = [folder / file] * (2 if task == "translate" else 1)
        train_recipe(recipe, paths, folder=folder / task)
    train_recipe(
        Recipe(task="lm", stage="ngram", tokenizer="words", model={"smoothing": "witten-bell"}),
        [folder / "t.txt"],
        folder=folder / "ngram",
    )
    return folder


def _commands(models: Path, out: Path) -> list[list[object]]:
    text, table = models / "t.txt", models / "t.tsv"
    return [
        ["evaluate", models / "lm", text],
        ["evaluate", models / "lm", text, "--cache", "--dynamic", "--tune", text],
        ["evaluate", models / "classify", table],
        ["evaluate", models / "translate", text, text],
        ["classify", models / "classify", text],
        ["score", models / "lm", text],
        ["translate", models / "translate", text],
        ["align", models / "translate", text, text],
        ["align", "--aligner", "hmm", text, text],
        ["mix", models / "lm", models / "lm", "--tune", text, "-o", out / "mixed"],
        ["verify", models / "lm"],
        ["export", models / "mlm", "--to", "huggingface", "-o", out / "huggingface"],
        ["export", models / "mlm", "--to", "onnx", "-o", out / "graph.onnx"],
        ["export", models / "ngram", "--to", "quantised", "-o", out / "quantised"],
        ["export", models / "ngram", "--to", "arpa", "-o", out / "lm.arpa"],
    ]


@pytest.mark.parametrize("number", range(15))
def test_commands_show_how_far_they_are_in_sixty_columns(
    models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    from munmaek.cli import main

    command = _commands(models, tmp_path)[number]
    watched = _watched(monkeypatch)
    assert main([str(each) for each in command]) == 0
    drawn = [each for each in re.split(r"\r|\x1b\[K", watched.getvalue()) if "%" in each]
    assert drawn, command
    assert all(terminal._wide(line) < 60 for line in drawn if "\n" not in line)
    assert any("left" in line for line in drawn)
    if command[0] == "export":  # of several loops within one another
        shares = [int(share) for line in drawn for share in re.findall(r"(\d+) %", line)]
        assert shares == sorted(shares)
        assert len(set(shares)) > 1
    assert terminal._drawn is False


def test_nothing_is_drawn_where_nobody_watches(models: Path, run: Run) -> None:
    done = run("evaluate", models / "lm", models / "t.txt")
    assert done.code == 0
    assert "\r" not in done.err
    assert "%" not in done.err


def test_the_board_fits_sixty_columns() -> None:
    from rich.console import Console

    out = io.StringIO()
    shown = Console(file=out, width=60, force_terminal=False)
    running = _Running(60)
    running.take(StageStarted("a", "translate", "a transformer of a long name", 3700.0))
    running.take(StageProgress("a", 0.37, 12.345))
    running.take(TimeLeft(0.5, 3700.0, 7400.0))
    shown.print(running.render())
    score = {"value": 12.345, "unit": "of 100", "low": 11.1, "high": 13.2, "signature": ""}
    row = {
        "task": "translate", "label": "a transformer of a long name", "context": "many heads",
        "scores": {"bleu": score}, "train_seconds": 3700.0, "bytes": 123_456_789,
    }  # fmt: skip
    shown.print(_Rows(60).drawn(row))
    lines = out.getvalue().split("\n")
    assert all(len(line) <= 60 for line in lines)
    whole = " ".join(out.getvalue().split())
    for number in ("37 %", "of about 1 h 01 min", "50 %", "1 h 01 min left", "12.35 BLEU"):
        assert number in whole


class Cell:
    """A notebook's cell: outputs by their names, as IPython keeps them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.outputs: dict[str, str] = {}
        self.seen: list[str] = []
        shell = SimpleNamespace(kernel=object())
        package, module = ModuleType("IPython"), ModuleType("IPython.display")
        vars(package).update(get_ipython=lambda: shell, display=module)
        vars(module).update(display=self.display, update_display=self.update)
        monkeypatch.setitem(sys.modules, "IPython", package)
        monkeypatch.setitem(sys.modules, "IPython.display", module)

    def display(self, content: dict[str, str], *, raw: bool, display_id: str) -> None:
        assert raw
        assert display_id not in self.outputs
        self.outputs[display_id] = content["text/plain"]
        self.seen.append(content["text/plain"])

    def update(self, content: dict[str, str], *, raw: bool, display_id: str) -> None:
        assert raw
        assert display_id in self.outputs
        self.outputs[display_id] = content["text/plain"]
        self.seen.append(content["text/plain"])


def test_in_a_notebook_one_output_shows_how_far_training_is_and_is_empty_in_the_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(terminal, "OFTEN", 0.0)
    cell = Cell(monkeypatch)
    texts, labels = ["좋은 영화", "나쁜 책"] * 20, ["a", "b"] * 20
    small = {"model_options": {"embedding_size": 4, "hidden_size": 4}, "vocab_size": 280}
    for _ in range(2):
        munmaek.train("classify", texts, labels, model="rnn", steps=3, device="cpu", **small)
    assert list(cell.outputs.values()) == ["", ""]
    assert "reading the data" in cell.seen[0]
    assert any("loss" in each and "100 %" in each for each in cell.seen)
    assert capsys.readouterr().err == ""
