"""Folders that were damaged are never opened as something else: one line says what is wrong."""

import json
import lzma
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from munmaek.artefact import load
from munmaek.artefact.manifest import MANIFEST, render_manifest
from munmaek.artefact.verifying import verify
from munmaek.errors import MunmaekError

GOLDEN = Path(__file__).parent / "golden" / "0.1.0.tar.xz"
FLIPS = 12
"""Bytes of each file that are flipped, one after the other."""


@pytest.fixture(scope="module")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of every task and stage as version 0.1.0 saved them, without seals."""
    folder = tmp_path_factory.mktemp("earlier")
    with lzma.open(GOLDEN) as packed, tarfile.open(fileobj=packed) as archive:
        archive.extractall(folder, filter="data")
    return folder / "0.1.0" / "models"


@pytest.fixture(scope="module")
def models(earlier: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as this version saves them."""
    folder = tmp_path_factory.mktemp("models")
    log = folder / "log.jsonl"
    log.write_text('{"step": 1}\n', encoding="utf-8")
    for place in sorted(earlier.iterdir()):
        model: Any = load(place)
        beside = {} if "mix" in place.name else {"beside": {"log.jsonl": log}}
        model.save(folder / place.name, **beside)
    log.unlink()
    return folder


def refusal(check: Callable[[], object]) -> str:
    """The one line that ``check`` fails with."""
    with pytest.raises(MunmaekError) as caught:
        check()
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 600
    return message


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_every_file_of_a_model_is_listed_and_whole(models: Path) -> None:
    names = sorted(place.name for place in models.iterdir())
    assert len(names) >= 20
    for name in names:
        verify(models / name)
        listed = json.loads((models / name / MANIFEST).read_text(encoding="utf-8"))["files"]
        own = [path for path in files(models / name) if path.parent == models / name]
        assert {path.name for path in own} - {MANIFEST} <= listed.keys()


def test_verify_finds_any_flipped_byte_and_says_in_which_file(models: Path) -> None:
    rng = np.random.default_rng(7)
    for path in files(models):
        folder = models / path.relative_to(models).parts[0]
        whole = path.read_bytes()
        for place in {0, len(whole) - 1, *rng.integers(len(whole), size=FLIPS).tolist()}:
            damaged = bytearray(whole)
            damaged[place] ^= int(rng.integers(1, 256))
            path.write_bytes(damaged)
            assert path.name in refusal(lambda folder=folder: verify(folder)), (path, place)
        path.write_bytes(whole)
    verify(next(models.iterdir()))


@pytest.mark.parametrize("name", ["lm-ngram", "classify-bert", "translate-transformer"])
def test_verify_names_a_file_that_is_cut_added_removed_or_swapped(
    models: Path, tmp_path: Path, name: str
) -> None:
    def damaged(change: Callable[[Path], object]) -> str:
        shutil.rmtree(tmp_path / "m", ignore_errors=True)
        shutil.copytree(models / name, tmp_path / "m")
        change(tmp_path / "m")
        return refusal(lambda: verify(tmp_path / "m"))

    for path in files(models / name):
        content = path.read_bytes()
        cut = damaged(lambda m, path=path, head=content[:-1]: (m / path.name).write_bytes(head))
        assert path.name in cut
        assert path.name in damaged(lambda m, path=path: (m / path.name).unlink())
    assert "notes.txt: not saved" in damaged(lambda m: (m / "notes.txt").write_text("x"))
    assert "a/b: not saved" in damaged(
        lambda m: ((m / "a").mkdir(), (m / "a" / "b").write_text("x"))
    )
    assert "config.json" in damaged(lambda m: shutil.copy(m / "tokenizer.json", m / "config.json"))
    assert "link" in damaged(
        lambda m: (
            (m / "config.json").unlink(),
            (m / "config.json").symlink_to(models / name / "config.json"),
        )
    )


def test_parts_of_a_mixture_are_verified_and_cannot_be_swapped(
    models: Path, tmp_path: Path
) -> None:
    mixtures = [place for place in models.iterdir() if (place / "part-0").is_dir()]
    assert mixtures
    for mixture in mixtures:
        copy = tmp_path / mixture.name
        shutil.copytree(mixture, copy)
        (copy / "part-1").rename(copy / "part-2")
        (copy / "part-0").rename(copy / "part-1")
        (copy / "part-2").rename(copy / "part-0")
        if (copy / "part-0" / MANIFEST).read_bytes() != (copy / "part-1" / MANIFEST).read_bytes():
            assert "part-0/munmaek.json" in refusal(lambda copy=copy: load(copy))
        (copy / "part-1" / "more").write_text("x", encoding="utf-8")
        assert "part-1/more" in refusal(lambda copy=copy: verify(copy))


def test_the_seal_guards_the_temperature_the_labels_and_the_list(
    models: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "m"
    shutil.copytree(models / "classify-bert", folder)
    path = folder / MANIFEST
    text = path.read_text(encoding="utf-8")
    values = json.loads(text)
    for name, other in {
        "temperature": 0.5,
        "labels": values["labels"][::-1],
        "files": {},
        "limit": 7,
    }.items():
        path.write_text(json.dumps({**values, name: other}, indent=2) + "\n", encoding="utf-8")
        assert "altered: its own sha256" in refusal(lambda: load(folder))
    path.write_text(text.replace('"sha256": "' + values["sha256"], '"sha999": "'), encoding="utf-8")
    assert "altered: its own sha256" in refusal(lambda: load(folder))
    path.write_text(render_manifest(values), encoding="utf-8")
    load(folder)
