"""Two models tested against each other on the same rows, by the command, for every task."""

import tarfile
from pathlib import Path
from typing import Any

import pytest

from conftest import Run
from munmaek.tasks import TASKS

GOLDEN = Path(__file__).parent / "golden" / "0.2.0.tar.xz"
PAIRS = {
    "lm": ("lm-rnn", "lm-ngram", ["ko.txt"]),
    "classify": ("classify-rnn", "classify-ngram", ["labelled.tsv"]),
    "regress": ("regress-rnn", "regress-bert", ["valued.tsv"]),
    "tag": ("tag-bert", "other-tag", ["tagged.tsv"]),
    "translate": ("translate-attention", "translate-seq2seq", ["ko.txt", "en.txt"]),
    "mlm": ("mlm-bert", "other-mlm", ["ko.txt"]),
    "embed": ("embed-bert", "mlm-bert", ["similar.tsv"]),
}
OTHERS = {"other-tag": ("tag", "tagged.tsv"), "other-mlm": ("mlm", "ko.txt")}
"""Of these tasks one stage was saved, so that another model of it is trained here."""
SMALL = ("--set", "model.hidden_size=16", "--set", "model.num_attention_heads=2",
         "--set", "model.num_hidden_layers=1", "--steps", "3", "--device", "cpu")  # fmt: skip


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("against")
    with tarfile.open(GOLDEN) as archive:
        archive.extractall(folder, filter="data")
    return folder / "0.2.0"


def test_a_pair_stands_here_for_every_task() -> None:
    assert list(PAIRS) == [row.name for row in TASKS]


@pytest.mark.filterwarnings("ignore::munmaek.errors.MunmaekWarning")
@pytest.mark.parametrize("task", PAIRS)
def test_two_models_are_tested_against_each_other_whichever_comes_first(
    task: str, saved: Path, run: Run
) -> None:
    first, second, files = PAIRS[task]
    data = [saved / "data" / f"test.{name}" for name in files]
    if second in OTHERS and not (saved / "models" / second).exists():
        kind, file = OTHERS[second]
        place = saved / "models" / second
        made = run("train", kind, saved / "data" / f"test.{file}", "--model", "bert", *SMALL,
                   "--tokenizer", saved / "models" / first, "-o", place)  # fmt: skip
        assert made.code == 0, made.err

    def tested(ours: str, theirs: str) -> dict[str, Any]:
        places = [saved / "models" / name for name in (ours, theirs)]
        found = run("evaluate", places[0], *data, "--against", places[1], "--json")
        assert found.code == 0, found.err
        return found.rows[0]

    one, other = tested(first, second), tested(second, first)
    assert one["against"]["names"] == [first, second]
    comparisons = one["against"]["comparisons"]
    assert comparisons.keys() == other["against"]["comparisons"].keys() != set()
    assert any(each["difference"] != 0 for each in comparisons.values())
    for name, each in comparisons.items():
        ours, theirs = one["scores"][name]["value"], other["scores"][name]["value"]
        assert each["difference"] == pytest.approx(ours - theirs)
        assert one["against"]["scores"][name]["value"] == pytest.approx(theirs)
        back = other["against"]["comparisons"][name]
        assert back["difference"] == pytest.approx(-each["difference"])
        assert each["low"] <= each["difference"] <= each["high"]
        assert all(0 < each[p] <= 1 for p in each if p.startswith("p_"))


def test_the_terminal_names_both_and_says_which_is_better(saved: Path, run: Run) -> None:
    places = [saved / "models" / f"classify-{stage}" for stage in ("rnn", "ngram")]
    table = saved / "data" / "test.labelled.tsv"
    found = run("evaluate", places[0], table, "--against", places[1])
    assert "classify-rnn against classify-ngram" in found.out
    assert "better: classify-ngram" in found.out
