"""Translation scores on Multi30k German–English and on Korean–English documentation and software.

    python benchmarks/translation_figures.py DATA RUN… -o FOLDER [--budget 30m] [--threads 2]

DATA holds translate/multi30k, translate/ko-en-docs and translate/ko-en-software. A RUN is
``multi30k-STAGE`` (de→en) or ``CORPUS-DIRECTION-STAGE-TOKENIZER``: docs or software, ko-en or
en-ko, seq2seq, attention or transformer, bpe or morphemes (the Korean side alone is cut into
morphemes first). Each is trained within the budget on its training part, watched on its validation
part, and scored on its test part.

Every model is trained on text as it is written, and both of its BLEU scores come from the same
outputs: sacreBLEU's own, cased, and one with translations and references lower-cased. The second
stands beside the figures of bentrevett/pytorch-seq2seq (Multi30k test 2016), which lower-cases,
takes spaCy's tokens and torchtext's ``bleu_score``: BLEU-4 of the corpus without smoothing, which
at these sizes is sacreBLEU's. The tokens differ: sacreBLEU's 13a here, which keeps ``t-shirt``
whole where spaCy's English rules make three tokens of it. Korean is scored by syllables, and by
morphemes besides where sacreBLEU's analyser is installed (``pip install 'sacrebleu[ko]'``).

Run again, it goes on where it was interrupted and scores again what is done. FOLDER/RUN is the
model, FOLDER/RUN.txt its translations; FOLDER/figures.jsonl gets a line for each run with BLEU,
chrF, TER, perplexity and their intervals, in all and by source length with that above 20 words, the
diagnosis and the seconds.
"""

import argparse
import itertools
import json
import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from munmaek.durations import parse_duration
from munmaek.fit.extra import Extra
from munmaek.fit.running import Running
from munmaek.metrics import measures
from munmaek.pipeline import train_recipe, work_folder
from munmaek.tasks.loading import load
from munmaek.tasks.recipe import Recipe
from munmaek.tasks.translate.quality import TranslationQuality, judge
from munmaek.terminal import told
from munmaek.text.parallel import read_parallel

STAGES = ("seq2seq", "attention", "transformer")
CORPORA = {"docs": "ko-en-docs", "software": "ko-en-software"}
DIRECTIONS = ("ko-en", "en-ko")
TOKENIZERS = {"bpe": "bpe", "morphemes": "morphemes+bpe"}
LONG = 20
"""Source words above which a sentence is long."""

# Sizes and dropout for what a core reads in half an hour: Multi30k some 20 times.
SMALL: dict[str, dict[str, Any]] = {
    "seq2seq": {
        "embedding": 256,
        "hidden": 512,
        "dropout": 0.4,
        "reverse_source": True,
    },
    "attention": {"embedding": 256, "hidden": 256, "encoder_hidden": 192, "dropout": 0.4},
    "transformer": {"dimension": 128, "layers": 4, "feed_forward": 256, "dropout": 0.3},
}
SMALL_RATES = {"seq2seq": 2e-3, "attention": 2e-3, "transformer": 4e-3}
LARGE: dict[str, dict[str, Any]] = {
    "seq2seq": {
        "embedding": 256,
        "hidden": 512,
        "dropout": 0.2,
        "reverse_source": True,
    },
    "attention": {"embedding": 256, "hidden": 384, "encoder_hidden": 256, "dropout": 0.2},
    "transformer": {"dimension": 256, "layers": 3, "feed_forward": 1024, "dropout": 0.1},
}
TRAINING: dict[str, Any] = {
    "validations": 20,
    "averaging": "last",
    "average_over": 5,
    "precision": "auto",
}
LARGE_RATES = {"seq2seq": 2e-3, "attention": 2e-3, "transformer": 2e-3}


def runs() -> dict[str, dict[str, Any]]:
    """What each run trains: files, tokenizers and stage."""
    found: dict[str, dict[str, Any]] = {
        f"multi30k-{stage}": {
            "corpus": "multi30k",
            "parts": ("train", "val", "test_2016_flickr"),
            "sides": ("de", "en"),
            "stage": stage,
            "kinds": ("bpe", "bpe"),
            "recipe": {"vocab_size": 8000, "joint_vocabulary": True},
            "models": SMALL,
            "rates": SMALL_RATES,
        }
        for stage in STAGES
    }
    every = itertools.product(CORPORA, DIRECTIONS, STAGES, TOKENIZERS)
    for corpus, direction, stage, tokenizer in every:
        sides = direction.split("-")
        found[f"{corpus}-{direction}-{stage}-{tokenizer}"] = {
            "corpus": CORPORA[corpus],
            "parts": ("train", "valid", "test"),
            "sides": sides,
            "stage": stage,
            "kinds": tuple(TOKENIZERS[tokenizer] if side == "ko" else "bpe" for side in sides),
            "recipe": {"vocab_size": 8000},
            "models": LARGE,
            "rates": LARGE_RATES,
        }
    return found


RUNS = runs()


def files(run: str, data: Path) -> list[list[Path]]:
    """Source and target file of training, validation and test."""
    what = RUNS[run]
    folder = data / "translate" / what["corpus"]
    return [[folder / f"{part}.{side}.gz" for side in what["sides"]] for part in what["parts"]]


