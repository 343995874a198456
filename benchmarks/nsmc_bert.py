"""NSMC by a BERT of one's own: pre-training on reviews, fine-tuning, the whole official test.

    torchrun --nproc-per-node 2 benchmarks/nsmc_bert.py DATA -o DIR

Two processes share every step of pre-training and of fine-tuning; without torchrun one does it all.

DATA is the folder of the real data. Pre-training reads the unlabelled reviews and the texts of the
labelled ones; the test's are in neither. The pre-trained encoder stands at DIR/encoder and is used
again where it is; each seed's classifier at DIR/seed-N. Run again, it goes on where it was
interrupted. Prints accuracy by seed, mean and spread; DIR/figures.jsonl gets a line for each.

With ``--soft-labels`` the classifiers, DIR/student-N, learn from the unlabelled reviews too, by
what another says of them: here the product of a BERT and two n-grams, whose exponents are tuned on
DIR/held-out.jsonl, the rows that neither has been trained on.

    COLUMNS="--text-column document --label-column label"
    munmaek train classify TRAIN --model ngram --tokenizer characters $COLUMNS -o DIR/characters
    munmaek train classify TRAIN --model ngram --order 4 $COLUMNS -o DIR/pieces
    munmaek mix DIR/seed-0 DIR/characters DIR/pieces --log-linear --tune DIR/held-out.jsonl \\
        $COLUMNS -o DIR/teacher
    munmaek classify DIR/teacher DATA/mlm/korean-reviews/train.txt.gz --json > soft.jsonl
    torchrun --nproc-per-node 2 benchmarks/nsmc_bert.py DATA -o DIR --soft-labels soft.jsonl
"""

import argparse
import gzip
import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import distributed as torch_distributed

from classifier_figures import texts_of
from munmaek.durations import parse_duration
from munmaek.fit.extra import Extra
from munmaek.fit.holding import hold_out_labelled
from munmaek.fit.processes import join, leave
from munmaek.fit.ranks import leads, several
from munmaek.fit.running import Running
from munmaek.pipeline import train_recipe, work_folder
from munmaek.tasks.loading import load
from munmaek.terminal import told
from munmaek.text.corpora import read_labelled

distributed: Any = torch_distributed  # its functions come without complete types
COLUMNS: dict[str, Any] = {"text_column": "document", "label_column": "label"}


def pretraining(given: argparse.Namespace) -> Recipe:
    return Recipe.of(
        {
            "task": "mlm",
            "stage": "bert",
            "vocab_size": given.vocab_size,
            "max_tokens": given.max_tokens,
            "max_length": 96,
            "causal_warmup_epochs": given.causal_warmup_epochs,
            "mask_rates": (0.3, 0.25, 0.2, 0.2, 0.15),
            "whole_words": given.whole_words,
            "model": {
                "hidden_size": 256,
                "num_hidden_layers": given.layers,
                "num_attention_heads": 4,
                "intermediate_size": 1024,
                "max_position_embeddings": 128,
                "hidden_dropout_prob": 0.0,
                **json.loads(given.model),
            },
            "train": {
                "budget": given.pretrain,
                "learning_rate": given.rate,
                "optimizer": given.optimiser,
                "warmup": 0.03,
                "validations": 5,
                "precision": "auto",
            },
        }
    )


def fine_tuning(given: argparse.Namespace, seed: int) -> Recipe:
    return Recipe.of(
        {
            "task": "classify",
            "stage": "bert",
            "max_tokens": 2048,
            "max_length": 96,
            "seed": seed,
            "hold_out_seed": 0,  # students must not be validated on what their teacher has read
            "word_dropout": given.word_dropout,
            **COLUMNS,
            "model": {"hidden_dropout_prob": 0.1, "classifier_pooling": given.pooling},
            "train": {
                "budget": given.finetune,
                "learning_rate": 3e-4,
                "warmup": 0.1,
                "layer_decay": 0.9,
                "averaging": "exponential",
                "validations": 6,
                "precision": "auto",
                **json.loads(given.train),
            },
        }
    )


def trained(
    recipe: Recipe,
    paths: Sequence[Path],
    folder: Path,
    *,
    init: Path | None = None,
    soft_labels: Sequence[Path] = (),
) -> Any:
    """The model at ``folder``, trained where it is not finished yet."""
    begun = work_folder(folder).exists()
    wanted = begun or not folder.exists()
    together()  # before the first process changes what the others are still looking at
    if wanted:
        with told(folder.name) as tell:
            train_recipe(
                recipe,
                paths,
                folder=folder,
                init=init,
                extra=Extra(soft_labels=soft_labels),
                running=Running(force=begun, resume=begun, report=tell),
            )
    together()
    return load(folder)


