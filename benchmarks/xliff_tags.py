"""Tags of 200 translated XLIFF segments: lost, invented, wrongly nested, on the right word.

    python benchmarks/xliff_tags.py phrasebook --stage attention --steps 1300
    python benchmarks/xliff_tags.py gold ../shared/data/align

``phrasebook`` trains a translator by steps on the built-in phrasebook, whose links between words
are known, and fills a file of test sentences that it translates as the reference does, with a pair
of tags around one to three words, maybe one pair within another, and a tag alone before a word; and
once more a file of any test sentences, carried to the references by the same attention. ``gold``
carries such tags from real sentences to their translations, by the built-in aligner, which knows
these sentences alone, and by the links that people made, which judge both.

A pair is right that encloses, of each word that it enclosed, a word which the links give to it, and
no word which they give to others alone. A tag alone is right that stands right before a word which
the links give to the word after it, words without links between; none is put at the beginning of a
sentence, where it stays.
"""

import argparse
import random
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import numpy as np

from alignment import SIZES, write
from munmaek.align import HmmAligner, parse_gold
from munmaek.phrases import Phrase, phrasebook
from munmaek.tasks.translate.filling import fill_xliff
from munmaek.tasks.translate.translation import Translation

SEGMENTS = 200
NAMESPACE = "{urn:oasis:names:tc:xliff:document:1.2}"
Links = frozenset[tuple[int, int]]
Tag = tuple[str, int, int]
"""Its id, and the words before which it begins and ends; alike for a tag alone."""


def tagged(words: Sequence[str], tags: Sequence[Tag]) -> str:
    """Write a source with its tags, outer ones first in ``tags``."""
    before = dict.fromkeys(range(len(words) + 1), "")
    after = dict.fromkeys(range(len(words) + 1), "")
    for name, begin, end in tags:
        if begin == end:
            before[begin] += f'<x id="{name}"/>'
        else:
            before[begin] += f'<g id="{name}">'
            after[end - 1] = "</g>" + after[end - 1]
    return " ".join(f"{before[at]}{escape(word)}{after[at]}" for at, word in enumerate(words))


def drawn(rng: random.Random, words: int, links: Links) -> list[Tag]:
    """Draw tags whose right places the links tell."""
    images = {at: sorted(t for s, t in links if s == at) for at in range(words)}
    spans = [
        (begin, end)
        for begin in range(words)
        for end in range(begin + 1, min(begin + 4, words + 1))
        if all(images[at] for at in range(begin, end)) and whole(range(begin, end), links)
    ]
    if not spans:
        return []
    begin, end = rng.choice(spans)
    tags: list[Tag] = [("1", begin, end)]
    inner = [each for each in spans if begin <= each[0] and each[1] <= end and each != (begin, end)]
    if inner and rng.random() < 0.5:
        tags.append(("2", *rng.choice(inner)))
    alone = [at for at in range(1, words) if images[at] and not begin <= at <= end]
    if not alone:
        return tags
    place = rng.choice(alone)
    return [("3", place, place), *tags] if place < begin else [*tags, ("3", place, place)]


def whole(span: range, links: Links) -> bool:
    """Return whether the words given to a span stand together, with none of others between."""
    image = [t for s, t in links if s in span]
    own, others = set(image), {t for s, t in links if s not in span}
    return not (others & set(range(min(image), max(image) + 1))) and bool(own)


def document(sources: Sequence[str]) -> str:
    units = "".join(
        f'<trans-unit id="{at}"><source>{text}</source></trans-unit>\n'
        for at, text in enumerate(sources)
    )
    return (
        f'<xliff version="1.2" xmlns="{NAMESPACE[1:-1]}"><file original="a" source-language="x" '
        f'target-language="y" datatype="plaintext"><body>\n{units}</body></file></xliff>'
    )


