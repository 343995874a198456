"""Test accuracy of recurrent classifiers of Korean film reviews (NSMC), begun in two ways.

    python benchmarks/classifier_figures.py DATA RUN… -o FOLDER [--threads 2]

DATA holds classify/nsmc and mlm/korean-reviews. The RUN ``scratch`` trains a classifier for 5
minutes; ``language`` trains a language model on unlabelled reviews and the texts of the labelled
ones, without their labels (40 minutes), and ``carried`` begins a classifier from it (15 minutes):
concatenated pooling, lower layers at smaller rates, joining from the top down (Howard & Ruder 2018,
§3.2 and §3.3). No test text is among what the language model reads.

Run again, a RUN goes on where it was interrupted. ``FOLDER/figures.jsonl`` gets a line for each.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import torch

from munmaek.durations import parse_duration
from munmaek.fit.running import Running
from munmaek.pipeline import train_recipe, work_folder
from munmaek.tasks.loading import load
from munmaek.tasks.recipe import Recipe
from munmaek.terminal import told
from munmaek.text.corpora import read_labelled

TRAIN, TEST = "classify/nsmc/ratings_train_resampled.txt.gz", "classify/nsmc/ratings_test.txt.gz"
REVIEWS = ("mlm/korean-reviews/train.txt.gz", "mlm/korean-reviews/valid.txt.gz")
SIZES = {"embedding": 256, "hidden": 384, "layers": 2, "scaled_embeddings": False}

RUNS: dict[str, dict[str, Any]] = {
    "scratch": {
        "task": "classify",
        "max_tokens": 1536,
        "model": {
            "embedding": 128,
            "hidden": 128,
            "pooling": "concat",
            "dropout": 0.4,
            "scaled_embeddings": False,
        },
        "train": {"budget": 300.0, "learning_rate": 2e-3, "averaging": "exponential"},
    },
    "language": {
        "task": "lm",
        "context": "document",
        "batch_size": 32,
        "sequence_length": 40,
        "model": {**SIZES, "sampled": 2000, "dropout": 0.1},
        "train": {"budget": 2400.0, "learning_rate": 4e-3, "schedule": "one-cycle", "warmup": 0.1},
    },
    "carried": {
        "task": "classify",
        "max_tokens": 1536,
        "model": {
            "pooling": "concat",
            "bidirectional": False,
            "dropout": 0.3,
            "scaled_embeddings": False,
        },
        "train": {
            "budget": 900.0,
            "learning_rate": 2e-3,
            "schedule": "linear",
            "warmup": 0.1,
            "layer_decay": 1 / 2.6,
            "unfreeze": 0.2,
            "averaging": "exponential",
        },
    },
}


def run_one(run: str, options: argparse.Namespace) -> dict[str, Any]:
    values = {**RUNS[run], "stage": "rnn", "vocab_size": 8000, "seed": options.seed}
    values["model"] = {**values["model"], **json.loads(options.model)}
    values["train"] = {"precision": "auto", **values["train"], **json.loads(options.train)}
    if options.budget is not None:
        values["train"]["budget"] = options.budget
    folder = options.output / run
    language = run == "language"
    paths = [options.data / TRAIN]
    if language:
        paths = [options.data / REVIEWS[0], texts_of(paths[0], options.output / "texts.txt")]
    if not folder.exists() or work_folder(folder).exists():
        with told(run) as tell:
            train_recipe(
                Recipe.of(values),
                paths,
                folder=folder,
                valid=[options.data / REVIEWS[1]] if language else [],
                init=options.output / "language" if run == "carried" else None,
                running=Running(
                    force=folder.exists(), resume=work_folder(folder).exists(), report=tell
                ),
            )
    trained = load(folder)
    print(f"{run}: trained in {trained.info.seconds:,.0f} s, {trained.info.parameters:,} weights")
    if language:
        return {"perplexity": trained.info.scores["perplexity"]["value"]}
    score = trained.evaluate(read_labelled([options.data / TEST]))["accuracy"]
    print(f"  accuracy {score.value:.4f} ({score.low:.4f} – {score.high:.4f})  {score.signature}")
    return {"accuracy": score.value, "seconds": trained.info.seconds}


def texts_of(labelled: Path, written: Path) -> Path:
    """A file with the texts alone, for what is trained without labels."""
    texts = read_labelled([labelled]).texts
    written.write_text("".join(f"{' '.join(text.split())}\n" for text in texts), encoding="utf-8")
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", nargs="+", choices=[*RUNS])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--budget", type=parse_duration, help="instead of the run's own")
    parser.add_argument("--model", default="{}", help="options of the network, as JSON")
    parser.add_argument("--train", default="{}", help="options of the training loop, as JSON")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.output.mkdir(parents=True, exist_ok=True)
    for run in options.runs:
        line = {"run": run, "seed": options.seed, "threads": options.threads}
        line |= run_one(run, options)
        with (options.output / "figures.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
