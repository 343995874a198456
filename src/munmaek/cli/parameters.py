"""Command line options made of the options that classes declare, and commands that group them.

``task_options`` reads what one task and its stages have; ``command`` makes a verb of such options,
whose function gets all that was given in one mapping. An option that is not there is looked for
under every task, so that the message names the right one.
"""

import inspect
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, cast

import typer
from typer.core import TyperCommand
from typer.main import get_command

from munmaek.declared import REQUIRED, Field, class_value, class_values, fields_of
from munmaek.errors import ConfigError, MunmaekWarning
from munmaek.models.renamed import RENAMED

if TYPE_CHECKING:
    from munmaek.models import Stage
    from munmaek.tasks import Task

__all__ = [
    "Declared",
    "Given",
    "Option",
    "Parameters",
    "class_parameters",
    "closest",
    "command",
    "given_of",
    "task_options",
]

Given: TypeAlias = Mapping[str, Any]
"""Values that were given, by option without hyphens before; None and [] where nothing was."""
Parameters: TypeAlias = "Mapping[str, tuple[Any, Any]]"
"""By name: an annotated type, with ``typer.Option`` or ``typer.Argument``, and the default."""

TRAINING: Final = "munmaek.fit.config:TrainConfig"
OWN: Final = ("task", "stage", "model", "train")
"""Fields of a recipe that are no options of their own."""
USUAL: Final = {
    "cell": "Recurrent cell.",
    "layers": "Layers of the network.",
    "hidden-size": "Width of the hidden states.",
    "embedding-size": "Width of the token embeddings.",
    "heads": "Attention heads; they divide the hidden size.",
    "dropout": "Dropout.",
}
"""Meanings of options that several stages have, each for itself."""
DATA, MODEL, TRAIN, RUNNING = "Data", "Model", "Training", "Running"
ENDS: Final = ("Arguments", RUNNING)
"""Groups that help begins and ends with."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option of the command line that stands for a key of the configuration."""

    name: str
    """Without the hyphens before: ``hidden-size``."""
    section: str
    """``recipe``, ``model`` or ``train``."""
    keys: Mapping[str, str]
    """The key by each stage that has it."""
    group: str
    field: Field
    default: str = ""
    """The default as help shows it; stages that differ are named."""
    repeated: bool = False
    """It may be written several times, once for each value."""
    metavar: str = ""
    """The value as help writes it; by default as its type says."""

    @property
    def identifier(self) -> str:
        """Return the name as a parameter of a function."""
        return self.name.replace("-", "_")

    @property
    def parameter(self) -> tuple[Any, Any]:
        """Return the annotated type and the default that typer wants."""
        field, plain = self.field, self.field.plain
        flag = f"--{self.name}"
        if plain is bool:
            flag = flag if field.default is False else f"{flag}/--no-{self.name}"
        bounds: Mapping[str, float] = field.bounds if plain in (int, float) else {}
        metavar = self.metavar or ("FILE" if self.repeated else _metavar(field))
        option = typer.Option(
            flag,
            metavar=None if plain is bool else metavar,
            min=bounds.get("ge"),
            max=bounds.get("le"),
            show_default=self.default or False,
            help=field.doc,
            rich_help_panel=self.group,
        )
        kind: Any = list[plain] if self.repeated else plain
        return Annotated[kind | None, option], None


def _metavar(field: Field) -> str:
    if field.choices:
        return "|".join(field.choices)
    if "int" in field.types and "str" in field.types:
        return "NAME|N"
    if "Path" in field.types:
        return "FILE" if field.doc.startswith("File") else "DIR"
    return {"int": "N", "float": "X"}.get(field.plain.__name__, "TEXT")


def shown(value: Any) -> str:
    """Return a default as one would write it; nothing where there is none."""
    if value is None or value is REQUIRED or value == {}:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list):
        return " ".join(map(shown, cast("list[Any]", value)))
    return f"{value:g}" if isinstance(value, float) else str(value)


