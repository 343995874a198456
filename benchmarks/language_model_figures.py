"""Test perplexities of recurrent language models on the Penn Treebank and WikiText-2.

    python benchmarks/language_model_figures.py DATA RUN… -o FOLDER [--threads 2] [--budget 30m]

DATA holds lm/ptb and lm/wikitext-2. A RUN is ``ptb-30``, ``ptb-60``, ``wikitext-2-30`` or
``wikitext-2-60`` (minutes), ``ptb-reference`` or ``wikitext-2-reference``. Words are whole, every
line predicts its end, the corpus's own <unk> is a word like any other and no test word is unknown.

A run prints the perplexity of the model alone, then with what adapts to the test text: a cache and
a 5-gram model, chosen on the validation text. Run again, it goes on where it was interrupted and
shows what is done. ``FOLDER/figures.jsonl`` gets one line for each figure, with its seconds.

A reference is the word_language_model of pytorch/examples with its README's settings (200-unit tied
LSTM, 6 epochs, SGD at 20, cut to a quarter when validation does not improve), written out here.
"""

import argparse
import gzip
import json
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from munmaek.durations import parse_duration
from munmaek.fit.running import Running
from munmaek.pipeline import train_recipe, work_folder
from munmaek.tasks.lm.adapted import Adaptation, adapted_scores
from munmaek.tasks.loading import load
from munmaek.tasks.recipe import Recipe
from munmaek.terminal import told
from munmaek.text.corpora import read_text

FILES = {
    "ptb": ("lm/ptb/ptb.train.txt.gz", "lm/ptb/ptb.valid.txt", "lm/ptb/ptb.test.txt"),
    "wikitext-2": (
        "lm/wikitext-2/wiki.train.tokens.article-order-changed.gz",
        "lm/wikitext-2/wiki.valid.tokens.gz",
        "lm/wikitext-2/wiki.test.tokens.gz",
    ),
}
CACHES = {"ptb": 500, "wikitext-2": 3000}
"""Tokens that the cache remembers: articles of WikiText are longer than stories of the Treebank."""
TOKENS: dict[str, Any] = {"tokenizer": "words", "vocab_size": 40_000}

# What each run differs in: sizes and dropout for what two cores can read in the time.
MODELS: dict[str, dict[str, Any]] = {
    "ptb-30": {"hidden": 400, "dropout": 0.35, "sampled": 2000},
    "ptb-60": {"hidden": 512, "dropout": 0.45, "sampled": 2000},
    "wikitext-2-30": {"hidden": 400, "dropout": 0.2, "sampled": 3000},
    "wikitext-2-60": {"hidden": 400, "dropout": 0.25, "sampled": 3000},
}
TRAINING: dict[str, Any] = {
    "schedule": "one-cycle",
    "warmup": 0.1,
    "learning_rate": 5e-3,
    "weight_decay": 0.0,
    "clip": 2.0,
    "averaging": "exponential",
    "average_decay": 0.998,
    "validations": 6,
    "precision": "auto",
}
# Over many passes SGD fits the training text less and foresees the test better than AdamW.
PLAIN: dict[str, Any] = {
    **TRAINING,
    "optimizer": "sgd",
    "schedule": "linear",
    "warmup": 0.02,
    "learning_rate": 20.0,
    "weight_decay": 1.2e-6,
    "clip": 0.25,
}
TRAININGS = {"ptb-60": PLAIN}
STRETCHES = {"ptb-60": 35}


def recipe_of(run: str, options: argparse.Namespace) -> Recipe:
    """The recipe of a run of munmaek's own."""
    model = dict(MODELS[run])
    model |= {"embedding": model["hidden"], "layers": 2, "embedding_dropout": 0.05}
    model |= {"scaled_embeddings": False}
    budget = options.budget or 60.0 * int(run.rpartition("-")[2])
    training = {**TRAININGS.get(run, TRAINING), "budget": budget, **json.loads(options.train)}
    return Recipe.of(
        {
            **TOKENS,
            "task": "lm",
            "stage": "rnn",
            "context": "document",
            "batch_size": options.rows,
            "sequence_length": options.stretch or STRETCHES.get(run, 50),
            "activation_regularisation": 1.0,
            "temporal_activation_regularisation": 0.5,
            "seed": options.seed,
            "model": {**model, **json.loads(options.model)},
            "train": training,
        }
    )


def own(run: str, options: argparse.Namespace) -> dict[str, float]:
    corpus = run.rpartition("-")[0]
    training, valid, test = (options.data / name for name in FILES[corpus])
    folder, counted = options.output / run, options.output / f"{corpus}-5-gram"
    if not counted.exists():
        recipe = Recipe.of({**TOKENS, "task": "lm", "stage": "ngram", "model": {"order": 5}})
        train_recipe(recipe, [training], folder=counted, valid=[valid])
    if not folder.exists() or work_folder(folder).exists():
        with told(run) as tell:
            train_recipe(
                recipe_of(run, options),
                [training],
                folder=folder,
                valid=[valid],
                running=Running(
                    force=folder.exists(), resume=work_folder(folder).exists(), report=tell
                ),
            )
    trained = load(folder)
    print(f"{run}: trained in {trained.info.seconds:,.0f} s, {trained.info.parameters:,} weights")
    adaptation = Adaptation(
        read_text([valid]),
        cache=options.cache or CACHES[corpus],
        dynamic=options.dynamic,
        mix=load(counted),
    )
    began = time.perf_counter()
    scores = adapted_scores(trained, read_text([test]), adaptation)
    print(f"{run}: evaluated in {time.perf_counter() - began:,.0f} s")
    for score in scores.values():
        print(f"  {score.value:8.2f}  {score.signature}")
    found = {name: score.value for name, score in scores.items()}
    return {"seconds": trained.info.seconds, **found}


