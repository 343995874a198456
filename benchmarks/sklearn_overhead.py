"""Fit and predict of the scikit-learn classifier against the command line: same model, CPU time.

    python benchmarks/sklearn_overhead.py [--data labelled.tsv] [--runs 5]

Each way is a process of its own that reads the same table, trains the same model and labels the
same texts, once with n-grams and once with a network. They take turns. Given are the medians of the
ratios of their CPU seconds from the table to the labels, after both have imported the same, and
whether the weights are equal byte for byte. Without ``--data`` the built-in phrasebook is learned.
"""

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import munmaek

STAGES = {
    "ngram": {"model": "ngram", "order": 3},
    "attention": {"model": "attention", "epochs": 2},
}
BEGINNING = """
import csv, json, sys, time
import munmaek.sklearn
from munmaek.cli import main
began = time.process_time()
"""
COMMANDS = """
data, texts, folder, *arguments = sys.argv[1:]
assert main(["train", "classify", data, *arguments, "-o", folder]) == 0
assert main(["classify", folder, texts]) == 0
"""
ESTIMATOR = """
data, texts, folder, options = sys.argv[1:]
with open(data, encoding="utf-8", newline="") as file:
    rows = list(csv.reader(file, delimiter="\\t", quoting=csv.QUOTE_NONE))
with open(texts, encoding="utf-8") as file:
    asked = file.read().splitlines()
estimator = munmaek.sklearn.Classifier(**json.loads(options))
fitted = estimator.fit([row[0] for row in rows], [row[1] for row in rows])
print("\\n".join(fitted.predict(asked)))
fitted.model_.save(folder)
"""
END = """
print(time.process_time() - began, file=sys.stderr)
"""


def cpu_seconds(code: str, *arguments: str) -> float:
    """Run a program and return the CPU seconds that it took after its imports."""
    command = [sys.executable, "-W", "ignore", "-c", BEGINNING + code + END, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stderr.splitlines()[-1])


def write_phrases(folder: Path) -> Path:
    pairs = munmaek.phrasebook().train
    with (folder / "data.tsv").open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"{pair.korean}\t{pair.label}\n" for pair in pairs)
    return folder / "data.tsv"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a text and a label a line, a tab between")
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    with TemporaryDirectory() as place:
        work = Path(place)
        data = given.data or write_phrases(work)
        with data.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        texts = work / "texts.txt"
        texts.write_text("".join(f"{row[0]}\n" for row in rows), encoding="utf-8")
        print(f"{len(rows):,} texts, {given.runs} runs each, one thread")
        for stage, options in STAGES.items():
            compare(stage, options, (str(data), str(texts)), work, runs=given.runs)


def compare(stage: str, options: dict, files: tuple[str, str], work: Path, *, runs: int) -> None:
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    ratios, seconds = [], []
    for run in range(runs):
        ours, theirs = work / f"{stage}-{run}-command", work / f"{stage}-{run}-estimator"
        command = cpu_seconds(COMMANDS, *files, str(ours), *arguments)
        estimator = cpu_seconds(ESTIMATOR, *files, str(theirs), json.dumps(options))
        same = all(
            (ours / name).read_bytes() == (theirs / name).read_bytes()
            for name in ("model.safetensors", "tokenizer.json")
        )
        assert same, f"{stage}: the models differ"
        ratios.append(estimator / command)
        seconds.append(command)
    spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
    print(
        f"{stage}: weights and tokenizer equal byte for byte; CPU seconds of the estimator over "
        f"those of the command line {statistics.median(ratios):.3f} ({spread}), of "
        f"{statistics.median(seconds):.1f} s"
    )


if __name__ == "__main__":
    main()
