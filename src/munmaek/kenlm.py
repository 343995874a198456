"""KenLM's Python interface over our n-gram models, for code that was written for KenLM's.

``import munmaek.kenlm as kenlm`` is the only line that changes; a library that imports ``kenlm``
itself finds this module after ``sys.modules["kenlm"] = munmaek.kenlm``. Log-probabilities are to
the base 10, as in ARPA files. The interface is that of https://github.com/kpu/kenlm, version 0.3.0.
"""

import math
import os
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias, cast

import numpy as np

from munmaek.errors import UnsupportedError
from munmaek.models.ngram import NgramModel
from munmaek.ngram import fast
from munmaek.ngram.descent import step
from munmaek.ngram.kenlm_file import is_kenlm, open_kenlm
from munmaek.ngram.kenlm_probing import HashedTables
from munmaek.ngram.textscore import score_after
from munmaek.tasks.lm.exchange import import_ngrams
from munmaek.tasks.loading import load_for
from munmaek.text.spaces import ascii_words

__all__ = ["Config", "FullScoreReturn", "LanguageModel", "Model", "State"]

_LN10 = math.log(10.0)
_UNKNOWN = -100.0
_NO_CONTEXT = -1

Context: TypeAlias = Any
"""A node of our tables, or the words of a context of KenLM's hash tables, the last one first."""


class FullScoreReturn(NamedTuple):
    """The score of one word."""

    log_prob: float
    """Base 10."""
    ngram_length: int
    """Words of the longest n-gram of the model that ends here."""
    oov: bool
    """The word is outside the vocabulary."""


class State:
    """The longest context that the model knows; ``Model``'s methods write it."""

    __slots__ = ("node",)

    def __init__(self) -> None:
        """Begin without a context."""
        self.node: Context = _NO_CONTEXT

    def __eq__(self, other: object) -> bool:
        """Return whether both states predict the same."""
        return isinstance(other, State) and self.node == other.node

    def __lt__(self, other: "State") -> bool:
        """Order states, for sorting."""
        return self.node < other.node

    def __hash__(self) -> int:
        """Return a hash that is equal for equal states."""
        return hash(self.node)

    def __copy__(self) -> "State":
        """Return a state that can be written without changing this one."""
        made = State()
        made.node = self.node
        return made

    def __deepcopy__(self, memo: object) -> "State":
        """Return the same as ``copy``."""
        return self.__copy__()


class Config:
    """Settings of KenLM's reader, taken so that code which sets them runs; none is needed here."""

    def __init__(self) -> None:
        """Begin with KenLM's defaults."""
        self.load_method: object = None
        self.show_progress = False
        self.arpa_complain: object = None


class _Tables(Protocol):
    """The n-grams of a model, asked word by word."""

    order: int

    @property
    def words(self) -> Sequence[str]:
        """By id."""
        ...

    begin: Context
    """The context ``<s>``."""
    nothing: Context
    """The empty context."""
    eos: int
    unknown: int
    """The id of unknown words, or −1."""

    def step(self, context: Context, word: int) -> tuple[float, int, Context]:
        """Return log10 p of a word after a context, the n-gram's length, the next context."""
        ...

    def total(self, context: Context, words: Sequence[int]) -> float:
        """Return log10 p of words after a context."""
        ...


class _OurTables:
    """Tables of ours."""

    def __init__(self, model: NgramModel, words: Sequence[str]) -> None:
        tables = fast(model.tables)
        self._arrays = (
            tables.starts,
            tables.first,
            tables.words,
            tables.links,
            tables.logprobs,
            tables.backoffs,
        )
        self.order = tables.order
        self.words = words
        self.nothing = _NO_CONTEXT
        self.begin = model.bos if tables.order > 1 else _NO_CONTEXT
        self.eos = model.eos
        self.unknown = -1 if model.unk is None else model.unk

    def step(self, context: Context, word: int) -> tuple[float, int, Context]:
        if word < 0:  # a vocabulary that has no unknown word
            return _UNKNOWN, 0, _NO_CONTEXT
        logprob, length, after = step(*self._arrays, context, word)
        return logprob / _LN10, length, int(after)

    def total(self, context: Context, words: Sequence[int]) -> float:
        if -1 in words:
            return _folded(self, context, words)
        return score_after(*self._arrays, context, np.array(words, dtype=np.int64)) / _LN10


class _Hashed:
    """KenLM's hash tables, as they lie in their file."""

    def __init__(self, tables: HashedTables) -> None:
        self._tables = tables
        places = {word: index for index, word in enumerate(tables.words)}
        self.order = tables.order
        self.words = tables.words
        self.nothing: Context = ()
        self.unknown = 0
        self.begin: Context = (places.get("<s>", 0),)
        self.eos = places.get("</s>", 0)

    def step(self, context: Context, word: int) -> tuple[float, int, Context]:
        return self._tables.step(() if context == _NO_CONTEXT else context, word)

    def total(self, context: Context, words: Sequence[int]) -> float:
        return _folded(self, context, words)


