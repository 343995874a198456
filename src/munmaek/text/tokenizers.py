"""Text to token ids and back.

Text is brought to NFC; Hangul is decomposed by the kind ``jamo`` alone. Decoding what was encoded
gives the NFC text again for every kind but ``words`` (which joins words by one space) as long as no
character is unknown; ``bpe``, ``unigram`` and ``morphemes+bpe`` know every character, by its bytes.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, final

from tokenizers import Tokenizer as Pipeline

from munmaek.arrays import Int32s, Int64s
from munmaek.errors import ArtefactError, ConfigError, InputError
from munmaek.text import building
from munmaek.text.building import (
    BYTES,
    CONTINUED,
    LONGEST_WORDPIECE_WORD,
    MARK,
    SPECIALS,
)
from munmaek.text.frames import Frame
from munmaek.text.given import check_text, given_texts
from munmaek.text.line_file import LineFile
from munmaek.text.literals import literals_of
from munmaek.text.morphology import Segmented, analyser, segment
from munmaek.text.pipelines import check_lossless, check_numbered, open_pipeline
from munmaek.text.places import (
    FIRST_BYTE,
    Located,
    Subword,
    bytes_located,
    whole_characters,
    word_of,
)
from munmaek.text.repeated import Runs, flattened, runs_of
from munmaek.text.spaces import ASCII_SPACE, SPACE

__all__ = ["KINDS", "SPECIALS", "Tokenizer", "train_tokenizer", "word_tokenizer"]

PAD, UNK, BOS, EOS, MASK = range(len(SPECIALS))
UNSEEN = frozenset({PAD, BOS, EOS, MASK})
"""Special tokens that decoding leaves out; an unknown token is shown."""

Builder = Callable[[Iterable[str], int, int], Pipeline]
MorphemeBuilder = Callable[[Iterable[Sequence[str]], int, int], Pipeline]

SURFACE: dict[str, Builder] = {
    "words": building.build_words,
    "characters": building.build_characters,
    "jamo": building.build_jamo,
    "bpe": building.build_bpe,
    "unigram": building.build_unigram,
    "wordpiece": building.build_wordpiece,
}
MORPHEMIC: dict[str, MorphemeBuilder] = {
    "morphemes": building.build_morphemes,
    "morphemes+bpe": building.build_morpheme_bpe,
}
KINDS = (*SURFACE, *MORPHEMIC)
"""The kinds of tokenizer, from the coarsest unit to the finest and back to morphemes."""

SPACELESS = frozenset({"words", "characters", "jamo"})
"""Kinds whose subwords never begin with the space before them."""
BLANKS = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""White space that a mask takes before it, as ``lstrip`` of the tokenizers library does."""
SPELLED_IN_BYTES = frozenset({"bpe", "unigram", "morphemes+bpe"})
"""Kinds that spell an unknown character in the bytes of its UTF-8."""
_MANY = 512
"""Texts from which on each distinct word is encoded once."""


