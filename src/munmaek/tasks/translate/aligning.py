"""The links between the words of the pairs of a table."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from munmaek.align import Symmetrisation, format_gold, statistical_links, symmetrise
from munmaek.errors import ConfigError, InputError, UnsupportedError
from munmaek.metrics import IbmModel1
from munmaek.tasks.answering import Answer, Answering, Asked, AskedSource, Texts
from munmaek.text.columns import SOURCE_NAMES, TARGET_NAMES, Column
from munmaek.text.spaces import ASCII_ENDS, ascii_words

__all__ = ["MOST_CELLS", "Aligning", "AskedLinks"]

MOST_CELLS = 10_000_000
"""Pairings of a source with a target word of one pair."""
NO_LINKS: Answer = {"alignment": []}
USUAL: Symmetrisation = "grow-diag-final-and"

Pairs = Sequence[Texts]
Links = frozenset[tuple[int, int]]
Find = Callable[[Pairs], Sequence[Links]]


class AskedLinks(AskedSource):
    """Options of ``munmaek align``."""

    metavars: ClassVar[Mapping[str, str]] = {"gold": "FILE"}

    served: ClassVar[tuple[str, ...]] = ("symmetrise", "reading", "layer", "head")
    most: ClassVar[Mapping[str, int]] = {"layer": 1000, "head": 1000}
    here = ("text_column", "encoding", "source_column", "target_column")

    target_column: str | int | None = None
    """Column of the translation: its name, or its number from 0."""
    aligner: Literal["hmm", "ibm1"] | None = None
    """Align without a model, from these sentences alone: hmm (two hidden Markov models that agree)
    or ibm1 (the plain baseline)."""
    symmetrise: Symmetrisation | None = None
    """Way to join two directions: those of --aligner, by default grow-diag-final-and, or of a
    model the source word that each target word attends to most and the target word that attends to
    each source word most. Without it a model has the former alone."""
    reading: Literal["output", "input"] = "output"
    """A word's attention: of the step that emits it or that reads it."""
    layer: int | None = None
    """Decoder layer whose attention is read, from 0, or -1 for the last; by default the model's own
    choice."""
    head: int | None = None
    """Head of the layer, from 0; by default the mean of all."""
    gold: str | None = None
    """Print the alignment error rate instead: gold links a line, 0-0 sure, 0?0 or 0p0 possible."""
    gold_first: int = Field(default=0, ge=0, le=1)
    """Number of the first word in --gold."""


class Aligning(Answering):
    """Aligns pairs of texts, with a model or from the pairs alone."""

    tasks = ("translate",)
    use = "align"
    options: ClassVar[type[Asked]] = AskedLinks
    new = ("alignment",)
    empty: Answer | None = NO_LINKS
    ends = ASCII_ENDS
    texts = ("source", "target")

    def __init__(self, model: Any, asked: AskedLinks) -> None:
        """Take a translator, or None with an aligner, which is to get all pairs at once.

        Raises:
            ConfigError: options that do not go together.
        """
        if asked.aligner and (asked.layer is not None or asked.head is not None):
            name = asked.aligner
            message = f"--layer and --head are of a model's attention, not of --aligner {name}"
            raise ConfigError(message)
        self._asked, self._model = asked, model
        self.block = None if asked.aligner else 256
        self._find = _attentive(model, asked) if asked.aligner is None else _statistical(asked)
        remembered: Mapping[str, str | int] = {} if model is None else model.info.columns
        self.columns = (
            Column("source", SOURCE_NAMES, asked.source_column, remembered.get("source")),
            Column("target", TARGET_NAMES, asked.target_column, remembered.get("target")),
        )

    @classmethod
    def opened(cls, folder: Any, asked: Any) -> Answering:
        """Open a translator's folder, where the links are those of its attention."""
        return cls(None, asked) if asked.aligner else super().opened(folder, asked)

    @property
    def stage(self) -> str:
        """Return what finds the links, for signatures."""
        return self._asked.aligner or str(self._model.info.stage)

    @property
    def how(self) -> str:
        """Return how they are found, for signatures."""
        by = self._asked.symmetrise
        if self._asked.aligner:
            return by or USUAL
        return f"{self._asked.reading} step" + (f", {by}" if by else "")

    def answers(self, texts: Sequence[Texts]) -> Sequence[Answer]:
        """Return the links of each pair, in their order."""
        found = self.links(texts)
        return [{"alignment": [list(link) for link in sorted(links)]} for links in found]

    def links(self, pairs: Pairs) -> list[Links]:
        """Return the links of each pair; one with an empty side has none."""
        filled = [all(ascii_words(text) for text in pair) for pair in pairs]
        found = iter(self._find([pair for pair, own in zip(pairs, filled, strict=True) if own]))
        return [next(found) if own else frozenset() for own in filled]

    def named(self, texts: Texts) -> Answer:
        """Return both sides."""
        return {"source": texts[0], "target": texts[1]}

    def line(self, _: Texts, answer: Answer, /) -> str:
        """Return the links in Pharaoh's form."""
        return format_gold(frozenset((source, target) for source, target in answer["alignment"]))


def _statistical(asked: AskedLinks) -> Find:
    by = asked.symmetrise or USUAL

    def hmm(pairs: Pairs) -> Sequence[Links]:
        return list(statistical_links(*_sides(pairs), by=by))

    def ibm1(pairs: Pairs) -> Sequence[Links]:
        sources, targets = ([ascii_words(text) for text in side] for side in _sides(pairs))
        _check_sizes(sources, targets)
        there, back = IbmModel1.fit(sources, targets), IbmModel1.fit(targets, sources)
        out: list[Links] = []
        for source, target in zip(sources, targets, strict=True):
            backward = {(s, t) for t, s in back.align(target, source)}
            out.append(symmetrise(there.align(source, target), backward, by=by))
        return out

    return hmm if asked.aligner == "hmm" else ibm1


def _sides(pairs: Pairs) -> tuple[list[str], list[str]]:
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def _check_sizes(sources: Sequence[Sequence[str]], targets: Sequence[Sequence[str]]) -> None:
    """Refuse a pair whose every pairing of words would not fit in memory."""
    for number, (source, target) in enumerate(zip(sources, targets, strict=True), start=1):
        if len(source) * len(target) > MOST_CELLS:
            message = (
                f"the {number}. pair with words has {len(source):,} and {len(target):,}: ibm1 "
                f"counts all {len(source) * len(target):,} pairings, {MOST_CELLS:,} at most; "
                "cut it into sentences, or give --aligner hmm"
            )
            raise InputError(message)


def _attentive(model: Any, asked: AskedLinks) -> Find:
    def find(pairs: Pairs) -> Sequence[Links]:
        found = model.align(
            *_sides(pairs),
            reading=asked.reading,
            by=asked.symmetrise,
            layer=asked.layer,
            head=asked.head,
        )
        return [_links(model, each) for each in found]

    return find


def _links(model: Any, found: Any) -> Links:
    if found.alignment is None:
        message = (
            f"stage '{model.info.stage}' has no attention, so it cannot align; train 'attention' "
            "or 'transformer', or give --aligner hmm"
        )
        raise UnsupportedError(message)
    return frozenset(found.alignment)