def found_in(element: ElementTree.Element) -> tuple[list[str], list[Tag], list[str]]:
    """Return the words of a target, its tags with their words, and the order of all tags."""
    text = ""
    places: dict[str, tuple[int, int]] = {}
    nested: list[str] = []

    def walk(each: ElementTree.Element, within: str) -> None:
        nonlocal text
        name, start = each.get("id", ""), len(text)
        nested.append(f"{within}/{name}")
        text += each.text or ""
        for child in each:
            walk(child, f"{within}/{name}")
            text += child.tail or ""
        places[name] = (start, len(text))

    walk(element, "")
    spans = [match.span() for match in re.finditer(r"\S+", text)]
    tags = [
        (
            name,
            sum(end <= start for _, end in spans),
            sum(begin < max(stop, start) for begin, _ in spans),
        )
        for name, (start, stop) in places.items()
        if name
    ]
    return text.split(), tags, sorted(nested)


def is_right(tag: Tag, own: Tag, links: Links) -> bool:
    """Return whether a tag of the target stands where the links put that of the source."""
    _, begin, end = own
    if begin == end:
        linked = {t for _, t in links}
        return any(
            tag[1] <= target and not linked & set(range(tag[1], target))
            for source, target in links
            if source == begin
        )
    enclosed = set(range(tag[1], tag[2]))
    images = [{t for s, t in links if s == source} for source in range(begin, end)]
    others = {t for s, t in links if not begin <= s < end} - set().union(*images)
    return all(enclosed & image for image in images) and not enclosed & others


def judged(rows: Sequence[tuple[str, Sequence[Tag], Links, str]], translate: Any) -> None:
    """Fill a file of these sources and print what became of their tags."""
    with tempfile.TemporaryDirectory() as name:
        path, out = Path(name) / "in.xlf", Path(name) / "out.xlf"
        texts = [tagged(source.split(), tags) for source, tags, _, _ in rows]
        path.write_text(document(texts), encoding="utf-8")
        began = time.process_time()
        count = fill_xliff(path, out, translate)
        seconds = time.process_time() - began
        units = ElementTree.parse(out).iter(f"{NAMESPACE}trans-unit")
        targets = [unit.find(f"{NAMESPACE}target") for unit in units]
    lost = right = counted = same = 0
    for (_, tags, links, reference), target in zip(rows, targets, strict=True):
        assert target is not None
        words, found, nested = found_in(target)
        own = {f"/{each[0]}" for each in tags}
        lost += sorted(own) != sorted(each[each.rindex("/") :] for each in nested if each != "/")
        if " ".join(words) != " ".join(reference.split()):
            continue
        same += 1
        places = {each[0]: each for each in found}
        counted += len(tags)
        right += sum(is_right(places[each[0]], each, links) for each in tags if each[0] in places)
    share = right / max(counted, 1)
    print(
        f"{len(rows)} segments, {sum(len(row[1]) for row in rows)} tags and pairs of tags, "
        f"{count.translated} translated in {seconds:.1f} CPU-seconds"
    )
    print(f"  segments with a tag lost, invented or nested otherwise   {lost}")
    print(f"  tags on the right word   {right} of {counted} in {same} segments: {share:.1%}")


def on_phrasebook(options: argparse.Namespace) -> None:
    import torch

    from munmaek.fit.extra import Extra
    from munmaek.pipeline import load, train_recipe
    from munmaek.tasks.recipe import Recipe

    torch.set_num_threads(1)
    book = phrasebook()
    recipe = Recipe(
        task="translate",
        stage=options.stage,
        vocab_size=1500,
        model=SIZES[options.stage],
        train={"steps": options.steps, "validations": 2},
        max_tokens=640,
        alignment_weight=options.weight,
    )
    with tempfile.TemporaryDirectory() as name:
        paths = write(Path(name), "train", book.train)
        valid = write(Path(name), "valid", book.valid[:40])
        extra = Extra() if options.unguided else Extra(alignment_supervision="statistical")
        if options.model is None or not options.model.exists():
            train_recipe(
                recipe,
                paths,
                valid=valid,
                folder=options.model or Path(name) / "model",
                extra=extra,
            )
        model: Any = load(options.model or Path(name) / "model")
    where = f"phrasebook, {options.stage}, {options.steps} steps, seed {options.seed}"
    written = model.translate([phrase.korean for phrase in book.test], beam=5)
    known = [
        phrase
        for phrase, found in zip(book.test, written, strict=True)
        if found.translation == phrase.english
    ]
    print(f"{where}, its own translations, {len(known)} of {len(written)} as the reference")
    judged(chosen(known, options.seed), lambda texts: model.translate(texts, beam=5))
    print(f"{where}, the references")
    rows = chosen(book.test, options.seed)
    references = {row[0]: row[3] for row in rows}
    judged(rows, lambda texts: model.align(texts, [references[text] for text in texts]))


