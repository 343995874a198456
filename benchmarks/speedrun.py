"""Fixed data and fixed minutes on two cores: the plain command beside the best known settings.

    python benchmarks/speedrun.py DATA -o F --row NAME --minutes M [--seed S] [--way plain|best|svm]
    python benchmarks/speedrun.py --list
    python benchmarks/speedrun.py --table > docs/records-speedrun.md

``DATA`` is the folder of the data. A run trains by the command line, as a person does, in a process
of its own with ``--threads`` threads, then tests; its record and the model's log are kept in
``benchmarks/logs/speedrun``. What is done is not done again, and a run that was interrupted goes
on (that of no named stage begins anew). ``--table`` writes the page of all records, which is
``docs/records-speedrun.md``. A new row is a line of ``RUNS`` here and its data in ``rows.py``.

Minutes are of the wall on a machine with nothing else to do; ``cpu_seconds`` stand beside them, so
that a run on a busy machine is told from one that was not.
"""

import argparse
import json
import os
import resource
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rows import ROWS, Row, files_of

HERE = Path(__file__).parent
RECORDS = HERE / "logs" / "speedrun"
MINUTES = (5, 30, 120)


@dataclass(frozen=True)
class Run:
    """A row of the records: data, and what is trained on it in which ways."""

    row: str
    stage: str | None = None
    """The stage of the plain command; None names none."""
    best: tuple[str, ...] = ()
    """Options of the best known settings, besides the stage, where there are other than planned."""
    test: tuple[str, ...] = ()
    """Options of the test."""
    adapt: bool = False
    """Test too with a cache and mixed with a 5-gram model."""
    svm: bool = False
    """Stand beside TF-IDF and a linear SVM."""


def options(sets: Mapping[str, Any]) -> tuple[str, ...]:
    """Return ``--set`` for each option."""
    from munmaek.toml import toml_value

    pairs = [("--set", f"{name}={toml_value(value)}") for name, value in sets.items()]
    return tuple(part for pair in pairs for part in pair)


def sgd(width: int, dropout: float, sampled: int, batch: int) -> tuple[str, ...]:
    """Return the options of a language model that SGD trains over many epochs."""
    return options(
        {
            "context": "document",
            "batch_size": batch,
            "sequence_length": 35,
            "activation_regularisation": 1.0,
            "temporal_activation_regularisation": 0.5,
            "model.layers": 2,
            "model.hidden": width,
            "model.embedding": width,
            "model.dropout": dropout,
            "model.embedding_dropout": 0.05,
            "model.scaled_embeddings": False,
            "model.sampled": sampled,
            "train.optimizer": "sgd",
            "train.learning_rate": 20.0,
            "train.schedule": "linear",
            "train.warmup": 0.02,
            "train.weight_decay": 1.2e-6,
            "train.clip": 0.25,
            "train.averaging": "exponential",
            "train.average_decay": 0.998,
            "train.validations": 6,
            "train.precision": "auto",
        }
    )


WORDS_TEST = ("--context", "document")
GUIDED = ("--alignment-supervision", "statistical", "--set", "max_tokens=2048")
RUNS: dict[str, Run] = {
    "ptb": Run("ptb", "rnn", sgd(512, 0.45, 2000, 20), WORDS_TEST, adapt=True),
    "wikitext-2": Run("wikitext-2", "rnn", sgd(512, 0.25, 3000, 30), WORDS_TEST, adapt=True),
    "wikitext-2-bpe": Run("wikitext-2-bpe", "rnn"),
    "wikitext-2-bpe-any": Run("wikitext-2-bpe"),
    "wikitext-2-5-gram": Run("wikitext-2-bpe", "ngram"),
    "blimp": Run("blimp", "rnn", test=("--minimal-pairs",)),
    "blimp-5-gram": Run("blimp", "ngram", test=("--minimal-pairs",)),
    "nsmc": Run("nsmc", svm=True),
    "nsmc-lstm": Run("nsmc", "rnn"),
    "trec": Run("trec", svm=True),
    "sst2": Run("sst2", svm=True),
    "cola": Run("cola", svm=True),
    "3i4k": Run("3i4k", svm=True),
    "hate": Run("hate", svm=True),
    "multi30k-seq2seq": Run("multi30k", "seq2seq"),
    "multi30k-attention": Run("multi30k", "attention"),
    "multi30k-transformer": Run("multi30k", "transformer"),
    "multi30k": Run("multi30k"),
    "docs-ko-en": Run("docs-ko-en", best=GUIDED),
    "docs-en-ko": Run("docs-en-ko", best=GUIDED),
}
"""Names of rows and what they train; a new one is a line here."""
WAYS = ("plain", "best", "svm")


