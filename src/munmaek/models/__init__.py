"""The lineage: one module or package a stage, each a better answer to "what is the context?".

``LINEAGE`` is a literal, ordered table; importing it loads no stage. A package may add stages of
its own through the entry point group ``munmaek.models``, whose objects are ``Stage`` rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from munmaek.errors import UnsupportedError

if TYPE_CHECKING:
    from munmaek.models.beginning import Beginning
    from munmaek.models.forms import Form
    from munmaek.models.living import Arrays

__all__ = [
    "LINEAGE",
    "Stage",
    "entry_points",
    "rows_of_others",
    "stage_named",
    "stages",
    "stages_for",
    "without_alias",
]


@dataclass(frozen=True, slots=True)
class Stage:
    """One row of the lineage.

    ``config`` and the values of ``networks`` are ``module:name`` paths, loaded when used. A network
    class is made as described in ``munmaek.models.networks`` for its task. ``training`` holds, by
    task, what trains well at small budgets where the loop's own default does not.
    """

    name: str
    context: str
    adds: str
    source: str
    config: str
    networks: dict[str, str]
    training: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    small: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """The sizes at which every number of its models can be shown: options of ``model`` and of
    ``train``; empty where it has none."""
    picture: str = ""
    """A drawing of its context: ``package:file`` of an SVG of 134 by 64; empty where there is
    none."""
    published: bool = False
    """Others have a form for its models: Hugging Face's, and graphs in ONNX."""
    counted: bool = False
    """Its models are counted: validation chooses nothing, and torch is not needed."""
    aligns: bool = False
    """Its translators attend to the source, so that given links can guide them."""
    recurrent: bool = False
    """A language model's state may run on over the sentences of a document."""
    aliases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])
    """Other names of the stage, with the options that each stands for."""

    beginning: str = "munmaek.models.beginning:Beginning"
    """The class by which its networks begin from trained ones."""

    form_of: str = "munmaek.models.forms:Form"
    """The class that gives the form of its models' folders."""

    specified_by: str = ""
    """Maker of CTranslate2's specification of its translators; empty where it knows none."""

    living: str = ""
    """Maker of the tensors that its twin in a page computes with, of a network; empty where it has
    none."""

    def living_tensors(self, network: Any, name: str) -> "Arrays":
        """Return the tensors of ``network`` for a page; ``name`` is the model's.

        Raises:
            UnsupportedError: the stage has no twin that computes in a page.
        """
        if not self.living:
            message = f"{name}: models of stage '{self.name}' do not compute in a page"
            raise UnsupportedError(message)
        return _load(self.living)(network)

    def specification(self) -> Any:
        """Return what makes CTranslate2's specification of a translator: of network and positions.

        Raises:
            UnsupportedError: CTranslate2 knows no such translators.
        """
        if not self.specified_by:
            message = f"CTranslate2 knows no translators of stage '{self.name}'"
            raise UnsupportedError(message)
        return _load(self.specified_by)

    def form(self) -> "Form":
        """Return how its models lie in their folder."""
        return _load(self.form_of)()

    def begun(self) -> "Beginning":
        """Return how its networks begin from trained ones."""
        return _load(self.beginning)()

    def config_class(self) -> Any:
        """Return the stage's configuration class, a ``munmaek.models.configuration.Config``."""
        return _load(self.config)

    def network_class(self, task: str) -> Any:
        """Return the class that does ``task``.

        Raises:
            UnsupportedError: this stage cannot do it; the message lists the stages that can.
        """
        self.check_task(task)
        return _load(self.networks[task])

    def check_task(self, task: str) -> None:
        """Check that the stage can do ``task``; nothing is loaded.

        Raises:
            UnsupportedError: it cannot; the message lists the stages that can.
        """
        if task not in self.networks:
            able = ", ".join(stage.name for stage in stages_for(task)) or "none"
            message = f"stage '{self.name}' cannot do the task '{task}'; stages that can: {able}"
            raise UnsupportedError(message)

    def drawing(self) -> str:
        """Return the SVG of its picture, empty where it has none.

        Dots are tokens, filled within reach and open out of it, the ring is what gets predicted,
        and the accent marks the context vector.
        """
        from importlib.resources import files

        package, _, name = self.picture.partition(":")
        return files(package).joinpath(name).read_text(encoding="utf-8") if package else ""

    def label_of(self, config: Any) -> str:
        """Return what people call a model of ``config``: ``5-gram``, ``LSTM``, ``attention``.

        A configuration without a ``label`` of its own has the stage's name.
        """
        return str(getattr(config, "label", self.name))