@final
class Tokenizer:
    """A trained vocabulary of one of ``KINDS``; unchanging."""

    __slots__ = ("_pipeline", "fingerprint", "kind", "vocab_size")

    pad = PAD
    unk = UNK
    bos = BOS
    eos = EOS
    mask = MASK
    special_ids = frozenset(range(len(SPECIALS)))
    has_mask = True
    frame = Frame.around(BOS, EOS)

    def __init__(self, pipeline: Pipeline, *, kind: str) -> None:
        _check_kind(kind)
        self._pipeline = pipeline
        self.kind = kind
        self.vocab_size: int = pipeline.get_vocab_size()
        self.fingerprint: str = hashlib.sha256(pipeline.to_str().encode()).hexdigest()
        """sha256 of the vocabulary with all its rules."""

    @property
    def signature(self) -> str:
        """Kind and size, for scores: ``bpe-8000``."""
        return f"{self.kind}-{self.vocab_size}"

    @property
    def oov(self) -> str:
        """The fate of an unseen character or word, for scores: ``bytes`` or ``unk``."""
        return "unk" if self.id(BYTES[0]) is None else "bytes"

    @property
    def space(self) -> str:
        """A regular expression for what parts words: of imported words ASCII white space alone."""
        if self.kind != "words":
            return SPACE
        borders: Any = json.loads(self._pipeline.pre_tokenizer.__getstate__())
        return ASCII_SPACE if borders.get("pattern") == {"Regex": ASCII_SPACE} else SPACE

    def begins_word(self, id: int) -> bool:
        """Return whether a token begins a white-space word, as one or with the space before it."""
        return self.kind == "words" or self.token(id).startswith(MARK)

    def __repr__(self) -> str:
        return f"Tokenizer({self.signature}, {self.fingerprint[:8]})"

    def encode(self, text: str, *, allow: Sequence[str] = ()) -> list[int]:
        """Return the token ids of the text, without beginning or end.

        The literal of a special token in a text is text, unless it is one of ``allow``; with
        ``<mask>`` allowed, ``[MASK]`` is one too. A mask takes the white space before it.
        """
        if not allow:
            return self.encode_many([text])[0]
        return [number for number, _, _ in self._located(_nfc(check_text(text)), allow)]

    def encode_many(self, texts: Sequence[str]) -> list[list[int]]:
        """Encode many texts, in their order, on all processors.

        Raises:
            InputError: a text that is no string, or holds half a surrogate pair.
        """
        texts = given_texts(texts)
        runs = self.runs_of_many() if len(texts) >= _MANY else None
        if runs is None:
            return self._encoded(_morphemes(texts) if self.kind in MORPHEMIC else texts)
        ids, limits = runs.flat(texts)
        listed = ids.tolist()
        return [listed[begin:end] for begin, end in pairwise(limits.tolist())]

    def encode_flat(self, texts: Sequence[str], runs: Runs | None) -> tuple[Int32s, Int64s]:
        """Return what ``encode_many`` gives end to end [T], and the limits of each text [N + 1].

        Args:
            texts: as ``encode_many`` takes them.
            runs: what ``runs_of_many`` gave, which remembers words from one call to the next.

        Raises:
            InputError: as ``encode_many``.
        """
        if runs is None:
            return flattened(self.encode_many(texts))
        return runs.flat(given_texts(texts))

    def runs_of_many(self) -> Runs | None:
        """Return what encodes many texts, each distinct word once; None where words are not apart.

        Ids are those of the ``tokenizers`` library.
        """
        cut = _morphemes if self.kind in MORPHEMIC else None
        return runs_of(self._pipeline, self.kind, self._encoded, cut)

    def _encoded(self, inputs: Sequence[Any]) -> list[list[int]]:
        """Encode texts, or lists of morphemes, each by the library."""
        encodings = self._pipeline.encode_batch_fast(
            list(inputs),
            is_pretokenized=bool(inputs) and not isinstance(inputs[0], str),
            add_special_tokens=False,
        )
        ids = [encoding.ids for encoding in encodings]
        return [_without_specials(row) for row in ids] if self.kind == "words" else ids

    # What the model of a kind with merges works on

    @property
    def content(self) -> str:
        """The pipeline with its vocabulary and rules, as ``save`` writes it: JSON."""
        return self._pipeline.to_str()

    def runs(self, texts: Sequence[str]) -> Iterator[list[str]]:
        """Yield each text's runs between borders, a space written ``▁``; runs hold subwords."""
        plain = [_nfc(text) for text in texts]
        normalizer, borders = self._pipeline.normalizer, self._pipeline.pre_tokenizer
        for parts in segment(plain) if self.kind in MORPHEMIC else ([text] for text in plain):
            spelled = (normalizer.normalize_str(part) for part in parts)
            yield [run for part in spelled for run, _ in borders.pre_tokenize_str(part)]

    def spelled(self, run: str) -> list[int]:
        """Spell a run in ids of its characters; one without an id in those of its bytes."""
        ids: list[int] = []
        for character in run:
            number = self.id(character)
            if number is not None:
                ids.append(number)
            else:
                ids.extend(FIRST_BYTE + byte for byte in character.encode())
        return ids

    def run_ids(self, run: str) -> list[int]:
        """Return the ids of the subwords of a run."""
        return [token.id for token in self._pipeline.model.tokenize(run)]

    # Ids to text

    def decode(self, ids: Sequence[int]) -> str:
        """Return the NFC text of the ids; ``<unk>`` is shown, other special tokens are left out.

        Bytes that spell no character are left out too.
        """
        return self.decode_many([ids])[0]

    def decode_many(self, sequences: Sequence[Sequence[int]]) -> list[str]:
        """Decode many sequences, in their order."""
        kept = [[number for number in ids if number not in UNSEEN] for ids in sequences]
        if self.kind in SPELLED_IN_BYTES:
            kept = [whole_characters(ids) for ids in kept]
        texts = self._pipeline.decode_batch(kept, skip_special_tokens=False)
        return [_nfc(text) for text in texts]

    # Tokens and their places

    def composed(self, text: str) -> str:
        """Return the text that places are counted in: in NFC, as it is read."""
        return _nfc(text)

    def token(self, id: int) -> str:
        """Return the token of an id, as the vocabulary writes it.

        Raises:
            IndexError: no such id.
        """
        token = self._pipeline.id_to_token(id) if 0 <= id < self.vocab_size else None
        if token is None:
            message = f"no token {id}: {self.signature} has 0 to {self.vocab_size - 1}"
            raise IndexError(message)
        return token

    def tokens(self) -> list[str]:
        """Return the tokens by id."""
        return sorted(ids := self._pipeline.get_vocab(), key=ids.__getitem__)

    def id(self, token: str) -> int | None:
        """Return the id of a token, or None; not the way to encode text."""
        return self._pipeline.token_to_id(token)

    def subwords(self, text: str, *, allow: Sequence[str] = ()) -> list[Subword]:
        """Return the tokens of ``encode(text, allow=allow)`` with their places in the NFC text."""
        text = _nfc(check_text(text))
        words_at = word_of(text)
        return [
            Subword(number, self.token(number), text[start:end], start, end, words_at[start])
            for number, start, end in self._located(text, allow)
        ]

    def _located(self, text: str, allow: Sequence[str]) -> Iterator[Located]:
        """Yield the ids with the offsets of their characters in an NFC text."""
        masked = False
        for start, end, special in self._spans(text, allow):
            if special is not None:
                yield special, start, end
            elif masked and self.kind == "wordpiece":
                yield from self._continued(text, start, end)
            else:
                yield from self._plain(text, start, end)
            masked = special is not None

    def _spans(self, text: str, allow: Sequence[str]) -> Iterator[tuple[int, int, int | None]]:
        """Cut at the allowed special tokens: start, end and the special token's id or None."""
        literals = literals_of(allow)
        done = 0
        if literals:
            for match in re.finditer("|".join(map(re.escape, literals)), text):
                start, end = match.span()
                if literals[match[0]] == MASK and self.kind not in SPACELESS:
                    start = done + len(text[done:start].rstrip(BLANKS))
                if start > done:
                    yield done, start, None
                yield start, end, literals[match[0]]
                done = end
        if done < len(text):
            yield done, len(text), None

    def _plain(self, text: str, start: int, end: int) -> list[Located]:
        part = text[start:end]
        if self.kind in MORPHEMIC:
            subwords = segment([part])[0]
            begins = [start, *(start + size for size in accumulate(map(len, subwords)))]
            encoding = self._pipeline.encode(
                subwords, is_pretokenized=True, add_special_tokens=False
            )
            bases = [begins[place or 0] for place in encoding.word_ids]
        else:
            encoding = self._pipeline.encode(part, add_special_tokens=False)
            bases = [start] * len(encoding.ids)
        ids = _without_specials(encoding.ids)
        located = [
            (number, base + first, base + last)
            for number, base, (first, last) in zip(ids, bases, encoding.offsets, strict=True)
        ]
        return bytes_located(text, located) if self.kind in SPELLED_IN_BYTES else located

    def _continued(self, text: str, start: int, end: int) -> Iterator[Located]:
        """Cut what goes on from a mask within a word: its first word in continued subwords."""
        match = re.match(r"\w+", text[start:end])
        border = start + min(match.end() if match else 0, LONGEST_WORDPIECE_WORD)
        place = start
        while place < border:
            found = self._longest(text, place, border)
            if found is None:
                break
            number, after = found
            yield number, place, after
            place = after
        if place < end:
            yield from self._plain(text, place, end)

    def _longest(self, text: str, start: int, end: int) -> tuple[int, int] | None:
        """Return the longest continued subword at ``start`` and its end."""
        for after in range(end, start, -1):
            number = self.id(CONTINUED + text[start:after])
            if number is not None:
                return number, after
        return None

    # Files

    def save(self, path: str | Path) -> None:
        """Write ``tokenizer.json``, which ``tokenizers.Tokenizer.from_file`` opens.

        The kind is not in it: keep ``describe()`` beside it. Kinds of morphemes are cut into
        morphemes before this pipeline, which therefore sees them only here.
        """
        Path(path).write_text(self._pipeline.to_str(pretty=True) + "\n", encoding="utf-8")

    def describe(self) -> dict[str, str | int]:
        """Return what a model's record keeps of its tokenizer; ``kind`` is what ``load`` needs."""
        record: dict[str, str | int] = {
            "kind": self.kind,
            "vocab_size": self.vocab_size,
            "signature": self.signature,
            "fingerprint": self.fingerprint,
        }
        if self.kind in MORPHEMIC:
            record["morphology"] = analyser()
        return record

    @classmethod
    def of_content(cls, content: str, *, kind: str) -> "Tokenizer":
        """Make the tokenizer of that ``content`` again, which was kept whole."""
        pipeline = Pipeline.from_str(content)
        pipeline.encode_special_tokens = True
        return cls(pipeline, kind=kind)

    @classmethod
    def load(cls, path: str | Path, *, kind: str) -> "Tokenizer":
        """Open what ``save`` wrote.

        Raises:
            ArtefactError: no such file, not a tokenizer, one with other special tokens, with
                tokens that are not numbered from 0 on, or of a kind that spells in bytes what is
                in no token, and does not give a text back.
        """
        pipeline = open_pipeline(Path(path), check=check_numbered)
        found = tuple(pipeline.id_to_token(number) for number in range(len(SPECIALS)))
        if found != SPECIALS:
            message = f"{path}: ids 0 to 4 must be {' '.join(SPECIALS)}, got {found}"
            raise ArtefactError(message)
        pipeline.encode_special_tokens = True
        if kind in SPELLED_IN_BYTES:
            check_lossless(pipeline, kind, Path(path))
        return cls(pipeline, kind=kind)


