"""Shape and type checks on, real data found or its absence said."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

_hook = install_import_hook(["munmaek.nn", "munmaek.models", "munmaek.tasks"], "beartype.beartype")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The real data: ``$MUNMAEK_DATA``, or ``shared/data`` beside the checkout."""
    path = Path(os.environ.get("MUNMAEK_DATA", ROOT.parent / "shared" / "data"))
    if not (path / "README.md").is_file():
        pytest.skip(f"real data absent: {path} (set MUNMAEK_DATA)")
    return path