def together() -> None:
    """Wait until every process is here."""
    if distributed.is_initialized():
        distributed.barrier()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--pretrain", type=parse_duration, default=4500.0)
    parser.add_argument("--finetune", type=parse_duration, default=780.0)
    parser.add_argument("--optimiser", default="muon", choices=["adamw", "muon"])
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--vocab-size", type=int, default=12_000)
    parser.add_argument("--max-tokens", type=int, default=4096, help="a batch in pre-training")
    parser.add_argument(
        "--causal-warmup-epochs", type=float, default=0.0, help="before masks begin"
    )
    parser.add_argument("--whole-words", action="store_true", help="hide words, not pieces")
    parser.add_argument("--model", default="{}", help="other options of the encoder, as JSON")
    parser.add_argument("--pooling", default="mean", choices=["cls", "mean"])
    parser.add_argument("--word-dropout", type=float, default=0.0, help="in fine-tuning")
    parser.add_argument("--soft-labels", type=Path, nargs="+", default=[])
    parser.add_argument("--init", type=Path, help="what students begin from, else the encoder")
    parser.add_argument("--train", default="{}", help="other options of fine-tuning, as JSON")
    parser.add_argument("--threads", type=int, help="by default 2, or 1 for each of several")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    given = parser.parse_args()
    torch.set_num_threads(given.threads or (1 if several() else 2))
    join("cpu")
    given.output.mkdir(parents=True, exist_ok=True)
    nsmc = given.data / "classify" / "nsmc"
    encoder = given.output / "encoder"
    labelled = train_file(nsmc)
    reviews = given.data / "mlm" / "korean-reviews" / "train.txt.gz"
    texts = given.output / "texts.txt"
    if leads():
        texts_of(labelled, texts)
        held_out(labelled, given.output / "held-out.jsonl")
    read = [reviews, texts]
    made = trained(pretraining(given), read, encoder)
    spent = made.info.seconds
    if leads():
        print(f"encoder: {made.info.parameters:,} weights, {spent:,.0f} s", made.info.scores)
    tuned = fine_tuned(given, encoder, labelled)
    leave()
    if not tuned:
        return
    scores = [score for _, score in tuned]
    spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
    longest = spent + max(seconds for seconds, _ in tuned)
    print(
        f"mean {statistics.mean(scores):.4f} ± {spread:.4f}, {longest:,.0f} s for one seed in all"
    )


def fine_tuned(
    given: argparse.Namespace, encoder: Path, labelled: Path
) -> list[tuple[float, float]]:
    """Seconds and accuracy of each seed, where this process is the first."""
    found: list[tuple[float, float]] = []
    name = "student" if given.soft_labels else "seed"
    for seed in given.seeds:
        model = trained(
            fine_tuning(given, seed),
            [labelled],
            given.output / f"{name}-{seed}",
            init=given.init or encoder,
            soft_labels=given.soft_labels,
        )
        if not leads():
            continue
        test = read_labelled([given.data / "classify/nsmc/ratings_test.txt.gz"], **COLUMNS)
        score = model.evaluate(test)["accuracy"]
        found.append((model.info.seconds, score.value))
        line = {name: seed, "seconds": model.info.seconds, **score.to_json()}
        print(f"{name} {seed}: {score.value:.4f} ({score.low:.4f} – {score.high:.4f})", flush=True)
        with (given.output / "figures.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return found


def held_out(labelled: Path, file: Path) -> None:
    """Write the rows that models of seed 0 hold out of the training data."""
    corpus = read_labelled([labelled], **COLUMNS)
    _, held = hold_out_labelled(corpus.labels, name=corpus.name, seed=0)
    rows = [{"document": corpus.texts[row], "label": corpus.labels[row]} for row in held]
    file.write_text(
        "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8"
    )


def train_file(nsmc: Path) -> Path:
    found = sorted(nsmc.glob("ratings_train*.txt.gz"))
    with gzip.open(found[0], "rt", encoding="utf-8") as file:
        assert file.readline().startswith("id\tdocument\tlabel")
    return found[0]


if __name__ == "__main__":
    main()
