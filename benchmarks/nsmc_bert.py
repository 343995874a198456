"""NSMC by a BERT of one's own: pre-training on reviews, fine-tuning, the whole official test.

    python benchmarks/nsmc_bert.py DATA -o DIR --pretrain 80m --finetune 12m --seeds 0 1 2

DATA is the folder of the real data. The pre-trained encoder stands at DIR/encoder and is used again
where it is; each seed's classifier at DIR/seed-N. Prints accuracy by seed, mean and spread.
"""

import argparse
import gzip
import json
import statistics
import time
from pathlib import Path

from munmaek.artefact import load
from munmaek.cli.durations import parse_duration
from munmaek.recipe import Recipe, train
from munmaek.text.corpora import read_labelled

MODEL = {
    "hidden_size": 256, "num_hidden_layers": 6, "num_attention_heads": 4,
    "intermediate_size": 1024, "max_position_embeddings": 128, "hidden_dropout_prob": 0.0,
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--pretrain", default="80m")
    parser.add_argument("--finetune", default="12m")
    parser.add_argument("--optimiser", default="adamw", choices=["adamw", "muon"])
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    reviews = given.data / "mlm" / "korean-reviews"
    nsmc = given.data / "classify" / "nsmc"
    encoder = given.output / "encoder"
    began = time.perf_counter()
    if not encoder.exists():
        recipe = Recipe(
            task="mlm", stage="bert", vocab_size=12000, max_tokens=4096, limit=96, model=MODEL,
            mask_rates=(0.3, 0.2, 0.15),
            train={
                "budget": parse_duration(given.pretrain), "learning_rate": given.rate,
                "optimiser": given.optimiser, "warmup": 0.03, "validations": 5,
            },
        )  # fmt: skip
        model = train(recipe, [reviews / "train.txt.gz"], folder=encoder)
        print(json.dumps(model.info.scores, ensure_ascii=False))
    scores: list[float] = []
    for seed in given.seeds:
        folder = given.output / f"seed-{seed}"
        if not folder.exists():
            recipe = Recipe(
                task="classify", stage="bert", max_tokens=2048, limit=96, seed=seed,
                text_column="document", label_column="label",
                model={"hidden_dropout_prob": 0.1},
                train={
                    "budget": parse_duration(given.finetune), "learning_rate": 2e-4,
                    "warmup": 0.1, "layer_decay": 0.9, "validations": 6,
                },
            )  # fmt: skip
            train(recipe, [_train_file(nsmc)], folder=folder, init=encoder)
        test = read_labelled(
            [nsmc / "ratings_test.txt.gz"], text_column="document", label_column="label"
        )
        score = load(folder).evaluate(test)["accuracy"]
        scores.append(score.value)
        print(f"seed {seed}: {score.value:.4f}")
    spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
    print(f"mean {statistics.mean(scores):.4f} ± {spread:.4f}, {time.perf_counter() - began:.0f} s")


def _train_file(nsmc: Path) -> Path:
    found = sorted(nsmc.glob("ratings_train*.txt.gz"))
    with gzip.open(found[0], "rt", encoding="utf-8") as file:
        assert file.readline().startswith("id\tdocument\tlabel")
    return found[0]


if __name__ == "__main__":
    main()
