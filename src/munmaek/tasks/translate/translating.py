"""Searching for translations: by one translator or by several together, whatever their stages."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, final
from unicodedata import normalize

import numpy as np

from munmaek.decode import (
    Coverage,
    GeometricEnsemble,
    Hypothesis,
    MeanEnsemble,
    Phrase,
    Search,
    ShallowFusion,
    beam_search,
    constrained_search,
)
from munmaek.errors import ConfigError
from munmaek.lm import BatchedLanguageModel
from munmaek.progress import followed
from munmaek.tasks.translate.splitting import split_text
from munmaek.tasks.translate.translation import (
    Translation,
    UnknownWords,
    empty_translation,
    longest_target,
    never_written,
    token_words,
    translation_of,
    word_links,
    word_weights,
)
from munmaek.text.given import given_texts
from munmaek.text.spaces import ascii_words
from munmaek.text.tokenizers import Tokenizer

if TYPE_CHECKING:
    from munmaek.tasks.lm.model import TrainedLanguageModel
    from munmaek.tasks.translate.model import Translator

__all__ = ["Decoding", "Ensemble"]

Ids = Sequence[int]
HYPOTHESES = 128
"""Held at once at most, over all sentences of a batch."""
POSITIONS = 8192
"""Source tokens that these attend to, at most, unless a single sentence has more."""


@final
@dataclass(frozen=True, slots=True)
class Decoding:
    """Options of the search for translations."""

    beam: int = 5
    """Hypotheses kept at every step; 1 is greedy."""
    n_best: int = 1
    """Translations wanted, at most ``beam``."""
    length_penalty: float = 1.0
    """0 ranks by probability, 1 by probability per token."""
    coverage: float = 0.0
    """β of ``munmaek.decode.Coverage``; the end of the source need not be covered."""
    min_length: int = 0
    """Fewest target tokens before the end."""
    max_length: int | None = None
    """Most target tokens, the end included; None is 1.5 times the source's and 20 more."""
    no_repeat: int = 0
    """No run of this many tokens comes twice; 0 lets all repeat."""
    split: bool = False
    """Translate a text beyond the limit in parts rather than cut it."""
    unknown: UnknownWords | None = None
    """Replacement of a word that the vocabulary lacks; None never writes one."""

    def __post_init__(self) -> None:
        for name, least in {"beam": 1, "n_best": 1, "min_length": 0, "no_repeat": 0}.items():
            if getattr(self, name) < least:
                message = f"{name} must be at least {least}, got {getattr(self, name)}"
                raise ConfigError(message)
        if self.n_best > self.beam:
            message = f"n_best must be at most the beam of {self.beam}, got {self.n_best}"
            raise ConfigError(message)
        for name in ("length_penalty", "coverage"):
            if not 0 <= getattr(self, name) < np.inf:
                message = f"{name} must be at least 0, got {getattr(self, name)}"
                raise ConfigError(message)
        longest = self.max_length
        if longest is not None and not self.min_length < longest:
            message = f"max_length must be above min_length = {self.min_length}, got {longest}"
            raise ConfigError(message)
        if self.split and self.n_best > 1:
            raise ConfigError("split joins the best of each part; ask for one translation only")


