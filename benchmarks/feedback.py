"""What fifty marked sentences change: guided fine-tuning against a control, on the phrasebook.

A translator of the demonstration (``munmaek demo``) is taken, fifty sentences of the phrasebook's
test part are "marked" with their gold links, and both runs go on from it for as many steps: the one
told of the marks, the other not. Error rate and BLEU are measured on test sentences that were not
marked; nothing else of the test part is trained on.

    python benchmarks/feedback.py munmaek-demo/models/translate-attention --json feedback.json
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from munmaek.look.feedback import WEIGHT, guided_run
from munmaek.look.feedback_material import material
from munmaek.look.pairs import read_pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--marks", type=int, default=50)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--learning-rate", type=float, help="the recipe's by default")
    parser.add_argument("--weight", type=float, default=WEIGHT)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()

    pairs = read_pairs(["phrasebook"])
    assert pairs.gold is not None
    rng = np.random.default_rng(given.seed)
    marks = [pairs.gold[int(index)] for index in rng.permutation(len(pairs))[: given.marks]]
    chosen = material(pairs, marks, rng=rng)
    began = time.perf_counter(), time.process_time()
    found = guided_run(
        given.model,
        chosen,
        steps=given.steps,
        learning_rate=given.learning_rate,
        weight=given.weight,
    )
    for name in ("before", "guided", "control"):
        aer, bleu = found[name]["aer"], found[name]["bleu"]
        print(
            f"{name:8} AER {aer['value']:.4f} ({aer['low']:.4f} to {aer['high']:.4f})   "
            f"BLEU {bleu['value']:.2f} ({bleu['low']:.2f} to {bleu['high']:.2f})"
        )
    share = 1 - found["guided"]["aer"]["value"] / found["before"]["aer"]["value"]
    print(f"AER lower by {share:.1%}; held out: {found['split']}")
    print(found["verdict"])
    wall, cpu = time.perf_counter() - began[0], time.process_time() - began[1]
    print(f"{wall:.0f} s, {cpu:.0f} s of CPU")
    if given.json is not None:
        given.json.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n")


if __name__ == "__main__":
    main()