def ways_of(run: Run) -> list[str]:
    """Return the ways that a row has."""
    return ["plain", *(["best"] if run.best else []), *(["svm"] if run.svm else [])]


def munmaek(*words: str, threads: int) -> tuple[str, float, float]:
    """Run a command; returns what it printed, its seconds and its CPU-seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "munmaek", *words],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, time.perf_counter() - began, cpu


def training(name: str, way: str, minutes: float, seed: int) -> list[str]:
    """Return the options of the training command besides data and folder."""
    run = RUNS[name]
    row = ROWS[run.row]
    words = [f"--{option.replace('_', '-')}={value}" for option, value in row.options.items()]
    stage = run.stage or ("attention" if way == "best" and row.task == "translate" else None)
    if stage is not None:
        words += ["--model", stage]
    if not counted(run):
        words += ["--budget", f"{minutes}m"]
    return [*words, "--seed", str(seed), *(run.best if way == "best" else ())]


def counted(run: Run) -> bool:
    """Return whether a row's stage is counted, which takes no budget."""
    from munmaek.models import stage_named

    return run.stage is not None and stage_named(run.stage).counted


def trained(name: str, way: str, given: argparse.Namespace) -> tuple[dict[str, Any], Path]:
    """Train where that is not done; returns what it took, and the folder."""
    run = RUNS[name]
    row = ROWS[run.row]
    files = files_of(run.row, given.data, given.output / "data")
    folder = given.output / f"{name}-{way}-{given.minutes:g}m-{given.seed}"
    words = ["train", row.task, *map(str, files["train"])]
    words += [word for path in files["valid"] for word in ("--valid", str(path))]
    words += [*training(name, way, given.minutes, given.seed), "-o", str(folder)]
    resuming = folder.with_name(f"{folder.name}.partial").exists() and run.stage is not None
    took = folder.with_name(f"{folder.name}.took.json")
    if not folder.exists() or resuming:
        _, wall, cpu = munmaek(*words, *(["--resume"] if resuming else []), threads=given.threads)
        took.write_text(json.dumps({"seconds": round(wall, 1), "cpu_seconds": round(cpu, 1)}))
    told = json.loads(took.read_text()) if took.exists() else {}
    command = shlex.join(["munmaek", *words])
    for place, letter in ((given.output, "F"), (given.data, "DATA")):
        command = command.replace(str(place), letter)
    return {"command": command, **told}, folder


