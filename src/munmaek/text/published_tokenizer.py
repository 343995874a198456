"""The tokenizer of a published folder, made as transformers 5.23 makes it.

Which class of transformers it is decides, as ``AutoTokenizer`` finds it: that of
``tokenizer_config.json``, that of ``config.json``, or the one of the files and the architecture.

    BertTokenizer         vocab.txt, or the vocabulary of tokenizer.json
    RobertaTokenizer      vocab.json with merges.txt, or those of tokenizer.json
    XLMRobertaTokenizer   sentencepiece.bpe.model numbered as fairseq does, or tokenizer.json
    CamembertTokenizer    the same with CamemBERT's numbers
    PreTrainedTokenizer   tokenizer.json as it is
    KoBertTokenizer       a SentencePiece model whose ids vocab.txt says

The first four take only a vocabulary from ``tokenizer.json``: how texts are normalised, cut and
framed is the class's, with the options of ``tokenizer_config.json``. Other classes are refused.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, final

from tokenizers import AddedToken
from tokenizers import Tokenizer as Pipeline

from munmaek.errors import ArtefactError, UnsupportedError
from munmaek.text.frames import Frame
from munmaek.text.tokenizer_classes import (
    AS_IT_IS,
    BERT,
    BUILDERS,
    CAMEMBERT,
    KOBERT,
    ROBERTA,
    XLM,
    Source,
    object_of,
)
from munmaek.text.tokenizer_settings import Settings, Token, read_json, read_settings

__all__ = ["PublishedTokenizer", "read_published"]

CLASSES = {
    **dict.fromkeys(
        (
            "BertTokenizer", "ElectraTokenizer", "DistilBertTokenizer", "ConvBertTokenizer",
            "MobileBertTokenizer", "SqueezeBertTokenizer", "LayoutLMTokenizer",
        ),
        BERT,
    ),
    **dict.fromkeys(("RobertaTokenizer", "LongformerTokenizer", "BartTokenizer"), ROBERTA),
    "XLMRobertaTokenizer": XLM,
    "CamembertTokenizer": CAMEMBERT,
    **dict.fromkeys(("KoBertTokenizer", "KoBERTTokenizer"), KOBERT),
    **dict.fromkeys(("PreTrainedTokenizer", "TokenizersBackend", "PythonBackend"), AS_IT_IS),
}  # fmt: skip
"""Names of classes, without "Fast", and how they are made here."""
OF_MODELS = {
    "bert": "BertTokenizer",
    "electra": "BertTokenizer",
    "distilbert": "BertTokenizer",
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
    "camembert": "CamembertTokenizer",
}
"""The class of an architecture whose folder names none."""
WITH_TYPES = ("input_ids", "token_type_ids", "attention_mask")
WITHOUT_TYPES = ("input_ids", "attention_mask")


@final
@dataclass(frozen=True, slots=True)
class PublishedTokenizer:
    """A pipeline with what stands beside it in the folder's files."""

    pipeline: Pipeline
    named: Mapping[str, str]
    """Special tokens by their names in ``tokenizer_config.json``."""
    special: frozenset[int]
    """Ids of all special tokens, named or not."""
    frame: Frame
    split: bool
    """A special token's literal in a text is text (``split_special_tokens``)."""
    longest: int | None
    """Tokens of the longest text; None says nothing of it."""


def read_published(folder: Path) -> PublishedTokenizer:
    """Make the tokenizer of a published folder.

    Raises:
        ArtefactError: files that are missing, damaged or do not fit one another; a class of
            tokenizers, or code of the folder's own, that munmaek cannot reproduce.
    """
    content = read_json(folder / "tokenizer.json")
    source = Source(folder, _class(folder, content), content, read_settings(folder, content))
    kind = CLASSES[source.name]
    if kind == KOBERT and content:
        kind = AS_IT_IS
    return _finished(source, kind)


