"""A few seconds of ``benchmarks/fuzz.py``, which runs for an hour by hand, at a fixed seed."""

import lzma
import random
import sys
import tarfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from munmaek.tasks.loading import load
from munmaek.tasks.publishing import export_huggingface

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = Path(__file__).parent / "golden" / "0.1.0.tar.xz"
MODELS = ("lm-ngram", "classify-ngram", "lm-rnn", "classify-bert", "tag-bert")
FILES, FOLDERS = 25, 40
"""Inputs for each kind of file, and for each way to damage folders."""

Damage = Callable[[], str]


@pytest.fixture(scope="module")
def fuzz() -> Iterator[Any]:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import fuzz

    yield fuzz
    sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Undamaged folders, ours and published ones."""
    folder = tmp_path_factory.mktemp("fuzz")
    with lzma.open(GOLDEN) as packed, tarfile.open(fileobj=packed) as archive:
        archive.extractall(folder, filter="data")
    found: dict[str, list[Path]] = {"native": [], "published": []}
    for name in MODELS:
        model: Any = load(folder / "0.1.0" / "models" / name)
        model.save(folder / name)
        found["native"].append(folder / name)
        if name.endswith("bert"):
            export_huggingface(model, folder / f"published-{name}")
            found["published"].append(folder / f"published-{name}")
    return found


def test_every_reader_reads_what_is_not_damaged(fuzz: Any, tmp_path: Path) -> None:
    for name, reader in fuzz.READERS.items():
        if name != "tensors":
            path = tmp_path / f"whole{reader.suffix}"
            path.write_bytes(reader.content)
            assert fuzz.verdict(lambda path=path, reader=reader: reader.read(path))[0] == "read"


def test_damaged_files_are_read_or_refused_in_one_line(fuzz: Any, tmp_path: Path) -> None:
    came: Counter[str] = Counter()
    for name, reader in fuzz.READERS.items():
        for number in range(FILES):
            path = fuzz.damaged_file(random.Random(f"{name}/{number}"), name, tmp_path)
            found, _ = fuzz.verdict(lambda path=path, reader=reader: reader.read(path))
            came[found] += 1
            assert found in ("read", "refused"), (name, number)
    assert min(came["read"], came["refused"]) > 50


@pytest.mark.parametrize("group", ["native", "published"])
def test_damaged_folders_are_opened_as_they_are_or_refused_in_one_line(
    fuzz: Any, sources: dict[str, list[Path]], tmp_path: Path, group: str
) -> None:
    for kind in fuzz.FOLDERS:
        came: Counter[str] = Counter()
        for number in range(FOLDERS):
            rng = random.Random(f"{group}/{kind}/{number}")
            place = fuzz.damaged_folder(rng, kind, sources[group], tmp_path)
            found, _ = fuzz.verdict(lambda place=place: fuzz.opened(place))
            if found == "read" and group == "native" and kind == "any byte":
                found = fuzz.compared(place, sources[group])
            came[found] += 1
            assert found in ("read", "refused"), (kind, number)
        assert came["refused"] > 5
