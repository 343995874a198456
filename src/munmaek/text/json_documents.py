"""Records of a JSON document, one after another: a list of objects, or an object that has one."""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, cast

from munmaek.errors import InputError
from munmaek.text.files import LONGEST, text_bytes
from munmaek.text.json_files import DEEPEST, check_depth, parse_json

__all__ = ["begins_document", "document_records"]

WANTED = 'a list of objects, or an object with one such as {"data": [...]}'
_LONGEST_WORD = 12
"""Characters, about, of what JSON writes without quotes, and of an escape."""
_SPACE = re.compile(r"[ \t\r\n]*")
_LIST = re.compile(r"\[\s*\{\s*\"")
_OBJECT = re.compile(r'\{\s*"[^"\\]*"\s*:')


def begins_document(text: str, *, named: bool) -> bool:
    """Return whether a text begins as such a document, rather than as lines of objects.

    Args:
        text: the beginning of a file.
        named: its name says that it is JSON.
    """
    text = text.lstrip("\ufeff \t\r\n")
    if text.startswith("["):
        return named or _LIST.match(text) is not None
    if not text.startswith("{"):
        return named
    line, _, rest = text.partition("\n")
    try:
        record = parse_json(line)
    except ValueError:
        return named or _OBJECT.match(text) is not None
    return not rest.strip() and any(map(_is_table, cast("dict[str, Any]", record).values()))


def _is_table(value: Any) -> bool:
    listed = cast("list[Any]", value) if isinstance(value, list) else []
    return bool(listed) and all(isinstance(each, dict) for each in listed)


def document_records(
    content: Iterator[bytes], name: str, *, encoding: str, key: str = ""
) -> Iterator[dict[str, Any]]:
    """Yield the objects of a document's list.

    Args:
        content: the bytes of the document, block by block.
        name: of the file, for messages.
        encoding: of the bytes.
        key: of the list in an object; empty is the first one that holds a list of objects.

    Raises:
        InputError: it is no JSON, or has no such list.
    """
    text = _Text(text_bytes(content, name, encoding), name)
    if text.take("[{") == "{":
        _find(text, key)
    elif key:
        message = f"{name}: a list, where an object with {key!r} is wanted; leave #{key} out"
        raise InputError(message)
    number = 0
    while text.peek() != "]" or number:
        number += 1
        yield _record(text, number)
        if text.take(",]") == "]":
            break


def _record(text: "_Text", number: int) -> dict[str, Any]:
    record = text.value()
    try:
        check_depth(record)
    except ValueError as error:
        reason = f"not JSON: {error}"
        raise text.failed(reason) from None
    if not isinstance(record, dict):
        message = (
            f"{text.name}, row {number}: a JSON {type(record).__name__}, an object is wanted; a "
            f"table is {WANTED}"
        )
        raise InputError(message)
    return cast("dict[str, Any]", record)


def _find(text: "_Text", key: str) -> None:
    """Go to the first object of the list that is wanted."""
    seen: list[str] = []
    while text.peek() == '"':
        seen.append(str(text.value()))
        text.take(":")
        if text.peek() == "[" and key in ("", seen[-1]):
            text.take("[")
            if text.peek() in ("{", "]"):
                return
            _skip_list(text)
        else:
            text.value()
        if text.take(",}") == "}":
            break
    wanted = f"a list of objects under {key!r}" if key else WANTED
    shown = ", ".join(map(repr, seen[:8])) or "none"
    message = f"{text.name}: {wanted} is wanted as a table; keys there: {shown}"
    raise InputError(message)


def _skip_list(text: "_Text") -> None:
    text.value()
    while text.take(",]") == ",":
        text.value()


class _Text:
    """The characters of a document from where it is read, more of them as they are wanted."""

    def __init__(self, content: Iterator[bytes], name: str) -> None:
        self.content, self.name = content, name
        self.text, self.at, self.line = "", 0, 1
        self.bytes = codecs.getincrementaldecoder("utf-8-sig")()
        self.json = json.JSONDecoder()

    def failed(self, reason: str) -> InputError:
        """Return an error that names the line."""
        line = self.line + self.text.count("\n", 0, self.at)
        return InputError(f"{self.name}, line {line}: {reason}")

    def more(self) -> bool:
        """Read on; return False at the end."""
        block = next(self.content, b"")
        try:
            new = self.bytes.decode(block, final=not block)
        except UnicodeDecodeError as error:
            reason = f"byte 0x{error.object[error.start]:02x} is not UTF-8; see --encoding"
            raise self.failed(reason) from None
        self.line += self.text.count("\n", 0, self.at)
        self.text, self.at = self.text[self.at :] + new, 0
        return bool(block)

    def peek(self) -> str:
        """Return the next character that is no space; nothing at the end."""
        while True:
            found = _SPACE.match(self.text, self.at)
            self.at = self.at if found is None else found.end()
            if self.at < len(self.text) or not self.more():
                return self.text[self.at : self.at + 1]

    def take(self, wanted: str) -> str:
        """Return the next character, which is one of those that are wanted."""
        found = self.peek()
        if not found or found not in wanted:
            shown = repr(found) if found else "the end"
            reason = f"not JSON: {' or '.join(wanted)} wanted, got {shown}"
            raise self.failed(reason)
        self.at += 1
        return found

    def value(self) -> Any:
        """Return the next value, whole."""
        self.peek()
        while True:
            try:
                found, end = self.json.raw_decode(self.text, self.at)
            except RecursionError:
                reason = f"not JSON: nested more than {DEEPEST} deep"
                raise self.failed(reason) from None
            except json.JSONDecodeError as error:
                self._complete(error)
                continue
            except ValueError as error:  # such as a number of thousands of digits
                reason = f"not JSON: {error}"
                raise self.failed(reason) from None
            size = end - self.at
            # A number that ends where reading has come to may go on.
            if end < len(self.text) or not self.more():
                self.at += size
                return found

    def _complete(self, error: json.JSONDecodeError) -> None:
        """Read twice as much where a value goes on; else it is wrong."""
        size = len(self.text) - self.at
        near = error.pos >= len(self.text.rstrip()) - _LONGEST_WORD
        cut = near or error.msg.startswith("Unterminated")
        if size > LONGEST:
            reason = f"a value of over {LONGEST:,} characters; is this a table?"
            raise self.failed(reason)
        if not cut or not self.more():
            reason = f"not JSON: {error.msg}"
            raise self.failed(reason)
        while len(self.text) < 2 * size and self.more():
            pass
