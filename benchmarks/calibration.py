"""Whether a classifier's probabilities mean what they say: NSMC's official test, before and after.

    python benchmarks/calibration.py DATA MODEL… [--fit FILE] [--seed 0]

DATA is the folder of the real data. For each MODEL, a classifier of NSMC: accuracy, the expected
calibration error (ECE, 15 bins) and the mean negative log-likelihood of a label on the whole
official test, once with the probabilities as the network gives them and once divided by the
temperature (Guo et al. 2017, §4.2) that fits texts which are neither trained on nor tested. These
are FILE, or else the part of the training file that training held out with that seed; that it is
this part is held against the fingerprint that the model carries.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from munmaek.errors import InputError
from munmaek.fit.holding import held_out_name, hold_out_labelled
from munmaek.tasks.classify.model import Classifier
from munmaek.tasks.labelling import label_indices
from munmaek.tasks.loading import load_for
from munmaek.text.corpora import LabelledCorpus, read_labelled

TRAIN, TEST = "classify/nsmc/ratings_train_resampled.txt.gz", "classify/nsmc/ratings_test.txt.gz"


def held_out(model: Classifier, path: Path, seed: int) -> LabelledCorpus:
    """What training on ``path`` kept for validation.

    Raises:
        InputError: the model was not validated on these rows.
    """
    corpus = read_labelled([path])
    _, held = hold_out_labelled(corpus.labels, name=corpus.name, seed=seed)
    found = corpus.chosen(held.tolist(), name=held_out_name(corpus.name))
    if found.fingerprint != model.info.data["valid"]["sha256"]:
        message = (
            f"{path.name}: what is held out with seed {seed} is not what the model was validated "
            "on; give its --seed, or --fit FILE"
        )
        raise InputError(message)
    return found


def line(name: str, model: Classifier, test: LabelledCorpus) -> str:
    scores = model.evaluate(test)
    accuracy, error = scores["accuracy"], scores["ece"]
    gold = label_indices(test, model.labels)
    logprobs = model.logprobs(test.texts, test.seconds)
    nats = -logprobs[np.arange(len(gold)), gold].mean()
    return (
        f"  {name:7} T {model.temperature:6.3f}  accuracy {accuracy.value:.4f}  "
        f"ECE {error.value:.4f} ({error.low:.4f} – {error.high:.4f})  {nats:.4f} nats a label"
    )


def calibrate(folder: Path, test: LabelledCorpus, options: argparse.Namespace) -> None:
    model = load_for(folder, "classify", what="calibration.py")
    fitted = (
        held_out(model, options.data / TRAIN, options.seed)
        if options.fit is None
        else read_labelled([options.fit])
    )
    plain = replace(model, temperature=1.0)
    after, _ = plain.calibrated(fitted)
    print(f"{folder} ({model.info.label}), temperature fitted on {len(fitted.labels)} texts")
    print(line("before", plain, test))
    print(line("after", after, test))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--fit", type=Path, help="labelled texts to fit the temperature on")
    parser.add_argument("--seed", type=int, default=0, help="of the training's hold-out")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    test = read_labelled([options.data / TEST])
    print(f"{test.name}: {len(test.labels)} texts")
    for folder in options.models:
        calibrate(folder, test, options)


if __name__ == "__main__":
    main()
