"""Alignment error rates: the statistical aligner on gold sets, attention on the phrasebook.

    python benchmarks/alignment.py gold ../shared/data/align
    python benchmarks/alignment.py phrasebook --stage attention --steps 1300 --guide gold

``gold`` aligns each folder's NAME.src-tgt (source ||| target) from those sentences alone and scores
it by NAME.gold (links from 1, ``p`` for possible). ``phrasebook`` trains a translator on the
built-in phrasebook, with or without a guide, and scores its attention and its translations.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from munmaek.align import HmmAligner, parse_gold, symmetrise
from munmaek.align.symmetrise import SYMMETRISATIONS
from munmaek.metrics import IbmModel1, Score, aer, measures, sign
from munmaek.phrases import Phrase, phrasebook

SIZES: dict[str, dict[str, Any]] = {
    "attention": {"embedding": 128, "hidden": 192, "encoder_hidden": 128},
    "transformer": {"dimension": 128, "heads": 4, "layers": 2, "feed_forward": 512},
}
"""Those of ``munmaek demo``."""


def rate(found: Any, sure: Any, possible: Any = None) -> Score:
    signature = sign(task="align", stage="any", tokenizer="words")
    rng = np.random.default_rng(0)
    return aer(found, sure, possible=possible, signature=signature, rng=rng)


def shown(score: Score) -> str:
    return f"{100 * score.value:6.2f} ({100 * score.low:.2f} – {100 * score.high:.2f})"


def on_gold(folder: Path) -> None:
    for path in sorted(folder.glob("*/*.src-tgt")):
        rows = [line.split("|||") for line in path.read_text(encoding="utf-8").splitlines()]
        sources, targets = [row[0].split() for row in rows], [row[1].split() for row in rows]
        lines = path.with_suffix(".gold").read_text(encoding="utf-8").splitlines()
        gold = [parse_gold(line, first=1) for line in lines]
        sure, possible = [each.sure for each in gold], [each.possible for each in gold]
        began = time.process_time()
        ways = [
            each.directions()
            for each in HmmAligner.fit(sources, targets).posteriors(sources, targets)
        ]
        print(f"{path.stem}: {len(rows)} pairs, {time.process_time() - began:.1f} CPU-seconds")
        for name in SYMMETRISATIONS:
            found = [symmetrise(*way, by=name) for way in ways]
            print(f"  {name:20} AER {shown(rate(found, sure, possible))}")


def links_of(rows: tuple[Phrase, ...]) -> list[frozenset[tuple[int, int]]]:
    return [frozenset(row.links) for row in rows]


def baselines(book: Any) -> None:
    sources, targets = (
        [getattr(row, side).split() for row in book.train] for side in ("korean", "english")
    )
    asked = [(row.korean.split(), row.english.split()) for row in book.test]
    plain, back = IbmModel1.fit(sources, targets), IbmModel1.fit(targets, sources)
    found = [plain.align(*pair) for pair in asked]
    print(f"IBM Model 1              AER {shown(rate(found, links_of(book.test)))}")
    backward = [frozenset((s, t) for t, s in back.align(*pair[::-1])) for pair in asked]
    for by in SYMMETRISATIONS:
        joined = [symmetrise(*ways, by=by) for ways in zip(found, backward, strict=True)]
        print(f"  both ways, {by:20} {shown(rate(joined, links_of(book.test)))}")
    aligner = HmmAligner.fit(sources, targets)
    links = aligner.align([pair[0] for pair in asked], [pair[1] for pair in asked])
    print(f"HMM                      AER {shown(rate(links, links_of(book.test)))}")


def write(folder: Path, part: str, rows: tuple[Phrase, ...]) -> list[Path]:
    columns = {
        "ko": [row.korean for row in rows],
        "en": [row.english for row in rows],
        "links": [" ".join(f"{s}-{t}" for s, t in row.links) for row in rows],
    }
    for name, lines in columns.items():
        text = "".join(f"{line}\n" for line in lines)
        (folder / f"{part}.{name}").write_text(text, encoding="utf-8")
    return [folder / f"{part}.ko", folder / f"{part}.en"]


def on_phrasebook(options: argparse.Namespace) -> None:
    import torch

    from munmaek.fit.extra import Extra
    from munmaek.pipeline import train_recipe
    from munmaek.tasks.recipe import Recipe

    torch.set_num_threads(1)
    book = phrasebook()
    if options.baselines:
        baselines(book)
    recipe = Recipe(
        task="translate",
        stage=options.stage,
        vocab_size=options.vocab_size,
        source_tokenizer=options.source_tokenizer,
        model=SIZES[options.stage],
        train={"steps": options.steps, "validations": 2},
        max_tokens=options.max_tokens,
        alignment_weight=options.weight,
        seed=options.seed,
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write(folder, "train", book.train)
        valid = write(folder, "valid", book.valid[:40])
        guides = {"none": None, "gold": folder / "train.links", "statistical": "statistical"}
        began = time.process_time()
        model: Any = train_recipe(
            recipe,
            paths,
            valid=valid,
            folder=folder / "model",
            extra=Extra(alignment_supervision=guides[options.guide]),
        )
    used = time.process_time() - began
    rows = book.test[: options.test]
    texts = [row.korean for row in rows], [row.english for row in rows]
    print(f"{options.stage}, {options.steps} steps, {used:.0f} CPU-seconds, seed {options.seed}")
    print(f"  validation {model.info.training['best_validation']:.4f} nats per target token")
    for reading in ("output", "input"):
        found = [each.alignment for each in model.align(*texts, reading=reading)]
        score = rate(found, links_of(rows))
        print(f"  guide {options.guide}, {reading} step  AER {shown(score)}", flush=True)
    for by in SYMMETRISATIONS:
        found = [each.alignment for each in model.align(*texts, by=by)]
        print(f"  both ways, {by:20} {shown(rate(found, links_of(rows)))}", flush=True)
    few = slice(0, options.translate)
    outputs = [each.translation for each in model.translate(texts[0][few], beam=1, links=False)]
    signature = sign(task="translate", stage=options.stage, tokenizer="any")
    measure = measures(outputs, texts[1][few], with_ter=False)["bleu"]
    score = measure.score(signature, rng=np.random.default_rng(0))
    interval = f"({score.low:.2f} – {score.high:.2f})"
    print(f"  greedy BLEU of {len(outputs)}  {score.value:.2f} {interval}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    gold = verbs.add_parser("gold")
    gold.add_argument("folder", type=Path)
    book = verbs.add_parser("phrasebook")
    book.add_argument("--stage", choices=list(SIZES), default="attention")
    book.add_argument("--guide", choices=["none", "gold", "statistical"], default="none")
    book.add_argument("--weight", type=float, default=0.1)
    book.add_argument("--steps", type=int, default=1300)
    book.add_argument("--seed", type=int, default=0)
    book.add_argument("--vocab-size", type=int, default=1500)
    book.add_argument("--source-tokenizer", default="bpe")
    book.add_argument("--max-tokens", type=int, default=640)
    book.add_argument("--test", type=int, default=1000)
    book.add_argument("--translate", type=int, default=300)
    book.add_argument("--baselines", action="store_true")
    options = parser.parse_args()
    if options.verb == "gold":
        on_gold(options.folder)
    else:
        on_phrasebook(options)


if __name__ == "__main__":
    main()
