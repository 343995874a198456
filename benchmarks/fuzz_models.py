"""Folders of every task and stage, a step of training each, that ``fuzz.py`` damages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from munmaek import phrasebook
from munmaek.models import LINEAGE
from munmaek.pipeline import train_recipe
from munmaek.tasks.classify.mixed import mix_classifiers
from munmaek.tasks.lm.exchange import in_form
from munmaek.tasks.lm.mixing import mix
from munmaek.tasks.loading import load
from munmaek.tasks.mlm.model import Encoder
from munmaek.tasks.publishing import export_huggingface
from munmaek.tasks.recipe import Recipe

__all__ = ["native_folders", "published_folders"]

SMALL: dict[str, dict[str, Any]] = {
    "ngram": {},
    "rnn": {"embedding": 8, "hidden": 8},
    "seq2seq": {"embedding": 8, "hidden": 8},
    "attention": {"embedding": 8, "hidden": 8},
    "self_attention": {"dimension": 8},
    "transformer": {"dimension": 8, "heads": 2, "layers": 1, "feed_forward": 16},
    "bert": {
        "hidden_size": 8,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 16,
    },
}


def _data(folder: Path) -> dict[str, list[Path]]:
    """A little text in the form that each task reads."""
    book = phrasebook(pairs=200, valid=5, test=5).train
    korean = [each.korean for each in book]
    lines = {
        "ko.txt": korean,
        "en.txt": [each.english for each in book],
        "labels.tsv": [f"{text}\t{'ab'[n % 2]}" for n, text in enumerate(korean)],
        "values.tsv": [f"{text}\t{n % 5}" for n, text in enumerate(korean)],
        "tags.tsv": [
            "\n".join(f"{word}\t{'B-X' if n else 'O'}" for n, word in enumerate(text.split()))
            + "\n"
            for text in korean
        ],
    }
    for name, rows in lines.items():
        (folder / name).write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    text = [folder / "ko.txt"]
    return {
        "lm": text,
        "mlm": text,
        "embed": text,
        "classify": [folder / "labels.tsv"],
        "regress": [folder / "values.tsv"],
        "tag": [folder / "tags.tsv"],
        "translate": [folder / "ko.txt", folder / "en.txt"],
    }


def _tagged(text: str) -> str:
    return "\n".join(f"{word}\t{'B-X' if n else 'O'}" for n, word in enumerate(text.split()))


def native_folders(folder: Path) -> Iterator[Path]:
    """One folder for each task and stage, and those made of others."""
    data = _data(folder)
    for stage in LINEAGE:
        for task in stage.networks:
            place = folder / f"{task}-{stage.name}"
            options = {} if stage.name == "ngram" else {"train": {"steps": 2, "validations": 1}}
            recipe = Recipe(
                task=task, stage=stage.name, vocab_size=300, model=SMALL[stage.name], **options
            )
            train_recipe(recipe, data[task], folder=place)
            yield place
    yield from _made_of_others(folder)


def _made_of_others(folder: Path) -> Iterator[Path]:
    counted = load(folder / "lm-ngram")
    for form in ("compact", "quantised"):
        in_form(counted, form).save(folder / f"lm-ngram-{form}")
        yield folder / f"lm-ngram-{form}"
    mix([counted, counted], weights=[0.5, 0.5]).save(folder / "mixture")
    yield folder / "mixture"
    classifier = load(folder / "classify-ngram")
    mixed = mix_classifiers([classifier, classifier], weights=[0.5, 0.5])
    mixed.save(folder / "mixed-classifier")
    yield folder / "mixed-classifier"


def published_folders(folder: Path) -> Iterator[Path]:
    """The BERTs among ``native_folders`` as other libraries know them."""
    for task in ("mlm", "embed", "classify", "regress", "tag"):
        model = load(folder / f"{task}-bert")
        place = folder / f"published-{task}"
        export_huggingface(model, place)
        yield place
        if isinstance(model, Encoder):
            assert (place / "modules.json").is_file() == (task == "embed")