LINEAGE = (
    Stage(
        name="ngram",
        context="the last n−1 tokens",
        adds="counting and smoothing",
        source="Chen & Goodman 1998; Heafield et al. 2013",
        small={"model": {"order": 3}},
        picture="munmaek.models:pictures/ngram.svg",
        counted=True,
        living="munmaek.models.ngram.living:tensors",
        config="munmaek.models.ngram:NgramConfig",
        networks={
            "lm": "munmaek.models.ngram:NgramModel",
            "classify": "munmaek.models.ngram:NgramClassifier",
        },
    ),
    Stage(
        name="rnn",
        context="one hidden state, updated token by token",
        adds="any length, learned",
        source="Mikolov 2010; Hochreiter & Schmidhuber 1997; Cho 2014",
        small={
            "model": {"embedding": 6, "hidden": 8, "dropout": 0.0},
            "train": {"learning_rate": 2e-2},
        },
        picture="munmaek.models:pictures/rnn.svg",
        living="munmaek.models.rnn.living:tensors",
        config="munmaek.models.rnn:RnnConfig",
        beginning="munmaek.models.rnn.beginning:RnnBeginning",
        networks={
            "lm": "munmaek.models.rnn:RnnLanguageNetwork",
            "classify": "munmaek.models.rnn:RnnClassifierNetwork",
            "regress": "munmaek.models.rnn:RnnClassifierNetwork",
        },
        training={
            "lm": {"learning_rate": 3e-3},
            "classify": {"learning_rate": 1e-3},
            "regress": {"learning_rate": 1e-3},
        },
        recurrent=True,
        aliases={
            "lstm": {"cell": "lstm"},
            "gru": {"cell": "gru"},
            "elman": {"cell": "elman"},
        },
    ),
    Stage(
        name="seq2seq",
        context="the encoder's last state: one fixed context vector",
        adds="sequence in, sequence out",
        source="Sutskever 2014; Cho 2014",
        small={
            "model": {"embedding": 6, "hidden": 8, "dropout": 0.0},
            "train": {"learning_rate": 2e-2},
        },
        picture="munmaek.models:pictures/seq2seq.svg",
        living="munmaek.models.living:state",
        config="munmaek.models.seq2seq:Seq2SeqConfig",
        networks={"translate": "munmaek.models.seq2seq:FixedVectorTranslatorNetwork"},
    ),
    Stage(
        name="attention",
        context="a new context vector for every output step, weighted over all encoder states",
        adds="what matters, where; alignments one can see",
        source="Bahdanau 2015; Luong 2015",
        small={
            "model": {"embedding": 6, "hidden": 8, "encoder_hidden": 4, "dropout": 0.0},
            "train": {"learning_rate": 2e-2},
        },
        picture="munmaek.models:pictures/attention.svg",
        aligns=True,
        living="munmaek.models.living:state",
        config="munmaek.models.attention:AttentionConfig",
        networks={
            "classify": "munmaek.models.attention:AttentionClassifierNetwork",
            "regress": "munmaek.models.attention:AttentionClassifierNetwork",
            "translate": "munmaek.models.attention:AttentionTranslatorNetwork",
        },
        training={
            "classify": {"learning_rate": 1e-3},
            "regress": {"learning_rate": 1e-3},
        },
    ),
    Stage(
        name="self_attention",
        context="for every token its own context vector over the sentence itself",
        adds="no recurrence: all positions at once",
        source="Vaswani 2017",
        small={"model": {"dimension": 8, "dropout": 0.0}, "train": {"learning_rate": 2e-2}},
        picture="munmaek.models:pictures/self_attention.svg",
        living="munmaek.models.living:state",
        config="munmaek.models.self_attention:SelfAttentionConfig",
        networks={
            "lm": "munmaek.models.self_attention:SelfAttentionLanguageNetwork",
            "classify": "munmaek.models.self_attention:SelfAttentionClassifierNetwork",
            "regress": "munmaek.models.self_attention:SelfAttentionClassifierNetwork",
        },
        training={
            "lm": {"learning_rate": 3e-3},
            "classify": {"learning_rate": 1e-3},
            "regress": {"learning_rate": 1e-3},
        },
    ),
    Stage(
        name="transformer",
        context="many heads, concatenated, fed forward, stacked",
        adds="depth, parallel matrix work",
        source="Vaswani 2017",
        small={
            "model": {"dimension": 8, "heads": 2, "layers": 1, "feed_forward": 16, "dropout": 0.0},
            "train": {"learning_rate": 2e-2},
        },
        picture="munmaek.models:pictures/transformer.svg",
        specified_by="munmaek.models.transformer.specification:translator_spec",
        aligns=True,
        living="munmaek.models.living:state",
        config="munmaek.models.transformer:TransformerConfig",
        networks={
            "lm": "munmaek.models.transformer:TransformerLanguageNetwork",
            "classify": "munmaek.models.transformer:TransformerClassifierNetwork",
            "regress": "munmaek.models.transformer:TransformerClassifierNetwork",
            "translate": "munmaek.models.transformer:TransformerTranslatorNetwork",
        },
        training={
            "lm": {"learning_rate": 1.5e-3, "warmup": 0.08},
            "classify": {"learning_rate": 5e-4, "warmup": 0.1},
            "regress": {"learning_rate": 5e-4, "warmup": 0.1},
            "translate": {"learning_rate": 1e-3, "warmup": 0.1},
        },
    ),
    Stage(
        name="bert",
        context="a deep bidirectional stack, pre-trained by filling masked words",
        adds="one encoder for many tasks",
        source="Devlin 2019",
        small={
            "model": {
                "hidden_size": 8,
                "num_hidden_layers": 1,
                "num_attention_heads": 2,
                "intermediate_size": 16,
                "hidden_dropout_prob": 0.0,
                "initializer_range": 0.2,
            },
            "train": {"optimizer": "adamw", "learning_rate": 1e-2},
        },
        picture="munmaek.models:pictures/bert.svg",
        published=True,
        living="munmaek.models.living:state",
        config="munmaek.models.bert:BertConfig",
        form_of="munmaek.models.bert.form:BertForm",
        beginning="munmaek.models.bert.beginning:BertBeginning",
        networks={
            "classify": "munmaek.models.bert:BertClassifierNetwork",
            "regress": "munmaek.models.bert:BertClassifierNetwork",
            "mlm": "munmaek.models.bert:BertMaskedNetwork",
            "tag": "munmaek.models.bert:BertTaggerNetwork",
            "embed": "munmaek.models.bert:BertBaseNetwork",
        },
        training={
            "classify": {"learning_rate": 3e-4, "warmup": 0.1},
            "regress": {"learning_rate": 3e-4, "warmup": 0.1},
            "mlm": {"optimizer": "muon", "learning_rate": 2e-3, "warmup": 0.1},
            "tag": {"learning_rate": 3e-4, "warmup": 0.1},
            "embed": {"learning_rate": 1e-4, "warmup": 0.1},
        },
    ),
)


