"""The tokens that would repeat a run that an output holds already.

Letters: N hypotheses held.
"""

from collections.abc import Sequence

from munmaek.decode.hypothesis import History

__all__ = ["closing_tokens", "closing_tokens_of"]


def closing_tokens(history: History, count: int, size: int) -> list[list[int]]:
    """Return for each of the ``count`` hypotheses held, the tokens that would end a second run.

    Args:
        history: how they came about.
        count: N.
        size: tokens of a run; 0 or less asks for none.
    """
    if size < 1:
        return []
    return [closing_tokens_of(history.tokens(row), size) for row in range(count)]


def closing_tokens_of(tokens: Sequence[int], size: int) -> list[int]:
    """Return the tokens that have followed the last ``size`` − 1 before, each once."""
    begun = tuple(tokens[len(tokens) - size + 1 :]) if size > 1 else ()
    if len(begun) < size - 1:
        return []
    found = {
        tokens[place + size - 1]
        for place in range(len(tokens) - size + 1)
        if tuple(tokens[place : place + size - 1]) == begun
    }
    return sorted(found)
