"""The tasks: one folder each, which owns all about a task, and one row in the table ``TASKS``.

``TASKS`` is a literal, ordered table; importing it loads no task. A package may add tasks of its
own through the entry point group ``munmaek.tasks``, whose objects are ``Task`` rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from munmaek.errors import UnsupportedError
from munmaek.models import rows_of_others

if TYPE_CHECKING:
    from munmaek.fit.extra import Extra
    from munmaek.folder.schema import Manifest
    from munmaek.tasks.answering import Answering
    from munmaek.tasks.asked import Asked
    from munmaek.tasks.living import LivingParts
    from munmaek.tasks.recipe import Recipe
    from munmaek.tasks.work import Work

__all__ = ["TASKS", "Candidate", "Task", "load_name", "task_named", "tasks"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model that is tried where no stage is named."""

    stage: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Options of the recipe, besides what is given."""

    @property
    def name(self) -> str:
        """Return what its row of the table is called: ``ngram words discriminative``."""
        kinds = [each for each in self.options.values() if isinstance(each, str)]
        chosen = [name for name, each in self.options.get("model", {}).items() if each is True]
        return " ".join([self.stage, *kinds, *chosen])


@dataclass(frozen=True, slots=True)
class Task:
    """One row of the tasks.

    ``work``, ``model`` and ``recipe`` are ``module:name`` paths, loaded when used.
    """

    name: str
    purpose: str
    """The use of its models, as a verb: ``predict each next token``."""
    verb: str
    """The command that uses its models so."""
    headline: tuple[str, ...]
    """The scores that lead its tables, the best choice first."""
    work: str
    """The task's own ``munmaek.tasks.work.Work``: from data to the trained model and back."""
    model: str
    """The class of its trained models."""
    beside: tuple[str, ...] = ()
    """The scores that stand beside the first of the headline, the most telling first."""
    also: tuple[str, ...] = ()
    """Other tasks whose models serve this purpose, too."""

    def serves(self, task: str) -> bool:
        """Return whether models of ``task`` serve this purpose."""
        return task in (self.name, *self.also)

    recipe: str = "munmaek.tasks.recipe:Recipe"
    """The class of its options."""
    manifest: str = "munmaek.folder.schema:Manifest"
    """The class of what ``munmaek.json`` says of its models."""
    mixed_manifest: str = ""
    """The same of mixtures of its models; empty where there are none."""
    asked: str = "munmaek.tasks.asked:Asked"
    """The class of the options of its evaluation."""
    answering: str = ""
    """The class of its verb: what a model of the task says of the rows of a table."""
    further: tuple[tuple[str, str], ...] = ()
    """Further verbs that answer rows, each with its class."""
    remote: str = "munmaek.tasks.remote:Remote"
    """The class of its models on a server."""
    living: str = ""
    """Maker of what a page takes along of a model; empty where none computes in a page."""

    def living_parts(self, model: Any, name: str) -> "LivingParts":
        """Return what a page takes along of a trained model; ``name`` is the model's.

        Raises:
            UnsupportedError: models of the task do not compute in a page, or this one does not.
        """
        if not self.living:
            message = f"{name}: models for '{self.name}' do not compute in a page"
            raise UnsupportedError(message)
        return load_name(self.living)(model, name)

    reads: str = "its data"
    """The data that it is trained on, in words."""
    besides: tuple[str, ...] = ()
    """Names of what it can be trained on or by besides, which only some tasks have."""
    examples: tuple[str, ...] = ()
    """Commands that train it."""
    afterwards: tuple[str, ...] = ()
    """Commands that one may want to type after training; {} is the model's folder."""
    candidates: tuple[Candidate, ...] = ()
    """Models to try where no stage is named, the counted ones first."""
    one_tokenizer: bool = False
    """Candidates read with one tokenizer, so that they can be mixed."""

    def nothing_more(self) -> "Extra":
        """Return that nothing is trained on besides the data."""
        from munmaek.fit.extra import Extra

        return Extra()

    def loaded(self) -> "Work[Any, Any, Any]":
        """Return the task's work."""
        return load_name(self.work)()

    def model_class(self) -> Any:
        """Return the class of the task's trained models."""
        return load_name(self.model)

    @property
    def verbs(self) -> dict[str, str]:
        """Return the verbs that answer rows by its models, each with its class."""
        return {**({self.verb: self.answering} if self.answering else {}), **dict(self.further)}

    def remote_class(self) -> Any:
        """Return the class of its models on a server."""
        return load_name(self.remote)

    def answering_class(self) -> "type[Answering]":
        """Return the class of the task's verb.

        Raises:
            UnsupportedError: the task, which is another package's, has none.
        """
        if not self.answering:
            message = f"models for '{self.name}' answer no rows of tables"
            raise UnsupportedError(message)
        return load_name(self.answering)

    def check_extra(self, extra: "Extra") -> None:
        """Check that the task can use all that is trained on besides.

        Raises:
            UnsupportedError: names the option and the tasks that have it.
        """
        for name in extra.given:
            if name not in self.besides:
                able = " and ".join(
                    f"'{one.name}'" for one in tasks().values() if name in one.besides
                )
                message = f"--{name.replace('_', '-')} is for {able}, not for '{self.name}'"
                raise UnsupportedError(message)

    def manifest_class(self, *, mixed: bool) -> "type[Manifest]":
        """Return the class of what ``munmaek.json`` says of a model, or of a mixture of some."""
        return load_name((mixed and self.mixed_manifest) or self.manifest)

    def recipe_class(self) -> "type[Recipe]":
        """Return the class of the task's options."""
        return load_name(self.recipe)

    def asked_class(self) -> "type[Asked]":
        """Return the class of the options of the task's evaluation."""
        return load_name(self.asked)


