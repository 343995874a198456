"""Options as their classes declare them, read from the source: help needs no torch and no pydantic.

``fields_of("munmaek.models.rnn:RnnConfig")`` parses the file, follows base classes, aliases and
constants into the files that they are imported from, and runs none of them. What pydantic makes of
the same classes is held equal by a test.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeAlias

__all__ = ["REQUIRED", "Field", "class_value", "class_values", "fields_of"]

REQUIRED: Final = object()
"""The default of a field without one."""
BOUNDS: Final = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
_PLAIN: Final = ("int", "float", "bool", "str", "dict", "tuple", "list", "Sequence", "Path")
_MANY: Final = ("tuple", "list", "Sequence")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an options class."""

    name: str
    types: frozenset[str] = frozenset()
    """Names of plain types, ``None`` among them; a class of ours is ``str``, as it is written."""
    choices: tuple[str, ...] = ()
    """Values of a ``Literal``."""
    bounds: Mapping[str, float] = field(default_factory=dict[str, float])
    """By ``ge``, ``gt``, ``le``, ``lt``."""
    default: Any = REQUIRED
    doc: str = ""

    @property
    def is_many(self) -> bool:
        """Return true where several values are wanted."""
        return not self.types.isdisjoint(_MANY)

    @property
    def plain(self) -> type[int] | type[float] | type[bool] | type[str]:
        """Return the type of one value as it is written."""
        types = {"int": int, "float": float, "bool": bool}
        found = [types[each] for each in types if each in self.types]
        return found[0] if len(found) == 1 and not self.types & {"str", *_MANY, "dict"} else str

    @property
    def range(self) -> str:
        """Return the bounds as one reads them: ``≥ 0, < 1``."""
        return ", ".join(f"{BOUNDS[each]} {value:g}" for each, value in self.bounds.items())


@dataclass(frozen=True, slots=True)
class _Module:
    """A parsed file: what each name at its top stands for."""

    name: str
    names: Mapping[str, ast.expr | ast.ClassDef | tuple[str, str]]


Found: TypeAlias = tuple[_Module, "ast.expr | ast.ClassDef"]


