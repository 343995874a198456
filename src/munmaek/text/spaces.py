"""The ends of words: one definition for each purpose.

``SPACE``, white space of any script as ``str.split`` has it, parts the words of a text: those that
tokenizers learn, that a perplexity is given for, that a text's length is told in.

``ASCII_SPACE`` parts the words that are numbered or named outside munmaek: Pharaoh links and gold
alignments, columns of tagged words, ARPA files and the models imported from them. Moses, KenLM and
SRILM read bytes, so a no-break space (U+00A0) or an ideographic one (U+3000) is part of a word
there. Everything here that numbers words counts them so: links, marks, the word of a subword.
"""

import re
import unicodedata

__all__ = [
    "ASCII_ENDS",
    "ASCII_SPACE",
    "SPACE",
    "SPACES",
    "ascii_spans",
    "ascii_words",
    "before_spaces",
    "is_ascii_space",
    "with_its_space",
    "words",
]

SPACE = "[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
"""The characters that ``str.isspace`` calls white space, as a regular expression."""
ASCII_SPACE = "[\t-\r ]"
"""The characters that C's ``isspace`` calls white space, as a regular expression."""

SPACES = " \t\u00a0\u3000"
"""Stripped off both ends of a text or a cell; control characters are not."""
ASCII_ENDS = " \t"
"""Stripped off the ends of lines whose words end at ASCII white space."""

_ASCII_WORD = re.compile(f"[^{ASCII_SPACE[1:]}+")


def words(text: str) -> list[str]:
    """Return the words (eojeol) of the NFC text between white space of any script."""
    return unicodedata.normalize("NFC", text).split()


def ascii_words(text: str) -> list[str]:
    """Return the words of the text, as it is, between ASCII white space."""
    return _ASCII_WORD.findall(text)


def ascii_spans(text: str) -> list[tuple[int, int]]:
    """Return the first character of each of ``ascii_words`` and the one after its last."""
    return [found.span() for found in _ASCII_WORD.finditer(text)]


def is_ascii_space(character: str) -> bool:
    """Return whether the character parts the words of ``ascii_words``."""
    return character in " \t\n\v\f\r"


def before_spaces(text: str) -> list[str]:
    """Cut before each space, which a run loses; the first run, which follows none, gains one."""
    runs = text.split(" ")
    runs[0] = " " + runs[0]
    return runs


def with_its_space(run: str) -> str:
    """Return a run of ``before_spaces`` as it stands in the text."""
    return run[1:] if run.startswith(" ") else " " + run