def recipe_of(run: str, options: argparse.Namespace) -> Recipe:
    what = RUNS[run]
    stage, (source, target) = what["stage"], what["kinds"]
    return Recipe.of(
        {
            "task": "translate",
            "stage": stage,
            "tokenizer": target,
            "source_tokenizer": source,
            "max_tokens": options.max_tokens,
            "seed": options.seed,
            **what["recipe"],
            **json.loads(options.recipe),
            "model": {**what["models"][stage], **json.loads(options.model)},
            "train": {
                **TRAINING,
                "budget": options.budget,
                "learning_rate": what["rates"][stage],
                **json.loads(options.train),
            },
        }
    )


def trained(run: str, options: argparse.Namespace) -> Any:
    folder = options.output / run
    training, valid, _ = files(run, options.data)
    if not folder.exists() or work_folder(folder).exists():
        with told(run) as tell:
            train_recipe(
                recipe_of(run, options),
                training,
                folder=folder,
                valid=valid,
                init=None if options.init is None else options.init / run,
                extra=Extra(alignment_supervision=guide_of(run, options)),
                running=Running(
                    force=folder.exists(), resume=work_folder(folder).exists(), report=tell
                ),
            )
    return load(folder)


def guide_of(run: str, options: argparse.Namespace) -> str | None:
    """What guides the attention of a run; a fixed vector has none."""
    return None if RUNS[run]["stage"] == "seq2seq" else options.guide


def scored(run: str, quality: TranslationQuality) -> dict[str, Any]:
    """Scores by name, those by length of the source, and the diagnosis."""
    scores, references = quality.scores, quality.corpus.targets
    if RUNS[run]["sides"][1] == "en":
        lowered = [[text.lower() for text in side] for side in (quality.outputs, references)]
        measure = measures(*lowered, with_ter=False, tokenizer="13a")["bleu"]
        signature = quality.signature.extended(("case", "lower"))
        scores["bleu_lower"] = measure.score(signature, rng=np.random.default_rng(0))
    found = {
        **{name: score.to_json() for name, score in scores.items()},
        "by_length": [bucket.to_json() for bucket in quality.by_length(edges=(10, LONG))],
        "diagnosis": [each.to_json() for each in quality.findings],
    }
    if RUNS[run]["sides"][1] == "ko" and find_spec("mecab_ko") is not None:
        found |= by_morphemes(quality)
    return found


def by_morphemes(quality: TranslationQuality) -> dict[str, Any]:
    """BLEU of the same outputs by the morphemes of sacreBLEU's ``ko-mecab``."""
    counted = measures(
        quality.outputs, quality.corpus.targets, with_ter=False, tokenizer="ko-mecab"
    )
    again = replace(quality, measures={"bleu": counted["bleu"]})
    return {
        "bleu_morphemes": again.scores["bleu"].to_json(),
        "by_length_morphemes": [
            {"low": each.low, "high": each.high, "bleu": each.bleu.to_json()}
            for each in again.by_length(edges=(10, LONG))
        ],
    }


def figures(run: str, options: argparse.Namespace) -> dict[str, Any]:
    model = trained(run, options)
    info = model.info
    print(f"{run}: trained in {info.seconds:,.0f} s, {info.parameters:,} weights")
    test = read_parallel(files(run, options.data)[2])
    began = time.perf_counter()
    quality = judge(model, test, beam=options.beam, with_ter=True)
    seconds = time.perf_counter() - began
    lines = "\n".join(text.replace("\n", " ") for text in quality.outputs)
    (options.output / f"{run}.txt").write_text(lines + "\n", encoding="utf-8")
    scores = scored(run, quality)
    for name, score in scores.items():
        if not name.startswith(("by_length", "diagnosis")):
            interval = f"({score['low']:.2f} – {score['high']:.2f})"
            print(f"  {name:18} {score['value']:6.2f} {interval}")
    for bucket in scores["by_length"]:
        words, found = f"{bucket['low']} – {bucket['high']} words", bucket["bleu"]
        print(f"  {words:18} {found['value']:6.2f} of {bucket['count']} sentences")
    for bucket in scores.get("by_length_morphemes", ()):
        words, found = f"{bucket['low']} – {bucket['high']} words", bucket["bleu"]
        print(f"  {words:18} {found['value']:6.2f} by morphemes")
    for each in scores["diagnosis"]:
        print(f"  {each['message']}")
    print(f"  {len(quality.outputs)} sentences translated and judged in {seconds:,.0f} s")
    training = {name: info.training[name] for name in ("epochs", "steps", "averaged", "padding")}
    return {
        "seconds": info.seconds,
        "parameters": info.parameters,
        **training,
        "beam": options.beam,
        "test_seconds": seconds,
        **scores,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", nargs="+", choices=list(RUNS), metavar="RUN")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--budget", type=parse_duration, default=1800.0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--beam", type=int, default=5)
    parser.add_argument("--max-tokens", type=int, default=4096, help="a batch, both sides")
    parser.add_argument("--init", type=Path, help="another FOLDER, whose models go on")
    parser.add_argument("--model", default="{}", help="options of the network, as JSON")
    parser.add_argument("--train", default="{}", help="options of the training loop, as JSON")
    parser.add_argument("--guide", choices=["statistical"], help="links toward which to train")
    parser.add_argument("--recipe", default="{}", help="other options of the recipe, as JSON")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.output.mkdir(parents=True, exist_ok=True)
    for run in options.runs:
        line = {"run": run, "seed": options.seed, "threads": options.threads}
        line |= {"guide": guide_of(run, options), **figures(run, options)}
        with (options.output / "figures.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
