"""Ways to damage bytes and JSON, as disks, editors, transfers and people do."""

import copy
import json
import random
from collections.abc import Callable
from typing import Any

__all__ = ["damaged_bytes", "damaged_json", "odd_json", "render_json"]

TOKENS = (
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\n", b"\r", b"\r\n", b"\t", b"\xc2\xa0", b"\xe3\x80\x80",
    b"\xed\xa0\x80", b'"', b"'", b"\\", b"{", b"}", b"[", b"]", b",", b":", b"-", b"1e999", b"NaN",
    b"-Infinity", b"-99", b"0", b"-1", b"2147483648", b"9" * 30, b"9" * 5000, b"true", b"null",
    b"<unk>", b"<s>", b"</s>", b"\\ud800", b"\\end\\", b"\\data\\", b"\\2-grams:", b"ngram 1=",
    b"[" * 3000, b'{"a":' * 3000, b"\xf0\x9f\x98\x80", b"\xea\xb0\x80" * 40, b"../", b"/etc/passwd",
)  # fmt: skip

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 7, 255, 1 << 31, 1 << 63, 10**9, 10**12, 10**30, -(10**9),
    0.0, -0.5, 0.5, 1e-320, 1e308, float("inf"), float("nan"), "", "0", "1", "a", "x" * 300, "가",
    "../x", "/etc/passwd", "model.safetensors", "\x00", "\n", "NaN", [], {}, [[]], [1], [None],
    ["a"], ["a", "a"], [1, 2], [0.5, 0.5], {"a": 1}, {"": None}, "bert", "ngram", "lm", "mixture",
    "bpe", "words", "F32", "mean",
)  # fmt: skip


def damaged_bytes(rng: random.Random, content: bytes, others: bytes = b"") -> bytes:
    """Return the content after one to four accidents."""
    made = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        rng.choice(_ACCIDENTS)(rng, made, others)
    return bytes(made)


def _flip(rng: random.Random, made: bytearray, _: bytes) -> None:
    if made:
        made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)


def _byte(rng: random.Random, made: bytearray, _: bytes) -> None:
    if made:
        made[rng.randrange(len(made))] = rng.randrange(256)


def _cut(rng: random.Random, made: bytearray, _: bytes) -> None:
    del made[rng.randrange(len(made) + 1) :]


def _lose(rng: random.Random, made: bytearray, _: bytes) -> None:
    begin = rng.randrange(len(made) + 1)
    del made[begin : begin + rng.choice((1, 2, 8, 64, 4096))]


def _insert(rng: random.Random, made: bytearray, _: bytes) -> None:
    place = rng.randrange(len(made) + 1)
    made[place:place] = rng.choice(TOKENS)


def _replace(rng: random.Random, made: bytearray, _: bytes) -> None:
    place, token = rng.randrange(len(made) + 1), rng.choice(TOKENS)
    made[place : place + len(token)] = token


def _repeat(rng: random.Random, made: bytearray, _: bytes) -> None:
    begin = rng.randrange(len(made) + 1)
    part = bytes(made[begin : begin + rng.choice((1, 16, 256, 4096))])
    made[begin:begin] = part * rng.choice((1, 2, 20))


def _zeros(rng: random.Random, made: bytearray, _: bytes) -> None:
    begin = rng.randrange(len(made) + 1)
    size = min(rng.choice((1, 8, 512, 4096)), len(made) - begin)
    made[begin : begin + size] = bytes(size)


def _splice(rng: random.Random, made: bytearray, others: bytes) -> None:
    if others:
        begin, place = rng.randrange(len(others)), rng.randrange(len(made) + 1)
        made[place:place] = others[begin : begin + rng.choice((8, 64, 1024))]


def _swap(rng: random.Random, made: bytearray, _: bytes) -> None:
    lines = bytes(made).split(b"\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    made[:] = b"\n".join(lines)


_ACCIDENTS: tuple[Callable[[random.Random, bytearray, bytes], None], ...] = (
    _flip, _byte, _cut, _lose, _insert, _replace, _repeat, _zeros, _splice, _swap,
)  # fmt: skip


def odd_json(rng: random.Random) -> Any:
    """Return a value that hardly ever belongs where it stands."""
    return copy.deepcopy(rng.choice(VALUES))


def damaged_json(rng: random.Random, value: Any) -> Any:
    """Return the value with one to three places in it lost, added or made something else."""
    made = {"root": copy.deepcopy(value)}
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = list(_places(made))
        holder, key = rng.choice(places[1:] or places)
        act = rng.random()
        if act < 0.2 and holder is not made:
            del holder[key]
        elif act < 0.3 and isinstance(holder, dict):
            holder[rng.choice(("new", "", "sha256", "format", str(key) + "x"))] = odd_json(rng)
        elif act < 0.4:
            other, place = rng.choice(places)
            holder[key] = copy.deepcopy(other[place])
        elif act < 0.5 and isinstance(holder[key], int | float):
            holder[key] = holder[key] * rng.choice((-1, 2, 1000, 10**9)) + rng.choice((0, 1, -1))
        else:
            holder[key] = odd_json(rng)
    return made["root"]


def _places(holder: Any) -> Any:
    keys = list(holder) if isinstance(holder, dict) else range(len(holder))
    for key in keys:
        yield holder, key
        if isinstance(holder[key], dict | list):
            yield from _places(holder[key])


def render_json(rng: random.Random, value: Any) -> bytes:
    """Return the value as JSON, now and then written oddly: a key twice, a mark in front, deep."""
    text = json.dumps(value, ensure_ascii=rng.random() < 0.5)
    act = rng.random()
    if act < 0.04 and isinstance(value, dict) and value:
        key = rng.choice(list(value))
        text = f"{{{json.dumps(key)}: {json.dumps(odd_json(rng))}, {text[1:]}"
    elif act < 0.06:
        text = "\ufeff" + text
    elif act < 0.08:
        depth = rng.choice((50, 70, 500, 5000, 100_000))
        text = f'{{"a": {"[" * depth}{"]" * depth}, {text[1:]}' if text.startswith("{") else text
    elif act < 0.09:
        return text.encode("utf-16")
    return text.encode("utf-8", "surrogatepass")