def task_options(task: "Task", stages: Sequence["Stage"]) -> list[Option]:
    """Return the options of a task for some of its stages: recipe, model, training loop."""
    return [*_of_recipe(task, stages), *_of_models(stages), *_of_training(task, stages)]


def _of_recipe(task: "Task", stages: Sequence["Stage"]) -> Iterable[Option]:
    in_training = {name for names in class_values(task.recipe, "training") for name in names}
    limited = dict.fromkeys(class_value(task.recipe, "counted_only"), True)
    limited |= dict.fromkeys(class_value(task.recipe, "networks_only"), False)
    for field in fields_of(task.recipe).values():
        able = [each.name for each in stages if limited.get(field.name) in (None, each.counted)]
        if field.name not in OWN and able:
            group = TRAIN if field.name in in_training else DATA
            keys = dict.fromkeys(able, field.name)
            name = field.name.replace("_", "-")
            yield Option(name, "recipe", keys, group, field, _unless_flag(field, field.default))


def _unless_flag(field: Field, default: Any) -> str:
    return "" if field.plain is bool and not default else shown(default)


def _of_models(stages: Sequence["Stage"]) -> Iterable[Option]:
    found: dict[str, dict[str, Field]] = {}
    for stage in stages:
        named: dict[str, str] = class_value(stage.config, "options") or {}
        for name, key in named.items():
            found.setdefault(name, {})[stage.name] = fields_of(stage.config)[key]
    for name, fields in found.items():
        keys = {stage: field.name for stage, field in fields.items()}
        first = next(iter(fields.values()))
        if len({field.doc for field in fields.values()}) > 1:
            first = replace(first, doc=USUAL.get(name, first.doc))
        choices = {each: None for field in fields.values() for each in field.choices}
        defaults = {stage: _unless_flag(field, field.default) for stage, field in fields.items()}
        field = replace(first, choices=tuple(choices))
        yield Option(name, "model", keys, MODEL, field, _by_stage(defaults))


def _by_stage(defaults: Mapping[str, str]) -> str:
    """Return one default, or that of each stage."""
    if len(set(defaults.values())) == 1:
        return next(iter(defaults.values()))
    return ", ".join(f"{stage} {each}" for stage, each in defaults.items() if each)


def _of_training(task: "Task", stages: Sequence["Stage"]) -> Iterable[Option]:
    able = [stage for stage in stages if not stage.counted]
    for name, key in class_value(TRAINING, "options").items() if able else ():
        field = fields_of(TRAINING)[key]
        usual = {
            each.name: each.training.get(task.name, {}).get(key, field.default) for each in able
        }
        defaults = {stage: _unless_flag(field, value) for stage, value in usual.items()}
        keys = {stage.name: key for stage in able}
        yield Option(name, "train", keys, TRAIN, field, _by_stage(defaults))


class Grouped(TyperCommand):
    """A command whose help shows its options under headings, and that knows those of others."""

    explain: Callable[[str], str] | None = None
    """Returns, for an option that is not there, what may be meant."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, then the options of each group."""
        groups: dict[str, list[Any]] = {}
        for each in self.get_params(ctx):
            panel = getattr(each, "rich_help_panel", None) or RUNNING
            name = "Arguments" if each.param_type_name == "argument" else panel
            if (record := each.get_help_record(ctx)) is not None:
                groups.setdefault(name, []).append(record)
        for name in ("Arguments", *(each for each in groups if each not in ENDS), RUNNING):
            if records := groups.get(name):
                with formatter.section(name):
                    formatter.write_dl(records)

    def _has_server(self) -> bool:
        return any(each.name == "server" for each in self.params)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments, old names of options among them.

        Raises:
            ConfigError: an unknown option; names those that may be meant.
        """
        try:
            asked = [_renewed(each) for each in args]
            return super().parse_args(ctx, _with_server(asked) if self._has_server() else asked)
        except Exception as error:
            # Newer versions of typer bring their own click, so its errors are known by name.
            if type(error).__name__ != "NoSuchOption" or self.explain is None:
                raise
            name = cast("Any", error).option_name
            message = f"{self.explain(name)}; see '{ctx.command_path} --help'"
            raise ConfigError(message) from error


def _with_server(arguments: Sequence[str]) -> list[str]:
    """Return arguments with the address of a server in the place of a model's folder."""
    for place, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if argument == "--":
            break
        if name == "--server" and (equals or place + 1 < len(arguments)):
            return [value if equals else arguments[place + 1], *arguments]
    return [*arguments]