def chosen(phrases: Sequence[Phrase], seed: int) -> list[Any]:
    """Return the first 200 phrases in which there is a place for tags, with such tags."""
    rng = random.Random(seed)
    drawn_of = (
        (phrase, drawn(rng, len(phrase.korean.split()), frozenset(phrase.links)))
        for phrase in phrases
    )
    rows = [(p.korean, tags, frozenset(p.links), p.english) for p, tags in drawn_of if tags]
    return rows[:SEGMENTS]


def on_gold(options: argparse.Namespace) -> None:
    rng = random.Random(options.seed)
    for path in sorted(options.folder.glob("*/*.src-tgt")):
        pairs = [line.split("|||") for line in path.read_text(encoding="utf-8").splitlines()]
        words = [(one.split(), two.split()) for one, two in pairs]
        lines = path.with_suffix(".gold").read_text(encoding="utf-8").splitlines()
        gold = [parse_gold(line, first=1).sure for line in lines]
        aligner = HmmAligner.fit([one for one, _ in words], [two for _, two in words])
        rows: list[Any] = []
        weights: list[Any] = []
        for (one, two), links in zip(words, gold, strict=True):
            tags = drawn(rng, len(one), links)
            if tags and any(map(str.isalpha, "".join(one))) and len(rows) < SEGMENTS:
                rows.append((" ".join(one), tags, links, " ".join(two)))
                ways = next(iter(aligner.posteriors([one], [two])))
                weights.append((joined(ways), told(links, len(one), len(two))))
        for which, name in enumerate(("the aligner", "the gold links themselves")):
            print(f"{path.stem}, {len(pairs)} pairs, by {name}, seed {options.seed}")
            judged(rows, given(rows, [each[which] for each in weights]))


def given(rows: Sequence[Any], weights: Sequence[Any]) -> Any:
    """Return a translator that gives the references, one after the other."""
    answers = iter(zip(rows, weights, strict=True))

    def translate(texts: Sequence[str]) -> list[Translation]:
        made = [next(answers) for _ in texts]
        return [
            Translation(text, row[3], 0.0, None, each, (), ())
            for text, (row, each) in zip(texts, made, strict=True)
        ]

    return translate


def told(links: Links, sources: int, targets: int) -> Any:
    """Return links as weights, rows summing to 1 where there are any: [T, S]."""
    weights = np.zeros((targets, sources))
    for source, target in links:
        weights[target, source] = 1.0
    return weights / np.maximum(weights.sum(axis=1, keepdims=True), 1.0)


def joined(ways: Any) -> Any:
    """Return what both directions say of each link, rows summing to 1: [T, S]."""
    both = np.sqrt(ways.forward * ways.backward) + 1e-9
    return both / both.sum(axis=1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    book = verbs.add_parser("phrasebook")
    book.add_argument("--stage", choices=list(SIZES), default="attention")
    book.add_argument("--steps", type=int, default=1300)
    book.add_argument("--weight", type=float, default=1.0, help="of the guide in the loss")
    book.add_argument("--model", type=Path, help="folder that keeps the translator")
    book.add_argument("--unguided", action="store_true", help="without alignment supervision")
    book.add_argument("--seed", type=int, default=0)
    gold = verbs.add_parser("gold")
    gold.add_argument("folder", type=Path)
    gold.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    (on_phrasebook if options.verb == "phrasebook" else on_gold)(options)


if __name__ == "__main__":
    main()
