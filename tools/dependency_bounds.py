"""Try the wheel with the oldest and the newest dependencies that pyproject.toml allows.

    python tools/dependency_bounds.py oldest newest without-torch --work /var/tmp/bounds

Each has an environment of its own, with the wheel and the extras of a user, in which the quick
demonstration, a round of commands, a server and the building of the guide must succeed; without
torch, which ``without-torch`` leaves out, a round of n-grams and the server. Of torch, whose
releases are large, the one of constraints.txt is taken. It needs Java for Spark, a package index,
some five minutes and 3 GB of disk for each.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from socket import socket
from urllib.request import urlopen

import zstandard

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("oldest", "newest", "without-torch")
EXTRAS = (
    "ko",
    "data",
    "spark",
    "tensorboard",
    "onnx",
    "ctranslate2",
    "figures",
    "serve",
    "sklearn",
    "search",
    "docs",
)
SUBJECTS, PLACES = ("나는", "너는", "우리는", "그는"), ("학교에서", "집에서", "공원에서", "방에서")
VERBS = ("공부한다", "잔다", "논다", "읽는다")
LINES = [f"{s} {p} {v}" for s in SUBJECTS for p in PLACES for v in VERBS]

COUNTED = """
--version
--help
train --help
train lm --help
compare --help
config lm --model ngram
data list
train lm text.txt --model ngram --tokenizer words --hold-out 20% -o words
train lm text.txt.zst --model ngram --tokenizer words --memory 256M -o disk
train lm text.txt --model ngram -o bytes
train classify labelled.tsv --model ngram --hold-out 20% -o labels
train classify labelled.tsv --model ngram --tokenizer words --order 2 -o more-labels
add words text.txt -o added
mix words added --tune text.txt -o mixed
mix labels more-labels --log-linear --tune labelled.tsv -o mixed-labels
export words --to arpa -o words.arpa
export words --to quantised -o small
import words.arpa -o imported
score imported text.txt --total
score bytes text.txt --tokens
score mixed text.txt
evaluate words text.txt --json
evaluate mixed text.txt
evaluate labels labelled.tsv
evaluate mixed-labels labelled.tsv
generate mixed 나는
next words '나는 집에서'
lookup words '집에서 잔다'
classify labels text.txt
classify mixed-labels text.txt
info words
verify words
verify mixed-labels
align --aligner hmm text.txt text.txt
look words '나는 집에서 잔다' -o look.html
look labels '나는 집에서 잔다' -o look-labels.html
compare text.txt --models ngram,words,mixed --test text.txt -o compared
compare labelled.tsv --task classify --models ngram,labels --test labelled.tsv -o both-labels
"""
NEURAL = """
demo --quick -o demo
config classify --model attention
train lm text.txt --model rnn --tokenizer morphemes --epochs 1 --tensorboard -o morphemes
train classify labelled.tsv --model attention --epochs 1 -o attention
evaluate demo/models/lm-transformer text.txt
translate demo/models/translate-transformer text.txt --beam 2
align demo/models/translate-attention text.txt text.txt
fill demo/models/mlm-bert '나는 <mask> 간다'
embed demo/models/mlm-bert text.txt -o vectors.npy
search demo/models/mlm-bert text.txt '나는 잔다'
look demo/models/translate-attention '나는 집에서 잔다' -o attention.html
export demo/models/mlm-bert --to huggingface -o published
export demo/models/mlm-bert --to onnx -o bert.onnx
export attention --to onnx -o attention-graph
export demo/models/translate-transformer --to ctranslate2 -o decoded
look demo/models/translate-attention '나는 집에서 잔다' --figures figures
compare demo --figures report-figures
embed published text.txt
info demo/models/lm-rnn
verify demo/models/classify-bert
tune classify labelled.tsv --model ngram --trials 2 -o tuned
train lm text.txt --model ngram --tokenizer words --engine duckdb -o duck
train lm text.txt --model ngram --tokenizer words --engine local[1] -o spark
"""
SITE = (
    "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); import guide_site; "
    "guide_site.build_site(Path('site'))"
)
"""Builds the guide with the extra ``docs``; its one argument is the folder ``docs``."""


def requirements(kind: str) -> list[str]:
    """Return what pip is asked for: each dependency at its lower bound, or at none."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    asked = [*project["dependencies"], *(each for name in EXTRAS for each in extras[name])]
    others = [each for each in asked if not each.startswith("torch>")]
    if kind == "oldest":
        others = [each.replace(">=", "==") for each in others]
    if kind == "without-torch":
        return others
    pinned = re.search(r"^torch==.*$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert pinned is not None
    return [pinned[0], *others]


def environment(kind: str, work: Path, wheel: Path) -> Path:
    """Make the environment of a kind, and return its folder of programs."""
    programs = work / kind / "bin"
    pip = [programs / "python", "-m", "pip", "install", "-qq"]
    subprocess.run([sys.executable, "-m", "venv", "--clear", work / kind], check=True)
    subprocess.run([*pip, *requirements(kind)], check=True)
    subprocess.run([*pip, "--no-deps", wheel], check=True)
    subprocess.run([programs / "python", "-m", "pip", "freeze"], check=True)
    return programs


def write_data(folder: Path) -> None:
    """Write the texts that the commands read."""
    text = "\n".join(LINES) + "\n"
    (folder / "text.txt").write_text(text, encoding="utf-8")
    rows = [f"{line}\t{'study' if '공부' in line else 'rest'}\n" for line in LINES]
    (folder / "labelled.tsv").write_text("".join(rows), encoding="utf-8")
    (folder / "text.txt.zst").write_bytes(zstandard.compress(text.encode()))


def failures(kind: str, programs: Path, folder: Path) -> int:
    """Run the round of commands of a kind; returns how many failed."""
    failed = 0
    folder.mkdir()
    write_data(folder)
    told = {**os.environ, "PYTHONPATH": "", "COLUMNS": "100"}
    if kind != "without-torch":
        built = subprocess.run(
            [programs / "python", "-c", SITE, ROOT / "docs"], cwd=folder, env=told, check=False
        )
        failed += built.returncode != 0
        print(f"{built.returncode:3} the guide")
    for line in (COUNTED + NEURAL * (kind != "without-torch")).split("\n"):
        if not line:
            continue
        began = time.perf_counter()
        run = subprocess.run(
            [programs / "munmaek", *shlex.split(line)],
            cwd=folder, env=told, capture_output=True, text=True, stdin=subprocess.DEVNULL,
            check=False,
        )  # fmt: skip
        failed += run.returncode != 0
        print(
            f"{run.returncode:3} {time.perf_counter() - began:6.1f} s  munmaek {line}", flush=True
        )
        if run.returncode:
            print(run.stderr[-2000:], flush=True)
    answered = serves(programs, folder, told)
    print(f"{0 if answered else 1:3} munmaek serve words")
    return failed + (not answered)


def serves(programs: Path, folder: Path, told: dict[str, str]) -> bool:
    """Start a server, and return whether it is ready."""
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [programs / "munmaek", "serve", "words", "--port", str(port)]
    server = subprocess.Popen(command, cwd=folder, env=told)
    try:
        return any(map(_answers, [f"http://127.0.0.1:{port}/ready"] * 120))
    finally:
        server.terminate()
        server.wait()


def _answers(address: str) -> bool:
    try:
        with urlopen(address, timeout=60) as answer:
            return answer.status == 200
    except OSError:  # it does not listen yet
        time.sleep(0.5)
        return False


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("kinds", nargs="+", choices=KINDS)
    parser.add_argument("--work", type=Path, required=True, help="a folder to be made")
    options = parser.parse_args()
    work = options.work.resolve()
    work.mkdir(parents=True)
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", work, ROOT]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    wheel = next(work.glob("*.whl"))
    failed = 0
    for kind in options.kinds:
        print(f"\n== {kind}", flush=True)
        programs = environment(kind, work, wheel)
        failed += failures(kind, programs, work / f"{kind}-data")
    print(f"\n{failed} commands failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
