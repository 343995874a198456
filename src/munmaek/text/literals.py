"""Special tokens that are written in a text, where they are allowed to be more than text."""

from collections.abc import Sequence

from munmaek.errors import ConfigError
from munmaek.text.building import SPECIALS

__all__ = ["literals_of"]

_ALIASES = {"[MASK]": "<mask>"}


def literals_of(allow: Sequence[str]) -> dict[str, int]:
    """Return the literals to look for with the id of each.

    Raises:
        ConfigError: one of ``allow`` is no special token.
    """
    unknown = [token for token in allow if token not in SPECIALS]
    if unknown:
        message = f"no special token {unknown[0]!r}; there are {' '.join(SPECIALS)}"
        raise ConfigError(message)
    literals = {token: SPECIALS.index(token) for token in allow}
    aliases = {name: literals[token] for name, token in _ALIASES.items() if token in literals}
    return {**literals, **aliases}