def _load(path: str) -> Any:
    module, name = path.split(":")
    return getattr(import_module(module), name)


@cache
def entry_points() -> Any:
    """Return the entry points of all installed packages, read once."""
    from importlib import metadata  # which takes longer than all that is here

    return metadata.entry_points()


def rows_of_others(group: str) -> dict[str, Any]:
    """Return by name what other packages that are installed give under an entry point's group."""
    return {point.name: point.load() for point in entry_points().select(group=group)}


@cache
def stages() -> dict[str, Stage]:
    """Return every stage by name, in the order of the lineage, those of other packages last."""
    return {stage.name: stage for stage in LINEAGE} | rows_of_others("munmaek.models")


def stages_for(task: str) -> list[Stage]:
    """Return the stages that can do ``task``, in the order of the lineage."""
    return [stage for stage in stages().values() if task in stage.networks]


def stage_named(name: str) -> Stage:
    """Return the stage of that name.

    Raises:
        UnsupportedError: there is none; the message lists those there are.
    """
    try:
        return stages()[name]
    except KeyError:
        message = f"unknown stage '{name}'; the lineage is {', '.join(stages())}"
        raise UnsupportedError(message) from None


def without_alias(name: str) -> tuple[str, Mapping[str, Any]]:
    """Return the stage that ``name`` means and the options it stands for: ``lstm``, an ``rnn``."""
    for stage in stages().values():
        if name in stage.aliases:
            return stage.name, stage.aliases[name]
    return name, {}
