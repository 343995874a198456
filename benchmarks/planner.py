"""Make the runs that plans rest on, and write the table of ``munmaek.planning`` anew.

    python benchmarks/planner.py run DATA [NAME…] -o F [--threads 1]
    python benchmarks/planner.py table

``run`` trains what ``EXPERIMENTS`` names and appends to ``benchmarks/logs/planner.jsonl``; what is
there is not done again. Budgets are CPU-seconds, so that a busy machine does not count. ``table``
writes ``src/munmaek/planning/experiences.toml`` of the runs in ``planner_table.py``, each with what
a token costs in its network.
"""

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from munmaek.fit.extra import Extra
from munmaek.fit.running import Running
from munmaek.models import stage_named
from munmaek.pipeline import measure, train_recipe
from munmaek.planning.cost import cost_of, sizes_for
from munmaek.tasks.recipe import Recipe
from munmaek.toml import toml_value
from planner_runs import EXPERIMENTS
from planner_table import RUNS, STAGES
from rows import ROWS, files_of

HERE = Path(__file__).parent
LOG = HERE / "logs" / "planner.jsonl"
TABLE = HERE.parent / "src" / "munmaek" / "planning" / "experiences.toml"
HEAD = """# Measured runs that plans rest on, and what is known of stages besides.
# Written by benchmarks/planner.py of benchmarks/planner_table.py; change those.
"""
TABLES = ("size", "model", "recipe", "train", "extra")


def table() -> None:
    """Write the table that the package has."""
    parts = [HEAD, *("[[stage]]\n" + lines_of(each) for each in STAGES)]
    for run in RUNS:
        plain = {name: value for name, value in run.items() if name not in (*TABLES, "vocabulary")}
        tables = {name: run[name] for name in TABLES if run.get(name)}
        parts.append(
            "[[experience]]\n" + lines_of({**plain, "products": products_of(run), **tables})
        )
    TABLE.write_text("\n".join(parts), encoding="utf-8")


def lines_of(values: Mapping[str, Any]) -> str:
    """Return values as lines of TOML, what is None left out."""
    return "".join(f"{name} = {toml_value(value)}\n" for name, value in values.items())


def products_of(run: Mapping[str, Any]) -> int:
    """Return the weights that a token is multiplied with in the network of a run."""
    sizes = sizes_for(
        run["stage"], run["task"], vocabulary=run["vocabulary"], labels=run.get("labels", 2)
    )
    assert sizes is not None
    config = stage_named(run["stage"]).config_class().of({**run["model"], **run["size"]})
    return cost_of(run["stage"], run["task"], config, sizes).products


def experiment(name: str, what: Mapping[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """Train and test one model; returns its line of the log."""
    row = ROWS[what["row"]]
    files = files_of(what["row"], options.data, options.output / "data")
    values = {
        "task": row.task,
        "stage": what["stage"],
        **row.options,
        **what.get("recipe", {}),
        "model": what.get("model", {}),
        "train": {**what.get("train", {})},
        "seed": what.get("seed", 0),
    }
    began = time.process_time()
    model = train_recipe(
        Recipe.of(values),
        files["train"],
        folder=None,
        valid=files["valid"],
        extra=Extra(**what.get("extra", {})),
        running=Running(clock=time.process_time, plans=bool(what.get("plans"))),
    )
    seconds = time.process_time() - began
    asked = {"ter": False} if row.task == "translate" else {}
    scores = measure(model, files["test"], **asked).scores
    training = model.info.training
    kept = ("epochs", "steps", "tokens", "best_validation", "averaged", "curve")
    return {
        "name": name,
        **what,
        "threads": torch.get_num_threads(),
        "cpu_seconds": round(seconds, 1),
        "weights": model.info.parameters,
        "scores": {each: round(score.value, 4) for each, score in scores.items()},
        "validation": {each: score["value"] for each, score in model.info.scores.items()},
        **{each: training.get(each) for each in kept},
        "plan": training.get("plan"),
    }


def done() -> set[str]:
    """Return the names of the runs that the log has."""
    if not LOG.exists():
        return set()
    return {json.loads(line)["name"] for line in LOG.read_text(encoding="utf-8").splitlines()}


def run(options: argparse.Namespace) -> int:
    """Train what is named and not done."""
    torch.set_num_threads(options.threads)
    for name in options.names or EXPERIMENTS:
        if name not in EXPERIMENTS:
            print(f"no run '{name}'; there are {', '.join(EXPERIMENTS)}", file=sys.stderr)
            return 2
        if name in done():
            continue
        line = experiment(name, EXPERIMENTS[name], options)
        with LOG.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        print(name, line["scores"], f"{line['cpu_seconds']} CPU-s", flush=True)
    return 0


def main() -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    running = verbs.add_parser("run")
    running.add_argument("data", type=Path)
    running.add_argument("names", nargs="*", metavar="NAME")
    running.add_argument("-o", "--output", type=Path, required=True)
    running.add_argument("--threads", type=int, default=1)
    verbs.add_parser("table")
    options = parser.parse_args()
    if options.verb == "run":
        return run(options)
    table()
    return 0


if __name__ == "__main__":
    sys.exit(main())