def train_tokenizer(
    texts: Iterable[str], *, kind: str, vocab_size: int = 8000, min_count: int = 1
) -> Tokenizer:
    """Learn a vocabulary; the same texts always give the same one.

    Args:
        texts: training text only, never validation or test; a ``LineFile`` is not held in memory.
        kind: one of ``KINDS``.
        vocab_size: most tokens, the special ones (and 256 bytes for ``bpe``, ``unigram`` and
            ``morphemes+bpe``) among them.
        min_count: least times that a learned token occurs; ``unigram`` has no use for it.

    Raises:
        ConfigError: an unknown kind, a size too small for the kind.
        InputError: no text, or one that is no string.
        UnsupportedError: morphemes without Kiwi.
    """
    _check_kind(kind)
    if min_count < 1:
        message = f"min_count must be at least 1, got {min_count}"
        raise ConfigError(message)
    # Lines of a file are NFC already, and are read again rather than held.
    kept = texts if isinstance(texts, LineFile) else [_nfc(text) for text in given_texts(texts)]
    if not any(text and not text.isspace() for text in kept):
        raise InputError("no text to learn a vocabulary from")
    if kind in MORPHEMIC:
        segments = Segmented(texts.blocks) if isinstance(texts, LineFile) else segment(kept)
        pipeline = MORPHEMIC[kind](segments, vocab_size, min_count)
    else:
        pipeline = SURFACE[kind](kept, vocab_size, min_count)
    return Tokenizer(pipeline, kind=kind)


def word_tokenizer(words: Iterable[str], *, space: str = SPACE) -> Tokenizer:
    """Return the tokenizer of kind ``words`` with these words, in order after the special tokens.

    Args:
        words: distinct, none of them special.
        space: what parts them in a text, ``SPACE`` or ``ASCII_SPACE``.
    """
    return Tokenizer(building.words_pipeline(words, space=space), kind="words")


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        message = f"no tokenizer {kind!r}; there are {', '.join(KINDS)}"
        raise ConfigError(message)


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _morphemes(texts: Sequence[str]) -> list[list[str]]:
    return segment([_nfc(text) for text in texts])


def _without_specials(ids: list[int]) -> list[int]:
    """Make unknown a word of the text that is written like a special token."""
    if UNSEEN.isdisjoint(ids):
        return ids
    return [UNK if number in UNSEEN else number for number in ids]
