"""Every command that writes, with the n-th write, open, rename, sync … failing, and killed.

    python benchmarks/faults.py              every n of every kind, and a kill at every call
    python benchmarks/faults.py --most 10    at most ten of each kind, from the first to the last
    python benchmarks/faults.py --only compare,embed
    python benchmarks/faults.py --log FILE   leaves out what FILE has, and adds to it
    python benchmarks/faults.py --folder DIR --log FILE --part 1/4   one of four processes

Prints a line for each command: cases tried, kills among them, and what was found wrong.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from faults_support import FAULTS, Server, Sweep, Verb, served
from faults_verbs import IMPORTS, Verbs


class Log:
    """What came of each command, in a file where one is given."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path and path.exists() else ()
        self.rows: list[dict[str, Any]] = [json.loads(line) for line in lines]

    @property
    def names(self) -> set[str]:
        """The commands that are done."""
        return {row["name"] for row in self.rows}

    def add(self, row: dict[str, Any]) -> None:
        """Write and print what came of a command."""
        self.rows.append(row)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        print(
            f"{row['name']:20} {row['tried']:5} tried, {row['branched']:5} from their call on, "
            f"{row['killed']:4} killed, "
            f"{len(row['wrong']):3} wrong, {row['seconds']:6.0f} s",
            *(f"\n    {each}" for each in row["wrong"]),
            flush=True,
        )


def tried(server: Server, verb: Verb, place: Path, *, most: int | None, kills: int | None) -> Any:
    """Sweep one command; returns what came of it."""
    began = time.perf_counter()
    sweep = Sweep(server, verb, place).run(FAULTS, most=most, kills=kills)
    return {
        "name": verb.name,
        "tried": sweep.tried,
        "branched": sweep.branched,
        "killed": sweep.killed,
        "wrong": sweep.wrong,
        "seconds": time.perf_counter() - began,
    }


def ended(rows: Sequence[dict[str, Any]]) -> int:
    """Print the sums; returns how much was wrong."""
    wrong = sum(len(row["wrong"]) for row in rows)
    sums = [sum(row[name] for row in rows) for name in ("tried", "killed")]
    print(f"{sums[0]:,} tried, {sums[1]:,} killed, {wrong} wrong in {len(rows)} commands")
    return wrong


def main() -> None:
    """Run from the command line; exits with 1 where something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, help="cases of each kind of fault")
    parser.add_argument("--kills", type=int, help="kills of each command")
    parser.add_argument("--folder", type=Path, help="keeps what is made first for the next call")
    parser.add_argument("--log", type=Path, help="keeps what was found; its commands are done")
    parser.add_argument("--only", default="", help="commands whose names hold one of these: A,B")
    parser.add_argument("--part", default="1/1", help="every N-th command from the I-th on: I/N")
    asked = parser.parse_args()
    part, parts = map(int, asked.part.split("/"))
    log = Log(asked.log)
    with (
        tempfile.TemporaryDirectory() as place,
        served(Path(place), imports=IMPORTS) as server,
    ):
        if server is None:
            raise SystemExit("a C compiler and Linux are needed")
        verbs = Verbs(asked.folder or Path(place) / "made")
        for number, verb in enumerate(chain(verbs.small(), verbs.networks())):
            chosen = any(name in verb.name for name in asked.only.split(","))
            if not chosen or verb.name in log.names or number % parts != part - 1:
                continue
            log.add(tried(server, verb, Path(place), most=asked.most, kills=asked.kills))
    sys.exit(ended(log.rows) > 0)


if __name__ == "__main__":
    main()
