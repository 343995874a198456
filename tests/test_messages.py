"""Every message in Korean: those that the source raises for people, found by reading it."""

import ast
import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import munmaek.errors
from conftest import ROOT
from munmaek.errors import MunmaekError

WITHOUT_KOREAN = 475
"""Messages without Korean: write it into src/munmaek/text/messages.json, and lower this."""
SLACK = 20
"""Messages by which that number may lag behind."""
WRITES = {"write_message", "warn"}
PLACE = re.compile(r"\{[^{}]*\}")
WORDS = re.compile(r"[A-Za-z]{2}")
MESSAGES = {
    PLACE.sub("{}", english)
    for english in json.loads(
        files("munmaek.text").joinpath("messages.json").read_text(encoding="utf-8")
    )
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def template(node: ast.expr) -> Iterator[str]:
    """Yield what a message is written as, with {} for what is put in; each branch of a choice."""
    if isinstance(node, ast.IfExp):
        yield from template(node.body)
        yield from template(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
        )


def errors(trees: list[ast.Module]) -> set[str]:
    """Return the names of the errors whose message people read: munmaek's and their heirs."""
    found = {
        name
        for name, each in vars(munmaek.errors).items()
        if isinstance(each, type) and issubclass(each, MunmaekError)
    }
    bases = {
        node.name: [base.id for base in node.bases if isinstance(base, ast.Name)]
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    for _ in range(3):  # a class of a class of these
        found |= {name for name, above in bases.items() if found & set(above)}
    return found


def said(tree: ast.Module, names: set[str]) -> Iterator[str]:
    """Yield the messages of a file: of its errors, and what it writes beside results and warns of.

    They are given there, or by a name that was set since it was last used.
    """
    for function in (each for each in ast.walk(tree) if isinstance(each, Function)):
        named: dict[str, list[ast.expr]] = {}
        nodes = (each for each in ast.walk(function) if isinstance(each, ast.Assign | ast.Call))
        for node in sorted(nodes, key=lambda each: each.lineno):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        named.setdefault(target.id, []).append(node.value)
                continue
            called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func
            called = called.id if isinstance(called, ast.Name) else called
            if called in names and node.args:
                given = node.args[0]
                known = named.pop(given.id, []) if isinstance(given, ast.Name) else [given]
                for each in known:  # one name in the branches of a choice
                    yield from template(each)


def parsed() -> dict[Path, ast.Module]:
    return {
        path: ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "src" / "munmaek").rglob("*.py"))
    }


def test_every_message_is_there_in_korean() -> None:
    trees = parsed()
    names = errors(list(trees.values())) | WRITES
    found = {text for tree in trees.values() for text in said(tree, names)}
    assert len(found) > 500, "the source is no longer read"
    missing = sorted(text for text in found - MESSAGES if WORDS.search(text))
    assert len(missing) <= WITHOUT_KOREAN, "\n".join(missing)
    assert len(missing) > WITHOUT_KOREAN - SLACK, f"lower WITHOUT_KOREAN to {len(missing)}"


def test_a_message_is_found_wherever_it_is_written() -> None:
    tree = ast.parse(
        "def f(a):\n"
        "    message = f'{a}: one' if a else 'two'\n"
        "    raise InputError(message)\n"
        "def g():\n"
        "    raise ConfigError('three' 'four')\n"
        "def h():\n"
        "    raise KeyError('five')\n"
    )
    assert sorted(said(tree, {"InputError", "ConfigError"})) == ["threefour", "two", "{}: one"]
