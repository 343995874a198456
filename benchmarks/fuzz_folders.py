"""Damaged folders: sealed ones byte by byte, and ones whose seal and sums are put right again."""

import hashlib
import json
import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fuzz_damage import damaged_bytes, damaged_json, render_json
from munmaek.folder.manifest import MANIFEST, render_manifest
from munmaek.tasks.loading import load

__all__ = ["FOLDERS", "damaged_folder", "use"]

TEXTS = ["나는 학교에서 책을 읽는다", "우리는 간다 abc"]


def use(model: Any) -> str:
    """Return all that a model says of two texts, in every digit."""
    task = model.info.task
    if task == "lm":
        found: Any = [each.logprob for each in model.score(TEXTS)]
    elif task == "classify":
        found = model.logprobs(TEXTS).tolist()
    elif task == "regress":
        found = [each.value for each in model.rate(TEXTS)]
    elif task == "translate":
        found = model.translate(TEXTS, beam=1)
    elif task == "tag":
        found = model.tag(TEXTS)
    else:
        found = model.embed(TEXTS).tolist()
    return repr(found)


def _copy(source: Path, folder: Path) -> Path:
    place = folder / "model"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(source, place)
    return place


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _any_byte(rng: random.Random, place: Path) -> None:
    """Damage one file, or lose, swap or add one."""
    path = rng.choice(_files(place))
    act = rng.random()
    if act < 0.05:
        path.unlink()
    elif act < 0.1:
        other = rng.choice(_files(place))
        one, two = path.read_bytes(), other.read_bytes()
        path.write_bytes(two)
        other.write_bytes(one)
    else:
        path.write_bytes(damaged_bytes(rng, path.read_bytes()))


def _odd_metadata(rng: random.Random, place: Path) -> None:
    """Change a JSON file; a manifest is sealed anew half of the time."""
    path = rng.choice([each for each in _files(place) if each.suffix == ".json"])
    value = damaged_json(rng, json.loads(path.read_text(encoding="utf-8")))
    if path.name == MANIFEST and isinstance(value, dict) and rng.random() < 0.7:
        path.write_bytes(render_manifest(value).encode("utf-8", "surrogatepass"))
    else:
        path.write_bytes(render_json(rng, value))
    if path.name != MANIFEST:
        _right_sums(place)


def _odd_weights(rng: random.Random, place: Path) -> None:
    """Change the header or a number of a tensor file, with sums put right."""
    path = rng.choice([each for each in _files(place) if each.suffix == ".safetensors"])
    content = path.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    header, data = json.loads(content[8 : 8 + size]), bytearray(content[8 + size :])
    act = rng.random()
    if act < 0.5:
        text = render_json(rng, damaged_json(rng, header))
    else:
        text = content[8 : 8 + size]
        values = np.frombuffer(data, dtype="<f4", count=len(data) // 4)
        if len(values):
            values = values.copy()
            odd = (np.nan, np.inf, -np.inf, 1e38, -1e38, 0.0, 3.0)
            values[rng.randrange(len(values))] = rng.choice(odd)
            data[: values.nbytes] = values.tobytes()
    length = rng.choice((len(text), len(text), len(text), rng.getrandbits(rng.choice((8, 40, 63)))))
    path.write_bytes(struct.pack("<Q", length) + text + data)
    _right_sums(place)


def _right_sums(place: Path) -> None:
    """Make every manifest say what is there, so that more than the sums is tried."""
    for path in sorted(place.rglob(MANIFEST), reverse=True):
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
            for name, record in value["files"].items():
                content = (path.parent / name).read_bytes()
                record |= {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
        except (ValueError, KeyError, TypeError, AttributeError, OSError):
            continue
        path.write_text(render_manifest(value), encoding="utf-8")


FOLDERS: dict[str, Callable[[random.Random, Path], None]] = {
    "any byte": _any_byte,
    "odd metadata": _odd_metadata,
    "odd weights": _odd_weights,
}


def damaged_folder(rng: random.Random, kind: str, sources: list[Path], folder: Path) -> Path:
    """Copy one of the folders and damage it; returns the copy."""
    place = _copy(rng.choice(sources), folder)
    FOLDERS[kind](rng, place)
    return place


def opened(place: Path) -> str:
    """Open a folder and use it."""
    return use(load(place))