@final
@dataclass(frozen=True, slots=True)
class Ensemble:
    """Translators that decode together; they write the same target vocabulary.

    Their source vocabularies may differ. Attention is the weighted mean of those that have it and
    read the same source tokens as the first that does.
    """

    translators: Sequence["Translator"]
    weights: Sequence[float] = ()
    """Weight of each, above 0; empty is equal shares."""
    combine: type[MeanEnsemble | GeometricEnsemble] = MeanEnsemble
    """The mean of probabilities, or of log-probabilities."""
    language_model: "TrainedLanguageModel | None" = None
    """A model of the target language, over the target vocabulary: shallow fusion."""
    language_weight: float = 0.2
    """λ of ``munmaek.decode.ShallowFusion``."""
    shares: tuple[float, ...] = field(init=False)
    """The weights, summing to 1."""

    def __post_init__(self) -> None:
        if not self.translators:
            raise ConfigError("an ensemble needs at least one translator")
        weights = tuple(self.weights) or (1.0,) * len(self.translators)
        if len(weights) != len(self.translators) or not all(0 < each < np.inf for each in weights):
            message = (
                f"weights must be above 0 and one for each of {len(self.translators)} models, "
                f"got {list(weights)}"
            )
            raise ConfigError(message)
        if not 0 < self.language_weight < np.inf:
            message = f"the language model's weight must be above 0, got {self.language_weight}"
            raise ConfigError(message)
        object.__setattr__(self, "shares", tuple(each / sum(weights) for each in weights))
        for number, other in enumerate(self.translators[1:], start=2):
            self._check(other.target_tokenizer, f"model {number}")
        if self.language_model is not None:
            self._check(self.language_model.tokenizer, "the language model")

    def _check(self, tokenizer: Any, what: str) -> None:
        wanted = self.translators[0].target_tokenizer
        if tokenizer.fingerprint != wanted.fingerprint:
            message = (
                f"{what} has another target vocabulary ({tokenizer.signature}) than the first "
                f"({wanted.signature}); train it with --tokenizer and the folder of the first"
            )
            raise ConfigError(message)

    def translate(
        self,
        texts: Sequence[str],
        decoding: Decoding | None = None,
        *,
        must: Sequence[Sequence[str]] = (),
        links: bool = True,
    ) -> list[list[Translation]]:
        """Translate each text: its best translations, best first; an empty text stays empty.

        Args:
            texts: source sentences, or one.
            decoding: how to search; by default a beam of 5 and one translation.
            must: phrases that must be in the translation of each text; none for all, or a list
                for each. One that cannot be is stated in ``Translation.unmet``.
            links: keep the attention; without it decoding is faster.

        Raises:
            ConfigError: options that a model cannot serve.
        """
        decoding, texts = decoding or Decoding(), given_texts(texts)
        wanted = list(must) or [()] * len(texts)
        if len(wanted) != len(texts):
            message = f"must needs a list for each of {len(texts)} texts, got {len(wanted)}"
            raise ConfigError(message)
        if decoding.split:
            return _in_parts(self, texts, decoding, wanted, links=links)
        return _Search(self, decoding, links=links).of(texts, wanted)


def _in_parts(
    ensemble: Ensemble,
    texts: Sequence[str],
    decoding: Decoding,
    must: Sequence[Sequence[str]],
    *,
    links: bool,
) -> list[list[Translation]]:
    """Split each text where it is too long, translate its parts and join them again."""
    limit = min(each.limit for each in ensemble.translators)

    def fits(part: str) -> bool:
        encoded = (each.source_tokenizer.encode(part) for each in ensemble.translators)
        return all(len(ids) < limit for ids in encoded)

    parts = [split_text(text.strip(), fits) or [""] for text in texts]
    for phrases, own in zip(must, parts, strict=True):
        if phrases and len(own) > 1:
            raise ConfigError("phrases that must come cannot go with a text that is split")
    flat = [part for own in parts for part in own]
    asked = [phrases for phrases, own in zip(must, parts, strict=True) for _ in own]
    found = iter(ensemble.translate(flat, replace(decoding, split=False), must=asked, links=links))
    return [
        [_joined(text, [next(found)[0] for _ in own])]
        for text, own in zip(texts, parts, strict=True)
    ]


