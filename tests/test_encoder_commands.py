"""The encoder from the command line, on a small folder in Hugging Face's form."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from munmaek.cli import main
from munmaek.pipeline import train_recipe
from munmaek.tasks.publishing import export_huggingface
from munmaek.tasks.recipe import Recipe

TEXTS = ["나는 학교에 간다", "너는 집에 간다", "나는 집에 있다", "너는 학교에 있다"] * 6


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("commands")
    (folder / "text.txt").write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    recipe = Recipe(
        task="mlm", stage="bert", vocab_size=300, train={"steps": 2},
        model={"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
               "intermediate_size": 48},
    )  # fmt: skip
    torch.manual_seed(0)
    model = train_recipe(recipe, [folder / "text.txt"], folder=folder / "bert")
    export_huggingface(model, folder / "theirs")
    return folder


def test_vectors_of_a_file_are_written_as_they_come(place: Path) -> None:
    text, array = str(place / "text.txt"), place / "vectors.npy"
    for precision in ("float32", "int8"):
        command = ["embed", str(place / "theirs"), text, "-o", str(array), "--force"]
        assert main([*command, "--precision", precision]) == 0
        vectors = np.load(array)
        assert vectors.shape == (24, 32)
        assert vectors.dtype == np.float32
        assert np.isfinite(vectors).all()
    assert main(["embed", str(place / "theirs"), text, "--precision", "int4"]) == 2


def test_a_search_gives_the_query_itself_first(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["search", str(place / "theirs"), str(place / "text.txt"), "나는 집에 있다"]
    assert main([*command, "--top", "2", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["text"] for row in rows] == ["나는 집에 있다"] * 2
    assert [row["line"] for row in rows] == [3, 7]
    assert rows[0]["cosine"] == pytest.approx(1.0, abs=1e-5)


def test_a_dry_run_says_what_it_will_cost_and_leaves_nothing(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(place.iterdir())
    command = ["train", "mlm", str(place / "text.txt"), "--model", "bert", "--epochs", "2",
               "--vocab-size", "300", "--dry-run", "--json"]  # fmt: skip
    assert main([*command, "--init", str(place / "theirs")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["epochs"] == pytest.approx(2.0)
    assert found["memory"] == found["parameters"] * 16
    assert found["tokens_per_second"] > 0
    assert found["seconds"] == pytest.approx(2 * found["tokens"] / found["tokens_per_second"])
    assert [each["processes"] for each in found["shares"]] == [2, 4, 8]
    # Of two processes each sends half of its gradients, and then half of the sum.
    assert found["shares"][0]["bytes_per_step"] == 4 * found["parameters"]
    assert sorted(place.iterdir()) == before


def test_a_published_folder_fills_scores_and_begins_a_classifier(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = str(place / "theirs")
    assert main(["fill", theirs, "나는 <mask> 간다", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["candidates"]) == 5
    labelled = "\n".join(f"{text}\t{text[0]}" for text in TEXTS)
    (place / "labels.tsv").write_text(f"text\tlabel\n{labelled}\n", encoding="utf-8")
    settings = place / "short.toml"
    settings.write_text("[train]\nsteps = 3\n", encoding="utf-8")
    command = ["train", "classify", str(place / "labels.tsv"), "--model", "bert", "--init", theirs]
    assert main([*command, "-o", str(place / "labels"), "--config", str(settings)]) == 0
    assert json.loads((place / "labels" / "config.json").read_text())["hidden_size"] == 32


def test_an_export_takes_the_whole_place_of_a_model_or_leaves_it(place: Path) -> None:
    model, output = place / "bert", place / "again"
    shutil.copytree(model, output)
    command = ["export", str(model), "--to", "huggingface", "-o", str(output)]
    before = sorted(path.name for path in output.iterdir())
    assert main(command) == 2
    assert sorted(path.name for path in output.iterdir()) == before
    assert main([*command, "--force"]) == 0
    names = sorted(path.name for path in output.iterdir())
    assert names == sorted(path.name for path in (place / "theirs").iterdir())
    assert not list(place.glob(".again*"))
    shutil.rmtree(output)
