"""Vocabularies from text, as pipelines of the ``tokenizers`` library.

Every kind but words keeps spaces: a space is written ``▁`` (U+2581) at the head of the subword that
follows it, as SentencePiece does (Kudo & Richardson 2018). A ``▁`` of the text itself is held as
the private-use character U+F2581 and written back on decoding.

Sources: BPE, Sennrich et al. 2016; unigram, Kudo 2018; WordPiece, Schuster & Nakajima 2012.
"""

import re
import string
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, cast, final

import numpy as np
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Pipeline

from munmaek.errors import ConfigError
from munmaek.text.merges import learn_subword_merges
from munmaek.text.spaces import SPACE, before_spaces, with_its_space
from munmaek.text.unigram import learn_subwords

__all__ = [
    "BYTES",
    "CONTINUED",
    "LONGEST_LEARNED_WORD",
    "LONGEST_WORDPIECE_WORD",
    "MARK",
    "SPECIALS",
    "STAND_IN",
    "build_bpe",
    "build_characters",
    "build_jamo",
    "build_morphemes",
    "build_unigram",
    "build_wordpiece",
    "build_words",
    "normal_form",
    "word_borders",
    "wordpiece_borders",
    "words_pipeline",
]

SPECIALS = ("<pad>", "<unk>", "<s>", "</s>", "<mask>")
"""Special tokens of every vocabulary; a token's id is its place: 0 to 4."""

BYTES = tuple(f"<0x{byte:02X}>" for byte in range(256))
"""Tokens that spell a character outside the vocabulary, byte by byte of its UTF-8."""

MARK = "▁"
STAND_IN = "\U000f2581"
BORDER = "\n"
"""Parts what training may not join: a character outside the alphabet."""
CONTINUED = "##"
"""Marks a WordPiece that continues a word."""

NOT_BLANK = SPACE.replace("\x20", "\x1f")

COVERAGE = 0.9995
"""Share of running characters with a token of their own; the rest are spelled in bytes."""
WORDPIECE_COVERAGE = 0.995
"""Share of running characters that may continue a WordPiece; the rest stand alone."""
LONGEST_LEARNED_WORD = 4096
"""Characters; training cuts a longer run without space, as merging it is quadratic."""
LONGEST_WORDPIECE_WORD = 100
"""Characters; a longer run without space is cut, as greedy longest match is quadratic."""

_TEXTS = 4096
"""Texts whose characters are counted together."""

# Vocabularies


def build_words(texts: Iterable[str], vocab_size: int, min_count: int) -> Pipeline:
    """Build the most frequent white-space words; the rest are ``<unk>``."""
    counts = Counter(word for text in texts for word in text.split())
    for special in SPECIALS:
        del counts[special]
    return words_pipeline(_frequent(counts, _room(vocab_size, len(SPECIALS)), min_count))


def words_pipeline(words: Iterable[str], *, space: str = SPACE) -> Pipeline:
    """Return a vocabulary of these words, after the special tokens; ``space`` parts them."""
    pipeline = Pipeline(models.WordLevel(_vocab(words), unk_token="<unk>"))
    pipeline.normalizer = normalizers.NFC()
    pipeline.pre_tokenizer = pre_tokenizers.Split(Regex(space), "removed")
    return _with_specials(pipeline, mask_takes_space=False)


def build_characters(texts: Iterable[str], vocab_size: int, min_count: int) -> Pipeline:
    """Build the most frequent characters (code points of NFC); the rest are ``<unk>``."""
    return _spelled(texts, vocab_size, min_count, "NFC")


def build_jamo(texts: Iterable[str], vocab_size: int, min_count: int) -> Pipeline:
    """Build code points of NFD, so that a Hangul syllable is its two or three conjoining jamo."""
    return _spelled(texts, vocab_size, min_count, "NFD")


def build_bpe(texts: Iterable[str], vocab_size: int, min_count: int) -> Pipeline:
    """Build byte-pair encoding within words, punctuation apart, with byte fallback."""
    return _trained_bpe(texts, vocab_size, min_count, word_borders())


