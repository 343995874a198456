"""What the package imports is what it says it depends on."""

import ast
import re
import sys
import tomllib

from conftest import ROOT


def imported() -> set[str]:
    """Top-level names of every module that the package imports, anywhere in a file."""
    names: set[str] = set()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    return names - set(sys.stdlib_module_names) - {"munmaek"}


def test_every_imported_package_is_a_dependency_of_a_plain_installation() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["ko"]]
    declared = {re.split(r"[<>=\[ ]", each)[0].lower() for each in wanted}
    assert {name.lower() for name in imported()} <= declared
