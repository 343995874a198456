"""The language of help and messages: English, or Korean by ``--language ko`` or the environment.

Code is written with English texts. ``meanings.json`` has the Korean of every option by the English
one, ``paragraphs.json`` that of the rest of help, and ``munmaek.text``'s ``messages.json`` that of
messages, in which ``{names}`` stand for whatever is there, ``{said}`` for messages, parted by
semicolons, that are there by themselves.
What has no Korean is shown in English: a message is never lost. Results on standard output are the
same in every language.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from typing import Any

import typer

from munmaek.errors import ConfigError
from munmaek.text.catalogue import LANGUAGES

__all__ = ["LANGUAGE", "chosen_language", "in_language", "meaning", "speak_in_help"]

LANGUAGE: ContextVar[str] = ContextVar("LANGUAGE", default="en")
"""Language of the command that runs."""
OPTION = "--language"


def chosen_language(
    arguments: Sequence[str], environment: Mapping[str, str], *, kept: Callable[[str], bool]
) -> tuple[str, list[str]]:
    """Return the language of help and messages, and the arguments without ``--language``.

    Args:
        arguments: after the program's name.
        environment: ``LC_ALL``, ``LC_MESSAGES`` and ``LANG`` are asked, the first that is set.
        kept: returns true for a verb that has the option for itself; its value counts here too.

    Raises:
        ConfigError: a language that there is not.
    """
    names = [environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    system = next((name for name in names if name), "")
    language = "ko" if system.lower().startswith("ko") else "en"
    rest: list[str] = []
    verb = next((each for each in arguments if not each.startswith("-")), "")
    waiting = iter(arguments)
    for each in waiting:
        name, equals, value = each.partition("=")
        if name != OPTION:
            rest.append(each)
            if each == "--":
                return language, [*rest, *waiting]
            continue
        value = value if equals else next(waiting, "")
        if value not in LANGUAGES:
            message = f"{OPTION} {value}: one of {', '.join(LANGUAGES)} is wanted"
            raise ConfigError(message)
        language = value
        if kept(verb) and rest:
            rest += [OPTION, value]
    return language, rest


@cache
def _texts(package: str, name: str) -> dict[str, str]:
    found = files(package).joinpath(name).read_text(encoding="utf-8")
    return {str(key): str(value) for key, value in json.loads(found).items()}


@cache
def _helps() -> dict[str, str]:
    return _texts("munmaek.cli", "meanings.json") | _texts("munmaek.cli", "paragraphs.json")


def meaning(english: str) -> str:
    """Return a help text in the language at hand."""
    if LANGUAGE.get() == "en":
        return english
    text = " ".join(english.split())
    found = _helps()
    if text in found:
        return found[text]
    if (said := in_language(text)) != text:
        return said
    begun = text.removesuffix("...").removesuffix(".")
    return next((found[key] for key in found if begun and key.startswith(f"{begun}.")), english)


_PLACE = re.compile(r"\{(\w+)\}")


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """Return the messages as patterns, the most particular first, with their Korean."""
    made: list[tuple[re.Pattern[str], str]] = []
    texts = _texts("munmaek.text", "messages.json")
    for english in sorted(texts, key=lambda each: -len(_PLACE.sub("", each))):
        parts = _PLACE.split(english)
        pattern = "".join(
            f"(?P<{part}>.+?)" if at % 2 else re.escape(part) for at, part in enumerate(parts)
        )
        made.append((re.compile(pattern, re.DOTALL), texts[english]))
    return made


def in_language(message: str) -> str:
    """Return a message in the language at hand; one without a translation as it is."""
    if LANGUAGE.get() == "en":
        return message
    for pattern, korean in _patterns():
        if (found := pattern.fullmatch(message)) is not None:
            return korean.format_map(
                {name: _inner(name, x) for name, x in found.groupdict().items()}
            )
    return message


def _inner(name: str, text: str) -> str:
    """Return what stands in a place of a message, in ``{said}`` messages themselves."""
    if not name.startswith("said"):
        return text
    return "; ".join(in_language(part) for part in text.split("; "))


_HEADINGS = {
    "Usage: ": "사용법: ", "Options": "옵션", "Commands": "명령", "Arguments": "인자",
    "Data": "데이터", "Model": "모델", "Training": "학습", "Running": "실행",
    "Show this message and exit.": "이 도움말을 보이고 끝냅니다.",
}  # fmt: skip
_TAIL = re.compile(
    r"^(?P<text>.*?)(?P<tail>(?:\s+\[[^\[\]]*(?:\([^()]*\))?[^\[\]]*\])?)$", re.DOTALL
)
_LABELS = {"default: ": "기본값: ", "required": "필수", "env var: ": "환경 변수: "}


def _told(help_text: str) -> str:
    """Return an option's help with what stands in brackets behind it, in Korean."""
    found = _TAIL.match(help_text)
    assert found is not None
    text, tail = found["text"], found["tail"]
    for english, korean in _LABELS.items():
        tail = tail.replace(english, korean)
    for english in re.findall(r"\((.*?)\)", tail):
        tail = tail.replace(english, meaning(english))
    return _HEADINGS.get(text, meaning(text)) + tail


