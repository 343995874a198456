"""The reference in both languages is what the program says today."""

import subprocess
import sys

from conftest import ROOT


def test_the_reference_is_current_in_both_languages() -> None:
    """Run tools/reference.py after a change; Korean is written in src/munmaek/cli/meanings.json."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "reference.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_both_references_have_the_same_keys_and_commands() -> None:
    pages = [(ROOT / "docs" / each / "reference.md").read_text("utf-8") for each in ("en", "ko")]
    firsts = [[line.split(" | ")[0] for line in page.splitlines() if line.startswith("| `")]
              for page in pages]  # fmt: skip
    assert firsts[0] == firsts[1]
    assert len(firsts[0]) > 300
