"""Every command that writes, with the n-th write, open, rename, sync … failing, and killed.

    python benchmarks/faults.py              every n of every kind, and a kill at every call
    python benchmarks/faults.py --most 10    at most ten of each kind, from the first to the last
    python benchmarks/faults.py --only compare,embed

Prints a line for each command: cases tried, kills among them, and what was found wrong.
"""

import argparse
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from faults_support import FAULTS, Sweep, served
from faults_verbs import IMPORTS, Verbs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, help="cases of each kind of fault")
    parser.add_argument("--kills", type=int, help="kills of each command")
    parser.add_argument("--folder", type=Path, help="keeps what is made first for the next call")
    parser.add_argument("--only", default="", help="commands whose names hold one of these: A,B")
    asked = parser.parse_args()
    tried = killed = wrong = 0
    with (
        tempfile.TemporaryDirectory() as place,
        served(Path(place), imports=IMPORTS) as server,
    ):
        if server is None:
            raise SystemExit("a C compiler and Linux are needed")
        verbs = Verbs(asked.folder or Path(place) / "made")
        for verb in chain(verbs.small(), verbs.networks()):
            if not any(each in verb.name for each in asked.only.split(",")):
                continue
            began = time.perf_counter()
            sweep = Sweep(server, verb, Path(place))
            sweep.run(FAULTS, most=asked.most, kills=asked.kills)
            tried, killed, wrong = (
                tried + sweep.tried, killed + sweep.killed, wrong + len(sweep.wrong)
            )  # fmt: skip
            seconds = time.perf_counter() - began
            print(
                f"{verb.name:20} {sweep.tried:5} tried, {sweep.killed:4} killed, "
                f"{len(sweep.wrong):3} wrong, {seconds:6.0f} s",
                *(f"\n    {each}" for each in sweep.wrong),
                flush=True,
            )
    print(f"{tried} tried, {killed} killed, {wrong} wrong")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