def _joined(text: str, parts: Sequence[Translation]) -> Translation:
    """Join translations of a text's parts into one."""
    if len(parts) == 1:
        return replace(parts[0], source=text)
    source = tuple(word for part in parts for word in part.source_words)
    target = tuple(word for part in parts for word in part.target_words)
    out = Translation(
        source=text,
        translation=" ".join(part.translation for part in parts),
        logprob=sum(part.logprob for part in parts),
        alignment=None,
        weights=None,
        source_words=tuple(ascii_words(text)),
        target_words=target,
        score=sum(part.score for part in parts) / len(parts),
        finished=all(part.finished for part in parts),
        cut=sum(part.cut for part in parts),
    )
    # A word cut in two leaves other words than the text has; then nothing can be linked.
    if source != out.source_words or any(part.weights is None for part in parts):
        return out
    weights = np.zeros((len(target), len(source)), dtype=np.float32)
    row = column = 0
    for part in parts:
        rows, columns = len(part.target_words), len(part.source_words)
        weights[row : row + rows, column : column + columns] = part.weights
        row, column = row + rows, column + columns
    return replace(out, weights=weights, alignment=word_links(weights))


@dataclass(frozen=True, slots=True)
class _Asked:
    """One text with all that the search needs to know of it."""

    number: int
    text: str
    ids: Sequence[Ids]
    """Source tokens for each translator, </s> last."""
    cut: int
    longest: int
    phrases: tuple[Phrase, ...] = ()
    spelled: tuple[str, ...] = ()
    """The phrases, as they were given."""
    unmet: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Search:
    ensemble: Ensemble
    decoding: Decoding
    links: bool = field(kw_only=True)

    def of(self, texts: Sequence[str], must: Sequence[Sequence[str]]) -> list[list[Translation]]:
        out = [
            [empty_translation(text, phrases)] for text, phrases in zip(texts, must, strict=True)
        ]
        reader = self._reader()
        batches = list(_batches(self._asked(texts, must), self.decoding.beam))
        for batch in followed(batches, "translations", total=len(texts), size=len):
            for asked, found in zip(batch, self._found(batch, reader), strict=True):
                out[asked.number] = [self._result(asked, best, reader) for best in found]
        return out

    @property
    def _target(self) -> Tokenizer:
        return self.ensemble.translators[0].target_tokenizer

    def _reader(self) -> int:
        """Number of the first translator that has attention, else 0.

        Raises:
            ConfigError: coverage is wanted, and none has.
        """
        translators, coverage = self.ensemble.translators, self.decoding.coverage > 0
        for number, each in enumerate(translators if coverage or len(translators) > 1 else ()):
            rows = each.rows([[each.source_tokenizer.eos]], look=True)
            if rows.attention(rows.start()) is not None:
                return number
        if coverage:
            raise ConfigError("a coverage penalty needs attention, and this translator has none")
        return 0

    def _asked(self, texts: Sequence[str], must: Sequence[Sequence[str]]) -> list[_Asked]:
        translators = self.ensemble.translators
        encoded = [each.source_tokenizer.encode_many(texts) for each in translators]
        out: list[_Asked] = []
        for number, text in enumerate(texts):
            if not text.strip():
                continue
            pairs = list(zip(translators, (rows[number] for rows in encoded), strict=True))
            ids = [each.source_ids(row) for each, row in pairs]
            cut = max(len(row) - len(read) + 1 for (_, row), read in zip(pairs, ids, strict=True))
            asked = _Asked(number, text, ids, cut, longest_target(len(ids[0])))
            out.append(self._with_phrases(asked, must[number]))
        return out

    def _with_phrases(self, asked: _Asked, must: Sequence[str]) -> _Asked:
        """Add the phrases that can be met; the maximum length leaves room for them."""
        longest = self.decoding.max_length
        room, taken = np.inf if longest is None else longest - 1, 0
        phrases: list[Phrase] = []
        spelled: list[str] = []
        unmet: list[str] = []
        for text in must:
            phrase = _phrase(self._target, text)
            length = 0 if phrase is None else max(len(phrase.tokens), len(phrase.first))
            if phrase is None or taken + length > room:
                unmet.append(text)
                continue
            taken += length
            phrases.append(phrase)
            spelled.append(text)
        return replace(
            asked,
            longest=asked.longest + taken if longest is None else longest,
            phrases=tuple(phrases),
            spelled=tuple(spelled),
            unmet=tuple(unmet),
        )

    def _found(self, batch: Sequence[_Asked], reader: int) -> list[list[Hypothesis]]:
        decoding = self.decoding
        coverage = None
        if decoding.coverage:
            lengths = [len(each.ids[reader]) - 1 for each in batch]
            coverage = Coverage(decoding.coverage, lengths)
        search = Search(
            [each.longest for each in batch],
            beam=decoding.beam,
            n_best=decoding.n_best,
            length_penalty=decoding.length_penalty,
            coverage=coverage,
            min_length=decoding.min_length,
            no_repeat=decoding.no_repeat,
            banned=self._never(),
        )
        rows = self._rows(batch, reader)
        if any(each.phrases for each in batch):
            return constrained_search(rows, [each.phrases for each in batch], search)
        return beam_search(rows, search)

    def _never(self) -> tuple[int, ...]:
        tokenizer = self._target
        # A vocabulary with bytes has no words that it cannot spell.
        writes = self.decoding.unknown is not None and tokenizer.oov == "unk"
        return never_written(tokenizer, unknown=writes)

    def _rows(self, batch: Sequence[_Asked], reader: int) -> BatchedLanguageModel[Any]:
        decoding = self.decoding
        look = self.links or decoding.coverage > 0 or decoding.unknown is not None
        rows: list[BatchedLanguageModel[Any]] = []
        for number, each in enumerate(self.ensemble.translators):
            same = all(asked.ids[number] == asked.ids[reader] for asked in batch)
            rows.append(each.rows([asked.ids[number] for asked in batch], look=look and same))
        together = rows[0]
        if len(rows) > 1:
            together = self.ensemble.combine(rows, self.ensemble.shares)
        spoken = self.ensemble.language_model
        if spoken is None:
            return together
        return ShallowFusion(together, spoken.rows(len(batch)), self.ensemble.language_weight)

    def _result(self, asked: _Asked, best: Hypothesis, reader: int) -> Translation:
        target, ids = self._target, asked.ids[reader]
        source = self.ensemble.translators[reader].source_tokenizer
        text = target.decode(best.tokens).strip(" ")
        weights = word_weights(source, ids, target, best) if self.links else None
        if self.decoding.unknown is not None and target.unk in best.tokens:
            columns = (*token_words(source, ids[:-1]), -1)
            text = self.decoding.unknown.replaced(
                text, best, tokenizer=target, source=asked.text, columns=columns
            )
        missing = [each for each in asked.spelled if _words(normalize("NFC", each)) not in text]
        made = translation_of(asked.text, text, best, weights)
        return replace(made, cut=asked.cut, unmet=(*asked.unmet, *missing))


def _batches(asked: Sequence[_Asked], beam: int) -> list[list[_Asked]]:
    """Group texts of like length; those with phrases apart, as their search is another."""
    out: list[list[_Asked]] = []
    for with_phrases in (False, True):
        chosen = [each for each in asked if bool(each.phrases) == with_phrases]
        chosen.sort(key=lambda each: len(each.ids[0]))
        batch: list[_Asked] = []
        for each in chosen:
            held = (len(batch) + 1) * beam
            if batch and (held > HYPOTHESES or held * len(each.ids[0]) > POSITIONS):
                out.append(batch)
                batch = []
            batch.append(each)
        if batch:
            out.append(batch)
    return out


def _phrase(tokenizer: Tokenizer, text: str) -> Phrase | None:
    """Spell a phrase in tokens, None where the vocabulary cannot."""
    words = _words(text)
    within, first = tokenizer.encode(f" {words}"), tokenizer.encode(words)
    if not words or not within or not first:
        return None
    if any(token in tokenizer.special_ids for token in (*within, *first)):
        return None
    return Phrase(tuple(within), tuple(first))


def _words(text: str) -> str:
    """Return the text with a single space between words."""
    return " ".join(text.split())
