"""Shape and type checks on, real data found or its absence said, commands run in this process."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

if "PYTEST_XDIST_WORKER" in os.environ:  # one of several processes: the cores are shared out
    os.environ.setdefault("OMP_NUM_THREADS", "1")

_SHAPED = [
    "munmaek.nn",
    "munmaek.models",
    *(
        f"munmaek.tasks.{task}.objective"
        for task in ("lm", "classify", "regress", "tag", "translate", "mlm", "embed")
    ),
    "munmaek.tasks.lm.adapting",
    "munmaek.tasks.lm.cache",
    "munmaek.tasks.lm.dynamic_evaluation",
    "munmaek.tasks.mlm.encode",
    "munmaek.tasks.mlm.next_sentence",
    "munmaek.tasks.translate.guided",
    "munmaek.tasks.translate.ranking",
]
"""Where shapes stand in signatures, which are checked at every call."""

_hook = install_import_hook(_SHAPED, "beartype.beartype")

# The first call of a kernel compiles it, which takes as long as the machine takes.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The real data: ``$MUNMAEK_DATA``, or ``shared/data`` beside the checkout."""
    path = Path(os.environ.get("MUNMAEK_DATA", ROOT.parent / "shared" / "data"))
    if not (path / "README.md").is_file():
        pytest.skip(f"real data absent: {path} (set MUNMAEK_DATA)")
    return path


@contextmanager
def _threads(count: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """One thread of torch, so that sums are the same on every machine."""
    with _threads(1):
        yield


@pytest.fixture(scope="module")
def one_thread_throughout() -> Iterator[None]:
    """One thread of torch for all of a file, what its fixtures train too."""
    with _threads(1):
        yield


@pytest.fixture
def seeded() -> Iterator[None]:
    """One thread, and weights that are the same each time."""
    import torch

    with _threads(1), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def rows(self) -> list[Any]:
        return [json.loads(line) for line in self.lines]


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """A command of ``munmaek``, run here."""
    from munmaek.cli import main

    def call(*arguments: object) -> Result:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call