def _class(folder: Path, serialised: Mapping[str, Any]) -> str:
    """Return the name of the class, as ``AutoTokenizer`` finds it."""
    where = folder / "tokenizer_config.json"
    own, model = read_json(where), read_json(folder / "config.json")
    mapped = own.get("auto_map")
    code = object_of(mapped).get("AutoTokenizer") if isinstance(mapped, dict) else mapped
    if code:
        message = (
            f"{where}: 'auto_map': {code} is code of the folder's own, which munmaek does not run; "
            "save the tokenizer as tokenizer.json of class PreTrainedTokenizerFast"
        )
        raise UnsupportedError(message)
    name = own.get("tokenizer_class") or model.get("tokenizer_class")
    if name is None:
        return _unnamed(folder, serialised, model.get("model_type"))
    bare = str(name).removesuffix("Fast")
    if bare not in CLASSES:
        message = (
            f"{where}: 'tokenizer_class': '{name}' is not one that munmaek reproduces; it reads "
            f"{', '.join(CLASSES)}"
        )
        raise UnsupportedError(message)
    return bare


def _unnamed(folder: Path, serialised: Mapping[str, Any], architecture: Any) -> str:
    """Tell the class of a folder that names none, from its files, then its architecture."""
    of_model = OF_MODELS.get(str(architecture))
    if serialised:
        return of_model or "PreTrainedTokenizer"
    if (folder / "vocab.txt").is_file():
        return "KoBertTokenizer" if any(folder.glob("*.model")) else "BertTokenizer"
    if (folder / "vocab.json").is_file():
        return "RobertaTokenizer"
    return of_model or "PreTrainedTokenizer"


def _finished(source: Source, kind: int) -> PublishedTokenizer:
    """Return the pipeline of a kind with its special tokens added and its frame read."""
    settings = source.settings
    pipeline, named, listed, frame = BUILDERS[kind](source)
    tokens = {**{n: t for n, t in named.items() if t is not None}, **settings.own}
    names = {str(token) for token in tokens.values()}
    _add(pipeline, settings.added, [*tokens.values(), *listed], names)
    _check_unknown(pipeline, source)
    processor = frame(source, pipeline)
    if processor is not None:
        cast("Any", pipeline).post_processor = processor
    special = {pipeline.token_to_id(str(token)) for token in [*tokens.values(), *listed]}
    return PublishedTokenizer(
        pipeline,
        {name: str(token) for name, token in tokens.items()},
        frozenset(number for number in special if number is not None),
        _frame(pipeline, source, settings),
        bool(settings.flag("split_special_tokens", default=False)),
        settings.longest,
    )


def _frame(pipeline: Pipeline, source: Source, settings: Settings) -> Frame:
    usual = WITHOUT_TYPES
    if CLASSES[source.name] in (BERT, KOBERT) and source.name != "DistilBertTokenizer":
        usual = WITH_TYPES
    direction = object_of(source.serialised.get("truncation")).get("direction", "right")
    return Frame.of(
        pipeline.post_processor,
        where=str(source.folder / "tokenizer.json"),
        segmented="token_type_ids" in settings.names("model_input_names", usual),
        cut_left=settings.side("truncation_side", str(direction).lower()) == "left",
    )


def _add(
    pipeline: Pipeline,
    added: Mapping[int, AddedToken],
    special: Sequence[Token],
    names: Collection[str],
) -> None:
    """Add tokens in transformers' order, on which the ids of new ones depend."""
    # Those that are there already are added again: the last one's flags hold.
    new: list[Token] = [token for _, token in sorted(added.items())]
    known = {token.content for token in pipeline.get_added_tokens_decoder().values()}
    known |= {str(token) for token in new}
    new += [token for token in special if str(token) not in known]
    made: list[AddedToken] = []
    for token in new:
        each = AddedToken(token, special=True) if isinstance(token, str) else token
        each.special = each.special or each.content in names
        made.append(each)
    cast("Any", pipeline).add_tokens(made)


def _check_unknown(pipeline: Pipeline, source: Source) -> None:
    """Check what some models fail at only with the first unknown character."""
    try:
        pipeline.encode("☃ ꙮ 𝄞", add_special_tokens=False)
    except Exception as error:  # noqa: BLE001  the library raises bare Exception
        message = f"{source.folder}: the tokenizer cannot read an unknown character: {error}"
        raise ArtefactError(message) from None
