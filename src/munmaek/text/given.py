"""Texts as a program gives them: one, or many; never their characters taken for texts."""

from collections.abc import Iterable, Sequence
from typing import cast

from munmaek.errors import InputError

__all__ = ["check_text", "given_texts", "paired_texts"]


def given_texts(texts: Iterable[str], *, what: str = "text") -> Sequence[str]:
    """Return texts that are all strings and can be written as UTF-8; a single string is one text.

    Args:
        texts: a text, or any number of them.
        what: how a message calls one.

    Raises:
        InputError: what is neither, or a text that is no string or holds half a surrogate pair;
            says which and what it is.
    """
    if isinstance(texts, str):
        return [check_text(texts, what=what)]
    if isinstance(texts, bytes | bytearray) or not isinstance(cast("object", texts), Iterable):
        message = f"a {what} or a list of them is wanted, got {_shown(texts)}"
        raise InputError(message)
    listed: Sequence[str] = texts if isinstance(texts, list | tuple) else list(texts)
    try:
        # All at once, which costs next to nothing beside the search for one that is wrong.
        "".join(listed).encode("utf-8")
    except (TypeError, UnicodeEncodeError):
        for number, text in enumerate(listed):
            check_text(text, what=f"{what} {number} (from 0)")
    return listed


def paired_texts(
    firsts: Iterable[str], seconds: Iterable[str]
) -> tuple[Sequence[str], Sequence[str]]:
    """Return the two sides of pairs, each as ``given_texts`` does.

    Raises:
        InputError: what ``given_texts`` raises, and another number of one than of the other.
    """
    first, second = given_texts(firsts), given_texts(seconds, what="second text")
    if len(first) != len(second):
        message = f"a second text is wanted for each of {len(first)} texts, got {len(second)}"
        raise InputError(message)
    return first, second


def check_text(text: object, *, what: str = "text") -> str:
    """Return a text that is a string and can be written as UTF-8.

    Raises:
        InputError: it is none.
    """
    if not isinstance(text, str):
        message = f"{what}: a string is wanted, got {_shown(text)}"
        raise InputError(message)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        half = ascii(text[error.start])
        message = f"{what}: holds {half}, half a surrogate pair, which is no character"
        raise InputError(message) from None
    return text


def _shown(value: object) -> str:
    kind, shown = type(value).__name__, repr(value)
    return shown if value is None else f"{shown[:40]}{'…'[: len(shown) > 40]} ({kind})"
