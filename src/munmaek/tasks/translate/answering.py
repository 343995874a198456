"""The translations of the rows of a table."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

from pydantic import Field

from munmaek.decode import GeometricEnsemble, MeanEnsemble
from munmaek.errors import ConfigError, InputError
from munmaek.tasks.answering import (
    Answer,
    Answering,
    Asked,
    AskedSource,
    Texts,
    one_line,
    source_column,
)
from munmaek.tasks.loading import load_for
from munmaek.tasks.translate.filling import fill_xliff
from munmaek.tasks.translate.model import Translator
from munmaek.tasks.translate.translating import Decoding, Ensemble
from munmaek.tasks.translate.translation import Translation, UnknownWords
from munmaek.text.corpora import read_lines
from munmaek.text.files import raw_lines
from munmaek.text.memory import Source
from munmaek.text.record_files import XLIFF_SUFFIXES
from munmaek.text.rows import Row
from munmaek.text.spaces import ascii_words

__all__ = ["AskedTranslations", "Translating"]

MOST = 20
"""Phrases that are named one by one."""


class AskedTranslations(AskedSource):
    """Options of ``munmaek translate``."""

    flags: ClassVar[Mapping[str, str]] = {"with": "others"}
    metavars: ClassVar[Mapping[str, str]] = {
        "others": "MODEL",
        "lm": "MODEL",
        "must": "PHRASE",
        "weight": "X",
        "must_file": "FILE",
        "dictionary": "FILE.tsv",
    }
    panels: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "Search": (
            "beam",
            "n_best",
            "min_length",
            "max_length",
            "length_penalty",
            "coverage",
            "no_repeat",
            "split",
            "precision",
        ),
        "Several models": ("others", "weight", "geometric", "lm", "lm_weight"),
        "Words": ("must", "must_file", "replace_unknown", "dictionary", "alignment"),
    }

    served: ClassVar[tuple[str, ...]] = (
        "beam",
        "n_best",
        "min_length",
        "max_length",
        "length_penalty",
        "coverage",
        "no_repeat",
        "alignment",
        "split",
    )

    most: ClassVar[Mapping[str, int]] = {
        "beam": 64,
        "n_best": 64,
        "min_length": 4096,
        "max_length": 4096,
        "no_repeat": 4096,
    }

    beam: int = Field(default=5, ge=1)
    """Translations kept at every step; 1 is greedy."""
    n_best: int = Field(default=1, ge=1)
    """Translations of each line, as number, score and text; at most the beam."""
    min_length: int = Field(default=0, ge=0)
    """Tokens at least."""
    max_length: int | None = Field(default=None, ge=1)
    """Tokens at most, the end included; by default from the source."""
    length_penalty: float = Field(default=1.0, ge=0)
    """Rank by log-probability / length ^ X."""
    coverage: float = Field(default=0.0, ge=0)
    """Take off X times the logarithms of source words' attention below 1."""
    no_repeat: int = Field(default=0, ge=0)
    """No N tokens in a row come twice."""
    others: tuple[Path, ...] = ()
    """Another translator that decodes together with the first; may come again."""
    weight: tuple[float, ...] = ()
    """Weight of each model, in their order; by default all alike."""
    geometric: bool = False
    """The mean of log-probabilities rather than of probabilities."""
    lm: Path | None = None
    """A language model over the same target vocabulary, added to the scores."""
    lm_weight: float = 0.2
    """Weight of the language model."""
    must: tuple[str, ...] = ()
    """Must be in every translation; may come again."""
    must_file: str | None = None
    """For each line of text a line of phrases, with tabs between or as a JSON list."""
    replace_unknown: bool = False
    """Write the source word attended to for a word that the vocabulary lacks."""
    dictionary: str | None = None
    """With --replace-unknown: source words and what to write for them."""
    alignment: bool = False
    """A column with the links of the words too, as align prints them; slower."""
    split: bool = False
    """Translate a line beyond the limit in parts, not cut."""
    precision: Literal["float32", "int8"] = "float32"
    """float32, or int8: nearly the same and faster."""
    overwrite: bool = False
    """In a translation file (XLIFF), translate anew what has a translation too, unless a person has
    finished it."""


