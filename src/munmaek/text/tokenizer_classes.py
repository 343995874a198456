"""The tokenizers of transformers' classes, one function a class.

Each gives its pipeline, its special tokens by name, those that have none, and what makes its
post-processor once the special tokens are there (transformers 5.23, ``tokenization_*.py``).
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast, final

from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers import Tokenizer as Pipeline

from munmaek.errors import ArtefactError
from munmaek.text.pipelines import open_pipeline
from munmaek.text.sentencepiece import SentencePiece, read_sentencepiece
from munmaek.text.tokenizer_settings import NAMED, Settings, Token

__all__ = [
    "AS_IT_IS", "BERT", "BUILDERS", "CAMEMBERT", "KOBERT", "ROBERTA", "XLM", "Source",
    "object_of",
]  # fmt: skip

BERT, ROBERTA, XLM, CAMEMBERT, KOBERT, AS_IT_IS = range(6)
SENTENCEPIECE = ("sentencepiece.bpe.model", "tokenizer.model")
BERT_NAMES = {
    "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}  # fmt: skip
ROBERTA_NAMES = {
    "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "</s>",
    "pad_token": "<pad>", "cls_token": "<s>", "mask_token": "<mask>",
}  # fmt: skip
CAMEMBERT_EXTRA = ["<s>NOTUSED", "</s>NOTUSED", "<unk>NOTUSED"]

_m, _n, _p, _d, _f = (
    cast("Any", models),
    cast("Any", normalizers),
    cast("Any", pre_tokenizers),
    cast("Any", decoders),
    cast("Any", processors),
)


@final
@dataclass(frozen=True, slots=True)
class Source:
    """The files of a folder, and the class that reads them."""

    folder: Path
    name: str
    serialised: Mapping[str, Any]
    """``tokenizer.json``; empty where there is none."""
    settings: Settings

    def token(self, name: str, default: str | None = None) -> Token:
        """Return a special token that the class cannot do without.

        Raises:
            ArtefactError: it is null, or no token.
        """
        found = self.settings.token(name) if name in self.settings.values else default
        if found is None:
            raise self.settings.wrong(name, f"a token, as {self.name} needs one,")
        return found

    def numbered(self, name: str, default: str, pipeline: Pipeline) -> tuple[str, int]:
        """Return a special token that the class cannot do without, and its id.

        Raises:
            ArtefactError: it is null, no token, or not in the vocabulary.
        """
        token = str(self.token(name, default))
        number = pipeline.token_to_id(token)
        if number is None:
            raise self.settings.wrong(name, "a token of the vocabulary")
        return token, number

    def refused(self, wanted: str) -> ArtefactError:
        """Return the error for a folder without the files of its class."""
        return ArtefactError(f"{self.folder}: no tokenizer: {self.name} reads {wanted}")


_Frame: TypeAlias = Callable[[Source, Pipeline], Any]
_Built: TypeAlias = tuple[Pipeline, dict[str, Token | None], list[Token], _Frame]


def object_of(value: Any) -> dict[str, Any]:
    """Return a JSON object, or an empty one in the place of anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _named(source: Source, defaults: Mapping[str, Token]) -> dict[str, Token | None]:
    """Return the special tokens with a name, in transformers' order; null is none."""
    settings = source.settings
    return {
        name: settings.token(name) if name in settings.values else defaults.get(name)
        for name in NAMED
    }


def _nameless(source: Source, read: SentencePiece | None, usual: Sequence[Token]) -> list[Token]:
    """Return the special tokens without a name.

    Those of a SentencePiece model are its control and user symbols, which are never cut.
    """
    extra = source.settings.tokens("extra_special_tokens")
    if extra is not None:
        return extra
    if read is not None:
        return [AddedToken(piece, normalized=False, special=is_) for piece, is_ in read.added]
    given = source.settings.tokens("additional_special_tokens")
    return list(usual) if given is None else given


def _vocabulary(source: Source, wanted: str) -> Any:
    """Return the vocabulary of ``tokenizer.json``, which is of the kind that the class reads."""
    path = source.folder / "tokenizer.json"
    model = object_of(source.serialised.get("model"))
    found = model.get("type")
    if found is None:  # old files do not say, or it is none
        found = type(open_pipeline(path).model).__name__
    if found != wanted:
        message = (
            f"{path}: a {found} model, where {source.name} reads {wanted}; to use it as it is, set "
            "'tokenizer_class' to PreTrainedTokenizerFast in tokenizer_config.json"
        )
        raise ArtefactError(message)
    vocabulary: Any = model.get("vocab")
    if wanted == "Unigram":
        return _model(lambda: [(str(piece), float(score)) for piece, score in vocabulary], path)
    return vocabulary