def _renewed(argument: str) -> str:
    """Return an argument with the name of today where it is an option's old one."""
    name, equals, value = argument.partition("=")
    now = RENAMED["command line"].get(name)
    if now is None:
        return argument
    warnings.warn(f"{name} is called {now} now", MunmaekWarning, stacklevel=2)
    return f"{now}{equals}{value}"


def closest(parameters: Parameters) -> Callable[[str], str]:
    """Return what names the option that may be meant by one that is not there."""

    def explain(option: str) -> str:
        name = option.lstrip("-").partition("=")[0]
        near = get_close_matches(name, [each.replace("_", "-") for each in parameters], n=1)
        return f"no option --{name}" + (f"; did you mean --{near[0]}?" if near else "")

    return explain


def command(
    name: str,
    function: Callable[[Given], None],
    parameters: Parameters,
    *,
    epilog: str,
    explain: Callable[[str], str] | None = None,
) -> Any:
    """Return a command whose ``function`` gets what was given by name.

    Args:
        name: of the command.
        function: its docstring is the command's help.
        parameters: of the command.
        epilog: the end of its help.
        explain: returns, for an option that is not there, what may be meant; None is what is
            spelled alike.
    """

    def call(**given: Any) -> None:
        function(given)

    call.__doc__ = function.__doc__
    call.__annotations__ = {each: annotation for each, (annotation, _) in parameters.items()}
    kind = inspect.Parameter.KEYWORD_ONLY
    vars(call)["__signature__"] = inspect.Signature(
        [
            inspect.Parameter(each, kind, annotation=annotation, default=default)
            for each, (annotation, default) in parameters.items()
        ]
    )
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, cls=Grouped, epilog=epilog)(call)
    made: Any = get_command(app)
    made.explain = explain
    return made


def class_parameters(path: str, *, panel: str = RUNNING) -> Parameters:
    """Return the options that a class declares, by key: ``munmaek.tasks.answering:Asked``.

    Their panels, what help writes for their values and names of their own are those of the class.
    A key of several values has an option that may come again; what stands in no panel is in
    ``panel``.
    """
    names: Mapping[str, str] = class_value(path, "flags") or {}
    metavars: Mapping[str, str] = class_value(path, "metavars") or {}
    panels: Mapping[str, Sequence[str]] = class_value(path, "panels") or {}
    flags = {key: flag for flag, key in names.items()}
    groups = {key: name for name, keys in panels.items() for key in keys}
    found: dict[str, tuple[Any, Any]] = {}
    for key, field in fields_of(path).items():
        name = flags.get(key, key.replace("_", "-"))
        default = "" if field.plain is bool or field.is_many else shown(field.default)
        metavar = metavars.get(key, "NAME" if name.endswith("-column") else "")
        group, many = groups.get(key, panel), field.is_many
        option = Option(name, "", {}, group, field, default, repeated=many, metavar=metavar)
        found[key] = option.parameter
    return found


def given_of(path: str, given: Given) -> dict[str, Any]:
    """Return what was given of the options that a class declares."""
    values = {name: given[name] for name in fields_of(path)}
    return {name: value for name, value in values.items() if value is not None and value != []}


@dataclass(frozen=True, slots=True)
class Declared:
    """A verb with declared options, whose function gets what was given by name."""

    run: Callable[[Given], None]
    """Does what the verb does; its docstring is the help."""
    parameters: Callable[[], Parameters]
    """Returns its arguments and options."""

    def command(self, name: str, epilog: str) -> Any:
        """Return the command."""
        made = self.parameters()
        return command(name, self.run, made, epilog=epilog, explain=closest(made))
