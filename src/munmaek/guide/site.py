"""The built site, which is shipped: ``site/LANGUAGE/PAGE.html``, with Markdown beside chapters.

``docs/build.py`` makes it of ``docs/en`` and ``docs/ko``.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from munmaek.errors import ConfigError

__all__ = ["LANGUAGES", "chapters", "page_file", "site_folder", "source_of"]

LANGUAGES = ("en", "ko")


def site_folder() -> Path:
    """Return the folder of the site."""
    return Path(__file__).with_name("site")


def chapters(language: str) -> Mapping[str, Path]:
    """Return the Markdown of every chapter by its name without the number: ``attention``."""
    found = sorted((site_folder() / language / "guide").glob("[0-9][0-9]-*.md"))
    return {path.stem[3:]: path for path in found}


def source_of(chapter: str, language: str) -> Path:
    """Return the Markdown of a chapter.

    Args:
        chapter: its name, with or without the number, or the number alone.
        language: ``en`` or ``ko``.

    Raises:
        ConfigError: there is none of that name; names those that there are.
    """
    there = chapters(language)
    for name, path in there.items():
        if chapter in (name, path.stem, path.stem[:2], path.stem[:2].lstrip("0")):
            return path
    close = get_close_matches(chapter, there, 1)
    hint = f"did you mean {close[0]}?" if close else f"one of {', '.join(there)}"
    message = f"{chapter!r} is no chapter; {hint}"
    raise ConfigError(message)


def page_file(chapter: str | None, language: str) -> Path:
    """Return the page of a chapter, or the first page of the guide, below the site's folder.

    Raises:
        ConfigError: the language or the chapter is not there.
    """
    if language not in LANGUAGES:
        message = f"--language {language}: one of {', '.join(LANGUAGES)} is wanted"
        raise ConfigError(message)
    if chapter is None:
        return Path(language, "index.html")
    source = source_of(chapter, language)
    return source.with_suffix(".html").relative_to(site_folder())