def _model(make: Callable[[], Any], path: Path) -> Any:
    """Make a model of the library, which raises whatever it likes."""
    try:
        return make()
    except Exception as error:  # noqa: BLE001
        message = f"{path}: no vocabulary that can be used: {error}"
        raise ArtefactError(message) from None


def _sentencepiece(source: Source) -> SentencePiece:
    for name in SENTENCEPIECE:
        if (source.folder / name).is_file():
            return read_sentencepiece(source.folder / name)
    wanted = f"tokenizer.json or {SENTENCEPIECE[0]}"
    raise source.refused(wanted)


def _bert(source: Source) -> _Built:
    settings, unknown = source.settings, str(source.token("unk_token", "[UNK]"))
    path = source.folder / "vocab.txt"
    if source.serialised:
        vocabulary = _vocabulary(source, "WordPiece")
        place = source.folder / "tokenizer.json"
        model = _model(lambda: _m.WordPiece(vocabulary, unk_token=unknown), place)
    elif path.is_file():
        model = _model(lambda: _m.WordPiece.from_file(str(path), unk_token=unknown), path)
    else:
        raise source.refused("tokenizer.json or vocab.txt")
    pipeline: Any = Pipeline(model)
    pipeline.normalizer = _n.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=settings.flag("tokenize_chinese_chars", default=True),
        strip_accents=settings.flag("strip_accents", default=None),
        lowercase=settings.flag("do_lower_case", default=True),
    )
    pipeline.pre_tokenizer = _p.BertPreTokenizer()
    pipeline.decoder = _d.WordPiece(prefix="##")
    return pipeline, _named(source, BERT_NAMES), _nameless(source, None, []), _bert_frame


def _bert_frame(source: Source, pipeline: Pipeline) -> Any:
    cls = source.numbered("cls_token", "[CLS]", pipeline)
    sep = source.numbered("sep_token", "[SEP]", pipeline)
    return _f.BertProcessing(sep, cls)


