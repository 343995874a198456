"""The data of ``speedrun.py`` and ``planner.py``: a row is a name, its files and what counts.

A row added to ``ROWS`` is all that a new set of data takes. Files that are not labelled text as
``munmaek train`` reads it are written so into the scratch folder first.
"""

import csv
import gzip
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["ROWS", "Row", "files_of"]

Pairs = Iterable[tuple[str, str]]
"""Text and label of each row."""


@dataclass(frozen=True)
class Row:
    """Data, task and the score that counts."""

    task: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    score: str
    valid: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the recipe that the figure is defined by, such as words for a perplexity."""
    read: Callable[[Path], Pairs] | None = None
    """Returns text and label of a file in a form of its own."""
    rows: int | None = None
    """Training rows, the first of the file; None is all."""


def trec(path: Path) -> Pairs:
    """Read ``LABEL:finer TEXT``."""
    for line in path.read_text(encoding="latin-1").splitlines():
        label, text = line.split(" ", 1)
        yield text, label.partition(":")[0]


def labelled_first(path: Path) -> Pairs:
    """Read a label, a space or tab and a text."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            label, text = line.rstrip("\n").split(None, 1)
            yield text, label


def cola(path: Path) -> Pairs:
    """Read source, label, mark and sentence."""
    for line in path.read_text(encoding="utf-8").splitlines():
        _, label, _, text = line.split("\t")
        yield text, label


def columns(text: str, label: str) -> Callable[[Path], Pairs]:
    """Return what reads two named columns of a TSV."""

    def read(path: Path) -> Pairs:
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                if row[text] and row[text].strip():
                    yield row[text], row[label]

    return read


NSMC = columns("document", "label")
WORDS = {"tokenizer": "words", "vocab_size": 40_000}
PTB = ("lm/ptb/ptb.train.txt.gz",), ("lm/ptb/ptb.test.txt",), ("lm/ptb/ptb.valid.txt",)
WIKITEXT = (
    ("lm/wikitext-2/wiki.train.tokens.article-order-changed.gz",),
    ("lm/wikitext-2/wiki.test.tokens.gz",),
    ("lm/wikitext-2/wiki.valid.tokens.gz",),
)


def bitext(folder: str, train: str, valid: str, test: str, sides: tuple[str, str]) -> Row:
    """Return a row of translation."""

    def part(name: str) -> tuple[str, ...]:
        return tuple(f"translate/{folder}/{name}.{side}.gz" for side in sides)

    return Row("translate", part(train), part(test), "bleu", part(valid))


ROWS: dict[str, Row] = {
    "ptb": Row("lm", PTB[0], PTB[1], "perplexity", PTB[2], WORDS),
    "ptb-bpe": Row("lm", PTB[0], PTB[1], "bits_per_character", PTB[2]),
    "wikitext-2": Row("lm", WIKITEXT[0], WIKITEXT[1], "perplexity", WIKITEXT[2], WORDS),
    "wikitext-2-bpe": Row("lm", WIKITEXT[0], WIKITEXT[1], "bits_per_character", WIKITEXT[2]),
    "blimp": Row("lm", ("lm/books/train.txt.xz",), ("eval/blimp/blimp.jsonl.gz",), "accuracy"),
    "nsmc": Row(
        "classify",
        ("classify/nsmc/ratings_train_resampled.txt.gz",),
        ("classify/nsmc/ratings_test.txt.gz",),
        "accuracy",
        read=NSMC,
    ),
    "nsmc-20k": Row(
        "classify",
        ("classify/nsmc/ratings_train_resampled.txt.gz",),
        ("classify/nsmc/ratings_test.txt.gz",),
        "accuracy",
        read=NSMC,
        rows=20_000,
    ),
    "trec": Row(
        "classify",
        ("classify/trec6/TREC.train.txt",),
        ("classify/trec6/TREC.test.txt",),
        "accuracy",
        read=trec,
    ),
    "sst2": Row(
        "classify",
        ("classify/sst/sst2.train.txt",),
        ("classify/sst/sst2.test.txt",),
        "accuracy",
        ("classify/sst/sst2.dev.txt",),
        read=labelled_first,
    ),
    "cola": Row(
        "classify",
        ("classify/cola/in_domain_train.tsv",),
        ("classify/cola/in_domain_dev.tsv",),
        "accuracy",
        read=cola,
    ),
    "3i4k": Row(
        "classify",
        ("classify/3i4k/fci_train_val.txt.gz",),
        ("classify/3i4k/fci_test.txt",),
        "accuracy",
        read=labelled_first,
    ),
    "hate": Row(
        "classify",
        ("classify/korean-hate-speech/train.tsv",),
        ("classify/korean-hate-speech/dev.tsv",),
        "accuracy",
        read=columns("comments", "hate"),
    ),
    "multi30k": bitext("multi30k", "train", "val", "test_2016_flickr", ("de", "en")),
    "docs-ko-en": bitext("ko-en-docs", "train", "valid", "test", ("ko", "en")),
    "docs-en-ko": bitext("ko-en-docs", "train", "valid", "test", ("en", "ko")),
}


def files_of(name: str, data: Path, scratch: Path) -> dict[str, list[Path]]:
    """Return the files of ``train``, ``valid`` and ``test``, written anew where they have to be."""
    row = ROWS[name]
    parts = {"train": row.train, "valid": row.valid, "test": row.test}
    if row.read is None:
        return {part: [data / each for each in files] for part, files in parts.items()}
    scratch.mkdir(parents=True, exist_ok=True)
    return {
        part: [written(row, data / each, scratch / f"{name}.{part}.tsv") for each in files]
        for part, files in parts.items()
    }


def written(row: Row, source: Path, place: Path) -> Path:
    """Write a file of a form of its own as a table with the columns text and label."""
    assert row.read is not None
    if not place.exists():
        pairs = list(row.read(source))
        if row.rows is not None and ".train." in place.name:
            pairs = pairs[: row.rows]
        lines = (f"{' '.join(text.split())}\t{label}\n" for text, label in pairs)
        place.write_text("text\tlabel\n" + "".join(lines), encoding="utf-8")
    return place