def speak_in_help() -> None:
    """Let help be written in the language at hand: click's texts too, wrapped by their width."""
    context: Any = typer.Context.__mro__[1]
    if not getattr(context.formatter_class, "speaks", False):
        context.formatter_class = _formatter(context.formatter_class)


def _formatter(usual: Any) -> Any:
    class Formatter(usual):
        """Writes as click does, or in Korean."""

        speaks = True

        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            usual.write_usage(self, prog, args, prefix if _is_english() else _HEADINGS["Usage: "])

        def write_heading(self, heading: str) -> None:
            usual.write_heading(self, heading if _is_english() else _HEADINGS.get(heading, heading))

        def write_text(self, text: str) -> None:
            if _is_english() or text.lstrip().startswith(EXAMPLES):
                usual.write_text(self, text if _is_english() else _examples(text))
            else:
                self.write(_paragraphs(text, self.width, self.current_indent))

        def write_dl(self, rows: Any, col_max: int = 30, col_spacing: int = 2) -> None:
            if _is_english():
                usual.write_dl(self, rows, col_max, col_spacing)
            else:
                room = col_max, col_spacing, self.width - self.current_indent
                for line in _listed(rows, *room):
                    self.write(f"{' ' * self.current_indent}{line}\n")

    return Formatter


def _is_english() -> bool:
    return LANGUAGE.get() == "en"


EXAMPLES = ("\b", "Example")


def _examples(text: str) -> str:
    return text.replace("Examples:", "예:").replace("Example:", "예:")


def _paragraphs(text: str, width: int, indent: int) -> str:
    """Return the paragraphs of a help text, each in lines, with an empty line between them."""
    parts = [_wrapped(meaning(part), width - indent) for part in text.split("\n\n")]
    before = " " * indent
    return "\n".join("".join(f"{before}{line}\n" for line in lines) for lines in parts)


def _listed(rows: Sequence[tuple[str, str]], most: int, gap: int, width: int) -> Iterator[str]:
    """Yield lines of two columns, terms and their meanings."""
    rows = [(term, _told(text)) for term, text in rows]
    first = min(max((len(term) for term, _ in rows), default=0), most) + gap
    for term, text in rows:
        lines = _wrapped(text, max(width - first, 10))
        if len(term) > first - gap:
            yield term
            term = ""
        yield f"{term:{first}}{lines[0]}"
        yield from (f"{'':{first}}{line}" for line in lines[1:])


def _wrapped(text: str, room: int) -> list[str]:
    """Return text in lines of ``room`` columns, of which a Korean letter takes two."""
    lines, line, used = list[str](), "", 0
    for word in text.split():
        size = sum(1 + (unicodedata.east_asian_width(letter) in "WF") for letter in word)
        if line and used + 1 + size > room:
            lines.append(line)
            line, used = "", 0
        line, used = (f"{line} {word}", used + 1 + size) if line else (word, size)
    return [*lines, line]
