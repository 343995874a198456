"""The verbs under one name. Each is loaded when it is asked for, so that it starts quickly."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from munmaek.cli.options import examples
from munmaek.cli.parameters import Declared
from munmaek.tasks import tasks

__all__ = ["app", "has_language"]


class ByTask(TyperGroup):
    """A verb with a command for each task, loaded when it is asked for."""

    home: str
    """The module whose ``BY_TASK`` makes the commands."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's
        """Return the tasks' names."""
        return list(tasks())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - click's
        """Return a task's name and purpose, for the verb's help."""
        purpose = tasks()[cmd_name].purpose
        return TyperCommand(cmd_name, help=f"{purpose[0].upper()}{purpose[1:]}.")

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ARG002 - click's
        """Return the command of the task that the arguments begin with."""
        return import_module(self.home).BY_TASK.command(args)


class Train(ByTask):
    """The verb ``train``."""

    home = "munmaek.cli.train"


class Tune(ByTask):
    """The verb ``tune``."""

    home = "munmaek.cli.tune"


class Config(ByTask):
    """The verb ``config``."""

    home = "munmaek.cli.config"


class Compare(TyperCommand):
    """The verb ``compare``, made for the task that ``--task`` names."""

    def make_context(
        self, info_name: Any, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        """Make the command of the task and read the arguments by it."""
        made = import_module("munmaek.cli.compare").command_for(args)
        return made.make_context(info_name, args, parent, **extra)


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb: its place, its purpose, and the commands that its help ends with."""

    home: str
    """``module:function``, or ``module:application`` of a verb with commands of its own."""
    help: str
    """Its purpose in the list of verbs: the first sentence of its own help."""
    examples: tuple[str, ...] = ()
    language: bool = False
    """It has an option ``--language`` of its own."""

    def command(self, name: str) -> Any:
        """Load the verb and make its command."""
        module, _, function = self.home.partition(":")
        found: Any = getattr(import_module(f"munmaek.cli.{module}"), function)
        if isinstance(found, typer.Typer):
            return get_command(found)
        if isinstance(found, Declared):
            return found.command(name, examples(*self.examples))
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name, epilog=examples(*self.examples))(found)
        return get_command(app)


@dataclass(frozen=True, slots=True)
class VerbByTask:
    """A verb whose options are those of tasks, so that its command is made of them."""

    kind: type[ByTask | Compare]
    help: str
    examples: tuple[str, ...] = ()

    def command(self, name: str) -> Any:
        """Make the command, which makes that of the task."""
        shown: dict[str, Any] = {"name": name, "help": self.help, "rich_markup_mode": None}
        if not issubclass(self.kind, ByTask):
            return self.kind(**shown)
        return self.kind(**shown, epilog=examples(*self.examples), no_args_is_help=True)


VERBS: Final[Mapping[str, Verb | VerbByTask]] = {
    "demo": Verb(
        "demo:demo",
        "Show the whole lineage, trained and compared.",
        ("munmaek demo --quick", "munmaek demo -o lineage"),
    ),
    "train": VerbByTask(
        Train,
        "Train a model on your own text. 'munmaek train TASK --help' has the task's options.",
        (
            "munmaek train lm corpus.txt --model lstm --budget 5m -o models/lstm",
            "munmaek train classify reviews.tsv --model attention --json -o models/reviews",
            "munmaek train translate ko.txt en.txt --model transformer -o models/ko-en",
            "munmaek train mlm corpus.txt --model bert -o models/bert",
        ),
    ),
    "config": VerbByTask(
        Config,
        "Print every option of a task and stage as a file for --config.",
        (
            "munmaek config lm --model lstm > lstm.toml",
            "munmaek config translate --model attention --set model.paper=luong2015 --json",
        ),
    ),
    "info": Verb(
        "info:info",
        "Show a model's task, sizes, data, scores, options and command.",
        ("munmaek info models/rnn", "munmaek info models/5gram --json"),
    ),
    "evaluate": Verb(
        "evaluate:EVALUATE",
        "Measure a model on data of its task.",
        (
            "munmaek evaluate models/rnn test.txt",
            "munmaek evaluate models/en-ko en.txt ko.txt --bleu-tokenizer ko-mecab --by-length",
        ),
    ),
    "threshold": Verb(
        "threshold:THRESHOLD",
        "Choose from which probability on a classifier gives a label.",
        (
            "munmaek threshold models/reviews valid.tsv --precision 0.95 -o models/sure",
            "munmaek threshold models/spam valid.tsv --recall 0.99 --label spam -o models/wide",
        ),
    ),
    "score": Verb(
        "score:SCORE",
        "Print how likely every sentence is.",
        (
            "munmaek score models/rnn sentences.txt --tokens",
            "munmaek score models/5gram test.txt --total",
            "echo '나는 집에서 공부한다' | munmaek score models/5gram --explain",
        ),
    ),
    "generate": Verb(
        "generate:GENERATE",
        "Continue a text, one line for each continuation.",
        ("munmaek generate models/rnn '나는 학교에서' --count 3",),
    ),
    "next": Verb(
        "next:next_tokens",
        "Print the likeliest next tokens, with the probability of each.",
        ("munmaek next models/5gram '나는 학교에서' -k 5",),
    ),
    "lookup": Verb(
        "lookup:lookup",
        "Look an n-gram up in a model and in its training text.",
        (
            "munmaek lookup models/5gram '학교에서 공부한다'",
            "munmaek lookup models/5gram '<s> 나는' --json",
            "munmaek lookup models/5gram",
        ),
    ),
    "mix": Verb(
        "mix:MIX",
        "Mix several language models, or several classifiers, into one.",
        (
            "munmaek mix models/5gram models/rnn --tune valid.txt -o models/mixed",
            "munmaek mix models/news models/talk --weights 0.7,0.3 --fuse -o models/both",
            "munmaek mix models/ngram models/bert --log-linear --tune valid.tsv -o models/both",
        ),
    ),
    "add": Verb(
        "add:add",
        "Add text to an n-gram model that was saved with its own.",
        ("munmaek add models/5gram more.txt -o models/5gram-more",),
    ),
    "classify": Verb(
        "classify:CLASSIFY",
        "Print the label of every text, or of every pair of texts.",
        ("munmaek classify models/reviews new.txt --json", "munmaek classify models/nli pairs.tsv"),
    ),
    "rate": Verb(
        "rate:RATE",
        "Print the number of every text, or of every pair of texts.",
        ("munmaek rate models/sts pairs.tsv",),
    ),
    "tag": Verb(
        "tag:TAG",
        "Print the label of every word.",
        (
            "munmaek tag models/names new.txt --json",
            "munmaek tag models/names test.tsv --words",
        ),
    ),
    "translate": Verb(
        "translate:TRANSLATE",
        "Translate every line, or row of a table; empty ones stay empty.",
        ("echo '나는 너를 사랑해' | munmaek translate models/ko-en",),
    ),
    "fill": Verb(
        "fill:FILL",
        "Print what may stand behind each <mask>.",
        ("munmaek fill models/bert '나는 <mask> 공부한다'",),
    ),
    "embed": Verb(
        "embed:EMBED",
        "Print a vector for every line, or row of a table.",
        ("munmaek embed models/bert sentences.txt -o vectors.npy",),
    ),
    "search": Verb(
        "search:SEARCH",
        "Print the lines of a file nearest in meaning to a query.",
        ("munmaek search models/bert sentences.txt '재미있는 영화'",),
    ),
    "filter": Verb(
        "filter:FILTER",
        "Keep the texts of a large corpus that a model takes for good.",
        (
            "munmaek filter models/5gram crawl.txt.gz --buckets 30,60 --unique -o out.txt.gz",
            "munmaek filter models/5gram a.jsonl b.jsonl --keep 20% --near 0.8 -o out.jsonl",
            "munmaek filter models/toxic posts.csv --label toxic --at-most 0.1 -o clean.csv",
            "munmaek filter models/e5 news.txt --like 'the economy' --keep 5% -o economy.txt",
        ),
    ),
    "align": Verb(
        "align:ALIGN",
        "Print which words of two texts belong together.",
        ("munmaek align models/ko-en ko.txt en.txt", "munmaek align --aligner hmm ko.txt en.txt"),
    ),
    "compare": VerbByTask(Compare, "Train several stages on the same data, side by side."),
    "tune": VerbByTask(
        Tune,
        "Search for the options that train the best model. 'munmaek tune TASK --help' has the "
        "task's options.",
        (
            "munmaek tune classify reviews.tsv --model attention --trials 20 --budget 1h -o best",
            "munmaek tune lm corpus.txt --model rnn --epochs 5 --jobs 2 -o models/best",
        ),
    ),
    "look": Verb(
        "look:LOOK",
        "Look inside: attention, gates, surprisal and what decides them.",
        (
            "munmaek look models/ko-en '나는 너를 사랑해' -o attention.html",
            "munmaek look models/ko-en '나는 너를 사랑해' --figures figures --language ko",
            "munmaek look models/ko-en '나는 너를 사랑해' --target 'I love you'",
            "munmaek look models/ko-en --with models/other --pairs ko.txt --pairs en.txt",
            "munmaek look models/ko-en marks.jsonl --check 'aer<0.2'",
        ),
        language=True,
    ),
    "guide": Verb(
        "guide:guide",
        "Read the guide: from the Markov chain to BERT, offline.",
        (
            "munmaek guide",
            "munmaek guide attention --language ko",
            "munmaek guide --files examples",
        ),
        language=True,
    ),
    "teach": Verb(
        "guide:teach",
        "Train a chapter's models on your own file, and open it.",
        (
            "munmaek teach attention",
            "munmaek teach ngram --text corpus.txt",
            "munmaek teach attention --text my.ko --text my.en -o mine",
        ),
        language=True,
    ),
    "serve": Verb(
        "serve:SERVE",
        "Answer requests over HTTP, in forms that clients already speak.",
        (
            "munmaek serve models/reviews",
            "munmaek serve minilm=models/minilm ko-en=models/ko-en --port 8080",
        ),
    ),
    "export": Verb(
        "export:export",
        "Write a trained model in another form.",
        (
            "munmaek export models/5gram --to arpa -o 5gram.arpa.gz",
            "munmaek export models/5gram --to quantised -o models/5gram-small",
        ),
    ),
    "import": Verb(
        "import_:import_model",
        "Make a model of an ARPA file or of one of KenLM's binaries.",
        ("munmaek import lm.arpa.gz -o models/lm",),
    ),
    "verify": Verb(
        "verify:verify",
        "Check that nothing of a model is missing, altered or added.",
        ("munmaek verify models/5gram",),
    ),
    "data": Verb("data:data", "List and fetch known public data sets."),
}


def has_language(verb: str) -> bool:
    """Return true for a verb with an option ``--language`` of its own."""
    return bool(getattr(VERBS.get(verb), "language", False))


class Verbs(TyperGroup):
    """All verbs, of which only the one that is asked for is loaded."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's
        """Return the names of the verbs, in the order in which one meets them."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - click's
        """Return a verb's command; None where there is none of that name."""
        return VERBS[cmd_name].command(cmd_name) if cmd_name in VERBS else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - click's
        """Write the names and purposes of the verbs, of which none is loaded for it."""
        with formatter.section("Commands"):
            firsts = ((name, verb.help.partition(". ")[0]) for name, verb in VERBS.items())
            formatter.write_dl([(name, f"{first.removesuffix('.')}.") for name, first in firsts])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the verb that the arguments begin with, or say which may be meant."""
        if args[0] not in VERBS and (close := get_close_matches(args[0], VERBS)):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {' or '.join(map(repr, close))}?")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    name="munmaek",
    cls=Verbs,
    help="Train, evaluate, compare and look inside every kind of language model on your own text, "
    "from the Markov chain to BERT.",
    epilog=examples("munmaek demo"),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"munmaek {version('munmaek')}")
        raise typer.Exit


@app.callback()
def _munmaek(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    del version
