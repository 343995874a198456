"""What the package imports is what it says it depends on."""

import ast
import re
import subprocess
import sys
import tomllib

from conftest import ROOT

OF_EXTRAS = {
    "exchange/ctranslate.py": {"ctranslate2"},
    "figures.py": {"py_mini_racer", "vl_convert"},
    "models/transformer/specification.py": {"ctranslate2"},
    "serve/metrics.py": {"prometheus_client"},
    "sklearn.py": {"sklearn"},
}
"""Files that do what an extra is for, loaded only then, and what they import of it."""


def imported() -> set[str]:
    """Top-level names of every module that the package imports, anywhere in a file.

    What a file of ``OF_EXTRAS`` is for, it alone may import.
    """
    names: set[str] = set()
    package = ROOT / "src" / "munmaek"
    for path in package.rglob("*.py"):
        own: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                own |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                own.add(node.module.split(".")[0])
        names |= own - OF_EXTRAS.get(path.relative_to(package).as_posix(), set())
    return names - set(sys.stdlib_module_names) - {"munmaek"}


def test_every_imported_package_is_a_dependency_of_a_plain_installation() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["ko"]]
    declared = {re.split(r"[<>=\[ ]", each)[0].lower() for each in wanted}
    assert {name.lower() for name in imported()} <= declared


def test_compiling_puts_no_other_standard_output_in_place() -> None:
    """Numba would, for as long as it colours a message, whatever other threads print meanwhile."""
    code = (
        "import sys, munmaek; from munmaek.ngram.compiled import compiled\n"
        "class Watched(type(sys)):\n"
        "    def __setattr__(self, name, value):\n"
        "        assert name != 'stdout', value\n"
        "        super().__setattr__(name, value)\n"
        "sys.__class__ = Watched\n"
        "from munmaek.ngram import bits, queries\n"
        "import numpy as np\n"
        "@compiled\n"
        "def total(values):\n"
        "    found = 0\n"
        "    for value in values:\n"
        "        found += value\n"
        "    return found\n"
        "assert total(np.arange(4)) == 6\n"
        "from numba.core.errors import termcolor\n"
        "assert termcolor().errmsg('x') == 'x'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