def tested(name: str, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Return the scores on the test data, adapted ones too where the row has such."""
    run = RUNS[name]
    row, threads = ROWS[run.row], given.threads
    files = files_of(run.row, given.data, given.output / "data")
    words = ["evaluate", str(folder), *map(str, files["test"]), *run.test, "--json"]
    if run.adapt:
        grams = given.output / f"{run.row}-5-gram-of-{folder.name}"
        if not grams.exists():
            munmaek(
                "train", row.task, *map(str, files["train"]), "--model", "ngram",
                "--tokenizer", str(folder), "-o", str(grams), threads=threads,
            )  # fmt: skip
        valid = [word for path in files["valid"] for word in ("--tune", str(path))]
        words += ["--cache", "--mix", str(grams), *valid]
    printed, *_ = munmaek(*words, threads=threads)
    scores = json.loads(printed)["scores"]
    return {each: {"value": found["value"]} | _interval(found) for each, found in scores.items()}


def _interval(found: Mapping[str, Any]) -> dict[str, Any]:
    return {name: found[name] for name in ("low", "high") if found.get(name) is not None}


def by_svm(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Return the scores of TF-IDF and a linear SVM on the same files."""
    files = files_of(RUNS[name].row, given.data, given.output / "data")
    words = [
        sys.executable,
        str(HERE / "tfidf_svm.py"),
        str(files["train"][0]),
        str(files["test"][0]),
    ]
    began = time.perf_counter()
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(done.stdout)
    scores = {each: {"value": of["value"]} | _interval(of) for each, of in found["scores"].items()}
    return {"seconds": round(time.perf_counter() - began, 1), "scores": scores}


def place_of(name: str, way: str, minutes: float, seed: int) -> Path:
    """Return where the record of a run stands."""
    return RECORDS / f"{name}-{way}-{minutes:g}m-{seed}.json"


def record(name: str, way: str, given: argparse.Namespace) -> None:
    """Make one run and keep its record and log, where that is not done."""
    place = place_of(name, way, given.minutes, given.seed)
    if place.exists() and not given.again:
        print(f"{place.name}: done")
        return
    about = {
        "row": name, "way": way, "minutes": given.minutes, "seed": given.seed,
        "threads": given.threads, "load": round(os.getloadavg()[0], 1), "machine": machine(),
    }  # fmt: skip
    if way == "svm":
        found: dict[str, Any] = by_svm(name, given)
    else:
        took, folder = trained(name, way, given)
        about_model = json.loads((folder / "munmaek.json").read_text(encoding="utf-8"))
        kept = ("label", "parameters", "version")
        found = {
            **took,
            **{each: about_model[each] for each in kept},
            "plan": about_model["training"].get("plan"),
            "tried": about_model["training"].get("tried"),
            "epochs": about_model["training"].get("epochs"),
            "scores": tested(name, folder, given),
        }
        if (folder / "log.jsonl").exists():
            RECORDS.mkdir(parents=True, exist_ok=True)
            place.with_suffix(".log.jsonl").write_bytes((folder / "log.jsonl").read_bytes())
    RECORDS.mkdir(parents=True, exist_ok=True)
    place.write_text(json.dumps(about | found, ensure_ascii=False, indent=1) + "\n")
    score = ROWS[RUNS[name].row].score
    print(f"{place.name}: {score} {found['scores'].get(score, {}).get('value')}", flush=True)


def machine() -> str:
    """Return the processor and how many there are of it."""
    from munmaek.comparison.entries import machine as described

    found = described()
    return f"{found['processor']}, {found['cores']} cores"


def table() -> str:
    """Return the page of all records."""
    records = [
        json.loads(path.read_text(encoding="utf-8")) for path in sorted(RECORDS.glob("*.json"))
    ]
    lines = [PAGE, "| row | minutes | plain command | best settings | TF-IDF + linear SVM |", RULE]
    for name, run in RUNS.items():
        own = [each for each in records if each["row"] == name]
        for minutes in sorted({each["minutes"] for each in own}):
            cells = [cell(own, way, minutes, ROWS[run.row]) for way in WAYS]
            lines.append(f"| {name} | {minutes:g} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *notes(records)])


PAGE = """# Records on two cores

Written by `python benchmarks/speedrun.py --table` of the records in `benchmarks/logs/speedrun`:
fixed data, fixed minutes, the plain command beside the best known settings. A cell is the mean over
its seeds (in brackets) with the least and the greatest where there are several, then the
CPU-seconds of the training command. One row is made by

```sh
python benchmarks/speedrun.py DATA -o F --row ptb --minutes 30 --seed 0
```

and a new one is a line of `RUNS` in that script and of `ROWS` in `benchmarks/rows.py`.
"""
RULE = "|---|---|---|---|---|"


def cell(records: Sequence[Mapping[str, Any]], way: str, minutes: float, row: Row) -> str:
    """Return the mean over seeds of a way, with its range."""
    own = [each for each in records if (each["way"], each["minutes"]) == (way, minutes)]
    values = [each["scores"][row.score]["value"] for each in own if row.score in each["scores"]]
    if not values:
        return "–"
    factor = 100 if row.score == "accuracy" else 1
    shown = f"{factor * statistics.mean(values):.2f}"
    if len(values) > 1:
        shown += f" ({factor * min(values):.2f}–{factor * max(values):.2f})"
    seeds = ", ".join(str(each["seed"]) for each in own)
    cpu = [each["cpu_seconds"] for each in own if each.get("cpu_seconds")]
    return f"{shown} [{seeds}]" + (f" {statistics.mean(cpu):,.0f} s" if cpu else "")


def notes(records: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return further scores and commands, a line for each record."""
    out = ["## Every run", ""]
    for each in records:
        scores = ", ".join(f"{name} {found['value']:.4g}" for name, found in each["scores"].items())
        load = f"load {each['load']} at its start"
        what = f"`{each['row']}` {each['way']}, {each['minutes']:g} min, seed {each['seed']}"
        out.append(f"- {what}, {each['threads']} threads, {load}: {scores}")
    return [*out, ""]


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--row", action="append", choices=list(RUNS), help="again for more")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--way", choices=WAYS, help="one alone; without it all of the row")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="make records that are there anew")
    parser.add_argument("--list", action="store_true", help="print rows and their ways")
    parser.add_argument("--table", action="store_true", help="print the page of all records")
    given = parser.parse_args()
    if given.table:
        print(table(), end="")
        return 0
    if given.list:
        for name, run in RUNS.items():
            ways = " ".join(ways_of(run))
            print(f"{name:24} {ROWS[run.row].task:10} {run.stage or 'any':12} {ways}")
        return 0
    if given.data is None or given.output is None or not given.row:
        parser.error("DATA, -o F and --row are wanted; --list prints the rows")
    given.output.mkdir(parents=True, exist_ok=True)
    for name in given.row:
        for way in [given.way] if given.way else ways_of(RUNS[name]):
            record(name, way, given)
    return 0


if __name__ == "__main__":
    sys.exit(main())