def build_unigram(texts: Iterable[str], vocab_size: int, min_count: int) -> Pipeline:
    """Build a unigram language model over subwords within words, with byte fallback."""
    del min_count  # The likelihood, not a count, decides which subwords stay.
    head = [*SPECIALS, *BYTES]
    room = _room(vocab_size, len(head))
    counts = _characters(texts, "NFC")
    alphabet = _covering(counts, room // 2, COVERAGE)
    words = _pretokens(texts, alphabet, word_borders())
    # Six decimals: the library reads longer ones from JSON with the last bit off.
    subwords = [
        (subword, round(score, 6)) for subword, score in learn_subwords(words, alphabet, room)
    ]
    subwords.sort(key=lambda item: (-item[1], item[0]))
    model = models.Unigram(
        [*((token, 0.0) for token in head), *subwords], SPECIALS.index("<unk>"), byte_fallback=True
    )
    return _finished(model, word_borders())


def build_wordpiece(texts: Iterable[str], vocab_size: int, min_count: int) -> Pipeline:
    """Build WordPiece within words, each punctuation mark apart; unseen characters are ``<unk>``.

    Rare characters stand alone, as Chinese characters do in BERT's (Devlin et al. 2019), so that
    every known character can be spelled without a continued form of each.
    """
    room = _room(vocab_size, len(SPECIALS))
    counts = _characters(texts, "NFC")
    alphabet = _covering(counts, room // 2, 1.0)
    common = _covering(counts, room // 4, WORDPIECE_COVERAGE)
    apart = {*string.punctuation, MARK}
    continued = [CONTINUED + character for character in common if character not in apart]
    borders = wordpiece_borders(sorted(set(alphabet) - set(common) - {MARK}))
    special = [*SPECIALS, *continued]
    learned = learn_subword_merges(
        _pretokens(texts, alphabet, borders), first=special, alphabet=alphabet,
        vocab_size=vocab_size, min_count=min_count, prefix=CONTINUED,
    )  # fmt: skip
    tokens = dict.fromkeys([*special, *alphabet, *learned.tokens])
    vocab = {token: number for number, token in enumerate(list(tokens)[:vocab_size])}
    model = models.WordPiece(
        vocab,
        unk_token="<unk>",
        max_input_chars_per_word=LONGEST_WORDPIECE_WORD + 1,
        continuing_subword_prefix=CONTINUED,
    )
    pipeline = _finished(model, borders)
    continued_first = decoders.Replace(Regex(rf"\A{CONTINUED}"), "")
    pipeline.decoder = decoders.Sequence([continued_first, *_joined()])
    return pipeline


def build_morphemes(segments: Iterable[Sequence[str]], vocab_size: int, min_count: int) -> Pipeline:
    """Build the most frequent morphemes; others are spelled in characters, or ``<unk>``."""
    room = _room(vocab_size, len(SPECIALS))
    counts = Counter(_marked(subword) for subwords in segments for subword in subwords)
    characters = Counter({MARK: 1})
    for subword, count in counts.items():
        for character in subword:
            characters[character] += count
    alphabet = _covering(characters, room // 2, 1.0)
    whole = Counter({subword: count for subword, count in counts.items() if len(subword) > 1})
    vocab = _vocab([*alphabet, *_frequent(whole, room - len(alphabet), min_count)])
    # Without merges, a subword that is not in the vocabulary falls apart into its characters.
    model = models.BPE(vocab, [], unk_token="<unk>", ignore_merges=True)
    return _finished(model, _morpheme_borders())


def build_morpheme_bpe(
    segments: Iterable[Sequence[str]], vocab_size: int, min_count: int
) -> Pipeline:
    """Build byte-pair encoding that never crosses a morpheme border, with byte fallback."""
    return _trained_bpe(_Joined(segments), vocab_size, min_count, _morpheme_borders())


@final
class _Joined:
    """The subwords of all texts, one after the other, as often as they are gone through."""

    def __init__(self, segments: Iterable[Sequence[str]]) -> None:
        self._segments = segments

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._segments)


# Where subwords end


def word_borders() -> pre_tokenizers.PreTokenizer:
    """Cut before spaces, around other white space, around runs of punctuation.

    ``<`` is punctuation, so no subword of a text can be the literal of a special token.
    """
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(NOT_BLANK), "isolated"),
            pre_tokenizers.Metaspace(MARK, prepend_scheme="never", split=True),
            pre_tokenizers.Punctuation("contiguous"),
        ]
    )


