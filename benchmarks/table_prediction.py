"""Classify a CSV into a CSV: the command line against prediction alone, and scikit-learn beside it.

    python benchmarks/table_prediction.py --rows 1000000
    python benchmarks/table_prediction.py --rows 50000 --models ngram

The rows are made by a fixed rule of the reviews of NSMC (``shared/data``, or ``$MUNMAEK_DATA``):
the test set over and over, the words of each round turned by one place more, so that no round is
the one before. One table has all of them with an id and a label. Prediction alone is
``Classifier.predict`` on the same texts in memory, in blocks of the same size; it reads and writes
nothing. scikit-learn's TF-IDF of words and pairs of words with a linear SVM, trained on the same
reviews, reads and writes the same table with the module ``csv``, in blocks too. Ratios are of this
one run, of processor time too, since other work on the machine moves wall time. A model's folder
from elsewhere may be given with ``--folder``; else it is trained on 150,000 reviews first (the
attention classifier for some steps: its speed does not depend on how well it is trained).
"""

import argparse
import csv
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("MUNMAEK_DATA", ROOT.parent / "shared" / "data")) / "classify" / "nsmc"
TRAIN, TEST = DATA / "ratings_train_resampled.txt.gz", DATA / "ratings_test.txt.gz"
BLOCK = 4096
OPTIONS = {"ngram": [], "attention": ["--steps", "200"]}


def reviews(path: Path) -> list[tuple[str, str]]:
    """Return the texts and labels of a file of NSMC."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = (line.rstrip("\n").split("\t") for line in islice(file, 1, None))
        return [(row[1], row[2]) for row in rows if row[1].strip()]


def table(path: Path, rows: int) -> None:
    """Write the table that is classified."""
    given = reviews(TEST)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("id", "document", "label"))
        for number in range(rows):
            (text, label), turn = given[number % len(given)], number // len(given)
            words = text.split()
            turn %= len(words)
            writer.writerow((number, " ".join((*words[turn:], *words[:turn])), label))


def texts_of(path: Path) -> list[str]:
    """Return the texts of the table."""
    with path.open(encoding="utf-8", newline="") as file:
        return [row[1] for row in islice(csv.reader(file), 1, None)]


def blocks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield some of the items at a time."""
    for begin in range(0, len(items), BLOCK):
        yield items[begin : begin + BLOCK]


def spent() -> tuple[float, float]:
    """Return wall and processor seconds until now, those of processes that ended among them."""
    own, ended = (
        resource.getrusage(resource.RUSAGE_SELF),
        resource.getrusage(resource.RUSAGE_CHILDREN),
    )
    used = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
    return time.perf_counter(), used


def in_memory(model: Path, source: Path) -> dict[str, float]:
    """Return the seconds of prediction alone."""
    import munmaek

    classifier: Any = munmaek.load(model)
    texts = texts_of(source)
    classifier.predict(texts[:BLOCK])
    wall, used = spent()
    for block in blocks(texts):
        classifier.predict(block)
    wall_end, used_end = spent()
    return {"wall": wall_end - wall, "cpu": used_end - used}


def on_command_line(model: Path, source: Path, out: Path) -> dict[str, float]:
    """Return the seconds and the memory of the command; starting it is part of them."""
    command = [sys.executable, "-m", "munmaek", "classify", str(model), str(source), "-o", str(out)]
    wall, used = spent()
    subprocess.run([*command, "--force"], check=True, stderr=subprocess.DEVNULL)
    wall_end, used_end = spent()
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    return {"wall": wall_end - wall, "cpu": used_end - used, "memory": most}


def with_scikit_learn(source: Path, out: Path) -> dict[str, float]:
    """Return the seconds of a linear SVM, reading and writing included, training not."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    texts, labels = zip(*reviews(TRAIN), strict=True)
    made = make_pipeline(TfidfVectorizer(ngram_range=(1, 2), min_df=2), LinearSVC())
    made.fit(texts, labels)
    wall, used = spent()
    with (
        source.open(encoding="utf-8", newline="") as given,
        out.open("w", encoding="utf-8", newline="") as written,
    ):
        rows, writer = csv.reader(given), csv.writer(written, lineterminator="\n")
        writer.writerow((*next(rows), "predicted_label", "score"))
        while block := list(islice(rows, BLOCK)):
            scores = made.decision_function([row[1] for row in block])
            writer.writerows(
                (*row, made.classes_[int(score > 0)], float(score))
                for row, score in zip(block, scores, strict=True)
            )
    wall_end, used_end = spent()
    return {"wall": wall_end - wall, "cpu": used_end - used}


def trained(stage: str, folder: Path) -> Path:
    """Train a classifier on the reviews and return its folder."""
    command = [sys.executable, "-m", "munmaek", "train", "classify", str(TRAIN), "--model", stage]
    subprocess.run([*command, *OPTIONS[stage], "-o", str(folder)], check=True)
    return folder


def alone(kind: str, *arguments: str) -> dict[str, float]:
    """Run a part of this script in a process of its own and return what it prints."""
    command = [sys.executable, __file__, "--part", kind, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def shown(name: str, found: dict[str, float], rows: int) -> str:
    """Return a line of the table of results."""
    memory = f"{found['memory'] / 1e6:6.0f} MB" if "memory" in found else ""
    rate = rows / found["wall"]
    return f"{name:24} {found['wall']:8.1f} s  {found['cpu']:8.1f} s cpu  {rate:10,.0f}/s {memory}"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--models", default="ngram,attention")
    parser.add_argument("--folder", action="append", default=[], metavar="STAGE=DIR")
    parser.add_argument("--part", nargs="+", help=argparse.SUPPRESS)
    given, rest = parser.parse_known_args()
    if given.part:
        kind, *arguments = (Path(each) for each in (*given.part, *rest))
        acts = {"memory": in_memory, "command": on_command_line, "sklearn": with_scikit_learn}
        print(json.dumps(acts[str(kind)](*arguments)))
        return 0
    if not TRAIN.exists():
        print(f"skipped: no real data at {DATA} (set MUNMAEK_DATA)", file=sys.stderr)
        return 1
    folders = dict(each.split("=", 1) for each in given.folder)
    with tempfile.TemporaryDirectory() as work:
        source, out = Path(work) / "in.csv", Path(work) / "out.csv"
        table(source, given.rows)
        print(f"{given.rows:,} rows, {source.stat().st_size / 1e6:.0f} MB")
        for stage in given.models.split(","):
            model = folders.get(stage) or str(trained(stage, Path(work) / stage))
            memory = alone("memory", model, str(source))
            command = alone("command", model, str(source), str(out))
            print(shown(f"{stage}, in memory", memory, given.rows))
            print(shown(f"{stage}, CSV to CSV", command, given.rows))
            wall, cpu = memory["wall"] / command["wall"], memory["cpu"] / command["cpu"]
            print(f"{stage}: {wall:.2f} of the speed of prediction alone, {cpu:.2f} by cpu")
        try:
            beside = alone("sklearn", str(source), str(out))
        except subprocess.CalledProcessError as error:
            print(f"scikit-learn skipped: {error.stderr.splitlines()[-1]}", file=sys.stderr)
        else:
            print(shown("TF-IDF and linear SVM", beside, given.rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