class Reference(nn.Module):
    """Embedding, LSTM and tied linear layer, as in pytorch/examples (BSD licence)."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.drop = nn.Dropout(0.2)
        self.encoder = nn.Embedding(vocabulary, 200)
        self.rnn = nn.LSTM(200, 200, 2, dropout=0.2)
        self.decoder = nn.Linear(200, vocabulary)
        self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)

    def forward(self, ids: Tensor, state: Any) -> tuple[Tensor, Any]:
        outputs, state = self.rnn(self.drop(self.encoder(ids)), state)
        return self.decoder(self.drop(outputs)).flatten(0, 1), state


def stretches(ids: Tensor) -> Sequence[tuple[Tensor, Tensor]]:
    """35 columns at a time, with what follows each."""
    ends = range(0, len(ids) - 1, 35)
    pairs = ((ids[at : at + 35], ids[at + 1 : at + 36]) for at in ends)
    return [(given[: len(gold)], gold.flatten()) for given, gold in pairs]


def loss_of(model: Reference, ids: Tensor) -> float:
    model.eval()
    total, state = 0.0, None
    with torch.no_grad():
        for given, gold in stretches(ids):
            scores, state = model(given, state)
            total += float(F.cross_entropy(scores, gold, reduction="sum"))
    return total / (ids.shape[1] * (len(ids) - 1))


def one_epoch(model: Reference, ids: Tensor, rate: float) -> None:
    model.train()
    state: Any = None
    for given, gold in stretches(ids):
        model.zero_grad()
        scores, state = model(given, state)
        state = tuple(each.detach() for each in state)
        F.cross_entropy(scores, gold).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(parameter.grad, alpha=-rate)


def reference(run: str, options: argparse.Namespace) -> dict[str, float]:
    """Six epochs; an interrupted run goes on with the epoch it was in."""
    corpus = run.removesuffix("-reference")
    parts, vocabulary = read_ids([options.data / name for name in FILES[corpus]])
    training, valid, test = (laid(ids, rows) for ids, rows in zip(parts, (20, 10, 10), strict=True))
    torch.manual_seed(1111)
    model, folder = Reference(vocabulary), options.output / run
    folder.mkdir(parents=True, exist_ok=True)
    at: dict[str, Any] = {"epoch": 0, "rate": 20.0, "best": math.inf, "seconds": 0.0}
    if (folder / "state.json").exists():
        at = json.loads((folder / "state.json").read_text())
        model.load_state_dict(load_file(folder / "last.safetensors"), strict=False)
        torch.set_rng_state(load_file(folder / "random.safetensors")["state"])
    while at["epoch"] < 6:
        began = time.perf_counter()
        one_epoch(model, training, at["rate"])
        loss = loss_of(model, valid)
        weights = {n: t for n, t in model.state_dict().items() if n != "decoder.weight"}
        if loss < at["best"]:
            at["best"] = loss
            save_file(weights, folder / "best.safetensors")
        else:
            at["rate"] /= 4
        at["epoch"] += 1
        at["seconds"] += time.perf_counter() - began
        save_file(weights, folder / "last.safetensors")
        save_file({"state": torch.get_rng_state()}, folder / "random.safetensors")
        (folder / "state.json").write_text(json.dumps(at))
        print(f"{run}: epoch {at['epoch']}, {at['seconds']:,.0f} s, valid {math.exp(loss):.2f}")
    model.load_state_dict(load_file(folder / "best.safetensors"), strict=False)
    found = math.exp(loss_of(model, test))
    print(f"{run}: test perplexity {found:.2f} after {at['seconds']:,.0f} s")
    return {"seconds": at["seconds"], "perplexity": found}


def read_ids(paths: Sequence[Path]) -> tuple[list[Tensor], int]:
    ids: dict[str, int] = {}
    out: list[Tensor] = []
    for path in paths:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8") as lines:
            words = [word for line in lines for word in (*line.split(), "<eos>")]
        out.append(torch.tensor([ids.setdefault(word, len(ids)) for word in words]))
    return out, len(ids)


def laid(ids: Tensor, rows: int) -> Tensor:
    """In ``rows`` columns, what is left over dropped: [T, rows]."""
    length = len(ids) // rows
    return ids[: length * rows].view(rows, length).t().contiguous()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", nargs="+", choices=[*MODELS, *(f"{n}-reference" for n in FILES)])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--budget", type=parse_duration, help="instead of the run's own")
    parser.add_argument("--train", default="{}", help="options of the training loop, as JSON")
    parser.add_argument("--rows", type=int, default=20, help="read side by side")
    parser.add_argument("--stretch", type=int, help="tokens that gradients go back")
    parser.add_argument("--model", default="{}", help="options of the network, as JSON")
    parser.add_argument("--cache", type=int, help="tokens that the cache remembers")
    parser.add_argument("--dynamic", action="store_true", help="dynamic evaluation too, slow")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.output.mkdir(parents=True, exist_ok=True)
    for run in options.runs:
        how: Callable[..., dict[str, float]] = reference if run.endswith("reference") else own
        line = {"run": run, "seed": options.seed, "threads": options.threads, **how(run, options)}
        with (options.output / "figures.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
