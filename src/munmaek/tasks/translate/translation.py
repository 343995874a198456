"""Translations, and links between words made of attention between subwords.

Letters: T target tokens, S source tokens.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from munmaek.align import Symmetrisation, symmetrise
from munmaek.decode import Hypothesis
from munmaek.errors import ConfigError
from munmaek.metrics import links_from_weights
from munmaek.tasks.inside import fold_weights, word_indices
from munmaek.text.spaces import ascii_words
from munmaek.text.tokenizers import Tokenizer

__all__ = [
    "Translation",
    "UnknownWords",
    "empty_translation",
    "longest_target",
    "never_written",
    "token_words",
    "translation_of",
    "word_links",
    "word_weights",
]

Weights = NDArray[np.float32]
Links = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Translation:
    """A sentence and its translation; links are (source word, target word) from attention."""

    source: str
    translation: str
    logprob: float
    """Nats, to the end of the sentence."""
    alignment: Links | None
    """None for a model without attention."""
    weights: Weights | None
    """[target words, source words], rows summing to 1; None without attention."""
    source_words: tuple[str, ...]
    target_words: tuple[str, ...]
    score: float = 0.0
    """The number that ranks it: ``logprob`` by length, less what coverage took off."""
    finished: bool = True
    """It came to its end, rather than to the longest length."""
    cut: int = 0
    """Source tokens beyond the limit, which were not read."""
    unmet: tuple[str, ...] = ()
    """Phrases that had to be in the translation and are not."""


def empty_translation(source: str, unmet: Sequence[str] = ()) -> Translation:
    """Return the translation of a text without a word."""
    return Translation(source, "", 0.0, None, None, (), (), unmet=tuple(unmet))


def translation_of(
    source: str,
    text: str,
    best: Hypothesis,
    weights: Weights | None,
    *,
    by: Symmetrisation | None = None,
) -> Translation:
    """Return ``text``, which the hypothesis says, with its links where there are ``weights``."""
    return Translation(
        source=source,
        translation=text,
        logprob=best.logprob,
        alignment=word_links(weights, by=by),
        weights=weights,
        source_words=tuple(ascii_words(source)),
        target_words=tuple(ascii_words(text)),
        score=best.score,
        finished=best.finished,
    )


def word_links(weights: Weights | None, *, by: Symmetrisation | None = None) -> Links | None:
    """Return the links that attention [target words, source words] speaks for, in order.

    Each target word has the source word of greatest weight. With ``by`` each source word has the
    target word that gives it most as well, and both directions are joined so.
    """
    if weights is None:
        return None
    forward = links_from_weights(weights)
    if by is None:
        return tuple(sorted(forward))
    backward = {(source, target) for target, source in links_from_weights(weights.T)}
    return tuple(sorted(symmetrise(forward, backward, by=by)))


def longest_target(source_tokens: int) -> int:
    """Return the most target tokens, the end included, of a source where nothing else is asked."""
    return int(1.5 * source_tokens) + 20


def never_written(tokenizer: Tokenizer, *, unknown: bool = False) -> tuple[int, ...]:
    """Return ids that no translation holds; ``unknown`` allows what stands for a lacking word."""
    never = (tokenizer.pad, tokenizer.bos, tokenizer.mask)
    return never if unknown else (*never, tokenizer.unk)


def token_words(tokenizer: Tokenizer, ids: Sequence[int]) -> tuple[int, ...]:
    """Return the word of each subword; a lone space belongs to the word after it."""
    text = tokenizer.decode(ids)
    pieces = tokenizer.subwords(text)
    if [piece.id for piece in pieces] == list(ids):
        return tuple(piece.word for piece in pieces)
    # A search may spell a word as encoding would not.
    return word_indices([tokenizer.decode(ids[: end + 1]) for end in range(len(ids))])


def word_weights(
    source: Tokenizer, ids: Sequence[int], target: Tokenizer, best: Hypothesis
) -> Weights | None:
    """Return the attention of a hypothesis between words; ``ids`` are the source's, </s> last."""
    if best.attention is None:
        return None
    rows = token_words(target, best.tokens)
    columns = (*token_words(source, ids[:-1]), -1)
    weights = best.attention[: len(rows), : len(columns)]
    return fold_weights(weights, rows=rows, columns=columns)


@dataclass(frozen=True, slots=True)
class UnknownWords:
    """Replaces target words that the vocabulary lacks: ``<unk>`` in the output.

    The source word that its step attends to most, or what ``dictionary`` has for it (Jean et al.
    2015, §4.1; Luong et al. 2015, "Addressing the rare word problem", §3.2).
    """

    dictionary: Mapping[str, str] = field(default_factory=dict[str, str])
    """Source words, as they stand in the text, and their translations."""

    def replaced(
        self,
        text: str,
        best: Hypothesis,
        *,
        tokenizer: Tokenizer,
        source: str,
        columns: Sequence[int],
    ) -> str:
        """Return ``text`` with every ``<unk>`` replaced.

        Args:
            text: what the tokens say.
            best: the tokens, and their attention [T (+ 1), S].
            tokenizer: the target's.
            source: the source text.
            columns: the source word of each source token, −1 where it is of none.

        Raises:
            ConfigError: the model has no attention.
        """
        if best.attention is None:
            message = "this translator has no attention; leave --replace-unknown out"
            raise ConfigError(message)
        words, shown = ascii_words(source), tokenizer.token(tokenizer.unk)
        real = [column for column, word in enumerate(columns) if word >= 0]
        parts = text.split(shown)
        steps = [step for step, token in enumerate(best.tokens) if token == tokenizer.unk]
        out = [parts[0]]
        for place, part in enumerate(parts[1:]):
            word = shown
            if place < len(steps) and real:
                weights = best.attention[steps[place]]
                word = words[columns[max(real, key=lambda column: float(weights[column]))]]
            out += [self.dictionary.get(word, word), part]
        return "".join(out)