def wordpiece_borders(alone: Sequence[str]) -> pre_tokenizers.PreTokenizer:
    """Cut as for the other subwords, each punctuation mark and each of these characters apart."""
    single = NOT_BLANK[:-1] + "".join(f"\\x{{{ord(character):x}}}" for character in alone) + "]"
    return pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(single), "isolated"),
            pre_tokenizers.Metaspace(MARK, prepend_scheme="never", split=True),
            pre_tokenizers.Punctuation("isolated"),
            pre_tokenizers.Split(Regex(rf"(?m:.){{{LONGEST_WORDPIECE_WORD}}}"), "isolated"),
        ]
    )


def _morpheme_borders() -> pre_tokenizers.PreTokenizer:
    """Cut before spaces: the morphemes themselves come in already cut."""
    return pre_tokenizers.Metaspace(MARK, prepend_scheme="never", split=True)


# Steps that kinds share


def normal_form(name: str, *, spaces: bool = False) -> normalizers.Normalizer:
    """Return what brings a text to NFC or NFD with its ``▁`` held apart, and marks its spaces."""
    form = normalizers.NFD() if name == "NFD" else normalizers.NFC()
    marked = normalizers.Sequence([form, normalizers.Replace(MARK, STAND_IN)])
    return normalizers.Sequence([marked, normalizers.Replace(" ", MARK)]) if spaces else marked


def _finished(model: models.Model, borders: pre_tokenizers.PreTokenizer) -> Pipeline:
    """Finish the pipeline of a kind that marks the space before a subword."""
    pipeline = Pipeline(model)
    pipeline.normalizer = normal_form("NFC")
    pipeline.pre_tokenizer = borders
    pipeline.decoder = decoders.Sequence([decoders.ByteFallback(), *_joined()])
    return _with_specials(pipeline, mask_takes_space=True)


def _joined() -> list[decoders.Decoder]:
    """Join the subwords into one string, its spaces back."""
    return [decoders.Fuse(), decoders.Replace(MARK, " "), decoders.Replace(STAND_IN, MARK)]


def _spelled(texts: Iterable[str], vocab_size: int, min_count: int, form: str) -> Pipeline:
    """Build one token a character of the normal form, the space among them."""
    counts = _characters(texts, form)
    counts[MARK] = max(counts[MARK], min_count)
    vocab = _vocab(_frequent(counts, _room(vocab_size, len(SPECIALS)), min_count))
    pipeline = Pipeline(models.BPE(vocab, [], unk_token="<unk>"))
    pipeline.normalizer = normal_form(form, spaces=True)
    pipeline.decoder = decoders.Sequence(_joined())
    return _with_specials(pipeline, mask_takes_space=False)