@cache
def _parsed(name: str) -> _Module:
    tree = ast.parse(_path(name).read_text(encoding="utf-8"))
    names: dict[str, ast.expr | ast.ClassDef | tuple[str, str]] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {each.asname or each.name: (node.module, each.name) for each in node.names}
        elif isinstance(node, ast.ClassDef):
            names[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            names[node.target.id] = node.value
    return _Module(name, names)


def _path(module: str) -> Path:
    """Return the file of a module, of which only the outermost package is asked for."""
    top, *rest = module.split(".")
    spec = find_spec(top)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(module)
    if not rest:
        return Path(spec.origin)
    place = Path(spec.origin).parent.joinpath(*rest)
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")


def _find(module: _Module, name: str) -> Found | None:
    """Return what a name stands for, in the module that says it; None is a name of Python's own."""
    found = module.names.get(name)
    if isinstance(found, tuple):
        top = found[0].split(".")[0]
        known = (module.name.split(".")[0], "munmaek")  # other packages build on ours
        return _find(_parsed(found[0]), found[1]) if top in known else None
    return None if found is None else (module, found)


def _class(path: str) -> tuple[_Module, ast.ClassDef]:
    name, _, wanted = path.partition(":")
    found = _find(_parsed(name), wanted)
    if found is None or not isinstance(found[1], ast.ClassDef):
        message = f"{path}: no class of that name in {_path(name)}"
        raise LookupError(message)
    return found[0], found[1]


def _bases(module: _Module, node: ast.ClassDef) -> Iterator[tuple[_Module, ast.ClassDef]]:
    for base in node.bases:
        found = _find(module, base.id) if isinstance(base, ast.Name) else None
        if found is not None and isinstance(found[1], ast.ClassDef):
            yield found[0], found[1]


@cache
def fields_of(path: str) -> dict[str, Field]:
    """Return the fields of the class at ``module:name`` by name, those of its bases first."""
    return _fields(*_class(path))


def _fields(module: _Module, node: ast.ClassDef) -> dict[str, Field]:
    out: dict[str, Field] = {}
    for base in _bases(module, node):
        out |= _fields(*base)
    for each, after in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(each, ast.AnnAssign) or not isinstance(each.target, ast.Name):
            continue
        name = each.target.id
        if _name(each.annotation) != "ClassVar" and not name.startswith("_"):
            out[name] = _field(module, name, each, _text(after))
    return out


def _name(node: ast.expr) -> str:
    """Return the name that an expression is, calls or subscripts; empty where it is another."""
    if isinstance(node, ast.Call):
        return _name(node.func)
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    return node.id if isinstance(node, ast.Name) else ""


def _text(node: ast.stmt | None) -> str:
    """Return the string that stands after a field, on one line."""
    value = node.value if isinstance(node, ast.Expr) else None
    written = value.value if isinstance(value, ast.Constant) else None
    return " ".join(written.replace("``", "").split()) if isinstance(written, str) else ""


def _field(module: _Module, name: str, node: ast.AnnAssign, doc: str) -> Field:
    types, choices = set[str](), list[str]()
    bounds = dict[str, float]()
    _annotation(module, node.annotation, types, choices, bounds)
    default: Any = REQUIRED
    if isinstance(node.value, ast.Call) and _name(node.value) in ("Field", "field"):
        given = {each.arg: each.value for each in node.value.keywords}
        bounds |= {each: _value(module, given[each]) for each in BOUNDS if each in given}
        if "default" in given:
            default = _value(module, given["default"])
        elif "default_factory" in given:
            default = {} if _name(given["default_factory"]) == "dict" else []
    elif node.value is not None:
        default = _value(module, node.value)
    return Field(name, frozenset(types), tuple(choices), bounds, default, doc)


def _annotation(
    module: _Module,
    node: ast.expr,
    types: set[str],
    choices: list[str],
    bounds: dict[str, float],
) -> None:
    """Add what an annotation allows to ``types``, ``choices`` and ``bounds``."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            _annotation(module, ast.parse(node.value, mode="eval").body, types, choices, bounds)
        else:
            types.add("None")
    elif isinstance(node, ast.BinOp):
        for side in (node.left, node.right):
            _annotation(module, side, types, choices, bounds)
    elif isinstance(node, ast.Subscript):
        _subscript(module, node, types, choices, bounds)
    elif isinstance(node, ast.Name) and node.id in _PLAIN:
        types.add(node.id)
    elif isinstance(node, ast.Name) and (found := _find(module, node.id)) is not None:
        if isinstance(found[1], ast.ClassDef):
            types.add("str")
        else:
            _annotation(found[0], found[1], types, choices, bounds)
    else:
        types.add("str")


def _subscript(
    module: _Module,
    node: ast.Subscript,
    types: set[str],
    choices: list[str],
    bounds: dict[str, float],
) -> None:
    outer = _name(node)
    inner = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if outer == "Literal":
        types.add("str")
        choices.extend(str(_value(module, each)) for each in inner)
    elif outer == "Annotated":
        if any(_name(each) == "BeforeValidator" for each in inner[1:]):
            types.add("str")  # what is written is read by a function
        _annotation(module, inner[0], types, choices, bounds)
    else:
        types.add(outer)


def _value(module: _Module, node: ast.expr) -> Any:
    """Return the value of an expression of literals and constants; other code as it is written."""
    if isinstance(node, ast.Name) and (found := _find(module, node.id)) is not None:
        home, target = found
        return ast.unparse(node) if isinstance(target, ast.ClassDef) else _value(home, target)
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {_value(module, key): _value(module, value) for key, value in pairs if key}
    if isinstance(node, ast.Tuple):
        return tuple(_value(module, each) for each in node.elts)
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def class_value(path: str, name: str) -> Any:
    """Return the value of a class variable, of the class itself or the nearest base; else None."""
    return next(iter(class_values(path, name)), None)


@cache
def class_values(path: str, name: str) -> tuple[Any, ...]:
    """Return the values of a class variable, of the class itself first, then of its bases."""
    return tuple(_class_values(*_class(path), name))


def _class_values(module: _Module, node: ast.ClassDef, name: str) -> Iterator[Any]:
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and each.value and _name(each.target) == name:
            yield _value(module, each.value)
    for base in _bases(module, node):
        yield from _class_values(*base, name)
