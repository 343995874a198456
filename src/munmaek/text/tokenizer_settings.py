"""A published folder's settings of its tokenizer, joined as transformers 5.23 joins them.

``tokenizer_config.json`` leads. Where it has no ``added_tokens_decoder``, the file
``special_tokens_map.json`` goes over it, and added tokens come from ``added_tokens.json`` and then
from ``tokenizer.json``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast, final

from tokenizers import AddedToken

from munmaek.errors import ArtefactError
from munmaek.text.json_files import read_json_object
from munmaek.text.pipelines import LARGEST

__all__ = ["NAMED", "Settings", "Token", "read_json", "read_settings"]

NAMED = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
"""Special tokens with a name, in transformers' order."""
UNBOUNDED = 10**12
"""``model_max_length`` from here on is transformers' way to say that there is no maximum."""
Token: TypeAlias = str | AddedToken

_FIELDS = ("content", "single_word", "lstrip", "rstrip", "normalized", "special")
CONFIG, MAP, ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"


@final
@dataclass(frozen=True, slots=True)
class Settings:
    """The joined settings."""

    where: Path
    """``tokenizer_config.json`` of the folder, for errors."""
    values: Mapping[str, Any]
    added: Mapping[int, AddedToken]
    """Added tokens by the id that the files give them."""
    own: Mapping[str, Token]
    """Special tokens of this model alone, by their names."""

    def flag(self, name: str, default: bool | None) -> bool | None:
        """Return a switch: true, false, or null where ``default`` is None.

        Raises:
            ArtefactError: it is something else.
        """
        value = self.values.get(name, default)
        if not (isinstance(value, bool) or (value is None and default is None)):
            raise self.wrong(name, "true or false")
        return value

    def side(self, name: str, default: str) -> str:
        """Return ``left`` or ``right``.

        Raises:
            ArtefactError: it is something else.
        """
        value = self.values.get(name, default)
        if value not in ("left", "right"):
            raise self.wrong(name, "'left' or 'right'")
        return cast("str", value)

    @property
    def longest(self) -> int | None:
        """The maximum length in tokens, or None.

        Raises:
            ArtefactError: it is no number of tokens.
        """
        name = "model_max_length" if "model_max_length" in self.values else "max_len"
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 1:
            raise self.wrong(name, "a number of tokens")
        return None if value >= UNBOUNDED else int(value)

    def token(self, name: str) -> Token | None:
        """Return a special token, or None.

        Raises:
            ArtefactError: it is no token.
        """
        value = self.values.get(name)
        if value is not None and not isinstance(value, str | AddedToken):
            raise self.wrong(name, "a token")
        return value

    def tokens(self, name: str) -> list[Token] | None:
        """Return a list of tokens, or None where there is none.

        Raises:
            ArtefactError: it is no list of tokens.
        """
        if name not in self.values:
            return None
        value: Any = self.values[name] or []
        if not isinstance(value, list):
            raise self.wrong(name, "a list of tokens")
        found = cast("list[Any]", value)
        if not all(isinstance(token, str | AddedToken) for token in found):
            raise self.wrong(name, "a list of tokens")
        return found

    def names(self, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        """Return a list of strings.

        Raises:
            ArtefactError: it is something else.
        """
        value = self.values.get(name, list(default))
        if not isinstance(value, list):
            raise self.wrong(name, "a list of names")
        return tuple(str(each) for each in cast("list[Any]", value))

    def wrong(self, name: str, wanted: str) -> ArtefactError:
        """Return the error for a field of the wrong kind."""
        return ArtefactError(
            f"{self.where}: '{name}': {wanted} wanted, got {self.values.get(name)!r}"
        )


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; an absent file is an empty one.

    Raises:
        ArtefactError: it is not JSON, or not an object.
    """
    return read_json_object(path, most=LARGEST) if path.is_file() else {}


def read_settings(folder: Path, serialised: Mapping[str, Any]) -> Settings:
    """Read and join what the files say.

    Args:
        folder: the published folder.
        serialised: the content of its ``tokenizer.json``, empty where it has none.

    Raises:
        ArtefactError: a file that is not JSON, or a token that is none.
    """
    where = folder / CONFIG
    values = read_json(where)
    values.pop("tokenizer_class", None)
    if values.get("additional_special_tokens") and not values.get("extra_special_tokens"):
        values["extra_special_tokens"] = values.pop("additional_special_tokens")
    own = _own_tokens(values)
    added: dict[int, AddedToken] = {}
    if "added_tokens_decoder" in values:
        listed = values["added_tokens_decoder"]
        if not isinstance(listed, dict):
            message = f"{where}: 'added_tokens_decoder': an object wanted, got {listed!r}"
            raise ArtefactError(message)
        for number, token in cast("dict[str, Any]", listed).items():
            added[_number(number, where)] = _added(token, where)
    else:
        own = {**own, **_mapped(folder / MAP, values)}
        added = {**_listed(folder / ADDED, values), **_serialised(folder, serialised)}
    values = {name: _converted(value, where) for name, value in values.items()}
    by_content = {str(token): token for token in added.values()}
    for name in NAMED:
        if values.get(name) is not None:
            values[name] = by_content.get(str(values[name]), values[name])
    return Settings(where, values, added, {n: _converted(t, where) for n, t in own.items()})


def _own_tokens(values: dict[str, Any]) -> dict[str, Token]:
    """Take the special tokens that only this model has out of ``values``."""
    names = [
        name
        for name, value in values.items()
        if name.endswith("_token") and name not in NAMED and isinstance(value, str)
    ]
    own = {name: values.pop(name) for name in names}
    if isinstance(values.get("extra_special_tokens"), dict):
        own.update(values.pop("extra_special_tokens"))
    return own


def _mapped(path: Path, values: dict[str, Any]) -> dict[str, Token]:
    """Lay ``special_tokens_map.json`` over ``values``; return the tokens of this model alone."""
    for name, value in read_json(path).items():
        if name == "extra_special_tokens" and isinstance(value, list):
            there = values.get(name)
            known = cast("list[Any]", there) if isinstance(there, list) else []
            given = [_special(each, path) for each in cast("list[Any]", value)]
            values[name] = [*known, *(each for each in given if each not in known)]
        else:
            values[name] = _special(value, path) if name != "extra_special_tokens" else value
    extra = values.get("extra_special_tokens")
    return values.pop("extra_special_tokens") if isinstance(extra, dict) else {}


def _special(value: Any, where: Path) -> Any:
    if not isinstance(value, dict):
        return value
    return _added({**cast("dict[str, Any]", value), "special": True}, where)


def _listed(path: Path, values: Mapping[str, Any]) -> dict[int, AddedToken]:
    """Return the tokens of ``added_tokens.json``; those that are special say so elsewhere."""
    special = {str(values[name]) for name in NAMED if values.get(name)}
    extra = values.get("extra_special_tokens")
    if isinstance(extra, list):
        special |= {str(token) for token in cast("list[Any]", extra)}
    return {
        _number(number, path): AddedToken(
            token, normalized=token not in special, special=token in special
        )
        for token, number in read_json(path).items()
    }


def _serialised(folder: Path, serialised: Mapping[str, Any]) -> dict[int, AddedToken]:
    where = folder / "tokenizer.json"
    found: dict[int, AddedToken] = {}
    listed: Any = serialised.get("added_tokens") or []
    for each in cast("list[Any]", listed if isinstance(listed, list) else [listed]):
        if not isinstance(each, dict) or "id" not in each:
            message = f"{where}: 'added_tokens': objects with an id wanted, got {each!r}"
            raise ArtefactError(message)
        fields = cast("dict[str, Any]", each)
        found[_number(fields["id"], where)] = _added(fields, where)
    return found


def _converted(value: Any, where: Path) -> Any:
    """Return the value with every object that says it is an ``AddedToken`` made one."""
    if isinstance(value, list):
        return [_converted(each, where) for each in cast("list[Any]", value)]
    if isinstance(value, dict):
        inner = dict(cast("dict[str, Any]", value))
        return _added(inner, where) if inner.pop("__type", None) == "AddedToken" else inner
    return value


def _added(value: Any, where: Path) -> AddedToken:
    if isinstance(value, AddedToken):
        return value
    if not isinstance(value, dict):
        message = f"{where}: a token of the tokenizers library wanted, got {value!r}"
        raise ArtefactError(message)
    given = cast("dict[str, Any]", value)
    try:
        # The library writes to the terminal what it does not know.
        return AddedToken(**{name: given[name] for name in _FIELDS if name in given})
    except (TypeError, ValueError) as error:
        message = f"{where}: no token of the tokenizers library: {value!r} ({error})"
        raise ArtefactError(message) from error


def _number(value: Any, where: Path) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError) as error:
        message = f"{where}: an added token's id wanted, got {value!r}"
        raise ArtefactError(message) from error
