"""Every word that people read in reports and viewers, in English and Korean.

``catalogue.json`` holds both languages in one entry, so a text cannot exist in one only. It has
those that figures of the report and the viewer share, those of the report, and those of the viewer,
which ``frontend/`` bundles. ``{names}`` are filled in when a text is used. Korean entries put after
a name only particles that do not depend on its last sound (의, 보다, 에서, 도), since names of
models come from anywhere.
"""

import json
from dataclasses import dataclass
from importlib.resources import files

from munmaek.errors import ConfigError

__all__ = ["LANGUAGES", "TEXTS", "Catalogue"]

LANGUAGES = ("en", "ko")

TEXTS: dict[str, tuple[str, str]] = {
    key: tuple(texts)
    for part in json.loads(
        files("munmaek.text").joinpath("catalogue.json").read_text(encoding="utf-8")
    ).values()
    for key, texts in part.items()
}
"""Key → (English, Korean)."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The texts of one language."""

    language: str = "en"

    def __post_init__(self) -> None:
        if self.language not in LANGUAGES:
            message = f"language must be one of {', '.join(LANGUAGES)}, got '{self.language}'"
            raise ConfigError(message)

    def text(self, key: str, **values: object) -> str:
        """Return the text of ``key`` with its ``{names}`` filled in.

        Raises:
            KeyError: no such text, or a name without a value.
        """
        return TEXTS[key][LANGUAGES.index(self.language)].format_map(values)

    def known(self, key: str, fallback: str) -> str:
        """Return the text of ``key``, or ``fallback`` for what others named, such as a stage."""
        return self.text(key) if key in TEXTS else fallback