TASKS = (
    Task(
        name="lm",
        purpose="predict each next token of a text",
        verb="score",
        headline=("bits_per_character", "perplexity"),
        work="munmaek.tasks.lm.task:LanguageModels",
        model="munmaek.tasks.lm.model:TrainedLanguageModel",
        manifest="munmaek.folder.schema:Tokenized",
        mixed_manifest="munmaek.tasks.lm.manifest:MixedLanguageModel",
        beside=("word_perplexity", "perplexity"),
        recipe="munmaek.tasks.lm.options:LmRecipe",
        answering="munmaek.tasks.lm.answering:Scoring",
        remote="munmaek.tasks.lm.remote:RemoteLanguageModel",
        living="munmaek.tasks.lm.living:living",
        asked="munmaek.tasks.lm.options:AskedLines",
        reads="running text, a sentence a line",
        besides=("cache_tokens", "engine", "memory", "temp_dir", "threads", "reserved", "curve"),
        examples=(
            "munmaek train lm corpus.txt --model lstm --layers 2 --budget 5m -o models/lstm",
            "munmaek train lm corpus.txt.gz --model ngram --order 5 --tokenizer words -o 5gram",
            "munmaek train lm corpus.txt --model ngram --smoothing witten-bell --prune '0 1' -o m",
        ),
        afterwards=("generate {}", "look {} 'a sentence'"),
        candidates=(Candidate("ngram"), Candidate("rnn")),
        one_tokenizer=True,
    ),
    Task(
        name="classify",
        purpose="label a text, or a pair of texts, with one label or several",
        verb="classify",
        headline=("accuracy", "exact_match", "macro_f1"),
        work="munmaek.tasks.classify.task:Classifiers",
        model="munmaek.tasks.classify.model:Classifier",
        manifest="munmaek.tasks.classify.manifest:ClassifyingAlone",
        mixed_manifest="munmaek.tasks.classify.manifest:MixedClassifying",
        beside=("macro_f1", "micro_f1"),
        recipe="munmaek.tasks.classify.options:ClassifyRecipe",
        answering="munmaek.tasks.classify.answering:Classifying",
        remote="munmaek.tasks.classify.remote:RemoteClassifier",
        living="munmaek.tasks.classify.living:living",
        asked="munmaek.tasks.classify.options:AskedLabels",
        reads="a table of texts with their labels, or of pairs of texts",
        besides=("soft_labels", "curve"),
        examples=(
            "munmaek train classify reviews.tsv --model attention -o models/reviews",
            "munmaek train classify nli.tsv --pairs --model bert --init models/bert -o models/nli",
            "munmaek train classify reviews.tsv --model rnn --seeds '0 1 2' --calibrate -o m",
            "munmaek train classify reviews.tsv --model rnn --soft-labels answers.jsonl -o m",
        ),
        afterwards=("classify {} FILE", "look {} 'a sentence'"),
        candidates=(
            Candidate("ngram", {"tokenizer": "characters"}),
            Candidate("ngram"),
            Candidate("ngram", {"tokenizer": "characters", "model": {"discriminative": True}}),
            Candidate(
                "ngram",
                {
                    "tokenizer": "words",
                    "vocab_size": 200_000,
                    "model": {"discriminative": True, "order": 3},
                },
            ),
            Candidate("attention"),
            Candidate("rnn"),
        ),
    ),
    Task(
        name="regress",
        purpose="rate a text, or a pair of texts, with a number",
        verb="rate",
        headline=("spearman", "pearson"),
        work="munmaek.tasks.regress.task:Regressors",
        model="munmaek.tasks.regress.model:Regressor",
        manifest="munmaek.tasks.regress.manifest:Rating",
        beside=("pearson", "mse"),
        recipe="munmaek.tasks.regress.options:RegressRecipe",
        answering="munmaek.tasks.regress.answering:Rating",
        living="munmaek.tasks.regress.living:living",
        remote="munmaek.tasks.regress.remote:RemoteRegressor",
        asked="munmaek.tasks.asked:AskedRows",
        reads="a table of texts, or of pairs of texts, with a number each",
        besides=("curve",),
        examples=(
            "munmaek train regress sts.tsv --pairs --model bert --init models/bert -o models/sts",
        ),
        afterwards=("rate {} FILE",),
        candidates=(Candidate("attention"), Candidate("rnn")),
    ),
    Task(
        name="tag",
        purpose="label every word of a sentence",
        verb="tag",
        headline=("span_f1", "accuracy"),
        work="munmaek.tasks.tag.task:Taggers",
        model="munmaek.tasks.tag.model:Tagger",
        manifest="munmaek.tasks.tag.manifest:Tagging",
        beside=("accuracy", "span_precision", "span_recall"),
        recipe="munmaek.tasks.tag.options:TagRecipe",
        answering="munmaek.tasks.tag.answering:Tagging",
        living="munmaek.tasks.tag.living:living",
        remote="munmaek.tasks.tag.remote:RemoteTagger",
        reads="a word and its label a line, an empty line after each sentence",
        besides=("curve",),
        examples=("munmaek train tag names.tsv --model bert --init models/bert -o models/names",),
        afterwards=("tag {} FILE",),
        candidates=(Candidate("bert"),),
    ),
    Task(
        name="translate",
        purpose="translate a text",
        verb="translate",
        headline=("bleu", "chrf"),
        work="munmaek.tasks.translate.task:Translators",
        model="munmaek.tasks.translate.model:Translator",
        manifest="munmaek.tasks.translate.manifest:Translating",
        beside=("chrf", "ter", "perplexity", "bits_per_character"),
        recipe="munmaek.tasks.translate.options:TranslateRecipe",
        answering="munmaek.tasks.translate.answering:Translating",
        living="munmaek.tasks.translate.living:living",
        further=(("align", "munmaek.tasks.translate.aligning:Aligning"),),
        remote="munmaek.tasks.translate.remote:RemoteTranslator",
        asked="munmaek.tasks.translate.options:AskedBitext",
        reads="two parallel files, or a table of sentence pairs",
        besides=("alignment_supervision", "back_translated", "curve"),
        examples=(
            "munmaek train translate ko.txt en.txt --model transformer --epochs 20 -o models/ko-en",
            "munmaek train translate ko.txt en.txt --model attention --bpe-dropout 0.1 -o m",
        ),
        afterwards=("translate {} FILE", "look {} 'a sentence'"),
        candidates=(Candidate("attention"), Candidate("transformer")),
    ),
    Task(
        name="mlm",
        purpose="fill in masked words, read from both sides",
        verb="fill",
        headline=("masked_accuracy", "masked_perplexity"),
        work="munmaek.tasks.mlm.task:MaskedModels",
        model="munmaek.tasks.mlm.model:Encoder",
        manifest="munmaek.tasks.mlm.manifest:Encoding",
        beside=("masked_perplexity", "next_sentence_accuracy"),
        also=("embed",),
        recipe="munmaek.tasks.mlm.options:MlmRecipe",
        answering="munmaek.tasks.mlm.answering:Filling",
        living="munmaek.tasks.mlm.living:living",
        remote="munmaek.tasks.mlm.remote:RemoteEncoder",
        asked="munmaek.tasks.mlm.options:AskedMasked",
        reads="running text, a text a line",
        besides=("cache_tokens", "curve"),
        examples=(
            "munmaek train mlm corpus.txt --model bert --layers 6 --epochs 20 -o models/bert",
            "munmaek train mlm corpus.txt --model bert --next-sentence --dry-run",
        ),
        afterwards=(
            "fill {} 'a text with <mask> in it'",
            "train classify DATA --model bert --init {} -o DIR",
        ),
    ),
    Task(
        name="embed",
        purpose="embed texts, near one another where they mean the same",
        verb="embed",
        headline=("spearman", "retrieval_accuracy"),
        work="munmaek.tasks.embed.task:Embedders",
        model="munmaek.tasks.mlm.model:Encoder",
        manifest="munmaek.tasks.mlm.manifest:Encoding",
        beside=("retrieval_accuracy", "mean_reciprocal_rank"),
        also=("mlm",),
        recipe="munmaek.tasks.embed.options:EmbedRecipe",
        answering="munmaek.tasks.embed.answering:Embedding",
        living="munmaek.tasks.mlm.living:living_embedder",
        remote="munmaek.tasks.mlm.remote:RemoteEncoder",
        asked="munmaek.tasks.asked:AskedPairs",
        reads="texts, a text a line, or a table of pairs of one meaning",
        besides=("curve",),
        examples=(
            "munmaek train embed lines.txt --model bert --init models/bert --valid sts.tsv -o m",
        ),
        afterwards=("embed {} FILE -o vectors.npy", "search {} FILE 'a sentence'"),
    ),
)


def load_name(path: str) -> Any:
    """Return what ``module:name`` names, its module loaded."""
    module, name = path.split(":")
    return getattr(import_module(module), name)


@cache
def tasks() -> dict[str, Task]:
    """Return every task by name, in the order of the table, those of other packages last."""
    return {task.name: task for task in TASKS} | rows_of_others("munmaek.tasks")


def task_named(name: str) -> Task:
    """Return the task of that name.

    Raises:
        UnsupportedError: there is none; the message lists those there are.
    """
    try:
        return tasks()[name]
    except KeyError:
        message = f"unknown task '{name}'; the tasks are {', '.join(tasks())}"
        raise UnsupportedError(message) from None