def _roberta(source: Source) -> _Built:
    files = source.folder / "vocab.json", source.folder / "merges.txt"
    options = {"continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False}
    if source.serialised:
        vocabulary = _vocabulary(source, "BPE")
        merges = cast("list[Any]", source.serialised["model"].get("merges") or [])
        path = source.folder / "tokenizer.json"
        pairs = _model(
            lambda: [tuple(m.split(" ") if isinstance(m, str) else m) for m in merges], path
        )
        model = _model(lambda: _m.BPE(vocabulary, pairs, **options), path)
    elif files[0].is_file() and files[1].is_file():
        model = _model(lambda: _m.BPE.from_file(*map(str, files), **options), files[0])
    else:
        raise source.refused("tokenizer.json, or vocab.json with merges.txt")
    pipeline: Any = Pipeline(model)
    prefixed = source.settings.flag("add_prefix_space", default=False)
    pipeline.pre_tokenizer = _p.ByteLevel(add_prefix_space=prefixed)
    pipeline.decoder = _d.ByteLevel()
    return pipeline, _named(source, ROBERTA_NAMES), _nameless(source, None, []), _roberta_frame


def _roberta_frame(source: Source, pipeline: Pipeline) -> Any:
    return _f.RobertaProcessing(
        source.numbered("sep_token", "</s>", pipeline),
        source.numbered("cls_token", "<s>", pipeline),
        source.settings.flag("trim_offsets", default=True),
        source.settings.flag("add_prefix_space", default=False),
    )


def _xlm(source: Source) -> _Built:
    read = None if source.serialised else _sentencepiece(source)
    if read is None:
        pieces = _vocabulary(source, "Unigram")
    else:
        head = [str(source.token(name, ROBERTA_NAMES[name])) for name in
                ("bos_token", "pad_token", "eos_token", "unk_token")]  # fmt: skip
        mask = str(source.token("mask_token", "<mask>"))
        pieces = [*((token, 0.0) for token in head), *read.pieces[3:], (mask, 0.0)]
    pipeline = _unigram(source, pieces, 3, read)
    return pipeline, _named(source, ROBERTA_NAMES), _nameless(source, read, []), _doubled


def _camembert(source: Source) -> _Built:
    read = None if source.serialised else _sentencepiece(source)
    unknown = str(source.token("unk_token", "<unk>"))
    if read is None:
        pieces = _vocabulary(source, "Unigram")
    else:
        head = ["<s>NOTUSED", str(source.token("pad_token", "<pad>")), "</s>NOTUSED", unknown]
        last = [("<unk>NOTUSED", -100.0)]
        mask = str(source.token("mask_token", "<mask>"))
        pieces = [*((token, 0.0) for token in head), *last, *read.pieces[1:], (mask, 0.0)]
    names = [piece for piece, _ in pieces]
    place = names.index(unknown) if unknown in names else 0
    pipeline = _unigram(source, pieces, place, read)
    named = _named(source, ROBERTA_NAMES)
    if isinstance(named["mask_token"], str):
        named["mask_token"] = AddedToken(named["mask_token"], lstrip=True, special=True)
    return pipeline, named, _nameless(source, read, CAMEMBERT_EXTRA), _doubled


def _doubled(source: Source, pipeline: Pipeline) -> Any:
    bos = source.numbered("bos_token", "<s>", pipeline)
    eos = source.numbered("eos_token", "</s>", pipeline)
    return _f.RobertaProcessing(eos, bos, trim_offsets=False, add_prefix_space=False)


def _unigram(
    source: Source, pieces: list[tuple[str, float]], unk: int, read: SentencePiece | None
) -> Any:
    """Make what XLM-R and CamemBERT make of their pieces."""
    path = source.folder / "tokenizer.json"
    pipeline: Any = Pipeline(_model(lambda: _m.Unigram(pieces, unk, byte_fallback=False), path))
    charsmap = read.charsmap if read else _model(lambda: _charsmap(source.serialised), path)
    if charsmap:
        pipeline.normalizer = _model(lambda: _n.Precompiled(charsmap), path)
    scheme = "always" if source.settings.flag("add_prefix_space", default=True) else "never"
    space = _p.Metaspace(replacement="▁", prepend_scheme=scheme)
    pipeline.pre_tokenizer = _p.Sequence([_p.WhitespaceSplit(), space])
    pipeline.decoder = _d.Metaspace(replacement="▁", prepend_scheme=scheme)
    return pipeline


def _charsmap(serialised: Mapping[str, Any]) -> bytes:
    """Return SentencePiece's compiled normalisation in a ``tokenizer.json``; empty without."""
    normalizer = object_of(serialised.get("normalizer"))
    for each in cast("list[Any]", normalizer.get("normalizers") or [normalizer]):
        step = object_of(each)
        if step.get("type") == "Precompiled":
            return base64.b64decode(str(step.get("precompiled_charsmap") or ""))
    return b""


def _kobert(source: Source) -> _Built:
    """Make a unigram model whose ids ``vocab.txt`` says."""
    found, vocabulary = sorted(source.folder.glob("*.model")), source.folder / "vocab.txt"
    if not found or not vocabulary.is_file():
        raise source.refused("tokenizer.json, or a SentencePiece .model with vocab.txt")
    read = read_sentencepiece(found[0])
    scores = dict(read.pieces)
    lowest = min(scores.values()) - 10.0
    names = vocabulary.read_text(encoding="utf-8").rstrip("\n").split("\n")
    pieces = [(name, scores.get(name, lowest)) for name in names]
    unk = names.index("[UNK]") if "[UNK]" in names else read.unk
    model = _model(lambda: _m.Unigram(pieces, unk, read.byte_fallback), vocabulary)
    pipeline: Any = Pipeline(model)
    steps: list[Any] = [_n.Precompiled(read.charsmap)] if read.charsmap else []
    steps.append(_n.Replace(Regex(" {2,}"), " "))
    pipeline.normalizer = _n.Sequence(steps)
    scheme = "always" if read.dummy_prefix else "never"
    pipeline.pre_tokenizer = _p.Metaspace(replacement="▁", prepend_scheme=scheme)
    pipeline.decoder = _d.Metaspace(replacement="▁", prepend_scheme=scheme)
    return pipeline, _named(source, BERT_NAMES), _nameless(source, None, []), _bert_frame


def _as_it_is(source: Source) -> _Built:
    path = source.folder / "tokenizer.json"
    if not source.serialised:
        raise source.refused("tokenizer.json")
    pipeline = open_pipeline(path)
    pipeline.no_padding()
    pipeline.no_truncation()
    pad = object_of(source.serialised.get("padding")).get("pad_token")
    return (
        pipeline,
        _named(source, {"pad_token": str(pad)} if pad else {}),
        _nameless(source, None, []),
        _its_own,
    )


def _its_own(_source: Source, _pipeline: Pipeline) -> None:
    """Leave the post-processor of ``tokenizer.json`` in place."""


BUILDERS: Mapping[int, Callable[[Source], _Built]] = {
    BERT: _bert,
    ROBERTA: _roberta,
    XLM: _xlm,
    CAMEMBERT: _camembert,
    KOBERT: _kobert,
    AS_IT_IS: _as_it_is,
}