class Translating(Answering):
    """Translates texts."""

    tasks = ("translate",)
    options: ClassVar[type[Asked]] = AskedTranslations
    block = 512
    fills = XLIFF_SUFFIXES
    told = ("limit",)
    wholly: ClassVar[Mapping[str, Any]] = {"alignment": True}

    def __init__(self, model: Translator, asked: AskedTranslations) -> None:
        """Take a translator, and open those that decode together with it.

        Raises:
            ConfigError: options that do not go together.
        """
        if asked.dictionary is not None and not asked.replace_unknown:
            raise ConfigError("--dictionary is for --replace-unknown; give both")
        self._asked, self._decoding = asked, _decoding(asked)
        self._together = _together(model, asked)
        self._lines = self._cut = self._unfinished = 0
        self._unmet: list[str] = []
        self._by_place = 0
        self.columns = (source_column(asked, model.info.columns),)
        self.new = ("translation", "logprob", *(("alignment",) if asked.alignment else ()))

    def beside(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Add the phrases of each line to its row, as JSON.

        Raises:
            InputError: there are fewer lines of phrases, or more; a line that holds none.
        """
        path, always = self._asked.must_file, self._asked.must
        if path is None and not always:
            return rows
        return self._with_phrases(rows, path, always)

    def _with_phrases(
        self, rows: Iterator[Row], path: str | None, always: Sequence[str]
    ) -> Iterator[Row]:
        if path is None:
            said = json.dumps(list(always))
            yield from (_with(row, said) for row in rows)
            return
        lines = (line for block in raw_lines(path) for line in block)
        number = 0
        for number, (row, line) in enumerate(zip_longest(rows, lines), start=1):
            if line is None:
                message = (
                    f"{path}: fewer lines than the text; give one for each, empty where none is "
                    "wanted"
                )
                raise InputError(message)
            if row is None:
                message = f"{path}: more lines than the text's {number - 1:,}; give one for each"
                raise InputError(message)
            own = _phrases_of(line, f"{path}, line {number}")
            yield _with(row, json.dumps([*always, *own]))

    def answers(self, texts: Sequence[Texts]) -> Sequence[Answer]:
        """Return the translations of each row, and what they were ranked by."""
        sources = [each[0] for each in texts]
        must: list[list[str]] = [json.loads(each[1]) if len(each) > 1 else [] for each in texts]
        wanted = must if any(must) else ()
        links = self.whole or self._asked.alignment
        found = self._together.translate(sources, self._decoding, must=wanted, links=links)
        return [self._answer(*each) for each in zip(texts, found, strict=True)]

    def _answer(self, texts: Texts, found: Sequence[Translation]) -> Answer:
        best = found[0]
        self._unmet += [f"line {texts[2]}: {phrase!r}" for phrase in best.unmet]
        self._cut += best.cut > 0
        self._unfinished += not best.finished
        answer = _said(best)
        if self._asked.n_best > 1:
            answer["n_best"] = [{**_said(each), "score": each.score} for each in found]
        if best.cut:
            answer["cut"] = best.cut
        if not best.finished:
            answer["unfinished"] = True
        if best.unmet:
            answer["unmet"] = list(best.unmet)
        return answer

    def received(self, answer: Answer, /) -> Answer:
        """Return what a server said of a row, and count what it cut."""
        self._cut += "cut" in answer
        self._unfinished += "unfinished" in answer
        return answer

    def named(self, texts: Texts) -> Answer:
        """Return the source."""
        return {"source": texts[0]}

    def nothing(self, texts: Texts) -> Answer | None:
        """Return an empty translation of an empty row."""
        if texts[0]:
            return None
        answer: dict[str, Any] = {"translation": "", "logprob": 0.0, "alignment": None}
        if self._asked.n_best > 1:
            answer["n_best"] = [{**answer, "score": 0.0}]
        unmet: list[str] = json.loads(texts[1]) if len(texts) > 1 else []
        return {**answer, "unmet": unmet} if unmet else answer

    def line(self, _: Texts, answer: Answer, /) -> str:
        """Return the translation; of several the number of the line, their scores and texts."""
        self._lines += 1
        if "n_best" not in answer:
            return one_line(answer["translation"])
        return "\n".join(
            f"{self._lines}\t{each['score']:.4f}\t{one_line(_words(each['translation']))}"
            for each in answer["n_best"]
        )

    def fill(self, source: Source, output: Path) -> Mapping[str, int]:
        """Write a translation file (XLIFF) with its targets filled; all else stays to the byte.

        Raises:
            InputError: it is no translation file.
            ConfigError: options that are for rows.
        """
        if self._asked.n_best > 1 or self._asked.must_file is not None:
            message = (
                f"-o {output}: a translation file has one target for each segment; leave --n-best "
                "and --must-file out"
            )
            raise ConfigError(message)
        count = fill_xliff(source, output, self._best, overwrite=self._asked.overwrite)
        self._by_place = count.by_place
        return {"translated": count.translated, "kept": count.kept, "left": count.left}

    def _best(self, texts: Sequence[str]) -> list[Translation]:
        must = [list(self._asked.must)] * len(texts) if self._asked.must else ()
        found = self._together.translate(texts, self._decoding, must=must, links=True)
        for best in found:
            self._cut += best[0].cut > 0
            self._unfinished += not best[0].finished
        return [best[0] for best in found]

    def remarks(self, rows: int, /) -> Sequence[str]:
        """Return how many texts were cut, and how many translations."""
        limit = min(each.limit for each in self._together.translators)
        left = "cannot be in the translation; it is left out"
        out = [f"{each} {left}" for each in self._unmet[:MOST]]
        if len(self._unmet) > MOST:
            out.append(f"and {len(self._unmet) - MOST:,} more phrases")
        if self._cut:
            out.append(
                f"warning: {self._cut:,} of {rows:,} lines are longer than the {limit} tokens "
                "that are read; their ends were cut (--split translates them in parts)"
            )
        if self._by_place:
            out.append(
                f"warning: the tags of {self._by_place:,} segments went by their place in the "
                "sentence, for this model has no attention; look at them"
            )
        if self._unfinished:
            out.append(
                f"warning: {self._unfinished:,} of {rows:,} translations were cut at the longest "
                "length (--max-length)"
            )
        return out


def _words(text: str) -> str:
    """Return a text with a single space between its words."""
    return " ".join(ascii_words(text))


def _with(row: Row, phrases: str) -> Row:
    """Return a row whose texts have phrases and its number beside them."""
    return row if row.fault else row._replace(texts=(*row.texts, phrases, str(row.number)))


def _said(each: Translation) -> dict[str, Any]:
    links = each.alignment
    listed = None if links is None else [list(link) for link in links]
    return {"translation": each.translation, "logprob": each.logprob, "alignment": listed}


def _decoding(asked: AskedTranslations) -> Decoding:
    return Decoding(
        beam=asked.beam,
        n_best=asked.n_best,
        length_penalty=asked.length_penalty,
        coverage=asked.coverage,
        min_length=asked.min_length,
        max_length=asked.max_length,
        no_repeat=asked.no_repeat,
        split=asked.split,
        unknown=UnknownWords(_pairs(asked.dictionary)) if asked.replace_unknown else None,
    )


def _together(model: Translator, asked: AskedTranslations) -> Ensemble:
    models: list[Any] = [model, *(load_for(folder, "translate") for folder in asked.others)]
    if asked.precision == "int8":
        models = [each.quantised() for each in models]
    return Ensemble(
        models,
        asked.weight,
        GeometricEnsemble if asked.geometric else MeanEnsemble,
        None if asked.lm is None else load_for(asked.lm, "lm", what="--lm"),
        asked.lm_weight,
    )


def _pairs(path: str | None) -> dict[str, str]:
    """Read a dictionary of a TSV file; the first translation of a word counts."""
    found: dict[str, str] = {}
    for number, line in enumerate(read_lines(path) if path else (), start=1):
        word, _, rest = line.partition("\t")
        translation = rest.split("\t")[0].strip()
        if line and not (word.strip() and translation):
            message = f"{path}, line {number}: wanted a word, a tab and its translation"
            raise InputError(message)
        if line:
            found.setdefault(word.strip(), translation)
    return found


def _phrases_of(line: str, where: str) -> list[str]:
    if not line.startswith("["):
        return [each.strip() for each in line.split("\t") if each.strip()]
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        message = f"{where}: not a JSON list: {error}"
        raise InputError(message) from None
    if not all(isinstance(each, str) for each in value):
        message = f"{where}: wanted a JSON list of phrases, got {line[:40]}"
        raise InputError(message)
    return [each for each in cast("list[str]", value) if each.strip()]