def _trained_bpe(
    texts: Iterable[str], vocab_size: int, min_count: int, borders: pre_tokenizers.PreTokenizer
) -> Pipeline:
    special = [*SPECIALS, *BYTES]
    counts = _characters(texts, "NFC")
    alphabet = _covering(counts, _room(vocab_size, len(special)) // 2, COVERAGE)
    learned = learn_subword_merges(
        _pretokens(texts, alphabet, borders), first=special, alphabet=alphabet,
        vocab_size=vocab_size, min_count=min_count,
    )  # fmt: skip
    vocab = {token: number for number, token in enumerate(learned.tokens)}
    return _finished(
        models.BPE(vocab, learned.merges, unk_token="<unk>", byte_fallback=True), borders
    )


def _pretokens(
    texts: Iterable[str], alphabet: Sequence[str], borders: pre_tokenizers.PreTokenizer
) -> Counter[str]:
    """Count how often each run between borders occurs, in the order in which they come."""
    words: Counter[str] = Counter()
    for text in _within(texts, alphabet):
        words.update(before_spaces(text))
    spelled, cut = normal_form("NFC").normalize_str, _bordered(borders).pre_tokenize_str
    runs: Counter[str] = Counter()
    for word, count in words.items():
        for run, _ in cut(spelled(with_its_space(word))):
            runs[run] += count
    return runs


def _bordered(borders: pre_tokenizers.PreTokenizer) -> pre_tokenizers.PreTokenizer:
    return pre_tokenizers.Sequence([pre_tokenizers.Split(BORDER, "removed"), borders])


def _within(texts: Iterable[str], alphabet: Sequence[str]) -> Iterator[str]:
    """Yield NFC texts, a border for each character outside the alphabet and in overlong words."""
    plain = {MARK: " ", STAND_IN: MARK}
    known = {plain.get(character, character) for character in alphabet} - {BORDER}
    kept = "".join(map(re.escape, sorted(known)))
    outside = re.compile(f"[^{kept}]" if kept else "(?s:.)")
    overlong = re.compile(rf"\S{{{LONGEST_LEARNED_WORD}}}")
    for text in texts:
        bordered = outside.sub(BORDER, unicodedata.normalize("NFC", text))
        long = len(bordered) > LONGEST_LEARNED_WORD
        yield overlong.sub(rf"\g<0>{BORDER}", bordered) if long else bordered


def _vocab(tokens: Iterable[str]) -> dict[str, int]:
    return {token: number for number, token in enumerate([*SPECIALS, *tokens])}


def _room(vocab_size: int, taken: int) -> int:
    """Return how many places are left for what is learned."""
    if vocab_size < taken + 2:
        message = (
            f"a vocabulary of {vocab_size} tokens is too small: {taken} are taken by special "
            f"tokens{' and bytes' if taken > 256 else ''}; ask for at least {taken + 2}"
        )
        raise ConfigError(message)
    return vocab_size - taken


def _marked(text: str) -> str:
    return text.replace(MARK, STAND_IN).replace(" ", MARK)


def _characters(texts: Iterable[str], form: Any) -> Counter[str]:
    """Count how often each character of the normal form runs in ``texts``, the space as its mark.

    The space is known even where no text has one.
    """
    running = np.zeros(sys.maxunicode + 1, dtype=np.int64)
    rest = iter(texts)
    while some := list(islice(rest, _TEXTS)):
        joined = "".join(unicodedata.normalize(form, text) for text in some)
        points = np.frombuffer(joined.encode("utf-32-le"), dtype=np.uint32)
        running[: int(points.max(initial=0)) + 1] += np.bincount(points, minlength=1)
    counts: Counter[str] = Counter()
    for point in np.flatnonzero(running).tolist():
        counts[_marked(chr(point))] += int(running[point])
    counts.setdefault(MARK, 1)
    return counts


def _frequent(counts: Counter[str], most: int, min_count: int) -> list[str]:
    """Return tokens, the most frequent first, equal counts in code point order."""
    enough = ((token, count) for token, count in counts.items() if count >= min_count)
    ranked = sorted(enough, key=lambda item: (-item[1], item[0]))
    return [token for token, _ in ranked[:most]]


def _covering(counts: Counter[str], most: int, coverage: float) -> list[str]:
    """Return the fewest characters, at most ``most``, that make up ``coverage`` of the text."""
    ranked = _frequent(counts, most, 1)
    target = coverage * counts.total()
    total = 0
    for place, character in enumerate(ranked):
        if total >= target:
            return ranked[:place]
        total += counts[character]
    return ranked


def _with_specials(pipeline: Pipeline, *, mask_takes_space: bool) -> Pipeline:
    added = [
        AddedToken(token, lstrip=mask_takes_space and token == "<mask>", special=True)
        for token in SPECIALS
    ]
    cast("Any", pipeline).add_special_tokens(added)
    # A special token's literal in a text is text.
    pipeline.encode_special_tokens = True
    return pipeline
