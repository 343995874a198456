"""The verbs under one name. Each loads what it needs when it runs, so that help is quick."""

from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from munmaek.cli.add import add
from munmaek.cli.align import align
from munmaek.cli.classify import classify, rate, tag
from munmaek.cli.data import data
from munmaek.cli.demo import demo
from munmaek.cli.embed import embed
from munmaek.cli.evaluate import evaluate
from munmaek.cli.export import export
from munmaek.cli.fill import fill
from munmaek.cli.generate import generate
from munmaek.cli.import_ import import_model
from munmaek.cli.info import info
from munmaek.cli.look import look
from munmaek.cli.lookup import lookup
from munmaek.cli.mix import mix
from munmaek.cli.next import next_tokens
from munmaek.cli.options import examples
from munmaek.cli.score import score
from munmaek.cli.search import search
from munmaek.cli.translate import translate
from munmaek.cli.verify import verify
from munmaek.tasks import tasks

__all__ = ["app"]


class ByTask(TyperGroup):
    """A verb with a command for each task, loaded when it is asked for."""

    home: str
    """The module whose ``BY_TASK`` makes the commands."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's
        """Return the tasks' names."""
        return list(tasks())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - click's
        """Return a task's name and purpose, for the verb's help."""
        return TyperCommand(cmd_name, help=f"Answer with {tasks()[cmd_name].answers}.")

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ARG002 - click's
        """Return the command of the task that the arguments begin with."""
        return import_module(self.home).BY_TASK.command(args)


class Train(ByTask):
    """The verb ``train``."""

    home = "munmaek.cli.train"


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


app = typer.Typer(
    name="munmaek",
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


app.command(epilog=examples("munmaek demo --quick", "munmaek demo -o lineage"))(demo)
app.add_typer(
    typer.Typer(
        cls=Train,
        help="Train a model on your own text; 'munmaek train TASK --help' has the task's options.",
        epilog=examples(
            "munmaek train lm corpus.txt --model lstm --budget 5m -o models/lstm",
            "munmaek train classify reviews.tsv --model attention --json -o models/reviews",
            "munmaek train translate ko.txt en.txt --model transformer -o models/ko-en",
            "munmaek train mlm corpus.txt --model bert -o models/bert",
        ),
        no_args_is_help=True,
        rich_markup_mode=None,
    ),
    name="train",
)
app.add_typer(
    typer.Typer(
        cls=Config,
        help="Print every option of a task and stage, as a file that --config reads.",
        epilog=examples(
            "munmaek config lm --model lstm > lstm.toml",
            "munmaek config translate --model attention --set model.paper=luong2015 --json",
        ),
        no_args_is_help=True,
        rich_markup_mode=None,
    ),
    name="config",
)
app.command(epilog=examples("munmaek info models/rnn", "munmaek info models/5gram --json"))(info)
app.command(
    epilog=examples(
        "munmaek evaluate models/rnn test.txt",
        "munmaek evaluate models/en-ko en.txt ko.txt --bleu-tokenizer ko-mecab --by-length",
    )
)(evaluate)
app.command(
    epilog=examples(
        "munmaek score models/rnn sentences.txt --tokens",
        "munmaek score models/5gram test.txt --total",
        "echo '나는 집에서 공부한다' | munmaek score models/5gram --explain",
    )
)(score)
app.command(epilog=examples("munmaek generate models/rnn '나는 학교에서' --count 3"))(generate)
app.command("next", epilog=examples("munmaek next models/5gram '나는 학교에서' -k 5"))(next_tokens)
app.command(
    epilog=examples(
        "munmaek lookup models/5gram '학교에서 공부한다'",
        "munmaek lookup models/5gram '<s> 나는' --json",
        "munmaek lookup models/5gram",
    )
)(lookup)
app.command(
    epilog=examples(
        "munmaek mix models/5gram models/rnn --tune valid.txt -o models/mixed",
        "munmaek mix models/news models/talk --weights 0.7,0.3 -o models/mixed",
        "munmaek mix models/ngram models/bert --log-linear --tune valid.tsv -o models/both",
    )
)(mix)
app.command(epilog=examples("munmaek add models/5gram more.txt -o models/5gram-more"))(add)
app.command(
    epilog=examples(
        "munmaek classify models/reviews new.txt --json",
        "munmaek classify models/nli pairs.tsv",
    )
)(classify)
app.command(epilog=examples("munmaek rate models/sts pairs.tsv"))(rate)
app.command(
    epilog=examples(
        "munmaek tag models/names new.txt --json", "munmaek tag models/names test.tsv --words"
    )
)(tag)
app.command(epilog=examples("echo '나는 너를 사랑해' | munmaek translate models/ko-en"))(translate)
app.command(epilog=examples("munmaek fill models/bert '나는 <mask> 공부한다'"))(fill)
app.command(epilog=examples("munmaek embed models/bert sentences.txt -o vectors.npy"))(embed)
app.command(epilog=examples("munmaek search models/bert sentences.txt '재미있는 영화'"))(search)
app.command(
    epilog=examples(
        "munmaek align models/ko-en ko.txt en.txt", "munmaek align --aligner hmm ko.txt en.txt"
    )
)(align)
app.command("compare", cls=Compare, help="Train several stages on the same data, side by side.")(
    lambda: None  # the command that is made is called
)
app.command(
    epilog=examples(
        "munmaek look models/ko-en '나는 너를 사랑해' -o attention.html",
        "munmaek look models/ko-en '나는 너를 사랑해' --target 'I love you'",
        "munmaek look models/ko-en --with models/other --pairs ko.txt --pairs en.txt",
        "munmaek look models/ko-en marks.jsonl --check 'aer<0.2'",
    )
)(look)
app.command(
    epilog=examples(
        "munmaek export models/5gram --to arpa -o 5gram.arpa.gz",
        "munmaek export models/5gram --to quantised -o models/5gram-small",
    )
)(export)
app.command(name="import", epilog=examples("munmaek import lm.arpa.gz -o models/lm"))(import_model)
app.command(epilog=examples("munmaek verify models/5gram"))(verify)
app.add_typer(data, name="data")
