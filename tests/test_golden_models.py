"""Models that earlier versions saved open today and give the scores they gave then.

``golden/VERSION.tar.xz`` holds what ``benchmarks/identity.py`` made with that version: a small
model for every task and stage, in every form, the test data, and the scores.
"""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import Run

GOLDEN = Path(__file__).parent / "golden"
DATA = {
    "lm": ["ko.txt"],
    "classify": ["labelled.tsv"],
    "regress": ["valued.tsv"],
    "tag": ["tagged.tsv"],
    "translate": ["ko.txt", "en.txt"],
    "mlm": ["ko.txt"],
    "embed": ["similar.tsv"],
}
ONE_OF_THIRTY_ROWS = 0.04
"""A tie that rounding decides may move a count by one where another processor adds otherwise."""


@pytest.fixture(scope="module", params=["0.1.0", "0.2.0"])
def saved(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of models, data and scores of one version."""
    folder = tmp_path_factory.mktemp("golden")
    with tarfile.open(GOLDEN / f"{request.param}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / request.param


def values(scores: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Every score by name, however the JSON around it is built."""
    if isinstance(scores, dict):
        if isinstance(scores.get("value"), int | float):
            yield name, scores["value"]
        for key, each in scores.items():
            yield from values(each, key)
    elif isinstance(scores, list):
        for each in scores:
            yield from values(each, name)


def tolerance(name: str) -> float:
    counted = ("accuracy", "f1", "precision", "recall", "bleu", "chrf", "ter")
    return ONE_OF_THIRTY_ROWS if any(part in name for part in counted) else 1e-3


def test_models_of_earlier_versions_open_and_give_the_same_scores(saved: Path, run: Run) -> None:
    expected = json.loads((saved / "scores.json").read_text(encoding="utf-8"))
    for name, scores in expected.items():
        files = [saved / "data" / f"test.{file}" for file in DATA[name.split("-")[0]]]
        result = run("evaluate", saved / "models" / name, *files, "--json")
        assert result.code == 0, (name, result.err)
        found = dict(values(json.loads(result.out)))
        for metric, value in scores.items():
            assert found[metric] == pytest.approx(value, rel=1e-3, abs=tolerance(metric)), name


def test_models_of_earlier_versions_are_verified(saved: Path, run: Run) -> None:
    for model in sorted((saved / "models").iterdir()):
        result = run("verify", model)
        assert result.code == 0, (model.name, result.err)
