"""No function takes more than eight parameters: what belongs together stands in one value."""

import ast
from collections.abc import Iterator
from pathlib import Path

import munmaek

ROOT = Path(munmaek.__file__).parent
MOST = 8
THEIRS = {"tasks/mlm/encoding.py:encode"}
"""Signatures of other libraries, which code written for them calls."""


def wide() -> Iterator[tuple[str, int]]:
    """Yield functions with more parameters than ``MOST``; ``*data`` and ``**options`` are none."""
    for path in sorted(ROOT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                given = node.args
                named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
                count = len([each for each in named if each.arg not in ("self", "cls")])
                if count > MOST:
                    yield f"{path.relative_to(ROOT).as_posix()}:{node.name}", count


def test_no_function_has_more_than_eight_parameters() -> None:
    assert {name for name, _ in wide()} == THEIRS