def _folded(tables: _Tables, context: Context, words: Sequence[int]) -> float:
    """Return log10 p of words after a context, one by one."""
    total = 0.0
    for word in words:
        logprob, _, context = tables.step(context, word)
        total += logprob
    return total


def _opened(place: Path) -> _Tables:
    if is_kenlm(place) and not (file := open_kenlm(place)).is_trie:
        return _Hashed(HashedTables(file))
    if place.is_dir():
        trained = load_for(place, "lm", what="KenLM's interface")
    else:
        trained = import_ngrams(place)
    if not trained.is_counted:
        message = f"{place}: a {trained.info.label}; KenLM's interface is for n-gram models"
        raise UnsupportedError(message)
    model = cast("NgramModel", trained.model)
    return _OurTables(model, [trained.tokenizer.token(each) for each in range(model.vocab_size)])


class Model:
    """An n-gram model: a folder of ours, an ARPA file (``.arpa``, ``.arpa.gz``) or KenLM's binary.

    A word is what white space parts, and of a model over subwords or characters, a token.
    """

    def __init__(self, path: str | bytes | os.PathLike[str], config: Config | None = None) -> None:
        """Open a model.

        Args:
            path: its folder or file.
            config: taken for KenLM's sake.

        Raises:
            InputError: the file is no ARPA file and no KenLM binary that can be read.
            UnsupportedError: the model in the folder is not one of n-grams.
        """
        del config
        self.path = os.fsdecode(path)
        self._tables = _opened(Path(self.path))
        self._ids = {word: index for index, word in enumerate(self._tables.words)}
        self._unknown = self._tables.unknown
        self.order = self._tables.order

    def __contains__(self, word: str | bytes) -> bool:
        """Return whether the vocabulary has the word."""
        return self._id(word) != self._unknown

    def __repr__(self) -> str:
        """Name the file."""
        return f"<Model from {os.path.basename(self.path)}>"  # noqa: PTH119 - as KenLM says it

    def score(self, sentence: str | bytes, bos: bool = True, eos: bool = True) -> float:
        """Return the log-probability of a sentence, base 10.

        Args:
            sentence: words with white space between.
            bos: it begins after ``<s>``.
            eos: ``</s>`` is predicted too.
        """
        tables = self._tables
        return tables.total(tables.begin if bos else tables.nothing, self._words(sentence, eos))

    def perplexity(self, sentence: str | bytes) -> float:
        """Return the perplexity of a sentence, ``</s>`` counted as a word."""
        words = len(ascii_words(_text(sentence))) + 1
        return 10.0 ** (-self.score(sentence) / words)

    def full_scores(
        self, sentence: str | bytes, bos: bool = True, eos: bool = True
    ) -> Iterator[FullScoreReturn]:
        """Yield log-probability, n-gram length and whether it is unknown, of each word.

        Args:
            sentence: words with white space between.
            bos: it begins after ``<s>``.
            eos: ``</s>`` comes last.
        """
        node = self._tables.begin if bos else self._tables.nothing
        for each in self._words(sentence, eos):
            logprob, length, node = self._tables.step(node, each)
            yield FullScoreReturn(logprob, length, each == self._unknown)

    def BeginSentenceWrite(self, state: State) -> None:  # noqa: N802 - KenLM's name
        """Make ``state`` the context ``<s>``."""
        state.node = self._tables.begin

    def NullContextWrite(self, state: State) -> None:  # noqa: N802 - KenLM's name
        """Make ``state`` the empty context."""
        state.node = self._tables.nothing

    def BaseScore(self, in_state: State, word: str | bytes, out_state: State) -> float:  # noqa: N802
        """Return the log-probability of ``word`` after ``in_state``, base 10.

        Args:
            in_state: the context.
            word: one word.
            out_state: becomes the context with the word; not the same object as ``in_state``.
        """
        logprob, _, out_state.node = self._tables.step(in_state.node, self._id(word))
        return logprob

    def BaseFullScore(  # noqa: N802 - KenLM's name
        self, in_state: State, word: str | bytes, out_state: State
    ) -> FullScoreReturn:
        """Return what ``BaseScore`` does, with the n-gram's length and whether it is unknown."""
        known = self._id(word)
        logprob, length, out_state.node = self._tables.step(in_state.node, known)
        return FullScoreReturn(logprob, length, known == self._unknown)

    def _words(self, sentence: str | bytes, eos: bool) -> list[int]:
        known, words = self._ids, ascii_words(_text(sentence))
        ids = [known[word] if word in known else self._id(word) for word in words]
        return [*ids, self._tables.eos] if eos else ids

    def _id(self, word: str | bytes) -> int:
        text = _text(word)
        found = self._ids.get(text)
        if found is None:
            found = self._ids.get(unicodedata.normalize("NFC", text), self._unknown)
        return found


LanguageModel = Model
"""KenLM's older name."""


def _text(given: str | bytes) -> str:
    return given.decode("utf-8", "replace") if isinstance(given, bytes) else given
